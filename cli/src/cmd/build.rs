//! `ohyeah build`: an index file from word vectors.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ohyeah::forest::{AnyItems, BuildOptions, ItemError};
use ohyeah::{Cancel, Metric, Packed, ParBuildItems, Progress, Rayon, packed};
use ohyeah_words::{Foreign, Matrix, ReadErrorKind, WordVectors};

use crate::{
    failure::Failure,
    input::Input,
    kind::is_npy,
    numbers::{at_least_one, seed},
    output::Output,
    report::{Report, SHARES},
};

/// Build an index over word vectors: a packed one, which holds the words and needs nothing else, or, where INDEX ends in .ann,
/// a forest, which Annoy can search as well
///
/// With --no-words, VECTORS may be an array of NumPy (.npy), and the ids are the numbers of its rows, from 0.
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

    /// Put no words into a packed index
    #[arg(long, conflicts_with = "words_apart")]
    no_words: bool,

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Packed,
    Forest,
}

/// What an index is built of.
enum Rows {
    Named(WordVectors),
    Plain(Matrix),
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let out = args.input.create_other(&args.output, args.queries.as_deref(), report)?;
    let kind = kind(args)?;
    let rows = rows(args, report)?;
    match kind {
        Kind::Packed => packed_index(args, &rows, out, report),
        Kind::Forest => forest(args, rows, out, report),
    }
}

fn rows(args: &Args, report: Report) -> Result<Rows, Failure> {
    if args.no_words && is_npy(&args.input.path) {
        return Ok(Rows::Plain(args.input.matrix()?));
    }
    // Whether standard input is an array is known only once it has been read from.
    if args.no_words && args.input.is_standard() {
        let loaded = args.input.read(report, ohyeah::backend()?).map_err(|error| match error.kind() {
            ReadErrorKind::Foreign(Foreign::Numpy) => {
                Failure::about(args.input.name(), "an array of NumPy is not read from there without words; name a file")
            }
            kind => Failure::about(args.input.name(), kind),
        })?;
        return Ok(Rows::Named(loaded.vectors));
    }
    Ok(Rows::Named(args.input.load(report)?))
}

/// What the name asks for. An ending that is neither may be a slip, and a file that is taken for another later.
fn kind(args: &Args) -> Result<Kind, Failure> {
    let path = &args.output;
    let about = |problem: &str| Failure::about(path.display(), problem);
    // Devices and pipes have names that others have given.
    let is_ordinary = fs::metadata(path).map_or(true, |file| file.is_file());
    let is = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    let kind = if is("ann") {
        Kind::Forest
    } else if is("oy") || path.extension().is_none() || !is_ordinary {
        Kind::Packed
    } else {
        return Err(about("the extension does not tell the kind of index; end the name in .oy or .ann"));
    };
    if kind == Kind::Packed && args.trees.is_some() {
        return Err(about("--trees is for a forest, whose name ends in .ann; a packed index has none"));
    }
    if kind == Kind::Forest && args.queries.is_some() {
        return Err(about("--queries is for a packed index, whose name ends in .oy; a forest is not calibrated"));
    }
    if kind == Kind::Forest && args.no_words && !is_npy(&args.input.path) {
        if args.input.is_standard() {
            return Err(about(
                "a forest holds no words anyway: leave --no-words out; to build one of an array, name its file",
            ));
        }
        return Err(about("--no-words is for a packed index, whose name ends in .oy; a forest holds no words anyway"));
    }
    Ok(kind)
}

fn packed_index(args: &Args, rows: &Rows, mut out: Output, report: Report) -> Result<(), Failure> {
    let of_input = |error: &dyn std::error::Error| Failure::about(args.input.name(), error);
    let words: Vec<&str> = match rows {
        Rows::Named(vectors) if !args.no_words => vectors.words().collect(),
        _ => Vec::new(),
    };
    let bar = report.share("packing");
    let packed = |share: f32| bar.set_position((share * SHARES) as u64);
    let options = packed::BuildOptions::new().backend(ohyeah::backend()?).seed(args.seed);
    let options = if args.no_words { options } else { options.keys(&words) };
    let options = options.progress(Progress::new(&packed));
    let index = Packed::build_with::<Rayon>(args.metric, rows.numbers(), rows.dimensions(), &options);
    let index = index.map_err(|error| of_input(&error))?;
    let index = match &args.queries {
        Some(path) => calibrated(&index, path, report)?,
        None => index,
    };
    out.write_all(index.as_bytes())?;
    Ok(out.commit()?)
}

fn forest(args: &Args, rows: Rows, mut out: Output, report: Report) -> Result<(), Failure> {
    let of_input = |error: &dyn std::error::Error| Failure::about(args.input.name(), error);
    if rows.numbers().is_empty() {
        let problem = "there are no vectors, and a forest of none cannot be opened; give a file that holds some";
        return Err(Failure::about(args.input.name(), problem));
    }
    let items = rows.items(args.metric).map_err(|error| of_input(&error))?;
    drop(rows);
    let trees = args.trees.unwrap_or(BuildOptions::DEFAULT_TREES);
    let bar = report.share("growing trees");
    let grown = |share: f32| bar.set_position(bar.position().max((share * SHARES) as u64));
    let options = BuildOptions::new().trees(trees).seed(args.seed).progress(Progress::new(&grown));
    let forest = items.par_build(&options).map_err(|error| of_input(&error))?;
    out.write_all(forest.as_bytes())?;
    Ok(out.commit()?)
}

impl Rows {
    fn numbers(&self) -> &[f32] {
        match self {
            Self::Named(vectors) => vectors.vectors(),
            Self::Plain(matrix) => &matrix.numbers,
        }
    }

    fn dimensions(&self) -> usize {
        match self {
            Self::Named(vectors) => vectors.dimensions(),
            Self::Plain(matrix) => matrix.dimensions,
        }
    }

    fn items(&self, metric: Metric) -> Result<AnyItems, ItemError> {
        let matrix = match self {
            Self::Named(vectors) => return vectors.items(metric),
            Self::Plain(matrix) => matrix,
        };
        let mut items = AnyItems::new(metric, matrix.dimensions)?;
        for (id, row) in (0..).zip(matrix.numbers.chunks_exact(matrix.dimensions)) {
            items.add(id, row)?;
        }
        Ok(items)
    }
}

/// The index, calibrated with the vectors of a file.
fn calibrated(index: &Packed, path: &Path, report: Report) -> Result<Packed, Failure> {
    let input = Input::of(path.to_owned());
    let queries = if is_npy(path) { Rows::Plain(input.matrix()?) } else { Rows::Named(input.load(report)?) };
    let each: Vec<&[f32]> = queries.numbers().chunks_exact(queries.dimensions().max(1)).collect();
    let bar = report.share("measuring recall");
    let measured = |share: f32| bar.set_position((share * SHARES) as u64);
    let index = index.calibrate_with::<Rayon>(&each, Progress::new(&measured), Cancel::NEVER);
    index.map_err(|error| Failure::about(input.name(), error))
}
