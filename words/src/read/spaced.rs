//! Where a word of a binary file ends that holds spaces, or is empty.
//!
//! A word ends at a space, and gensim and others write words that hold some all the same. A reader that stops at the first one takes
//! the rest of `New York` for numbers, and all rows behind it are out of step. What tells is that the numbers are then hardly ever of
//! a size that vectors have, and what follows them hardly ever text, as the next word has to be. So where something looks odd, the
//! first of the next few spaces is taken behind which both are as they should be. Where none is, the word ends at its first space,
//! as the format has it.

use memchr::{memchr, memchr_iter};

/// Bytes of a word in which spaces are looked for, and of the next one that must be text.
const LOOKED_AT: usize = 256;
/// Spaces that are tried.
const MOST_SPACES: usize = 16;
/// Behind a first space that is part of a word, another comes soon.
const NEXT_PIECE: usize = 32;

/// Where the word ends that begins at `start` of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At this space.
    At(usize),
    /// At its first space, and it is empty, and what follows does not look like a row.
    Empty,
    /// At its first space as the format has it, but what follows looks like neither numbers nor a row. Only where words may be
    /// anything but UTF-8, so that nothing else would tell of rows that are out of step.
    Unclear,
    /// More bytes have to be read to know.
    Unknown,
}

/// What stands behind a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Text, or the end of the file.
    Text,
    /// Something else.
    Other,
    /// More bytes have to be read to know.
    Unknown,
}

/// Rows of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) block: &'a [u8],
    /// Bytes of a vector.
    pub(crate) bytes: usize,
    /// Whether no bytes come after the block.
    pub(crate) last: bool,
    /// Whether words may have bytes that are not UTF-8.
    pub(crate) lossy: bool,
}

impl Rows<'_> {
    /// Bytes behind a row by which it is known where its word ends, at the most.
    pub(crate) const fn most_behind(bytes: usize) -> usize {
        2 * LOOKED_AT + bytes + 1
    }

    /// Where the word that begins at `start` ends, if its first space is at `first`, and all of the row up to there in the block.
    pub(crate) fn end_of_word(&self, start: usize, first: usize) -> End {
        let next = self.next(first);
        if next == Next::Unknown {
            return End::Unknown;
        }
        let numbers = &self.block[first + 1..first + 1 + self.bytes];
        let piece = memchr(b' ', &numbers[..self.bytes.min(NEXT_PIECE)]);
        let in_text = piece.is_some_and(|space| is_text(&numbers[..space], self.lossy));
        let begins_well = numbers.first_chunk().is_some_and(|bytes| is_usual(*bytes));
        let is_empty = first == start;
        if next == Next::Text && begins_well && !in_text && !is_empty {
            return End::At(first);
        }
        if let Some(end) = self.space_before_row(start) {
            return end;
        }
        if is_empty {
            return End::Empty;
        }
        let like_a_vector = !in_text && self.numbers(first).iter().all(|bytes| is_usual(*bytes));
        if self.lossy && next == Next::Other && !like_a_vector { End::Unclear } else { End::At(first) }
    }

    /// The first of the next few spaces, the very first among them, behind which numbers and text follow.
    fn space_before_row(&self, start: usize) -> Option<End> {
        let window = &self.block[start..self.block.len().min(start + LOOKED_AT)];
        let mut tried = 0;
        for space in memchr_iter(b' ', window).take(MOST_SPACES) {
            tried += 1;
            if !is_text(&window[..space], self.lossy) {
                return None;
            }
            let space = start + space;
            match self.next(space) {
                Next::Unknown => return Some(End::Unknown),
                Next::Text if self.numbers(space).iter().all(|bytes| is_usual(*bytes)) => return Some(End::At(space)),
                _ => {}
            }
        }
        // What is decided must not depend on where a block ends.
        (tried < MOST_SPACES && window.len() < LOOKED_AT && !self.last).then_some(End::Unknown)
    }

    fn numbers(&self, space: usize) -> &[[u8; 4]] {
        self.block.get(space + 1..space + 1 + self.bytes).unwrap_or_default().as_chunks().0
    }

    /// What stands behind the row whose word ends at `space`.
    fn next(&self, space: usize) -> Next {
        let Some(behind) = self.block.get(space + 1 + self.bytes..) else {
            return if self.last { Next::Other } else { Next::Unknown };
        };
        let behind = &behind[behind.iter().position(|&byte| byte != b'\n').unwrap_or(behind.len())..];
        let word = memchr(b' ', &behind[..behind.len().min(LOOKED_AT)]);
        match word {
            Some(end) if is_text(&behind[..end], self.lossy) => Next::Text,
            Some(_) => Next::Other,
            None if !self.last && behind.len() < LOOKED_AT => Next::Unknown,
            None if behind.is_empty() => Next::Text,
            None if behind.len() < LOOKED_AT => Next::Other,
            None => {
                if begins_as_text(&behind[..LOOKED_AT], self.lossy) {
                    Next::Text
                } else {
                    Next::Other
                }
            }
        }
    }
}

/// Of a size that numbers of vectors have.
fn is_usual(bytes: [u8; 4]) -> bool {
    let size = f32::from_le_bytes(bytes).abs();
    size == 0.0 || (1e-12..1e12).contains(&size)
}

/// No control characters, and UTF-8 unless it may be `any_bytes`.
fn is_text(bytes: &[u8], any_bytes: bool) -> bool {
    (any_bytes || std::str::from_utf8(bytes).is_ok()) && !bytes.iter().any(u8::is_ascii_control)
}

/// As [`is_text`], and the last character may be cut.
fn begins_as_text(bytes: &[u8], any_bytes: bool) -> bool {
    let is_utf8 = || std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    (any_bytes || is_utf8()) && !bytes.iter().any(u8::is_ascii_control)
}
