//! What every packed index that opens promises, whatever else its bytes say: a question ends with an error, or with an answer
//! that a caller can use without looking at it twice.

use std::collections::HashSet;

use ohyeah_core::packed::{GraphError, GraphOptions, PackedScratch, Search, SearchError};
use ohyeah_core::{Backend, Filter, IdSet, Metric, Neighbour, Packed};

/// How many questions had an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) searches: usize,
    pub(crate) graphs: usize,
}

/// Asks bytes that may be an index everything, with every backend; none where they do not open.
pub(crate) fn check(bytes: &[u8], queries: &[Vec<f32>]) -> Option<Answered> {
    Packed::open(bytes).ok()?;
    let mut answered = Answered::default();
    for backend in Backend::available() {
        let index = Packed::open(bytes).expect("it opened before").with_backend(backend);
        let mut asker = Asker { index: &index, scratch: PackedScratch::new(), answered: &mut answered };
        for query in queries {
            asker.ask(query, 0);
        }
        asker.ask_items();
        let [few, all] = [3, usize::MAX].map(GraphOptions::top);
        for options in [few, few.exact(), few.recall(f32::MIN_POSITIVE), all.recall(0.5)] {
            match index.graph(&options.backend(backend)) {
                Ok(graph) => {
                    answered.graphs += 1;
                    for id in 0..index.len() as u32 {
                        let found = graph.neighbours(id);
                        assert_eq!(found.len(), graph.width());
                        assert!(found.iter().all(|x| x.id != id), "{id} is its own neighbour");
                        check_answer(&index, found, usize::MAX);
                    }
                }
                Err(error) => assert!(matches!(error, GraphError::Damaged(_)), "{error}"),
            }
        }
        let ids = [0, 1, index.len() as u32, 1 << 31, u32::MAX];
        for id in ids.into_iter().chain(0..index.len() as u32) {
            let key = index.key(id);
            assert!(index.vector(id).is_none_or(|vector| vector.len() == index.dimensions()));
            assert!(key.is_none_or(|key| index.id(key).is_some_and(|first| first <= id)));
        }
    }
    Some(answered)
}

/// An index and what is kept between its searches: leftovers of one must not show in the next.
struct Asker<'a> {
    index: &'a Packed<&'a [u8]>,
    scratch: PackedScratch,
    answered: &'a mut Answered,
}

impl Asker<'_> {
    /// Searches for a vector in every way, with every filter.
    fn ask(&mut self, query: &[f32], step: u32) {
        for n in [0, 1, 5, 70, usize::MAX] {
            for search in [
                Search::top(n),
                Search::top(n).recall(0.5),
                Search::top(n).recall(f32::MIN_POSITIVE),
                Search::top(n).recall(1.0),
                Search::top(n).probe(0, 0),
                Search::top(n).probe(2, 9),
                Search::top(n).probe(usize::MAX, usize::MAX),
                Search::top(n).exact(),
            ] {
                self.ask_one(query, n, &search, &|_| true);
                if n != 5 {
                    continue;
                }
                for distance in [-1.0, 0.0, 0.7, f32::INFINITY, f32::NAN] {
                    self.ask_one(query, n, &search.within(distance), &|_| true);
                }
                self.ask_one(query, n, &search.filter(|id| id % 3 == step), &|id| id % 3 == step);
                self.ask_one(query, n, &search.filter(|_| false), &|_| false);
                let set: IdSet = [3, 40, 41, 1 << 20].into_iter().collect();
                self.ask_one(query, n, &search.filter(|id| set.allows(id)), &|id| set.allows(id));
                for rows in [self.index.row_set(&set), self.index.row_set(|id| id % 3 == step)] {
                    let rows = rows.expect("the storage stays as it is");
                    self.ask_one(query, n, &search.filter(&rows), &|id| (&rows).allows(id));
                }
            }
        }
    }

    fn ask_one<F: Filter>(&mut self, query: &[f32], n: usize, search: &Search<F>, allows: &dyn Fn(u32) -> bool) {
        match self.index.search_in(&mut self.scratch, query, search) {
            Ok(found) => {
                self.answered.searches += 1;
                check_answer(self.index, found, n);
                assert!(found.iter().all(|x| allows(x.id)), "an answer that the filter forbids");
            }
            Err(error) => assert!(matches!(error, SearchError::Damaged(_)), "{error}"),
        }
    }

    fn ask_items(&mut self) {
        for id in [0, 17, self.index.len() as u32, u32::MAX] {
            for search in [Search::top(4), Search::top(4).exact()] {
                match self.index.search_item_in(&mut self.scratch, id, &search) {
                    Ok(found) => check_answer(self.index, found, 4),
                    // A damaged vector is no query.
                    Err(SearchError::Damaged(_) | SearchError::NoSuchItem { .. } | SearchError::Vector(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

/// Ids of vectors, each once; distances that are numbers, nearest first; of equals the smaller id first.
fn check_answer(index: &Packed<&[u8]>, found: &[Neighbour], n: usize) {
    assert!(found.len() <= n.min(index.len()), "{} answers of {n}", found.len());
    assert!(found.iter().all(|x| (x.id as usize) < index.len()), "an id of no vector: {found:?}");
    assert!(found.iter().all(|x| !x.distance.is_nan()), "not a number: {found:?}");
    let ids: HashSet<u32> = found.iter().map(|x| x.id).collect();
    assert_eq!(ids.len(), found.len(), "an id twice: {found:?}");
    for pair in found.windows(2) {
        let sign = if index.metric() == Metric::Dot { -1.0 } else { 1.0 };
        let (first, second) = (sign * pair[0].distance, sign * pair[1].distance);
        // Different squares may have the same root: then ids need not ascend.
        let is_root = index.metric() != Metric::Dot;
        assert!(first < second || first == second && (is_root || pair[0].id < pair[1].id), "out of order: {pair:?}");
    }
}
