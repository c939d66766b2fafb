//! When a search stops: the rule by which leaves are scanned.
//!
//! Leaves come in the order of their keys, q·c + bias, k₁ ≥ k₂ ≥ …. Queries differ in how many of them they need. The n-th best score found
//! so far, t, tells most, as what lies well below it holds nothing; the keys of the best leaves tell how the others lie. A leaf
//! is scanned if it is among the best few, or while
//!
//! ```text
//! k ≥ w·t' + (1 − w)·k₁₀ + a·(k₁₀ − k₅₀) + b·(k₁ − k₁₀) − slack · scale
//! t' = t up to a usual height above k₁, from there on it falls by c for each that t rises
//! ```
//!
//! Where keys fall fast (a and b), few leaves matter. Where t is unusually high, the query is near rows that are far from their
//! centroids, and more do, not fewer (c).
//!
//! The slack is what calibration measures, and how many the best few are follows from it. The rule is ours, and so are the weights. They
//! were fitted so that one slack gives nearly the same recall for rows of two sets of word vectors, for frequent words
//! alone, for sums, differences, means and negatives of words, for the hundred nearest and under filters that forbid what is near. A fixed
//! number of leaves, or one by k₁₀ alone, gives .66 to .99 where it gives .95 for rows.
//!
//! Scale is what scores of a query are proportional to: its length for dot. Euclidean scores of near rows differ by less than
//! those of far ones: their scale is the distance of the n-th best.

use super::Probe;
use crate::Metric;
use crate::packed::file::sections::{CalibrationHeader, Shape};

/// The weights of the rule: w, a, b and c.
pub(crate) const WEIGHT: f32 = 0.81;
const FALL: f32 = 0.3;
const LEAD: f32 = 0.1;
const HEIGHT: f32 = 0.35;

/// How many the best few are, as a share of the leaves that are scanned on average.
pub(crate) const FEW: f32 = 0.55;

/// The leaf whose key stands for the near ones, and how many times as many say how fast keys fall.
const ANCHOR: usize = 10;
const AROUND: usize = 5;
/// Where there are few leaves, the anchor is one of the first tenth.
const ANCHOR_SHARE: usize = 10;

/// The rank of the leaf whose key stands for the near ones, the best being the first.
pub(crate) fn anchor_rank(leaves: usize) -> usize {
    ANCHOR.min(leaves.div_ceil(ANCHOR_SHARE)).max(1)
}

/// The keys of the best leaves, as the rule looks at them.
#[derive(Clone, Copy, Debug)]
struct LeafKeys {
    first: f32,
    anchor: f32,
    around: f32,
}

impl LeafKeys {
    /// Those of an index of so many leaves, of which these are the best.
    fn new(probes: &[Probe], leaves: usize) -> Self {
        let near = anchor_rank(leaves);
        let key = |rank: usize| probes.get(rank - 1).or(probes.last()).map_or(0.0, |probe| probe.key);
        Self { first: key(1), anchor: key(near), around: key(near * AROUND) }
    }
}

/// The rule for a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeRule {
    /// What is added to w · t'.
    base: f32,
    weight: f32,
    /// The key of the best leaf, the scale there, and the greatest t'.
    first: f32,
    first_scale: f32,
    highest: f32,
    /// The scale; of euclidean the square of the query's length, and what is added to the square of the scale.
    scale: f32,
    squared: f32,
    floor: f32,
    is_euclidean: bool,
}

/// What scores of a query are proportional to, and its length squared; see [`ProbeRule`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueryScale {
    pub(crate) scale: f32,
    pub(crate) squared: f32,
}

impl ProbeRule {
    /// The rule for a query whose best leaves these are, where the n-th best score is usually so high above the best key.
    pub(crate) fn new(
        shape: &Shape,
        header: &CalibrationHeader,
        probes: &[Probe],
        QueryScale { scale, squared }: QueryScale,
        usual_height: f32,
    ) -> Self {
        let keys = LeafKeys::new(probes, shape.leaves);
        let (fall, lead) = (keys.anchor - keys.around, keys.first - keys.anchor);
        let rule = Self {
            base: (1.0 - header.weight) * keys.anchor + FALL * fall + LEAD * lead,
            weight: header.weight,
            first: keys.first,
            first_scale: 1.0,
            highest: 0.0,
            scale,
            squared,
            floor: header.floor,
            is_euclidean: shape.metric == Metric::Euclidean,
        };
        let first_scale = rule.scale(keys.first);
        Self { highest: keys.first + usual_height * first_scale, first_scale, ..rule }
    }

    /// The rule where the best leaf of all, which a filter may forbid, has this key: heights are above that.
    pub(crate) fn with_best_key(self, key: f32) -> Self {
        if key > self.first { Self { first: key, first_scale: self.scale(key), ..self } } else { self }
    }

    /// The scale of slacks and margins where this is the n-th best score.
    #[inline]
    pub(crate) fn scale(&self, best: f32) -> f32 {
        if self.is_euclidean { libm::sqrtf((self.squared - 2.0 * best).max(0.0) + self.floor) } else { self.scale }
    }

    /// How high above the key of the best leaf a score lies.
    #[inline]
    pub(crate) fn height(&self, best: f32) -> f32 {
        (best - self.first) / self.first_scale
    }

    /// The slack that a leaf with this key needs.
    #[inline]
    pub(crate) fn slack_for(&self, key: f32, best: f32) -> f32 {
        let height = if best > self.highest { self.highest - HEIGHT * (best - self.highest) } else { best };
        (self.base + self.weight * height - key) / self.scale(best)
    }
}
