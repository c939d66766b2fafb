//! A query as one or two planes of 8-bit codes.
//!
//! Where one product of the query with a step is much greater than the others, those become codes of 0. Then a second plane of
//! codes, for what the first has left, is worth its products.

use alloc::vec::Vec;

use crate::Backend;
use crate::packed::file::local::GROUP;
use crate::packed::file::sections::LINE;
use crate::packed::quantise::sq7::{MOST_CODE, encode_query};

/// Steps of the second plane in one of the first: its codes, too, go from −127 to 127.
const FINER: f32 = 2.0 * MOST_CODE;

/// The codes in whole lines, 0 beyond the dimensions, and what a step of them stands for.
#[derive(Debug, Default)]
pub(crate) struct QueryPlanes {
    pub(super) codes: Vec<[i8; LINE]>,
    pub(super) fine_codes: Vec<[i8; LINE]>,
    step: f32,
    fine_step: f32,
}

impl QueryPlanes {
    /// Makes room for a query.
    pub(super) fn reserve(&mut self, dimensions: usize) {
        for codes in [&mut self.codes, &mut self.fine_codes] {
            codes.clear();
            codes.reserve(dimensions.div_ceil(LINE));
        }
    }

    /// Encodes the products of a query with the steps.
    pub(super) fn encode(&mut self, query: &[f32], steps: &[f32]) {
        for codes in [&mut self.codes, &mut self.fine_codes] {
            codes.clear();
            codes.resize(query.len().div_ceil(LINE), [0; LINE]);
        }
        let (codes, fine_codes) = (self.codes.as_flattened_mut(), self.fine_codes.as_flattened_mut());
        self.step = encode_query(query, steps, codes);
        self.fine_step = self.step / FINER;
        for (((fine, code), x), step) in fine_codes.iter_mut().zip(codes).zip(query).zip(steps) {
            let left = f64::from(*x) * f64::from(*step) - f64::from(self.step) * f64::from(*code);
            let steps = left / f64::from(self.fine_step);
            // Truncated away from zero where it is half a step or more; a cast makes 0 of what is no number.
            *fine = (steps + 0.5_f64.copysign(steps)).clamp(-127.0, 127.0) as i8;
        }
    }

    /// The products with the codes of rows of so many lines, less what each plane has too much.
    #[inline]
    pub(super) fn scores(
        &self,
        backend: Backend,
        (lines, width): (&[[u8; LINE]], usize),
        zeros: [i32; 2],
        is_fine: bool,
    ) -> [f32; GROUP] {
        let mut sums = [0; GROUP];
        backend.dot_u7_lines(&self.codes, lines, width, &mut sums);
        let mut scores = sums.map(|sum| self.step * sum.wrapping_sub(zeros[0]) as f32);
        if is_fine {
            backend.dot_u7_lines(&self.fine_codes, lines, width, &mut sums);
            let fine = sums.map(|sum| self.fine_step * sum.wrapping_sub(zeros[1]) as f32);
            scores.iter_mut().zip(fine).for_each(|(score, fine)| *score += fine);
        }
        scores
    }

    /// The product with the codes of a row, less what each plane has too much.
    #[inline]
    pub(super) fn score(&self, backend: Backend, codes: &[u8], zeros: [i32; 2], is_fine: bool) -> f32 {
        let sum = |plane: &[[i8; LINE]]| {
            let plane = plane.as_flattened();
            let [sum] = backend.dot_u7_many(plane, [codes.get(..plane.len()).unwrap_or(&[])]);
            sum
        };
        let score = self.step * sum(&self.codes).wrapping_sub(zeros[0]) as f32;
        if is_fine { score + self.fine_step * sum(&self.fine_codes).wrapping_sub(zeros[1]) as f32 } else { score }
    }

    /// What the first plane stands for in each dimension, and what it and both leave of the products.
    pub(super) fn each<'a>(&'a self, query: &'a [f32], steps: &'a [f32]) -> impl Iterator<Item = [f64; 3]> + 'a {
        let codes = self.codes.as_flattened().iter().zip(self.fine_codes.as_flattened());
        query.iter().zip(steps).zip(codes).map(|((x, step), (code, fine_code))| {
            let coded = f64::from(self.step) * f64::from(*code);
            let left = f64::from(*x) * f64::from(*step) - coded;
            [coded, left, left - f64::from(self.fine_step) * f64::from(*fine_code)]
        })
    }
}
