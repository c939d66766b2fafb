//! The two kinds of codes by which exact searches score rows.

use core::ops::Range;

use super::code_bound::BoundedQuery;
use super::local_bound::LocalQuery;
use crate::Metric;
use crate::packed::file::local::{GROUP, LocalRows};
use crate::packed::file::view::View;
use crate::simd::prefetch;
use crate::top_k::split_key;

/// The codes by which rows are scored: scores that are off by no more than a bound, or upper bounds themselves.
#[derive(Clone, Copy)]
pub(super) enum Codes<'a> {
    Grid(&'a BoundedQuery),
    Local(&'a LocalQuery, &'a LocalRows<'a>),
}

impl Codes<'_> {
    /// The scores of rows that follow each other; of rows that are not there, anything.
    #[inline]
    pub(super) fn scores(self, view: &View<'_>, rows: Range<u32>) -> [f32; GROUP] {
        match self {
            Self::Grid(query) => query.scores(view, rows),
            Self::Local(query, local) => query.scores(view.backend, local, rows),
        }
    }

    /// The score of a row.
    #[inline]
    pub(super) fn score(self, view: &View<'_>, row: u32) -> f32 {
        match self {
            Self::Grid(query) => query.score(view, row),
            Self::Local(query, local) => query.score(view.backend, local, row),
        }
    }

    /// Asks for the codes of a row.
    #[inline]
    pub(super) fn prefetch(self, view: &View<'_>, row: u32) {
        match self {
            Self::Grid(_) => prefetch(view.coded_row(row)),
            Self::Local(_, local) => prefetch(local.lines(row..row + 1).0),
        }
    }

    /// What scores exceed, of rows that are ordered by this or before it.
    pub(super) fn limit(self, metric: Metric, order: f32) -> f32 {
        match self {
            Self::Grid(query) => query.limit(metric, order),
            Self::Local(query, _) => query.limit(metric, order),
        }
    }

    /// What scores of the best rows exceed, where these keys have the scores of as many.
    pub(super) fn limit_by_codes(self, view: &View<'_>, keys: &[u64]) -> f32 {
        let scores = keys.iter().map(|key| split_key(*key)).map(|(minus_score, row)| (-minus_score, row));
        let metric = view.shape.metric;
        match self {
            Self::Grid(query) => {
                query.limit_by_codes(metric, scores.fold(f32::INFINITY, |least, (score, _)| least.min(score)))
            }
            Self::Local(query, local) => {
                let least = scores.map(|(score, row)| query.lower_bound(score, local.row(row)));
                query.limit_by_score(metric, least.fold(f32::INFINITY, f32::min))
            }
        }
    }
}
