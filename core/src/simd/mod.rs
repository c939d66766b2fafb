//! Kernels: the few loops in which a search spends its time, once for each instruction set.
//!
//! A [`Backend`] says which of them to use. It is detected once, copied and passed by hand, and matched once a call.
//!
//! # The lane contract
//!
//! A sum of floats depends on the order of its terms, and an index that a phone builds should equal the one that a server
//! builds. So the order is fixed, and every backend follows it:
//!
//! * There are 32 lanes. Lane `j` sums the terms of elements `j`, `j + 32`, `j + 64`, … in that order.
//! * A last block of fewer than 32 elements is padded with zeros.
//! * The lanes fold by halves: lane `j` takes lane `j + 16`, then `j + 8`, `j + 4`, `j + 2`, `j + 1`.
//!
//! 32 lanes are two AVX-512 registers, four of AVX2 or eight of NEON: enough chains to hide an addition's latency.
//!
//! What remains is whether a product is rounded before it is added. AVX2, AVX-512 and NEON fuse the two; scalar code and
//! [`wide`] do not (a fused operation in software is many times slower). Thus there are two *rounding families*
//! ([`Backend::is_fused`]): within one, results are equal to the bit; between them, to the last few bits. [`Backend::l1`]
//! has no product, [`Backend::dot_i8_many`] and [`Backend::hamming`] are of integers: they are equal everywhere. (A NaN is a NaN; its payload is not part
//! of the contract.)

// Each only where its registers are compiled in: a target whose floats are in software (x86_64-unknown-none) has no vectors.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod aarch64;
pub(crate) mod in_f64;
pub(crate) mod masks;
mod portable;
mod prefetch;
mod scalar;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86_64;

use core::fmt;

pub(crate) use prefetch::{prefetch, prefetch_lines};

/// The number of sums that run side by side in every float kernel.
const LANES: usize = 32;
/// Elements that an integer kernel takes at a time: a cache line of bytes.
const BYTES: usize = 64;

/// Rows in a block of 4-bit codes.
pub const SCAN_ROWS: usize = 32;
/// Rows in a tile.
pub const TILE_ROWS: usize = 16;
/// Bytes of a tile that lie beside each other: four of each row.
pub const TILE_BYTES: usize = 4 * TILE_ROWS;

/// The longest length that all of the vectors reach.
///
/// Every kernel cuts its arguments to it, in release builds too: what lies beyond is not read.
#[inline]
fn common_length<A, B, const N: usize>(a: &[A], rows: [&[B]; N]) -> usize {
    rows.iter().fold(a.len(), |len, row| len.min(row.len()))
}

/// The elements of a last block of an integer kernel, zeros beyond its end.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline]
fn pad<T: Copy + Default>(tail: &[T]) -> [T; BYTES] {
    let mut block = [T::default(); BYTES];
    for (to, from) in block.iter_mut().zip(tail) {
        *to = *from;
    }
    block
}

/// Which instruction set computes.
///
/// ```
/// use ohyeah_core::simd::Backend;
///
/// let backend = Backend::detect();
/// assert_eq!(backend.dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
/// ```
///
/// The value is a proof: safe code gets one for AVX2 only where AVX2 may be used. All kernels look at the part of their
/// arguments that has the same length; give them equal lengths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Backend(Tier);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    Scalar,
    Portable,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx2(x86_64::Avx2),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx512(x86_64::Avx512),
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    Neon(aarch64::Neon),
}

/// Calls the kernel of the backend's own file.
macro_rules! dispatch {
    ($backend:ident, $kernel:ident($($argument:expr),*)) => {
        match $backend.0 {
            Tier::Scalar => scalar::$kernel($($argument),*),
            Tier::Portable => portable::$kernel($($argument),*),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            // SAFETY: the token exists only where `detect` saw AVX2, FMA and POPCNT, all that the kernels enable.
            Tier::Avx2(_) => unsafe { x86_64::avx2::$kernel($($argument),*) },
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            // SAFETY: the token exists only where `detect` saw the AVX-512 subsets that the kernels enable.
            Tier::Avx512(_) => unsafe { x86_64::avx512::$kernel($($argument),*) },
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            // SAFETY: the token exists only where the target has NEON, all that the kernels enable.
            Tier::Neon(_) => unsafe { aarch64::neon::$kernel($($argument),*) },
        }
    };
}

#[allow(unsafe_code)]
impl Backend {
    /// The fastest backend of this machine.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().last().unwrap_or(Self::baseline())
    }

    /// The fastest backend that needs no detection: NEON on 64-bit Arm, else the portable one.
    #[must_use]
    pub fn baseline() -> Self {
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        if let Some(token) = aarch64::Neon::detect() {
            return Self(Tier::Neon(token));
        }
        Self(Tier::Portable)
    }

    /// Every backend that works on this machine, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let tiers = [
            Some(Tier::Scalar),
            Some(Tier::Portable),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            x86_64::Avx2::detect().map(Tier::Avx2),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            x86_64::Avx512::detect().map(Tier::Avx512),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            aarch64::Neon::detect().map(Tier::Neon),
        ];
        tiers.into_iter().flatten().map(Self)
    }

    /// The name: `scalar`, `portable`, `avx2`, `avx512` or `neon`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Tier::Scalar => "scalar",
            Tier::Portable => "portable",
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Tier::Avx2(_) => "avx2",
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Tier::Avx512(_) => "avx512",
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Tier::Neon(_) => "neon",
        }
    }

    /// Whether products are added without being rounded first. Backends that agree in this agree to the bit.
    #[must_use]
    pub const fn is_fused(self) -> bool {
        !matches!(self.0, Tier::Scalar | Tier::Portable)
    }

    /// The dot product Σ aᵢ·bᵢ.
    #[must_use]
    pub fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        let [sum] = self.dot_many(a, [b]);
        sum
    }

    /// The dot products of one vector with `N` others, each equal to [`dot`](Self::dot).
    ///
    /// Four at a time cost about half of four calls: the vector is loaded once and the chains of additions overlap.
    #[must_use]
    pub fn dot_many<const N: usize>(self, a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
        dispatch!(self, dot(a, rows))
    }

    /// The dot products of a vector with vectors of its length that lie one after the other, and of those with themselves, in one
    /// pass over memory; each equal to [`dot`](Self::dot). What vectors there are beyond the sums, or sums beyond the vectors,
    /// are left alone.
    pub fn dot_and_square_rows(self, a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
        if let Some(count) = rows.len().checked_div(a.len()) {
            let count = count.min(products.len()).min(squares.len());
            let (rows, products) = (&rows[..count * a.len()], &mut products[..count]);
            dispatch!(self, dot_and_square_rows(a, rows, products, &mut squares[..count]));
        }
    }

    /// The squared Euclidean distances from a vector to vectors of its length that lie one after the other, each equal to
    /// [`squared_l2`](Self::squared_l2). What vectors there are beyond the sums, or sums beyond the vectors, are left alone.
    pub fn squared_l2_rows(self, a: &[f32], rows: &[f32], sums: &mut [f32]) {
        if let Some(count) = rows.len().checked_div(a.len()) {
            let count = count.min(sums.len());
            dispatch!(self, squared_l2_rows(a, &rows[..count * a.len()], &mut sums[..count]));
        }
    }

    /// The squared Euclidean distance Σ (aᵢ − bᵢ)².
    #[must_use]
    pub fn squared_l2(self, a: &[f32], b: &[f32]) -> f32 {
        let [sum] = self.squared_l2_many(a, [b]);
        sum
    }

    /// The squared Euclidean distances from one vector to `N` others, each equal to [`squared_l2`](Self::squared_l2).
    #[must_use]
    pub fn squared_l2_many<const N: usize>(self, a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
        dispatch!(self, squared_l2(a, rows))
    }

    /// The Manhattan distance Σ |aᵢ − bᵢ|.
    #[must_use]
    pub fn l1(self, a: &[f32], b: &[f32]) -> f32 {
        let [sum] = self.l1_many(a, [b]);
        sum
    }

    /// The Manhattan distances from one vector to `N` others, each equal to [`l1`](Self::l1).
    #[must_use]
    pub fn l1_many<const N: usize>(self, a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
        dispatch!(self, l1(a, rows))
    }

    /// On which side of a plane a vector lies, and how far: `normal`·`x` + `offset`, in units of the normal's length.
    #[must_use]
    pub fn margin(self, normal: &[f32], offset: f32, x: &[f32]) -> f32 {
        self.dot(normal, x) + offset
    }

    /// y ← a·x + b·y, as BLAS's extension `axpby` has it: `y` times `b` is rounded first.
    pub fn axpby(self, a: f32, x: &[f32], b: f32, y: &mut [f32]) {
        dispatch!(self, axpby(a, x, b, y));
    }

    /// The dot product in f64: the same on every backend.
    #[must_use]
    pub fn dot_f64(self, a: &[f32], b: &[f32]) -> f64 {
        dispatch!(self, dot_f64(a, b))
    }

    /// The squared Euclidean distance in f64: the same on every backend.
    #[must_use]
    pub fn squared_l2_f64(self, a: &[f32], b: &[f32]) -> f64 {
        dispatch!(self, squared_l2_f64(a, b))
    }

    /// The dot products Σ aᵢ·bᵢ of one vector of 16-bit integers with `N` of 8 bits, modulo 2³²: the same on every backend.
    #[must_use]
    pub fn dot_i8_many<const N: usize>(self, a: &[i16], rows: [&[i8]; N]) -> [i32; N] {
        dispatch!(self, dot_i8(a, rows))
    }

    /// The dot products Σ qᵢ·xᵢ of a query of signed bytes with `N` rows of 7-bit numbers, 0 to 127: the same on every
    /// backend. (A larger byte in a row is a caller's mistake; the product is then any number.)
    #[must_use]
    pub fn dot_u7_many<const N: usize>(self, query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
        dispatch!(self, dot_u7(query, rows))
    }

    /// The dot products of a query with rows that lie one after the other, `width` lines each, of which the query has the first:
    /// each equal to [`dot_u7_many`](Self::dot_u7_many), and the same on every backend. Rows beyond the sums, or sums beyond the
    /// rows, are left alone, and so is everything where rows have no more lines than none.
    pub fn dot_u7_lines(self, query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize, sums: &mut [i32]) {
        if let Some(rows_there) = rows.len().checked_div(width) {
            let count = rows_there.min(sums.len());
            let query = &query[..query.len().min(width)];
            dispatch!(self, dot_u7_lines(query, &rows[..count * width], width, &mut sums[..count]));
        }
    }

    /// The dot products of every query with every row of a tile: `sums[q][r]` for query `q` and row `r`. The same on every
    /// backend.
    ///
    /// A tile is sixteen rows of 7-bit numbers, four bytes of each row beside four of the next: `tile[k][4·r + i]` is number
    /// 4·k + i of row `r`. Queries lie one after the other, 4 · `tile.len()` signed bytes each. What queries there are
    /// beyond `sums`, or sums beyond the queries, are left alone, and so is everything where the tile is empty.
    pub fn tile_u7(self, queries: &[i8], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]]) {
        if !tile.is_empty() {
            dispatch!(self, tile_u7(queries, tile, sums));
        }
    }

    /// Sums of table entries that 4-bit codes choose, for 32 rows a block: the scan of product-quantised rows (André,
    /// Kermarrec, Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
    /// quantization fast scan", 2015). The same on every backend.
    ///
    /// There are 2·w tables of sixteen entries, each at most 63. A block is w times 32 bytes: byte `v` of the `j`-th holds
    /// row `v`'s code for table 2·j in its low half and for table 2·j + 1 in its high half. `sums[b][v]` becomes the sum,
    /// modulo 2¹⁶, for row `v` of block `b`. Blocks beyond the sums, or sums beyond the blocks, are left alone, and so is
    /// everything where there are no tables; a last table without a partner is not used.
    pub fn scan_4bit(self, codes: &[[u8; SCAN_ROWS]], tables: &[[u8; 16]], sums: &mut [[u16; SCAN_ROWS]]) {
        let (pairs, _) = tables.as_chunks::<2>();
        if !pairs.is_empty() {
            dispatch!(self, scan_4bit(codes, pairs, sums));
        }
    }

    /// The number of bits in which two bit strings differ, 64 bits a word.
    #[must_use]
    pub fn hamming(self, a: &[u64], b: &[u64]) -> u64 {
        dispatch!(self, hamming(a, b))
    }

    /// Keeps in each lane the better of the best so far and the scores of a tile: `step` · sum + bias for each query's own step
    /// and each lane's bias, rounded twice on every backend. `best` has for each query its best scores and the tiles that
    /// they came from; a lane changes where its score is greater.
    pub fn best_of_tile(
        self,
        steps: &[f32],
        sums: &[[i32; TILE_ROWS]],
        biases: &[f32; TILE_ROWS],
        tile: u32,
        best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
    ) {
        dispatch!(self, best_of_tile(steps, sums, biases, tile, best));
    }

    /// Which scores of a tile exceed a limit: `step` · sum + bias for each query's own step and limit and each lane's bias,
    /// rounded twice on every backend; bit `r` of a query's mask for row `r`.
    pub fn lanes_above(
        self,
        steps: &[f32],
        limits: &[f32],
        sums: &[[i32; TILE_ROWS]],
        biases: &[f32; TILE_ROWS],
        masks: &mut [u16],
    ) {
        dispatch!(self, lanes_above(steps, limits, sums, biases, masks));
    }

    /// Which sums of blocks of 32 rows reach a limit: bit `v` of a block's mask for row `v`. Sums beyond the masks are left out.
    pub fn rows_reaching(self, limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
        dispatch!(self, rows_reaching(limit, sums, masks));
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backend").field(&self.name()).finish()
    }
}
