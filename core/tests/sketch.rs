//! Sketches change no tree and no answer.

mod oracle;

use ohyeah_core::forest::{BuildOptions, NodeBuf, Search};
use ohyeah_core::{Angular, Backend, Distance, Dot, DotLegacy, Element, Euclidean, Forest, Manhattan, Serial};
use oracle::brute::Rows;
use oracle::data;
use oracle::threads::Threads;

/// Enough that the topmost splits are beyond what is taken to be cached, where sketches are looked at.
const ITEMS: u32 = 4200;
const DIMENSIONS: usize = 70;

fn same<D: Distance<Element = f32>>(rows: &Rows, what: &str, backends: &[Backend]) {
    for backend in backends.iter().copied() {
        let items = || data::items::<D>(rows, DIMENSIONS).with_backend(backend);
        let build = |options: BuildOptions<'_>| items().build(&options).expect("builds");
        for options in [BuildOptions::new().trees(3), BuildOptions::new().trees(3).kiss64()] {
            let with = build(options);
            let without = build(options.sketch(false));
            assert!(with.as_bytes() == without.as_bytes(), "{what}, {}, {}", D::METRIC, backend.name());
        }
        let built = build(BuildOptions::new().trees(3));
        let bare = built.clone().without_sketch();
        let opened = Forest::<D, _>::open(NodeBuf::copy_of(built.as_bytes()), DIMENSIONS).expect("opens");
        let opened = opened.with_backend(backend).with_sketch::<Threads<3>>();
        let queries = rows.values().step_by(97).cloned().chain([vec![0.0; DIMENSIONS], vec![1e-30; DIMENSIONS]]);
        for query in queries {
            for search in [Search::top(10).search_k(2000), Search::top(1).search_k(100), Search::top(300)] {
                let expected = bare.search(&query, &search).expect("searches");
                assert_eq!(built.search(&query, &search).expect("searches"), expected, "{what}, {}", D::METRIC);
                assert_eq!(opened.search(&query, &search).expect("searches"), expected, "{what}, {}", D::METRIC);
            }
        }
    }
}

fn every_metric(rows: &Rows, what: &str, backends: &[Backend]) {
    same::<Angular>(rows, what, backends);
    same::<Euclidean>(rows, what, backends);
    same::<Manhattan>(rows, what, backends);
    same::<Dot>(rows, what, backends);
    same::<DotLegacy>(rows, what, backends);
}

#[test]
fn clusters_duplicates_and_zeros() {
    // Where the processor is an emulated one, the others take minutes.
    let all = Backend::available().filter(|backend| cfg!(target_arch = "x86_64") || *backend == Backend::detect());
    let backends: Vec<_> = all.collect();
    every_metric(&data::odd_rows(1, ITEMS, DIMENSIONS), "odd rows", &backends);
}

#[test]
fn lengths_of_every_size() {
    let mut rows = data::odd_rows(2, ITEMS, DIMENSIONS);
    for (id, row) in &mut rows {
        let scale = 10_f32.powi((id % 40) as i32 - 24);
        for x in row {
            *x *= scale;
        }
    }
    every_metric(&rows, "all sizes", &[Backend::detect()]);
}

/// Distances are small beside lengths: the bounds of a Euclidean distance say little.
#[test]
fn far_from_the_origin() {
    let mut rows = data::odd_rows(3, ITEMS, DIMENSIONS);
    rows.values_mut().flatten().for_each(|x| *x = *x * 1e-3 + 5.0);
    every_metric(&rows, "far off", &[Backend::detect()]);
}

#[test]
fn a_sketch_can_be_had_again() {
    let forest =
        data::items::<Angular>(&data::odd_rows(4, 500, 20), 20).build(&BuildOptions::new().trees(2)).expect("builds");
    let again = forest.clone().without_sketch().with_sketch::<Serial>().with_sketch::<Serial>();
    let query = f32::from_numbers(&[0.3; 20]).into_owned();
    assert_eq!(again.search(&query, &Search::top(9)), forest.search(&query, &Search::top(9)));
}
