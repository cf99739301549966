//! One table of function pointers per instruction set.
//!
//! ```text
//!   define   macros that make a set out of generic bodies
//!   x86      sets that add to another one
//! ```

#[macro_use]
mod define;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::bf16::{self, Bf16};
use crate::isa::Isa;
use crate::kernels::Kernels;
use crate::pair::{
    AbsSum, BITS_LONGEST, BitAnd, BitAndOr, BitHamming, BrayCurtis, ByteKernel, ByteOp, Canberra, CountNonZero,
    Hamming, I8Dot, Ip, L1, L2Sq, Linf, PairKernel, PairOp, U4L2Sq, U8Dot, U8L2Sq, Words, against, against_four,
};
use crate::panel::{FloatSteps, IntSteps, PanelKernel, PanelKernels};
use crate::scan;
#[cfg(target_arch = "aarch64")]
use crate::simd::neon;
use crate::simd::words::{Bytes, Floats, Widened};
use crate::simd::{Popcount, Simd, WordDot, scalar};
#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2, avx512};
use crate::sparse::{self, SparsePanel};
use crate::tile::{self, Element, Layout};
use crate::tile_scan::{Hit, TileScan, scan_tile};

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::AMX;

kernel_set!(
    SCALAR in scalar_set: Isa::Scalar, [inline(never)], scalar::Scalar, scalar::Scalar,
    vnni: false, u8_pays: false, group: 4, f32: [4, 4, 2], bf16: 4, u8: [Bytes<scalar::Scalar>, 4, 4, 2], panel: 32,
    sums: [4, 4, 2]
);

kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX2 in avx2_set: Isa::Avx2, [target_feature(enable = "avx2,fma")], avx2::Avx2, avx2::Madd256,
    vnni: false, u8_pays: true, group: 2, f32: [6, 2, 1], bf16: 4, u8: [avx2::Pairs256, 6, 2, 1], panel: 4,
    sums: [4, 2, 1]
);

kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX2_VNNI in avx2_vnni_set: Isa::Avx2, [target_feature(enable = "avx2,fma,avxvnni")], avx2::Avx2, avx2::Vnni256,
    vnni: true, u8_pays: true, group: 2, f32: [6, 2, 1], bf16: 4, u8: [Bytes<avx2::Vnni256>, 6, 2, 1], panel: 4,
    sums: [4, 2, 1]
);

kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512 in avx512_set: Isa::Avx512, [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")],
    avx512::Avx512, avx512::Madd512,
    vnni: false, u8_pays: false, group: 4, f32: [12, 2, 1], bf16: 12, u8: [avx512::Pairs512, 12, 2, 1], panel: 2,
    sums: [12, 2, 1]
);

kernel_set!(
    #[cfg(target_arch = "x86_64")]
    AVX512_VNNI in avx512_vnni_set: Isa::Avx512,
    [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")],
    avx512::Avx512, avx512::Vnni512,
    vnni: true, u8_pays: true, group: 4, f32: [12, 2, 1], bf16: 12, u8: [Bytes<avx512::Vnni512>, 12, 2, 1], panel: 2,
    sums: [12, 2, 1]
);

kernel_set!(
    #[cfg(target_arch = "aarch64")]
    NEON in neon_set: Isa::Neon, [target_feature(enable = "neon")], neon::Neon, neon::Widen,
    vnni: false, u8_pays: false, group: 4, f32: [8, 2, 1], bf16: 8, u8: [Bytes<neon::Widen>, 4, 2, 1], panel: 8,
    sums: [8, 2, 1]
);

kernel_set!(
    #[cfg(target_arch = "aarch64")]
    NEON_DOT in neon_dot_set: Isa::Neon, [target_feature(enable = "neon,dotprod")], neon::Neon, neon::Udot,
    vnni: true, u8_pays: true, group: 4, f32: [8, 2, 1], bf16: 8, u8: [Bytes<neon::Udot>, 8, 2, 1], panel: 8,
    sums: [8, 2, 1]
);

/// Every set whose instructions this CPU has, slowest first.
pub(crate) fn available() -> Vec<&'static Kernels> {
    #[allow(unused_mut, reason = "other CPUs have the scalar set only")]
    let mut sets = vec![&SCALAR];
    #[cfg(target_arch = "x86_64")]
    x86::add(&mut sets);
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        sets.push(&NEON);
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            sets.push(&NEON_DOT);
        }
    }
    sets
}
