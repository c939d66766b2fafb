//! A line of text: a word, and numbers after it.
//!
//! The *last* fields of a line are its vector and all that stands before them is the word. That is what lets a word hold
//! spaces, as `. . .` does in GloVe's 840B file, where a reader that splits at the first space is lost. It leaves one
//! doubt: in `catch 22 0.1 0.2`, is 22 part of the word, or is there a number too many? Nobody can tell, so a number right
//! before the vector is refused unless it is the whole word.

use memchr::memrchr2;

/// What is wrong with a line, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    TooFew { found: usize },
    TooMany { found: usize },
    NotANumber { column: usize },
    NotFinite { column: usize },
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The fields of a line, separated by runs of spaces or tabs.
pub(super) fn of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_separator(byte)).filter(|field| !field.is_empty())
}

/// Takes what is not content off the end: a carriage return, spaces (fastText and word2vec's own tool write one), tabs.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| !is_separator(byte) && byte != b'\r');
    &line[..end.map_or(0, |end| end + 1)]
}

/// Reads a line whose end is [trimmed](trim): the numbers into `row`, the word as the value.
pub(super) fn parse<'a>(line: &'a [u8], row: &mut [f32]) -> Result<&'a [u8], Problem> {
    let mut rest = line;
    let dimensions = row.len();
    for slot in row.iter_mut().rev() {
        let Some(separator) = memrchr2(b' ', b'\t', rest) else { return Err(diagnose(line, dimensions)) };
        match number(&rest[separator + 1..]) {
            Some(x) if x.is_finite() => *slot = x,
            _ => return Err(diagnose(line, dimensions)),
        }
        rest = trim_separators(&rest[..=separator], separator);
    }
    let word = trim_word(rest);
    match word.iter().rposition(|&byte| is_separator(byte)) {
        Some(separator) if looks_like_number(&word[separator + 1..]) => Err(diagnose(line, dimensions)),
        _ => Ok(word),
    }
}

/// Drops the run of separators at the end of `rest` but for one at its very start, which tells that the word is empty.
fn trim_separators(rest: &[u8], last: usize) -> &[u8] {
    let end = rest[..last].iter().rposition(|&byte| !is_separator(byte)).map_or(0, |end| end + 1);
    if end == 0 { &rest[..1] } else { &rest[..end] }
}

fn trim_word(word: &[u8]) -> &[u8] {
    let start = word.iter().position(|&byte| !is_separator(byte)).unwrap_or(word.len());
    let end = word.iter().rposition(|&byte| !is_separator(byte)).map_or(start, |end| end + 1);
    &word[start..end]
}

fn number(field: &[u8]) -> Option<f32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A number, and not a word such as `infinity` that happens to parse as one.
fn looks_like_number(field: &[u8]) -> bool {
    field.first().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')) && number(field).is_some()
}

/// Whether a line is a word and `dimensions` numbers.
pub(super) fn is_row(line: &[u8], dimensions: usize) -> bool {
    // A number and its separator take two bytes at least: this also bounds the row to the line.
    line.len() / 2 >= dimensions && parse(line, &mut vec![0.0; dimensions]).is_ok()
}

/// Length of the run of numbers at the end of a line, its first field, the word, apart.
pub(super) fn trailing_numbers(line: &[u8]) -> usize {
    let fields: Vec<&[u8]> =
        of(line).skip(usize::from(!line.first().is_some_and(|&byte| is_separator(byte)))).collect();
    fields.iter().rev().take_while(|field| number(field).is_some()).count()
}

/// Finds the first thing that is wrong with a line, from the left, as a reader of the message would.
#[cold]
pub(super) fn diagnose(line: &[u8], dimensions: usize) -> Problem {
    let no_word = usize::from(line.first().is_some_and(|&byte| is_separator(byte)));
    let found = (of(line).count() + no_word).saturating_sub(1);
    if found < dimensions {
        return Problem::TooFew { found };
    }
    for (column, field) in of(line).skip(found + 1 - no_word - dimensions).enumerate() {
        match number(field) {
            None => return Problem::NotANumber { column },
            Some(x) if !x.is_finite() => return Problem::NotFinite { column },
            Some(_) => {}
        }
    }
    Problem::TooMany { found }
}

/// The field at `column` of the vector, for a message.
pub(super) fn field(line: &[u8], dimensions: usize, column: usize) -> &[u8] {
    let count = of(line).count();
    of(line).nth((count + column).saturating_sub(dimensions)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str, dimensions: usize) -> Result<(String, Vec<f32>), Problem> {
        let mut row = vec![0.0; dimensions];
        let word = parse(trim(line.as_bytes()), &mut row)?;
        Ok((String::from_utf8(word.to_vec()).unwrap(), row))
    }

    #[test]
    fn the_last_fields_are_the_vector() {
        let ok = |line: &str, word: &str| assert_eq!(row(line, 2), Ok((word.to_owned(), vec![1.0, -0.25])), "{line:?}");
        ok("cat 1 -0.25", "cat");
        ok("cat 1 -0.25 \r", "cat");
        ok("cat\t1.0  -2.5e-1\t", "cat");
        ok(". . . 1 -.25", ". . .");
        ok("to infinity 1 -.25", "to infinity");
        ok("non\u{a0}breaking 1 -.25", "non\u{a0}breaking");
        ok("7 1 -.25", "7");
        ok(" 1 -.25", "");
        ok("  \t1  -.25", "");
        ok("  cat 1 -.25", "cat");
    }

    #[test]
    fn problems_are_told_from_the_left() {
        let bad = |line: &str, problem: Problem| assert_eq!(row(line, 2), Err(problem), "{line:?}");
        bad("cat 1", Problem::TooFew { found: 1 });
        bad("cat", Problem::TooFew { found: 0 });
        bad(" 1", Problem::TooFew { found: 1 });
        bad("", Problem::TooFew { found: 0 });
        bad("cat 1 2 3", Problem::TooMany { found: 3 });
        bad("catch 22 1 2", Problem::TooMany { found: 3 });
        bad("cat x y", Problem::NotANumber { column: 0 });
        bad("cat 1 y", Problem::NotANumber { column: 1 });
        bad("cat nan x", Problem::NotFinite { column: 0 });
        bad("cat 1 1e99", Problem::NotFinite { column: 1 });
        assert_eq!(field(b"cat 1 y", 2, 1), b"y");
    }

    #[test]
    fn numbers_at_the_end_are_counted() {
        assert_eq!(trailing_numbers(b"the 0.1 0.2 3"), 3);
        assert_eq!(trailing_numbers(b". . 0.1"), 1);
        assert_eq!(trailing_numbers(b"5 0.1 0.2"), 2);
        assert_eq!(trailing_numbers(b"hello world"), 0);
        assert_eq!(trailing_numbers(b""), 0);
    }
}
