//! Ways of running two closures that a result must not depend on.

use ohyeah_core::Join;

/// Runs the second closure first, and says that there are `N` threads.
pub(crate) enum Backwards<const N: usize> {}

impl<const N: usize> Join for Backwards<N> {
    fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        let b = b();
        (a(), b)
    }

    fn threads() -> usize {
        N
    }
}

/// A thread of its own for every second closure: both do run at the same time. Says that there are `N`.
pub(crate) enum Threads<const N: usize> {}

impl<const N: usize> Join for Threads<N> {
    fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        std::thread::scope(|scope| {
            let b = scope.spawn(b);
            (a(), b.join().expect("the thread ends"))
        })
    }

    fn threads() -> usize {
        N
    }
}
