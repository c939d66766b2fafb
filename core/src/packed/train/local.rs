//! Whether an index has local codes ([`lvq`](crate::packed::quantise::lvq)), in which space, and what it has of each row.
//!
//! A sample of the rows says what exact searches would have to compare in full by either kind of codes. Local codes take a fifth of
//! the vectors' memory besides, so they have to be worth it; of words by angle, both kinds tell as much, and there are none.

use alloc::vec;
use alloc::vec::Vec;

use super::Trained;
use super::sample::Sample;
use super::source::RowSource;
use crate::Metric;
use crate::packed::file::local::{LocalRowsMut, local_lines};
use crate::packed::quantise::lvq::{LocalRow, LocalSpace};
use crate::packed::quantise::sq7::{ScalarQuantiser, encode_query};
use crate::parallel::{Join, for_each_chunk};
use crate::progress::{Cancel, Cancelled};
use crate::simd::in_f64::dot;

/// Rows of the sample, but no more numbers than that, and no fewer rows.
const SAMPLE: usize = 2048;
const SAMPLE_NUMBERS: usize = 1 << 21;
const SAMPLE_LEAST: usize = 256;
/// Rows of the sample that are queries.
const QUERIES: usize = 32;
/// One of so many rows of the sample is wanted: what is nearest of all, and what is left where a filter forbids the nearer half.
const WANTED: [usize; 2] = [200, 2];
/// Of an index of fewer rows all are compared in full.
const FEWEST_ROWS: usize = 512;

/// Local codes are worth it where the others leave more than this share of the rows, and they less than this part of those.
const CROWDED: f64 = 0.03;
const FEWER: f64 = 0.5;
/// A direction is worth it where it leaves less than this part of the rows.
const FEWER_ALONG: f64 = 0.7;

/// Rounds of the power method.
const ROUNDS: usize = 10;

/// The space of local codes.
#[derive(Clone, Debug)]
pub(crate) struct OwnLocalSpace {
    direction: Vec<f32>,
    weights: Vec<f32>,
}

impl OwnLocalSpace {
    /// The direction and the weights, as a file has them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &f32> {
        self.direction.iter().chain(&self.weights)
    }

    const fn as_space(&self) -> LocalSpace<'_> {
        LocalSpace { direction: self.direction.as_slice(), weights: self.weights.as_slice() }
    }

    /// The weights of what a direction leaves of some rows: the root of the mean square of each dimension.
    fn along(rows: &[Vec<f32>], direction: Vec<f32>) -> Self {
        let mut squares = vec![0.0; direction.len()];
        for row in rows {
            let along = dot(row, &direction);
            for ((square, x), p) in squares.iter_mut().zip(row).zip(&direction) {
                let left = f64::from(*x) - along * f64::from(*p);
                *square += left * left / rows.len() as f64;
            }
        }
        let greatest = squares.iter().fold(0.0_f64, |greatest, square| greatest.max(*square));
        // What is nearly always zero may be anything once.
        let weight = |square: &f64| libm::sqrt(square.max(1e-6 * greatest)) as f32;
        Self { weights: squares.iter().map(weight).collect(), direction }
    }
}

/// The space of local codes for the rows of an index; none where those of the quantiser tell enough.
pub(super) fn choose(source: RowSource<'_>, quantiser: ScalarQuantiser<'_>) -> Option<OwnLocalSpace> {
    let (n, d) = (source.len(), source.dimensions);
    if n < FEWEST_ROWS {
        return None;
    }
    let sample = Sample::new(n, (SAMPLE_NUMBERS / d).clamp(SAMPLE_LEAST, SAMPLE));
    let read = |at| {
        let mut row = vec![0.0; d];
        source.read(sample.id(at), &mut row);
        row
    };
    let rows: Vec<Vec<f32>> = (0..sample.len()).map(read).collect();
    let queries = Queries::new(source.metric(), &rows);
    let by_grid = queries.left_by(|query| grid_error(quantiser, &rows, query));
    if by_grid.iter().all(|left| *left < CROWDED) {
        return None;
    }
    let left_by = |space: &OwnLocalSpace| {
        let errors = queries.local_errors(space.as_space());
        queries.left_by(|query| errors.of_query(space.as_space(), query))
    };
    let plain = OwnLocalSpace::along(&rows, vec![0.0; d]);
    let along = OwnLocalSpace::along(&rows, main_direction(&rows, d));
    let [by_plain, by_along] = [&plain, &along].map(left_by);
    let is_better = by_along.iter().sum::<f64>() < FEWER_ALONG * by_plain.iter().sum::<f64>();
    let (best, left) = if is_better { (along, by_along) } else { (plain, by_plain) };
    let is_worth_it = |(by_grid, left): (&f64, &f64)| *by_grid >= CROWDED && *left < FEWER * by_grid;
    by_grid.iter().zip(&left).any(is_worth_it).then_some(best)
}

/// The direction along which rows have most of their squares, by the power method.
fn main_direction(rows: &[Vec<f32>], dimensions: usize) -> Vec<f32> {
    // Of the longest row, to begin with: no direction that matters is across to it.
    let longest = rows.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)));
    let mut direction = longest.cloned().unwrap_or_else(|| vec![0.0; dimensions]);
    for _ in 0..ROUNDS {
        let mut sum = vec![0.0_f64; dimensions];
        for row in rows {
            let along = dot(row, &direction);
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += along * f64::from(*x));
        }
        let greatest = sum.iter().fold(0.0_f64, |greatest, x| greatest.max(x.abs()));
        if greatest == 0.0 || !greatest.is_finite() {
            return vec![0.0; dimensions];
        }
        let length = libm::sqrt(sum.iter().map(|x| (x / greatest) * (x / greatest)).sum());
        for (to, x) in direction.iter_mut().zip(&sum) {
            *to = (x / greatest / length) as f32;
        }
    }
    direction
}

/// Rows of the sample as queries, and what they are to find.
struct Queries<'a> {
    metric: Metric,
    rows: &'a [Vec<f32>],
    /// The scores of all rows for each query, and the least that are wanted.
    scores: Vec<(Vec<f64>, [f64; WANTED.len()])>,
}

impl<'a> Queries<'a> {
    fn new(metric: Metric, rows: &'a [Vec<f32>]) -> Self {
        let bias = |row: &Vec<f32>| if metric == Metric::Euclidean { -0.5 * dot(row, row) } else { 0.0 };
        let biases: Vec<f64> = rows.iter().map(bias).collect();
        let scores = Self::numbers(rows.len()).map(|query| {
            let score = |(row, bias): (&Vec<f32>, &f64)| dot(&rows[query], row) + bias;
            let mut scores: Vec<f64> = rows.iter().zip(&biases).map(score).collect();
            // A row does not look for itself.
            scores[query] = f64::NEG_INFINITY;
            let mut sorted = scores.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            (scores, WANTED.map(|wanted| sorted[rows.len() / wanted]))
        });
        Self { metric, rows, scores: scores.collect() }
    }

    fn numbers(rows: usize) -> impl Iterator<Item = usize> {
        (0..QUERIES.min(rows)).map(move |at| at * rows / QUERIES.min(rows))
    }

    /// The share of the rows that are left for a query besides those that are wanted, where an error for each of them says what its
    /// score can be too high.
    fn left_by<E: Fn(usize) -> f64>(&self, errors_of: impl Fn(&[f32]) -> E) -> [f64; WANTED.len()] {
        let mut left = [0.0; WANTED.len()];
        for (query, (scores, least)) in Self::numbers(self.rows.len()).zip(&self.scores) {
            let error = errors_of(&self.rows[query]);
            for (left, least) in left.iter_mut().zip(least) {
                let is_left = |(row, score): &(usize, &f64)| **score < *least && **score + error(*row) > *least;
                *left += scores.iter().enumerate().filter(is_left).count() as f64;
            }
        }
        left.map(|left| left / (self.scores.len() * self.rows.len()) as f64)
    }

    fn local_errors(&self, space: LocalSpace<'_>) -> LocalErrors {
        let (mut codes, mut steps) = (vec![0; space.weights.len()], Vec::new());
        let encode = |row: &Vec<f32>| space.encode(self.metric, row, &mut codes, &mut steps);
        LocalErrors { rows: self.rows.iter().map(encode).collect() }
    }
}

/// How far scores by the codes of the quantiser are off: as far for all rows, and the limit is that of a row too.
fn grid_error<'a>(
    quantiser: ScalarQuantiser<'a>,
    rows: &'a [Vec<f32>],
    query: &[f32],
) -> impl Fn(usize) -> f64 + use<> {
    // Codes are off by half a step at the most, and on average by 1/√12 of one; rows are about as far off as each other.
    let of_rows = 0.33 * libm::sqrt(dot(quantiser.step, quantiser.step) * dot(query, query));
    let mut codes = vec![0; query.len()];
    let step = encode_query(query, quantiser.step, &mut codes) / 254.0;
    // Of the second plane; codes of rows lie about as far from their mean as evenly spread ones.
    let of_query = 0.33 * f64::from(step) * 40.0 * rows[0].len() as f64;
    let error = of_rows + of_query;
    move |_| error
}

/// What local codes miss of the rows of the sample.
struct LocalErrors {
    rows: Vec<LocalRow>,
}

impl LocalErrors {
    fn of_query<'e>(&'e self, space: LocalSpace<'_>, query: &[f32]) -> impl Fn(usize) -> f64 + use<'e> {
        let along = dot(query, space.direction);
        let across = libm::sqrt((dot(query, query) - along * along).max(0.0));
        move |row| across * f64::from(self.rows[row].error)
    }
}

/// Rows that a thread writes at a time.
const ROWS: usize = 4096;

/// Writes the local codes of all rows.
pub(super) fn write_local<J: Join>(
    trained: &Trained<'_>,
    space: &OwnLocalSpace,
    to: LocalRowsMut<'_>,
    cancel: Cancel<'_>,
) -> Result<(), Cancelled> {
    let (source, order) = (trained.source, &trained.partition.order);
    let (width, d) = (local_lines(source.dimensions), source.dimensions);
    let mut rows = vec![LocalRow::default(); order.len()];
    let mut chunks: Vec<_> = to.codes.chunks_mut(ROWS * width).zip(rows.chunks_mut(ROWS)).collect();
    for_each_chunk::<J, _>(&mut chunks, 1, &|chunk, parts| {
        let (mut row, mut steps) = (vec![0.0; d], Vec::new());
        for (codes, rows) in parts {
            for ((codes, to), id) in codes.chunks_exact_mut(width).zip(rows.iter_mut()).zip(&order[chunk * ROWS..]) {
                if cancel.is_set() {
                    return;
                }
                source.read(*id, &mut row);
                *to = space.as_space().encode(source.metric(), &row, &mut codes.as_flattened_mut()[..d], &mut steps);
            }
        }
    });
    let of: [fn(&LocalRow) -> f32; 4] = [|row| row.along, |row| row.scale, |row| row.bias, |row| row.error];
    for (to, of) in to.numbers.into_iter().zip(of) {
        to.iter_mut().zip(&rows).for_each(|(to, row)| *to = of(row));
    }
    cancel.check()
}
