//! Rows of text, word2vec's and GloVe's.
//!
//! A block is cut into lines by one pass of `memchr`, in order, which also counts them for messages. The lines then go to
//! all threads, each writing to its own row of the matrix, so the result does not depend on who parsed what. When several
//! lines are wrong, the first one in the file is reported.

use std::ops::Range;

use memchr::memchr_iter;
use rayon::prelude::*;

use super::{
    Records,
    error::{Dimensions, Place, ReadErrorKind, excerpt},
    fields::{self, Problem},
    table::Table,
};

/// No line of numbers is longer: a million dimensions, and then some.
const MAX_LINE: usize = 1 << 25;

#[derive(Debug)]
pub(super) struct Text {
    pub(super) dimensions: usize,
    pub(super) source: Dimensions,
    pub(super) lossy: bool,
    /// What ends a line.
    pub(super) newline: u8,
    /// Rows still wanted; `None` when the end of the file decides.
    pub(super) remaining: Option<u64>,
    /// Lines passed so far.
    pub(super) lines: u64,
    /// Rows passed so far.
    pub(super) rows: u64,
}

/// A line that holds something, and its number, from 1.
struct Line<'a> {
    bytes: &'a [u8],
    number: u64,
}

impl Records for Text {
    fn parse(&mut self, block: &[u8], last: bool, table: &mut Table) -> Result<usize, ReadErrorKind> {
        let (lines, short, consumed) = self.cut(block, last);
        let mut words = vec![(0..0, false); lines.len()];
        let rows = table.grow(lines.len())?;
        let failed = rows
            .par_chunks_exact_mut(self.dimensions)
            .zip(&lines)
            .zip(&mut words)
            .with_min_len(32)
            .map(|((row, line), word)| {
                let found = fields::parse(line.bytes, row, self.source == Dimensions::Header);
                let fields::Parsed { word: found, ends_in_number } =
                    found.map_err(|problem| self.explain(line, problem))?;
                *word = (range_in(line.bytes, found), ends_in_number);
                if self.lossy || std::str::from_utf8(found).is_ok() {
                    return Ok(());
                }
                Err(ReadErrorKind::NotUtf8 { place: Place::Line(line.number), word: excerpt(found) })
            })
            .find_first(Result::is_err);
        if let Some(Err(error)) = failed {
            return Err(error);
        }
        if let Some(line) = short {
            return Err(self.explain(&line, fields::diagnose(line.bytes, self.dimensions)));
        }
        self.rows += lines.len() as u64;
        if let Some(remaining) = &mut self.remaining {
            *remaining -= lines.len() as u64;
        }
        for (line, (word, _)) in lines.iter().zip(&words).filter(|(_, (_, ends_in_number))| *ends_in_number) {
            table.warnings.ends_in_number(&String::from_utf8_lossy(&line.bytes[word.clone()]));
        }
        table.name(lines.iter().zip(words).map(|(line, (word, _))| String::from_utf8_lossy(&line.bytes[word])))?;
        if consumed == 0 && block.len() > MAX_LINE {
            return Err(ReadErrorKind::TooLong { place: Place::Line(self.lines + 1), limit: MAX_LINE });
        }
        Ok(consumed)
    }

    fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Text {
    /// Cuts the whole lines at the front of a block that hold something. Stops behind the first one that is too short for
    /// a row, which is returned apart: what is left has at least two bytes for each number, so a header that lies about
    /// the dimensions cannot make the matrix larger than twice the file.
    fn cut<'a>(&mut self, block: &'a [u8], last: bool) -> (Vec<Line<'a>>, Option<Line<'a>>, usize) {
        let mut lines = Vec::new();
        let mut start = 0;
        let tail = (last && block.last() != Some(&self.newline)).then_some(block.len());
        for end in memchr_iter(self.newline, block).chain(tail) {
            if self.remaining.is_some_and(|most| lines.len() as u64 >= most) {
                break;
            }
            self.lines += 1;
            let bytes = fields::trim(&block[start..end]);
            start = (end + 1).min(block.len());
            let line = Line { bytes, number: self.lines };
            match bytes.len() {
                0 => {}
                length if length / 2 < self.dimensions => return (lines, Some(line), start),
                _ => lines.push(line),
            }
        }
        (lines, None, start)
    }

    #[cold]
    fn explain(&self, line: &Line<'_>, problem: Problem) -> ReadErrorKind {
        let (place, expected, source) = (Place::Line(line.number), self.dimensions, self.source);
        let word = || excerpt(fields::of(line.bytes).next().unwrap_or_default());
        // Of these, all lines of a file are mostly wrong, and it helps nobody to be told about a number that is missing.
        if matches!(problem, Problem::TooFew { .. } | Problem::NotANumber { .. }) {
            if fields::is_sparse(line.bytes) {
                return ReadErrorKind::Sparse { place, line: excerpt(line.bytes) };
            }
            if let Some(by) = fields::delimiter(line.bytes) {
                return ReadErrorKind::Delimited { place, line: excerpt(line.bytes), by };
            }
        }
        match problem {
            Problem::TooFew { found } => ReadErrorKind::TooFewNumbers { place, expected, found, source },
            Problem::TooMany { found } => ReadErrorKind::TooManyNumbers { place, expected, found, source },
            Problem::NotANumber { field } => ReadErrorKind::NotANumber { place, word: word(), field },
            Problem::NotFinite { column } => ReadErrorKind::NotFinite { place, word: word(), column: column + 1 },
        }
    }
}

/// Where a part of `whole` that was cut out of it lies.
fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Whether a stretch of text holds anything.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}
