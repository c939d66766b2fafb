//! Every kernel of every backend, over all lengths, offsets and special values.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use ohyeah_core::simd::Backend;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const LENGTHS: std::ops::RangeInclusive<usize> = 0..=300;
/// Past every register width in elements, so that each alignment occurs.
const OFFSETS: std::ops::Range<usize> = 0..17;

/// Says what was tested and what this machine could not test: a skipped instruction set must not look like a passed one.
#[test]
fn backends_of_this_machine() {
    let here: Vec<_> = Backend::available().map(Backend::name).collect();
    for name in ["scalar", "portable", "avx2", "avx512", "neon"] {
        println!("{name}: {}", if here.contains(&name) { "tested" } else { "NOT AVAILABLE HERE, not tested" });
    }
    assert_eq!(&here[..2], ["scalar", "portable"]);
    assert_eq!(Backend::detect().name(), *here.last().expect("two at least"));
    #[cfg(target_arch = "aarch64")]
    assert!(here.contains(&"neon"));
}

fn uniform(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn vectors(fill: impl FnMut() -> f32) -> (Vec<f32>, Vec<f32>) {
    let mut both: Vec<f32> = std::iter::repeat_with(fill).take(2 * (LENGTHS.end() + OFFSETS.end)).collect();
    let b = both.split_off(both.len() / 2);
    (both, b)
}

fn every_length_and_offset(a: &[f32], b: &[f32]) {
    for len in LENGTHS {
        for offset in OFFSETS {
            // The two vectors lie at different distances from a boundary.
            let other = OFFSETS.end - 1 - offset;
            oracle::kernels::floats(&a[offset..offset + len], &b[other..other + len]);
        }
    }
}

#[test]
fn ordinary_values() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let (a, b) = vectors(|| uniform(&mut rng));
    every_length_and_offset(&a, &b);
}

#[test]
fn values_of_every_size() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    let (a, b) = vectors(|| uniform(&mut rng) * 2.0_f32.powi((rng.next_u32() % 100) as i32 - 70));
    every_length_and_offset(&a, &b);
}

#[test]
fn special_values() {
    const SPECIAL: [f32; 12] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        1e-45,
        -1e-45,
        f32::INFINITY,
        f32::NAN,
    ];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    // Rarely, so that most sums keep their value and the odd one is swallowed; then in every position of its own.
    let (a, b) = vectors(|| match rng.next_u32() % 40 {
        special @ 0..12 => SPECIAL[special as usize],
        _ => uniform(&mut rng),
    });
    every_length_and_offset(&a, &b);
    let (a, b) = vectors(|| SPECIAL[rng.next_u32() as usize % 10]);
    every_length_and_offset(&a, &b);
    for value in SPECIAL {
        for at in 0..70 {
            let (mut a, b) = (vec![0.5; 70], vec![0.25; 70]);
            a[at] = value;
            oracle::kernels::floats(&a, &b);
            oracle::kernels::floats(&b, &a);
        }
    }
}

/// The sign of a zero sum: a product that underflows to −0 in all 32 lanes must not depend on how a tail is padded.
#[test]
fn sums_of_negative_zeros() {
    for len in LENGTHS {
        oracle::kernels::floats(&vec![-1e-30; len], &vec![1e-30; len]);
        oracle::kernels::floats(&vec![-0.0; len], &vec![0.0; len]);
    }
}

#[test]
fn bits() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let words: Vec<u64> = std::iter::repeat_with(|| rng.next_u64()).take(160).collect();
    for len in 0..=70 {
        for offset in 0..9 {
            oracle::kernels::bits(&words[offset..offset + len], &words[90 - offset..90 - offset + len]);
        }
    }
    oracle::kernels::bits(&[u64::MAX; 67], &[0; 67]);
}

#[test]
fn integers() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let (a, b): (Vec<i16>, Vec<i8>) = (0..400).map(|_| (rng.next_u32() as i16, rng.next_u32() as i8)).unzip();
    for len in LENGTHS {
        for offset in OFFSETS {
            oracle::kernels::integers(&a[offset..offset + len], &b[50 - offset..50 - offset + len]);
        }
    }
    // Sums beyond 32 bits.
    oracle::kernels::integers(&[i16::MIN; 2000], &[i8::MIN; 2000]);
    oracle::kernels::integers(&[i16::MAX; 2000], &[i8::MIN; 2000]);
}

#[test]
fn seven_bits() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
    let (q, x): (Vec<i8>, Vec<u8>) = (0..400).map(|_| (rng.next_u32() as i8, rng.next_u32() as u8)).unzip();
    for len in LENGTHS {
        let offset = len % OFFSETS.end;
        oracle::kernels::seven_bits(&q[offset..offset + len], &x[50 - offset..50 - offset + len]);
    }
    // Where 16 bits would be too few.
    oracle::kernels::seven_bits(&[i8::MIN; 3000], &[127; 3000]);
    oracle::kernels::seven_bits(&[i8::MAX; 3000], &[127; 3000]);
}

/// Rows in whole lines: a sum for each, of the lines that the query has.
#[test]
fn lines_of_seven_bits() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for (width, lines) in [(1, 1), (2, 1), (2, 2), (3, 3), (5, 4)] {
        let query: Vec<[i8; 64]> = (0..lines).map(|_| [(); 64].map(|()| rng.next_u32() as i8)).collect();
        for count in (0..40).chain([100]) {
            let rows: Vec<[u8; 64]> =
                (0..count * width).map(|_| [(); 64].map(|()| rng.next_u32() as u8 & 127)).collect();
            let product = |row: &[[u8; 64]]| -> i32 {
                let pairs = query.as_flattened().iter().zip(row.as_flattened());
                pairs.map(|(q, x)| i32::from(*q) * i32::from(*x)).sum()
            };
            let mut expected: Vec<i32> = rows.chunks_exact(width).map(product).collect();
            expected.resize(count + 1, -7);
            for backend in Backend::available() {
                let mut sums = vec![-7; count + 1];
                backend.dot_u7_lines(&query, &rows, width, &mut sums);
                assert_eq!(sums, expected, "{count} rows of {width} lines, {lines} of the query, {backend:?}");
                backend.dot_u7_lines(&query, &rows, 0, &mut sums);
                assert_eq!(sums, expected);
            }
        }
    }
}

#[test]
fn four_bits() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let bytes: Vec<u8> = (0..7 * 32 * 60).map(|_| rng.next_u32() as u8).collect();
    for width in 0..60 {
        for more in 0..3 {
            oracle::kernels::four_bits(&bytes[more..(7 * 32 * width + more).min(bytes.len())]);
        }
    }
    // Sums beyond 16 bits.
    oracle::kernels::four_bits(&vec![255; 7 * 32 * 700]);
}

#[test]
fn sums_in_f64() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(10);
    for length in (0..70).chain([300]) {
        let mut floats =
            || -> Vec<f32> { (0..length).map(|_| rng.next_u32() as f32 / 2.0_f32.powi(31) - 1.0).collect() };
        let (a, b) = (floats(), floats());
        let pairs = || a.iter().zip(&b).map(|(x, y)| (f64::from(*x), f64::from(*y)));
        let expected = [pairs().map(|(x, y)| x * y).sum::<f64>(), pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>()];
        let mut first = None;
        for backend in Backend::available() {
            let found = [backend.dot_f64(&a, &b), backend.squared_l2_f64(&a, &b)];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-13 * f64::from(1 + length), "{found} {expected}, {backend:?}");
            }
            // To the bit.
            assert_eq!(*first.get_or_insert(found.map(f64::to_bits)), found.map(f64::to_bits), "{backend:?}");
        }
    }
}

#[test]
fn rows_that_reach_a_limit() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    for blocks in [0, 1, 5] {
        let mut sums: Vec<[u16; 32]> = (0..blocks).map(|_| [(); 32].map(|()| rng.next_u32() as u16)).collect();
        if let Some(first) = sums.first_mut() {
            first[..6].copy_from_slice(&[0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]);
        }
        for limit in [0, 1, 2, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff] {
            for backend in Backend::available() {
                let mut masks = vec![0xabcd; blocks + 1];
                backend.rows_reaching(limit, &sums, &mut masks);
                for (sums, mask) in sums.iter().zip(&masks) {
                    for (row, sum) in sums.iter().enumerate() {
                        assert_eq!(mask >> row & 1 == 1, *sum >= limit, "{sum} and {limit}, {backend:?}");
                    }
                }
                assert_eq!(masks[blocks], 0xabcd, "{backend:?}");
            }
        }
    }
}

/// Scores of tiles: every backend rounds a product and a sum, one after the other.
#[test]
fn scores_of_tiles() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    for queries in [0, 1, 3, 12, 13] {
        let floats = |rng: &mut Xoshiro256PlusPlus| f32::from_bits(rng.next_u32() & 0xbfff_ffff) % 1e3;
        let steps: Vec<f32> = (0..queries).map(|_| floats(&mut rng)).collect();
        let sums: Vec<[i32; 16]> = (0..queries).map(|_| [(); 16].map(|()| rng.next_u32().cast_signed())).collect();
        let mut biases = [(); 16].map(|()| floats(&mut rng));
        (biases[3], biases[9]) = (f32::NEG_INFINITY, f32::NAN);
        let before: Vec<([f32; 16], [u32; 16])> = (0..queries)
            .map(|query| {
                ([(); 16].map(|()| if query % 2 == 0 { f32::NEG_INFINITY } else { floats(&mut rng) }), [7; 16])
            })
            .collect();
        let limits: Vec<f32> = before.iter().map(|(scores, _)| scores[0]).collect();
        for backend in Backend::available() {
            let (mut best, mut masks) = (before.clone(), vec![0xabcd; queries]);
            backend.best_of_tile(&steps, &sums, &biases, 5, &mut best);
            backend.lanes_above(&steps, &limits, &sums, &biases, &mut masks);
            for query in 0..queries {
                for lane in 0..16 {
                    let score = steps[query] * sums[query][lane] as f32 + biases[lane];
                    let (old, new) = (before[query].0[lane], (best[query].0[lane], best[query].1[lane]));
                    assert_eq!(new, if score > old { (score, 5) } else { (old, 7) }, "{backend:?}");
                    assert_eq!(masks[query] >> lane & 1 == 1, score > limits[query], "{backend:?}");
                }
            }
        }
    }
}

/// Unequal lengths are a caller's mistake; the answer is that of the common part, and nothing beyond it is read.
#[test]
fn unequal_lengths_use_the_common_part() {
    let long: Vec<f32> = (0..300_u16).map(f32::from).collect();
    for backend in Backend::available() {
        for short in [0, 1, 31, 32, 33, 100] {
            let cut = &long[..short];
            let expected = backend.dot(cut, cut);
            assert_eq!(backend.dot(&long, cut), expected);
            assert_eq!(backend.dot(cut, &long), expected);
            assert_eq!(backend.dot_many(&long, [&long, cut, &long, &long]), [expected; 4].map(|_| expected));
            // Integers: exact in both.
            let expected = f64::from(expected);
            assert_eq!([backend.dot_f64(&long, cut), backend.dot_f64(cut, &long)], [expected; 2]);
            assert_eq!([backend.squared_l2_f64(&long, cut), backend.squared_l2_f64(cut, &long)], [0.0; 2]);
        }
        assert_eq!(backend.hamming(&[1, 2, 3], &[0]), 1);
        let mut y = long[..40].to_vec();
        backend.axpby(2.0, &long[..35], 1.0, &mut y);
        assert!((0..40).all(|i| y[i] == i as f32 * if i < 35 { 3.0 } else { 1.0 }));
        assert_eq!(backend.dot_i8_many(&[3; 100], [&[2; 70], &[2; 65]]), [390, 390]);
        assert_eq!(backend.dot_u7_many(&[3; 100], [&[2; 70], &[2; 65]]), [390, 390]);
        // Fewer sums than queries, and no room at all.
        let mut sums = [[0; 16]; 2];
        backend.tile_u7(&[1; 8 * 13 + 3], &[[1; 64]; 2], &mut sums);
        assert_eq!(sums, [[8; 16]; 2]);
        backend.tile_u7(&[1; 50], &[], &mut sums);
        assert_eq!(sums, [[8; 16]; 2]);
    }
}
