//! Every kernel on every backend of this machine, at the dimensions of word, sentence and image vectors.
//!
//! A measurement is one vector against 64 rows that lie in the first-level cache, so that it is the arithmetic that is
//! timed; elements are counted in rows.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ohyeah::Backend;

const DIMENSIONS: [usize; 3] = [100, 300, 768];
/// 64 rows of 100 dimensions fill most of 32 KiB; of more dimensions, fewer are used.
const FLOATS_IN_CACHE: usize = 6400;

type One = fn(Backend, &[f32], &[f32]) -> f32;
type Four = fn(Backend, &[f32], [&[f32]; 4]) -> [f32; 4];

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(30);
    group
}

fn one_row(c: &mut Criterion, name: &str, kernel: One) {
    let mut group = group(c, name);
    for dimensions in DIMENSIONS {
        let rows = ohyeah_benches::vectors(FLOATS_IN_CACHE / dimensions, dimensions);
        group.throughput(Throughput::Elements(rows.len() as u64 - 1));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                b.iter(|| rows[1..].iter().map(|row| kernel(backend, black_box(&rows[0]), row)).sum::<f32>());
            });
        }
    }
}

fn four_rows(c: &mut Criterion, name: &str, kernel: Four) {
    let mut group = group(c, name);
    for dimensions in DIMENSIONS {
        let rows = ohyeah_benches::vectors(FLOATS_IN_CACHE / dimensions, dimensions);
        let fours = rows.as_chunks::<4>().0;
        group.throughput(Throughput::Elements(4 * fours.len() as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                let four =
                    |rows: &[Vec<f32>; 4]| kernel(backend, black_box(&rows[0]), rows.each_ref().map(Vec::as_slice));
                b.iter(|| fours.iter().map(|rows| four(rows).iter().sum::<f32>()).sum::<f32>());
            });
        }
    }
}

fn floats(c: &mut Criterion) {
    one_row(c, "dot", Backend::dot);
    one_row(c, "squared_l2", Backend::squared_l2);
    one_row(c, "l1", Backend::l1);
    one_row(c, "margin", |backend, a, b| backend.margin(a, 0.5, b));
    four_rows(c, "dot_4", Backend::dot_many::<4>);
    four_rows(c, "squared_l2_4", Backend::squared_l2_many::<4>);
    four_rows(c, "l1_4", Backend::l1_many::<4>);
}

fn bits(c: &mut Criterion) {
    let mut group = group(c, "hamming");
    for dimensions in DIMENSIONS {
        let rows = ohyeah_benches::bits(64, dimensions.div_ceil(64));
        group.throughput(Throughput::Elements(rows.len() as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                b.iter(|| rows.iter().map(|row| backend.hamming(black_box(&rows[0]), row)).sum::<u64>());
            });
        }
    }
}

fn integers(c: &mut Criterion) {
    let mut group = group(c, "dot_i8_4");
    for dimensions in DIMENSIONS {
        let query: Vec<i16> = (0..dimensions as i16).map(|i| i.wrapping_mul(331)).collect();
        let rows: Vec<Vec<i8>> =
            (0..64).map(|row| (0..dimensions).map(|i| (i * 31 + row * 7) as i8).collect()).collect();
        let fours = rows.as_chunks::<4>().0;
        group.throughput(Throughput::Elements(rows.len() as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                let four = |rows: &[Vec<i8>; 4]| {
                    backend.dot_i8_many(black_box(&query), rows.each_ref().map(Vec::as_slice)).iter().sum::<i32>()
                };
                b.iter(|| fours.iter().map(four).fold(0, i32::wrapping_add));
            });
        }
    }
}

/// Pairs of a query and a row, by tiles that lie in the second-level cache.
fn tiles(c: &mut Criterion) {
    tiles_of(c, "tile_u7", 48);
    tiles_of(c, "tile_u7_1", 1);
}

fn tiles_of(c: &mut Criterion, name: &str, count: usize) {
    let mut group = group(c, name);
    for dimensions in DIMENSIONS {
        let width = dimensions / 4;
        let queries: Vec<i8> = (0..count * 4 * width).map(|i| (i * 37) as i8).collect();
        let tiles: Vec<Vec<[u8; 64]>> =
            (0..=200 / width).map(|t| (0..width).map(|k| [((t + k) % 128) as u8; 64]).collect()).collect();
        let mut sums = vec![[0; 16]; count];
        group.throughput(Throughput::Elements((count * 16 * tiles.len()) as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                b.iter(|| {
                    for tile in &tiles {
                        backend.tile_u7(black_box(&queries), tile, black_box(&mut sums));
                    }
                });
            });
        }
    }
}

/// As `integers`, of rows of 7-bit numbers.
fn seven_bits(c: &mut Criterion) {
    let mut group = group(c, "dot_u7_4");
    for dimensions in DIMENSIONS {
        let query: Vec<i8> = (0..dimensions).map(|i| (i * 37) as i8).collect();
        let rows: Vec<Vec<u8>> =
            (0..64).map(|row| (0..dimensions).map(|i| ((i * 31 + row * 7) % 128) as u8).collect()).collect();
        let fours = rows.as_chunks::<4>().0;
        group.throughput(Throughput::Elements(rows.len() as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                let four = |rows: &[Vec<u8>; 4]| {
                    backend.dot_u7_many(black_box(&query), rows.each_ref().map(Vec::as_slice)).iter().sum::<i32>()
                };
                b.iter(|| fours.iter().map(four).fold(0, i32::wrapping_add));
            });
        }
    }
}

/// Rows of 4-bit codes, one for two dimensions, that lie in the second-level cache.
fn scans(c: &mut Criterion) {
    let mut group = group(c, "scan_4bit");
    for dimensions in DIMENSIONS {
        let tables: Vec<[u8; 16]> =
            (0..dimensions / 2).map(|t| std::array::from_fn(|i| ((t * 7 + i * 5) % 64) as u8)).collect();
        let blocks = (1 << 19) / (32 * tables.len() / 2);
        let codes: Vec<[u8; 32]> =
            (0..blocks * (tables.len() / 2)).map(|at| std::array::from_fn(|v| (at * 31 + v * 17) as u8)).collect();
        let mut sums = vec![[0; 32]; blocks];
        group.throughput(Throughput::Elements(32 * blocks as u64));
        for backend in Backend::available() {
            group.bench_function(BenchmarkId::new(backend.name(), dimensions), |b| {
                b.iter(|| backend.scan_4bit(black_box(&codes), &tables, black_box(&mut sums)));
            });
        }
    }
}

criterion_group!(benches, floats, bits, integers, seven_bits, tiles, scans);
criterion_main!(benches);
