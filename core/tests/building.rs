//! How many trees are built and from which random numbers, where nodes are kept, and what can be done afterwards.

mod oracle;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ohyeah_core::error::VectorError;
use ohyeah_core::forest::{
    AnyItems, BuildError, BuildOptions, ForestScratch, ItemError, Items, NodeBuf, OutOfSpace, Search, Storage,
};
use ohyeah_core::{Angular, Cancel, Distance, Element, Euclidean, Forest, Join, Metric, Neighbour, Progress, Serial};
use oracle::brute::{self, Rows};
use oracle::data;
use oracle::every_metric;
use oracle::threads::{Backwards, Threads};

const DIMENSIONS: usize = 12;

fn items<D: Distance>(ids: u32) -> Items<D> {
    data::items::<D>(&data::odd_rows(1, ids, DIMENSIONS), DIMENSIONS)
}

fn auto<D: Distance>() {
    let built = |forest: Result<Forest<D>, BuildError>| {
        let forest = forest.expect("builds");
        forest.verify().expect("in order");
        forest
    };
    for ids in [2, 5, 30, 400] {
        let forest = built(items::<D>(ids).build(&BuildOptions::new().auto_trees().seed(3)));
        // The definition: a tree is added while there are fewer nodes than twice the items.
        let trees = (1..2 * ids as usize).find(|trees| {
            let some = built(items::<D>(ids).build(&BuildOptions::new().trees(*trees).seed(3)));
            some.node_count() - some.trees() >= 2 * ids as usize
        });
        assert_eq!(Some(forest.trees()), trees, "{}, {ids} items", D::METRIC);
        let same = |other: Forest<D>| assert!(other.as_bytes() == forest.as_bytes(), "{}, {ids} items", D::METRIC);
        same(built(items::<D>(ids).build(&BuildOptions::new().trees(forest.trees()).seed(3))));
        same(built(items::<D>(ids).build_with::<Threads<3>>(&BuildOptions::new().auto_trees().seed(3))));
        same(built(items::<D>(ids).build_with::<Backwards<8>>(&BuildOptions::new().auto_trees().seed(3))));
        // Annoy's generator makes other trees, and as many threads as you like the same.
        let annoys = built(items::<D>(ids).build(&BuildOptions::new().auto_trees().kiss64()));
        let again = built(items::<D>(ids).build_with::<Threads<3>>(&BuildOptions::new().auto_trees().kiss64()));
        assert!(annoys.as_bytes() == again.as_bytes());
        assert!(ids < 400 || annoys.as_bytes() != forest.as_bytes());
    }
    assert_eq!(
        Items::<D>::new(3).expect("dimensions").build(&BuildOptions::new().auto_trees()).expect("builds").trees(),
        0
    );
}

#[test]
fn automatic_trees_double_the_file() {
    every_metric!(auto);
}

/// The shares that are told while a forest is built, in order.
fn shares<J: Join>(items: Items<Angular>, options: BuildOptions<'_>) -> (Vec<f32>, Forest<Angular>) {
    let told = Mutex::new(Vec::new());
    let tell = |share| told.lock().expect("no panic").push(share);
    let forest = items.build_with::<J>(&options.progress(Progress::new(&tell))).expect("builds");
    let mut told = told.into_inner().expect("no panic");
    told.sort_by(f32::total_cmp);
    (told, forest)
}

#[test]
fn progress_tells_the_share_of_trees() {
    for options in [BuildOptions::new().trees(9), BuildOptions::new().trees(9).kiss64()] {
        let (told, _) = shares::<Threads<2>>(items(50), options);
        assert_eq!(told, (1..=9_u8).map(|tree| f32::from(tree) / 9.0).collect::<Vec<_>>());
    }
    // Where the number is found out on the way, a tree may be grown in vain, not a batch.
    let (told, forest) = shares::<Threads<8>>(items(500), BuildOptions::new().auto_trees());
    assert!(told.len() == forest.trees() || told.len() == forest.trees() + 1, "{} {}", told.len(), forest.trees());
    assert!(told[0] > 0.0 && told[0] < 0.5 && told.last() == Some(&1.0), "{told:?}");
}

/// A forest of which one tree is grown: the flag is set on the way.
fn cancelled<D: Distance>() {
    let flag = AtomicBool::new(false);
    let trees = AtomicUsize::new(0);
    let tell = |_| {
        trees.fetch_add(1, Ordering::Relaxed);
        flag.store(true, Ordering::Relaxed);
    };
    let options = BuildOptions::new().progress(Progress::new(&tell)).cancel(Cancel::new(&flag));
    for options in [options.trees(50), options.trees(50).kiss64(), options.trees(5000)] {
        flag.store(false, Ordering::Relaxed);
        trees.store(0, Ordering::Relaxed);
        assert_eq!(items::<D>(400).build(&options).map(|_| ()), Err(BuildError::Cancelled));
        assert_eq!(trees.load(Ordering::Relaxed), 1, "trees grown after the build was cancelled");
    }
    flag.store(true, Ordering::Relaxed);
    let forest = Forest::build(Angular, &[1.0; 20], 2, &options);
    assert_eq!(forest.map(|_| ()), Err(BuildError::Cancelled));
}

#[test]
fn a_cancelled_build_ends_soon_with_an_error() {
    every_metric!(cancelled);
}

fn from_rows<D: Distance + Default>() {
    let rows = data::odd_rows(1, 300, DIMENSIONS);
    let vectors: Vec<D::Element> = rows.values().flat_map(|row| D::Element::from_numbers(row).into_owned()).collect();
    let mut items = Items::<D>::new(DIMENSIONS).expect("dimensions");
    for (id, row) in (0..).zip(rows.values()) {
        items.add(id, &D::Element::from_numbers(row)).expect("a vector");
    }
    let options = BuildOptions::new().trees(4).seed(5);
    let expected = items.build(&options).expect("builds");
    let forest = Forest::build(D::default(), &vectors, DIMENSIONS, &options).expect("builds");
    assert!(forest.as_bytes() == expected.as_bytes());
    let forest = Forest::build_with::<Threads<3>>(D::default(), &vectors, DIMENSIONS, &options).expect("builds");
    assert!(forest.as_bytes() == expected.as_bytes());
    assert_eq!((forest.len(), forest.is_empty(), forest.dimensions()), (rows.len(), false, DIMENSIONS));
    let refused = |vectors: &[D::Element], dimensions| {
        Forest::build(D::default(), vectors, dimensions, &options).map(|_| ()).expect_err("is wrong")
    };
    assert_eq!(refused(&vectors, 0), BuildError::Dimensions(0));
    assert_eq!(Forest::build(D::default(), &[], 3, &options).expect("builds").len(), 0);
}

#[test]
fn a_forest_of_rows_is_one_of_items() {
    every_metric!(from_rows);
    assert_eq!(
        Forest::build(Euclidean, &[1.0; 9], 3, &BuildOptions::new()).map(|forest| forest.trees()),
        Ok(BuildOptions::DEFAULT_TREES)
    );
    let refused =
        |vectors: &[f32]| Forest::build(Euclidean, vectors, 3, &BuildOptions::new()).map(|_| ()).expect_err("is wrong");
    assert_eq!(refused(&[1.0; 7]), BuildError::Length { numbers: 7, dimensions: 3 });
    let error = VectorError::NotFinite { position: 1 };
    assert_eq!(refused(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0]), BuildError::Vector { id: 1, error });
    let error = VectorError::TooLong;
    assert_eq!(refused(&[1e30; 3]), BuildError::Vector { id: 0, error });
}

/// So many bytes at an aligned address.
#[derive(Clone, Debug, Default)]
struct Limited {
    kept: NodeBuf,
    most: usize,
}

impl AsRef<[u8]> for Limited {
    fn as_ref(&self) -> &[u8] {
        self.kept.as_ref()
    }
}

impl AsMut<[u8]> for Limited {
    fn as_mut(&mut self) -> &mut [u8] {
        self.kept.as_mut()
    }
}

impl Storage for Limited {
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if length <= self.most { self.kept.resize(length) } else { Err(OutOfSpace) }
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if length <= self.most { Ok(()) } else { Err(OutOfSpace) }
    }
}

fn room<D: Distance>() {
    let rows: Rows = data::odd_rows(1, 200, DIMENSIONS);
    let expected = items::<D>(200).build(&BuildOptions::new().trees(4)).expect("builds");
    let whole = expected.as_bytes().len();
    let node = whole / expected.node_count();
    for most in [0, node - 1, 10 * node, 200 * node, whole - 1, 2 * whole] {
        let stale = Limited { kept: NodeBuf::copy_of(&[7; 99]), most };
        let mut limited = Items::<D, _>::new_in(stale, DIMENSIONS).expect("dimensions");
        let added = rows.iter().map(|(id, row)| limited.add(*id, &D::Element::from_numbers(row)));
        if let Some((at, error)) = added.enumerate().find_map(|(at, added)| Some((at, added.err()?))) {
            assert_eq!(error, ItemError::OutOfMemory);
            assert!(most < 200 * node && at <= most / node);
            continue;
        }
        match limited.build(&BuildOptions::new().trees(4)) {
            Ok(forest) => assert!(most > whole && forest.as_bytes() == expected.as_bytes()),
            Err(error) => assert!(most < 2 * whole && error == BuildError::OutOfMemory),
        }
    }
}

#[test]
fn any_storage_holds_the_same_bytes_or_says_that_it_is_full() {
    every_metric!(room);
}

fn brought<D: Distance>() {
    let nothing = Items::<D>::new(DIMENSIONS).expect("dimensions");
    for bytes in [99, 100, 1000] {
        for trees in [0, 3] {
            let stale = Items::<D, _>::new_in(NodeBuf::copy_of(&vec![7; bytes]), DIMENSIONS).expect("dimensions");
            let forest = stale.build(&BuildOptions::new().trees(trees)).expect("builds");
            assert!(
                forest.as_bytes()
                    == nothing.clone().build(&BuildOptions::new().trees(trees)).expect("builds").as_bytes()
            );
        }
    }
}

#[test]
fn what_a_storage_brings_is_no_item() {
    every_metric!(brought);
}

fn again<D: Distance>() {
    let forest = items::<D>(300).build(&BuildOptions::new().trees(3)).expect("builds");
    let bytes = forest.as_bytes().to_vec();
    let mut items = forest.into_items().expect("room");
    assert_eq!(items.len(), 300);
    let rebuilt = items.clone().build(&BuildOptions::new().trees(3)).expect("builds");
    assert!(rebuilt.as_bytes() == bytes);
    // More items, with holes where trees were.
    let more = data::odd_rows(2, 1000, DIMENSIONS);
    for (id, row) in more.iter().skip(700) {
        items.add(*id, &D::Element::from_numbers(row)).expect("a vector");
    }
    let holes = (300..more.keys().nth(700).copied().expect("so many")).collect::<Vec<_>>();
    let larger = items.build(&BuildOptions::new().trees(3)).expect("builds");
    larger.verify().expect("in order");
    assert!(holes.iter().all(|id| larger.vector(*id).is_none()));
    let (last, row) = more.last_key_value().expect("some");
    let found = larger.search(&D::Element::from_numbers(row), &Search::top(1).exact()).expect("searches");
    assert!(D::METRIC == Metric::Dot || found[0].id == *last || found[0].distance == 0.0);
}

#[test]
fn a_forest_can_become_items_again() {
    every_metric!(again);
}

#[test]
fn the_same_holds_where_the_metric_is_a_value() {
    for metric in Metric::ALL {
        let mut any = AnyItems::new(metric, DIMENSIONS).expect("dimensions");
        let rows = data::odd_rows(1, 100, DIMENSIONS);
        for (id, row) in &rows {
            any.add(*id, row).expect("a vector");
        }
        assert_eq!((any.metric(), any.len(), any.is_empty()), (metric, 100, false));
        let forest = any.clone().build_with::<Serial>(&BuildOptions::new().auto_trees()).expect("builds");
        let same =
            forest.clone().into_items().expect("room").build_with::<Backwards<2>>(&BuildOptions::new().auto_trees());
        assert!(same.expect("builds").as_bytes() == forest.as_bytes(), "{metric}");
        let mut scratch = ForestScratch::default();
        let bits = |row: &[f32]| row.iter().map(|x| f32::from(u8::from(*x > 0.5))).collect::<Vec<_>>();
        for id in 0..100 {
            let row = rows.get(&id).map(|row| if metric == Metric::Hamming { bits(row) } else { row.clone() });
            assert_eq!(any.numbers(id).as_deref(), row.as_deref());
            assert_eq!(forest.numbers(id).as_deref(), row.as_deref());
            assert_eq!(any.distance(id, 99), forest.distance(id, 99));
            let found = forest.search_item_in(&mut scratch, id, &Search::top(3)).map(<[_]>::to_vec);
            assert_eq!(found.is_ok(), row.is_some());
            if let Some(row) = row {
                brute::check(
                    metric,
                    &BTreeMap::from([(99, rows[&99].clone())]),
                    &row,
                    1,
                    &[Neighbour { id: 99, distance: any.distance(id, 99).expect("both are there") }],
                );
                assert_eq!(forest.search_in(&mut scratch, &row, &Search::top(3)).map(<[_]>::to_vec), found);
            }
        }
    }
}

#[test]
fn one_item_and_none() {
    fn check<D: Distance>() {
        for options in
            [BuildOptions::new().trees(3), BuildOptions::new().trees(3).kiss64(), BuildOptions::new().auto_trees()]
        {
            let mut one = Items::<D>::new(DIMENSIONS).expect("dimensions");
            let none = one.clone().build(&options).expect("builds");
            assert_eq!(none.search(&D::Element::from_numbers(&[1.0; DIMENSIONS]), &Search::top(2)), Ok(vec![]));
            one.add(0, &D::Element::from_numbers(&[1.0; DIMENSIONS])).expect("a vector");
            let one = one.build(&options).expect("builds");
            one.verify().expect("in order");
            let again = Forest::<D, _>::open(NodeBuf::copy_of(one.as_bytes()), DIMENSIONS).expect("opens");
            assert_eq!((again.len(), again.trees()), (1, one.trees()));
            let found = again.search(&D::Element::from_numbers(&[0.5; DIMENSIONS]), &Search::top(2)).expect("searches");
            assert_eq!(found.iter().map(|x| x.id).collect::<Vec<_>>(), [0]);
        }
    }
    every_metric!(check);
}
