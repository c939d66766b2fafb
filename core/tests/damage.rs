//! Files that someone else wrote, cut, flipped, spliced and made up: they are refused, or opened and searched; nothing
//! panics, and everything ends.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ohyeah_core::forest::{BuildOptions, OpenError};
use ohyeah_core::{Angular, Distance, Dot, DotLegacy, Euclidean, Hamming, Manhattan, Metric};
use oracle::data;
use oracle::forest::{Kind, Outcome, any_file};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A file, what it holds, and the bytes of a node.
struct Case {
    name: String,
    /// The number of ids.
    items: usize,
    kind: Kind,
    dimensions: usize,
    node: usize,
    bytes: Vec<u8>,
}

impl Case {
    fn ask(&self, bytes: &[u8]) -> Outcome {
        any_file(self.kind, self.dimensions, bytes)
    }
}

fn node_bytes(kind: Kind, dimensions: usize) -> usize {
    match kind {
        Kind::Angular => 12 + 4 * dimensions,
        Kind::Euclidean | Kind::Manhattan | Kind::DotLegacy => 16 + 4 * dimensions,
        Kind::Hamming => 16 + 8 * dimensions.div_ceil(64),
        Kind::Dot => 24 + 4 * dimensions,
    }
}

fn golden() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let paths = fs::read_dir(folder).expect("the golden folder").map(|entry| entry.expect("an entry").path());
    let indexes = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ann"));
    let cases = indexes.map(|path| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // As in `angular-f25-n300-q4-seed42`.
        let text = name.clone();
        let mut parts = text.split('-');
        let kind = match parts.next().expect("a metric").parse().expect("a metric") {
            Metric::Angular => Kind::Angular,
            Metric::Euclidean => Kind::Euclidean,
            Metric::Manhattan => Kind::Manhattan,
            Metric::Hamming => Kind::Hamming,
            _ => Kind::DotLegacy,
        };
        let dimensions = parts.next().expect("dimensions")[1..].parse().expect("a number");
        let items = parts.next().expect("items")[1..].parse().expect("a number");
        let (node, bytes) = (node_bytes(kind, dimensions), fs::read(&path).expect("a file"));
        Case { name, items, kind, dimensions, node, bytes }
    });
    let cases: Vec<_> = cases.collect();
    assert_eq!(cases.len(), 10);
    cases
}

fn small<D: Distance>(kind: Kind, ids: u32, dimensions: usize) -> Case {
    let rows = data::odd_rows(2, ids, dimensions);
    let forest = data::items::<D>(&rows, dimensions).build(&BuildOptions::new().trees(2)).expect("builds");
    let name = format!("{kind:?}, {ids} items of {dimensions}");
    let (items, node, bytes) = (ids as usize, node_bytes(kind, dimensions), forest.as_bytes().to_vec());
    Case { name, items, kind, dimensions, node, bytes }
}

/// Forests whose roots are leaves, and forests with splits.
fn fresh() -> Vec<Case> {
    let sizes = [(3, 4), (23, 2)];
    let cases = sizes.map(|(ids, dimensions)| {
        [
            small::<Angular>(Kind::Angular, ids, dimensions),
            small::<Euclidean>(Kind::Euclidean, ids, dimensions),
            small::<Manhattan>(Kind::Manhattan, ids, dimensions),
            small::<Hamming>(Kind::Hamming, ids, dimensions),
            small::<Dot>(Kind::Dot, ids, dimensions),
            small::<DotLegacy>(Kind::DotLegacy, ids, dimensions),
        ]
    });
    cases.into_iter().flatten().collect()
}

#[test]
fn untouched_files_are_in_order() {
    for case in golden().iter().chain(&fresh()) {
        assert_eq!(case.ask(&case.bytes), Outcome::Opened(Ok(())), "{}", case.name);
    }
}

/// Every byte of a small file, with every bit changed that changes much.
#[test]
fn flips_of_every_byte_of_small_files() {
    for case in fresh() {
        for at in 0..case.bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut bytes = case.bytes.clone();
                bytes[at] ^= flip;
                case.ask(&bytes);
            }
        }
    }
}

/// The bytes that steer (descendants and children) of some nodes everywhere in a large file, the last ones always; and
/// bytes anywhere.
#[test]
fn flips_in_large_files() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for case in golden() {
        let nodes = case.bytes.len() / case.node;
        for _ in 0..80 {
            let node = match rng.next_u32() % 3 {
                0 => nodes - 1 - rng.next_u32() as usize % 6,
                _ => rng.next_u32() as usize % nodes,
            };
            let at = match rng.next_u32() % 4 {
                0 => node * case.node + rng.next_u32() as usize % case.node,
                _ => node * case.node + rng.next_u32() as usize % 16,
            };
            let mut bytes = case.bytes.clone();
            bytes[at] ^= 1 << (rng.next_u32() % 8);
            case.ask(&bytes);
        }
    }
}

#[test]
fn files_cut_short() {
    for case in fresh() {
        let mut whole = 0;
        for length in 0..case.bytes.len() {
            match case.ask(&case.bytes[..length]) {
                Outcome::Opened(verified) => whole += u32::from(verified.is_ok() && length > case.items * case.node),
                Outcome::Refused(OpenError::Empty) => assert_eq!(length, 0),
                Outcome::Refused(OpenError::PartialNode { length: found, node }) => {
                    assert_eq!((found, node), (length, case.node));
                    assert_ne!(length % node, 0);
                }
                Outcome::Refused(_) => assert_eq!(length % case.node, 0),
            }
        }
        // What ends with a root is a file of fewer trees: after each of the two, and after the first copy. (Shorter than
        // the items, it may look like one item and roots over it: the format does not tell them apart.)
        assert!(whole <= 3, "{} passes for whole {whole} times", case.name);
    }
    for case in golden() {
        for end in (case.node..case.bytes.len()).step_by(case.node * 37) {
            case.ask(&case.bytes[..end]);
            case.ask(&case.bytes[..end - 1]);
            case.ask(&case.bytes[end..]);
        }
    }
}

#[test]
fn files_spliced() {
    let cases = fresh();
    for a in &cases {
        for b in cases.iter().filter(|b| b.node == a.node) {
            for at in (0..a.bytes.len().min(b.bytes.len())).step_by(a.node) {
                let mut bytes = a.bytes[..at].to_vec();
                bytes.extend_from_slice(&b.bytes[at..]);
                a.ask(&bytes);
                let mut bytes = a.bytes.clone();
                bytes.extend_from_slice(&b.bytes[at..]);
                a.ask(&bytes);
            }
        }
    }
}

/// Each file as every kind and many dimensions. All end; the list of what passes for something else is printed, and is no
/// longer than it must be.
#[test]
fn the_wrong_metric_or_dimensions() {
    let mut wrong = Vec::new();
    for case in golden() {
        let mut passes = Vec::new();
        for kind in Kind::ALL {
            let all: BTreeSet<_> = (1..=2 * case.dimensions).chain([63, 64, 65, 127, 128, 192, 193]).collect();
            for dimensions in all {
                if any_file(kind, dimensions, &case.bytes) == Outcome::Opened(Ok(())) {
                    passes.push((kind, dimensions));
                }
            }
        }
        println!("{} passes for {passes:?}", case.name);
        assert!(passes.contains(&(case.kind, case.dimensions)));
        let may = |(kind, dimensions): &(Kind, usize)| match case.kind {
            // One layout.
            Kind::Euclidean | Kind::Manhattan => {
                matches!(kind, Kind::Euclidean | Kind::Manhattan) && *dimensions == case.dimensions
            }
            // The words of a vector say nothing of its last bits; and few bits are also small numbers.
            Kind::Hamming => match kind {
                Kind::Hamming => dimensions.div_ceil(64) == case.dimensions.div_ceil(64),
                Kind::Angular => case.dimensions < 32 && *dimensions == 3,
                Kind::DotLegacy => case.dimensions < 32 && *dimensions == 2,
                _ => false,
            },
            // A factor is a number of a vector one longer; two numbers of it are where the later layout has other things.
            Kind::DotLegacy => match kind {
                Kind::DotLegacy => *dimensions == case.dimensions,
                Kind::Angular => *dimensions == case.dimensions + 1,
                Kind::Dot => *dimensions == case.dimensions - 2,
                _ => false,
            },
            Kind::Angular | Kind::Dot => *kind == case.kind && *dimensions == case.dimensions,
        };
        wrong.extend(passes.into_iter().filter(|x| !may(x)).map(|x| (case.name.clone(), x)));
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
