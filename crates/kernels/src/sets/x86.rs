//! Sets for x86-64 that add to another one, and what tells which of all this CPU runs.

use super::*;

mod vpopcnt {
    use super::*;
    use crate::simd::avx512::{Avx512, Vpopcnt};

    pair_kernels!([target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,fma")], Avx512, group: 4);

    panel_kernels!(
        [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,fma")],
        Isa::Avx512,
        Avx512,
        [12, 2, 1]
    );

    pub(crate) const TABLE: Kernels = Kernels {
        vpopcnt: true,
        bit_hamming: bytes::<BitHamming<Vpopcnt>>(),
        bit_and_or: and_or::<Vpopcnt>(),
        panels: PanelKernels {
            bit_and: sums::<u8, IntSteps<Avx512, Words<BitAnd<Vpopcnt>>>>(),
            ..avx512_vnni_set::TABLE.panels
        },
        ..avx512_vnni_set::TABLE
    };
}

/// VNNI and VPOPCNTDQ, as every CPU since Ice Lake and Zen 4 has them.
static AVX512_VNNI_VPOPCNT: Kernels = vpopcnt::TABLE;

mod avx512_bf16 {
    use super::*;
    use crate::simd::avx512::Bf16Pairs;

    // SAFETY of the body: `dot` has the contract of what it wraps, and the attribute makes its
    // instructions available.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")]
    unsafe fn dot_bf16(
        a: *const Bf16,
        n: usize,
        lda: usize,
        b: *const u32,
        cols: usize,
        dim: usize,
        out: *mut f32,
        ld: usize,
    ) {
        // SAFETY: as above.
        unsafe { tile::dot::<Bf16Pairs, 12, 2, 1>(a.cast(), n, 2 * lda, b.cast(), cols, 2 * dim, out, ld) }
    }

    pub(crate) const TABLE: Kernels = Kernels { bf16: true, dot_bf16, ..vpopcnt::TABLE };
}

/// With AVX512_BF16 as well: Zen 4, Sapphire Rapids and later.
static AVX512_VNNI_VPOPCNT_BF16: Kernels = avx512_bf16::TABLE;

/// That, with the products of bytes and bf16 by AMX.
pub(crate) static AMX: Kernels = {
    let layout = Layout { isa: Isa::Amx, width: amx::WIDTH, flip: 0, step: amx::STEP, split: false };
    Kernels {
        isa: Isa::Amx,
        layout_f32: Layout { isa: Isa::Amx, ..avx512_bf16::TABLE.layout_f32 },
        layout_bf16: layout,
        layout_u8: layout,
        dot_bf16: amx::dot_bf16,
        dot_u8: amx::dot_u8,
        ..avx512_bf16::TABLE
    }
};

/// Adds the sets that this CPU has, slowest first.
pub(super) fn add(sets: &mut Vec<&'static Kernels>) {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx2") && has!("fma")) {
        return;
    }
    sets.push(&AVX2);
    if has!("avxvnni") {
        sets.push(&AVX2_VNNI);
    }
    if !(has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")) {
        return;
    }
    sets.push(&AVX512);
    if has!("avx512vnni") {
        sets.push(match (has!("avx512vpopcntdq"), has!("avx512bf16")) {
            (true, true) => &AVX512_VNNI_VPOPCNT_BF16,
            (true, false) => &AVX512_VNNI_VPOPCNT,
            (false, _) => &AVX512_VNNI,
        });
        if has!("avx512vpopcntdq") && has!("avx512bf16") && amx::usable() {
            sets.push(&AMX);
        }
    }
}
