//! Asking for memory before it is needed.

/// Asks the processor to fetch the start of `row` into its caches: up to eight lines of 64 bytes, after which its own
/// prefetcher has understood. A hint: it changes no result and never faults. Nothing where there is no such instruction
/// to be had in stable Rust.
#[inline]
pub(crate) fn prefetch<T>(row: &[T]) {
    prefetch_lines(row, 8);
}

/// Asks for as many lines of memory.
#[inline]
pub(crate) fn prefetch_lines<T>(row: &[T], most: usize) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        const LINE: usize = 64;
        let start = row.as_ptr().cast::<i8>();
        let lines = size_of_val(row).div_ceil(LINE).min(most);
        for line in 0..lines {
            // SAFETY: the target has SSE, a prefetch reads nothing the program can see, and `wrapping_add` makes no
            // claim about the address.
            #[allow(unsafe_code)]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE));
            }
        }
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
    let _ = (row, most);
}
