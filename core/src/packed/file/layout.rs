//! The file: what lies where.
//!
//! Little-endian, and searched where it lies. A header, a table of sections, then the sections, each at an address divisible
//! by 64, which together are the whole file. `docs/packed-format.md` is the specification, with the numbers of the rules.
//!
//! [`FileLayout::open`] checks, in time proportional to the number of leaves, and the third after the sixth, as only numbers
//! that are in range say how many bytes there should be:
//!
//! 1. The bytes lie at an address divisible by 8, and there is a whole header.
//! 2. It begins with the magic number, and the version is one that this code reads.
//! 3. There are as many bytes as the header's numbers say.
//! 4. The checksum of header and table is right ([`Rule::HeaderSum`]).
//! 5. The metric is one that can be packed; dimensions, rows and leaves are in range ([`Rule::Header`]).
//! 6. Every section has just the length that the header's numbers give it, and they follow one another ([`Rule::Table`]).
//! 7. Leaves follow one another in rows and in blocks, and end at the last ([`Rule::Leaves`]); places of centroids beyond
//!    them have a bias of minus infinity ([`Rule::Centroids`]).
//!
//! Everything else is checked by [`verify`](super::verify) alone, and a search is safe without.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use bytemuck::{Pod, Zeroable};
use xxhash_rust::xxh3::xxh3_64;

use super::sections::{LINE, LeafStart, Section, Shape, Version};
use crate::Metric;
use crate::packed::damage::{Damage, Rule};
use crate::packed::error::OpenError;
use crate::simd::SCAN_ROWS;

/// The flags of the header; in version 1 the first alone.
const HAS_KEYS: u32 = 1;
const HAS_LOCAL: u32 = 2;

/// The first bytes of a packed index.
pub const MAGIC: [u8; 8] = *b"\x89ohyeah\n";

/// Vectors with more dimensions cannot be packed: the sums of products of so many 7-bit codes fit 31 bits.
pub const MOST_DIMENSIONS: usize = 65535;

/// Whether vectors of this metric can be packed.
pub(crate) const fn can_pack(metric: Metric) -> bool {
    matches!(metric, Metric::Angular | Metric::Euclidean | Metric::Dot)
}

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    /// The number of the [`Metric`].
    metric: u32,
    dimensions: u32,
    rows: u32,
    leaves: u32,
    /// Blocks of 32 codes.
    blocks: u32,
    sections: u32,
    /// [`HAS_KEYS`] and [`HAS_LOCAL`].
    flags: u32,
    seed: u64,
    /// Bytes of keys.
    key_bytes: u64,
    /// xxh3 of header and table, with this as 0.
    checksum: u64,
}

/// A section as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    id: u32,
    reserved: u32,
    offset: u64,
    length: u64,
    /// xxh3 of the section's bytes.
    checksum: u64,
}

/// Bytes of header and table.
const TABLE: usize = size_of::<Header>() + Section::COUNT * size_of::<Entry>();

/// Where the sections of an index lie.
#[derive(Clone, Debug)]
pub(crate) struct FileLayout {
    pub(crate) shape: Shape,
    pub(crate) seed: u64,
    /// Offset and length of each section, in the order of [`Section::ALL`].
    places: [(usize, usize); Section::COUNT],
    /// None of an index that was built: it lies in memory of our own.
    opened: Option<Opened>,
}

/// The bytes that were opened, to be known again.
#[derive(Debug)]
struct Opened {
    header: Header,
    /// Where bytes with this header and sound leaves were last seen; 0 where they are still to be looked at.
    address: AtomicUsize,
}

impl Clone for Opened {
    /// What a clone of a storage gives is not known, even where it lies at the same address later.
    fn clone(&self) -> Self {
        Self { header: self.header, address: AtomicUsize::new(0) }
    }
}

impl FileLayout {
    /// Where the sections of an index of this shape go. None where it would not fit any memory.
    pub(crate) fn plan(shape: Shape, seed: u64) -> Option<Self> {
        let mut end = TABLE;
        let mut places = [(0, 0); Section::COUNT];
        for (place, section) in places.iter_mut().zip(Section::ALL) {
            let start = end.checked_next_multiple_of(LINE)?;
            *place = (start, shape.length(section)?);
            end = start.checked_add(place.1)?;
        }
        Some(Self { shape, seed, places, opened: None })
    }

    /// Bytes in the file.
    pub(crate) fn end(&self) -> usize {
        self.places.last().map_or(0, |(start, length)| start + length)
    }

    /// The bytes of a section of a file that is as long as it should be.
    pub(crate) fn section<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        let (start, length) = self.places[section as usize - 1];
        let found = bytes.get(start..start + length);
        debug_assert!(found.is_some(), "{section:?} lies within a file that was opened or planned");
        found.unwrap_or(&[])
    }

    /// The bytes before a section, from the end of what comes before.
    pub(crate) fn padding<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        let before = (section as usize).checked_sub(2).map_or(TABLE, |at| self.places[at].0 + self.places[at].1);
        bytes.get(before..self.places[section as usize - 1].0).unwrap_or(&[])
    }

    /// The bytes of all sections, in the order of [`Section::ALL`].
    pub(super) fn split_mut<'a>(&self, bytes: &'a mut [u8]) -> [&'a mut [u8]; Section::COUNT] {
        let (mut left, mut at) = (bytes, 0);
        self.places.map(|(start, length)| {
            let (_, from) = core::mem::take(&mut left).split_at_mut(start - at);
            let (section, after) = from.split_at_mut(length);
            (left, at) = (after, start + length);
            section
        })
    }

    /// Writes header and table, once the sections are written.
    pub(crate) fn seal(&self, bytes: &mut [u8]) {
        let Shape { version, metric, dimensions, rows, leaves, blocks, keys, has_local } = self.shape;
        let header = Header {
            magic: MAGIC,
            version: version as u32,
            metric: metric as u32,
            dimensions: dimensions as u32,
            rows: rows as u32,
            leaves: leaves as u32,
            blocks: blocks as u32,
            sections: Section::COUNT as u32,
            flags: if keys.is_some() { HAS_KEYS } else { 0 } | if has_local { HAS_LOCAL } else { 0 },
            seed: self.seed,
            key_bytes: keys.unwrap_or(0) as u64,
            checksum: 0,
        };
        let mut table = [Entry::zeroed(); Section::COUNT];
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
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, OpenError> {
        if !is_aligned(bytes) {
            return Err(OpenError::Unaligned);
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(OpenError::NotPacked);
        }
        let short = OpenError::Truncated { expected: TABLE as u64, found: bytes.len() as u64 };
        let (header, rest) = bytes.split_at_checked(size_of::<Header>()).ok_or(short.clone())?;
        let header: Header = bytemuck::pod_read_unaligned(header);
        let version = Version::of(header.version).ok_or(OpenError::Version { found: header.version })?;
        let table = rest.get(..TABLE - size_of::<Header>()).ok_or(short)?;
        let table: &[Entry] = bytemuck::cast_slice(table);
        if header.sum(table) != header.checksum {
            return Err(Damage { rule: Rule::HeaderSum, at: 0 }.into());
        }
        let layout = header.shape(version).and_then(|shape| Self::plan(shape, header.seed));
        let mut layout = layout.ok_or(Damage { rule: Rule::Header, at: 0 })?;
        layout.opened = Some(Opened { header, address: AtomicUsize::new(bytes.as_ptr().addr()) });
        let entries = layout.places.iter().zip(Section::ALL).zip(table);
        for (((offset, length), section), entry) in entries {
            let place = (entry.id, entry.reserved, entry.offset, entry.length);
            if place != (section as u32, 0, *offset as u64, *length as u64) {
                return Err(Damage { rule: Rule::Table, at: section as u64 }.into());
            }
        }
        if layout.end() != bytes.len() {
            return Err(OpenError::Truncated { expected: layout.end() as u64, found: bytes.len() as u64 });
        }
        layout.check_leaves(bytes)?;
        Ok(layout)
    }

    fn check_leaves(&self, bytes: &[u8]) -> Result<(), Damage> {
        let starts: &[LeafStart] = bytemuck::cast_slice(self.section(bytes, Section::Leaves));
        let broken = |leaf: usize| Damage { rule: Rule::Leaves, at: leaf as u64 };
        if starts.first() != Some(&LeafStart { row: 0, block: 0 }) {
            return Err(broken(0));
        }
        for (leaf, (start, next)) in starts.iter().zip(starts.iter().skip(1)).enumerate() {
            let blocks = next.row.checked_sub(start.row).map(|rows| rows.div_ceil(SCAN_ROWS as u32));
            if blocks.is_none() || next.block.checked_sub(start.block) != blocks {
                return Err(broken(leaf + 1));
            }
        }
        let end = LeafStart { row: self.shape.rows as u32, block: self.shape.blocks as u32 };
        if starts.last() != Some(&end) {
            return Err(broken(self.shape.leaves));
        }
        let biases: &[f32] = bytemuck::cast_slice(self.section(bytes, Section::CentroidBiases));
        let beyond = biases.iter().skip(self.shape.leaves).position(|bias| *bias != f32::NEG_INFINITY);
        match beyond {
            Some(place) => Err(Damage { rule: Rule::Centroids, at: (self.shape.leaves + place) as u64 }),
            None => Ok(()),
        }
    }

    /// Whether bytes, as many as there should be, are such as opening would accept. Where they lie where they did, they are
    /// the same. Elsewhere a storage may have others: its leaves must be as good as those that were opened, as searches
    /// trust them.
    pub(super) fn is_as_opened(&self, bytes: &[u8]) -> bool {
        let Some(Opened { address, header }) = &self.opened else { return true };
        let found = bytes.as_ptr().addr();
        if address.load(Relaxed) == found {
            return true;
        }
        let has_same_header = bytes.get(..size_of::<Header>()) == Some(bytemuck::bytes_of(header));
        let is_sound = has_same_header && self.check_leaves(bytes).is_ok();
        if is_sound {
            address.store(found, Relaxed);
        }
        is_sound
    }

    /// Whether the checksum of a section is right. The bytes may be any, as a storage may give others each time it is asked.
    pub(crate) fn is_as_written(&self, bytes: &[u8], section: Section) -> bool {
        let at = size_of::<Header>() + (section as usize - 1) * size_of::<Entry>();
        let entry = bytes.get(at..at + size_of::<Entry>()).map(bytemuck::pod_read_unaligned::<Entry>);
        let (start, length) = self.places[section as usize - 1];
        let found = bytes.get(start..start + length);
        entry.zip(found).is_some_and(|(entry, found)| xxh3_64(found) == entry.checksum)
    }
}

/// The checksum in the header.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    let header = bytes.get(..size_of::<Header>());
    header.map_or(0, |header| bytemuck::pod_read_unaligned::<Header>(header).checksum)
}

/// Whether bytes lie where numbers of eight bytes can.
pub(crate) fn is_aligned(bytes: &[u8]) -> bool {
    // On some 32-bit targets `u64` is aligned to four bytes; the format asks for eight everywhere.
    bytes.as_ptr().addr().is_multiple_of(8)
}

impl Header {
    fn sum(&self, table: &[Entry]) -> u64 {
        let header = Self { checksum: 0, ..*self };
        let mut bytes = [0; TABLE];
        bytes[..size_of::<Self>()].copy_from_slice(bytemuck::bytes_of(&header));
        bytes[size_of::<Self>()..].copy_from_slice(bytemuck::cast_slice(table));
        xxh3_64(&bytes)
    }

    fn shape(&self, version: Version) -> Option<Shape> {
        let metric = *Metric::ALL.iter().find(|metric| **metric as u32 == self.metric && can_pack(**metric))?;
        let (dimensions, rows, leaves) = (self.dimensions as usize, self.rows as usize, self.leaves as usize);
        let in_range = (1..=version.most_dimensions()).contains(&dimensions) && leaves <= rows;
        let [has_keys, has_local] = [HAS_KEYS, HAS_LOCAL].map(|flag| self.flags & flag != 0);
        let keys = has_keys.then_some(usize::try_from(self.key_bytes).ok()?);
        let most_flags = if version == Version::V1 { HAS_KEYS } else { HAS_KEYS | HAS_LOCAL };
        let known = self.flags <= most_flags && self.sections as usize == Section::COUNT;
        // Bytes of keys in a file without keys would be bytes that no rule speaks of.
        let known = known && (has_keys || self.key_bytes == 0);
        let blocks = self.blocks as usize;
        (in_range && known).then_some(Shape { version, metric, dimensions, rows, leaves, blocks, keys, has_local })
    }
}
