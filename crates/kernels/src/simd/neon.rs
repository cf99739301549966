//! Four values per vector: aarch64 Advanced SIMD, part of every aarch64 CPU.

use std::arch::aarch64::*;

use super::{Dot4, Popcount, Simd, ops};

/// 128-bit vectors.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// Lane `i` counts as bit `i` of a comparison.
static BITS: [u32; 4] = [1, 2, 4, 8];

impl Simd for Neon {
    type F = float32x4_t;
    type I = int32x4_t;
    type Block = [float32x4_t; 4];
    const LANES: usize = 4;

    ops! {
        splat(x: f32) -> float32x4_t = vdupq_n_f32(x);
        load(p: *const f32) -> float32x4_t = vld1q_f32(p);
        load_partial(p: *const f32, n: usize) -> float32x4_t = {
            let mut x = [0.0f32; 4];
            p.cast::<u8>().copy_to_nonoverlapping(x.as_mut_ptr().cast(), n * 4);
            vld1q_f32(x.as_ptr())
        };
        store(p: *mut f32, v: float32x4_t) = vst1q_f32(p, v);
        add(a: float32x4_t, b: float32x4_t) -> float32x4_t = vaddq_f32(a, b);
        sub(a: float32x4_t, b: float32x4_t) -> float32x4_t = vsubq_f32(a, b);
        fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t = vfmaq_f32(c, a, b);
        abs(a: float32x4_t) -> float32x4_t = vabsq_f32(a);
        max(a: float32x4_t, b: float32x4_t) -> float32x4_t = vmaxq_f32(a, b);
        count_ne(acc: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t = {
            let one = vreinterpretq_u32_f32(vdupq_n_f32(1.0));
            vaddq_f32(acc, vreinterpretq_f32_u32(vbicq_u32(one, vceqq_f32(a, b))))
        };
        div_or_zero(a: float32x4_t, b: float32x4_t) -> float32x4_t = {
            let ratio = vreinterpretq_u32_f32(vdivq_f32(a, b));
            vreinterpretq_f32_u32(vbicq_u32(ratio, vceqzq_f32(b)))
        };
        count_both(acc: int32x4_t, a: float32x4_t, b: float32x4_t) -> int32x4_t = {
            let either_zero = vorrq_u32(vceqzq_f32(a), vceqzq_f32(b));
            vsubq_s32(acc, vreinterpretq_s32_u32(vmvnq_u32(either_zero)))
        };
        le(a: float32x4_t, b: float32x4_t) -> u32 =
            vaddvq_u32(vandq_u32(vcleq_f32(a, b), vld1q_u32(BITS.as_ptr())));
        reduce_add(a: float32x4_t) -> f32 = vaddvq_f32(a);
        reduce_max(a: float32x4_t) -> f32 = vmaxvq_f32(a);
        block(v: float32x4_t) -> [float32x4_t; 4] = [v; 4];
        transpose(b: &mut [float32x4_t; 4]) = transpose(b);
        bits(a: float32x4_t) -> int32x4_t = vreinterpretq_s32_f32(a);
        floats(a: int32x4_t) -> float32x4_t = vreinterpretq_f32_s32(a);
        splat_i(x: i32) -> int32x4_t = vdupq_n_s32(x);
        load_i(p: *const i32) -> int32x4_t = vld1q_s32(p);
        store_i(p: *mut i32, v: int32x4_t) = vst1q_s32(p, v);
        add_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = vaddq_s32(a, b);
        sub_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = vsubq_s32(a, b);
        max_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = vmaxq_s32(a, b);
        xor_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = veorq_s32(a, b);
        and_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = vandq_s32(a, b);
        or_i(a: int32x4_t, b: int32x4_t) -> int32x4_t = vorrq_s32(a, b);
        shl16_i(a: int32x4_t) -> int32x4_t = vshlq_n_s32::<16>(a);
        shr8_i(a: int32x4_t) -> int32x4_t = vshrq_n_s32::<8>(a);
        shr4_i(a: int32x4_t) -> int32x4_t = vreinterpretq_s32_u8(vshrq_n_u8::<4>(vreinterpretq_u8_s32(a)));
        abs_diff_u8(a: int32x4_t, b: int32x4_t) -> int32x4_t =
            vreinterpretq_s32_u8(vabdq_u8(vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)));
        le_i(a: int32x4_t, b: int32x4_t) -> u32 =
            vaddvq_u32(vandq_u32(vcleq_s32(a, b), vld1q_u32(BITS.as_ptr())));
        reduce_add_i(a: int32x4_t) -> u32 = vaddvq_s32(a).cast_unsigned();
    }
}

/// Pairs of columns, then pairs of pairs.
///
/// # Safety
///
/// NEON is present.
#[inline(always)]
unsafe fn transpose(b: &mut [float32x4_t; 4]) {
    // SAFETY: the contract of this function.
    unsafe {
        let (even01, odd01) = (vtrn1q_f32(b[0], b[1]), vtrn2q_f32(b[0], b[1]));
        let (even23, odd23) = (vtrn1q_f32(b[2], b[3]), vtrn2q_f32(b[2], b[3]));
        b[0] = low_halves(even01, even23);
        b[1] = low_halves(odd01, odd23);
        b[2] = high_halves(even01, even23);
        b[3] = high_halves(odd01, odd23);
    }
}

/// # Safety
///
/// NEON is present.
#[inline(always)]
unsafe fn low_halves(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: the contract of this function.
    unsafe { vcombine_f32(vget_low_f32(a), vget_low_f32(b)) }
}

/// # Safety
///
/// NEON is present.
#[inline(always)]
unsafe fn high_halves(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: the contract of this function.
    unsafe { vcombine_f32(vget_high_f32(a), vget_high_f32(b)) }
}

impl Popcount for Neon {
    type S = Neon;

    ops! {
        add_ones(acc: int32x4_t, x: int32x4_t) -> int32x4_t = {
            let ones = vpaddlq_u8(vcntq_u8(vreinterpretq_u8_s32(x)));
            vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(acc), ones))
        };
    }
}

/// Byte products widened to 16 bits, then added in pairs; exact, but no faster than f32.
pub(crate) struct Widen;

impl Dot4 for Widen {
    type S = Neon;
    type A = uint8x16_t;
    type B = uint8x16_t;
    const FLIP: u8 = 0;

    ops! {
        left(x: int32x4_t) -> uint8x16_t = vreinterpretq_u8_s32(x);
        right(x: int32x4_t) -> uint8x16_t = vreinterpretq_u8_s32(x);
        dot(acc: int32x4_t, a: uint8x16_t, b: uint8x16_t) -> int32x4_t = {
            let low = vpaddlq_u16(vmull_u8(vget_low_u8(a), vget_low_u8(b)));
            let high = vpaddlq_u16(vmull_high_u8(a, b));
            vaddq_s32(acc, vreinterpretq_s32_u32(vpaddq_u32(low, high)))
        };
        squares(acc: int32x4_t, x: int32x4_t) -> int32x4_t = {
            let x = vreinterpretq_u8_s32(x);
            let sum = vpadalq_u16(vreinterpretq_u32_s32(acc), vmull_u8(vget_low_u8(x), vget_low_u8(x)));
            vreinterpretq_s32_u32(vpadalq_u16(sum, vmull_high_u8(x, x)))
        };
        squares_u4(acc: int32x4_t, x: int32x4_t, y: int32x4_t) -> int32x4_t = {
            // Bytes below 16: a square fits a byte, two fit 16 bits.
            let (x, y) = (vreinterpretq_u8_s32(x), vreinterpretq_u8_s32(y));
            let sums = vpadalq_u8(vpaddlq_u8(vmulq_u8(x, x)), vmulq_u8(y, y));
            vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(acc), sums))
        };
        dot_i8(acc: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t = {
            let (a, b) = (vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
            let sum = vpadalq_s16(acc, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
            vpadalq_s16(sum, vmull_high_s8(a, b))
        };
    }
}

/// Byte products by the dot-product extension.
pub(crate) struct Udot;

impl Dot4 for Udot {
    type S = Neon;
    type A = uint8x16_t;
    type B = uint8x16_t;
    const FLIP: u8 = 0;

    ops! {
        left(x: int32x4_t) -> uint8x16_t = vreinterpretq_u8_s32(x);
        right(x: int32x4_t) -> uint8x16_t = vreinterpretq_u8_s32(x);
        // Assembly, because the intrinsics are not stable yet.
        dot(acc: int32x4_t, a: uint8x16_t, b: uint8x16_t) -> int32x4_t = {
            let mut sum = acc;
            std::arch::asm!(
                "udot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
                sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags)
            );
            sum
        };
        squares(acc: int32x4_t, x: int32x4_t) -> int32x4_t = Self::dot(acc, Self::left(x), Self::right(x));
        squares_u4(acc: int32x4_t, x: int32x4_t, y: int32x4_t) -> int32x4_t =
            Self::squares(Self::squares(acc, x), y);
        dot_i8(acc: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t = {
            let mut sum = acc;
            std::arch::asm!(
                "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
                sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags)
            );
            sum
        };
    }
}
