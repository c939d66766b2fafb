//! Ten thousand random corruptions of each golden file: each is refused, or searched to an end.

mod oracle;

use std::fs;
use std::path::Path;

use oracle::forest::{Kind, Outcome, any_file};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Fewer where the processor is an emulated one.
const CORRUPTIONS: usize = if cfg!(target_arch = "x86_64") { 10_000 } else { 100 };

/// Flips, cuts and splices, a few of them at a time.
fn corrupt(rng: &mut impl Rng, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=rng.next_u32() % 4 {
        let mut below = |n: usize| (rng.next_u64() % (n.max(1) as u64)) as usize;
        match below(10) {
            // A bit, a byte, a word: of a header as likely as of a vector, as headers are rare.
            0..=2 if !bytes.is_empty() => {
                let at = below(bytes.len());
                bytes[at] ^= 1 << below(8);
            }
            3..=4 if bytes.len() >= 4 => {
                let at = below(bytes.len() / 4) * 4;
                let word = [0, 1, 2, u32::MAX, i32::MAX as u32, below(400) as u32, f32::NAN.to_bits()][below(7)];
                bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
            5 => bytes.truncate(below(bytes.len())),
            // Whole words only, which keeps more of the file in step.
            6 => bytes.truncate(below(bytes.len() / 4) * 4),
            7 => {
                let (from, to) = (below(other.len()), below(bytes.len()));
                let length = below(other.len() - from).min(bytes.len() - to);
                bytes[to..to + length].copy_from_slice(&other[from..from + length]);
            }
            8 => {
                let start = below(bytes.len() / 4) * 4;
                let end = (start + 4 * below(64)).min(bytes.len());
                let piece = bytes[start..end].to_vec();
                let to = below(bytes.len() / 4) * 4;
                bytes.splice(to..to, piece);
            }
            _ => {
                let start = below(bytes.len() / 4) * 4;
                let end = (start + 4 * below(64)).min(bytes.len());
                bytes.drain(start..end);
            }
        }
    }
    bytes
}

#[test]
fn every_corruption_is_refused_or_searched_to_an_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ann"));
    files.sort();
    assert_eq!(files.len(), 10);
    let read = |path: &Path| fs::read(path).expect("a file");
    std::thread::scope(|scope| {
        for (seed, path) in files.iter().enumerate() {
            let other = read(&files[(seed + 1) % files.len()]);
            scope.spawn(move || {
                let name = path.file_name().expect("a name").to_string_lossy();
                let kind = [
                    ("angular", Kind::Angular),
                    ("euclidean", Kind::Euclidean),
                    ("manhattan", Kind::Manhattan),
                    ("hamming", Kind::Hamming),
                    ("dot", Kind::DotLegacy),
                ];
                let (_, kind) = kind.into_iter().find(|(metric, _)| name.starts_with(metric)).expect("a metric");
                let dimensions = name.split('-').find_map(|part| part.strip_prefix('f')?.parse().ok()).expect("f");
                let file = read(path);
                let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed as u64);
                let (mut refused, mut damaged, mut whole) = (0, 0, 0);
                for _ in 0..CORRUPTIONS {
                    match any_file(kind, dimensions, &corrupt(&mut rng, &file, &other)) {
                        Outcome::Refused(_) => refused += 1,
                        Outcome::Opened(Err(_)) => damaged += 1,
                        Outcome::Opened(Ok(())) => whole += 1,
                    }
                }
                println!("{name}: {refused} refused, {damaged} opened and found damaged, {whole} still in order");
                assert!(refused > CORRUPTIONS / 3 && damaged > CORRUPTIONS / 100, "{refused} {damaged} {whole}");
            });
        }
    });
}
