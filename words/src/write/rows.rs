//! Rows as bytes, in parallel, and handed on in order.

use rayon::prelude::*;

use super::{WriteError, words::Names};
use crate::{
    Format, WordVectors,
    read::{self, BinaryRows, EndOfWord},
};

/// Numbers that one task writes: about a megabyte of text.
const NUMBERS: usize = 1 << 17;

/// Makes the bytes of all rows and gives them to `out` in order, with the number of rows done by then. No more than a few
/// megabytes a thread are held at a time.
pub(super) fn blocks(
    vectors: &WordVectors,
    names: &Names<'_>,
    format: Format,
    mut out: impl FnMut(&[u8], u64) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let rows = (NUMBERS / vectors.dimensions()).max(1);
    let total = vectors.len() as u32;
    let starts: Vec<u32> = (0..total).step_by(rows).collect();
    for starts in starts.chunks(2 * rayon::current_num_threads()) {
        let ends = starts.iter().map(|&start| start.saturating_add(rows as u32).min(total));
        let ranges: Vec<_> = starts.iter().copied().zip(ends).collect();
        let blocks: Vec<Vec<u8>> =
            ranges.par_iter().map(|&(start, end)| block(vectors, names, format, start, end)).collect();
        for (bytes, (_, end)) in blocks.iter().zip(ranges) {
            out(bytes, u64::from(end))?;
        }
    }
    Ok(())
}

fn block(vectors: &WordVectors, names: &Names<'_>, format: Format, start: u32, end: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in (start..end).filter(|row| names.has(*row)) {
        bytes.extend_from_slice(names.word(row).as_bytes());
        match format {
            Format::Text => text(vectors.vector(row), &mut bytes),
            Format::Binary => binary(vectors.vector(row), &mut bytes),
        }
    }
    bytes
}

fn text(vector: &[f32], bytes: &mut Vec<u8>) {
    let mut digits = zmij::Buffer::new();
    for &x in vector {
        bytes.push(b' ');
        bytes.extend_from_slice(digits.format(x).as_bytes());
    }
    bytes.push(b'\n');
}

/// As gensim writes it, without a newline behind the row.
fn binary(vector: &[f32], bytes: &mut Vec<u8>) {
    bytes.push(b' ');
    for x in vector {
        bytes.extend_from_slice(&x.to_le_bytes());
    }
}

/// Whether the bytes of a binary file's first rows happen to look like text to the reader.
pub(super) fn reads_as_text(vectors: &WordVectors, names: &Names<'_>) -> bool {
    let mut bytes = Vec::new();
    for row in (0..vectors.len() as u32).filter(|row| names.has(*row)) {
        bytes.extend_from_slice(names.word(row).as_bytes());
        binary(vectors.vector(row), &mut bytes);
        if bytes.len() >= read::SAMPLE {
            break;
        }
    }
    bytes.truncate(read::SAMPLE);
    read::text_or_binary(&bytes, vectors.dimensions()) == Format::Text
}

/// Whether in a binary file each word would be read to its end and no farther: of a few short vectors, the bytes look like a second
/// piece of the word.
pub(super) fn words_end_where_they_do(vectors: &WordVectors, names: &Names<'_>) -> bool {
    let rows = (NUMBERS / vectors.dimensions()).max(1);
    let total = vectors.len() as u32;
    (0..total).into_par_iter().step_by(rows).all(|start| {
        let end = start.saturating_add(rows as u32).min(total);
        let mut bytes = block(vectors, names, Format::Binary, start, end);
        let (own, row) = (bytes.len(), 4 * vectors.dimensions());
        // Those of the rows behind it, as far as a reader looks.
        let mut next = end;
        while next < total && bytes.len() < own + BinaryRows::most_behind(row) {
            bytes.extend(block(vectors, names, Format::Binary, next, next + 1));
            next += 1;
        }
        let reader = BinaryRows { block: &bytes, bytes: row, last: next == total, lossy: false };
        let mut at = 0;
        (start..end).filter(|row| names.has(*row)).all(|id| {
            let space = at + names.word(id).len();
            let ends = reader.end_of_word(at, space) == EndOfWord::At(space);
            at = space + 1 + row;
            ends
        })
    })
}
