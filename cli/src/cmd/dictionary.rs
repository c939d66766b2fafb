//! `ohyeah dictionary`: the similar words of every word.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use indicatif::ProgressBar;
use ohyeah_words::{Dictionary, DictionaryError, SimilarWord, Step, WordVectors};

use crate::{
    failure::Failure,
    input::Input,
    json::{push_cosine, push_json},
    numbers::{at_least_one, recall, seed},
    output::{Escaped, Output},
    report::{Report, SHARES},
};

/// List the most similar words of every word
///
/// VECTORS may be an index that `ohyeah build` has made: its words and vectors are taken.
///
/// Writes JSON Lines, {"word":"cat","similar":[["dog",0.8798],…]}, or, where OUT ends in .tsv, a line `word<TAB>similar
/// word<TAB>cosine` for each pair; in the order of the vocabulary. Control characters in a word are escaped in both: in TSV
/// as \t, \n, \u{1b}, and a backslash as \\.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// Where to write (.jsonl or .tsv) [default: `-`, standard output]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// How many similar words to list for each
    #[arg(long, value_name = "N", default_value = "15", value_parser = at_least_one::<usize>)]
    top: usize,

    /// Find this share of the most similar words on average, where N is at most 100; of longer lists, of the first ten
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = recall, conflicts_with_all = ["trees", "search_k", "exact"])]
    recall: f32,

    /// Search a forest of N trees for each word, as Annoy does [default with --search-k: 50]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    trees: Option<usize>,

    /// Search a forest for each word, looking at N candidates
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    search_k: Option<usize>,

    /// Compare each word with all others: slower, and right
    #[arg(long, conflicts_with_all = ["trees", "search_k", "seed"])]
    exact: bool,

    /// Another seed for the random choices; the same seed gives the same dictionary
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    JsonLines,
    Tsv,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let mut out = match &args.output {
        Some(path) => args.input.create_other(path, None, report)?,
        None => Output::standard(),
    };
    let form = form(args.output.as_deref())?;
    let vectors = args.input.load(report)?;
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

/// What the extension says; JSON Lines where there is none, as standard output has none.
fn form(path: Option<&Path>) -> Result<Form, Failure> {
    let Some((path, extension)) = path.and_then(|path| Some((path, path.extension()?))) else {
        return Ok(Form::JsonLines);
    };
    let is = |name| extension.eq_ignore_ascii_case(name);
    if is("tsv") {
        Ok(Form::Tsv)
    } else if is("jsonl") || is("json") || is("ndjson") {
        Ok(Form::JsonLines)
    } else {
        Err(Failure::about(path.display(), "the extension does not tell the format; end the name in .jsonl or .tsv"))
    }
}

fn dictionary<'v>(args: &Args, vectors: &'v WordVectors) -> Dictionary<'v> {
    let mut dictionary = vectors.dictionary().top(args.top).recall(args.recall).seed(args.seed);
    if let Some(trees) = args.trees {
        dictionary = dictionary.trees(trees);
    }
    if let Some(candidates) = args.search_k {
        dictionary = dictionary.search_k(candidates);
    }
    if args.exact { dictionary.exact() } else { dictionary }
}

/// One bar until the first word can be answered, and then another while words are written: two at once would write over each other.
struct Bars {
    report: Report,
    words: u64,
    preparing: OnceLock<ProgressBar>,
    listing: OnceLock<ProgressBar>,
}

impl Bars {
    fn new(report: Report, vectors: &WordVectors) -> Self {
        Self { report, words: vectors.len() as u64, preparing: OnceLock::new(), listing: OnceLock::new() }
    }

    fn tell(&self, step: Step) {
        match step {
            Step::Share(share) => {
                let bar = self.preparing.get_or_init(|| self.report.share("preparing"));
                // Threads tell of shares in any order.
                bar.set_position(bar.position().max((share * SHARES) as u64));
            }
            Step::Words(n) => {
                if let Some(preparing) = self.preparing.get() {
                    preparing.finish_and_clear();
                }
                self.listing.get_or_init(|| self.report.count("listing", self.words)).inc(n as u64);
            }
            _ => {}
        }
    }
}

/// Bytes that a similar word and its cosine mostly take.
const ROOM: usize = 24;

fn json_line(vectors: &WordVectors, id: u32, similar: &[SimilarWord]) -> String {
    let mut line = String::with_capacity(ROOM * (similar.len() + 2));
    line.push_str("{\"word\":");
    push_json(&mut line, vectors.word(id));
    line.push_str(",\"similar\":[");
    for (at, neighbour) in similar.iter().enumerate() {
        line.push_str(if at == 0 { "[" } else { ",[" });
        push_json(&mut line, vectors.word(neighbour.id));
        line.push(',');
        push_cosine(&mut line, neighbour.cosine);
        line.push(']');
    }
    line.push_str("]}\n");
    line
}

fn tsv_lines(vectors: &WordVectors, id: u32, similar: &[SimilarWord]) -> String {
    let word = Escaped(vectors.word(id)).to_string();
    let mut lines = String::with_capacity((ROOM + word.len()) * similar.len());
    for neighbour in similar {
        let _ = write!(lines, "{word}\t{}\t", Escaped(vectors.word(neighbour.id)));
        push_cosine(&mut lines, neighbour.cosine);
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_appears_with_its_first_step_and_one_at_a_time() {
        let vectors = WordVectors::from_parts(["cat", "dog", "cow"], vec![1.0, 2.0, 3.0], 1).unwrap();
        for exact in [true, false] {
            let bars = Bars::new(Report::new(true), &vectors);
            assert!(bars.preparing.get().is_none() && bars.listing.get().is_none());
            let told = |step| {
                assert!(matches!(step, Step::Words(_)) || bars.listing.get().is_none(), "{step:?}");
                bars.tell(step);
            };
            let dictionary = vectors.dictionary().top(1).on_progress(&told);
            let dictionary = if exact { dictionary.exact() } else { dictionary };
            dictionary.run(|id, _| id, |_| Ok::<_, std::io::Error>(())).unwrap();
            assert!(bars.preparing.get().is_some_and(ProgressBar::is_finished));
            assert_eq!(bars.listing.get().map(ProgressBar::position), Some(3));
        }
    }
}
