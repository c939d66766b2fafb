//! What is odd about a file but no reason to refuse it.

use std::fmt;

/// Oddities of a file that was read all the same.
///
/// Prints as the messages, one a line; nothing if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warnings {
    /// Number of rows left out because their word had come before.
    pub duplicates: u64,
    /// The first such word.
    pub first_duplicate: Option<String>,
    /// Number of words that end in a number behind a space, such as `windows 7`: the header told that it is none of the vector's.
    pub ending_in_number: u64,
    /// The first such word.
    pub first_ending_in_number: Option<String>,
    /// Number of words in which bytes that are not UTF-8 were replaced.
    pub replaced: u64,
    /// Whether the file goes on after the rows that its header promises.
    pub trailing: bool,
}

impl Warnings {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What there is to tell, a line each.
    pub fn messages(&self) -> impl Iterator<Item = String> {
        let duplicates = self.first_duplicate.as_ref().map(|word| {
            let count = self.duplicates;
            format!("{count} duplicate words left out, the first of each kept (such as {word:?})")
        });
        let replaced = (self.replaced > 0).then(|| format!("{} words were not UTF-8 and were repaired", self.replaced));
        let trailing = self.trailing.then(|| {
            "the file goes on after the rows that its header promises; the rest is left out, is the header right?"
                .into()
        });
        let numbered = self.first_ending_in_number.as_ref().map(|word| {
            let count = self.ending_in_number;
            format!("{count} words end in a number (such as {word:?}), as the header leaves no other place for it")
        });
        [duplicates, numbered, replaced, trailing].into_iter().flatten()
    }

    pub(super) fn ends_in_number(&mut self, word: &str) {
        self.ending_in_number += 1;
        self.first_ending_in_number.get_or_insert_with(|| word.into());
    }

    pub(super) fn duplicate(&mut self, word: &str) {
        self.duplicates += 1;
        self.first_duplicate.get_or_insert_with(|| word.into());
    }
}

impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages().enumerate().try_for_each(|(index, line)| {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{line}")
        })
    }
}
