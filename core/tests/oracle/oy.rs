//! The file of a packed index as `docs/packed-format.md` tells it, taken apart and put together without the crate's help, so
//! that a test can write any file, with checksums that are right.

#![allow(dead_code)]

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of the header, of an entry of the table, and of both together.
pub(crate) const HEADER: usize = 64;
pub(crate) const ENTRY: usize = 32;
pub(crate) const TABLE: usize = HEADER + SECTIONS * ENTRY;
pub(crate) const SECTIONS: usize = 15;

/// Where the numbers of the header stand.
pub(crate) const VERSION: usize = 8;
pub(crate) const METRIC: usize = 12;
pub(crate) const DIMENSIONS: usize = 16;
pub(crate) const ROWS: usize = 20;
pub(crate) const LEAVES: usize = 24;
pub(crate) const BLOCKS: usize = 28;
pub(crate) const SECTION_COUNT: usize = 32;
pub(crate) const FLAGS: usize = 36;
pub(crate) const KEY_BYTES: usize = 48;
const HEADER_SUM: usize = 56;

/// The numbers of the sections.
pub(crate) mod section {
    pub(crate) const QUANTISER: usize = 1;
    pub(crate) const CENTROIDS: usize = 2;
    pub(crate) const CENTROID_BIASES: usize = 3;
    pub(crate) const LEAVES: usize = 4;
    pub(crate) const CODEBOOKS: usize = 5;
    pub(crate) const CODES: usize = 6;
    pub(crate) const CODE_BIASES: usize = 7;
    pub(crate) const LEAF_BIASES: usize = 8;
    pub(crate) const IDS: usize = 9;
    pub(crate) const ROW_CODES: usize = 10;
    pub(crate) const VECTORS: usize = 11;
    pub(crate) const ROW_OF_ID: usize = 12;
    pub(crate) const CALIBRATION: usize = 13;
    pub(crate) const KEY_ENDS: usize = 14;
    pub(crate) const KEYS: usize = 15;
}

/// Where the numbers of the quantiser stand that came with version 2, as f32 of the section.
pub(crate) const fn mean_code(dimensions: usize, dimension: usize) -> usize {
    3 * dimensions + dimension
}

/// The code errors: residual, codes, bias, zero.
pub(crate) const fn code_error(dimensions: usize, which: usize) -> usize {
    4 * dimensions + which
}

/// The calibration of version 2: a header of four numbers, then points of thirteen for each list length.
pub(crate) mod calibration {
    pub(crate) const WEIGHT: usize = 0;
    pub(crate) const FLOOR: usize = 1;
    pub(crate) const QUERIES: usize = 2;
    pub(crate) const RESERVED: usize = 3;
    pub(crate) const FIELDS: [&str; 13] = [
        "recall",
        "slack",
        "least",
        "height",
        "low",
        "margin",
        "code margin",
        "gap",
        "widest gap",
        "leaves",
        "rows",
        "candidates",
        "tenth",
    ];
    /// Points of all lists together.
    pub(crate) const POINTS: usize = 4 * 32;

    /// Where a field of a point stands.
    pub(crate) fn place(point: usize, field: &str) -> usize {
        let at = FIELDS.iter().position(|name| *name == field).expect("a field");
        4 + point * FIELDS.len() + at
    }
}

/// A file in its parts.
#[derive(Clone)]
pub(crate) struct Oy {
    pub(crate) header: [u8; HEADER],
    /// The sections, number 1 first.
    sections: Vec<Vec<u8>>,
}

impl Oy {
    /// Takes a file apart that is in order.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let sections = (1..=SECTIONS).map(|number| bytes[place(bytes, number)].to_vec()).collect();
        Self { header: bytes[..HEADER].try_into().expect("a header"), sections }
    }

    /// The file, with its checksums.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_vec();
        bytes.resize(TABLE, 0);
        for (number, section) in (1..).zip(&self.sections) {
            bytes.resize(bytes.len().next_multiple_of(64), 0);
            let at = HEADER + (number - 1) * ENTRY;
            bytes[at..at + 4].copy_from_slice(&(number as u32).to_le_bytes());
            let offset = bytes.len() as u64;
            bytes[at + 8..at + 16].copy_from_slice(&offset.to_le_bytes());
            bytes[at + 16..at + 24].copy_from_slice(&(section.len() as u64).to_le_bytes());
            bytes.extend_from_slice(section);
        }
        seal(&mut bytes);
        bytes
    }

    pub(crate) fn section(&mut self, number: usize) -> &mut Vec<u8> {
        &mut self.sections[number - 1]
    }

    /// The same with another number, of four or eight bytes, in the header.
    pub(crate) fn with_header(&self, at: usize, number: &[u8]) -> Self {
        let mut other = self.clone();
        other.header[at..at + number.len()].copy_from_slice(number);
        other
    }

    /// The same with other bytes in a section, from one on.
    pub(crate) fn with(&self, section: usize, at: usize, bytes: &[u8]) -> Self {
        let mut other = self.clone();
        other.section(section)[at..at + bytes.len()].copy_from_slice(bytes);
        other
    }

    /// The same with another f32 in a section of them.
    pub(crate) fn with_f32(&self, section: usize, at: usize, number: f32) -> Self {
        self.with(section, 4 * at, &number.to_le_bytes())
    }

    /// The same with another u32 in a section of them.
    pub(crate) fn with_u32(&self, section: usize, at: usize, number: u32) -> Self {
        self.with(section, 4 * at, &number.to_le_bytes())
    }

    /// The same with another u64 in a section of them.
    pub(crate) fn with_u64(&self, section: usize, at: usize, number: u64) -> Self {
        self.with(section, 8 * at, &number.to_le_bytes())
    }

    pub(crate) fn u32(&self, section: usize, at: usize) -> u32 {
        self.sections[section - 1].as_chunks().0.get(at).map(|four| u32::from_le_bytes(*four)).expect("a u32")
    }

    pub(crate) fn f32(&self, section: usize, at: usize) -> f32 {
        f32::from_bits(self.u32(section, at))
    }

    pub(crate) fn u64(&self, section: usize, at: usize) -> u64 {
        self.sections[section - 1].as_chunks().0.get(at).map(|eight| u64::from_le_bytes(*eight)).expect("a u64")
    }

    /// Whether a section holds nothing, as those of the other metrics do.
    pub(crate) fn is_empty(&self, section: usize) -> bool {
        self.sections[section - 1].is_empty()
    }
}

/// Where a file says that a section lies.
pub(crate) fn place(bytes: &[u8], section: usize) -> Range<usize> {
    let entry = &bytes[HEADER + (section - 1) * ENTRY..][..ENTRY];
    let number = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().expect("8 bytes")) as usize;
    number(8)..number(8).saturating_add(number(16))
}

/// Writes all checksums. A section that does not lie within the file has 0.
pub(crate) fn seal(bytes: &mut [u8]) {
    for section in 1..=SECTIONS {
        let sum = bytes.get(place(bytes, section)).map_or(0, xxh3_64);
        let at = HEADER + (section - 1) * ENTRY + 24;
        bytes[at..at + 8].copy_from_slice(&sum.to_le_bytes());
    }
    seal_header(bytes);
}

/// Writes the checksum of header and table.
pub(crate) fn seal_header(bytes: &mut [u8]) {
    bytes[HEADER_SUM..HEADER].fill(0);
    let sum = xxh3_64(&bytes[..TABLE]);
    bytes[HEADER_SUM..HEADER].copy_from_slice(&sum.to_le_bytes());
}
