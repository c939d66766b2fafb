//! Rows of word2vec's binary format: the word, a space, and the numbers as little-endian `f32`.
//!
//! word2vec's own tool ends a row with a newline, and the `GoogleNews` file and gensim do not. A word cannot start with one,
//! so newlines in front of a word are passed over, as many as there are.
//!
//! Where a row starts is known only when the one before has been walked over, so that walk is done in order; it touches a
//! few bytes of each row. Copying and checking the numbers is what takes the time, and goes to all threads.

use memchr::memchr;
use rayon::prelude::*;

use super::{
    Records,
    error::{Place, ReadErrorKind, excerpt},
    spaced::{End, Rows},
    table::Table,
};

/// No word is longer. A file without a space for this long is no file of words.
const MAX_WORD: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Binary {
    pub(super) dimensions: usize,
    pub(super) lossy: bool,
    /// Rows still wanted.
    pub(super) remaining: u64,
    /// Rows that the header promises.
    pub(super) expected: u64,
    /// Rows passed so far.
    pub(super) rows: u64,
    /// Bytes of the file passed so far, after decompression.
    pub(super) offset: u64,
}

#[derive(Clone, Copy)]
struct Row<'a> {
    /// Where in the block the word starts.
    start: usize,
    word: &'a [u8],
    numbers: &'a [u8],
}

impl Records for Binary {
    fn parse(&mut self, block: &[u8], last: bool, table: &mut Table) -> Result<usize, ReadErrorKind> {
        let (rows, consumed, problem) = self.walk(block, last);
        let matrix = table.grow(rows.len())?;
        let failed = matrix
            .par_chunks_exact_mut(self.dimensions)
            .zip(&rows)
            .enumerate()
            .with_min_len(256)
            .map(|(index, (numbers, row))| self.fill(numbers, row, index))
            .find_first(Result::is_err);
        if let Some(Err(error)) = failed {
            return Err(error);
        }
        table.name(rows.iter().map(|row| String::from_utf8_lossy(row.word)))?;
        self.rows += rows.len() as u64;
        self.remaining -= rows.len() as u64;
        if let Some(problem) = problem {
            return Err(problem);
        }
        if last && self.remaining > 0 {
            let byte = self.offset + block.len() as u64;
            return Err(ReadErrorKind::Truncated { rows: self.rows, expected: self.expected, byte });
        }
        self.offset += consumed as u64;
        Ok(consumed)
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.remaining)
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Binary {
    /// Finds the whole rows at the front of a block and what, if anything, is wrong behind the last of them.
    fn walk<'a>(&self, block: &'a [u8], last: bool) -> (Vec<Row<'a>>, usize, Option<ReadErrorKind>) {
        let mut rows: Vec<Row<'a>> = Vec::new();
        let ends = Rows { block, bytes: 4 * self.dimensions, last, lossy: self.lossy };
        let mut consumed = 0;
        while (rows.len() as u64) < self.remaining {
            let Some(start) = block[consumed..].iter().position(|&byte| byte != b'\n') else {
                // Nothing but newlines; they need not be looked at again.
                consumed = block.len();
                break;
            };
            let start = consumed + start;
            let place = self.place(rows.len(), start);
            let window = &block[start..block.len().min(start + MAX_WORD)];
            let Some(length) = memchr(b' ', window) else {
                let problem = (window.len() == MAX_WORD).then_some(ReadErrorKind::TooLong { place, limit: MAX_WORD });
                return (rows, consumed, problem);
            };
            let mut space = start + length;
            if space + 1 + ends.bytes > block.len() {
                break;
            }
            match ends.end_of_word(start, space) {
                End::At(found) => space = found,
                End::Empty => return (rows, consumed, Some(ReadErrorKind::EmptyWord { place })),
                // Behind the last row may stand anything.
                End::Unclear if self.rows + rows.len() as u64 + 1 < self.expected => {
                    let word = excerpt(&block[start..space]);
                    return (rows, consumed, Some(ReadErrorKind::UnclearWord { place, word }));
                }
                End::Unclear => {}
                End::Unknown => break,
            }
            let end = space + 1 + ends.bytes;
            rows.push(Row { start, word: &block[start..space], numbers: &block[space + 1..end] });
            consumed = end;
        }
        (rows, consumed, None)
    }

    fn fill(&self, numbers: &mut [f32], row: &Row<'_>, index: usize) -> Result<(), ReadErrorKind> {
        let place = || self.place(index, row.start);
        if !self.lossy && std::str::from_utf8(row.word).is_err() {
            return Err(ReadErrorKind::NotUtf8 { place: place(), word: excerpt(row.word) });
        }
        let (bytes, _) = row.numbers.as_chunks::<4>();
        let mut finite = true;
        for (x, &bytes) in numbers.iter_mut().zip(bytes) {
            *x = f32::from_le_bytes(bytes);
            finite &= x.is_finite();
        }
        if finite {
            return Ok(());
        }
        let column = numbers.iter().position(|x| !x.is_finite()).map_or(0, |at| at + 1);
        Err(ReadErrorKind::NotFinite { place: place(), word: excerpt(row.word), column })
    }

    fn place(&self, index: usize, start: usize) -> Place {
        Place::Row { row: self.rows + index as u64 + 1, byte: self.offset + start as u64 }
    }
}
