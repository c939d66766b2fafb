//! `ohyeah build`: an index file from word vectors.

use std::io::Write;
use std::path::{Path, PathBuf};

use ohyeah::forest::BuildOptions;
use ohyeah::{Cancel, Metric, Packed, ParBuildItems, Progress, Rayon, packed};

use crate::{
    failure::Failure,
    input::Input,
    numbers::{at_least_one, seed},
    report::{Report, SHARES},
};

/// Build an index over word vectors: a packed one, which holds the words and needs nothing else, or, where INDEX ends in .ann,
/// a forest, which Annoy can search as well
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// Where to write the index: .oy or .ann; `-` writes a packed one to standard output
    #[arg(short, long, value_name = "INDEX")]
    output: PathBuf,

    /// What near means: angular, euclidean, manhattan, hamming or dot
    #[arg(long, value_name = "METRIC", default_value = "angular")]
    metric: Metric,

    /// Grow N trees in a forest: more give better answers and a larger index [default: 50]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    trees: Option<usize>,

    /// Measure what each recall takes with the vectors of FILE in place of those of the index: for searches with queries from elsewhere;
    /// some hundreds are enough
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,

    /// Another seed for the random choices; the same seed gives the same index
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    seed: u64,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let mut out = args.input.create_other(&args.output)?;
    let vectors = args.input.load(report)?.vectors;
    let of_input = |error: &dyn std::error::Error| Failure::about(args.input.name(), error);
    let is_forest = args.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ann"));
    if !is_forest {
        if args.trees.is_some() {
            let problem = "--trees is for a forest, whose name ends in .ann; a packed index has none";
            return Err(Failure::about(args.output.display(), problem));
        }
        let words: Vec<&str> = vectors.words().collect();
        let bar = report.share("packing");
        let packed = |share: f32| bar.set_position((share * SHARES) as u64);
        let options = packed::BuildOptions::new().backend(ohyeah::backend()?).keys(&words).seed(args.seed);
        let options = options.progress(Progress::new(&packed));
        let (numbers, dimensions) = (vectors.vectors(), vectors.dimensions());
        let index = Packed::build_with::<Rayon>(args.metric, numbers, dimensions, &options);
        let index = index.map_err(|error| of_input(&error))?;
        let index = match &args.queries {
            Some(path) => calibrated(&index, path, report)?,
            None => index,
        };
        out.write_all(index.as_bytes())?;
        return Ok(out.commit()?);
    }
    if args.queries.is_some() {
        let problem = "--queries is for a packed index, whose name ends in .oy; a forest is not calibrated";
        return Err(Failure::about(args.output.display(), problem));
    }
    let items = vectors.items(args.metric).map_err(|error| of_input(&error))?;
    drop(vectors);
    let trees = args.trees.unwrap_or(BuildOptions::DEFAULT_TREES);
    let bar = report.share("growing trees");
    let grown = |share: f32| bar.set_position(bar.position().max((share * SHARES) as u64));
    let options = BuildOptions::new().trees(trees).seed(args.seed).progress(Progress::new(&grown));
    let forest = items.par_build(&options).map_err(|error| of_input(&error))?;
    out.write_all(forest.as_bytes())?;
    Ok(out.commit()?)
}

/// The index, calibrated with the vectors of a file.
fn calibrated(index: &Packed, path: &Path, report: Report) -> Result<Packed, Failure> {
    let input = Input::of(path.to_owned());
    let queries = input.load(report)?.vectors;
    let each: Vec<&[f32]> = queries.vectors().chunks_exact(queries.dimensions().max(1)).collect();
    let bar = report.share("measuring recall");
    let measured = |share: f32| bar.set_position((share * SHARES) as u64);
    let index = index.calibrate_with::<Rayon>(&each, Progress::new(&measured), Cancel::NEVER);
    index.map_err(|error| Failure::about(input.name(), error))
}
