//! What kind of file this is, told from its first bytes.
//!
//! Names lie: `GoogleNews` is a `.bin.gz` that browsers unpack in silence, GloVe calls its text `.txt` but leaves out the
//! header, and `.vec`, `.bin` and `.model` stand for three formats each. So nothing here looks at the name.
//!
//! 1. The magic bytes of other formats that people try (pickles, fastText models, archives) are told by name: see [`Foreign`].
//! 2. Two whole numbers alone in the first line are a header; text and binary files of word2vec both have it. A first line
//!    that is a word and numbers is GloVe's text, and their count is the number of dimensions;
//!    where that is in doubt, as in `cat 0.1, 0.2`, the line is refused and shown.
//! 3. After a header, a first row that reads as a word and that many numbers makes a text file. If it does not, the bytes
//!    after its first space decide: floats in binary are hardly ever printable.

use memchr::memchr;

use super::{
    Foreign,
    error::{Dimensions, Place, ReadErrorKind, excerpt},
    fields::{self, trim},
};
use crate::Format;

/// What the first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// Number of rows that the header promises.
    pub(super) words: Option<u64>,
    pub(super) dimensions: usize,
    /// What ends a line.
    pub(super) newline: u8,
    /// Bytes in front of the first row.
    pub(super) start: usize,
}

impl Layout {
    pub(super) fn source(&self) -> Dimensions {
        if self.words.is_some() { Dimensions::Header } else { Dimensions::FirstLine }
    }
}

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Bytes after the first word that are looked at, at least.
const MIN_WINDOW: usize = 64;

/// No vector is longer: a row of one in a file is 64 MiB, and all of it has to be in memory before it is known to be one.
pub(super) const MOST_DIMENSIONS: usize = 1 << 24;

/// Reads the header and tells the format, unless the caller knows it.
pub(super) fn sniff(sample: &[u8], known: Option<Format>) -> Result<Layout, ReadErrorKind> {
    if sample.is_empty() {
        return Err(ReadErrorKind::Empty);
    }
    if let Some(kind) = Foreign::of(sample) {
        return Err(ReadErrorKind::Foreign(kind));
    }
    // Windows editors put a byte order mark in front; it belongs neither to a header nor to a word.
    let mark = if sample.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    let rest = &sample[mark..];
    // Old Macs end a line with a carriage return alone. A binary file has a newline behind its header.
    let newline = if memchr(b'\n', rest).is_none() && memchr(b'\r', rest).is_some() { b'\r' } else { b'\n' };
    let end = memchr(newline, rest).unwrap_or(rest.len());
    let line = trim(&rest[..end]);
    let bad = || ReadErrorKind::BadHeader { line: excerpt(line) };
    if let Some(fields) = two_whole_numbers(line) {
        let (words, dimensions) = header(fields).ok_or_else(bad)?;
        if dimensions > MOST_DIMENSIONS {
            return Err(ReadErrorKind::TooManyDimensions { dimensions: dimensions as u64, limit: MOST_DIMENSIONS });
        }
        let start = (mark + end + 1).min(sample.len());
        let format = known.unwrap_or_else(|| text_or_binary_behind(&sample[start..], dimensions, newline));
        return Ok(Layout { format, words: Some(words), dimensions, newline, start });
    }
    if known == Some(Format::Binary) {
        return Err(bad());
    }
    let dimensions = dimensions_of(line)?;
    Ok(Layout { format: Format::Text, words: None, dimensions, newline, start: mark })
}

/// The number of dimensions by the first line of a file without a header, where there is no doubt about it.
fn dimensions_of(line: &[u8]) -> Result<usize, ReadErrorKind> {
    let (place, shown) = (Place::Line(1), || excerpt(line));
    let dimensions = fields::trailing_numbers(line);
    let doubt = (dimensions > 0).then(|| fields::doubtful(line, dimensions)).flatten();
    if dimensions == 0 || doubt.is_some() {
        if let Some(by) = fields::delimiter(line) {
            return Err(ReadErrorKind::Delimited { place, line: shown(), by });
        }
        if fields::is_sparse(line) {
            return Err(ReadErrorKind::Sparse { place, line: shown() });
        }
    }
    if let Some(field) = doubt {
        return Err(ReadErrorKind::Unsure { place, line: shown(), field: excerpt(field) });
    }
    // One number behind several words may be any line of prose.
    let is_prose = dimensions == 1 && fields::of(line).count() > 2 && memchr(b'\t', line).is_none();
    if dimensions == 0 || is_prose { Err(ReadErrorKind::BadHeader { line: shown() }) } else { Ok(dimensions) }
}

fn two_whole_numbers(line: &[u8]) -> Option<[&[u8]; 2]> {
    let mut fields = fields::of(line);
    let (first, second, third) = (fields.next()?, fields.next()?, fields.next());
    (third.is_none() && is_whole(first) && is_whole(second)).then_some([first, second])
}

/// Number of words and of dimensions, unless one is negative, too large, or there is no dimension.
fn header([words, dimensions]: [&[u8]; 2]) -> Option<(u64, usize)> {
    let number = |field| std::str::from_utf8(field).ok()?.parse::<u64>().ok();
    let dimensions = usize::try_from(number(dimensions)?).ok().filter(|&n| n > 0)?;
    Some((number(words)?, dimensions))
}

fn is_whole(field: &[u8]) -> bool {
    let digits = field.strip_prefix(b"-").or_else(|| field.strip_prefix(b"+")).unwrap_or(field);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Tells the format of the rows after a header.
pub(crate) fn text_or_binary(rows: &[u8], dimensions: usize) -> Format {
    text_or_binary_behind(rows, dimensions, b'\n')
}

fn text_or_binary_behind(rows: &[u8], dimensions: usize, newline: u8) -> Format {
    // Several newlines may stand before a binary word, and blank lines before one of text.
    let rows = &rows[rows.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or(rows.len())..];
    if rows.is_empty() {
        return Format::Text;
    }
    if let Some(end) = memchr(newline, rows) {
        let line = trim(&rows[..end]);
        if fields::is_row(line, dimensions) {
            return Format::Text;
        }
    }
    let Some(space) = memchr(b' ', rows) else { return Format::Text };
    // The first vector, and a few more where vectors are so short that one could look like text by chance.
    let window = &rows[space + 1..];
    let window = &window[..window.len().min(dimensions.saturating_mul(4).max(MIN_WINDOW))];
    if window.iter().any(|&byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        return Format::Binary;
    }
    // The window may cut a character in two, which is no fault.
    if std::str::from_utf8(window).map_or_else(|error| error.error_len().is_none(), |_| true) {
        return Format::Text;
    }
    // Words in some old encoding; the numbers between them outweigh them.
    let like_numbers =
        window.iter().filter(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E' | b' '));
    if like_numbers.count() * 2 >= window.len() { Format::Text } else { Format::Binary }
}
