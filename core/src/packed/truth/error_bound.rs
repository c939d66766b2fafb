//! What bytes lose.
//!
//! A row is x = g + e, where g = offset + step · u lies on the grid. A query's products with the steps are t · c + h, c being its
//! codes. So, with any vector m,
//!
//! q·x = t · (c·u) + [q·offset + h·m] + h·(u − m) + q·e,
//!
//! of which the last two terms are lost, and by Cauchy and Schwarz are |h|·|u − m| + |q|·|e| at the most. The middle one is the
//! query's alone; with the mean of all codes for m, most of what h costs is in it.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::view::{View, row_bias};
use crate::packed::quantise::sq7::encode_probe;
use crate::parallel::{self, Join};
use crate::simd::in_f64::dot;

/// What bytes lose of a row, or at the most of any.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    /// |e| and |u − m|.
    rest: f64,
    codes: f64,
    /// |h| and |q|, where the row is the query.
    probe: f64,
    length: f64,
    /// What its products with codes do not exceed, and what is added to them: numbers that are rounded to f32.
    products: f64,
    added: f64,
}

impl Losses {
    fn worse(self, other: Self) -> Self {
        Self {
            rest: self.rest.max(other.rest),
            codes: self.codes.max(other.codes),
            probe: self.probe.max(other.probe),
            length: self.length.max(other.length),
            products: self.products.max(other.products),
            added: self.added.max(other.added),
        }
    }

    /// What the score of a query and a row can be off.
    fn bound(query: &Self, row: &Self) -> f64 {
        // Scores and limits have been rounded a few times on the way; what that loses below the normal numbers is less than the
        // least of them.
        let rounding = 8.0 * f64::from(f32::EPSILON) * (query.products + query.added + row.added);
        let rounding = rounding + f64::from(f32::MIN_POSITIVE);
        query.probe * row.codes + query.length * row.rest + rounding
    }
}

/// Tells what bytes lose.
pub(crate) struct Measure<'a> {
    view: &'a View<'a>,
    /// The mean of all codes.
    mean: Vec<f64>,
    worst: Losses,
}

/// A row as it is seen, and what its bytes lose.
pub(crate) struct Measured {
    pub(crate) row: Vec<f32>,
    pub(crate) codes: Vec<i8>,
    pub(crate) step: f32,
    /// What all scores of the row as a query lack.
    pub(crate) base: f64,
    losses: Losses,
}

impl Measured {
    pub(crate) fn new(dimensions: usize) -> Self {
        let codes = vec![0; dimensions.next_multiple_of(4)];
        Self { row: vec![0.0; dimensions], codes, step: 0.0, base: 0.0, losses: Losses::default() }
    }
}

impl<'a> Measure<'a> {
    pub(crate) fn new<J: Join>(view: &'a View<'a>) -> Self {
        const ROWS: usize = 4096;
        let (rows, d) = (view.shape.rows, view.shape.dimensions);
        let chunk_of = |chunk: usize| (chunk * ROWS) as u32..rows.min((chunk + 1) * ROWS) as u32;
        let sums = parallel::map::<J, _>(0..rows.div_ceil(ROWS), &|chunk| {
            let mut sums = vec![0_u32; d];
            for codes in chunk_of(chunk).filter_map(|row| view.byte_row(row)) {
                for (sum, code) in sums.iter_mut().zip(codes) {
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
        let mut measure = Self { view, mean, worst: Losses::default() };
        let worst = parallel::map::<J, _>(0..rows.div_ceil(ROWS), &|chunk| {
            let mut measured = Measured::new(d);
            chunk_of(chunk).fold(Losses::default(), |worst, row| {
                measure.see(row, &mut measured);
                worst.worse(measured.losses)
            })
        });
        measure.worst = worst.into_iter().fold(Losses::default(), Losses::worse);
        measure
    }

    /// Looks at a row.
    pub(crate) fn see(&self, row: u32, to: &mut Measured) {
        let Self { view, mean, .. } = self;
        view.read(row, &mut to.row);
        to.step = encode_probe(&to.row, view.grid, &mut to.codes);
        let bytes = view.byte_row(row).unwrap_or(&[]);
        let (mut rest, mut codes, mut probe, mut products, mut base) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let each = to.row.iter().zip(bytes).zip(&to.codes).zip(mean).zip(view.grid.offset.iter().zip(view.grid.step));
        for ((((x, byte), code), mean), (offset, grid)) in each {
            let [x, byte, offset, grid] = [f64::from(*x), f64::from(*byte), f64::from(*offset), f64::from(*grid)];
            let product = f64::from(to.step) * f64::from(*code);
            let (lost, lost_as_probe) = (x - (offset + grid * byte), x * grid - product);
            rest += lost * lost;
            codes += (byte - mean) * (byte - mean);
            probe += lost_as_probe * lost_as_probe;
            products += 127.0 * product.abs();
            base += x * offset + lost_as_probe * mean;
        }
        to.base = base;
        to.losses = Losses {
            rest: libm::sqrt(rest),
            codes: libm::sqrt(codes),
            probe: libm::sqrt(probe),
            length: libm::sqrt(dot(&to.row, &to.row)),
            products,
            added: base.abs() + f64::from(row_bias(bytes)).abs(),
        };
    }

    /// What a score can be off, of a row as the query and any other.
    pub(crate) fn bound_as_query(&self, row: &Measured) -> f64 {
        Losses::bound(&row.losses, &self.worst)
    }

    /// What a score can be off, of a row and any other, whichever is the query.
    pub(crate) fn bound(&self, row: &Measured) -> f64 {
        self.bound_as_query(row).max(Losses::bound(&self.worst, &row.losses))
    }
}
