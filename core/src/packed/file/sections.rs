//! The sections of a file, and how long each is.

use bytemuck::{Pod, Zeroable};

use crate::Metric;
use crate::packed::quantise::pq4::{Codebook, subquantisers};
use crate::packed::quantise::sq7::tile_width;
use crate::simd::{SCAN_ROWS, TILE_BYTES, TILE_ROWS};

/// What sections there are. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    /// The origin of the index space, then the offset of each dimension, then the step of each: f32.
    Quantiser = 1,
    /// Centroids as tiles of 7-bit codes.
    Centroids = 2,
    /// What is added to a product with each centroid: f32, as many as the tiles have rows.
    CentroidBiases = 3,
    /// The first row and the first block of each leaf, and of the end: u32.
    Leaves = 4,
    /// 2 × 16 f32 for each subquantiser.
    Codebooks = 5,
    /// Blocks of 4-bit codes.
    Codes = 6,
    /// What is added to the sum of a row's codes: u16 for each place of each block. Euclidean only.
    CodeBiases = 7,
    /// The least and the step of the code biases of each leaf: f32. Euclidean only.
    LeafBiases = 8,
    /// The id of each row: u32.
    Ids = 9,
    /// Rows of 7-bit codes, each with a bias at its end: f32.
    RowCodes = 10,
    /// The vectors as they were given, in the order of rows: f32.
    Vectors = 11,
    /// The row of each id: u32.
    RowOfId = 12,
    /// Recall, leaves, candidates, rerank depth: f32, u32, u32, u32.
    Calibration = 13,
    /// Where each key ends: u64.
    KeyEnds = 14,
    /// The keys, UTF-8, one after the other.
    Keys = 15,
}

impl Section {
    pub(crate) const COUNT: usize = 15;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Quantiser,
        Self::Centroids,
        Self::CentroidBiases,
        Self::Leaves,
        Self::Codebooks,
        Self::Codes,
        Self::CodeBiases,
        Self::LeafBiases,
        Self::Ids,
        Self::RowCodes,
        Self::Vectors,
        Self::RowOfId,
        Self::Calibration,
        Self::KeyEnds,
        Self::Keys,
    ];
}

/// How many nearest neighbours a calibration is for.
pub(crate) const CALIBRATED_FOR: usize = 10;
/// Points of a calibration.
pub(crate) const CALIBRATED: usize = 32;

/// A calibrated point: the effort that leads to this recall.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Point {
    pub(crate) recall: f32,
    pub(crate) leaves: u32,
    pub(crate) candidates: u32,
    pub(crate) rerank_depth: u32,
}

/// Where a leaf begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct LeafStart {
    pub(crate) row: u32,
    pub(crate) block: u32,
}

/// Sections begin at a cache line, and rows of 7-bit codes are whole ones.
pub(crate) const LINE: usize = 64;

/// Bytes in a row of 7-bit codes: the codes and a bias, in whole cache lines.
pub(crate) const fn row_bytes(dimensions: usize) -> usize {
    (dimensions + size_of::<f32>()).next_multiple_of(LINE)
}

/// The numbers from which every length follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) metric: Metric,
    pub(crate) dimensions: usize,
    pub(crate) rows: usize,
    pub(crate) leaves: usize,
    pub(crate) blocks: usize,
    /// Bytes of keys; none where there are no keys.
    pub(crate) keys: Option<usize>,
}

impl Shape {
    /// Bytes in a section; none where they are too many.
    pub(crate) fn length(&self, section: Section) -> Option<usize> {
        let Self { metric, dimensions, rows, leaves, blocks, keys } = *self;
        let subquantisers = subquantisers(dimensions);
        let for_euclidean = |bytes: Option<usize>| if metric == Metric::Euclidean { bytes } else { Some(0) };
        let float = size_of::<f32>();
        match section {
            Section::Quantiser => dimensions.checked_mul(3 * float),
            Section::Centroids => leaves.div_ceil(TILE_ROWS).checked_mul(tile_width(dimensions) * TILE_BYTES),
            Section::CentroidBiases => leaves.checked_next_multiple_of(TILE_ROWS)?.checked_mul(float),
            Section::Leaves => leaves.checked_add(1)?.checked_mul(size_of::<LeafStart>()),
            Section::Codebooks => subquantisers.checked_mul(size_of::<Codebook>()),
            Section::Codes => blocks.checked_mul(subquantisers / 2 * SCAN_ROWS),
            Section::CodeBiases => for_euclidean(blocks.checked_mul(SCAN_ROWS * size_of::<u16>())),
            Section::LeafBiases => for_euclidean(leaves.checked_mul(2 * float)),
            Section::Ids | Section::RowOfId => rows.checked_mul(size_of::<u32>()),
            Section::RowCodes => rows.checked_mul(row_bytes(dimensions)),
            Section::Vectors => rows.checked_mul(dimensions.checked_mul(float)?),
            Section::Calibration => Some(CALIBRATED * size_of::<Point>()),
            Section::KeyEnds if keys.is_some() => rows.checked_mul(size_of::<u64>()),
            Section::KeyEnds => Some(0),
            Section::Keys => Some(keys.unwrap_or(0)),
        }
    }
}
