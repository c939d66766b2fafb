//! The sections of a file as what they hold: the one place where slices are made of bytes.

use alloc::vec::Vec;
use core::ops::Range;

use super::buf::PackedBuf;
use super::layout::{FileLayout, fingerprint, is_aligned};
use super::local::{LocalRows, LocalRowsMut};
use super::sections::{
    CalibrationHeader, CodeErrors, Effort, FixedEffort, LINE, LIST_LENGTHS, LeafStart, POINTS, Section, Shape, Version,
    row_bytes,
};
use crate::Backend;
use crate::packed::quantise::space::IndexSpace;
use crate::packed::quantise::sq7::{ScalarQuantiser, code_in, tile_width};
use crate::packed::quantise::subquantisation::{Codebooks, KSUB};
use crate::simd::{SCAN_ROWS, TILE_BYTES, TILE_ROWS};

/// An index as searches read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) backend: Backend,
    pub(crate) shape: Shape,
    /// What tells the index from others: the checksum of header and table, and so of all checksums of sections.
    pub(crate) fingerprint: u64,
    pub(crate) space: IndexSpace<'a>,
    pub(crate) quantiser: ScalarQuantiser<'a>,
    pub(crate) centroids: &'a [[u8; TILE_BYTES]],
    pub(crate) centroid_biases: &'a [f32],
    pub(crate) leaves: &'a [LeafStart],
    pub(crate) codebooks: Codebooks<'a>,
    pub(crate) codes: &'a [[u8; SCAN_ROWS]],
    pub(crate) code_biases: &'a [[u16; SCAN_ROWS]],
    pub(crate) leaf_biases: &'a [[f32; 2]],
    pub(crate) ids: &'a [u32],
    row_codes: &'a [u8],
    pub(crate) vectors: &'a [f32],
    row_of_id: &'a [u32],
    pub(crate) calibration: Calibration<'a>,
    /// None where the file has none.
    pub(crate) local: Option<LocalRows<'a>>,
    /// None in files of version 1.
    pub(crate) code_errors: Option<(&'a [f32], CodeErrors)>,
    pub(crate) key_ends: &'a [u64],
    pub(crate) keys: &'a [u8],
}

/// What a file says about recall.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Calibration<'a> {
    /// Of version 1.
    Fixed(&'a [FixedEffort]),
    /// Points for each of the list lengths, one list after the other.
    Adaptive(CalibrationHeader, &'a [[Effort; POINTS]]),
}

impl<'a> Calibration<'a> {
    fn of(version: Version, bytes: &'a [u8]) -> Self {
        match (version, bytes.split_at_checked(size_of::<CalibrationHeader>())) {
            (Version::V2, Some((header, efforts))) => {
                Self::Adaptive(bytemuck::pod_read_unaligned(header), bytemuck::cast_slice(efforts))
            }
            _ => Self::Fixed(bytemuck::cast_slice(bytes)),
        }
    }
}

impl FileLayout {
    /// The sections of bytes. None where they are not those that were opened: not as many, not at such an address, as
    /// happens when a storage keeps its bytes within itself and is moved, or of another index.
    pub(crate) fn view<'a>(&self, bytes: &'a [u8], backend: Backend) -> Option<View<'a>> {
        let fits = bytes.len() == self.end() && is_aligned(bytes);
        (fits && self.is_as_opened(bytes)).then(|| self.view_aligned(bytes, backend))
    }

    /// The sections of a file in memory of our own.
    pub(crate) fn view_buf<'a>(&self, buf: &'a PackedBuf, backend: Backend) -> View<'a> {
        self.view_aligned(buf.as_ref(), backend)
    }

    /// Sections lie at multiples of 64 from the start, which suits all that they hold.
    fn view_aligned<'a>(&self, bytes: &'a [u8], backend: Backend) -> View<'a> {
        let section = |section| self.section(bytes, section);
        let quantiser: &[f32] = bytemuck::cast_slice(section(Section::Quantiser));
        let (origin, quantiser) = quantiser.split_at(self.shape.dimensions);
        let (offset, quantiser) = quantiser.split_at(self.shape.dimensions);
        let (step, quantiser) = quantiser.split_at(self.shape.dimensions);
        let code_errors = quantiser.split_at_checked(self.shape.dimensions);
        let (code_errors, local_space) = code_errors
            .and_then(|(mean, rest)| Some((mean, rest.split_at_checked(size_of::<CodeErrors>() / size_of::<f32>())?)))
            .map_or((None, &[][..]), |(mean, (worst, space))| (Some((mean, worst)), space));
        let row_codes = section(Section::RowCodes);
        let local_codes = row_codes.get(self.shape.rows * row_bytes(self.shape.dimensions)..).unwrap_or(&[]);
        View {
            backend,
            shape: self.shape,
            fingerprint: fingerprint(bytes),
            space: IndexSpace { metric: self.shape.metric, origin },
            quantiser: ScalarQuantiser { offset, step },
            centroids: bytemuck::cast_slice(section(Section::Centroids)),
            centroid_biases: bytemuck::cast_slice(section(Section::CentroidBiases)),
            leaves: bytemuck::cast_slice(section(Section::Leaves)),
            codebooks: Codebooks {
                pieces: self.shape.subquantisation(),
                numbers: bytemuck::cast_slice(section(Section::Codebooks)),
            },
            codes: bytemuck::cast_slice(section(Section::Codes)),
            code_biases: bytemuck::cast_slice(section(Section::CodeBiases)),
            leaf_biases: bytemuck::cast_slice(section(Section::LeafBiases)),
            ids: bytemuck::cast_slice(section(Section::Ids)),
            row_codes,
            local: LocalRows::of(&self.shape, local_space, local_codes),
            vectors: bytemuck::cast_slice(section(Section::Vectors)),
            row_of_id: bytemuck::cast_slice(section(Section::RowOfId)),
            calibration: Calibration::of(self.shape.version, section(Section::Calibration)),
            code_errors: code_errors
                .map(|(mean, worst)| (mean, bytemuck::pod_read_unaligned(bytemuck::cast_slice(worst)))),
            key_ends: bytemuck::cast_slice(section(Section::KeyEnds)),
            keys: section(Section::Keys),
        }
    }

    /// The sections of a file in memory of our own, to be written.
    pub(crate) fn sections_mut<'a>(&self, buf: &'a mut PackedBuf) -> SectionsMut<'a> {
        let [
            quantiser,
            centroids,
            centroid_biases,
            leaves,
            codebooks,
            codes,
            code_biases,
            leaf_biases,
            ids,
            row_codes,
            vectors,
            row_of_id,
            calibration,
            key_ends,
            keys,
        ] = self.split_mut(buf.as_mut());
        let (row_codes, local) = row_codes.split_at_mut(self.shape.rows * row_bytes(self.shape.dimensions));
        SectionsMut {
            quantiser: bytemuck::cast_slice_mut(quantiser),
            centroids: bytemuck::cast_slice_mut(centroids),
            centroid_biases: bytemuck::cast_slice_mut(centroid_biases),
            leaves: bytemuck::cast_slice_mut(leaves),
            codebooks: bytemuck::cast_slice_mut(codebooks),
            codes: bytemuck::cast_slice_mut(codes),
            code_biases: bytemuck::cast_slice_mut(code_biases),
            leaf_biases: bytemuck::cast_slice_mut(leaf_biases),
            ids: bytemuck::cast_slice_mut(ids),
            row_codes,
            local: self.shape.has_local.then(|| LocalRowsMut::of(&self.shape, local)),
            vectors: bytemuck::cast_slice_mut(vectors),
            row_of_id: bytemuck::cast_slice_mut(row_of_id),
            calibration,
            key_ends: bytemuck::cast_slice_mut(key_ends),
            keys,
        }
    }
}

/// The sections of a file as a build writes them.
pub(crate) struct SectionsMut<'a> {
    pub(crate) quantiser: &'a mut [f32],
    pub(crate) centroids: &'a mut [[u8; TILE_BYTES]],
    pub(crate) centroid_biases: &'a mut [f32],
    pub(crate) leaves: &'a mut [LeafStart],
    pub(crate) codebooks: &'a mut [[f32; KSUB]],
    pub(crate) codes: &'a mut [[u8; SCAN_ROWS]],
    pub(crate) code_biases: &'a mut [[u16; SCAN_ROWS]],
    pub(crate) leaf_biases: &'a mut [[f32; 2]],
    pub(crate) ids: &'a mut [u32],
    pub(crate) row_codes: &'a mut [u8],
    pub(crate) local: Option<LocalRowsMut<'a>>,
    pub(crate) vectors: &'a mut [f32],
    pub(crate) row_of_id: &'a mut [u32],
    pub(crate) calibration: &'a mut [u8],
    pub(crate) key_ends: &'a mut [u64],
    pub(crate) keys: &'a mut [u8],
}

impl SectionsMut<'_> {
    /// Writes what bounds the errors of row codes.
    pub(crate) fn write_code_errors(&mut self, (mean, worst): &(Vec<f32>, CodeErrors)) {
        let dimensions = mean.len();
        let numbers = mean.iter().chain(bytemuck::cast_slice(core::slice::from_ref(worst)));
        self.quantiser[3 * dimensions..].iter_mut().zip(numbers).for_each(|(to, from)| *to = *from);
    }

    /// Writes a calibration of the latest version.
    pub(crate) fn write_calibration(
        &mut self,
        header: &CalibrationHeader,
        efforts: &[[Effort; POINTS]; LIST_LENGTHS.len()],
    ) {
        let (to, rest) = self.calibration.split_at_mut(size_of::<CalibrationHeader>());
        to.copy_from_slice(bytemuck::bytes_of(header));
        rest.copy_from_slice(bytemuck::cast_slice(efforts));
    }
}

/// The `at`-th piece of a slice that is made of pieces of some length. Callers count within the sizes that opening has checked, so
/// the piece is there; a release build gives an empty one if it is not.
#[inline]
fn piece<T>(slice: &[T], at: u32, length: usize) -> &[T] {
    let start = (at as usize).checked_mul(length);
    let found = start.and_then(|start| slice.get(start..start.checked_add(length)?));
    debug_assert!(found.is_some(), "piece {at} of length {length} lies within {}", slice.len());
    found.unwrap_or(&[])
}

impl<'a> View<'a> {
    /// The same with what bounds the errors of row codes.
    pub(crate) const fn with_code_errors(self, (mean, worst): &'a (Vec<f32>, CodeErrors)) -> Self {
        Self { code_errors: Some((mean.as_slice(), *worst)), ..self }
    }

    /// The 7-bit codes of a row, zeros, and its bias.
    #[inline]
    pub(crate) fn coded_row(&self, row: u32) -> &'a [u8] {
        piece(self.row_codes, row, row_bytes(self.shape.dimensions))
    }

    /// The 7-bit codes of some rows that follow each other, each with zeros and its bias, in whole lines.
    #[inline]
    pub(crate) fn coded_lines(&self, rows: Range<u32>) -> &'a [[u8; LINE]] {
        let width = row_bytes(self.shape.dimensions) / LINE;
        let (lines, _) = self.row_codes.as_chunks();
        let [start, end] = [rows.start, rows.end].map(|row| (row as usize).saturating_mul(width));
        lines.get(start..end).unwrap_or(&[])
    }

    /// The 7-bit codes of a row.
    #[inline]
    pub(crate) fn codes_of_row(&self, row: u32) -> &'a [u8] {
        self.coded_row(row).get(..self.shape.dimensions).unwrap_or(&[])
    }

    /// The vector of a row.
    #[inline]
    pub(crate) fn vector(&self, row: u32) -> &'a [f32] {
        piece(self.vectors, row, self.shape.dimensions)
    }

    /// The id of a row.
    #[inline]
    pub(crate) fn id(&self, row: u32) -> u32 {
        let found = self.ids.get(row as usize);
        debug_assert!(found.is_some(), "row {row} is one of {}", self.shape.rows);
        found.copied().unwrap_or(u32::MAX)
    }

    /// Writes the vector of a row in the index space.
    pub(crate) fn read(&self, row: u32, to: &mut [f32]) {
        let vector = self.vector(row);
        to[..vector.len()].copy_from_slice(vector);
        self.space.to_index_space(to);
    }

    /// Writes what the codes of a leaf's centroid stand for.
    pub(crate) fn read_centroid(&self, leaf: u32, to: &mut [f32]) {
        let (leaf, width) = (leaf as usize, tile_width(self.shape.dimensions));
        let tile = self.centroids.get(leaf / TILE_ROWS * width..).and_then(|tiles| tiles.get(..width));
        debug_assert!(tile.is_some(), "leaf {leaf} is one of {}", self.shape.leaves);
        for (dimension, value) in to.iter_mut().enumerate().take(self.shape.dimensions) {
            let code = tile.map_or(0, |tile| code_in(tile, leaf % TILE_ROWS, dimension));
            *value = self.quantiser.value(dimension, code);
        }
    }

    /// The row of an id; none where there is no such id, or a damaged file gives it no row.
    pub(crate) fn row_of(&self, id: u32) -> Option<u32> {
        self.row_of_id.get(id as usize).copied().filter(|row| (*row as usize) < self.shape.rows)
    }

    /// The key of an id; none where there is none, or it is not UTF-8.
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
    #[inline]
    pub(crate) fn leaf_rows(&self, leaf: u32) -> Range<u32> {
        let [start, end] = self.leaf_bounds(leaf);
        start.row..end.row
    }

    /// Where a leaf begins and ends.
    #[inline]
    fn leaf_bounds(&self, leaf: u32) -> [LeafStart; 2] {
        let found = self.leaves.get(leaf as usize..).and_then(|starts| starts.first_chunk());
        debug_assert!(found.is_some(), "leaf {leaf} is one of {}", self.shape.leaves);
        found.copied().unwrap_or([LeafStart { row: 0, block: 0 }; 2])
    }

    /// The blocks of 4-bit codes of a leaf.
    #[inline]
    pub(crate) fn leaf_codes(&self, leaf: u32) -> &'a [[u8; SCAN_ROWS]] {
        let width = self.codebooks.len() / 2;
        let [start, end] = self.leaf_bounds(leaf).map(|start| (start.block as usize).saturating_mul(width));
        let found = self.codes.get(start..end);
        debug_assert!(found.is_some(), "leaf {leaf} has blocks");
        found.unwrap_or(&[])
    }

    /// The biases of the blocks of a leaf; of euclidean indexes only.
    #[inline]
    pub(crate) fn leaf_code_biases(&self, leaf: u32) -> &'a [[u16; SCAN_ROWS]] {
        let [start, end] = self.leaf_bounds(leaf);
        self.code_biases.get(start.block as usize..end.block as usize).unwrap_or(&[])
    }
}
