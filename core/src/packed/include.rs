//! Index files in the program itself.

/// The bytes of an index file as part of the program, at an address that suits [`Packed::open`](crate::Packed::open): a
/// `&'static [u8]`, without a copy and without `unsafe`.
///
/// As `include_bytes!`, whose bytes may lie anywhere, it takes a path beside the file that it stands in.
///
/// ```
/// use ohyeah_core::packed::Search;
/// use ohyeah_core::{Packed, include_packed};
///
/// static BYTES: &[u8] =
///     include_packed!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/packed/v2/angular-n300-d19-keys.oy"));
///
/// let index = Packed::open(BYTES)?;
/// index.verify()?;
/// let nearest = index.search(index.vector(7).unwrap_or(&[]), &Search::top(1))?;
/// assert_eq!(nearest[0].id, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! include_packed {
    ($path:expr $(,)?) => {{
        #[repr(C, align(64))]
        struct Aligned<B: ?Sized>(B);
        const ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &ALIGNED.0
    }};
}
