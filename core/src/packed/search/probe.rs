//! When a search stops: the rule by which leaves are scanned.
//!
//! Leaves come in the order of their keys, q·c + bias, k₁ ≥ k₂ ≥ …. Queries differ in how many of them they need. The n-th best score found
//! so far, t, tells most, as what lies well below it holds nothing; the keys of the best leaves tell how the others lie. A leaf
//! is scanned while
//!
//! ```text
//! k ≥ w·t + (1 − w)·k₁₀ − a·s − b·u²/s − c·(k₁ − k₁₀) − slack · scale,    s = k₁₀ − k₅₀
//! ```
//!
//! where s is how fast keys fall, and u how fast they usually do. Where they fall slowly, there are many leaves a little farther away, and
//! together they hold more (b); where they fall fast, keys differ more than scores do (a and c).
//!
//! The slack is what calibration measures. The rule is ours, and so are the weights: they were fitted so that one slack gives the same recall
//! for rows of GloVe, for frequent words alone, for sums, differences, means and negatives of words, for the hundred nearest and
//! under filters, all of which a fixed number of leaves does not give; rows then need an eighth fewer leaves, too.
//!
//! Scale is what scores of a query are proportional to: its length for dot. Euclidean scores of near rows differ by less than
//! those of far ones: their scale is the distance of the n-th best.

use super::Probe;
use crate::Metric;
use crate::packed::file::sections::CalibrationHeader;

/// The weights of the rule: w, a, b and c.
pub(crate) const WEIGHT: f32 = 0.8;
const FALL: f32 = 1.1;
const CROWD: f32 = 0.62;
const LEAD: f32 = 0.52;

/// Keys that fall less than this share of what is usual count as if they fell as much.
const LEAST_FALL: f32 = 0.1;

/// The leaf whose key stands for the near ones, and how many times as many say how fast keys fall.
const ANCHOR: usize = 10;
const AROUND: usize = 5;
/// Where there are few leaves, the anchor is one of the first tenth.
const ANCHOR_SHARE: usize = 10;

/// The keys of the best leaves, as the rule looks at them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafKeys {
    anchor: f32,
    /// k₁₀ − k₅₀, and k₁ − k₁₀.
    pub(crate) fall: f32,
    lead: f32,
}

impl LeafKeys {
    /// Those of an index of so many leaves, of which these are the best.
    pub(crate) fn new(probes: &[Probe], leaves: usize) -> Self {
        let near = ANCHOR.min(leaves.div_ceil(ANCHOR_SHARE)).max(1);
        let key = |rank: usize| probes.get(rank - 1).or(probes.last()).map_or(0.0, |probe| probe.key);
        let (first, anchor, around) = (key(1), key(near), key(near * AROUND));
        Self { anchor, fall: anchor - around, lead: first - anchor }
    }

    pub(crate) const fn anchor(&self) -> f32 {
        self.anchor
    }
}

/// The rule for a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeRule {
    /// What is added to w · t.
    base: f32,
    weight: f32,
    /// The scale; of euclidean the square of the query's length, and what is added to the square of the scale.
    scale: f32,
    squared: f32,
    floor: f32,
    is_euclidean: bool,
}

impl ProbeRule {
    /// The rule for a query of the index space of this length, `scale` being what biases of leaves are multiplied with.
    pub(crate) fn new(
        metric: Metric,
        header: &CalibrationHeader,
        keys: &LeafKeys,
        (scale, squared): (f32, f32),
    ) -> Self {
        let is_euclidean = metric == Metric::Euclidean;
        let rule = Self { base: 0.0, weight: header.weight, scale, squared, floor: header.floor, is_euclidean };
        let usual = header.fall * rule.scale(keys.anchor);
        let fall = keys.fall.max(LEAST_FALL * usual);
        let crowd = if fall > 0.0 { CROWD * usual * usual / fall } else { 0.0 };
        let base = (1.0 - header.weight) * keys.anchor - FALL * keys.fall - crowd - LEAD * keys.lead;
        Self { base, ..rule }
    }

    /// The scale of slacks and margins where this is the n-th best score.
    #[inline]
    pub(crate) fn scale(&self, best: f32) -> f32 {
        if self.is_euclidean { libm::sqrtf((self.squared - 2.0 * best).max(0.0) + self.floor) } else { self.scale }
    }

    /// The slack that a leaf with this key needs.
    #[inline]
    pub(crate) fn slack_for(&self, key: f32, best: f32) -> f32 {
        (self.base + self.weight * best - key) / self.scale(best)
    }
}
