//! Which leaves are likely to hold neighbours: a bias for each.
//!
//! The leaf of the nearest centroid is not the one where a neighbour is most likely. The rows of a leaf lie about its centroid, at
//! σ (the root of the mean square) from it, and the neighbours are those that lie on the query's side. So leaves are ranked by
//!
//! * q·c + w·|q|·σ where a product is what counts, angular and dot;
//! * q·c − |c|²/2 + w·σ² for euclidean. That w is mostly negative: rows are on average farther away than their centroid, by σ² in
//!   squares.
//!
//! w is the number that ranks the leaves of the neighbours of a sample best. The rule is ours: for each of a few weights, the rows
//! in leaves that come before the leaf of each neighbour are counted, and the weight with the fewest at the 95th percentile wins.
//! (In a model of the search over 340,000 GloVe vectors, 160 in a leaf, recall .95 took a tenth fewer rows than with w = 0 for
//! euclidean, and less than half as many for dot.)

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::view::View;
use crate::packed::search::PackedScratch;
use crate::packed::train::Trained;
use crate::packed::truth::CalibrationQuery;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Cancelled};
use crate::simd::TILE_ROWS;
use crate::simd::in_f64::dot;
use crate::{Backend, Metric};

/// What is known of leaves beside their centroids.
pub(crate) struct ListBias {
    metric: Metric,
    /// What is added to the product with each centroid whatever its rows. Minus infinity where there are none.
    bases: Vec<f32>,
    /// σ of each leaf; of euclidean σ².
    spreads: Vec<f32>,
}

/// How many weights are tried.
const TRIED: usize = 13;
/// The shares of the neighbours whose leaves are to come early; the second decides where the first does not.
const SHARES: [f64; 2] = [0.95, 0.99];

impl ListBias {
    pub(crate) fn new<J: Join>(trained: &Trained<'_>, backend: Backend, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let of_leaves = parallel::map::<J, _>(0..trained.partition.len(), &|leaf| {
            if cancel.is_set() { (f32::NEG_INFINITY, 0.0) } else { base_and_spread(trained, backend, leaf) }
        });
        cancel.check()?;
        let (mut bases, spreads): (Vec<f32>, Vec<f32>) = of_leaves.into_iter().unzip();
        bases.resize(bases.len().next_multiple_of(TILE_ROWS), f32::NEG_INFINITY);
        Ok(Self { metric: trained.source.metric(), bases, spreads })
    }

    /// The mean spread of the leaves; of euclidean the mean σ².
    pub(crate) fn mean_spread(&self) -> f32 {
        let sum: f64 = self.spreads.iter().map(|spread| f64::from(*spread)).sum();
        (sum / self.spreads.len().max(1) as f64) as f32
    }

    /// Writes what is added to the product with each centroid, times the
    /// [`bias_scale`](crate::packed::search::coarse::bias_scale) of the query.
    pub(crate) fn write(&self, weight: f32, to: &mut [f32]) {
        to.copy_from_slice(&self.bases);
        for (to, spread) in to.iter_mut().zip(&self.spreads) {
            *to += weight * spread;
        }
    }

    /// The weights that are tried.
    fn weights(&self) -> [f32; TRIED] {
        let (least, step) = if self.metric == Metric::Euclidean { (-0.2, 0.025) } else { (0.0, 0.05) };
        core::array::from_fn(|number| least + number as f32 * step)
    }

    /// A weight for where none is measured: what was best for GloVe vectors.
    pub(crate) fn usual_weight(&self) -> f32 {
        match self.metric {
            Metric::Euclidean => -0.075,
            Metric::Dot => 0.3,
            _ => 0.35,
        }
    }

    /// The weight with which the fewest rows lie in leaves that are better than those of neighbours; of equals that nearest to the
    /// usual one. The view's biases are those of weight 0.
    pub(crate) fn best_weight<J: Join>(
        &self,
        view: &View<'_>,
        queries: &[CalibrationQuery],
        cancel: Cancel<'_>,
    ) -> Result<f32, Cancelled> {
        let sizes: Vec<u32> = view.leaves.windows(2).map(|pair| pair[1].row - pair[0].row).collect();
        let before = parallel::map::<J, _>(0..queries.len(), &|at| {
            if cancel.is_set() {
                core::array::from_fn(|_| Vec::new())
            } else {
                self.rows_before(view, &queries[at], &sizes)
            }
        });
        cancel.check()?;
        let costs = core::array::from_fn::<_, TRIED, _>(|number| {
            let mut all: Vec<u32> = before.iter().flat_map(|of_query| &of_query[number]).copied().collect();
            all.sort_unstable();
            SHARES.map(|share| all.get((all.len() as f64 * share) as usize).copied())
        });
        let usual = self.usual_weight();
        let each = self.weights().into_iter().zip(costs);
        let best = each.min_by(|(a, cost_of_a), (b, cost_of_b)| {
            cost_of_a.cmp(cost_of_b).then((a - usual).abs().total_cmp(&(b - usual).abs()))
        });
        Ok(best.map_or(usual, |(weight, _)| weight))
    }

    /// For each weight: how many rows lie in leaves that come before that of each neighbour of a query.
    fn rows_before(&self, view: &View<'_>, query: &CalibrationQuery, sizes: &[u32]) -> [Vec<u32>; TRIED] {
        let leaves: Vec<usize> = query.nearest.iter().map(|nearest| view.leaf_of(nearest.row) as usize).collect();
        let mut scratch = PackedScratch::new();
        scratch.set_query(view, query.vector(view));
        let (scores, scale) = scratch.leaf_scores(view);
        let mut weighted = vec![0.0; sizes.len()];
        self.weights().map(|weight| {
            for ((to, score), spread) in weighted.iter_mut().zip(scores).zip(&self.spreads) {
                *to = score + weight * scale * spread;
            }
            let rows_before = |leaf: &usize| {
                let own = weighted[*leaf];
                weighted.iter().zip(sizes).map(|(score, size)| if *score > own { *size } else { 0 }).sum::<u32>()
            };
            leaves.iter().map(rows_before).collect()
        })
    }
}

/// What is added to the product with a leaf's centroid, and how far its rows spread.
fn base_and_spread(trained: &Trained<'_>, backend: Backend, leaf: usize) -> (f32, f32) {
    let (source, ids) = (trained.source, trained.partition.rows(leaf));
    if ids.is_empty() {
        return (f32::NEG_INFINITY, 0.0);
    }
    let (mut row, mut centroid) = (vec![0.0; source.dimensions], vec![0.0; source.dimensions]);
    trained.read_centroid(leaf, &mut centroid);
    let mut squares = 0.0;
    for id in ids {
        source.read(*id, &mut row);
        squares += backend.squared_l2_f64(&row, &centroid);
    }
    let spread = squares / ids.len() as f64;
    let (base, spread) = match source.metric() {
        Metric::Euclidean => (-0.5 * dot(&centroid, &centroid), spread),
        _ => (0.0, libm::sqrt(spread)),
    };
    (base as f32, spread as f32)
}
