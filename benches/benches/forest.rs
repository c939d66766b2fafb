//! Building a forest and searching it, on made-up vectors of the size of word vectors.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ohyeah::Angular;
use ohyeah::forest::{BuildOptions, Items, Search};

const DIMENSIONS: usize = 100;
const ITEMS: usize = 20_000;

fn items() -> Items<Angular> {
    let mut items = Items::new(DIMENSIONS).expect("dimensions");
    for (id, vector) in ohyeah_benches::vectors(ITEMS, DIMENSIONS).iter().enumerate() {
        items.add(id as u32, vector).expect("an item");
    }
    items
}

fn build(c: &mut Criterion) {
    let items = items();
    let mut group = c.benchmark_group("build");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("one tree", |b| {
        b.iter_batched(|| items.clone(), |items| items.build(&BuildOptions::new().trees(1)), BatchSize::PerIteration);
    });
}

fn search(c: &mut Criterion) {
    let forest = items().build(&BuildOptions::new().trees(20)).expect("a forest");
    let mut searcher = forest.searcher();
    let mut group = c.benchmark_group("search");
    group.sample_size(30).measurement_time(Duration::from_secs(2)).throughput(Throughput::Elements(1));
    for search_k in [1000, 10_000] {
        let search = Search::top(10).search_k(search_k);
        let mut id = 0;
        group.bench_function(format!("search_k {search_k}"), |b| {
            b.iter(|| {
                id = (id + 7919) % ITEMS as u32;
                searcher.search_item(black_box(id), &search).map(<[_]>::len)
            });
        });
    }
    let exact = Search::top(10).exact();
    group.bench_function("exact", |b| b.iter(|| searcher.search_item(black_box(5), &exact).map(<[_]>::len)));
}

criterion_group!(benches, build, search);
criterion_main!(benches);
