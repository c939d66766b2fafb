//! What kind of file this is, told from its first bytes.
//!
//! Names lie: `GoogleNews` is a `.bin.gz` that browsers unpack in silence, GloVe calls its text `.txt` but leaves out the
//! header, and `.vec`, `.bin` and `.model` stand for three formats each. So nothing here looks at the name.
//!
//! 1. The magic bytes of other formats that people try (pickles, fastText models, archives) are told by name.
//! 2. Two whole numbers alone in the first line are a header; text and binary files of word2vec both have it. A first line
//!    that is a word and numbers is GloVe's text, and their count is the number of dimensions.
//! 3. After a header, a first row that reads as a word and that many numbers makes a text file. If it does not, the bytes
//!    after its first space decide: floats in binary are hardly ever printable.

use memchr::memchr;

use super::{
    error::{Dimensions, Foreign, ReadErrorKind, excerpt},
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
    /// Bytes in front of the first row.
    pub(super) start: usize,
}

impl Layout {
    pub(super) fn source(&self) -> Dimensions {
        if self.words.is_some() { Dimensions::Header } else { Dimensions::FirstLine }
    }
}

const MAGICS: [(&[u8], Foreign); 12] = [
    (&[0x80, 2], Foreign::Pickle),
    (&[0x80, 3], Foreign::Pickle),
    (&[0x80, 4], Foreign::Pickle),
    (&[0x80, 5], Foreign::Pickle),
    (&[0xba, 0x16, 0x4f, 0x2f], Foreign::FastText),
    (b"\x93NUMPY", Foreign::Numpy),
    (b"PK\x03\x04", Foreign::Zip),
    (b"\x89HDF", Foreign::Hdf5),
    (b"BZh", Foreign::Bzip2),
    (b"\xfd7zXZ\0", Foreign::Xz),
    (&[0x28, 0xb5, 0x2f, 0xfd], Foreign::Zstd),
    (&[0x1f, 0x8b], Foreign::DoubleGzip),
];
const UTF16: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Bytes after the first word that are looked at, at least.
const MIN_WINDOW: usize = 64;

/// Reads the header and tells the format, unless the caller knows it.
pub(super) fn sniff(sample: &[u8], known: Option<Format>) -> Result<Layout, ReadErrorKind> {
    if sample.is_empty() {
        return Err(ReadErrorKind::Empty);
    }
    if let Some(kind) = foreign(sample) {
        return Err(ReadErrorKind::Foreign(kind));
    }
    // Windows editors put a byte order mark in front; it belongs neither to a header nor to a word.
    let mark = if sample.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    let rest = &sample[mark..];
    let end = memchr(b'\n', rest).unwrap_or(rest.len());
    let line = trim(&rest[..end]);
    let bad = || ReadErrorKind::BadHeader { line: excerpt(line) };
    if let Some(fields) = two_whole_numbers(line) {
        let (words, dimensions) = header(fields).ok_or_else(bad)?;
        let start = (mark + end + 1).min(sample.len());
        let format = known.unwrap_or_else(|| text_or_binary(&sample[start..], dimensions));
        return Ok(Layout { format, words: Some(words), dimensions, start });
    }
    match fields::trailing_numbers(line) {
        0 => Err(bad()),
        _ if known == Some(Format::Binary) => Err(bad()),
        dimensions => Ok(Layout { format: Format::Text, words: None, dimensions, start: mark }),
    }
}

fn foreign(sample: &[u8]) -> Option<Foreign> {
    let by_magic = MAGICS.iter().find(|(magic, _)| sample.starts_with(magic)).map(|&(_, kind)| kind);
    by_magic.or_else(|| UTF16.iter().any(|mark| sample.starts_with(mark)).then_some(Foreign::Utf16))
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
    // Several newlines may stand before a binary word, and blank lines before one of text.
    let rows = &rows[rows.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or(rows.len())..];
    if rows.is_empty() {
        return Format::Text;
    }
    if let Some(end) = memchr(b'\n', rows) {
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
