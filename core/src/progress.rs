//! Progress of long work, and cancelling it: the same in builds, graphs and batches of searches.

use core::fmt;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicUsize};

/// Is told how far long work is.
///
/// ```
/// use ohyeah_core::Progress;
///
/// let show = |share: f32| println!("{:.0} %", 100.0 * share);
/// let progress = Progress::new(&show);
/// # let _ = progress;
/// ```
#[derive(Clone, Copy, Default)]
pub struct Progress<'a>(Option<&'a (dyn Fn(f32) + Sync)>);

impl<'a> Progress<'a> {
    /// Nobody is told.
    pub const NONE: Self = Self(None);

    /// Calls `tell` now and then with the share of the work that is done, from 0 to 1: on any thread, and not always in order.
    #[must_use]
    pub const fn new(tell: &'a (dyn Fn(f32) + Sync)) -> Self {
        Self(Some(tell))
    }

    /// Tells that this share of all work is done.
    pub(crate) fn tell(self, share: f32) {
        if let Some(tell) = self.0 {
            tell(share.clamp(0.0, 1.0));
        }
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(told)" } else { "Progress(not told)" })
    }
}

/// Cancels long work.
///
/// Work that sees it ends soon after with an error that says `Cancelled`.
///
/// ```
/// use core::sync::atomic::AtomicBool;
/// use ohyeah_core::Cancel;
///
/// static STOP: AtomicBool = AtomicBool::new(false);
/// let cancel = Cancel::new(&STOP);
/// # let _ = cancel;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Cancel<'a>(Option<&'a AtomicBool>);

/// The work was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

impl<'a> Cancel<'a> {
    /// The work is never cancelled.
    pub const NEVER: Self = Self(None);

    /// Cancels the work once the flag is true. It must stay true until the work has ended.
    #[must_use]
    pub const fn new(flag: &'a AtomicBool) -> Self {
        Self(Some(flag))
    }

    /// Whether the work is to end. Whoever sees it leaves out what is left to do, and hands out no result.
    ///
    /// ```
    /// use core::sync::atomic::AtomicBool;
    /// use ohyeah_core::Cancel;
    ///
    /// let stop = AtomicBool::new(true);
    /// assert!(Cancel::new(&stop).is_set());
    /// assert!(!Cancel::NEVER.is_set());
    /// ```
    #[must_use]
    pub fn is_set(self) -> bool {
        self.0.is_some_and(|flag| flag.load(Relaxed))
    }

    pub(crate) fn check(self) -> Result<(), Cancelled> {
        if self.is_set() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The steps of a part of the work: each tells how far the whole is.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    progress: Progress<'a>,
    /// What share of the work this part is: from here to there.
    part: Range<f32>,
    done: AtomicUsize,
    of: usize,
}

impl<'a> Steps<'a> {
    pub(crate) const fn new(progress: Progress<'a>, part: Range<f32>, of: usize) -> Self {
        Self { progress, part, done: AtomicUsize::new(0), of }
    }

    /// One more step is done. Of many steps about one in a hundred is told.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Relaxed) + 1;
        if done.is_multiple_of((self.of / 100).max(1)) {
            let share = done as f32 / self.of.max(1) as f32;
            self.progress.tell(self.part.start + (self.part.end - self.part.start) * share.min(1.0));
        }
    }
}
