//! What is written about a query.

use std::fmt::Write as _;

use ohyeah::Metric;

use super::source::Similar;
use crate::{
    json::{push_cosine, push_json},
    output::Escaped,
};

/// A query and its similar words.
pub(super) struct Answer<'a> {
    pub(super) words: &'a [&'a str],
    pub(super) negative: &'a [&'a str],
    pub(super) similar: &'a [Similar<'a>],
    /// What the similar words are sorted by.
    pub(super) metric: Metric,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A word and a number a line.
    Lines,
    /// One line of JSON.
    Json,
}

impl Answer<'_> {
    pub(super) fn text(&self, form: Form) -> String {
        match form {
            Form::Lines => self.lines(),
            Form::Json => self.json(),
        }
    }

    fn lines(&self) -> String {
        let mut lines = String::new();
        for Similar { word, cosine, distance } in self.similar {
            let number = if self.metric == Metric::Angular { cosine } else { distance };
            let _ = writeln!(lines, "{}\t{number:.4}", Escaped(word));
        }
        lines
    }

    /// As in a dictionary where it is one word, and with lists of them otherwise.
    fn json(&self) -> String {
        let mut line = String::from("{");
        match (self.words, self.negative) {
            ([word], []) => {
                line.push_str("\"word\":");
                push_json(&mut line, word);
            }
            (words, negative) => {
                line.push_str("\"positive\":");
                push_list(&mut line, words);
                line.push_str(",\"negative\":");
                push_list(&mut line, negative);
            }
        }
        if self.metric != Metric::Angular {
            let _ = write!(line, ",\"metric\":\"{}\"", self.metric);
        }
        line.push_str(",\"similar\":[");
        for (at, Similar { word, cosine, distance }) in self.similar.iter().enumerate() {
            line.push_str(if at == 0 { "[" } else { ",[" });
            push_json(&mut line, word);
            line.push(',');
            push_cosine(&mut line, *cosine);
            if self.metric != Metric::Angular {
                let _ = write!(line, ",{distance}");
            }
            line.push(']');
        }
        line.push_str("]}\n");
        line
    }
}

fn push_list(line: &mut String, words: &[&str]) {
    line.push('[');
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push_json(line, word);
    }
    line.push(']');
}
