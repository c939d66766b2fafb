//! Rules 10 to 16 of the format, one test each: what stands in the sections that searches read.

#![allow(missing_docs)]

#[path = "oracle/format.rs"]
mod format;

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/promises.rs"]
mod promises;

#[path = "oracle/vectors.rs"]
mod vectors;

use format::{D, N, damaged, each, leaves_of, unsound};
use ohyeah_core::packed::{BuildOptions, PackedBuf, Rule};
use ohyeah_core::{Metric, Packed};
use oy::{Oy, mean_code, section};
use vectors::vectors;

#[test]
fn rule_10_quantiser() {
    each(|_, file| {
        for dimension in [0, 3, D - 1] {
            for which in 0..3 {
                for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let file = file.with_f32(section::QUANTISER, which * D + dimension, wrong);
                    unsound(&file.bytes(), Rule::Quantiser, dimension);
                }
            }
            for wrong in [-1.0, -f32::MIN_POSITIVE, -f32::from_bits(1)] {
                let file = file.with_f32(section::QUANTISER, 2 * D + dimension, wrong);
                unsound(&file.bytes(), Rule::Quantiser, dimension);
            }
            // More than any vector can be that is packed: products would be infinite.
            for (which, wrong) in [(0, 1e18), (1, -3e18), (2, 2e16), (2, f32::MAX)] {
                let file = file.with_f32(section::QUANTISER, which * D + dimension, wrong);
                let dimension = if which == 0 { 0 } else { dimension };
                unsound(&file.bytes(), Rule::Quantiser, dimension);
            }
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5, 127.5, f32::MAX] {
                let file = file.with_f32(section::QUANTISER, mean_code(D, dimension), wrong);
                unsound(&file.bytes(), Rule::Quantiser, dimension);
            }
        }
    });
}

#[test]
fn rule_11_centroids() {
    each(|_, file| {
        let leaves = leaves_of(file) as usize;
        for leaf in 0..leaves {
            for (number, code) in [128, 200, 255].into_iter().enumerate() {
                // Sixteen centroids of four dimensions each lie side by side.
                let at = number % 2 * 64 + 4 * leaf + 1;
                unsound(&file.with(section::CENTROIDS, at, &[code]).bytes(), Rule::Centroids, leaf);
            }
            for bias in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let file = file.with_f32(section::CENTROID_BIASES, leaf, bias);
                unsound(&file.bytes(), Rule::Centroids, leaf);
            }
        }
        // No leaf at all that a search may look into.
        let mut none = file.clone();
        none.section(section::CENTROID_BIASES).copy_from_slice(&[f32::NEG_INFINITY.to_le_bytes(); 16].concat());
        unsound(&none.bytes(), Rule::Centroids, 0);
    });
}

/// In the second tile there are other leaves.
#[test]
fn rule_11_centroids_of_later_leaves() {
    let items = vectors(200, D, 4);
    let index = Packed::build(Metric::Euclidean, &items, D, &BuildOptions::new().leaves(40)).unwrap();
    let file = Oy::of(index.as_bytes());
    assert!(index.leaves() > 18, "{} leaves", index.leaves());
    // Two groups of four dimensions a tile; the third of the second tile, its dimension 5.
    unsound(&file.with(section::CENTROIDS, 128 + 64 + 4 * 2 + 1, &[128]).bytes(), Rule::Centroids, 18);
}

#[test]
fn rule_12_codebooks() {
    each(|_, file| {
        for table in 0..4 {
            for (at, wrong) in [(0, f32::NAN), (15, f32::INFINITY), (16, f32::NEG_INFINITY), (31, f32::NAN)] {
                let file = file.with_f32(section::CODEBOOKS, 32 * table + at, wrong);
                unsound(&file.bytes(), Rule::Codebooks, table);
            }
        }
    });
}

#[test]
fn rule_13_leaf_biases() {
    each(|metric, file| {
        assert_eq!(file.is_empty(section::LEAF_BIASES), metric != Metric::Euclidean);
        assert_eq!(file.is_empty(section::CODE_BIASES), metric != Metric::Euclidean);
        if metric != Metric::Euclidean {
            return;
        }
        for leaf in 0..2 {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                unsound(&file.with_f32(section::LEAF_BIASES, 2 * leaf, wrong).bytes(), Rule::LeafBiases, leaf);
                unsound(&file.with_f32(section::LEAF_BIASES, 2 * leaf + 1, wrong).bytes(), Rule::LeafBiases, leaf);
            }
            unsound(&file.with_f32(section::LEAF_BIASES, 2 * leaf + 1, -1e-9).bytes(), Rule::LeafBiases, leaf);
        }
    });
}

/// Searches once answered with ids such as 4294967264, and with one vector twice.
#[test]
fn rule_14_ids() {
    each(|_, file| {
        let id = |row: usize| file.u32(section::IDS, row);
        let row_of = |id: u32| file.u32(section::ROW_OF_ID, id as usize);
        for row in [0, 1, 50, N - 1] {
            for wrong in [N as u32, 1 << 31, u32::MAX - 31, u32::MAX] {
                unsound(&file.with_u32(section::IDS, row, wrong).bytes(), Rule::Ids, row);
            }
            // The id of another row as well.
            let other = (row + 1) % N;
            unsound(&file.with_u32(section::IDS, row, id(other)).bytes(), Rule::Ids, row);
            for wrong in [N as u32, u32::MAX, row_of(id(other))] {
                unsound(&file.with_u32(section::ROW_OF_ID, id(row) as usize, wrong).bytes(), Rule::Ids, row);
            }
        }
        // Two ids change places, and the rows of ids do not follow.
        let swapped = file.with_u32(section::IDS, 3, id(8)).with_u32(section::IDS, 8, id(3));
        unsound(&swapped.bytes(), Rule::Ids, 3);
        // All ids are out of range, or the same.
        for wrong in [0, N as u32, u32::MAX - 31] {
            let mut all = file.clone();
            all.section(section::IDS).copy_from_slice(&vec![wrong.to_le_bytes(); N].concat());
            let first = usize::from(wrong == 0 && row_of(0) == 0);
            unsound(&all.bytes(), Rule::Ids, first);
        }
    });
}

#[test]
fn rule_15_vectors() {
    each(|metric, file| {
        for row in [0, 44, N - 1] {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let file = file.with_f32(section::VECTORS, row * D + 2, wrong);
                let index = Packed::open(PackedBuf::copy_of(&file.bytes())).unwrap();
                assert_eq!(index.verify(), Err(damaged(Rule::Vectors, row)));
            }
            // Of directions the lengths do not matter.
            let rule = if metric == Metric::Angular { Rule::RowCodes } else { Rule::Vectors };
            unsound(&file.with_f32(section::VECTORS, row * D, 1e18).bytes(), rule, row);
        }
        let mut all = file.clone();
        all.section(section::VECTORS).fill(0xff);
        unsound(&all.bytes(), Rule::Vectors, 0);
    });
}

#[test]
fn rule_15_what_is_no_vector_is_no_answer() {
    each(|_, file| {
        for row in [0, 44, N - 1] {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                unsound(&file.with_f32(section::VECTORS, row * D + 2, wrong).bytes(), Rule::Vectors, row);
            }
        }
    });
}

#[test]
fn rule_16_row_codes() {
    each(|metric, file| {
        let length = 64;
        for row in [0, 44, N - 1] {
            let at = row * length;
            let mut changed = file.clone();
            changed.section(section::ROW_CODES)[at + 3] ^= 1;
            unsound(&changed.bytes(), Rule::RowCodes, row);
            for wrong in [128, 255] {
                unsound(&file.with(section::ROW_CODES, at + D - 1, &[wrong]).bytes(), Rule::RowCodes, row);
            }
            // The zeros after the codes, and the bias after those.
            for zero in [D, length - 5] {
                unsound(&file.with(section::ROW_CODES, at + zero, &[1]).bytes(), Rule::RowCodes, row);
            }
            for bias in [1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30] {
                let file = file.with_f32(section::ROW_CODES, (row + 1) * length / 4 - 1, bias);
                unsound(&file.bytes(), Rule::RowCodes, row);
            }
            // Another vector with the codes of this one.
            let moved = file.f32(section::VECTORS, row * D) + 100.0;
            unsound(&file.with_f32(section::VECTORS, row * D, moved).bytes(), Rule::RowCodes, row);
        }
        // No row that is better than nothing.
        let mut all = file.clone();
        all.section(section::ROW_CODES).fill(0xff);
        unsound(&all.bytes(), Rule::RowCodes, 0);
        for row in 0..N {
            let end = (row + 1) * length;
            all.section(section::ROW_CODES)[end - 4..end].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
        }
        unsound(&all.bytes(), Rule::RowCodes, 0);
        assert!(metric == Metric::Euclidean || file.f32(section::ROW_CODES, 15) == 0.0);
    });
}
