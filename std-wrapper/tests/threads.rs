//! The number of threads changes nothing.

#![allow(clippy::expect_used, clippy::panic)]

use ohyeah::forest::{AnyItems, BuildOptions, Items, Search};
use ohyeah::{Angular, Distance, Dot, Element, Hamming, Manhattan, Metric, ParBuildItems, ParSearch};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

fn row(id: u16) -> [f32; 20] {
    std::array::from_fn(|i| (f32::from(id) * 0.37 + i as f32 * (1.0 + f32::from(id % 7))).sin())
}

fn items<D: Distance>() -> Items<D> {
    let mut items = Items::new(20).expect("dimensions");
    for id in 0..500 {
        items.add(u32::from(id), &D::Element::from_numbers(&row(id))).expect("a vector");
    }
    items
}

fn same_on_every_pool<D: Distance>() {
    let options = BuildOptions::new().trees(13).seed(5);
    let serial = items::<D>().build(&options).expect("builds");
    let queries: Vec<_> = (0..500).step_by(3).map(|id| D::Element::from_numbers(&row(id)).into_owned()).collect();
    let queries: Vec<&[D::Element]> = queries.iter().map(Vec::as_slice).collect();
    for threads in [1, 2, 3, 8] {
        pool(threads).install(|| {
            let built = items::<D>().par_build(&options).expect("builds");
            assert!(built.as_bytes() == serial.as_bytes(), "{} on {threads} threads", D::METRIC);
            for search in [Search::top(6), Search::top(6).search_k(300), Search::top(6).exact()] {
                let found = built.par_search_many(&queries, &search).expect("searches");
                let expected: Vec<_> =
                    queries.iter().map(|query| serial.search(query, &search).expect("searches")).collect();
                assert_eq!(found, expected, "{} on {threads} threads", D::METRIC);
            }
        });
    }
}

#[test]
fn forests_and_answers_are_the_same_on_1_2_3_and_8_threads() {
    same_on_every_pool::<Angular>();
    same_on_every_pool::<Manhattan>();
    same_on_every_pool::<Hamming>();
    same_on_every_pool::<Dot>();
}

#[test]
fn so_are_those_whose_metric_is_a_value() {
    let build = |threads| {
        pool(threads).install(|| {
            let mut items = AnyItems::new(Metric::Euclidean, 20).expect("dimensions");
            for id in 0..500 {
                items.add(u32::from(id), &row(id)).expect("a vector");
            }
            items.par_build(&BuildOptions::new().trees(9)).expect("builds").as_bytes().to_vec()
        })
    };
    assert!(build(1) == build(2) && build(1) == build(8));
}
