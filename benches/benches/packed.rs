//! The packed index on the sample of word vectors: build, search at three recalls, the graph of all.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ohyeah::packed::{BuildOptions, GraphOptions, Scratch, Search};
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
    let mut scratch = Scratch::new();
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

criterion_group!(benches, build, search);
criterion_main!(benches);
