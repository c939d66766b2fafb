//! Lines of JSON, which may be many millions.

use std::fmt::Write as _;

use crate::output::is_obeyed;

/// Appends a cosine to four places, which is what 32-bit vectors are good for; 1.0000 and not 1.
///
/// As `{:.4}` has it: ten thousand times as much is exact in 64 bits, and a tie goes to the even digit. That takes a fifth of
/// the time, and there are millions of them.
pub(crate) fn push_cosine(line: &mut String, cosine: f32) {
    let scaled = (f64::from(cosine) * 1e4).round_ties_even();
    let digits = scaled.abs() as u32;
    if cosine.is_sign_negative() {
        line.push('-');
    }
    let digit = |place: u32| char::from_digit(digits / place % 10, 10).unwrap_or('0');
    line.extend([digit(10_000), '.', digit(1000), digit(100), digit(10), digit(1)]);
}

/// Appends a word as a JSON string.
pub(crate) fn push_json(line: &mut String, word: &str) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if word.bytes().all(is_plain) {
        line.extend(["\"", word, "\""]);
        return;
    }
    // JSON asks for the control characters of ASCII to be escaped, and a terminal obeys others as well.
    let json = serde_json::Value::from(word).to_string();
    for c in json.chars() {
        if is_obeyed(c) {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_what_the_formatter_makes_of_them() {
        let ties =
            (0..20_000).map(|at| (at as f32 - 10_000.0) / 10_000.0).chain([0.03125, -0.03125, -0.0, 1e-6, -1e-6]);
        for cosine in ties.flat_map(|x| [x, x.next_up(), x.next_down(), x + 0.000_05]).map(|x| x.clamp(-1.0, 1.0)) {
            let mut line = String::new();
            push_cosine(&mut line, cosine);
            assert_eq!(line, format!("{cosine:.4}"));
        }
    }
}
