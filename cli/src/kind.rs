//! What kind of file a path names, by its first bytes or by what it opens as.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::{MappedFile, Metric};
use ohyeah_words::Compression;

use crate::failure::Failure;
use crate::mapped;

/// Whether a file begins with an item, whose number of descendants is 1, or with the place of one that was never added,
/// where it is 0: every index of Annoy's does. No file of vectors does, for it begins with a word, a number or the mark of gzip.
pub(crate) fn begins_as_index(path: &Path) -> bool {
    begins(path).is_some_and(|start: [u8; 4]| matches!(u32::from_le_bytes(start), 0 | 1))
}

/// Whether a file begins as a packed index does.
pub(crate) fn is_packed(path: &Path) -> bool {
    begins(path) == Some(ohyeah::packed::MAGIC)
}

/// Whether a file begins as an array of NumPy does, or what is packed in it.
pub(crate) fn is_npy(path: &Path) -> bool {
    let mark = b"\x93NUMPY";
    let mut start = Vec::new();
    let mut read = || Compression::unpacked(ordinary(path)?).ok()?.take(mark.len() as u64).read_to_end(&mut start).ok();
    read().is_some() && start == mark
}

/// The first bytes of an ordinary file. What is read from a pipe would be missing afterwards.
fn begins<const N: usize>(path: &Path) -> Option<[u8; N]> {
    let mut start = [0; N];
    ordinary(path)?.read_exact(&mut start).ok()?;
    Some(start)
}

fn ordinary(path: &Path) -> Option<File> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    File::open(path).ok()
}

/// More dimensions are not tried: an index of them would be the first.
const MOST_DIMENSIONS: usize = 1 << 16;

/// An index says nothing of itself, so every metric and number of dimensions is tried that its size allows. Often one alone
/// fits; euclidean and manhattan look alike, and dot has the structure of angular with a dimension more.
pub(crate) fn annoy_indexes(path: &Path) -> Result<Vec<AnyForest<MappedFile>>, Failure> {
    let file = mapped::file(path)?;
    let mut fitting = Vec::new();
    for metric in Metric::ALL {
        for dimensions in 1..=MOST_DIMENSIONS {
            // Hamming rounds up to whole words: name each size once, by the most dimensions that it has room for.
            if metric == Metric::Hamming && dimensions % 64 != 0 {
                continue;
            }
            if let Ok(forest) = AnyForest::open(file.clone(), metric, dimensions)
                && forest.verify().is_ok()
            {
                fitting.push(forest);
            }
        }
    }
    // Bytes may also pass for an index of next to nothing in thousands of dimensions.
    let most = fitting.iter().map(AnyForest::len).max();
    fitting.retain(|forest| Some(forest.len()) == most);
    Ok(fitting)
}
