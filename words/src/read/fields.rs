//! A line of text: a word, and numbers after it.
//!
//! The *last* fields of a line are its vector and all that stands before them is the word. That is what lets a word hold
//! spaces, as `. . .` does in GloVe's 840B file, where a reader that splits at the first space is lost. It leaves one
//! doubt: in `catch 22 0.1 0.2`, is 22 part of the word, or is there a number too many? A tab between the word and its
//! numbers settles it. Where a header says how long a vector is, a field that looks like no number of a vector is taken for the
//! word's ([`may_end_a_word`]). Otherwise a number right before the vector is refused unless it is the whole word, and so is
//! what merely resembles one, such as `1_000` or `0.1,`.

use memchr::memrchr2;

use super::error::excerpt;

/// What is wrong with a line, without its place. Fields are cut to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    TooFew { found: usize },
    TooMany { found: usize },
    NotANumber { field: String },
    NotFinite { column: usize },
}

/// A line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) word: &'a [u8],
    /// Whether the word ends in a number, behind a space, and only the header told that it is no number of the vector.
    pub(super) ends_in_number: bool,
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

/// Reads a line whose end is [trimmed](trim): the numbers into `row`, the word as the value. `promised` says that the length of the
/// row is a header's word.
pub(super) fn parse<'a>(line: &'a [u8], row: &mut [f32], promised: bool) -> Result<Parsed<'a>, Problem> {
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
    let numbers = &line[rest.len()..];
    let mut ends_in_number = false;
    if let Some(separator) = word.iter().rposition(|&byte| is_separator(byte)) {
        let last = &word[separator + 1..];
        if resembles_number(last) && !separator_of(numbers).contains(&b'\t') {
            if !(promised && may_end_a_word(last, numbers)) {
                return Err(match number(last) {
                    Some(_) => diagnose(line, dimensions),
                    None => Problem::NotANumber { field: excerpt(last) },
                });
            }
            ends_in_number = true;
        }
    }
    Ok(Parsed { word, ends_in_number })
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

/// The run of separators at the front.
fn separator_of(numbers: &[u8]) -> &[u8] {
    &numbers[..numbers.iter().position(|&byte| !is_separator(byte)).unwrap_or(numbers.len())]
}

fn number(field: &[u8]) -> Option<f32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A number, or what somebody may have meant as one: `1_000`, `0x1p3`, `0.1,`, `"0.1"`, `1.5f`, `0:0.5`. Not words such as `infinity`,
/// which happen to parse as numbers, nor `10th` or `24/7`.
fn resembles_number(field: &[u8]) -> bool {
    let start = field.iter().position(|byte| !matches!(byte, b'"' | b'\'' | b'[' | b'(' | b'+' | b'-' | b'.' | b','));
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || b"xXpP_.,:;+-\"'[]()".contains(byte);
    start.is_some_and(|start| field[start].is_ascii_digit()) && field.iter().all(is_part)
}

/// Whether a field in front of a vector whose length is known is more likely the end of a word than a number too many: `windows 7`,
/// `web 2.0`. A number of a vector has a sign, an exponent, a zero in front of the point, or more than two digits behind it; or it is
/// whole, but then they all are.
fn may_end_a_word(field: &[u8], numbers: &[u8]) -> bool {
    let (whole, fraction) = match field.iter().position(|&byte| byte == b'.') {
        Some(point) => (&field[..point], &field[point + 1..]),
        None => (field, &b""[..]),
    };
    let are_digits = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
    if number(field).is_none() {
        // What is no number is none of a vector, unless it was meant as one.
        return !field.ends_with(b",") && !field.ends_with(b";");
    }
    if !are_digits(whole) || !are_digits(fraction) {
        return false;
    }
    if field.contains(&b'.') {
        return !fraction.is_empty() && fraction.len() <= 2 && whole.first().is_some_and(|&digit| digit != b'0');
    }
    numbers.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Whether a line is a word and `dimensions` numbers, in a file with a header.
pub(super) fn is_row(line: &[u8], dimensions: usize) -> bool {
    // A number and its separator take two bytes at least: this also bounds the row to the line.
    line.len() / 2 >= dimensions && parse(line, &mut vec![0.0; dimensions], true).is_ok()
}

/// Length of the run of numbers at the end of a line: its first field, the word, apart, and where a tab ends the word, all behind that.
pub(super) fn trailing_numbers(line: &[u8]) -> usize {
    if let Some(tab) = line.iter().position(|&byte| byte == b'\t') {
        let behind = || of(&line[tab..]);
        if behind().all(|field| number(field).is_some()) {
            return behind().count();
        }
    }
    let fields: Vec<&[u8]> =
        of(line).skip(usize::from(!line.first().is_some_and(|&byte| is_separator(byte)))).collect();
    fields.iter().rev().take_while(|field| number(field).is_some()).count()
}

/// A field of the first line that leaves a doubt where the vector begins: it stands behind the word's first one and resembles a
/// number. Where a tab stands behind the word there is no doubt.
pub(super) fn doubtful(line: &[u8], dimensions: usize) -> Option<&[u8]> {
    let count = of(line).count();
    let first_number = count.checked_sub(dimensions)?;
    let word_end = of(line).nth(first_number)?.as_ptr() as usize - line.as_ptr() as usize;
    if line[..word_end].ends_with(b"\t") {
        return None;
    }
    of(line).take(first_number).skip(1).find(|field| resembles_number(field))
}

/// The character between numbers, where it is none of those that are read: `cat,0.1,0.2`, `cat 0.1, 0.2`, `"cat";"0.1"`.
pub(super) fn delimiter(line: &[u8]) -> Option<char> {
    let is_number = |part: &&[u8]| {
        let part = part.trim_ascii();
        let part = part.strip_prefix(b"\"").and_then(|part| part.strip_suffix(b"\"")).unwrap_or(part);
        number(part.trim_ascii_end()).is_some()
    };
    [b',', b';', b'|'].into_iter().find_map(|by| {
        let behind_first: Vec<&[u8]> = line.split(|&byte| byte == by).skip(1).collect();
        // A delimiter behind the last number is common, too.
        let parts = behind_first.iter().rposition(|part| !part.trim_ascii().is_empty()).map_or(0, |last| last + 1);
        let enough = parts >= 1 && behind_first[..parts].iter().all(is_number);
        let in_last = behind_first.len() > 1
            && behind_first[..parts].iter().rev().take(2).filter(|part| is_number(part)).count() == 2;
        (enough || in_last).then_some(char::from(by))
    })
}

/// Whether all behind the word are places and numbers, `0:0.5 9:0.02`.
pub(super) fn is_sparse(line: &[u8]) -> bool {
    let is_entry = |field: &[u8]| {
        let colon = field.iter().position(|&byte| byte == b':');
        colon.is_some_and(|colon| {
            colon > 0 && field[..colon].iter().all(u8::is_ascii_digit) && number(&field[colon + 1..]).is_some()
        })
    };
    let mut entries = of(line).skip(1).peekable();
    entries.peek().is_some() && entries.all(is_entry)
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
            None => return Problem::NotANumber { field: excerpt(field) },
            Some(x) if !x.is_finite() => return Problem::NotFinite { column },
            Some(_) => {}
        }
    }
    Problem::TooMany { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str, dimensions: usize, promised: bool) -> Result<(String, Vec<f32>), Problem> {
        let mut row = vec![0.0; dimensions];
        let word = parse(trim(line.as_bytes()), &mut row, promised)?.word;
        Ok((String::from_utf8(word.to_vec()).unwrap(), row))
    }

    #[test]
    fn the_last_fields_are_the_vector() {
        let ok = |line: &str, word: &str| {
            assert_eq!(row(line, 2, false), Ok((word.to_owned(), vec![1.0, -0.25])), "{line:?}");
            assert_eq!(row(line, 2, true), Ok((word.to_owned(), vec![1.0, -0.25])), "{line:?}");
        };
        ok("cat 1 -0.25", "cat");
        ok("cat 1 -0.25 \r", "cat");
        ok("cat\t1.0  -2.5e-1\t", "cat");
        ok(". . . 1 -.25", ". . .");
        ok("to infinity 1 -.25", "to infinity");
        ok("the 10th 1 -.25", "the 10th");
        ok("non\u{a0}breaking 1 -.25", "non\u{a0}breaking");
        ok("7 1 -.25", "7");
        ok(" 1 -.25", "");
        ok("  \t1  -.25", "");
        ok("  cat 1 -.25", "cat");
        ok("apollo 11\t1 -.25", "apollo 11");
        ok("a  0.5 \t 1\t-.25", "a  0.5");
    }

    #[test]
    fn a_header_settles_where_a_word_ends() {
        for word in ["windows 7", "web 2.0", "windows 3.11", "ip 127 0 0 1", "room 1_000", "at 10:30", "24 7-11"] {
            let line = format!("{word} 1 -.25");
            assert_eq!(row(&line, 2, true), Ok((word.to_owned(), vec![1.0, -0.25])));
            assert!(row(&line, 2, false).is_err(), "{line}");
        }
        for line in
            ["cat 0.5 1 -.25", "cat -1 1 -.25", "cat 1.234 1 -.25", "cat 1e5 1 -.25", "cat 3 1 2", "cat .5 1 -.25"]
        {
            assert!(matches!(row(line, 2, true), Err(Problem::TooMany { found: 3 })), "{line}");
        }
        assert!(matches!(row("cat 0.1, 1 -.25", 2, true), Err(Problem::NotANumber { .. })));
    }

    #[test]
    fn problems_are_told_from_the_left() {
        let bad = |line: &str, problem: Problem| assert_eq!(row(line, 2, false), Err(problem), "{line:?}");
        let no_number = |field: &str| Problem::NotANumber { field: field.into() };
        bad("cat 1", Problem::TooFew { found: 1 });
        bad("cat", Problem::TooFew { found: 0 });
        bad(" 1", Problem::TooFew { found: 1 });
        bad("", Problem::TooFew { found: 0 });
        bad("cat 1 2 3", Problem::TooMany { found: 3 });
        bad("catch 22 1 2", Problem::TooMany { found: 3 });
        bad("cat x y", no_number("x"));
        bad("cat 1 y", no_number("y"));
        bad("cat 1_000 1 2", no_number("1_000"));
        bad("cat 0x1p3 1 2", no_number("0x1p3"));
        bad("cat nan x", Problem::NotFinite { column: 0 });
        bad("cat 1 1e99", Problem::NotFinite { column: 1 });
    }

    #[test]
    fn numbers_at_the_end_are_counted() {
        assert_eq!(trailing_numbers(b"the 0.1 0.2 3"), 3);
        assert_eq!(trailing_numbers(b". . 0.1"), 1);
        assert_eq!(trailing_numbers(b"5 0.1 0.2"), 2);
        assert_eq!(trailing_numbers(b"hello world"), 0);
        assert_eq!(trailing_numbers(b""), 0);
        assert_eq!(trailing_numbers(b"apollo 11\t0.1 0.2"), 2);
        assert_eq!(trailing_numbers(b"apollo\t11\tx\t0.1"), 1);
    }

    #[test]
    fn other_delimiters_and_sparse_rows_are_told() {
        for (line, by) in [
            ("cat,0.1,0.2", Some(',')),
            ("cat 0.1, 0.2, 0.3", Some(',')),
            ("\"cat\",\"0.1\",\"0.2\"", Some(',')),
            ("\"a,b\",0.1,0.2", Some(',')),
            ("cat;0.1;0.2;", Some(';')),
            ("cat 0.1 | 0.2", Some('|')),
            ("word,0,1,2", Some(',')),
            (", 0.1 0.2", None),
            ("a,b 0.1 0.2", None),
            ("10,000 0.1 0.2", None),
            ("cat 0.1 0.2", None),
        ] {
            assert_eq!(delimiter(line.as_bytes()), by, "{line}");
        }
        assert!(is_sparse(b"x 0:0.5 9:0.02") && is_sparse("的 3:1".as_bytes()));
        assert!(!is_sparse(b"x 0.5 9:0.02") && !is_sparse(b"x") && !is_sparse(b"x :1"));
    }
}
