//! Which leaves are scanned.
//!
//! The leaf of the nearest centroid is not the one where a neighbour is most likely. The rows of a leaf lie about its centroid, at
//! σ (the root of the mean square) from it, and the neighbours are those that lie on the query's side. So leaves are ranked by
//!
//! * q·c + w·|q|·σ where a product is what counts, angular and dot;
//! * q·c − |c|²/2 + w·σ² for euclidean. That w is mostly negative: rows are on average farther away than their centroid, by σ² in
//!   squares.
//!
//! w is the number that ranks the leaves of the neighbours of a sample best. (In a model of the search over 340,000 GloVe
//! vectors, 160 in a leaf, recall .95 took a tenth fewer rows than with w = 0 for euclidean, and less than half as many for dot.)

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::view::View;
use crate::packed::options::Cancel;
use crate::packed::search::Scratch;
use crate::packed::train::kmeans::Leaves;
use crate::packed::train::source::Rows;
use crate::packed::tune::effort::Trial;
use crate::parallel::{self, Join};
use crate::simd::TILE_ROWS;
use crate::simd::in_f64::dot;
use crate::{Backend, Metric};

/// What is known of leaves beside their centroids.
pub(crate) struct Ranking {
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

impl Ranking {
    /// `centroid` writes that of a leaf. Of no use once the build is called off.
    pub(crate) fn new<J: Join>(
        rows: Rows<'_>,
        backend: Backend,
        leaves: &Leaves,
        centroid: &(impl Fn(usize, &mut [f32]) + Sync),
        cancel: Cancel<'_>,
    ) -> Self {
        let d = rows.dimensions;
        let of_leaves = parallel::map::<J, _>(0..leaves.len(), &|leaf| {
            let ids = leaves.rows(leaf);
            if ids.is_empty() || cancel.is_set() {
                return (f32::NEG_INFINITY, 0.0);
            }
            let (mut row, mut middle) = (vec![0.0; d], vec![0.0; d]);
            centroid(leaf, &mut middle);
            let mut squares = 0.0;
            for id in ids {
                rows.read(*id, &mut row);
                squares += backend.squared_l2_f64(&row, &middle);
            }
            let spread = squares / ids.len() as f64;
            let (base, spread) = match rows.metric {
                Metric::Euclidean => (-0.5 * dot(&middle, &middle), spread),
                _ => (0.0, libm::sqrt(spread)),
            };
            (base as f32, spread as f32)
        });
        let (mut bases, spreads): (Vec<f32>, Vec<f32>) = of_leaves.into_iter().unzip();
        bases.resize(bases.len().next_multiple_of(TILE_ROWS), f32::NEG_INFINITY);
        Self { metric: rows.metric, bases, spreads }
    }

    /// Writes what is added to the product with each centroid, times [`scale`] of the query.
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
    /// usual one. The view's biases are those of weight 0. Of no use once the build is called off.
    pub(crate) fn best_weight<J: Join>(
        &self,
        view: &View<'_>,
        backend: Backend,
        trials: &[Trial],
        cancel: Cancel<'_>,
    ) -> f32 {
        let sizes: Vec<u32> = view.leaves.windows(2).map(|pair| pair[1].row - pair[0].row).collect();
        let weights = self.weights();
        // For each trial and weight: the rows before the leaf of each neighbour.
        let before = parallel::map::<J, _>(0..trials.len(), &|at| {
            let Trial { row, nearest } = &trials[at];
            let leaves: Vec<usize> = nearest.iter().map(|nearest| view.leaf_of(nearest.row) as usize).collect();
            let mut scratch = Scratch::new();
            scratch.set_row(view, *row);
            let (scores, scale) = scratch.leaf_scores(view, backend);
            let mut weighted = vec![0.0; sizes.len()];
            weights.map(|weight| {
                if cancel.is_set() {
                    return Vec::new();
                }
                for ((to, score), spread) in weighted.iter_mut().zip(scores).zip(&self.spreads) {
                    *to = score + weight * scale * spread;
                }
                let rows_before = |leaf: &usize| {
                    let own = weighted[*leaf];
                    weighted.iter().zip(&sizes).map(|(score, size)| if *score > own { *size } else { 0 }).sum::<u32>()
                };
                leaves.iter().map(rows_before).collect()
            })
        });
        let costs = core::array::from_fn::<_, TRIED, _>(|number| {
            let mut all: Vec<u32> = before.iter().flat_map(|of_trial| &of_trial[number]).copied().collect();
            all.sort_unstable();
            SHARES.map(|share| all.get((all.len() as f64 * share) as usize).copied())
        });
        let usual = self.usual_weight();
        let each = weights.into_iter().zip(costs);
        let best = each.min_by(|(a, cost_of_a), (b, cost_of_b)| {
            cost_of_a.cmp(cost_of_b).then((a - usual).abs().total_cmp(&(b - usual).abs()))
        });
        best.map_or(usual, |(weight, _)| weight)
    }
}

/// What the biases of leaves are multiplied with for a query: its length for dot, where one that is twice as long has the same
/// answers.
pub(crate) fn scale(metric: Metric, query: &[f32]) -> f32 {
    let length = if metric == Metric::Dot { libm::sqrt(dot(query, query)) as f32 } else { 1.0 };
    // 0 times minus infinity is not a number.
    if length > 0.0 { length } else { 1.0 }
}
