//! The packed index on the sample of word vectors: build, search at three recalls, the graph of all.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ohyeah::packed::{BuildOptions, GraphOptions, PackedScratch, Search};
use ohyeah::{KnnGraph, Metric, Packed, Rayon};
use ohyeah_words::{Reader, WordVectors};

/// Neighbours of a search, and of each row in the graph.
const TOP: usize = 10;

fn sample() -> WordVectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/glove-20k-100d.bin");
    Reader::new().open(path).expect("the sample").vectors
}

fn build(c: &mut Criterion) {
    let sample = sample();
    let mut group = c.benchmark_group("packed");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("build", |b| {
        b.iter(|| {
            let options = BuildOptions::new();
            Packed::build_with::<Rayon>(Metric::Angular, sample.vectors(), sample.dimensions(), &options)
        });
    });
    for (name, options) in [("graph", GraphOptions::top(TOP)), ("graph, exact", GraphOptions::top(TOP).exact())] {
        group.bench_function(name, |b| {
            b.iter(|| KnnGraph::build_with::<Rayon>(Metric::Angular, sample.vectors(), sample.dimensions(), &options));
        });
    }
}

fn search(c: &mut Criterion) {
    let sample = sample();
    let options = BuildOptions::new();
    let index = Packed::build_with::<Rayon>(Metric::Angular, sample.vectors(), sample.dimensions(), &options);
    let index = index.expect("an index");
    let mut group = c.benchmark_group("packed search");
    group.sample_size(30).measurement_time(Duration::from_secs(2)).throughput(Throughput::Elements(1));
    let mut scratch = PackedScratch::new();
    let searches = [0.9, 0.95, 0.99].map(|recall| (format!("recall {recall}"), Search::top(TOP).recall(recall)));
    for (name, search) in searches.into_iter().chain([("exact".into(), Search::top(TOP).exact())]) {
        let mut id = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                id = (id + 7919) % index.len() as u32;
                index.search_item_in(&mut scratch, black_box(id), &search).map(<[_]>::len)
            });
        });
    }
}

/// Numbers as of a normal distribution, nearly: sums of uniform ones.
fn gauss(rows: usize, dimensions: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..rows * dimensions).map(|_| uniform() + uniform() + uniform() + uniform()).collect()
}

/// Exact searches, where codes tell which rows can be near, and where one far row leaves nothing to tell.
fn exact(c: &mut Criterion) {
    let mut group = c.benchmark_group("packed exact search");
    group.sample_size(30).measurement_time(Duration::from_secs(2));
    for (rows, dimensions) in [(20_000, 64), (20_000, 100), (100_000, 64), (100_000, 100)] {
        let near = gauss(rows, dimensions);
        let mut far = near.clone();
        far[..dimensions].iter_mut().for_each(|x| *x *= 1e5);
        let data = [
            ("angular", Metric::Angular, &near),
            ("euclidean", Metric::Euclidean, &near),
            ("dot", Metric::Dot, &near),
            ("euclidean, a far row", Metric::Euclidean, &far),
        ];
        for (name, metric, vectors) in data {
            let index = Packed::build_with::<Rayon>(metric, vectors, dimensions, &BuildOptions::new());
            let index = index.expect("an index");
            let (mut scratch, mut id) = (PackedScratch::new(), 1);
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(format!("{rows} × {dimensions}, {name}"), |b| {
                b.iter(|| {
                    id = 1 + (id + 7919) % (rows as u32 - 1);
                    index.search_item_in(&mut scratch, black_box(id), &Search::top(TOP).exact()).map(<[_]>::len)
                });
            });
        }
    }
}

criterion_group!(benches, build, search, exact);
criterion_main!(benches);
