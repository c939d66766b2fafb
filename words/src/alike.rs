//! Words that are another in other dress: in another Unicode normal form, in other case, with a hyphen or an underscore for a space, or
//! with what some vocabularies put around each word, as `/c/en/cat` (`ConceptNet`), `duck|NOUN` (sense2vec), `ENTITY/Paris`
//! (`Wikipedia2Vec`), `cat.n.01` (`WordNet`), `cat_NN` and `▁cat` (`SentencePiece`) have it.

use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

/// Whether two words differ in their normal form alone.
pub(crate) fn are_canonically_equal(a: &str, b: &str) -> bool {
    a != b && a.nfc().eq(b.nfc())
}

/// The words among so many that are like `word` but for their dress, the closest and then the first of them first.
pub(crate) fn alike<'w>(word: &str, most: usize, count: usize, word_of: &(impl Fn(u32) -> &'w str + Sync)) -> Vec<u32> {
    let (whole, core) = (folded(word), folded(core(word)));
    if core.is_empty() {
        return Vec::new();
    }
    let rank = |candidate: &str| {
        if candidate.is_ascii() {
            // Most words are, and no string is made for them.
            return if is_folded(candidate, &whole) {
                Some(1)
            } else {
                is_folded(self::core(candidate), &core).then_some(2)
            };
        }
        if are_canonically_equal(word, candidate) {
            return Some(0);
        }
        if folded(candidate) == whole { Some(1) } else { (folded(self::core(candidate)) == core).then_some(2) }
    };
    let candidates = (0..count as u32).into_par_iter().with_min_len(4096);
    let mut found: Vec<(u8, u32)> = candidates.filter_map(|id| Some((rank(word_of(id))?, id))).collect();
    found.sort_unstable();
    found.truncate(most);
    found.into_iter().map(|(_, id)| id).collect()
}

/// One spelling for all forms and cases, with `_` for what may join words.
fn folded(word: &str) -> String {
    word.nfkc().flat_map(char::to_lowercase).map(|c| if is_joint(c) { '_' } else { c }).nfkc().collect()
}

fn is_joint(c: char) -> bool {
    matches!(c, ' ' | '-' | '_')
}

/// Whether this is what [`folded`] makes of a word of ASCII.
fn is_folded(ascii: &str, folded: &str) -> bool {
    let same = |(a, b): (u8, u8)| a.to_ascii_lowercase() == b || is_joint(char::from(a)) && b == b'_';
    ascii.len() == folded.len() && ascii.bytes().zip(folded.bytes()).all(same)
}

/// The word itself, without what stands around it.
fn core(word: &str) -> &str {
    let word = match word.strip_prefix("/c/").and_then(|rest| rest.split('/').nth(1)) {
        Some(concept) => concept,
        None => word.rsplit_once('/').map_or(word, |(_, last)| last),
    };
    let word = ["##", "▁", "Ġ"].into_iter().find_map(|mark| word.strip_prefix(mark)).unwrap_or(word);
    let word = match word.find(['|', '#', '%']) {
        Some(at) if at > 0 => &word[..at],
        _ => word,
    };
    without_sense(without_tag(word))
}

/// Without the part of speech behind an underscore, which is in capitals: `cat_NOUN`.
fn without_tag(word: &str) -> &str {
    match word.rsplit_once('_') {
        Some((rest, tag)) if !rest.is_empty() && (1..=5).contains(&tag.len()) && is_tag(rest, tag) => rest,
        _ => word,
    }
}

/// In `NEW_YORK` it is no tag.
fn is_tag(rest: &str, tag: &str) -> bool {
    tag.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.chars().any(char::is_lowercase)
}

/// Without the part of speech and the number of a sense: `cat.n.01`.
fn without_sense(word: &str) -> &str {
    let Some((rest, number)) = word.rsplit_once('.') else { return word };
    let Some((rest, part)) = rest.rsplit_once('.') else { return word };
    let is_sense = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_sense && matches!(part, "n" | "v" | "a" | "s" | "r") && !rest.is_empty() { rest } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_found_in_its_dress() {
        let words = [
            "/c/en/cat",
            "duck|NOUN",
            "ENTITY/Barack_Obama",
            "cat.n.01",
            "caf\u{e9}",
            "New_York",
            "the_DT",
            "▁an",
            "/c/en/dog/n",
            "ｗｉｄｅ",
            "and/or",
            "NEW_JERSEY",
            "Straße",
            "cat",
            "Cat",
        ];
        let of = |word: &str| {
            let found = alike(word, 9, words.len(), &|id| words[id as usize]);
            found.into_iter().map(|id| words[id as usize]).collect::<Vec<_>>()
        };
        assert_eq!(of("CAT"), ["cat", "Cat", "/c/en/cat", "cat.n.01"]);
        assert_eq!(of("duck"), ["duck|NOUN"]);
        assert_eq!(of("duck|VERB"), ["duck|NOUN"]);
        assert_eq!(of("Barack Obama"), ["ENTITY/Barack_Obama"]);
        assert_eq!(of("cafe\u{301}"), ["caf\u{e9}"]);
        assert_eq!(of("CAFE\u{301}"), ["caf\u{e9}"]);
        assert_eq!(of("new-york"), ["New_York"]);
        assert_eq!(of("new jersey"), ["NEW_JERSEY"]);
        assert_eq!(of("/c/en/the"), ["the_DT"]);
        assert_eq!(of("an"), ["▁an"]);
        assert_eq!(of("dog"), ["/c/en/dog/n"]);
        assert_eq!(of("wide"), ["ｗｉｄｅ"]);
        assert_eq!(of("straße"), ["Straße"]);
        for none in ["", "/", "york", "jersey", "du", "ca"] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
        assert!(are_canonically_equal("e\u{301}", "\u{e9}") && !are_canonically_equal("e", "E"));
    }
}
