//! Forests over word vectors: made, checked, and asked.

use std::fmt;

use ohyeah::forest::{AnyForest, AnyItems, ItemError, Search};
use ohyeah::{Angular, Forest, Metric};

use crate::query::{Query, QueryError, Resolved, SimilarWord};
use crate::vectors::WordVectors;

impl WordVectors {
    /// The vectors as items from which an index is built; a word's row is its id.
    ///
    /// # Errors
    ///
    /// [`ItemError::OutOfMemory`].
    pub fn items(&self, metric: Metric) -> Result<AnyItems, ItemError> {
        let mut items = AnyItems::new(metric, self.dimensions())?.with_backend(self.scorer().0);
        items.reserve(self.len())?;
        for id in 0..self.len() as u32 {
            items.add(id, self.vector(id))?;
        }
        Ok(items)
    }

    /// Whether an index was built over these vectors: compares every row.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn check_index<S: AsRef<[u8]>>(&self, index: &AnyForest<S>) -> Result<(), IndexMismatch> {
        self.check_size(index.dimensions(), index.len())?;
        match (0..self.len() as u32).find(|id| !index.holds(*id, self.vector(*id))) {
            Some(id) => Err(IndexMismatch::Vector { word: self.word(id).into() }),
            None => Ok(()),
        }
    }

    fn check_size(&self, dimensions: usize, items: usize) -> Result<(), IndexMismatch> {
        if dimensions != self.dimensions() {
            return Err(IndexMismatch::Dimensions { expected: self.dimensions(), found: dimensions });
        }
        if items != self.len() {
            return Err(IndexMismatch::Words { expected: self.len(), found: items });
        }
        Ok(())
    }
}

/// Why an index does not belong to some vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexMismatch {
    /// Another number of dimensions.
    Dimensions {
        /// Of the vectors.
        expected: usize,
        /// Of the index.
        found: usize,
    },
    /// Another number of words.
    Words {
        /// Of the vectors.
        expected: usize,
        /// Of the index.
        found: usize,
    },
    /// A word's vector is another one, or missing.
    Vector {
        /// The word.
        word: String,
    },
}

impl fmt::Display for IndexMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the index does not belong to these vectors: ")?;
        match self {
            Self::Dimensions { expected, found } => write!(f, "it has {found} dimensions, not {expected}")?,
            Self::Words { expected, found } => write!(f, "it has {found} items, not {expected}")?,
            Self::Vector { word } => write!(f, "it holds another vector for {word:?}")?,
        }
        write!(f, "; build it again from them")
    }
}

impl core::error::Error for IndexMismatch {}

impl Query<'_> {
    /// Finds the answer through an index over the same vectors, looking at `search_k` candidates, or at as many as Annoy
    /// would. That the index has the size of the vectors is checked here, and the vectors themselves only by
    /// [`WordVectors::check_index`], once for all queries. Restrictions and exclusions hold as they do for [`run`](Query::run), and
    /// the list is full where the index has enough words.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Query::resolve), or [`QueryError::OtherIndex`] or [`QueryError::Index`].
    pub fn run_with<S: AsRef<[u8]>>(
        &self,
        index: &Forest<Angular, S>,
        search_k: Option<usize>,
    ) -> Result<Vec<SimilarWord>, QueryError> {
        // An item beyond the last word would be an answer without a word.
        self.vectors().check_size(index.dimensions(), index.len()).map_err(QueryError::OtherIndex)?;
        let Resolved { vector, exclude } = self.resolve()?;
        let rows = self.rows();
        let mut search = Search::top(self.wanted());
        if let Some(candidates) = search_k {
            search = search.search_k(candidates);
        }
        let allowed = |id: u32| rows.contains(&(id as usize)) && exclude.binary_search(&id).is_err();
        let found = index.search(&vector, &search.filter(allowed)).map_err(QueryError::Index)?;
        Ok(found.into_iter().map(SimilarWord::from_angular).collect())
    }
}

impl SimilarWord {
    /// From the distance d = √(2 − 2·cos): the cosine is 1 − d²/2.
    pub(crate) fn from_angular(found: ohyeah::Neighbour) -> Self {
        let distance = f64::from(found.distance);
        let cosine = (1.0 - distance * distance / 2.0).clamp(-1.0, 1.0) as f32;
        // At a right angle, as to a vector of zeros, only the rounding of the root is left.
        let cosine = if cosine.abs() < f32::EPSILON { 0.0 } else { cosine };
        Self { id: found.id, cosine }
    }
}
