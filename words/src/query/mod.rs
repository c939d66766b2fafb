//! Asking for similar words.
//!
//! A query is a sum of words and vectors with weights, `king - man + woman`, as gensim's `most_similar` takes it. It is
//! [resolved](Query::resolve) to one unit vector and the rows to leave out, and the best rows for that vector come from
//! [`exact::top`] or from an index; nothing else in a query depends on which.

mod error;
pub mod exact;
mod sets;
mod top;

use std::ops::Range;

pub use self::{error::QueryError, sets::OddOneOut};
use crate::WordVectors;
use crate::spelling::OFFERED;

/// A row and how similar it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarWord {
    /// The row; [`WordVectors::word`] has its word.
    pub id: u32,
    /// The cosine between the query and the row, within ±1; 0 for a row of zeros.
    pub cosine: f32,
}

/// A question for the most similar words, made by [`WordVectors::query`].
///
/// The query vector is what gensim makes of the same inputs: words count with their vectors scaled to length 1, vectors
/// as they are, each times its weight; the direction of the sum is compared with every row.
///
/// # Examples
///
/// ```
/// # let vectors = ohyeah_words::WordVectors::from_parts(
/// #     ["man", "woman", "king", "queen", "apple"],
/// #     vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.7, 0.0, 0.7, 0.0, 0.7, 0.7, 0.2, 0.1, -1.0], 3)?;
/// let best = vectors.query().positive("king").positive("woman").negative("man").top(1).run()?;
/// assert_eq!(vectors.word(best[0].id), "queen");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is run"]
pub struct Query<'a> {
    vectors: &'a WordVectors,
    terms: Vec<(Input<'a>, f32)>,
    top: usize,
    rows: Range<usize>,
    keep_inputs: bool,
}

#[derive(Clone, Copy, Debug)]
enum Input<'a> {
    Word(&'a str),
    Row(u32),
    Vector(&'a [f32]),
}

/// What a query comes down to: a direction, and the rows that its words are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resolved {
    /// The query vector, of length 1, or all zeros if the inputs cancel each other.
    pub vector: Vec<f32>,
    /// The rows to leave out of the answer, ascending.
    pub exclude: Vec<u32>,
}

impl WordVectors {
    /// Starts a query for the ten most similar words to whatever is added to it.
    pub fn query(&self) -> Query<'_> {
        Query { vectors: self, terms: Vec::new(), top: 10, rows: 0..usize::MAX, keep_inputs: false }
    }

    /// The `top` most similar words to `word`, without itself, the most similar first.
    ///
    /// # Errors
    ///
    /// [`QueryError::UnknownWord`], with the nearest spellings.
    pub fn most_similar(&self, word: &str, top: usize) -> Result<Vec<SimilarWord>, QueryError> {
        self.query().positive(word).top(top).run()
    }

    /// The row of `word`, or an error with the nearest spellings.
    ///
    /// # Errors
    ///
    /// [`QueryError::UnknownWord`].
    pub fn require(&self, word: &str) -> Result<u32, QueryError> {
        self.id(word).ok_or_else(|| QueryError::UnknownWord {
            word: word.into(),
            nearest: self.nearest_spellings(word, OFFERED).into_iter().map(str::to_owned).collect(),
        })
    }
}

impl<'a> Query<'a> {
    /// Adds a word.
    pub fn positive(self, word: &'a str) -> Self {
        self.weighted(word, 1.0)
    }

    /// Takes a word away.
    pub fn negative(self, word: &'a str) -> Self {
        self.weighted(word, -1.0)
    }

    /// Adds a word with a weight.
    pub fn weighted(mut self, word: &'a str, weight: f32) -> Self {
        self.terms.push((Input::Word(word), weight));
        self
    }

    /// Adds the word in row `id`, with a weight.
    pub fn row(mut self, id: u32, weight: f32) -> Self {
        self.terms.push((Input::Row(id), weight));
        self
    }

    /// Adds a vector with a weight. It is not scaled to length 1 first, and no row is left out for it.
    pub fn vector(mut self, vector: &'a [f32], weight: f32) -> Self {
        self.terms.push((Input::Vector(vector), weight));
        self
    }

    /// Asks for this many words; for fewer if there are not so many.
    pub fn top(mut self, top: usize) -> Self {
        self.top = top;
        self
    }

    /// Looks only at the first `rows` rows, the most frequent words in most files.
    pub fn restrict(self, rows: usize) -> Self {
        self.clip(0..rows)
    }

    /// Looks only at these rows, as far as there are so many.
    ///
    /// ```
    /// # let vectors = ohyeah_words::WordVectors::from_parts(["a", "b", "c", "d"], vec![1.0, 0.9, 0.8, 0.7], 1)?;
    /// let found = vectors.query().positive("a").clip(2..4).run()?;
    /// assert_eq!(found.iter().map(|x| vectors.word(x.id)).collect::<Vec<_>>(), ["c", "d"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clip(mut self, rows: Range<usize>) -> Self {
        self.rows = rows;
        self
    }

    /// Lets the words of the query be among the answers.
    pub fn keep_inputs(mut self) -> Self {
        self.keep_inputs = true;
        self
    }

    /// Finds the exact answer by comparing with every row, the most similar first; the lower row first where two are
    /// equally similar.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn run(&self) -> Result<Vec<SimilarWord>, QueryError> {
        let Resolved { vector, exclude } = self.resolve()?;
        Ok(exact::top(self.vectors, &vector, self.top, self.rows.clone(), &exclude))
    }

    /// What is asked.
    pub(crate) fn vectors(&self) -> &'a WordVectors {
        self.vectors
    }

    /// How many answers are wanted.
    pub(crate) fn wanted(&self) -> usize {
        self.top
    }

    /// Which rows may be answers.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Makes one vector of the inputs.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when there is no input, a word is unknown, a row out of range, a vector of the wrong length, or a
    /// number not finite.
    pub fn resolve(&self) -> Result<Resolved, QueryError> {
        let vectors = self.vectors;
        if self.terms.is_empty() {
            return Err(QueryError::NoInput);
        }
        let mut sum = vec![0.0_f64; vectors.dimensions()];
        // The greatest length that the sum can have.
        let mut longest = 0.0_f64;
        let mut exclude = Vec::new();
        for &(input, weight) in &self.terms {
            if !weight.is_finite() {
                return Err(QueryError::NotFinite);
            }
            let (vector, length) = match input {
                Input::Vector(vector) => (vectors.check(vector)?, 1.0),
                Input::Word(word) => unit(vectors, vectors.require(word)?, &mut exclude),
                Input::Row(id) => unit(vectors, vectors.check_row(id)?, &mut exclude),
            };
            // A row of zeros has no direction to add.
            if length > 0.0 {
                let weight = f64::from(weight) / f64::from(length);
                sum.iter_mut().zip(vector).for_each(|(sum, &x)| *sum += weight * f64::from(x));
                longest += weight.abs() * norm(vector.iter().map(|&x| f64::from(x)));
            }
        }
        // a + b - a - b leaves the rounding of the sums, which is a direction of no meaning.
        if norm(sum.iter().copied()) < longest * 1e-12 {
            sum.fill(0.0);
        }
        if self.keep_inputs {
            exclude.clear();
        }
        exclude.sort_unstable();
        exclude.dedup();
        Ok(Resolved { vector: normalized(&sum), exclude })
    }
}

fn unit<'a>(vectors: &'a WordVectors, id: u32, exclude: &mut Vec<u32>) -> (&'a [f32], f32) {
    exclude.push(id);
    (vectors.vector(id), vectors.norm(id))
}

fn norm(vector: impl Iterator<Item = f64>) -> f64 {
    vector.map(|x| x * x).sum::<f64>().sqrt()
}

/// The same direction at length 1; zeros stay zeros.
fn normalized(sum: &[f64]) -> Vec<f32> {
    let norm = norm(sum.iter().copied());
    let scale = if norm > 0.0 { norm.recip() } else { 0.0 };
    sum.iter().map(|x| (x * scale) as f32).collect()
}

impl WordVectors {
    fn check<'v>(&self, vector: &'v [f32]) -> Result<&'v [f32], QueryError> {
        if vector.len() != self.dimensions() {
            return Err(QueryError::Length { expected: self.dimensions(), found: vector.len() });
        }
        if vector.iter().all(|x| x.is_finite()) { Ok(vector) } else { Err(QueryError::NotFinite) }
    }

    fn check_row(&self, id: u32) -> Result<u32, QueryError> {
        if (id as usize) < self.len() { Ok(id) } else { Err(QueryError::Row { id, rows: self.len() }) }
    }
}
