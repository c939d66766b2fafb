//! Filters as a scan asks them: by row; and what a set of rows leaves of the leaves.

use super::coarse::{best_leaves, score_leaves};
use super::{PackedScratch, Probe};
use crate::filter::{Filter, RowSet};
use crate::packed::file::view::View;
use crate::top_k::split_key;

/// A filter that is asked for rows of an index.
pub(crate) trait RowFilter: Filter {
    /// Which of the 32 rows from one on may be allowed, a bit for each.
    fn mask(&self, first: u32) -> u32;

    /// Whether a row is allowed whose bit is set in the mask.
    fn allows_row(&self, view: &View<'_>, row: u32) -> bool;

    /// Which of some rows that follow each other are allowed, a bit each; these are their ids, sixteen at the most.
    fn allowed_of(&self, first: u32, ids: &[u32]) -> u16;

    /// The set of rows that it is; none where rows are asked for one by one.
    fn row_set(&self) -> Option<&RowSet>;
}

/// A filter of ids, which is asked only for rows whose scores are good enough.
pub(crate) struct ById<'f, F>(pub(crate) &'f F);

impl<F: Filter> Filter for ById<'_, F> {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self.0.allows(id)
    }

    #[inline]
    fn allows_all(&self) -> bool {
        self.0.allows_all()
    }
}

impl<F: Filter> RowFilter for ById<'_, F> {
    #[inline]
    fn mask(&self, _: u32) -> u32 {
        u32::MAX
    }

    #[inline]
    fn allows_row(&self, view: &View<'_>, row: u32) -> bool {
        self.0.allows(view.id(row))
    }

    #[inline]
    fn allowed_of(&self, _: u32, ids: &[u32]) -> u16 {
        if self.0.allows_all() {
            return u16::MAX;
        }
        (0..).zip(ids).fold(0, |mask, (at, id)| mask | u16::from(self.0.allows(*id)) << at)
    }

    #[inline]
    fn row_set(&self) -> Option<&RowSet> {
        None
    }
}

/// A set of rows of the index that is searched.
pub(crate) struct ByRow<'f>(pub(crate) &'f RowSet);

impl Filter for ByRow<'_> {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self.0.allows(id)
    }
}

impl RowFilter for ByRow<'_> {
    #[inline]
    fn mask(&self, first: u32) -> u32 {
        self.0.mask(first)
    }

    #[inline]
    fn allows_row(&self, _: &View<'_>, _: u32) -> bool {
        true
    }

    #[inline]
    fn allowed_of(&self, first: u32, _: &[u32]) -> u16 {
        self.0.mask(first) as u16
    }

    #[inline]
    fn row_set(&self) -> Option<&RowSet> {
        Some(self.0)
    }
}

/// What a set of rows leaves of what is nearest.
pub(super) struct Allowed {
    /// The key of the best leaf, whether it has rows of the set or not.
    pub(super) best_key: f32,
    /// The share of the rows that are in the set, of the few best leaves, whether they have any or not; 1 where there is no set.
    pub(super) near: f32,
}

/// Whether what is nearest is allowed is looked at in so many of the best leaves.
const NEAREST: usize = 3;

impl PackedScratch {
    /// Chooses the leaves with the best scores of those that have rows of a set, best first.
    pub(super) fn choose_allowed_leaves(&mut self, view: &View<'_>, leaves: usize, rows: Option<&RowSet>) -> Allowed {
        score_leaves(view, &self.quantised, self.scale.scale, &mut self.scores);
        let allowed = rows.map_or(Allowed { best_key: f32::NEG_INFINITY, near: 1.0 }, |rows| self.allow(view, rows));
        let Self { scores, keys, probes, scale, .. } = self;
        best_leaves(scores, leaves, keys);
        keys.sort_unstable();
        probes.clear();
        probes.extend(keys.iter().map(|key| {
            let (minus_score, leaf) = split_key(*key);
            let bias = view.centroid_biases.get(leaf as usize).copied().unwrap_or(0.0);
            Probe { key: -minus_score, product: -minus_score - scale.scale * bias, leaf }
        }));
        allowed
    }

    /// Leaves out all leaves without rows of a set.
    fn allow(&mut self, view: &View<'_>, rows: &RowSet) -> Allowed {
        let mut nearest = [(f32::NEG_INFINITY, u32::MAX); NEAREST];
        for (leaf, score) in (0..).zip(self.scores.as_flattened_mut()) {
            let mut better = (*score, leaf);
            for place in &mut nearest {
                if better.0 > place.0 {
                    core::mem::swap(place, &mut better);
                }
            }
            *score = if rows.of_leaf(leaf) > 0 { *score } else { f32::NEG_INFINITY };
        }
        let each = nearest.iter().filter(|(_, leaf)| (*leaf as usize) < view.shape.leaves);
        let (count, all) = each.fold((0.0, 0.0), |(count, all), (_, leaf)| {
            (count + rows.of_leaf(*leaf) as f32, all + view.leaf_rows(*leaf).len() as f32)
        });
        Allowed { best_key: nearest[0].0, near: if all > 0.0 { count / all } else { 1.0 } }
    }
}
