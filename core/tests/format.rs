//! The rules of the format, one test each: files that break one, with checksums that are right, are found out at the place
//! where they do; and those that open all the same keep what searches promise. Rules 10 to 16 are in `format_sections.rs`, 17 and 19 in
//! `format_tuning.rs`, and 20 in `format_local.rs`.

#![allow(missing_docs)]

#[path = "oracle/format.rs"]
mod format;

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/promises.rs"]
mod promises;

#[path = "oracle/vectors.rs"]
mod vectors;

use format::{D, N, QUERIES, build, damaged, each, files_of_version_1, leaves_of, open, shut, unsound};
use ohyeah_core::packed::{BuildOptions, GraphOptions, MAGIC, OpenError, PackedBuf, Rule};
use ohyeah_core::{Metric, Packed};
use oy::{
    BLOCKS, DIMENSIONS, ENTRY, FLAGS, HEADER, KEY_BYTES, LEAVES, METRIC, Oy, ROWS, SECTION_COUNT, SECTIONS, TABLE,
    VERSION, place, seal, seal_header, section,
};
use vectors::{METRICS, vectors};

#[test]
fn the_document_tells_how_files_are_laid_out() {
    each(|metric, file| {
        let index = build(metric);
        assert!(file.bytes() == index.as_bytes(), "{metric}: what was taken apart and put together is the same");
        assert_eq!(index.verify(), Ok(()));
        let answered = promises::check(index.as_bytes(), &QUERIES).unwrap();
        assert!(answered.searches > 0 && answered.graphs > 0);
        // An index without damage always answers.
        assert_eq!(answered.graphs % 4, 0);
    });
}

#[test]
fn rule_1_an_address_and_a_header() {
    each(|_, file| {
        let bytes = file.bytes();
        let mut longer = PackedBuf::copy_of(&[&[0; 8], &bytes[..]].concat());
        for shift in 1..8 {
            longer.as_mut()[shift..shift + bytes.len()].copy_from_slice(&bytes);
            let moved = &longer.as_ref()[shift..shift + bytes.len()];
            let error = Packed::open(moved).unwrap_err();
            assert_eq!(error, OpenError::Unaligned);
            assert!(error.to_string().contains("PackedBuf::copy_of"), "{error}");
            assert_eq!(open(moved), Ok(()), "a copy opens");
        }
        for length in 0..TABLE {
            let truncated = OpenError::Truncated { expected: TABLE as u64, found: length as u64 };
            shut(&bytes[..length], if length < MAGIC.len() { &OpenError::NotPacked } else { &truncated });
        }
    });
}

#[test]
fn rule_2_magic_and_version() {
    each(|_, file| {
        let bytes = file.bytes();
        for at in 0..MAGIC.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                shut(&bytes, &OpenError::NotPacked);
                seal(&mut bytes);
                shut(&bytes, &OpenError::NotPacked);
            }
        }
        for version in [0, 3, 0x0100_0000, 0x0200_0000, u32::MAX] {
            let other = file.with_header(VERSION, &version.to_le_bytes()).bytes();
            shut(&other, &OpenError::Version { found: version });
            // What else is in a file of another version is not known: a header is enough to tell.
            shut(&other[..HEADER], &OpenError::Version { found: version });
        }
    });
    shut(&[7; 2000], &OpenError::NotPacked);
}

#[test]
fn rule_3_as_many_bytes_as_the_header_says() {
    each(|_, file| {
        let bytes = file.bytes();
        let truncated = |found: usize| OpenError::Truncated { expected: bytes.len() as u64, found: found as u64 };
        for length in TABLE..bytes.len() {
            shut(&bytes[..length], &truncated(length));
        }
        for more in [1, 7, 8, 64, 4096] {
            shut(&[&bytes[..], &vec![0; more]].concat(), &truncated(bytes.len() + more));
        }
    });
}

#[test]
fn rule_4_header_checksum() {
    each(|_, file| {
        let bytes = file.bytes();
        // All that follows the version, the table as well.
        for at in METRIC..TABLE {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            shut(&bytes, &damaged(Rule::HeaderSum, 0));
        }
    });
}

#[test]
fn rule_5_header() {
    each(|_, file| {
        let header = |at: usize, number: u32| {
            shut(&file.with_header(at, &number.to_le_bytes()).bytes(), &damaged(Rule::Header, 0));
        };
        for metric in [2, 3, 5, 256, u32::MAX] {
            header(METRIC, metric);
        }
        for dimensions in [0, 65536, u32::MAX] {
            header(DIMENSIONS, dimensions);
        }
        // Version 1 has two dimensions a code, and no room for the sums of more.
        let first = file.with_header(VERSION, &1_u32.to_le_bytes());
        shut(&first.with_header(DIMENSIONS, &2049_u32.to_le_bytes()).bytes(), &damaged(Rule::Header, 0));
        for leaves in [N as u32 + 1, u32::MAX] {
            header(LEAVES, leaves);
        }
        for sections in [0, 14, 16, u32::MAX] {
            header(SECTION_COUNT, sections);
        }
        for keys in [4, 0x0100_0001, u32::MAX] {
            header(FLAGS, keys);
        }
        // There are none, and then some.
        header(FLAGS, 0);
        // More than any memory has.
        shut(&file.with_header(KEY_BYTES, &u64::MAX.to_le_bytes()).bytes(), &damaged(Rule::Header, 0));
    });
}

#[test]
fn rule_6_table() {
    each(|metric, file| {
        // Other numbers in the header ask for other sections; the first that is not as they say is named.
        let header = |at: usize, number: u64, section: usize| {
            let length = if at == KEY_BYTES { 8 } else { 4 };
            let bytes = file.with_header(at, &number.to_le_bytes()[..length]).bytes();
            shut(&bytes, &damaged(Rule::Table, section));
        };
        header(DIMENSIONS, D as u64 + 1, section::QUANTISER);
        header(DIMENSIONS, 2048, section::QUANTISER);
        header(DIMENSIONS, 65535, section::QUANTISER);
        header(ROWS, N as u64 + 1, section::IDS);
        // Sizes that no memory of 32 bits can have are seen before the table is.
        if size_of::<usize>() > 4 {
            header(ROWS, u64::from(u32::MAX), section::IDS);
            header(BLOCKS, u64::from(u32::MAX), section::CODES);
            header(KEY_BYTES, 1 << 40, section::KEYS);
        }
        header(LEAVES, 5, section::LEAVES);
        header(LEAVES, 0, section::CENTROIDS);
        header(KEY_BYTES, 0, section::KEYS);
        let other = if metric == Metric::Euclidean { Metric::Dot } else { Metric::Euclidean };
        header(METRIC, other as u64, section::CODE_BIASES);

        let bytes = file.bytes();
        for number in 1..=SECTIONS {
            let entry = HEADER + (number - 1) * ENTRY;
            let place = place(&bytes, number);
            let (offset, length) = (place.start as u64, place.len() as u64);
            let changed = |at: usize, by: &[u8]| {
                let mut bytes = bytes.clone();
                bytes[entry + at..entry + at + by.len()].copy_from_slice(by);
                seal(&mut bytes);
                shut(&bytes, &damaged(Rule::Table, number));
            };
            for id in [0, number as u32 + 1, 16, u32::MAX] {
                changed(0, &id.to_le_bytes());
            }
            for reserved in [1, 1 << 31] {
                changed(4, &u32::to_le_bytes(reserved));
            }
            for offset in [0, offset + 64, offset - 64, offset + 1, u64::MAX, u64::MAX - length] {
                changed(8, &offset.to_le_bytes());
            }
            for length in [length + 1, length + 64, length.wrapping_sub(1), u64::MAX] {
                changed(16, &length.to_le_bytes());
            }
            // In another order.
            if number < SECTIONS {
                let mut bytes = bytes.clone();
                let (first, second) = bytes[entry..entry + 2 * ENTRY].split_at_mut(ENTRY);
                first.swap_with_slice(second);
                seal_header(&mut bytes);
                shut(&bytes, &damaged(Rule::Table, number));
            }
        }
    });
}

#[test]
fn rule_7_leaves() {
    each(|_, file| {
        let leaves = leaves_of(file) as usize;
        let start = |leaf: usize| (file.u32(section::LEAVES, 2 * leaf), file.u32(section::LEAVES, 2 * leaf + 1));
        let broken = |file: &Oy, at: usize| shut(&file.bytes(), &damaged(Rule::Leaves, at));
        let with = |leaf: usize, row: u32, block: u32| {
            file.with_u32(section::LEAVES, 2 * leaf, row).with_u32(section::LEAVES, 2 * leaf + 1, block)
        };
        broken(&with(0, 1, 0), 0);
        broken(&with(0, 0, 1), 0);
        broken(&with(0, u32::MAX, u32::MAX), 0);
        for leaf in 1..=leaves {
            let (row, block) = start(leaf);
            for wrong in [block + 1, block - 1, u32::MAX, 1 << 31] {
                broken(&with(leaf, row, wrong), leaf);
            }
            for wrong in [row + 32, u32::MAX] {
                broken(&with(leaf, wrong, block), leaf);
            }
            // The leaf begins before the one before it.
            if start(leaf - 1).0 > 0 {
                broken(&with(leaf, start(leaf - 1).0 - 1, start(leaf - 1).1), leaf);
            }
        }
        // They follow one another and end too early, or too late.
        let (row, block) = start(leaves);
        let (last, _) = start(leaves - 1);
        let count = row - last;
        let other = if count.is_multiple_of(32) { row - 1 } else { row + 1 };
        broken(&with(leaves, other, block), leaves);
        // As many blocks as the header says, all of them too many.
        let mut more = file.with_header(BLOCKS, &(block + 1).to_le_bytes());
        let codes = more.section(section::CODES);
        codes.resize(codes.len() / block as usize * (block as usize + 1), 0);
        let biases = more.section(section::CODE_BIASES);
        biases.resize(biases.len() / block as usize * (block as usize + 1), 0);
        broken(&more, leaves);
        // No leaves for rows that there are.
        let mut none = file.with_header(LEAVES, &[0; 4]);
        for section in [section::CENTROIDS, section::CENTROID_BIASES, section::LEAF_BIASES] {
            none.section(section).clear();
        }
        none.section(section::LEAVES).truncate(8);
        broken(&none, 0);

        for place in leaves..16 {
            for bias in [f32::INFINITY, f32::NAN, 0.0, -f32::MAX] {
                let file = file.with_f32(section::CENTROID_BIASES, place, bias);
                shut(&file.bytes(), &damaged(Rule::Centroids, place));
            }
        }
    });
}

#[test]
fn rule_8_section_checksums() {
    each(|_, file| {
        let bytes = file.bytes();
        for number in 1..=SECTIONS {
            let mut bytes = bytes.clone();
            bytes[HEADER + (number - 1) * ENTRY + 24] ^= 1;
            seal_header(&mut bytes);
            unsound(&bytes, Rule::SectionSum, number);
        }
        for number in (1..=SECTIONS).filter(|number| *number != section::LEAVES) {
            let place = place(&bytes, number);
            // The biases after those of the leaves are looked at when opening.
            let place = if number == section::CENTROID_BIASES { place.start..place.start + 4 } else { place };
            for at in place.step_by(97) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x55;
                unsound(&bytes, Rule::SectionSum, number);
            }
        }
    });
}

#[test]
fn rule_9_zeros_between_sections() {
    let mut some = 0;
    each(|_, file| {
        let bytes = file.bytes();
        let mut end = TABLE;
        for number in 1..=SECTIONS {
            let place = place(&bytes, number);
            for at in end..place.start {
                let mut bytes = bytes.clone();
                bytes[at] = 1;
                let index = Packed::open(PackedBuf::copy_of(&bytes)).unwrap();
                assert_eq!(index.verify(), Err(damaged(Rule::Padding, number)));
                some += 1;
            }
            end = place.end;
        }
        assert_eq!(end, bytes.len(), "nothing comes after the last section");
    });
    assert!(some > 0);
}

/// A file of one version is none of the other, whatever its header says.
#[test]
fn rule_6_versions_do_not_mix() {
    each(|_, file| {
        let first = file.with_header(VERSION, &1_u32.to_le_bytes()).bytes();
        shut(&first, &damaged(Rule::Table, section::QUANTISER));
    });
    for file in files_of_version_1() {
        assert_eq!(open(&file.bytes()), Ok(()));
        let second = file.with_header(VERSION, &2_u32.to_le_bytes()).bytes();
        shut(&second, &damaged(Rule::Table, section::QUANTISER));
    }
}

#[test]
fn rule_18_keys() {
    each(|_, file| {
        let end = |id: usize| file.u64(section::KEY_ENDS, id);
        let all = end(N - 1);
        for id in [0, 20, N - 2] {
            for wrong in [all + 1, u64::MAX, 1 << 32] {
                unsound(&file.with_u64(section::KEY_ENDS, id, wrong).bytes(), Rule::Keys, id);
            }
            // The next key ends before this one.
            let id = id.min(N - 3);
            unsound(&file.with_u64(section::KEY_ENDS, id, end(id + 1) + 1).bytes(), Rule::Keys, id + 1);
        }
        unsound(&file.with_u64(section::KEY_ENDS, 30, end(29) - 1).bytes(), Rule::Keys, 30);
        // Not all bytes belong to a key.
        unsound(&file.with_u64(section::KEY_ENDS, N - 1, all - 1).bytes(), Rule::Keys, N);
        for (id, bytes) in [(0, [0xff, b'0']), (20, [b'w', 0xc3]), (N - 1, [0x80, b'w'])] {
            let start = if id == 0 { 0 } else { end(id - 1) as usize };
            unsound(&file.with(section::KEYS, start, &bytes).bytes(), Rule::Keys, id);
        }
        // Between the two bytes of ï.
        unsound(&file.with_u64(section::KEY_ENDS, 7, end(6) + 3).bytes(), Rule::Keys, 7);
        let mut text = file.clone();
        text.section(section::KEYS).fill(0xff);
        unsound(&text.bytes(), Rule::Keys, 0);
    });
    // Where there is no vector, there are no keys.
    let none = Packed::build(Metric::Dot, &[], D, &BuildOptions::new().keys(&[])).unwrap();
    let mut some = Oy::of(none.as_bytes()).with_header(KEY_BYTES, &3_u64.to_le_bytes());
    some.section(section::KEYS).extend_from_slice(b"cat");
    unsound(&some.bytes(), Rule::Keys, 0);
}

/// Where leaves are many and rows in them few, a row may meet too few others in its best leaves.
#[test]
fn graphs_are_full_where_leaves_are_small() {
    for metric in METRICS {
        let index = Packed::build(metric, &vectors(600, D, 4), D, &BuildOptions::new().leaves(150)).unwrap();
        promises::check(index.as_bytes(), &[]).unwrap();
        for options in [GraphOptions::top(40).recall(f32::MIN_POSITIVE), GraphOptions::top(200).recall(0.1)] {
            let graph = index.graph(&options).unwrap();
            assert!(
                (0..600).all(|id| graph.neighbours(id).iter().all(|x| x.id < 600)),
                "{metric}: {} leaves",
                index.leaves()
            );
        }
    }
}

/// A file may break several rules: the first is named, and searches keep their promises.
#[test]
fn any_section_of_any_bytes() {
    each(|_, file| {
        for number in (1..=SECTIONS).filter(|number| *number != section::LEAVES) {
            for fill in [0x00, 0x7f, 0x80, 0xff] {
                let mut file = file.clone();
                let leaves = leaves_of(&file) as usize;
                let length = if number == section::CENTROID_BIASES { 4 * leaves } else { usize::MAX };
                file.section(number).iter_mut().take(length).for_each(|byte| *byte = fill);
                promises::check(PackedBuf::copy_of(&file.bytes()).as_ref(), &QUERIES).expect("it opens");
            }
        }
    });
}
