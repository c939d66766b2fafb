//! The file: what lies where.
//!
//! Little-endian, and searched where it lies. A header, a table of sections, then the sections, each at an address divisible
//! by 64, which together are the whole file. `docs/packed-format.md` is the specification.
//!
//! # Rules
//!
//! What [`Layout::open`] checks, in this order, in time proportional to the number of leaves:
//!
//! 1. The bytes lie at an address divisible by 8, and there is a whole header.
//! 2. It begins with the magic number, and the version is one that this code reads.
//! 3. The metric is one that can be packed; dimensions, rows and leaves are in range.
//! 4. The checksum of header and table is right.
//! 5. Every section is there that has to be, has just the length that the header's numbers give it, and they follow one
//!    another to the end of the file.
//! 6. Leaves follow one another in rows and in blocks, and end at the last; places of centroids beyond them have a bias of
//!    minus infinity.

use bytemuck::{Pod, Zeroable};
use xxhash_rust::xxh3::xxh3_64;

use crate::Metric;
use crate::error::PackedError;
use crate::packed::quantise::pq4::{Codebook, tables};
use crate::packed::quantise::sq7::tile_width;
use crate::simd::{SCAN_ROWS, TILE_BYTES, TILE_ROWS};

/// The first bytes of a packed index.
pub const MAGIC: [u8; 8] = *b"\x89ohyeah\n";
pub(crate) const VERSION: u32 = 1;
/// Sections begin at a cache line.
const LINE: usize = 64;

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
    /// The number of the [`Metric`].
    pub(crate) metric: u32,
    pub(crate) dimensions: u32,
    pub(crate) rows: u32,
    pub(crate) leaves: u32,
    /// Blocks of 32 codes.
    pub(crate) blocks: u32,
    pub(crate) sections: u32,
    pub(crate) reserved: u32,
    pub(crate) seed: u64,
    /// Bytes of keys.
    pub(crate) key_bytes: u64,
    /// xxh3 of header and table, with this as 0.
    pub(crate) checksum: u64,
}

/// A section as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) id: u32,
    pub(crate) reserved: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// xxh3 of the section's bytes.
    pub(crate) checksum: u64,
}

/// What sections there are. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    /// The origin, then the offset of each dimension, then the step of each: f32.
    Grid = 1,
    /// Centroids as tiles of codes.
    Centroids = 2,
    /// What is added to a product with each centroid: f32, as many as the tiles have rows.
    CentroidBiases = 3,
    /// The first row and the first block of each leaf, and of the end: u32.
    Leaves = 4,
    /// 2 × 16 f32 for each table.
    Codebooks = 5,
    /// Blocks of 4-bit codes.
    Codes = 6,
    /// What is added to the sum of a row's codes: u16 for each place of each block. Euclidean only.
    CodeBiases = 7,
    /// The least and the step of the biases of each leaf: f32. Euclidean only.
    LeafBiases = 8,
    /// The id of each row: u32.
    Ids = 9,
    /// Rows of codes of seven bits, each with a bias at its end: f32.
    Bytes = 10,
    /// The vectors as they were given, in the order of rows: f32.
    Vectors = 11,
    /// The row of each id: u32.
    Rows = 12,
    /// Recall, leaves, candidates, finalists: f32, u32, u32, u32.
    Calibration = 13,
    /// Where each key ends: u64.
    KeyEnds = 14,
    /// The keys, UTF-8, one after the other.
    Keys = 15,
}

impl Section {
    pub(crate) const ALL: [Self; 15] = [
        Self::Grid,
        Self::Centroids,
        Self::CentroidBiases,
        Self::Leaves,
        Self::Codebooks,
        Self::Codes,
        Self::CodeBiases,
        Self::LeafBiases,
        Self::Ids,
        Self::Bytes,
        Self::Vectors,
        Self::Rows,
        Self::Calibration,
        Self::KeyEnds,
        Self::Keys,
    ];
}

/// Points of a calibration.
pub(crate) const CALIBRATED: usize = 32;

/// A calibrated point: the effort that leads to this recall.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Point {
    pub(crate) recall: f32,
    pub(crate) leaves: u32,
    pub(crate) candidates: u32,
    pub(crate) finalists: u32,
}

/// Where a leaf begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct LeafStart {
    pub(crate) row: u32,
    pub(crate) block: u32,
}

/// Bytes in a row of codes: the codes and a bias, in whole cache lines.
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
        let tables = tables(dimensions);
        let for_euclidean = |bytes: Option<usize>| if metric == Metric::Euclidean { bytes } else { Some(0) };
        let float = size_of::<f32>();
        match section {
            Section::Grid => dimensions.checked_mul(3 * float),
            Section::Centroids => leaves.div_ceil(TILE_ROWS).checked_mul(tile_width(dimensions) * TILE_BYTES),
            Section::CentroidBiases => leaves.next_multiple_of(TILE_ROWS).checked_mul(float),
            Section::Leaves => (leaves + 1).checked_mul(size_of::<LeafStart>()),
            Section::Codebooks => tables.checked_mul(size_of::<Codebook>()),
            Section::Codes => blocks.checked_mul(tables / 2 * SCAN_ROWS),
            Section::CodeBiases => for_euclidean(blocks.checked_mul(SCAN_ROWS * size_of::<u16>())),
            Section::LeafBiases => for_euclidean(leaves.checked_mul(2 * float)),
            Section::Ids | Section::Rows => rows.checked_mul(size_of::<u32>()),
            Section::Bytes => rows.checked_mul(row_bytes(dimensions)),
            Section::Vectors => rows.checked_mul(dimensions.checked_mul(float)?),
            Section::Calibration => Some(CALIBRATED * size_of::<Point>()),
            Section::KeyEnds => {
                if keys.is_some() {
                    rows.checked_mul(size_of::<u64>())
                } else {
                    Some(0)
                }
            }
            Section::Keys => Some(keys.unwrap_or(0)),
        }
    }
}

/// Where the sections of an index lie.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) seed: u64,
    /// Offset and length of each section, in the order of [`Section::ALL`].
    places: [(usize, usize); Section::ALL.len()],
}

const TABLE: usize = size_of::<Header>() + Section::ALL.len() * size_of::<Entry>();

impl Layout {
    /// Where the sections of an index of this shape go. None where it would not fit any memory.
    pub(crate) fn plan(shape: Shape, seed: u64) -> Option<Self> {
        let mut end = TABLE;
        let mut places = [(0, 0); Section::ALL.len()];
        for (place, section) in places.iter_mut().zip(Section::ALL) {
            let start = end.checked_next_multiple_of(LINE)?;
            *place = (start, shape.length(section)?);
            end = start.checked_add(place.1)?;
        }
        Some(Self { shape, seed, places })
    }

    /// Bytes in the file.
    pub(crate) fn end(&self) -> usize {
        self.places.last().map_or(0, |(start, length)| start + length)
    }

    /// The bytes of a section, which [`open`](Self::open) has found to be there.
    pub(crate) fn section<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        let (start, length) = self.places[section as usize - 1];
        bytes.get(start..start + length).unwrap_or(&[])
    }

    /// All sections to be written, in the order of [`Section::ALL`].
    pub(crate) fn sections_mut<'a>(&self, bytes: &'a mut [u8]) -> [&'a mut [u8]; Section::ALL.len()] {
        let (mut rest, mut at) = (bytes, 0);
        self.places.map(|(start, length)| {
            let (_, from) = core::mem::take(&mut rest).split_at_mut(start - at);
            let (section, after) = from.split_at_mut(length);
            (rest, at) = (after, start + length);
            section
        })
    }

    /// Writes header and table, once the sections are written.
    pub(crate) fn seal(&self, bytes: &mut [u8]) {
        let Shape { metric, dimensions, rows, leaves, blocks, keys } = self.shape;
        let header = Header {
            magic: MAGIC,
            version: VERSION,
            metric: metric as u32,
            dimensions: dimensions as u32,
            rows: rows as u32,
            leaves: leaves as u32,
            blocks: blocks as u32,
            sections: Section::ALL.len() as u32,
            reserved: u32::from(keys.is_some()),
            seed: self.seed,
            key_bytes: keys.unwrap_or(0) as u64,
            checksum: 0,
        };
        let mut table = [Entry::zeroed(); Section::ALL.len()];
        for (entry, section) in table.iter_mut().zip(Section::ALL) {
            let (offset, length) = self.places[section as usize - 1];
            let checksum = xxh3_64(self.section(bytes, section));
            *entry = Entry { id: section as u32, reserved: 0, offset: offset as u64, length: length as u64, checksum };
        }
        let checksum = header.sum(&table);
        bytes[..size_of::<Header>()].copy_from_slice(bytemuck::bytes_of(&Header { checksum, ..header }));
        bytes[size_of::<Header>()..TABLE].copy_from_slice(bytemuck::cast_slice(&table));
    }

    /// Checks the structure of bytes: see the rules at the top of this file.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, PackedError> {
        if bytes.as_ptr().align_offset(align_of::<u64>()) != 0 {
            return Err(PackedError::Unaligned);
        }
        let short = PackedError::Truncated { expected: TABLE as u64, found: bytes.len() as u64 };
        let (header, rest) = bytes.split_at_checked(size_of::<Header>()).ok_or(short.clone())?;
        let header: Header = bytemuck::pod_read_unaligned(header);
        if header.magic != MAGIC {
            return Err(PackedError::NotPacked);
        }
        if header.version != VERSION {
            return Err(PackedError::Version { found: header.version });
        }
        let table = rest.get(..TABLE - size_of::<Header>()).ok_or(short)?;
        let table: &[Entry] = bytemuck::cast_slice(table);
        if header.sum(table) != header.checksum {
            return Err(PackedError::Damaged { what: "the header" });
        }
        let shape = header.shape().ok_or(PackedError::Damaged { what: "the header" })?;
        let layout = Self::plan(shape, header.seed).ok_or(PackedError::Damaged { what: "the header" })?;
        let entries = layout.places.iter().zip(Section::ALL).zip(table);
        for (((offset, length), section), entry) in entries {
            let place = (entry.id, entry.offset, entry.length);
            if place != (section as u32, *offset as u64, *length as u64) {
                return Err(PackedError::Damaged { what: "the table of sections" });
            }
        }
        if layout.end() != bytes.len() {
            return Err(PackedError::Truncated { expected: layout.end() as u64, found: bytes.len() as u64 });
        }
        layout.check_leaves(bytes)?;
        Ok(layout)
    }

    fn check_leaves(&self, bytes: &[u8]) -> Result<(), PackedError> {
        let starts: &[LeafStart] = bytemuck::cast_slice(self.section(bytes, Section::Leaves));
        let end = LeafStart { row: self.shape.rows as u32, block: self.shape.blocks as u32 };
        let follows = |pair: &[LeafStart]| {
            let rows = pair[1].row.checked_sub(pair[0].row);
            rows.is_some_and(|rows| pair[1].block.checked_sub(pair[0].block) == Some(rows.div_ceil(SCAN_ROWS as u32)))
        };
        let first = starts.first() == Some(&LeafStart { row: 0, block: 0 });
        if !(first && starts.last() == Some(&end) && starts.windows(2).all(follows)) {
            return Err(PackedError::Damaged { what: "the table of leaves" });
        }
        let biases: &[f32] = bytemuck::cast_slice(self.section(bytes, Section::CentroidBiases));
        if biases[self.shape.leaves..].iter().all(|bias| *bias == f32::NEG_INFINITY) {
            Ok(())
        } else {
            Err(PackedError::Damaged { what: Section::CentroidBiases.name() })
        }
    }

    /// Whether each section's checksum is right; names the first that is not.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), PackedError> {
        let table: &[Entry] = bytemuck::cast_slice(&bytes[size_of::<Header>()..TABLE]);
        for (section, entry) in Section::ALL.into_iter().zip(table) {
            if xxh3_64(self.section(bytes, section)) != entry.checksum {
                return Err(PackedError::Damaged { what: section.name() });
            }
        }
        Ok(())
    }
}

impl Header {
    fn sum(&self, table: &[Entry]) -> u64 {
        let header = Self { checksum: 0, ..*self };
        let mut bytes = [0; TABLE];
        bytes[..size_of::<Self>()].copy_from_slice(bytemuck::bytes_of(&header));
        bytes[size_of::<Self>()..].copy_from_slice(bytemuck::cast_slice(table));
        xxh3_64(&bytes)
    }

    fn shape(&self) -> Option<Shape> {
        let metric = *Metric::ALL.iter().find(|metric| **metric as u32 == self.metric && can_pack(**metric))?;
        let (dimensions, rows, leaves) = (self.dimensions as usize, self.rows as usize, self.leaves as usize);
        let in_range = (1..=MOST_DIMENSIONS).contains(&dimensions) && leaves <= rows;
        let keys = (self.reserved == 1).then_some(usize::try_from(self.key_bytes).ok()?);
        let known = self.reserved <= 1 && self.sections as usize == Section::ALL.len();
        (in_range && known).then_some(Shape { metric, dimensions, rows, leaves, blocks: self.blocks as usize, keys })
    }
}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::Grid => "the section of the grid",
            Self::Centroids => "the section of centroids",
            Self::CentroidBiases => "the section of the centroids' biases",
            Self::Leaves => "the section of leaves",
            Self::Codebooks => "the section of codebooks",
            Self::Codes => "the section of codes",
            Self::CodeBiases => "the section of the codes' biases",
            Self::LeafBiases => "the section of the leaves' biases",
            Self::Ids => "the section of ids",
            Self::Bytes => "the section of byte vectors",
            Self::Vectors => "the section of vectors",
            Self::Rows => "the section of rows",
            Self::Calibration => "the section of the calibration",
            Self::KeyEnds => "the section of the keys' ends",
            Self::Keys => "the section of keys",
        }
    }
}

/// Vectors with more dimensions cannot be packed: the sum of a row's table entries has to fit 16 bits.
pub const MOST_DIMENSIONS: usize = 2048;

/// Whether vectors of this metric can be packed.
pub(crate) const fn can_pack(metric: Metric) -> bool {
    matches!(metric, Metric::Angular | Metric::Euclidean | Metric::Dot)
}
