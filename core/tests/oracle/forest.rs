//! What must hold for any bytes that are taken for a forest: it ends, and nothing panics; and where `verify` finds the
//! bytes in order, answers are complete.

use ohyeah_core::forest::{AnyForest, OpenError, Search};
use ohyeah_core::{
    Angular, Backend, Distance, Dot, DotLegacy, Element, Euclidean, Forest, Hamming, Manhattan, Neighbour,
};

/// Bytes at an address that suits every element.
#[derive(Clone, Debug)]
pub(crate) struct Aligned {
    words: Vec<u64>,
    length: usize,
}

impl Aligned {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// The six layouts of a file, as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Angular,
    Euclidean,
    Manhattan,
    Hamming,
    Dot,
    DotLegacy,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Angular, Self::Euclidean, Self::Manhattan, Self::Hamming, Self::Dot, Self::DotLegacy];
}

/// How far a file came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Refused(OpenError),
    Opened(Result<(), OpenError>),
}

/// The first byte is the metric, the second says how many dimensions, the rest is the file.
pub(crate) fn any_bytes(bytes: &[u8]) {
    if let [kind, dimensions, file @ ..] = bytes {
        let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
        any_file(kind, 1 + usize::from(*dimensions), file);
    }
}

/// Opens bytes as a forest and asks it everything there is to ask.
pub(crate) fn any_file(kind: Kind, dimensions: usize, bytes: &[u8]) -> Outcome {
    match kind {
        Kind::Angular => typed::<Angular>(dimensions, bytes),
        Kind::Euclidean => typed::<Euclidean>(dimensions, bytes),
        Kind::Manhattan => typed::<Manhattan>(dimensions, bytes),
        Kind::Hamming => typed::<Hamming>(dimensions, bytes),
        Kind::Dot => typed::<Dot>(dimensions, bytes),
        Kind::DotLegacy => typed::<DotLegacy>(dimensions, bytes),
    }
}

fn typed<D: Distance>(dimensions: usize, bytes: &[u8]) -> Outcome {
    let aligned = Aligned::new(bytes);
    let any = AnyForest::open(aligned.as_ref(), D::METRIC, dimensions).is_ok();
    let forest = match Forest::<D, _>::open(aligned.as_ref(), dimensions) {
        Ok(forest) => forest,
        Err(refused) => {
            one_line(&refused.to_string());
            return Outcome::Refused(refused);
        }
    };
    assert!(any, "a forest of a metric that is a value is as good as one of a metric that is a type");
    let verified = forest.verify();
    ask(&forest, verified.is_ok());
    if let Err(damage) = &verified {
        one_line(&damage.to_string());
    }
    Outcome::Opened(verified)
}

fn one_line(message: &str) {
    assert!(!message.is_empty() && !message.contains('\n'), "{message}");
}

/// Searches every way there is. All of them may fail where the bytes are damaged, and none where they are not.
fn ask<D: Distance, S: AsRef<[u8]> + Sync>(forest: &Forest<D, S>, in_order: bool) {
    let items = forest.len() as u32;
    let present: Vec<u32> = (0..items).filter(|id| forest.vector(*id).is_some()).collect();

    let wave: Vec<f32> = (0..forest.dimensions()).map(|i| [0.75, -1.5, 1.0][i % 3]).collect();
    let queries = [vec![0.0; forest.dimensions()], wave];
    let mut queries: Vec<Vec<D::Element>> =
        queries.iter().map(|numbers| D::Element::from_numbers(numbers).into_owned()).collect();
    // A damaged item may be no vector to search for.
    let sound = |vector: &&[D::Element]| D::Element::check(vector, forest.dimensions(), Backend::baseline()).is_ok();
    queries.extend(forest.vector(items / 2).filter(sound).map(<[_]>::to_vec));

    let odd = |id: u32| id % 2 == 1;
    let mut searcher = forest.searcher();
    for query in &queries {
        // It reads no tree, and fails where a distance is no number.
        let exact = searcher.search(query, &Search::top(usize::MAX).exact()).map(<[_]>::to_vec);
        assert!(exact.as_ref().is_ok_and(|exact| exact.len() == present.len()) || exact.is_err() && !in_order);
        let all = searcher.search(query, &Search::top(usize::MAX).search_k(usize::MAX)).map(<[_]>::to_vec);
        let few = searcher.search(query, &Search::top(3)).map(<[_]>::to_vec);
        let odds = searcher.search(query, &Search::top(usize::MAX).search_k(usize::MAX).filter(odd)).map(<[_]>::to_vec);
        for found in [&exact, &all, &few, &odds].into_iter().flatten() {
            assert!(found.iter().all(|x| !x.distance.is_nan()), "a distance is no number");
            assert!(found.iter().all(|x| present.binary_search(&x.id).is_ok()), "an answer is no item");
            let mut ids: Vec<u32> = found.iter().map(|x| x.id).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), found.len(), "an answer twice");
        }
        if let (true, Ok(exact)) = (in_order, exact) {
            same(&all.expect("searches"), &exact);
            assert!(few.expect("searches").len() <= 3);
            let expected: Vec<Neighbour> = exact.into_iter().filter(|x| odd(x.id)).collect();
            same(&odds.expect("searches"), &expected);
        }
    }
    let slices: Vec<&[D::Element]> = queries.iter().map(Vec::as_slice).collect();
    assert!(forest.search_many(&slices, &Search::top(5)).is_ok() || !in_order);
    let many = forest.search_many(&slices, &Search::top(5).exact()).map(|found| found.len());
    assert!(many == Ok(queries.len()) || many.is_err() && !in_order, "{many:?}");
    let _ = searcher.search_item(items / 2, &Search::top(3));
    let _ = forest.distance(0, items / 2);
}

/// Equal answers, to the bit.
fn same(a: &[Neighbour], b: &[Neighbour]) {
    let bits = |found: &[Neighbour]| found.iter().map(|x| (x.id, x.distance.to_bits())).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
}
