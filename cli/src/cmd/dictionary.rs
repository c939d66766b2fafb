//! `ohyeah dictionary`: the similar words of every word.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use indicatif::ProgressBar;
use ohyeah_words::{Dictionary, DictionaryError, Neighbour, Step, WordVectors};

use crate::{args::at_least_one, failure::Failure, input::Input, output::Output, report::Report};

/// List the most similar words of every word
///
/// Writes JSON Lines, {"word":"cat","similar":[["dog",0.8798],…]}, or, where OUT ends in .tsv, a line `word<TAB>similar
/// word<TAB>cosine` for each pair; in the order of the vocabulary.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// Where to write (.jsonl or .tsv) [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// How many similar words to list for each
    #[arg(long, value_name = "N", default_value = "15", value_parser = at_least_one)]
    top: usize,

    /// Grow N trees: more find more of the most similar words, and take longer [default: 60, or 50 with --search-k]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    trees: Option<usize>,

    /// Search a forest for each word, looking at N candidates, as Annoy does; slower for the same result
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    search_k: Option<usize>,

    /// Compare each word with all others: slow, and right
    #[arg(long, conflicts_with_all = ["trees", "search_k"])]
    exact: bool,

    /// Another seed for the random choices; the same seed gives the same dictionary
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    JsonLines,
    Tsv,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let form = match args.output.as_deref().and_then(|path| path.extension()) {
        Some(extension) if extension.eq_ignore_ascii_case("tsv") => Form::Tsv,
        _ => Form::JsonLines,
    };
    let mut out = Output::create(args.output.as_deref())?;
    let vectors = args.input.load(report)?.vectors;
    if let (Form::Tsv, Some(word)) = (form, vectors.words().find(|word| word.contains(['\t', '\n', '\r']))) {
        let problem = format_args!("the word {word:?} would break a line of TSV; write .jsonl instead");
        return Err(Failure::about(args.input.name(), problem));
    }
    let bars = Bars::new(report, &vectors);
    let told = |step| bars.tell(step);
    dictionary(args, &vectors)
        .on_progress(&told)
        .run(
            |id, similar| match form {
                Form::JsonLines => json_line(&vectors, id, similar),
                Form::Tsv => tsv_lines(&vectors, id, similar),
            },
            |lines| out.write_all(lines.as_bytes()),
        )
        .map_err(|error| match error {
            DictionaryError::Sink(error) => error.into(),
            error => Failure::about(args.input.name(), error),
        })?;
    Ok(out.commit()?)
}

fn dictionary<'v>(args: &Args, vectors: &'v WordVectors) -> Dictionary<'v> {
    let mut dictionary = vectors.dictionary().top(args.top).seed(args.seed);
    if let Some(trees) = args.trees {
        dictionary = dictionary.trees(trees);
    }
    if let Some(candidates) = args.search_k {
        dictionary = dictionary.search_k(candidates);
    }
    if args.exact { dictionary.exact() } else { dictionary }
}

/// One bar while trees grow, and another while words are written.
struct Bars {
    preparing: ProgressBar,
    words: ProgressBar,
}

impl Bars {
    fn new(report: Report, vectors: &WordVectors) -> Self {
        let words = report.count("listing", vectors.len() as u64);
        Self { preparing: report.count("growing trees", 0), words }
    }

    fn tell(&self, step: Step) {
        match step {
            Step::Prepared { of } => {
                self.preparing.set_length(of as u64);
                self.preparing.inc(1);
            }
            Step::Words(n) => {
                self.preparing.finish_and_clear();
                self.words.inc(n as u64);
            }
            _ => {}
        }
    }
}

/// A cosine to four places, which is what 32-bit vectors are good for; 1.0000 and not 1.
struct Cosine(f32);

impl fmt::Display for Cosine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.0)
    }
}

/// A word as a JSON string.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A string cannot fail to be JSON.
        f.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

fn json_line(vectors: &WordVectors, id: u32, similar: &[Neighbour]) -> String {
    let pair = |x: &Neighbour| format!("[{},{}]", Json(vectors.word(x.id)), Cosine(x.cosine));
    let pairs: Vec<String> = similar.iter().map(pair).collect();
    format!("{{\"word\":{},\"similar\":[{}]}}\n", Json(vectors.word(id)), pairs.join(","))
}

fn tsv_lines(vectors: &WordVectors, id: u32, similar: &[Neighbour]) -> String {
    let word = vectors.word(id);
    let line = |x: &Neighbour| format!("{word}\t{}\t{}\n", vectors.word(x.id), Cosine(x.cosine));
    similar.iter().map(line).collect::<Vec<_>>().concat()
}
