//! `ohyeah similar`: the words most like one word, or like a sum of words.

mod answer;
mod source;

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write, stdin};
use std::path::PathBuf;

use answer::{Answer, Form};
use source::{Opened, Source};

use crate::{
    failure::Failure,
    input::Input,
    json::push_json,
    numbers::{at_least_one, recall},
    output::Output,
    report::Report,
};

/// List the words most similar to a word, or to a sum of words, one `word<TAB>cosine` a line
///
/// VECTORS may be a packed index that `ohyeah build` has made: then it is opened in no time and searched. One of another metric than
/// angular lists distances, or products for dot, in the place of cosines.
///
/// With `-` for WORD, words are read from standard input, one a line, and each is answered by a line of JSON,
/// {"word":"cat","similar":[["dog",0.8798],…]}, or {"word":"cta","error":"…"}.
///
/// A word that begins with a dash stands behind `--`: ohyeah similar VECTORS -- -lrb-
///
/// Control characters in a word are written as \t, \n, \u{1b}, and a backslash as \\.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// The words to be similar to; `-` alone reads them from standard input, and behind `--` it is a word
    #[arg(value_name = "WORD", required_unless_present = "negative")]
    words: Vec<String>,

    /// A word to be unlike; for two, --negative man --negative king
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    negative: Vec<String>,

    /// How many words to list
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<usize>)]
    top: usize,

    /// Look only among the first N words, the most frequent in most files
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    restrict: Option<usize>,

    /// Write a line of JSON, with the cosines, also for an index of another metric; there the distance or product comes third
    #[arg(long)]
    json: bool,

    /// Search this forest, which `ohyeah build` made of the same vectors by the angular metric: approximate, and --search-k
    /// finds more
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// Look at N candidates in the forest [default: the number of trees times --top]
    #[arg(long, value_name = "N", requires = "index", value_parser = at_least_one::<usize>)]
    search_k: Option<usize>,

    /// Of a packed index, find this share of the most similar words on average [default: all of them, and 0.95 in an index
    /// of more than 128 million numbers, or for words from standard input]
    #[arg(long, value_name = "SHARE", value_parser = recall)]
    recall: Option<f32>,

    /// Compare with every word, as is done where no index is given
    #[arg(long, conflicts_with_all = ["index", "recall"])]
    exact: bool,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let escaped = behind_dashes(&std::env::args_os().collect::<Vec<_>>());
    let plain = &args.words[..args.words.len().saturating_sub(escaped)];
    if !plain.iter().any(|word| word == "-") {
        let opened = Opened::new(args, report)?;
        let source = Source::new(&opened, args, false)?;
        let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
        let negative: Vec<&str> = args.negative.iter().map(String::as_str).collect();
        let similar = source.similar(&words, &negative).map_err(|error| Failure::about(args.input.name(), error))?;
        let answer = Answer { words: &words, negative: &negative, similar: &similar, metric: source.metric() };
        let mut out = Output::standard();
        out.write_all(answer.text(if args.json { Form::Json } else { Form::Lines }).as_bytes())?;
        return Ok(out.commit()?);
    }
    let problem = if args.words.len() > 1 || !args.negative.is_empty() {
        "`-` reads words from standard input, and each is a query: give no others"
    } else if args.input.is_standard() {
        "standard input cannot hold the vectors and the words; name a file of vectors"
    } else {
        return answer_all(args, report);
    };
    Err(Failure::Message(problem.into()))
}

/// How many arguments stand behind `--`, which are words whatever they look like.
fn behind_dashes(arguments: &[OsString]) -> usize {
    // Behind --negative it is a word.
    let is_end = |pair: &[OsString]| pair[1] == "--" && pair[0] != "--negative";
    arguments.windows(2).position(is_end).map_or(0, |at| arguments.len() - at - 2)
}

/// Bytes of a line of standard input, at the most: no word is longer in a file of vectors.
const LONGEST_LINE: usize = 1 << 20;

/// A line of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// It is in the buffer, with what ends it.
    Whole,
    /// It was passed over.
    TooLong,
    /// There is none any more.
    None,
}

/// Reads a line, of which no more is kept than a word may have.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    // What ends it may be two bytes.
    let most = LONGEST_LINE + 2;
    if input.by_ref().take(most as u64).read_until(b'\n', line)? == 0 {
        return Ok(Line::None);
    }
    if line.len() < most || line.ends_with(b"\n") {
        return Ok(Line::Whole);
    }
    line.clear();
    input.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

/// Answers a word for each line of standard input.
fn answer_all(args: &Args, report: Report) -> Result<(), Failure> {
    let opened = Opened::new(args, report)?;
    let source = Source::new(&opened, args, true)?;
    let mut out = Output::standard();
    let (mut asked, mut unknown) = (0_u64, 0_u64);
    let (mut input, mut line) = (stdin().lock(), Vec::new());
    loop {
        match read_line(&mut input, &mut line).map_err(|error| Failure::about("standard input", error))? {
            Line::None => break,
            Line::TooLong => {
                (asked, unknown) = (asked + 1, unknown + 1);
                writeln!(out, "{{\"error\":\"the line is longer than {LONGEST_LINE} bytes, and no word is\"}}")?;
                out.flush()?;
                continue;
            }
            Line::Whole => {}
        }
        let word = String::from_utf8_lossy(&line);
        let word = word.strip_suffix('\n').unwrap_or(&word);
        let word = word.strip_suffix('\r').unwrap_or(word);
        asked += 1;
        let text = match source.similar(&[word], &[]) {
            Ok(similar) => {
                Answer { words: &[word], negative: &[], similar: &similar, metric: source.metric() }.text(Form::Json)
            }
            Err(error) => {
                unknown += 1;
                failed(word, &error.to_string())
            }
        };
        out.write_all(text.as_bytes())?;
        // Whoever writes one word may wait for its answer before the next.
        out.flush()?;
    }
    if unknown > 0 {
        report.warning(format_args!("{}: {unknown} of {asked} words have no answer", args.input.name()));
    }
    Ok(out.commit()?)
}

fn failed(word: &str, error: &str) -> String {
    let mut line = String::from("{\"word\":");
    push_json(&mut line, word);
    line.push_str(",\"error\":");
    push_json(&mut line, error);
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_kept_that_is_longer_than_a_word() {
        let long = vec![b'a'; LONGEST_LINE];
        let text = [&long[..], b"\r\n", &long, &long, &long, b"\ncat\n", &long, b"\r\n", &long, b"bcd"].concat();
        let (mut input, mut line) = (io::BufReader::with_capacity(100, &text[..]), Vec::new());
        let mut next = || {
            let found = read_line(&mut input, &mut line).unwrap();
            assert!(line.capacity() <= 4 * LONGEST_LINE);
            (found, line.len())
        };
        let ended = LONGEST_LINE + 2;
        assert_eq!([next(), next(), next()], [(Line::Whole, ended), (Line::TooLong, 0), (Line::Whole, 4)]);
        assert_eq!([next(), next(), next()], [(Line::Whole, ended), (Line::TooLong, 0), (Line::None, 0)]);
    }

    #[test]
    fn arguments_behind_dashes() {
        let count = |line: &str| behind_dashes(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(count("ohyeah similar v -"), 0);
        assert_eq!(count("ohyeah similar v cat -- - --"), 2);
        assert_eq!(count("ohyeah similar v cat --negative --"), 0);
        assert_eq!(count("ohyeah similar v --"), 0);
    }
}
