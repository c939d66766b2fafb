//! The words as they are written, once it is sure that they can be read back.

use hashbrown::{HashMap, HashSet};

use super::error::WriteError;
use crate::{Format, WordVectors};

/// What to do with words that could not be read back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OddWords {
    /// What stands for white space in a word.
    pub(super) replace_spaces: Option<char>,
    /// Whether the row of the empty word is left out.
    pub(super) skip_empty: bool,
}

/// The words of a file to be written.
#[derive(Debug)]
pub(super) struct Names<'v> {
    vectors: &'v WordVectors,
    /// The few whose spaces were replaced, by row.
    replaced: HashMap<u32, String>,
    /// The row of the empty word, where it is left out. No word comes twice, so there is one at the most.
    skipped: Option<u32>,
}

impl<'v> Names<'v> {
    pub(super) fn new(vectors: &'v WordVectors, format: Format, odd: OddWords) -> Result<Self, WriteError> {
        let mut names = Self { vectors, replaced: HashMap::new(), skipped: None };
        let mut taken = HashSet::new();
        for (row, word) in (0..).zip(vectors.words()) {
            if word.is_empty() && odd.skip_empty {
                names.skipped = Some(row);
                continue;
            }
            if word.is_empty() {
                return Err(WriteError::EmptyWord { row });
            }
            if is_writable(word, format) {
                continue;
            }
            let unwritable = || WriteError::Unwritable { word: word.into(), row, format };
            let replaced =
                word.replace([' ', '\t', '\n'], odd.replace_spaces.ok_or_else(unwritable)?.encode_utf8(&mut [0; 4]));
            if !is_writable(&replaced, format) {
                return Err(unwritable());
            }
            if vectors.contains(&replaced) || !taken.insert(replaced.clone()) {
                return Err(WriteError::Collision { word: word.into(), row, replaced });
            }
            names.replaced.insert(row, replaced);
        }
        Ok(names)
    }

    /// Number of rows that are written.
    pub(super) fn len(&self) -> usize {
        self.vectors.len() - usize::from(self.skipped.is_some())
    }

    /// Whether a row is written.
    pub(super) fn has(&self, row: u32) -> bool {
        self.skipped != Some(row)
    }

    pub(super) fn word(&self, row: u32) -> &str {
        // The map is empty but for odd files, and asking an empty one costs nothing.
        self.replaced.get(&row).map_or_else(|| self.vectors.word(row), String::as_str)
    }
}

/// Whether a word that is not empty comes back from a file as it went in.
fn is_writable(word: &str, format: Format) -> bool {
    match format {
        Format::Text => !word.contains([' ', '\t', '\n']),
        // Up to the first space all is word, but for the newlines that end the row before.
        Format::Binary => !word.contains(' ') && !word.starts_with('\n'),
    }
}
