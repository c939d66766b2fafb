//! What the processor and the operating system allow, without std.
//!
//! An instruction set needs both: CPUID says what the processor has, XCR0 which registers the operating system saves at
//! a task switch. A program that asks CPUID alone computes garbage, now and then, where the second is missing.

/// Proof that AVX2, FMA and POPCNT may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simd) struct Avx2(());

/// Proof that AVX-512 F, BW, DQ, VL, VNNI and VPOPCNTDQ may be used (Ice Lake, Zen 4 and later), and all of [`Avx2`].
///
/// One level and not a choice of subsets: the processors in between have AVX-512 that lowers their clock, and AVX2 that
/// is as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simd) struct Avx512(());

impl Avx2 {
    pub(in crate::simd) fn detect() -> Option<Self> {
        (found() & FOUND_AVX2 != 0).then_some(Self(()))
    }
}

impl Avx512 {
    pub(in crate::simd) fn detect() -> Option<Self> {
        (found() & FOUND_AVX512 != 0).then_some(Self(()))
    }
}

const ASKED: u8 = 1;
const FOUND_AVX2: u8 = 2;
const FOUND_AVX512: u8 = 4;

/// What was found, asked once: in a virtual machine each CPUID leaves it, and takes as long as a search.
fn found() -> u8 {
    use core::sync::atomic::{AtomicU8, Ordering};
    static FOUND: AtomicU8 = AtomicU8::new(0);

    // All that ask at the same time find the same, and nothing else is published with it.
    let known = FOUND.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let registers = Registers::read();
    let has = |test: fn(&Registers) -> bool| registers.as_ref().is_some_and(test);
    let mut found = ASKED;
    if has(Registers::has_avx2) {
        found |= FOUND_AVX2;
        if has(Registers::has_avx512) {
            found |= FOUND_AVX512;
        }
    }
    FOUND.store(found, Ordering::Relaxed);
    found
}

/// The words that answer the question, as the processor gave them.
#[derive(Clone, Copy, Debug)]
struct Registers {
    leaf_1_ecx: u32,
    leaf_7_ebx: u32,
    leaf_7_ecx: u32,
    xcr0: u64,
}

/// Whether all of the numbered bits are set.
fn all(word: u32, bits: &[u32]) -> bool {
    bits.iter().all(|bit| word >> bit & 1 == 1)
}

impl Registers {
    /// None where the questions cannot be asked (an SGX enclave, Miri), where there is no operating system that would save
    /// the registers, or where the answer would be no.
    #[allow(unsafe_code)]
    // `__cpuid` is a safe function from Rust 1.94 on and an unsafe one before.
    #[allow(unused_unsafe)]
    fn read() -> Option<Self> {
        use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
        const OSXSAVE: u32 = 27;

        if cfg!(any(target_env = "sgx", target_os = "none", target_os = "uefi", miri)) {
            return None;
        }
        // SAFETY: every x86-64 processor has CPUID, and leaf 0 says which leaves it answers.
        let (leaf_1, leaf_7) = unsafe {
            if __cpuid(0).eax < 7 {
                return None;
            }
            (__cpuid(1), __cpuid_count(7, 0))
        };
        if !all(leaf_1.ecx, &[OSXSAVE]) {
            return None;
        }
        // SAFETY: OSXSAVE, checked above, says that XGETBV exists and that the operating system has switched it on.
        let xcr0 = unsafe { _xgetbv(0) };
        Some(Self { leaf_1_ecx: leaf_1.ecx, leaf_7_ebx: leaf_7.ebx, leaf_7_ecx: leaf_7.ecx, xcr0 })
    }

    fn has_avx2(&self) -> bool {
        const XMM_YMM: u64 = 0b110;
        const FMA: u32 = 12;
        const POPCNT: u32 = 23;
        const AVX: u32 = 28;
        const AVX2: u32 = 5;
        self.xcr0 & XMM_YMM == XMM_YMM && all(self.leaf_1_ecx, &[FMA, POPCNT, AVX]) && all(self.leaf_7_ebx, &[AVX2])
    }

    fn has_avx512(&self) -> bool {
        const XMM_YMM_MASKS_ZMM: u64 = 0xe6;
        const F16C: u32 = 29;
        const F: u32 = 16;
        const DQ: u32 = 17;
        const BW: u32 = 30;
        const VL: u32 = 31;
        const VNNI: u32 = 11;
        const VPOPCNTDQ: u32 = 14;
        self.xcr0 & XMM_YMM_MASKS_ZMM == XMM_YMM_MASKS_ZMM
            // The compiler takes F16C to come with AVX-512.
            && all(self.leaf_1_ecx, &[F16C])
            && all(self.leaf_7_ebx, &[F, DQ, BW, VL])
            && all(self.leaf_7_ecx, &[VNNI, VPOPCNTDQ])
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    const ALL: Registers = Registers { leaf_1_ecx: !0, leaf_7_ebx: !0, leaf_7_ecx: !0, xcr0: !0 };

    #[test]
    fn agrees_with_std() {
        use std::is_x86_feature_detected as has;
        assert_eq!(Avx2::detect().is_some(), has!("avx2") && has!("fma") && has!("popcnt"));
        let avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
        let avx512 = avx512 && has!("avx512vnni") && has!("avx512vpopcntdq");
        assert_eq!(Avx512::detect().is_some(), avx512);
    }

    #[test]
    fn registers_that_the_system_does_not_save_are_not_used() {
        assert!(ALL.has_avx2() && ALL.has_avx512());
        assert!(!Registers { xcr0: 0b010, ..ALL }.has_avx2());
        assert!(Registers { xcr0: 0b110, ..ALL }.has_avx2());
        assert!(!Registers { xcr0: 0b110, ..ALL }.has_avx512());
    }
}
