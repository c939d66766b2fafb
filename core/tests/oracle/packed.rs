//! A packed index that was tampered with: every question ends, with an answer or an error.

use std::sync::OnceLock;

use ohyeah_core::packed::{BuildOptions, GraphOptions, Search};
use ohyeah_core::{Metric, Packed};

const DIMENSIONS: usize = 6;
const METRICS: [Metric; 3] = [Metric::Angular, Metric::Euclidean, Metric::Dot];

/// Everything that an index may be asked.
pub(crate) fn ask(bytes: &[u8], query: &[f32]) {
    let Ok(index) = Packed::open(bytes) else { return };
    let _ = index.verify();
    for search in [Search::top(5), Search::top(5).probe(3, 9), Search::top(5).exact()] {
        let _ = index.search(query, &search);
    }
    for id in [0, 7, 1 << 30] {
        let _ = (index.key(id), index.vector(id), index.id("w3"));
    }
    let _ = index.graph(&GraphOptions::top(2));
    let _ = index.graph(&GraphOptions::top(2).exact());
}

fn indexes() -> &'static [Vec<u64>; 3] {
    static INDEXES: OnceLock<[Vec<u64>; 3]> = OnceLock::new();
    INDEXES.get_or_init(|| {
        let vectors: Vec<f32> = (0..90 * DIMENSIONS).map(|at| (at as f32 * 0.7).sin()).collect();
        let words: Vec<String> = (0..90).map(|at| format!("w{at}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        METRICS.map(|metric| {
            let options = BuildOptions::new().leaves(4).keys(&words);
            let index = Packed::build(metric, &vectors, DIMENSIONS, &options).expect("the vectors are fine");
            let mut aligned = vec![0; index.as_bytes().len().div_ceil(8)];
            bytemuck::cast_slice_mut(&mut aligned)[..index.as_bytes().len()].copy_from_slice(index.as_bytes());
            aligned
        })
    })
}

/// The first byte chooses an index; each four that follow are where it is changed, and by what.
pub(crate) fn tampered(bytes: &[u8]) {
    let Some((which, changes)) = bytes.split_first() else { return };
    let mut words = indexes()[usize::from(*which) % 3].clone();
    let index: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    // All of the file but what the last word has too much.
    let length = Packed::open(&index[..]).map_or_else(
        |_| (0..8).map(|less| index.len() - less).find(|length| Packed::open(&index[..*length]).is_ok()),
        |_| Some(index.len()),
    );
    let index = &mut index[..length.unwrap_or_default()];
    for [low, middle, high, by] in changes.as_chunks::<4>().0 {
        let at = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
        let length = index.len().max(1);
        if let Some(byte) = index.get_mut(at % length) {
            *byte ^= by;
        }
    }
    ask(index, &[0.3, -0.1, 0.9, 0.2, 0.0, -0.5]);
}
