//! The sections of a file, and how long each is.

use bytemuck::{Pod, Zeroable};

use super::local::local_bytes;
use crate::Metric;
use crate::packed::file::layout::MOST_DIMENSIONS;
use crate::packed::quantise::sq7::tile_width;
use crate::packed::quantise::subquantisation::{KSUB, Subquantisation};
use crate::simd::{SCAN_ROWS, TILE_BYTES, TILE_ROWS};

/// What sections there are. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    /// The origin of the index space, then the offset of each dimension, then the step of each: f32. From version 2 on the mean code
    /// of each dimension, and [`CodeErrors`]; where there are local codes their
    /// [`LocalSpace`](crate::packed::quantise::lvq::LocalSpace).
    Quantiser = 1,
    /// Centroids as tiles of 7-bit codes.
    Centroids = 2,
    /// What is added to a product with each centroid: f32, as many as the tiles have rows.
    CentroidBiases = 3,
    /// The first row and the first block of each leaf, and of the end: u32.
    Leaves = 4,
    /// 16 f32 for each dimension of each subquantiser.
    Codebooks = 5,
    /// Blocks of 4-bit codes.
    Codes = 6,
    /// What is added to the sum of a row's codes: u16 for each place of each block. Euclidean only.
    CodeBiases = 7,
    /// The least and the step of the code biases of each leaf: f32. Euclidean only.
    LeafBiases = 8,
    /// The id of each row: u32.
    Ids = 9,
    /// Rows of 7-bit codes, each with a bias at its end: f32. Then local codes, where there are any.
    RowCodes = 10,
    /// The vectors as they were given, in the order of rows: f32.
    Vectors = 11,
    /// The row of each id: u32.
    RowOfId = 12,
    /// What each recall takes: [`FixedEffort`]s in version 1, [`CalibrationHeader`] and [`Effort`]s from version 2 on.
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

/// The versions of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Searches scan a fixed number of leaves, which was measured for the 10 nearest.
    V1 = 1,
    /// Searches stop by what they have found, and a 4-bit code of many dimensions stands for more than two.
    V2 = 2,
}

impl Version {
    pub(crate) const LATEST: Self = Self::V2;

    pub(crate) fn of(number: u32) -> Option<Self> {
        [Self::V1, Self::V2].into_iter().find(|version| *version as u32 == number)
    }

    /// With two dimensions for a 4-bit code, the sum of a row's table entries would not fit 16 bits beyond 2048 dimensions.
    pub(crate) const fn most_dimensions(self) -> usize {
        match self {
            Self::V1 => 2048,
            Self::V2 => MOST_DIMENSIONS,
        }
    }
}

/// How many nearest neighbours a calibration of version 1 is for.
pub(crate) const FIXED_FOR: usize = 10;
/// The list lengths of a calibration, ascending.
pub(crate) const LIST_LENGTHS: [usize; 4] = [1, 10, 100, 1000];
/// Points of a calibration, for each list length.
pub(crate) const POINTS: usize = 32;

/// A calibrated point of version 1: the effort that leads to this recall for the 10 nearest.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FixedEffort {
    pub(crate) recall: f32,
    pub(crate) leaves: u32,
    pub(crate) candidates: u32,
    pub(crate) rerank_depth: u32,
}

/// How a calibration was made, and what it holds for.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct CalibrationHeader {
    /// The weight of what was found in the threshold that leaves have to reach; see [`ProbeRule`].
    ///
    /// [`ProbeRule`]: crate::packed::search::probe::ProbeRule
    pub(crate) weight: f32,
    /// What is added to the square of the scale of slacks and margins. Euclidean only.
    pub(crate) floor: f32,
    /// How many queries it was made with; 0 where they were rows.
    pub(crate) queries: u32,
    pub(crate) reserved: u32,
}

/// A calibrated point: the effort that leads to this recall, and what it costs on average. Slack, heights, margins and gaps are in
/// the scale of the query's scores; see [`ProbeRule`](crate::packed::search::probe::ProbeRule).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Effort {
    pub(crate) recall: f32,
    /// How far below the threshold the key of a leaf may lie that is scanned.
    pub(crate) slack: f32,
    /// Leaves that are scanned in any case.
    pub(crate) least: f32,
    /// How high above the key of the best leaf the n-th best score is for the middle query, and for all but a twentieth.
    pub(crate) height: f32,
    pub(crate) low: f32,
    /// How far below the n-th best score by 4-bit codes that of a candidate may lie.
    pub(crate) margin: f32,
    /// How far below the n-th best score by 7-bit codes that of a candidate may lie.
    pub(crate) code_margin: f32,
    /// By how much the n-th best score by 4-bit codes usually exceeds that by 7-bit codes, and by how much it may: beyond it a
    /// search looks again.
    pub(crate) gap: f32,
    pub(crate) widest_gap: f32,
    /// Leaves and rows that are scanned.
    pub(crate) leaves: f32,
    pub(crate) rows: f32,
    /// Candidates that are compared by their 7-bit codes.
    pub(crate) candidates: f32,
    /// The recall that all but a tenth of the queries reach.
    pub(crate) tenth: f32,
}

/// What bounds the error of scores by 7-bit codes, over all rows; see
/// [`error_bound`](crate::packed::truth::error_bound).
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct CodeErrors {
    /// The greatest distance of a row from what its codes stand for.
    pub(crate) residual: f32,
    /// The greatest distance of a row's codes from their mean.
    pub(crate) codes: f32,
    /// The greatest bias of a row, without its sign.
    pub(crate) bias: f32,
    pub(crate) reserved: f32,
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
    pub(crate) version: Version,
    pub(crate) metric: Metric,
    pub(crate) dimensions: usize,
    pub(crate) rows: usize,
    pub(crate) leaves: usize,
    pub(crate) blocks: usize,
    /// Bytes of keys; none where there are no keys.
    pub(crate) keys: Option<usize>,
    /// Whether there are local codes.
    pub(crate) has_local: bool,
}

impl Shape {
    /// How rows are cut into pieces that have a 4-bit code each.
    pub(crate) fn subquantisation(&self) -> Subquantisation {
        match self.version {
            Version::V1 => Subquantisation::in_pairs(self.dimensions),
            Version::V2 => Subquantisation::of(self.dimensions),
        }
    }

    /// Bytes in a section; none where they are too many.
    pub(crate) fn length(&self, section: Section) -> Option<usize> {
        let Self { version, metric, dimensions, rows, leaves, blocks, keys, has_local } = *self;
        let pieces = self.subquantisation();
        let for_euclidean = |bytes: Option<usize>| if metric == Metric::Euclidean { bytes } else { Some(0) };
        let float = size_of::<f32>();
        match section {
            Section::Quantiser if version == Version::V1 => dimensions.checked_mul(3 * float),
            Section::Quantiser => {
                let numbers = if has_local { 6 } else { 4 };
                dimensions.checked_mul(numbers * float)?.checked_add(size_of::<CodeErrors>())
            }
            Section::Centroids => leaves.div_ceil(TILE_ROWS).checked_mul(tile_width(dimensions) * TILE_BYTES),
            Section::CentroidBiases => leaves.checked_next_multiple_of(TILE_ROWS)?.checked_mul(float),
            Section::Leaves => leaves.checked_add(1)?.checked_mul(size_of::<LeafStart>()),
            Section::Codebooks => pieces.width().checked_mul(KSUB * float),
            Section::Codes => blocks.checked_mul(pieces.count / 2 * SCAN_ROWS),
            Section::CodeBiases => for_euclidean(blocks.checked_mul(SCAN_ROWS * size_of::<u16>())),
            Section::LeafBiases => for_euclidean(leaves.checked_mul(2 * float)),
            Section::Ids | Section::RowOfId => rows.checked_mul(size_of::<u32>()),
            Section::RowCodes => {
                let local = if has_local { local_bytes(self)? } else { 0 };
                rows.checked_mul(row_bytes(dimensions))?.checked_add(local)
            }
            Section::Vectors => rows.checked_mul(dimensions.checked_mul(float)?),
            Section::Calibration if version == Version::V1 => Some(POINTS * size_of::<FixedEffort>()),
            Section::Calibration => {
                Some(size_of::<CalibrationHeader>() + LIST_LENGTHS.len() * POINTS * size_of::<Effort>())
            }
            Section::KeyEnds if keys.is_some() => rows.checked_mul(size_of::<u64>()),
            Section::KeyEnds => Some(0),
            Section::Keys => Some(keys.unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of version 1 have two dimensions a code, of whatever size they are.
    #[test]
    fn a_version_keeps_its_pieces() {
        let pieces = |version, dimensions| {
            let (metric, keys) = (Metric::Dot, None);
            let shape = Shape { version, metric, dimensions, rows: 1, leaves: 1, blocks: 1, keys, has_local: false };
            let pieces = shape.subquantisation();
            assert_eq!(shape.length(Section::Codes), Some(16 * pieces.count));
            assert_eq!(shape.length(Section::Codebooks), Some(64 * pieces.width()));
            (pieces.count, pieces.dsub)
        };
        assert_eq!([19, 300, 2048].map(|d| pieces(Version::V1, d)), [(10, 2), (150, 2), (1024, 2)]);
        assert_eq!([19, 300, 2048].map(|d| pieces(Version::V2, d)), [(10, 2), (100, 3), (684, 3)]);
    }
}
