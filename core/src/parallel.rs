//! Parallelism without std: the crate says what may run side by side, the caller brings the threads.

use alloc::vec::Vec;

/// Runs two closures, perhaps at the same time.
///
/// The crate is written against this one way of forking (the idea is BLAKE3's). [`Serial`] runs one after the other; the crate
/// `ohyeah` has one over rayon. Results never depend on which it is.
///
/// ```
/// use ohyeah_core::packed::BuildOptions;
/// use ohyeah_core::{Join, Metric, Packed};
///
/// /// Threads of the standard library, without a pool.
/// enum Scoped {}
///
/// impl Join for Scoped {
///     fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
///     where
///         A: FnOnce() -> RA + Send,
///         B: FnOnce() -> RB + Send,
///         RA: Send,
///         RB: Send,
///     {
///         std::thread::scope(|scope| {
///             let b = scope.spawn(b);
///             (a(), b.join().expect("no panic"))
///         })
///     }
/// }
///
/// let index = Packed::build_with::<Scoped>(Metric::Dot, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert_eq!(index.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Join {
    /// Runs both and returns both results.
    fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send;

    /// About how many threads there are: work is cut and memory used in proportion. Changes no result.
    #[must_use]
    fn threads() -> usize {
        1
    }
}

/// One after the other, on the calling thread.
///
/// ```
/// use ohyeah_core::{Join, Serial};
///
/// assert_eq!(Serial::join(|| 1, || 2), (1, 2));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Serial {}

impl Join for Serial {
    fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        (a(), b())
    }
}

/// The values of `f` at each number of `range`, in order.
pub(crate) fn map<J: Join, T: Send>(range: core::ops::Range<usize>, f: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    if range.len() <= 1 {
        return range.map(f).collect();
    }
    let middle = range.start + range.len() / 2;
    let (mut left, right) = J::join(|| map::<J, T>(range.start..middle, f), || map::<J, T>(middle..range.end, f));
    left.extend(right);
    left
}

/// Calls `f` with the number of each chunk of a slice, and the chunk.
pub(crate) fn for_each_chunk<J: Join, T: Send>(slice: &mut [T], length: usize, f: &(impl Fn(usize, &mut [T]) + Sync)) {
    fn from<J: Join, T: Send>(first: usize, slice: &mut [T], length: usize, f: &(impl Fn(usize, &mut [T]) + Sync)) {
        let chunks = slice.len().div_ceil(length);
        if chunks <= 1 {
            if !slice.is_empty() {
                f(first, slice);
            }
            return;
        }
        let (left, right) = slice.split_at_mut(chunks / 2 * length);
        J::join(|| from::<J, T>(first, left, length, f), || from::<J, T>(first + chunks / 2, right, length, f));
    }
    from::<J, T>(0, slice, length.max(1), f);
}
