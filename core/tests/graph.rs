//! The neighbours of every item, against brute force.

mod oracle;

use ohyeah_core::{
    Angular, Backend, Distance, Dot, Euclidean, GraphOptions, Hamming, Items, Join, Manhattan, Metric, Neighbour,
    Search, Serial,
};
use oracle::threads::{Backwards, Threads};
use oracle::{brute::Rows, data};

fn lists<D: Distance, J: Join>(items: &Items<D>, options: &GraphOptions<'_>) -> Vec<Vec<Neighbour>> {
    let graph = items.clone().graph::<J>(options).expect("memory");
    (0..items.len()).map(|id| graph.neighbours(id).collect()).collect()
}

/// The exact lists, by searches for each item: those are compared with f64 elsewhere.
fn exact<D: Distance>(items: &Items<D>, top: usize) -> Vec<Vec<Neighbour>> {
    let forest = items.clone().build(ohyeah_core::BuildOptions::trees(0)).expect("memory");
    let mut searcher = forest.searcher();
    let mut list = |id| {
        let found = searcher.search_item(id, &Search::top(top.saturating_add(1)).exact()).ok()?;
        Some(found.iter().filter(|x| x.id != id).take(top).copied().collect())
    };
    (0..items.len()).map(|id| list(id).unwrap_or_default()).collect()
}

fn recall<D: Distance>(found: &[Vec<Neighbour>], exact: &[Vec<Neighbour>]) -> f64 {
    let hits = |(found, exact): (&Vec<Neighbour>, &Vec<Neighbour>)| {
        let order = |x: &Neighbour| if D::METRIC == Metric::Dot { -x.distance } else { x.distance };
        let farthest = exact.last().map_or(f32::NEG_INFINITY, order);
        // Of several at the same distance any will do.
        found.iter().filter(|x| order(x) <= farthest).count().min(exact.len())
    };
    let hit: usize = found.iter().zip(exact).map(hits).sum();
    hit as f64 / exact.iter().map(Vec::len).sum::<usize>() as f64
}

/// Where all items fit a leaf, they are all compared: then the graph is exact.
#[test]
fn a_graph_of_few_items_is_exact() {
    fn check<D: Distance>(rows: &Rows, dimensions: usize) {
        let items = data::items::<D>(rows, dimensions);
        for top in [0, 1, 5, usize::MAX] {
            let found = lists::<D, Serial>(&items, &GraphOptions::top(top).trees(1).refinements(0));
            assert_eq!(found, exact(&items, top), "{} nearest by {}", top, D::METRIC);
        }
    }
    for (ids, dimensions) in [(1, 40), (2, 40), (30, 40), (42, 40)] {
        let rows = data::odd_rows(u64::from(ids), ids, dimensions);
        check::<Angular>(&rows, dimensions);
        check::<Euclidean>(&rows, dimensions);
        check::<Manhattan>(&rows, dimensions);
    }
}

#[test]
fn no_items_have_no_neighbours() {
    let graph = Items::<Euclidean>::new(3).expect("dimensions").graph::<Serial>(&GraphOptions::top(5)).expect("memory");
    assert_eq!(graph.neighbours(0).count(), 0);
    assert_eq!(graph.neighbours(u32::MAX).count(), 0);
}

#[test]
fn odd_sets_of_every_metric_are_nearly_exact_and_every_distance_is_true() {
    fn check<D: Distance>(dimensions: usize) {
        let rows = data::odd_rows(3, 2000, dimensions);
        let items = data::items::<D>(&rows, dimensions);
        let found = lists::<D, Serial>(&items, &GraphOptions::top(10).trees(20));
        let share = recall::<D>(&found, &exact(&items, 10));
        assert!(share > 0.9, "recall {share} by {}", D::METRIC);
        let forest = items.clone().build(ohyeah_core::BuildOptions::trees(0)).expect("memory");
        for (id, list) in found.iter().enumerate() {
            let id = id as u32;
            assert_eq!(list.is_empty(), !rows.contains_key(&id));
            for neighbour in list {
                assert!(neighbour.id != id && rows.contains_key(&neighbour.id));
                assert_eq!(forest.distance(id, neighbour.id), Ok(neighbour.distance));
            }
            let mut ids: Vec<u32> = list.iter().map(|x| x.id).collect();
            ids.sort_unstable();
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{id} lists one twice");
        }
    }
    check::<Angular>(20);
    check::<Euclidean>(20);
    check::<Manhattan>(20);
    check::<Dot>(20);
    check::<Hamming>(200);
}

#[test]
fn the_sample_is_nearly_exact() {
    let items = data::items::<Angular>(&data::sample(4000), 100);
    let expected = exact(&items, 15);
    let shares = [(3, 0), (3, 1), (10, 1), (60, 1)].map(|(trees, refinements)| {
        let options = GraphOptions::top(15).trees(trees).refinements(refinements);
        recall::<Angular>(&lists::<Angular, Serial>(&items, &options), &expected)
    });
    println!("recall {shares:?}");
    assert!(shares.is_sorted() && shares[3] > 0.99);
}

#[test]
fn neither_threads_nor_backend_change_a_graph() {
    let items = data::items::<Angular>(&data::odd_rows(9, 3000, 30), 30);
    let options = GraphOptions::top(7).trees(9).refinements(2).seed(5);
    let serial = lists::<Angular, Serial>(&items, &options);
    assert_eq!(serial, lists::<Angular, Backwards<7>>(&items, &options));
    assert_eq!(serial, lists::<Angular, Threads<2>>(&items, &options));
    assert_ne!(serial, lists::<Angular, Serial>(&items, &options.seed(6).trees(1).refinements(0)));
    for fused in [false, true] {
        let of_family = || Backend::available().filter(move |backend| backend.is_fused() == fused);
        let graph = |backend| {
            let mut with = Items::<Angular>::new(30).expect("dimensions").with_backend(backend);
            for (id, row) in data::odd_rows(9, 3000, 30) {
                with.add(id, &row).expect("a vector");
            }
            lists::<Angular, Serial>(&with, &options)
        };
        let mut graphs = of_family().map(graph);
        if let Some(first) = graphs.next() {
            assert!(graphs.all(|other| other == first));
        }
    }
}

#[test]
fn progress_is_told_once_a_step() {
    let items = data::items::<Euclidean>(&data::odd_rows(9, 500, 5), 5);
    let told = std::sync::atomic::AtomicUsize::new(0);
    let tell = || {
        told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    let options = GraphOptions::top(3).trees(5).refinements(2).progress(&tell);
    lists::<Euclidean, Backwards<7>>(&items, &options);
    assert_eq!((told.load(std::sync::atomic::Ordering::Relaxed), options.steps()), (7, 7));
}
