//! A bound on the error of scores by 7-bit codes.
//!
//! A row is x = g + e, where g = offset + step · u is what codes u stand for. A query's products with the steps are t · c + h, c
//! being its codes. So, with any vector m,
//!
//! q·x = t · (c·u) + [q·offset + h·m] + h·(u − m) + q·e,
//!
//! of which the last two terms are unknown, and by Cauchy and Schwarz are |h|·|u − m| + |q|·|e| at the most. The middle one is the
//! query's alone; with the mean of all codes for m, most of what h costs is in it.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::sections::CodeErrors;
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{encode_query, row_bias};
use crate::parallel::{self, Join};
use crate::simd::in_f64::dot;

/// What the error of a row's scores depends on; or the greatest of any row.
#[derive(Clone, Copy, Debug, Default)]
struct ErrorTerms {
    /// |e| and |u − m|.
    residual: f64,
    codes: f64,
    /// |h| and |q|, where the row is the query.
    query_residual: f64,
    length: f64,
    /// What its products with codes do not exceed, and what is added to them: numbers that are rounded to f32.
    products: f64,
    added: f64,
}

impl ErrorTerms {
    fn worse(self, other: Self) -> Self {
        Self {
            residual: self.residual.max(other.residual),
            codes: self.codes.max(other.codes),
            query_residual: self.query_residual.max(other.query_residual),
            length: self.length.max(other.length),
            products: self.products.max(other.products),
            added: self.added.max(other.added),
        }
    }

    /// How much the score of a query and a row can be off.
    fn bound(query: &Self, row: &Self) -> f64 {
        // Scores and limits have been rounded a few times on the way; what that loses below the normal numbers is less than the
        // least of them.
        let rounding = 8.0 * f64::from(f32::EPSILON) * (query.products + query.added + row.added);
        let rounding = rounding + f64::from(f32::MIN_POSITIVE);
        query.query_residual * row.codes + query.length * row.residual + rounding
    }
}

/// Bounds the error of scores between the rows of an index.
pub(crate) struct ErrorBound<'a> {
    view: &'a View<'a>,
    /// The mean of all codes.
    mean: Vec<f64>,
    worst: ErrorTerms,
    /// The same as a file has them.
    kept: (Vec<f32>, CodeErrors),
}

/// A row of the index space as a query, and how much its scores can be off.
pub(crate) struct AnalysedRow {
    pub(crate) row: Vec<f32>,
    pub(crate) codes: Vec<i8>,
    pub(crate) step: f32,
    /// What all scores of the row as a query lack.
    pub(crate) base: f64,
    terms: ErrorTerms,
}

impl AnalysedRow {
    pub(crate) fn new(dimensions: usize) -> Self {
        let codes = vec![0; dimensions.next_multiple_of(4)];
        Self { row: vec![0.0; dimensions], codes, step: 0.0, base: 0.0, terms: ErrorTerms::default() }
    }
}

/// Rows that a thread analyses at a time.
const ROWS: usize = 4096;

impl<'a> ErrorBound<'a> {
    pub(crate) fn new<J: Join>(view: &'a View<'a>) -> Self {
        let rows = view.shape.rows;
        let mut bound =
            Self { view, mean: mean_of_codes::<J>(view), worst: ErrorTerms::default(), kept: Default::default() };
        let worst = parallel::map::<J, _>(0..rows.div_ceil(ROWS), &|chunk| {
            let mut analysed = AnalysedRow::new(view.shape.dimensions);
            chunk_of(rows, chunk).fold(ErrorTerms::default(), |worst, row| {
                bound.analyse(row, &mut analysed);
                worst.worse(analysed.terms)
            })
        });
        bound.worst = worst.into_iter().fold(ErrorTerms::default(), ErrorTerms::worse);
        bound.kept = bound.round_up();
        bound
    }

    /// The mean of the codes, and the greatest errors of rows, as a file has them.
    pub(crate) const fn for_file(&self) -> &(Vec<f32>, CodeErrors) {
        &self.kept
    }

    /// The index with these errors: while it is built, its file does not have them yet.
    pub(crate) fn view(&self) -> View<'_> {
        self.view.with_code_errors(&self.kept)
    }

    fn round_up(&self) -> (Vec<f32>, CodeErrors) {
        // The mean is rounded too.
        let rounding = 1e-4 * libm::sqrt(self.mean.len() as f64);
        let biases = (0..self.view.shape.rows as u32).map(|row| row_bias(self.view.coded_row(row)).abs());
        let worst = CodeErrors {
            residual: up(self.worst.residual),
            codes: up(self.worst.codes + rounding),
            bias: biases.fold(0.0, f32::max),
            reserved: 0.0,
        };
        (self.mean.iter().map(|mean| *mean as f32).collect(), worst)
    }

    /// Reads a row, encodes it as a query, and finds what its errors depend on.
    pub(crate) fn analyse(&self, row: u32, to: &mut AnalysedRow) {
        let Self { view, mean, .. } = self;
        view.read(row, &mut to.row);
        to.step = encode_query(&to.row, view.quantiser.step, &mut to.codes);
        let coded = view.coded_row(row);
        let (mut residual, mut codes, mut query_residual, mut products, mut base) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let steps = view.quantiser.offset.iter().zip(view.quantiser.step);
        let each = to.row.iter().zip(coded).zip(&to.codes).zip(mean).zip(steps);
        for ((((x, row_code), query_code), mean), (offset, step)) in each {
            let [x, row_code, offset, step] =
                [f64::from(*x), f64::from(*row_code), f64::from(*offset), f64::from(*step)];
            let product = f64::from(to.step) * f64::from(*query_code);
            let (of_row, of_query) = (x - (offset + step * row_code), x * step - product);
            residual += of_row * of_row;
            codes += (row_code - mean) * (row_code - mean);
            query_residual += of_query * of_query;
            products += 127.0 * product.abs();
            base += x * offset + of_query * mean;
        }
        to.base = base;
        to.terms = ErrorTerms {
            residual: libm::sqrt(residual),
            codes: libm::sqrt(codes),
            query_residual: libm::sqrt(query_residual),
            length: libm::sqrt(dot(&to.row, &to.row)),
            products,
            added: base.abs() + f64::from(row_bias(coded)).abs(),
        };
    }

    /// How much a score can be off, of a row as the query and any other.
    pub(crate) fn bound_as_query(&self, row: &AnalysedRow) -> f64 {
        ErrorTerms::bound(&row.terms, &self.worst)
    }

    /// How much a score can be off, of a row and any other, whichever is the query.
    pub(crate) fn bound(&self, row: &AnalysedRow) -> f64 {
        self.bound_as_query(row).max(ErrorTerms::bound(&self.worst, &row.terms))
    }
}

/// A little more than a number, and never less: of the least numbers of f32 the nearest may be smaller.
fn up(x: f64) -> f32 {
    let near = (x * (1.0 + 1e-6)) as f32;
    if f64::from(near) < x { near.next_up() } else { near }
}

fn chunk_of(rows: usize, chunk: usize) -> core::ops::Range<u32> {
    (chunk * ROWS) as u32..rows.min((chunk + 1) * ROWS) as u32
}

fn mean_of_codes<J: Join>(view: &View<'_>) -> Vec<f64> {
    let (rows, d) = (view.shape.rows, view.shape.dimensions);
    let sums = parallel::map::<J, _>(0..rows.div_ceil(ROWS), &|chunk| {
        let mut sums = vec![0_u32; d];
        for row in chunk_of(rows, chunk) {
            for (sum, code) in sums.iter_mut().zip(view.codes_of_row(row)) {
                *sum += u32::from(*code);
            }
        }
        sums
    });
    let mut mean = vec![0.0; d];
    for sums in sums {
        for (mean, sum) in mean.iter_mut().zip(sums) {
            *mean += f64::from(sum) / rows as f64;
        }
    }
    mean
}

/// How far the codes of a row lie from the row, and from the mean of all codes: |x − g| and |u − m|.
pub(crate) fn distances_of_codes(view: &View<'_>, mean: &[f32], row: &[f32], codes: &[u8]) -> [f64; 2] {
    let (mut residual, mut from_mean) = (0.0, 0.0);
    let steps = view.quantiser.offset.iter().zip(view.quantiser.step);
    for (((x, code), mean), (offset, step)) in row.iter().zip(codes).zip(mean).zip(steps) {
        let [x, mean, offset, step] = [*x, *mean, *offset, *step].map(f64::from);
        let code = f64::from(*code);
        let (of_row, of_code) = (x - (offset + step * code), code - mean);
        residual += of_row * of_row;
        from_mean += of_code * of_code;
    }
    [libm::sqrt(residual), libm::sqrt(from_mean)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::file::layout::FileLayout;
    use crate::packed::options::BuildOptions;
    use crate::{Backend, Metric, Packed, Serial};

    #[test]
    fn rounding_up_never_gives_less() {
        for x in [0.0, 1e-60, 1e-46, 1e-45, 3.1e-45, 1e-39, 0.1, 1.0 / 3.0, 1e30] {
            assert!(f64::from(up(x)) >= x && up(x).is_finite(), "{x}");
        }
        assert_eq!(up(0.0), 0.0);
    }

    /// The bound holds for all pairs of rows of a set whose lengths and columns differ much, against products in f64.
    #[test]
    fn no_score_is_farther_off_than_the_bound() {
        let (d, n) = (9, 300);
        let mut vectors: Vec<f32> = (0..n * d).map(|at| ((at as f32 * 0.77).sin() * 43.1).fract()).collect();
        for (at, x) in vectors.iter_mut().enumerate() {
            *x *= if at % d == 2 { 300.0 } else { 1.0 } / (1 + at / d % 5) as f32;
        }
        for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
            let index = Packed::build(metric, &vectors, d, &BuildOptions::new()).unwrap();
            let layout = FileLayout::open(index.as_bytes()).unwrap();
            let view = layout.view(index.as_bytes(), Backend::baseline()).unwrap();
            let bound = ErrorBound::new::<Serial>(&view);
            let (mut query, mut other) = (AnalysedRow::new(d), AnalysedRow::new(d));
            for a in 0..n as u32 {
                bound.analyse(a, &mut query);
                let (one_way, both_ways) = (bound.bound_as_query(&query), bound.bound(&query));
                assert!(one_way <= both_ways);
                for b in 0..n as u32 {
                    bound.analyse(b, &mut other);
                    let each = query.codes.iter().zip(view.codes_of_row(b));
                    let sum: i32 = each.map(|(c, u)| i32::from(*c) * i32::from(*u)).sum();
                    let score = f64::from(query.step) * f64::from(sum) + query.base;
                    let error = (score - dot(&query.row, &other.row)).abs();
                    assert!(error <= one_way, "{metric} {a} {b}: {error} of {one_way}");
                }
            }
        }
    }
}
