//! Rows in eight bits, with a bound on what that loses: enough to answer most questions about a row without reading it.
//!
//! A row of 100 numbers lies on seven or eight cache lines, and a search or a split that meets rows in random order spends
//! its time waiting for them. Its sketch lies on two. From the sketch alone a dot product is known up to a certain error;
//! where the question is only on which side of a plane a row lies, or whether it can be among the nearest few, that nearly
//! always decides it, and where it does not, the row itself is read. So answers and trees are the same, to the bit, as
//! without sketches.
//!
//! # The bound
//!
//! A row is x = s·c + r, with integers |cᵢ| ≤ 127 and a remainder r; a query is q = t·d + e, with integers of 16 bits. Then
//!
//! q·x = s·t·(d·c) + e·(s·c) + q·r, so |q·x − s·t·(d·c)| ≤ |e|·(|x| + |r|) + |q|·|r|
//!
//! by Cauchy and Schwarz. d·c is an exact integer, |x| and |r| are kept beside c, and what f32 arithmetic adds, here and in
//! the kernels whose results are predicted, is bounded as usual (Higham, "Accuracy and Stability of Numerical Algorithms",
//! §3.1). A bound that is NaN decides nothing.

pub(crate) mod bounds;

use alloc::vec::Vec;

use bytemuck::{Pod, Zeroable};
use wide::{f32x4, i32x4};

use self::bounds::{Bounds, roundings};
use crate::Backend;
use crate::forest::node::Nodes;
use crate::forest::rules::Rules;
use crate::metric::Element;
use crate::parallel::Join;
use crate::simd::prefetch;

/// A cache line, so that a row begins with one.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([i8; LINE]);

const LINE: usize = 64;

/// What follows the bytes of a row.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Trailer {
    /// s: the number for which a byte of 1 stands. NaN where there is no item.
    scale: f32,
    /// |r|, or a little more.
    rest: f32,
    /// |x|, or a little more.
    length: f32,
    /// [`Rules::tail`] of the item.
    tail: f32,
}

const TRAILER: usize = size_of::<Trailer>();

/// The sketches of all items.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    lines: Vec<Line>,
    /// Lines in a row.
    stride: usize,
}

/// Rows that a thread sketches before it looks for others to share the work.
const ROWS_A_TASK: usize = 1024;

impl Sketch {
    /// Sketches every item. `None` where vectors are of bits, or there is not enough memory.
    pub(crate) fn new<J: Join, D: Rules>(nodes: Nodes<'_, D>, backend: Backend) -> Option<Self> {
        let stride = (D::Element::as_floats(nodes.row(0)?.vector)?.len() + TRAILER).div_ceil(LINE);
        let length = stride.checked_mul(nodes.items() as usize)?;
        let mut lines = Vec::new();
        lines.try_reserve_exact(length).ok()?;
        lines.resize(length, Line::zeroed());
        fill::<J, D>(&mut lines, stride, 0, nodes, backend);
        Some(Self { lines, stride })
    }

    fn row(&self, id: u32) -> Option<&[i8]> {
        let start = (id as usize).checked_mul(self.stride)?;
        Some(bytemuck::cast_slice(self.lines.get(start..start + self.stride)?))
    }

    /// Asks the processor to fetch a row that will be read soon.
    #[inline]
    pub(crate) fn prefetch(&self, id: u32) {
        if let Some(row) = self.row(id) {
            prefetch(row);
        }
    }

    /// Between what numbers the dot products of a query with four rows lie, as any kernel computes them. NaN where there
    /// is no item.
    #[inline]
    pub(crate) fn dots(&self, backend: Backend, query: &SketchQuery, ids: [u32; 4]) -> Bounds {
        let [Some(a), Some(b), Some(c), Some(d)] = ids.map(|id| self.row(id)) else {
            return Bounds::NONE;
        };
        let rows = [a, b, c, d];
        let products = backend.dot_i8_many(&query.codes, rows);
        query.bounds(products, rows.map(trailer))
    }
}

/// The trailer of a row. A row has one: its length is a number of whole lines.
#[inline]
fn trailer(row: &[i8]) -> f32x4 {
    row.last_chunk::<TRAILER>().map_or(f32x4::splat(f32::NAN), |trailer| bytemuck::cast(*trailer))
}

/// Sketches the items from `first` on.
fn fill<J: Join, D: Rules>(lines: &mut [Line], stride: usize, first: u32, nodes: Nodes<'_, D>, backend: Backend) {
    let rows = lines.len() / stride;
    if rows > ROWS_A_TASK {
        let (left, right) = lines.split_at_mut(rows / 2 * stride);
        let middle = first + (rows / 2) as u32;
        J::join(
            || fill::<J, D>(left, stride, first, nodes, backend),
            || fill::<J, D>(right, stride, middle, nodes, backend),
        );
        return;
    }
    for (row, id) in lines.chunks_exact_mut(stride).zip(first..) {
        let row: &mut [i8] = bytemuck::cast_slice_mut(row);
        let (codes, end) = row.split_at_mut(stride * LINE - TRAILER);
        let item = nodes.item(id);
        let trailer = match item.and_then(|item| D::Element::as_floats(item.vector).zip(Some(D::tail(backend, item)))) {
            Some((vector, tail)) => Trailer { tail, ..round_to_bytes(vector, codes) },
            None => Trailer { scale: f32::NAN, ..Trailer::zeroed() },
        };
        end.copy_from_slice(bytemuck::cast_slice(core::slice::from_ref(&trailer)));
    }
}

/// A number of f64, a little more at the least.
fn round_up(x: f64) -> f32 {
    (x as f32).next_up()
}

fn round_to_bytes(vector: &[f32], codes: &mut [i8]) -> Trailer {
    let greatest = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let (scale, unit) = (greatest / 127.0, 127.0 / greatest);
    let (mut squared, mut rest) = (0.0_f64, 0.0_f64);
    for (code, x) in codes.iter_mut().zip(vector) {
        // A cast of a float makes 0 of NaN, and where the unit is infinite any code will do: the rest tells what is lost.
        *code = nearest(x * unit).clamp(-127, 127) as i8;
        let lost = f64::from(*x) - f64::from(scale) * f64::from(*code);
        squared += f64::from(*x) * f64::from(*x);
        rest += lost * lost;
    }
    Trailer { scale, rest: round_up(libm::sqrt(rest)), length: round_up(libm::sqrt(squared)), tail: 0.0 }
}

/// The nearest integer.
fn nearest(x: f32) -> i32 {
    (x + 0.5_f32.copysign(x)) as i32
}

/// A query or a plane's normal in sixteen bits.
#[derive(Debug, Default)]
pub(crate) struct SketchQuery {
    /// d, and zeros for the trailers of rows.
    codes: Vec<i16>,
    /// t.
    scale: f32,
    /// |q|, or a little more.
    length: f32,
    /// |e|, and |q| times what f32 loses in a dot product.
    lost: f32,
    /// What f32 loses where products are too small for it.
    underflow: f32,
}

impl SketchQuery {
    /// Takes a vector of as many numbers as the rows of the sketch have.
    pub(crate) fn set(&mut self, vector: &[f32], sketch: &Sketch) {
        self.codes.clear();
        self.codes.resize(sketch.stride * LINE, 0);
        // No sum of products with bytes overflows 32 bits.
        let most = (i32::MAX as usize / 128 / vector.len().max(1)).min(i16::MAX as usize) as f32;
        let greatest = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let (scale, unit) = (greatest / most, most / greatest);
        let (mut squared, mut rest) = (0.0_f64, 0.0_f64);
        for (code, x) in self.codes.iter_mut().zip(vector) {
            *code = nearest(x * unit).clamp(-(most as i32), most as i32) as i16;
            let lost = f64::from(*x) - f64::from(scale) * f64::from(*code);
            squared += f64::from(*x) * f64::from(*x);
            rest += lost * lost;
        }
        let (length, rest) = (libm::sqrt(squared), libm::sqrt(rest));
        let lost = rest + roundings(vector.len()) * (length + rest);
        (self.scale, self.length, self.lost) = (scale, round_up(length), round_up(lost));
        self.underflow = (vector.len() + 8) as f32 * 2.0 * f32::from_bits(1);
    }

    #[inline]
    fn bounds(&self, products: [i32; 4], trailers: [f32x4; 4]) -> Bounds {
        // In the order of `Trailer`.
        let [scale, rest, length, tail] = f32x4::transpose(trailers);
        // In this order nothing becomes too small for f32 on the way that is not too small at the end.
        let middle = f32x4::from_i32x4(i32x4::new(products)) * self.scale * scale;
        let radius = (length + rest) * self.lost + rest * self.length + self.underflow;
        Bounds { low: (middle - radius).to_array(), high: (middle + radius).to_array(), tail: tail.to_array() }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use rand_core::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::forest::Items;
    use crate::{Dot, Serial};

    /// Numbers of all sizes, now and then a 0, and vectors in which one number outweighs the others.
    fn vectors(rng: &mut impl Rng, n: usize, dimensions: usize) -> Vec<Vec<f32>> {
        let uniform = |rng: &mut dyn FnMut() -> u32| (rng() >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let mut next = || rng.next_u32();
        (0..n)
            .map(|_| {
                let scale = 2.0_f32.powi((next() % 180) as i32 - 130);
                let spread = next() % 20;
                (0..dimensions)
                    .map(|_| match next() % 9 {
                        0 => 0.0,
                        _ => scale * uniform(&mut next) * 2.0_f32.powi(-((next() % (spread + 1)) as i32)),
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_backends_dot_product_lies_within_the_bounds() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for dimensions in [1, 2, 3, 16, 47, 48, 49, 100, 300, 1000] {
            let rows = vectors(&mut rng, 200, dimensions);
            let mut items = Items::<Dot>::new(dimensions).unwrap();
            for (id, row) in (0..).zip(&rows) {
                items.add(id, row).unwrap();
            }
            let sketch = Sketch::new::<Serial, Dot>(items.nodes(), Backend::detect()).unwrap();
            let mut decided = 0;
            let mut sketched = SketchQuery::default();
            for query in vectors(&mut rng, 60, dimensions).iter().chain(&rows[..20]) {
                sketched.set(query, &sketch);
                for (ids, rows) in (0..200).collect::<Vec<u32>>().as_chunks().0.iter().zip(rows.as_chunks::<4>().0) {
                    for backend in Backend::available() {
                        let bounds = sketch.dots(backend, &sketched, *ids);
                        let dots = backend.dot_many(query, rows.each_ref().map(Vec::as_slice));
                        for (i, dot) in dots.into_iter().enumerate() {
                            let (low, high) = (bounds.low[i], bounds.high[i]);
                            assert!(low <= dot && dot <= high, "{low:e} {dot:e} {high:e}, {dimensions} dimensions");
                            decided += usize::from(low > 0.0 || high < 0.0);
                        }
                    }
                }
            }
            // Bounds that say nothing would be right, too.
            let all = 80 * 200 * Backend::available().count();
            assert!(decided * 10 > all * 4, "{decided} of {all} decided, {dimensions} dimensions");
        }
    }

    #[test]
    fn what_is_no_number_bounds_nothing() {
        let mut items = Items::<Dot>::new(3).unwrap();
        for id in [0, 1, 2, 4] {
            items.add(id, &[1.0, 2.0, 3.0]).unwrap();
        }
        let sketch = Sketch::new::<Serial, Dot>(items.nodes(), Backend::detect()).unwrap();
        let mut sketched = SketchQuery::default();
        // Neither for sure on one side nor on the other.
        let undecided = |Bounds { low, high, .. }: Bounds, i: usize| {
            let decided = low[i] > 0.0 || high[i] < 0.0;
            !decided
        };
        for query in [[f32::NAN, 1.0, 1.0], [f32::INFINITY, 1.0, 1.0]] {
            sketched.set(&query, &sketch);
            let bounds = sketch.dots(Backend::detect(), &sketched, [0, 1, 2, 4]);
            assert!((0..4).all(|i| undecided(bounds, i)), "{bounds:?}");
        }
        // A hole, and an id out of range.
        sketched.set(&[1.0; 3], &sketch);
        assert!(undecided(sketch.dots(Backend::detect(), &sketched, [0, 1, 2, 3]), 3));
        assert!((0..4).all(|i| undecided(sketch.dots(Backend::detect(), &sketched, [0, 1, 2, 5]), i)));
    }
}
