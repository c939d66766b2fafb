//! Filters as a scan asks them: by row.

use crate::filter::{Filter, RowSet};
use crate::packed::file::view::View;

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
