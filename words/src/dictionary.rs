//! The similar words of every word.

use std::{borrow::Cow, fmt};

use ohyeah::forest::{BuildError, BuildOptions, ItemError, Items, Search, SearchError};
use ohyeah::packed::{self, GraphError, GraphOptions, MOST_DIMENSIONS, PackedScratch};
use ohyeah::{Angular, Cancel, KnnGraph, Metric, Packed, ParBuildItems, Progress, Rayon};
use rayon::prelude::*;

use crate::query::SimilarWord;
use crate::vectors::WordVectors;

/// Similar words that are found and formatted together: the memory between computing and writing, whatever `top` is.
const BLOCK: usize = 8192 * 15;

/// Trees of a forest that is searched, unless the caller wants others.
const SEARCH_TREES: usize = 50;
/// This many neighbours a word are found at once at the most. Lists that are longer would take more memory than the vectors.
const MOST_AT_ONCE: usize = 100;

/// Vectors whose lengths lie between these are compared as they are.
const SHORTEST: f32 = 1e-12;
const LONGEST: f32 = 1e12;

/// How far a dictionary has come.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// About this share of what comes before the first word can be answered.
    Share(f32),
    /// So many more words are done.
    Words(usize),
}

/// A dictionary of similar words to be made; [`WordVectors::dictionary`] begins one.
///
/// By default the neighbours of all words are found together, with the recall that is asked for (see [`ohyeah::KnnGraph`]), or for
/// sure with [`exact`](Self::exact). For lists of more than 100 a packed index is asked once for each word. With [`trees`](Self::trees) or
/// [`search_k`](Self::search_k), or for vectors of more than 65,535 dimensions, where recall cannot be asked for, it is a forest, as
/// Annoy does it.
///
/// # Examples
///
/// ```
/// # use ohyeah_words::WordVectors;
/// let vectors = WordVectors::from_parts(["cat", "dog", "car"], vec![1.0, 0.1, 0.9, 0.2, 0.1, 1.0], 2)?;
/// let mut nearest = Vec::new();
/// vectors.dictionary().top(1).run(
///     |word, similar| (word, similar[0].id),
///     |(word, similar)| Ok::<_, std::io::Error>(nearest.push((vectors.word(word), vectors.word(similar)))),
/// )?;
/// assert_eq!(nearest, [("cat", "dog"), ("dog", "cat"), ("car", "dog")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Dictionary<'v> {
    vectors: &'v WordVectors,
    top: usize,
    trees: Option<usize>,
    search_k: Option<usize>,
    recall: f32,
    exact: bool,
    seed: u64,
    progress: Option<&'v (dyn Fn(Step) + Sync)>,
    cancel: Cancel<'v>,
}

impl WordVectors {
    /// Begins a dictionary of the 15 most similar words of every word.
    #[must_use]
    pub fn dictionary(&self) -> Dictionary<'_> {
        Dictionary {
            vectors: self,
            top: 15,
            trees: None,
            search_k: None,
            recall: 0.95,
            exact: false,
            seed: 0,
            progress: None,
            cancel: Cancel::NEVER,
        }
    }
}

impl<'v> Dictionary<'v> {
    /// Lists so many words for each.
    #[must_use]
    pub fn top(mut self, n: usize) -> Self {
        self.top = n;
        self
    }

    /// Finds on average at least this share of the most similar words, above 0 and at most 1, .95 unless told otherwise: as measured on
    /// some of them. Of lists
    /// of more than 100 it is that share of the first ten, and a little less of all.
    #[must_use]
    pub fn recall(mut self, recall: f32) -> Self {
        self.recall = recall;
        self
    }

    /// Asks a forest of so many trees for each word: more find more, and take longer.
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.trees = Some(trees);
        self
    }

    /// Asks a forest for each word, looking at this many candidates.
    #[must_use]
    pub fn search_k(mut self, candidates: usize) -> Self {
        self.search_k = Some(candidates);
        self
    }

    /// Compares each word with all others.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Another seed than 0 for the random choices. The same seed gives the same dictionary.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Is told of each step, on the thread that has done it.
    #[must_use]
    pub fn on_progress(mut self, progress: &'v (dyn Fn(Step) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Ends soon, with an error, once this is set.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel<'v>) -> Self {
        self.cancel = cancel;
        self
    }

    /// Makes the dictionary, in the order of the vocabulary.
    ///
    /// `entry` makes something of a word's id and its similar words, the most similar first and the word itself not among
    /// them, on several threads at once; `sink` takes what it made, in order, while the next words are answered. Neither
    /// result depends on the number of threads.
    ///
    /// # Errors
    ///
    /// The first error of `sink`, or [`DictionaryError`] where there is not enough memory or the recall is none.
    pub fn run<T: Send, E: Send>(
        &self,
        entry: impl Fn(u32, &[SimilarWord]) -> T + Sync,
        mut sink: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), DictionaryError<E>> {
        if !(self.recall > 0.0 && self.recall <= 1.0) {
            return Err(GraphError::Recall { recall: self.recall }.into());
        }
        let asked_for = self.trees.is_some() || self.search_k.is_some();
        if asked_for || self.vectors.dimensions() > MOST_DIMENSIONS || (self.exact && self.top > MOST_AT_ONCE) {
            return self.in_a_forest(&entry, &mut sink);
        }
        if self.top > MOST_AT_ONCE {
            return self.in_an_index(&entry, &mut sink);
        }
        self.at_once(&entry, &mut sink)
    }

    fn at_once<T: Send, E: Send>(
        &self,
        entry: &(impl Fn(u32, &[SimilarWord]) -> T + Sync),
        sink: &mut (impl FnMut(T) -> Result<(), E> + Send),
    ) -> Result<(), DictionaryError<E>> {
        let vectors = self.vectors;
        let tell = |share| self.tell(Step::Share(share));
        let options = GraphOptions::top(self.top).recall(self.recall).seed(self.seed).progress(Progress::new(&tell));
        let options = options.cancel(self.cancel);
        let options = if self.exact { options.exact() } else { options };
        let options = options.backend(vectors.scorer().0);
        let rows = self.rows_of_usual_length();
        let found = KnnGraph::build_with::<Rayon>(Metric::Angular, &rows, vectors.dimensions(), &options)?;
        self.in_blocks(sink, |ids| {
            let entry = |id| entry(id, &similar(found.neighbours(id).iter().copied(), id, self.top));
            Ok(ids.into_par_iter().map(entry).collect())
        })
    }

    /// The vectors, and in the place of those whose squares overflow or vanish in an index others of the same direction: a cosine does
    /// not depend on lengths.
    fn rows_of_usual_length(&self) -> Cow<'v, [f32]> {
        let vectors = self.vectors;
        let mut rows = Cow::Borrowed(vectors.vectors());
        for (id, &norm) in vectors.norms().iter().enumerate() {
            if norm > 0.0 && !(SHORTEST..=LONGEST).contains(&norm) {
                let at = id * vectors.dimensions();
                // By a power of two, which leaves all digits as they are.
                let scale = f64::from(norm).log2().round().exp2().recip();
                for x in &mut rows.to_mut()[at..at + vectors.dimensions()] {
                    *x = (f64::from(*x) * scale) as f32;
                }
            }
        }
        rows
    }

    /// The rows at length 1: only directions count, and no square of a number can overflow.
    fn items(&self) -> Result<Items<Angular>, ItemError> {
        let vectors = self.vectors;
        let mut items = Items::new(vectors.dimensions())?.with_backend(vectors.scorer().0);
        items.reserve(vectors.len())?;
        let mut unit = vec![0.0; vectors.dimensions()];
        for id in 0..vectors.len() as u32 {
            let norm = vectors.norm(id);
            for (to, x) in unit.iter_mut().zip(vectors.vector(id)) {
                *to = if norm > 0.0 { x / norm } else { 0.0 };
            }
            items.add(id, &unit)?;
        }
        Ok(items)
    }

    fn in_a_forest<T: Send, E: Send>(
        &self,
        entry: &(impl Fn(u32, &[SimilarWord]) -> T + Sync),
        sink: &mut (impl FnMut(T) -> Result<(), E> + Send),
    ) -> Result<(), DictionaryError<E>> {
        let trees = if self.exact { 0 } else { self.trees.unwrap_or(SEARCH_TREES) };
        let tell = |share| self.tell(Step::Share(share));
        let options = BuildOptions::new().trees(trees).seed(self.seed);
        let options = options.progress(Progress::new(&tell)).cancel(self.cancel);
        let forest = self.items()?.par_build(&options)?;
        // The word itself is found too.
        let mut search = Search::top(self.top.saturating_add(1));
        if self.exact {
            search = search.exact();
        } else if let Some(candidates) = self.search_k {
            search = search.search_k(candidates);
        }
        self.in_blocks(sink, |ids| {
            let queries: Vec<&[f32]> = ids.clone().filter_map(|id| forest.vector(id)).collect();
            let found = forest.search_many_with::<Rayon, _>(&queries, &search, Progress::NONE, self.cancel)?;
            let entries = ids.into_par_iter().zip(found);
            Ok(entries.map(|(id, found)| entry(id, &similar(found.into_iter(), id, self.top))).collect())
        })
    }

    fn in_an_index<T: Send, E: Send>(
        &self,
        entry: &(impl Fn(u32, &[SimilarWord]) -> T + Sync),
        sink: &mut (impl FnMut(T) -> Result<(), E> + Send),
    ) -> Result<(), DictionaryError<E>> {
        let vectors = self.vectors;
        let tell = |share| self.tell(Step::Share(share));
        let options = packed::BuildOptions::new().seed(self.seed).backend(vectors.scorer().0);
        let options = options.progress(Progress::new(&tell)).cancel(self.cancel);
        let rows = self.rows_of_usual_length();
        let index = Packed::build_with::<Rayon>(Metric::Angular, &rows, vectors.dimensions(), &options)?;
        // The word itself is found too.
        let search = packed::Search::top(self.top.saturating_add(1)).recall(self.recall);
        self.in_blocks(sink, |ids| {
            let answer = |scratch: &mut PackedScratch, id| {
                if self.cancel.is_set() {
                    return Err(DictionaryError::Cancelled);
                }
                let at = id as usize * vectors.dimensions();
                let found = index.search_in(scratch, &rows[at..at + vectors.dimensions()], &search)?;
                Ok(entry(id, &similar(found.iter().copied(), id, self.top)))
            };
            ids.into_par_iter().map_init(PackedScratch::new, answer).collect()
        })
    }

    /// Answers a block of words while the one before is handed to the sink.
    fn in_blocks<T: Send, E: Send>(
        &self,
        sink: &mut (impl FnMut(T) -> Result<(), E> + Send),
        answer: impl Fn(std::ops::Range<u32>) -> Result<Vec<T>, DictionaryError<E>> + Sync,
    ) -> Result<(), DictionaryError<E>> {
        let mut before = Vec::new();
        let block = (BLOCK / self.top.clamp(1, BLOCK)).max(64);
        for first in (0..self.vectors.len()).step_by(block) {
            if self.cancel.is_set() {
                return Err(DictionaryError::Cancelled);
            }
            let ids = first as u32..self.vectors.len().min(first + block) as u32;
            let (answered, sunk) = rayon::join(|| answer(ids), || self.hand_over(before, sink));
            sunk?;
            before = answered?;
        }
        self.hand_over(before, sink)
    }

    fn hand_over<T, E>(
        &self,
        entries: Vec<T>,
        sink: &mut impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), DictionaryError<E>> {
        let words = entries.len();
        entries.into_iter().try_for_each(sink).map_err(DictionaryError::Sink)?;
        self.tell(Step::Words(words));
        Ok(())
    }

    fn tell(&self, step: Step) {
        if let Some(progress) = self.progress {
            progress(step);
        }
    }
}

/// The answers of an index as similar words: without the word itself, and with cosines in the place of angular distances.
fn similar(found: impl Iterator<Item = ohyeah::Neighbour>, id: u32, top: usize) -> Vec<SimilarWord> {
    found.filter(|neighbour| neighbour.id != id).take(top).map(SimilarWord::from_angular).collect()
}

impl fmt::Debug for Dictionary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vectors, top, trees, search_k, recall, exact, seed, .. } = self;
        f.debug_struct("Dictionary")
            .field("vectors", vectors)
            .field("top", top)
            .field("trees", trees)
            .field("search_k", search_k)
            .field("recall", recall)
            .field("exact", exact)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}

/// Why a dictionary could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum DictionaryError<E> {
    /// The vectors could not be collected.
    Items(ItemError),
    /// The trees could not be grown.
    Build(BuildError),
    /// The index could not be built.
    Packed(packed::BuildError),
    /// The neighbours of all words could not be found.
    Graph(GraphError),
    /// A word could not be searched for in the forest.
    Search(SearchError),
    /// A word could not be searched for in the index.
    PackedSearch(packed::SearchError),
    /// The work was cancelled.
    Cancelled,
    /// What takes the entries failed.
    Sink(E),
}

impl<E> From<ItemError> for DictionaryError<E> {
    fn from(error: ItemError) -> Self {
        Self::Items(error)
    }
}

impl<E> From<BuildError> for DictionaryError<E> {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl<E> From<packed::BuildError> for DictionaryError<E> {
    fn from(error: packed::BuildError) -> Self {
        Self::Packed(error)
    }
}

impl<E> From<GraphError> for DictionaryError<E> {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl<E> From<SearchError> for DictionaryError<E> {
    fn from(error: SearchError) -> Self {
        Self::Search(error)
    }
}

impl<E> From<packed::SearchError> for DictionaryError<E> {
    fn from(error: packed::SearchError) -> Self {
        Self::PackedSearch(error)
    }
}

impl<E: fmt::Display> fmt::Display for DictionaryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(error) => error.fmt(f),
            Self::Build(error) => error.fmt(f),
            Self::Packed(error) => error.fmt(f),
            Self::Graph(error) => error.fmt(f),
            Self::Search(error) => error.fmt(f),
            Self::PackedSearch(error) => error.fmt(f),
            Self::Cancelled => f.write_str("the dictionary was cancelled"),
            Self::Sink(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for DictionaryError<E> {}
