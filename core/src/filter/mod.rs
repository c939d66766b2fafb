//! Which items may be answers.

mod id_set;
mod row_set;

pub use self::id_set::IdSet;
pub use self::row_set::RowSet;

/// Says which ids may be answers. Closures `Fn(u32) -> bool` and [`IdSet`] are filters.
///
/// ```
/// use ohyeah_core::Filter;
///
/// struct Shop(u32);
///
/// impl Filter for Shop {
///     fn allows(&self, id: u32) -> bool {
///         id % 50 == self.0
///     }
/// }
///
/// assert!(Shop(7).allows(107) && (|id| id > 3).allows(4));
/// ```
pub trait Filter {
    /// Whether the item may be an answer.
    fn allows(&self, id: u32) -> bool;

    /// What was made ready for an index; see [`packed::RowSet`](crate::packed::RowSet).
    #[doc(hidden)]
    fn rows(&self) -> Option<&RowSet> {
        None
    }

    /// Whether every item is known to be allowed.
    #[doc(hidden)]
    fn allows_all(&self) -> bool {
        false
    }
}

/// No filter.
///
/// ```
/// use ohyeah_core::{All, Filter};
///
/// assert!(All.allows(u32::MAX));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct All;

impl Filter for All {
    #[inline]
    fn allows(&self, _: u32) -> bool {
        true
    }

    #[inline]
    fn allows_all(&self) -> bool {
        true
    }
}

impl<F: Fn(u32) -> bool> Filter for F {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self(id)
    }
}
