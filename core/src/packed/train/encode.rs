//! What a file holds of each row: the vector, 7-bit codes, and the 4-bit codes of what its leaf's centroid leaves of it.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::Trained;
use crate::Metric;
use crate::packed::file::sections::{LeafStart, row_bytes};
use crate::packed::quantise::pq4::{self, Encoder};
use crate::packed::quantise::space::normalise;
use crate::packed::quantise::sq7::encode_row;
use crate::packed::quantise::subquantisation::{Codebooks, KSUB, Subquantisation};
use crate::parallel::{Join, for_each_chunk};
use crate::progress::{Cancel, Cancelled};
use crate::simd::SCAN_ROWS;
use crate::simd::in_f64::dot;

/// Rows that a thread writes at a time.
const ROWS: usize = 4096;
/// Leaves whose codes a thread writes at a time.
const LEAVES: usize = 16;
/// Rows from which codebooks are trained: so many, but no more than have so many numbers, which lie in memory, and no fewer.
const TRAINED_ON: usize = 1 << 14;
const TRAINED_ON_NUMBERS: usize = 1 << 25;
const TRAINED_ON_LEAST: usize = 1 << 10;

/// Writes the vectors and the 7-bit codes of all rows.
pub(super) fn write_rows<J: Join>(
    trained: &Trained<'_>,
    vectors: &mut [f32],
    row_codes: &mut [u8],
    cancel: Cancel<'_>,
) -> Result<(), Cancelled> {
    let (source, order) = (trained.source, &trained.partition.order);
    let d = source.dimensions;
    for_each_chunk::<J, _>(vectors, ROWS * d, &|chunk, vectors| {
        for (to, id) in vectors.chunks_exact_mut(d).zip(&order[chunk * ROWS..]) {
            to.copy_from_slice(source.vector(*id));
        }
    });
    for_each_chunk::<J, _>(row_codes, ROWS * row_bytes(d), &|chunk, row_codes| {
        if cancel.is_set() {
            return;
        }
        let mut row = vec![0.0; d];
        for (to, id) in row_codes.chunks_exact_mut(row_bytes(d)).zip(&order[chunk * ROWS..]) {
            source.read(*id, &mut row);
            encode_row(source.metric(), trained.quantiser(), &row, to);
        }
    });
    cancel.check()
}

/// Codebooks for the residuals of a sample of the rows.
pub(super) fn train_codebooks<J: Join>(trained: &Trained<'_>, pieces: Subquantisation) -> Vec<[f32; KSUB]> {
    let (source, partition) = (trained.source, &trained.partition);
    let width = pieces.width();
    let every = source.len().div_ceil((TRAINED_ON_NUMBERS / width).clamp(TRAINED_ON_LEAST, TRAINED_ON)).max(1);
    let mut residuals = Vec::new();
    let (mut row, mut centroid) = (vec![0.0; width], vec![0.0; width]);
    let mut leaf = 0;
    for at in (0..source.len()).step_by(every) {
        while partition.starts[leaf + 1] as usize <= at {
            leaf += 1;
        }
        source.read(partition.order[at], &mut row);
        trained.read_centroid(leaf, &mut centroid);
        residuals.extend(row.iter().zip(&centroid).map(|(x, c)| x - c));
    }
    pq4::train::<J>(&residuals, pieces)
}

/// Writes 4-bit codes.
pub(super) struct CodeWriter<'a> {
    pub(super) trained: &'a Trained<'a>,
    pub(super) codebooks: Codebooks<'a>,
    pub(super) starts: &'a [LeafStart],
    pub(super) cancel: Cancel<'a>,
}

/// Where the codes of some leaves go.
struct CodeParts<'a> {
    leaves: Range<usize>,
    codes: &'a mut [[u8; SCAN_ROWS]],
    /// Empty but for euclidean, and so is the next.
    code_biases: &'a mut [[u16; SCAN_ROWS]],
    leaf_biases: &'a mut [[f32; 2]],
}

impl CodeWriter<'_> {
    /// Writes the codes and the biases of all leaves.
    pub(super) fn write<J: Join>(
        &self,
        codes: &mut [[u8; SCAN_ROWS]],
        code_biases: &mut [[u16; SCAN_ROWS]],
        leaf_biases: &mut [[f32; 2]],
    ) -> Result<(), Cancelled> {
        self.write_parts::<J>(CodeParts { leaves: 0..self.starts.len() - 1, codes, code_biases, leaf_biases });
        self.cancel.check()
    }

    fn write_parts<J: Join>(&self, parts: CodeParts<'_>) {
        if parts.leaves.len() <= LEAVES {
            self.write_here(parts);
        } else {
            let (left, right) = self.halves(parts);
            J::join(|| self.write_parts::<J>(left), || self.write_parts::<J>(right));
        }
    }

    fn halves<'p>(&self, parts: CodeParts<'p>) -> (CodeParts<'p>, CodeParts<'p>) {
        let CodeParts { leaves, codes, code_biases, leaf_biases } = parts;
        let middle = leaves.start + leaves.len() / 2;
        let blocks = (self.starts[middle].block - self.starts[leaves.start].block) as usize;
        let is_euclidean = self.trained.source.metric() == Metric::Euclidean;
        let codes = codes.split_at_mut(blocks * self.codebooks.len() / 2);
        let code_biases = code_biases.split_at_mut(if is_euclidean { blocks } else { 0 });
        let leaf_biases = leaf_biases.split_at_mut(if is_euclidean { leaves.len() / 2 } else { 0 });
        let half = |leaves, codes, code_biases, leaf_biases| CodeParts { leaves, codes, code_biases, leaf_biases };
        (
            half(leaves.start..middle, codes.0, code_biases.0, leaf_biases.0),
            half(middle..leaves.end, codes.1, code_biases.1, leaf_biases.1),
        )
    }

    fn write_here(&self, parts: CodeParts<'_>) {
        let mut encoder = RowEncoder::new(self.trained, self.codebooks);
        let width = self.codebooks.len() / 2;
        let first = self.starts[parts.leaves.start].block;
        for (at, leaf) in parts.leaves.enumerate() {
            if self.cancel.is_set() {
                return;
            }
            let [start, end] = [leaf, leaf + 1].map(|leaf| (self.starts[leaf].block - first) as usize);
            encoder.write_leaf(leaf, &mut parts.codes[start * width..end * width]);
            if self.trained.source.metric() == Metric::Euclidean {
                let places = parts.code_biases[start..end].as_flattened_mut();
                parts.leaf_biases[at] = encode_biases(&encoder.biases, places);
            }
        }
    }
}

/// Encodes the rows of a leaf.
struct RowEncoder<'a> {
    trained: &'a Trained<'a>,
    encoder: Encoder<'a>,
    centroid: Vec<f32>,
    row: Vec<f32>,
    residual: Vec<f32>,
    /// The direction in which errors weigh more; zero for euclidean.
    direction: Vec<f32>,
    codes: Vec<u8>,
    /// For euclidean what is to be added to the sum of each row's codes.
    biases: Vec<f32>,
}

impl<'a> RowEncoder<'a> {
    fn new(trained: &'a Trained<'a>, codebooks: Codebooks<'a>) -> Self {
        let zeros = || vec![0.0; codebooks.pieces.width()];
        Self {
            trained,
            encoder: Encoder::new(codebooks),
            centroid: zeros(),
            row: zeros(),
            residual: zeros(),
            direction: zeros(),
            codes: vec![0; codebooks.len()],
            biases: Vec::new(),
        }
    }

    fn write_leaf(&mut self, leaf: usize, to: &mut [[u8; SCAN_ROWS]]) {
        let width = self.codes.len() / 2;
        self.trained.read_centroid(leaf, &mut self.centroid);
        self.biases.clear();
        for (place, id) in self.trained.partition.rows(leaf).iter().enumerate() {
            self.encode(*id);
            let block = &mut to[place / SCAN_ROWS * width..][..width];
            for (to, pair) in block.iter_mut().zip(self.codes.as_chunks::<2>().0) {
                to[place % SCAN_ROWS] = pair[0] | pair[1] << 4;
            }
        }
    }

    fn encode(&mut self, id: u32) {
        let Self { trained, encoder, centroid, row, residual, direction, codes, biases } = self;
        trained.source.read(id, row);
        for ((residual, x), c) in residual.iter_mut().zip(&*row).zip(&*centroid) {
            *residual = x - c;
        }
        if trained.source.metric() != Metric::Euclidean {
            direction.copy_from_slice(row);
            normalise(direction);
        }
        encoder.encode(residual, direction, codes);
        if trained.source.metric() == Metric::Euclidean {
            // Of a query near the row, the codes miss about what they miss of the row itself.
            biases.push((dot(row, encoder.error()) - 0.5 * dot(row, row)) as f32);
        }
    }
}

/// Writes biases as steps from the least; returns the least and the step.
fn encode_biases(biases: &[f32], to: &mut [u16]) -> [f32; 2] {
    let least = biases.iter().copied().fold(f32::INFINITY, f32::min);
    let most = biases.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let step = (most - least) / f32::from(u16::MAX);
    for (to, bias) in to.iter_mut().zip(biases) {
        *to = ((bias - least) / step + 0.5) as u16;
    }
    if least.is_finite() { [least, step] } else { [0.0, 0.0] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biases_come_back_within_half_a_step() {
        let biases: Vec<f32> = (0..100).map(|at| (at as f32 * 0.77).sin() * 1e3 - 5e3).collect();
        let mut codes = [0; 128];
        let [least, step] = encode_biases(&biases, &mut codes);
        for (bias, code) in biases.iter().zip(codes) {
            assert!((least + step * f32::from(code) - bias).abs() <= 0.51 * step + 1e-3);
        }
        assert_eq!(encode_biases(&[], &mut codes), [0.0, 0.0]);
        assert_eq!(encode_biases(&[7.0], &mut codes), [7.0, 0.0]);
    }
}
