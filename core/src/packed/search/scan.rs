//! Scanning the 4-bit codes of leaves, 32 rows at once.

use super::allowed::RowFilter;
use super::filtered::{Farther, under_filter};
use super::params::AdaptivePlan;
use super::probe::ProbeRule;
use super::{PackedScratch, Probe};
use crate::filter::RowSet;
use crate::packed::file::sections::CalibrationHeader;
use crate::packed::file::view::View;
use crate::packed::quantise::subquantisation::KSUB;
use crate::simd::{SCAN_ROWS, prefetch_lines};

/// The look-up table is made for so many of the best leaves, whatever is scanned in the end, so that it is the same when effort is
/// measured and when it is spent.
const FIRST_PROBES: usize = 64;

/// A set of rows that lie together is away from a query if it has less than this part of its share of all rows in the nearest leaves.
const AWAY: f32 = 0.75;
/// It is away as well if it has less than this share of the nearest leaves: those few may be just what lies worst in them.
const MOSTLY: f32 = 0.5;

/// The share of rows that a filter allows is looked at in so many of the best leaves.
const NEAR_PROBES: usize = 16;

impl PackedScratch {
    /// Computes the look-up table with which some leaves are scanned.
    fn set_lut(&mut self, view: &View<'_>, leaves: &[Probe]) {
        let greatest = leaves.iter().fold(0.0_f32, |most, probe| most.max(probe.product.abs()));
        let biases = leaves.iter().filter_map(|probe| view.leaf_biases.get(probe.leaf as usize));
        let (low, wide) = biases.fold((0.0_f32, 0.0_f32), |(low, wide), [least, step]| {
            (low.max(least.abs()), wide.max(step * f32::from(u16::MAX)))
        });
        self.lut.set(&self.query, view.codebooks, greatest + low + wide, wide);
    }

    /// Makes ready to scan the leaves of `probes`, and to keep the best `n` rows.
    fn begin_scan(&mut self, view: &View<'_>, n: usize, probes: &[Probe]) {
        self.set_lut(view, probes);
        // What a query's sums in the first leaf, which is the best, can be.
        let most = |entries: &[u8; KSUB]| i32::from(entries.iter().fold(0, |most, entry| (*entry).max(most)));
        let first = probes.first().map_or(0, |probe| (probe.product * self.lut.unit) as i32);
        self.reservoir.reset(n, first, self.lut.entries.iter().map(most).sum());
    }

    /// Adds up the codes of a leaf; returns what is to be added to each sum.
    #[inline]
    pub(crate) fn scan_leaf(&mut self, view: &View<'_>, product: f32, leaf: u32) -> i32 {
        let codes = view.leaf_codes(leaf);
        let blocks = codes.len() / (self.lut.entries.len() / 2);
        self.grow_sums(blocks);
        let sums = &mut self.sums[..blocks];
        view.backend.scan_4bit(codes, &self.lut.entries, sums);
        let base = (product * self.lut.unit) as i32;
        if view.leaf_biases.is_empty() { base } else { add_biases(view, leaf, self.lut.unit, sums, base) }
    }

    /// The score of a row of the leaf that was scanned last, of which this is the base.
    pub(crate) fn score_of(&self, place: usize, base: i32) -> i32 {
        base.saturating_add(i32::from(self.sums.as_flattened().get(place).copied().unwrap_or(0)))
    }

    /// Scans the codes of the chosen leaves and keeps the best rows.
    pub(super) fn scan_fixed<F: RowFilter>(&mut self, view: &View<'_>, candidates: usize, filter: &F) {
        let probes = core::mem::take(&mut self.probes);
        self.begin_scan(view, candidates, &probes);
        for (at, probe) in probes.iter().enumerate() {
            if let Some(next) = probes.get(at + 1) {
                prefetch_lines(view.leaf_codes(next.leaf), usize::MAX);
            }
            let base = self.scan_leaf(view, probe.product, probe.leaf);
            self.keep_best(view, probe.leaf, base, filter);
        }
        self.reservoir.cut();
        self.probes = probes;
    }

    /// Makes ready to scan the leaves that were chosen by the rule, and to keep what may be among the best `n`.
    pub(crate) fn begin_adaptive(
        &mut self,
        view: &View<'_>,
        header: &CalibrationHeader,
        n: usize,
        usual_height: f32,
    ) -> ProbeRule {
        let probes = core::mem::take(&mut self.probes);
        self.begin_scan(view, n, &probes[..probes.len().min(FIRST_PROBES)]);
        self.probes = probes;
        ProbeRule::new(&view.shape, header, &self.probes, self.scale, usual_height)
    }

    /// How high above the key of the best leaf a score lies, for the query that was set.
    pub(crate) fn height_of(&mut self, view: &View<'_>, header: &CalibrationHeader, score: f32) -> f32 {
        self.choose_leaves(view, 1);
        let rule = ProbeRule::new(&view.shape, header, &self.probes, self.scale, 0.0);
        rule.height(score)
    }

    /// The n-th best score so far, as a product; none while fewer are found.
    pub(crate) fn nth_best(&self) -> Option<f32> {
        (self.reservoir.nth > i32::MIN).then(|| self.as_product(self.reservoir.nth))
    }

    /// What a score is as a product, with all that products with centroids lack.
    pub(crate) fn as_product(&self, score: i32) -> f32 {
        score as f32 / self.lut.unit + self.lut.base
    }

    /// The score of a product.
    pub(crate) fn as_score(&self, product: f32) -> i32 {
        ((product - self.lut.base) * self.lut.unit) as i32
    }

    /// Keeps rows from now on that lie less than this behind the n-th best.
    pub(crate) fn set_margin(&mut self, margin: f32) {
        self.reservoir.set_margin((margin * self.lut.unit) as i32);
    }

    /// Scans leaves by the rule, and keeps the rows that may be among the best `n`, as if the n-th best score were `more` less than
    /// it seems. None where a set lies away from the query, or its nearest rows much farther than as many of all rows: of queries like
    /// that nothing was measured.
    pub(super) fn scan_adaptively<F: RowFilter>(
        &mut self,
        view: &View<'_>,
        n: usize,
        plan: &AdaptivePlan,
        more: f32,
        filter: &F,
    ) -> Option<ProbeRule> {
        let usual = (1.5 * plan.leaves) as usize;
        let rows = filter.row_set();
        let first = usual.clamp(FIRST_PROBES, view.shape.leaves.max(FIRST_PROBES));
        let allowed = self.choose_allowed_leaves(view, first, rows);
        let is_away = |set: &RowSet| {
            let share = set.len() as f32 / view.shape.rows.max(1) as f32;
            !set.is_even() && allowed.near <= MOSTLY.max(AWAY * share)
        };
        if rows.is_some_and(is_away) {
            return None;
        }
        let plan = match rows {
            Some(set) => under_filter(view, plan, n, self.farther_in(view, set))?,
            None if filter.allows_all() => *plan,
            None => under_filter(view, plan, n, Farther::UNKNOWN)?,
        };
        let plan = &plan.reaching_farther(more);
        let rule = self.begin_adaptive(view, &plan.header, n, plan.height).with_best_key(allowed.best_key);
        // In the first leaf nothing is known but its centroid.
        let first = self.probes.first().map_or(0.0, |probe| probe.key);
        self.set_margin(plan.margin * rule.scale(first));
        let mut at = 0;
        while self.scan_while_near(view, &rule, plan, &mut at, filter) && at < view.shape.leaves {
            let chosen = self.probes.len();
            self.choose_allowed_leaves(view, chosen.saturating_mul(4), rows);
            if self.probes.len() == chosen {
                break;
            }
        }
        self.reservoir.cut();
        let height = self.nth_best().map_or(f32::NEG_INFINITY, |best| rule.height(best));
        if rows.is_some() && plan.is_unusually_low(height) {
            return None;
        }
        Some(rule)
    }

    /// How far the nearest rows of a set lie, by how many of the rows in the best leaves are in it.
    fn farther_in(&self, view: &View<'_>, set: &RowSet) -> Farther {
        let near = self.probes.iter().take(NEAR_PROBES);
        let near = near.map(|probe| (set.of_leaf(probe.leaf), view.leaf_rows(probe.leaf).len()));
        let (allowed, all) =
            near.fold((0.0, 0.0), |(allowed, all), (count, rows)| (allowed + count as f32, all + rows as f32));
        if allowed == 0.0 {
            return Farther::UNKNOWN;
        }
        let is_as_elsewhere = allowed * view.shape.rows as f32 >= AWAY * set.len() as f32 * all;
        Farther::of_one_in(all / allowed, set.is_even() && is_as_elsewhere)
    }

    /// Scans the chosen leaves from one on; whether neither the rule has stopped it nor a crowd of rows.
    fn scan_while_near<F: RowFilter>(
        &mut self,
        view: &View<'_>,
        rule: &ProbeRule,
        plan: &AdaptivePlan,
        at: &mut usize,
        filter: &F,
    ) -> bool {
        let probes = core::mem::take(&mut self.probes);
        let mut is_near = true;
        while let Some(probe) = probes.get(*at) {
            if let Some(best) = self.nth_best() {
                let (slack, margin) = plan.reach(rule.height(best));
                self.set_margin(margin * rule.scale(best));
                if *at >= plan.least as usize && rule.slack_for(probe.key, best) > slack {
                    is_near = false;
                    break;
                }
            }
            if let Some(next) = probes.get(*at + 1) {
                prefetch_lines(view.leaf_codes(next.leaf), usize::MAX);
            }
            let base = self.scan_leaf(view, probe.product, probe.leaf);
            self.keep_best(view, probe.leaf, base, filter);
            self.reservoir.settle();
            *at += 1;
            if self.reservoir.is_crowded {
                is_near = false;
                break;
            }
        }
        self.probes = probes;
        is_near
    }

    /// Keeps the rows of the leaf that was scanned last whose scores reach the limit.
    #[inline]
    pub(crate) fn keep_best<F: RowFilter>(&mut self, view: &View<'_>, leaf: u32, base: i32, filter: &F) {
        let rows = view.leaf_rows(leaf);
        let Self { sums, masks, reservoir, .. } = self;
        let (sums, masks) = (&sums[..rows.len().div_ceil(SCAN_ROWS)], &mut masks[..]);
        let Ok(limit) = u16::try_from(reservoir.limit.saturating_sub(base).max(0)) else { return };
        // The limit rises on the way, and the reservoir looks again.
        view.backend.rows_reaching(limit, sums, masks);
        for ((first, sums), mask) in rows.clone().step_by(SCAN_ROWS).zip(sums).zip(masks) {
            let mut mask = *mask & filter.mask(first);
            if rows.end - first < SCAN_ROWS as u32 {
                mask &= (1 << (rows.end - first)) - 1;
            }
            while mask != 0 {
                let lane = mask.trailing_zeros();
                mask &= mask - 1;
                let row = first + lane;
                let score = base.saturating_add(i32::from(sums[lane as usize]));
                if score >= reservoir.limit && filter.allows_row(view, row) {
                    reservoir.push(score, row);
                }
            }
        }
    }
}

/// Adds the biases of a leaf's rows to their sums; returns what is then the base of the leaf.
fn add_biases(view: &View<'_>, leaf: u32, unit: f32, sums: &mut [[u16; SCAN_ROWS]], base: i32) -> i32 {
    let [least, step] = view.leaf_biases.get(leaf as usize).copied().unwrap_or([0.0; 2]);
    // A bias is at most 65535 steps, and 2¹⁶ of what is added for each are a step of the sums.
    let factor = (step * unit * 65536.0 + 0.5).min(65535.0) as u32;
    for (sums, biases) in sums.iter_mut().zip(view.leaf_code_biases(leaf)) {
        for (sum, bias) in sums.iter_mut().zip(biases) {
            *sum = sum.saturating_add(((u32::from(*bias) * factor) >> 16) as u16);
        }
    }
    base.saturating_add((least * unit) as i32)
}
