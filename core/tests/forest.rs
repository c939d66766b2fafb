//! Forests from building to answers: the same bytes whoever builds them, answers that keep every promise, and errors that
//! change nothing.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use ohyeah_core::error::VectorError;
use ohyeah_core::forest::{
    AnyForest, AnyItems, BuildError, BuildOptions, ItemError, Items, NodeBuf, OpenError, Rule, Search, SearchError,
};
use ohyeah_core::{
    Angular, Backend, Cancel, Distance, Dot, DotLegacy, Element, Euclidean, Forest, Hamming, Manhattan, Metric,
    Neighbour, Progress, Serial,
};
use oracle::brute::{self, Rows};
use oracle::data;
use oracle::every_metric;
use oracle::forest::Aligned;
use oracle::threads::{Backwards, Threads};

const DIMENSIONS: usize = 13;

fn rule_of(error: OpenError) -> Rule {
    match error {
        OpenError::Damaged(damage) => damage.rule,
        other => panic!("{other}"),
    }
}

fn rows() -> Rows {
    data::odd_rows(1, 400, DIMENSIONS)
}

fn the_seed_alone_decides<D: Distance>() {
    let rows = rows();
    let build =
        |seed| data::items::<D>(&rows, DIMENSIONS).build(&BuildOptions::new().trees(11).seed(seed)).expect("builds");
    let with = |forest: Forest<D>| assert!(forest.as_bytes() == build(7).as_bytes(), "{} differs", D::METRIC);
    let items = || data::items::<D>(&rows, DIMENSIONS);
    let options = BuildOptions::new().trees(11).seed(7);
    with(items().build_with::<Serial>(&options).expect("builds"));
    with(items().build_with::<Backwards<1>>(&options).expect("builds"));
    with(items().build_with::<Threads<1>>(&options).expect("builds"));
    with(items().build_with::<Threads<2>>(&options).expect("builds"));
    with(items().build_with::<Threads<8>>(&options).expect("builds"));
    assert!(build(7).as_bytes() != build(8).as_bytes());
    // Fewer trees are the first of many.
    let few = items().build(&BuildOptions::new().trees(3).seed(7)).expect("builds");
    let nodes = few.as_bytes().len() / few.node_count() * (few.node_count() - few.trees());
    assert!(few.as_bytes()[..nodes] == build(7).as_bytes()[..nodes]);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    every_metric!(the_seed_alone_decides);
}

/// The bytes, and the answers to each query approximate and exact, of a forest built and searched on one backend.
fn on_backend<D: Distance>(rows: &Rows, backend: Backend) -> (Vec<u8>, Vec<Vec<Neighbour>>) {
    let items = data::items::<D>(&Rows::new(), DIMENSIONS).with_backend(backend);
    let items = rows.iter().fold(items, |mut items, (id, row)| {
        items.add(*id, &D::Element::from_numbers(row)).expect("a vector");
        items
    });
    let forest = items.build(&BuildOptions::new().trees(5)).expect("builds");
    let answers = data::queries::<D>(rows, 23).into_iter().flat_map(|query| {
        [Search::top(9), Search::top(9).exact()].map(|search| forest.search(&query, &search).expect("searches"))
    });
    let answers = answers.collect();
    (forest.as_bytes().to_vec(), answers)
}

fn one_family_one_forest<D: Distance>() {
    let rows = rows();
    let all: Vec<_> = Backend::available().map(|backend| (backend, on_backend::<D>(&rows, backend))).collect();
    for (backend, (bytes, answers)) in &all {
        // Counting bits rounds nothing.
        let family = |other: &Backend| other.is_fused() == backend.is_fused() || D::METRIC == Metric::Hamming;
        let (first, (expected, expected_answers)) = all.iter().find(|(other, _)| family(other)).expect("itself");
        assert!(bytes == expected, "{}: {backend:?} builds other bytes than {first:?}", D::METRIC);
        assert_eq!(answers, expected_answers, "{}: {backend:?} answers otherwise than {first:?}", D::METRIC);
    }
}

#[test]
fn backends_of_one_rounding_family_build_the_same_bytes() {
    every_metric!(one_family_one_forest);
}

fn bytes_open_again<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 4);
    forest.verify().expect("in order");
    assert_eq!((forest.len(), forest.trees(), forest.dimensions()), (400, 4, DIMENSIONS));
    let again = Forest::<D, _>::open(Aligned::new(forest.as_bytes()), DIMENSIONS).expect("opens");
    again.verify().expect("in order");
    assert_eq!((again.len(), again.trees(), again.node_count()), (400, 4, forest.node_count()));
    for id in 0..400 {
        let expected = rows.get(&id).map(|row| D::Element::from_numbers(row));
        assert_eq!(again.vector(id), expected.as_deref());
    }
    for query in data::queries::<D>(&rows, 23) {
        for search in [Search::top(9), Search::top(9).search_k(100), Search::top(9).exact()] {
            assert_eq!(again.search(&query, &search), forest.search(&query, &search));
        }
    }
    let any = AnyForest::open(Aligned::new(forest.as_bytes()), D::METRIC, DIMENSIONS).expect("opens");
    assert_eq!((any.metric(), any.len(), any.trees()), (D::METRIC, 400, 4));
    assert_eq!(
        matches!(any, AnyForest::DotLegacy(_)),
        std::any::type_name::<D>() == std::any::type_name::<DotLegacy>()
    );
}

#[test]
fn bytes_open_again_and_answer_the_same() {
    every_metric!(bytes_open_again);
}

/// Every shape of a root: no items, one, as many as fit a leaf, one more; with holes before, between and behind.
fn every_size_opens_again<D: Distance>() {
    for dimensions in [1, 2, 3, 65] {
        for ids in (0..12).chain([66, 67, 68, 69, 130, 131, 132, 133]) {
            for trees in 1..4 {
                for keep in [1, 2, 5, 1000] {
                    let mut rows = data::odd_rows(3, ids, dimensions);
                    rows.retain(|id, _| id % keep == 0 || *id + 1 == ids);
                    let forest =
                        data::items::<D>(&rows, dimensions).build(&BuildOptions::new().trees(trees)).expect("builds");
                    let what = format!("{}, {dimensions} dimensions, {ids} ids, {} items", D::METRIC, rows.len());
                    // Trees over no items are zeros, which no file can prove to be more.
                    let verified = if ids > 0 { Ok(()) } else { Err(Rule::NoItems) };
                    assert_eq!(forest.verify().map_err(rule_of), verified, "{what}");
                    let again = Forest::<D, _>::open(Aligned::new(forest.as_bytes()), dimensions)
                        .unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(again.verify().map_err(rule_of), verified, "{what}");
                    assert_eq!((again.len(), again.trees()), (ids as usize, trees), "{what}");
                    let query = D::Element::from_numbers(&vec![0.5; dimensions]).into_owned();
                    let all = again.search(&query, &Search::top(usize::MAX).search_k(usize::MAX)).expect("searches");
                    let exact = again.search(&query, &Search::top(usize::MAX).exact()).expect("searches");
                    assert_eq!(all, exact, "{what}");
                    assert_eq!(all.len(), rows.len(), "{what}");
                }
            }
        }
    }
}

#[test]
fn forests_of_every_small_size_open_again() {
    every_metric!(every_size_opens_again);
}

fn same_items<D: Distance>() {
    for row in [vec![0.0; DIMENSIONS], vec![0.75; DIMENSIONS], vec![-1e-20; DIMENSIONS]] {
        let rows: Rows = (0..300).map(|id| (id, row.clone())).collect();
        let forest = data::forest::<D>(&rows, 5);
        forest.verify().expect("in order");
        let query = D::Element::from_numbers(&row);
        let found = forest.search(&query, &Search::top(40).search_k(usize::MAX)).expect("searches");
        // All are as near: the smallest ids come first.
        assert!(found.iter().map(|x| x.id).eq(0..40));
        assert!(found.iter().all(|x| x.distance == found[0].distance));
        assert_eq!(forest.search(&query, &Search::top(40)).expect("searches").len(), 40);
    }
}

#[test]
fn items_that_are_all_the_same() {
    every_metric!(same_items);
}

fn scaled_items<D: Distance>(scales: &[f32]) {
    for (dimensions, scale) in [1, 2, DIMENSIONS].into_iter().flat_map(|n| scales.iter().map(move |x| (n, x))) {
        let mut rows = data::odd_rows(1, 400, dimensions);
        rows.values_mut().flatten().for_each(|x| *x *= scale);
        // Ordinary ones among them.
        rows.values_mut().step_by(3).flatten().for_each(|x| *x /= scale);
        let what = format!("{}, {dimensions} dimensions, times {scale:e}", D::METRIC);
        let forest = data::forest::<D>(&rows, 5);
        forest.verify().unwrap_or_else(|damage| panic!("{what}: {damage}"));
        let again = Forest::<D, _>::open(Aligned::new(forest.as_bytes()), dimensions);
        let again = again.unwrap_or_else(|error| panic!("{what}: {error}"));
        for query in data::queries::<D>(&rows, 23) {
            let all = again.search(&query, &Search::top(400).search_k(usize::MAX)).expect("searches");
            assert_eq!(all.len(), rows.len(), "{what}");
        }
    }
}

#[test]
fn items_as_short_as_numbers_go() {
    fn check<D: Distance>() {
        scaled_items::<D>(&[1e-38, 1e-30, 1e-15]);
    }
    every_metric!(check);
}

#[test]
fn items_as_long_as_they_may_be() {
    fn check<D: Distance>() {
        scaled_items::<D>(&[1e10, 1e15, 1e17]);
    }
    every_metric!(check);
}

fn lengths<D: Distance<Element = f32>>() {
    let end = 2_f32.powi(62);
    let beyond = f32::from_bits(end.to_bits() + 1);
    let mut items = Items::<D>::new(1).expect("dimensions");
    for (id, x) in [end, -end, 1.0, 0.0].into_iter().enumerate() {
        items.add(id as u32, &[x]).expect("not too long");
    }
    for x in [beyond, -beyond, 1e25, f32::MIN] {
        assert_eq!(items.add(9, &[x]), Err(ItemError::Vector(VectorError::TooLong)));
    }
    let forest = items.build(&BuildOptions::new().trees(3)).expect("builds");
    forest.verify().expect("in order");
    for query in [end, -end, 1.0] {
        let found = forest.search(&[query], &Search::top(4).search_k(100)).expect("searches");
        assert!(found.len() == 4 && found.iter().all(|x| x.distance.is_finite()), "{}: {found:?}", D::METRIC);
    }
    assert_eq!(forest.search(&[beyond], &Search::top(4)), Err(SearchError::Vector(VectorError::TooLong)));
}

#[test]
fn distances_of_the_longest_vectors_are_finite_and_longer_ones_refused() {
    lengths::<Angular>();
    lengths::<Euclidean>();
    lengths::<Manhattan>();
    lengths::<Dot>();
    lengths::<DotLegacy>();
}

fn mistakes<D: Distance>() {
    let new = |dimensions| Items::<D>::new(dimensions).map(|_| ());
    for dimensions in [0, (1 << 24) + 1, usize::MAX / 4, usize::MAX] {
        assert_eq!(new(dimensions), Err(ItemError::Dimensions(dimensions)));
        assert_eq!(
            Forest::<D, _>::open(&[0_u8; 64][..], dimensions).map(|_| ()),
            Err(OpenError::Dimensions(dimensions))
        );
    }
    assert_eq!(new(1 << 24), Ok(()));

    let mut items = Items::<D>::new(3).expect("dimensions");
    let vector = |numbers: &[f32]| D::Element::from_numbers(numbers).into_owned();
    let width = vector(&[0.0; 3]).len();
    items.add(2, &vector(&[1.0, 0.0, 1.0])).expect("a vector");
    let before = items.clone().build(&BuildOptions::new().trees(2)).expect("builds").as_bytes().to_vec();
    let long = vec![vector(&[0.0; 3])[0]; width + 1];
    assert_eq!(
        items.add(0, &long),
        Err(ItemError::Vector(VectorError::WrongLength { expected: width, found: width + 1 }))
    );
    assert_eq!(
        items.add(9, &long[..0]),
        Err(ItemError::Vector(VectorError::WrongLength { expected: width, found: 0 }))
    );
    for id in [i32::MAX as u32, u32::MAX] {
        assert_eq!(items.add(id, &vector(&[1.0; 3])), Err(ItemError::IdTooLarge(id)));
    }
    if D::METRIC != Metric::Hamming {
        for (position, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().enumerate() {
            let mut numbers = [1.0; 3];
            numbers[position] = bad;
            assert_eq!(items.add(2, &vector(&numbers)), Err(ItemError::Vector(VectorError::NotFinite { position })));
            assert_eq!(items.add(7, &vector(&numbers)), Err(ItemError::Vector(VectorError::NotFinite { position })));
        }
    }
    assert_eq!((items.len(), items.is_empty(), items.dimensions()), (3, false, 3));
    assert_eq!((items.vector(0), items.vector(2)), (None, Some(&vector(&[1.0, 0.0, 1.0])[..])));
    assert!(
        items.clone().build(&BuildOptions::new().trees(2)).expect("builds").as_bytes() == before,
        "something changed"
    );

    // What has been added can be replaced; a forest too large for its ids is refused before it grows.
    items.add(2, &vector(&[0.0, 1.0, 0.0])).expect("a vector");
    assert_eq!(items.vector(2), Some(&vector(&[0.0, 1.0, 0.0])[..]));
    assert_eq!(items.reserve(usize::MAX), Err(ItemError::OutOfMemory));
    let huge = items.clone().build(&BuildOptions::new().trees(usize::MAX)).map(|_| ());
    assert!(matches!(huge, Err(BuildError::OutOfMemory | BuildError::TooManyNodes)));

    let forest = items.build(&BuildOptions::new().trees(2)).expect("builds");
    let wrong = SearchError::Vector(VectorError::WrongLength { expected: width, found: width + 1 });
    let search = |query: &[D::Element], search: Search| forest.search(query, &search);
    for kind in [Search::top(1), Search::top(1).exact()] {
        assert_eq!(search(&long, kind), Err(wrong.clone()));
        if D::METRIC != Metric::Hamming {
            let nan = vector(&[0.0, f32::NAN, 0.0]);
            assert_eq!(search(&nan, kind), Err(SearchError::Vector(VectorError::NotFinite { position: 1 })));
            let infinite = vector(&[f32::INFINITY, f32::NAN, 0.0]);
            assert_eq!(search(&infinite, kind), Err(SearchError::Vector(VectorError::NotFinite { position: 0 })));
        }
        let good = vector(&[0.0; 3]);
        let many = forest.search_many_with::<Backwards<1>, _>(
            &[&good, &long, &long[..0]],
            &kind,
            Progress::NONE,
            Cancel::NEVER,
        );
        assert_eq!(many, Err(wrong.clone()), "the error of the first query that has one");
    }
}

#[test]
fn mistakes_are_typed_errors_and_change_nothing() {
    every_metric!(mistakes);
}

#[test]
fn bits_beyond_the_last_dimension_are_refused() {
    let mut items = Items::<Hamming>::new(70).expect("dimensions");
    assert_eq!(items.add(0, &[0, 1 << 6]), Err(ItemError::Vector(VectorError::SpareBits)));
    assert!(items.is_empty());
    items.add(0, &[u64::MAX, (1 << 6) - 1]).expect("70 bits");
    let forest = items.build(&BuildOptions::new().trees(1)).expect("builds");
    let search = forest.search(&[0, 1 << 6], &Search::top(1));
    assert_eq!(search, Err(SearchError::Vector(VectorError::SpareBits)));
}

#[test]
fn metrics_as_values_do_what_the_types_do() {
    let rows = rows();
    for metric in Metric::ALL {
        let mut items = AnyItems::new(metric, DIMENSIONS).expect("dimensions");
        items.reserve(400).expect("room");
        for (id, row) in &rows {
            items.add(*id, row).expect("a vector");
        }
        let wrong = ItemError::Vector(VectorError::WrongLength { expected: DIMENSIONS, found: DIMENSIONS - 1 });
        assert_eq!(items.add(0, &[0.0; DIMENSIONS - 1]), Err(wrong));
        let forest = items.build_with::<Threads<2>>(&BuildOptions::new().trees(5)).expect("builds");
        forest.verify().expect("in order");
        assert_eq!((forest.metric(), forest.dimensions()), (metric, DIMENSIONS));
        let typed = match metric {
            Metric::Angular => data::forest::<Angular>(&rows, 5).as_bytes().to_vec(),
            Metric::Euclidean => data::forest::<Euclidean>(&rows, 5).as_bytes().to_vec(),
            Metric::Manhattan => data::forest::<Manhattan>(&rows, 5).as_bytes().to_vec(),
            Metric::Hamming => data::forest::<Hamming>(&rows, 5).as_bytes().to_vec(),
            Metric::Dot => data::forest::<Dot>(&rows, 5).as_bytes().to_vec(),
            other => panic!("{other} is new here"),
        };
        assert!(forest.as_bytes() == typed, "{metric}");
        for (id, row) in rows.iter().step_by(31) {
            assert!(forest.holds(*id, row) && !forest.holds(5, row));
            let exact = forest.search(row, &Search::top(8).exact()).expect("searches");
            brute::check(metric, &rows, row, 8, &exact);
            assert_eq!(forest.search(row, &Search::top(8).search_k(usize::MAX)), Ok(exact));
        }
        let wrong = SearchError::Vector(VectorError::WrongLength { expected: DIMENSIONS, found: 0 });
        assert_eq!(forest.search(&[], &Search::top(1)), Err(wrong));
        let mut nan = [0.0; DIMENSIONS];
        nan[4] = f32::NAN;
        assert_eq!(
            forest.search(&nan, &Search::top(1)),
            Err(SearchError::Vector(VectorError::NotFinite { position: 4 }))
        );
        assert_eq!(metric.name().parse(), Ok(metric));
    }
    assert_eq!("cosine".parse::<Metric>().map_err(|error| error.to_string().contains("angular")), Err(true));
}

/// Any storage of bytes will do, if it is aligned; and what is not can be copied.
#[test]
fn storage_is_anything_that_shows_bytes() {
    let forest = data::forest::<Euclidean>(&rows(), 2);
    let bytes = forest.as_bytes();
    let query = [0.5; DIMENSIONS];
    let expected = forest.search(&query, &Search::top(4));
    let by_reference = Forest::<Euclidean, _>::open(bytes, DIMENSIONS).expect("opens");
    assert_eq!(by_reference.search(&query, &Search::top(4)), expected);
    let shared: std::sync::Arc<[u8]> = bytes.into();
    if shared.as_ptr().addr().is_multiple_of(align_of::<f32>()) {
        assert_eq!(
            Forest::<Euclidean, _>::open(shared, DIMENSIONS).expect("opens").search(&query, &Search::top(4)),
            expected
        );
    }
    let mut odd = vec![0; 1];
    odd.extend_from_slice(bytes);
    let mut odd = Aligned::new(&odd);
    let odd = &odd.bytes_mut()[1..];
    let refused = Forest::<Euclidean, _>::open(odd, DIMENSIONS).map(|_| ());
    assert_eq!(refused, Err(OpenError::Unaligned { needed: 4 }));
    let copied = Forest::<Euclidean, _>::open(NodeBuf::copy_of(odd), DIMENSIONS).expect("opens");
    assert_eq!(copied.search(&query, &Search::top(4)), expected);
}
