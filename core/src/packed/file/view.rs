//! The sections of a file as what they hold.

use crate::packed::file::layout::{Layout, LeafStart, Point, Section, Shape, row_bytes};
use crate::packed::quantise::pq4::Codebook;
use crate::packed::quantise::sq7::Grid;
use crate::packed::train::source::see;
use crate::simd::{SCAN_ROWS, TILE_BYTES};

/// The sections as what they hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) shape: Shape,
    /// See [`see`](crate::packed::train::source::see).
    pub(crate) origin: &'a [f32],
    pub(crate) grid: Grid<'a>,
    pub(crate) centroids: &'a [[u8; TILE_BYTES]],
    pub(crate) centroid_biases: &'a [f32],
    pub(crate) leaves: &'a [LeafStart],
    pub(crate) codebooks: &'a [Codebook],
    pub(crate) codes: &'a [[u8; SCAN_ROWS]],
    pub(crate) code_biases: &'a [[u16; SCAN_ROWS]],
    pub(crate) leaf_biases: &'a [[f32; 2]],
    pub(crate) ids: &'a [u32],
    pub(crate) bytes: &'a [u8],
    pub(crate) vectors: &'a [f32],
    pub(crate) rows: &'a [u32],
    pub(crate) calibration: &'a [Point],
    pub(crate) key_ends: &'a [u64],
    pub(crate) keys: &'a [u8],
}

impl Layout {
    pub(crate) fn view<'a>(&self, bytes: &'a [u8]) -> View<'a> {
        let grid: &[f32] = bytemuck::cast_slice(self.section(bytes, Section::Grid));
        let (origin, grid) = grid.split_at(grid.len() / 3);
        let (offset, step) = grid.split_at(grid.len() / 2);
        View {
            shape: self.shape,
            origin,
            grid: Grid { offset, step },
            centroids: bytemuck::cast_slice(self.section(bytes, Section::Centroids)),
            centroid_biases: bytemuck::cast_slice(self.section(bytes, Section::CentroidBiases)),
            leaves: bytemuck::cast_slice(self.section(bytes, Section::Leaves)),
            codebooks: bytemuck::cast_slice(self.section(bytes, Section::Codebooks)),
            codes: bytemuck::cast_slice(self.section(bytes, Section::Codes)),
            code_biases: bytemuck::cast_slice(self.section(bytes, Section::CodeBiases)),
            leaf_biases: bytemuck::cast_slice(self.section(bytes, Section::LeafBiases)),
            ids: bytemuck::cast_slice(self.section(bytes, Section::Ids)),
            bytes: self.section(bytes, Section::Bytes),
            vectors: bytemuck::cast_slice(self.section(bytes, Section::Vectors)),
            rows: bytemuck::cast_slice(self.section(bytes, Section::Rows)),
            calibration: bytemuck::cast_slice(self.section(bytes, Section::Calibration)),
            key_ends: bytemuck::cast_slice(self.section(bytes, Section::KeyEnds)),
            keys: self.section(bytes, Section::Keys),
        }
    }
}

impl<'a> View<'a> {
    /// The codes and the bias of a row.
    #[inline]
    pub(crate) fn byte_row(&self, row: u32) -> Option<&'a [u8]> {
        let bytes = row_bytes(self.shape.dimensions);
        self.bytes.get(row as usize * bytes..(row as usize + 1) * bytes)
    }

    /// The vector of a row.
    #[inline]
    pub(crate) fn vector(&self, row: u32) -> Option<&'a [f32]> {
        let d = self.shape.dimensions;
        self.vectors.get(row as usize * d..(row as usize + 1) * d)
    }

    /// A row as the index sees it.
    pub(crate) fn read(&self, row: u32, to: &mut [f32]) {
        let vector = self.vector(row).unwrap_or(&[]);
        to[..vector.len()].copy_from_slice(vector);
        see(self.shape.metric, self.origin, to);
    }

    /// The key of an id.
    pub(crate) fn key(&self, id: u32) -> Option<&'a str> {
        core::str::from_utf8(self.key_bytes(id)?).ok()
    }

    pub(crate) fn key_bytes(&self, id: u32) -> Option<&'a [u8]> {
        let end = *self.key_ends.get(id as usize)?;
        let start = (id as usize).checked_sub(1).map_or(Some(0), |before| self.key_ends.get(before).copied())?;
        self.keys.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// The leaf of a row.
    pub(crate) fn leaf_of(&self, row: u32) -> u32 {
        self.leaves.partition_point(|start| start.row <= row).saturating_sub(1) as u32
    }

    /// The rows of a leaf.
    pub(crate) fn leaf_rows(&self, leaf: u32) -> core::ops::Range<u32> {
        self.leaves[leaf as usize].row..self.leaves[leaf as usize + 1].row
    }
}

/// The bias at the end of a row of codes.
#[inline]
pub(crate) fn row_bias(row: &[u8]) -> f32 {
    row.last_chunk().map_or(f32::NEG_INFINITY, |bias| f32::from_le_bytes(*bias))
}
