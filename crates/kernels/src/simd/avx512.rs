//! Sixteen values per vector: AVX-512 F, BW, DQ and VL.

use std::arch::x86_64::*;

use std::mem::transmute;

use super::words::float_sums;
use super::{Dot4, Popcount, Simd, WordDot, ops};

/// 512-bit vectors.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// Mask of the first `n < 16` lanes.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    (1 << n) - 1
}

impl Simd for Avx512 {
    type F = __m512;
    type I = __m512i;
    type Block = [__m512; 16];
    const LANES: usize = 16;

    ops! {
        splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        load(p: *const f32) -> __m512 = _mm512_loadu_ps(p);
        load_partial(p: *const f32, n: usize) -> __m512 = _mm512_maskz_loadu_ps(first(n), p);
        store(p: *mut f32, v: __m512) = _mm512_storeu_ps(p, v);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        fma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        abs(a: __m512) -> __m512 = _mm512_abs_ps(a);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        count_ne(acc: __m512, a: __m512, b: __m512) -> __m512 =
            _mm512_mask_add_ps(acc, _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, b), acc, _mm512_set1_ps(1.0));
        div_or_zero(a: __m512, b: __m512) -> __m512 =
            _mm512_maskz_div_ps(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(b, _mm512_setzero_ps()), a, b);
        count_both(acc: __m512i, a: __m512, b: __m512) -> __m512i = {
            let a = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, _mm512_setzero_ps());
            let both = a & _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(b, _mm512_setzero_ps());
            _mm512_mask_add_epi32(acc, both, acc, _mm512_set1_epi32(1))
        };
        le(a: __m512, b: __m512) -> u32 = u32::from(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b));
        reduce_add(a: __m512) -> f32 = _mm512_reduce_add_ps(a);
        reduce_max(a: __m512) -> f32 = _mm512_reduce_max_ps(a);
        block(v: __m512) -> [__m512; 16] = [v; 16];
        transpose(b: &mut [__m512; 16]) = transpose(b);
        bits(a: __m512) -> __m512i = _mm512_castps_si512(a);
        floats(a: __m512i) -> __m512 = _mm512_castsi512_ps(a);
        splat_i(x: i32) -> __m512i = _mm512_set1_epi32(x);
        load_i(p: *const i32) -> __m512i = _mm512_loadu_epi32(p);
        store_i(p: *mut i32, v: __m512i) = _mm512_storeu_epi32(p, v);
        add_i(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
        sub_i(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi32(a, b);
        max_i(a: __m512i, b: __m512i) -> __m512i = _mm512_max_epi32(a, b);
        xor_i(a: __m512i, b: __m512i) -> __m512i = _mm512_xor_si512(a, b);
        and_i(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
        or_i(a: __m512i, b: __m512i) -> __m512i = _mm512_or_si512(a, b);
        shl16_i(a: __m512i) -> __m512i = _mm512_slli_epi32::<16>(a);
        shr8_i(a: __m512i) -> __m512i = _mm512_srli_epi32::<8>(a);
        shr4_i(a: __m512i) -> __m512i = _mm512_srli_epi16::<4>(a);
        abs_diff_u8(a: __m512i, b: __m512i) -> __m512i =
            _mm512_or_si512(_mm512_subs_epu8(a, b), _mm512_subs_epu8(b, a));
        le_i(a: __m512i, b: __m512i) -> u32 = u32::from(_mm512_cmple_epi32_mask(a, b));
        reduce_add_i(a: __m512i) -> u32 = _mm512_reduce_add_epi32(a).cast_unsigned();
    }
}

/// 4 x 4 transpositions inside the 128-bit lanes, then the lanes themselves.
///
/// # Safety
///
/// AVX-512 F is present.
#[inline(always)]
unsafe fn transpose(b: &mut [__m512; 16]) {
    // SAFETY: the contract of this function.
    unsafe {
        // Lane q of quads[4 * g + i] is column 4 * q + i of rows 4 * g ..= 4 * g + 3.
        let mut quads = *b;
        for g in 0..4 {
            let (r0, r1, r2, r3) = (b[4 * g], b[4 * g + 1], b[4 * g + 2], b[4 * g + 3]);
            let (lo01, hi01) = (_mm512_unpacklo_ps(r0, r1), _mm512_unpackhi_ps(r0, r1));
            let (lo23, hi23) = (_mm512_unpacklo_ps(r2, r3), _mm512_unpackhi_ps(r2, r3));
            quads[4 * g] = _mm512_shuffle_ps::<0x44>(lo01, lo23);
            quads[4 * g + 1] = _mm512_shuffle_ps::<0xEE>(lo01, lo23);
            quads[4 * g + 2] = _mm512_shuffle_ps::<0x44>(hi01, hi23);
            quads[4 * g + 3] = _mm512_shuffle_ps::<0xEE>(hi01, hi23);
        }
        for i in 0..4 {
            let (a, b4, c, d) = (quads[i], quads[4 + i], quads[8 + i], quads[12 + i]);
            let (ab02, ab13) = (_mm512_shuffle_f32x4::<0x88>(a, b4), _mm512_shuffle_f32x4::<0xDD>(a, b4));
            let (cd02, cd13) = (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xDD>(c, d));
            b[i] = _mm512_shuffle_f32x4::<0x88>(ab02, cd02);
            b[8 + i] = _mm512_shuffle_f32x4::<0xDD>(ab02, cd02);
            b[4 + i] = _mm512_shuffle_f32x4::<0x88>(ab13, cd13);
            b[12 + i] = _mm512_shuffle_f32x4::<0xDD>(ab13, cd13);
        }
    }
}

impl Popcount for Avx512 {
    type S = Avx512;

    ops! {
        // The bytes of 64 bits are added up at once.
        add_ones(acc: __m512i, x: __m512i) -> __m512i =
            _mm512_add_epi32(acc, _mm512_sad_epu8(ones(x), _mm512_setzero_si512()));
        add_ones_each(acc: __m512i, x: __m512i) -> __m512i = {
            let pairs = _mm512_maddubs_epi16(ones(x), _mm512_set1_epi8(1));
            _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
        };
    }
}

/// How many bits are set in every byte: half a byte at a time from a table.
///
/// # Safety
///
/// AVX-512 BW is present.
#[inline(always)]
unsafe fn ones(x: __m512i) -> __m512i {
    // SAFETY: the contract of this function.
    unsafe {
        let table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        let low = _mm512_set1_epi8(0x0F);
        let even = _mm512_shuffle_epi8(table, _mm512_and_si512(x, low));
        let odd = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16::<4>(x), low));
        _mm512_add_epi8(even, odd)
    }
}

/// Set bits by VPOPCNTDQ.
pub(crate) struct Vpopcnt;

impl Popcount for Vpopcnt {
    type S = Avx512;

    ops! {
        add_ones(acc: __m512i, x: __m512i) -> __m512i = _mm512_add_epi32(acc, _mm512_popcnt_epi32(x));
    }
}

/// Byte products by VNNI: unsigned left, signed right.
pub(crate) struct Vnni512;

impl Dot4 for Vnni512 {
    type S = Avx512;
    type A = __m512i;
    type B = __m512i;
    const FLIP: u8 = 0x80;

    ops! {
        left(x: __m512i) -> __m512i = x;
        right(x: __m512i) -> __m512i = x;
        dot(acc: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_dpbusd_epi32(acc, a, b);
        squares(acc: __m512i, x: __m512i) -> __m512i = {
            let [even, odd] = split(x);
            _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(acc, even, even), odd, odd)
        };
        squares_u4(acc: __m512i, x: __m512i, y: __m512i) -> __m512i =
            _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(acc, x, x), y, y);
        dot_i8(acc: __m512i, a: __m512i, b: __m512i) -> __m512i =
            _mm512_dpbusd_epi32(acc, _mm512_xor_si512(a, _mm512_set1_epi8(-0x80)), b);
        sum_u8(acc: __m512i, x: __m512i) -> __m512i = _mm512_dpbusd_epi32(acc, x, _mm512_set1_epi8(1));
        sum_i8(acc: __m512i, x: __m512i) -> __m512i = _mm512_dpbusd_epi32(acc, _mm512_set1_epi8(1), x);
    }
}

/// Byte products by 16-bit multiply-adds: bytes 0 and 2, then bytes 1 and 3.
pub(crate) struct Madd512;

impl Dot4 for Madd512 {
    type S = Avx512;
    type A = [__m512i; 2];
    type B = [__m512i; 2];
    const FLIP: u8 = 0;

    ops! {
        left(x: __m512i) -> [__m512i; 2] = split(x);
        right(x: __m512i) -> [__m512i; 2] = split(x);
        dot(acc: __m512i, a: [__m512i; 2], b: [__m512i; 2]) -> __m512i = _mm512_add_epi32(
            _mm512_add_epi32(acc, _mm512_madd_epi16(a[0], b[0])),
            _mm512_madd_epi16(a[1], b[1]),
        );
        squares(acc: __m512i, x: __m512i) -> __m512i = Self::dot(acc, split(x), split(x));
        squares_u4(acc: __m512i, x: __m512i, y: __m512i) -> __m512i = {
            let pairs = _mm512_add_epi16(_mm512_maddubs_epi16(x, x), _mm512_maddubs_epi16(y, y));
            _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
        };
        dot_i8(acc: __m512i, a: __m512i, b: __m512i) -> __m512i = Self::dot(acc, split_i8(a), split_i8(b));
    }
}

/// Even and odd bytes as 16-bit values.
///
/// # Safety
///
/// AVX-512 BW is present.
#[inline(always)]
unsafe fn split(x: __m512i) -> [__m512i; 2] {
    // SAFETY: the contract of this function.
    unsafe {
        let even = _mm512_and_si512(x, _mm512_set1_epi32(0x00FF_00FF));
        [even, _mm512_srli_epi16::<8>(x)]
    }
}

/// Even and odd signed bytes as 16-bit values.
///
/// # Safety
///
/// AVX-512 BW is present.
#[inline(always)]
unsafe fn split_i8(x: __m512i) -> [__m512i; 2] {
    // SAFETY: the contract of this function.
    unsafe {
        let even = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(x));
        [even, _mm512_srai_epi16::<8>(x)]
    }
}

/// Products of bf16 pairs by AVX512_BF16: each of the two sums rounded to nearest even, subnormal
/// values taken for zero.
pub(crate) struct Bf16Pairs;

impl WordDot for Bf16Pairs {
    float_sums!(Avx512);
    type A = __m512i;
    type B = __m512i;

    ops! {
        left(word: i32) -> __m512i = _mm512_set1_epi32(word);
        right(words: *const i32) -> __m512i = _mm512_loadu_epi32(words);
        dot(acc: __m512, a: __m512i, b: __m512i) -> __m512 =
            _mm512_dpbf16_ps(acc, transmute::<__m512i, __m512bh>(a), transmute::<__m512i, __m512bh>(b));
    }
}

/// Products of 16-bit pairs, for bytes that have been taken apart.
pub(crate) struct Pairs512;

impl WordDot for Pairs512 {
    type S = Avx512;
    type Out = i32;
    type Sum = __m512i;
    type A = __m512i;
    type B = __m512i;
    const SPLIT: bool = true;

    ops! {
        left(word: i32) -> __m512i = Avx512::splat_i(word);
        right(words: *const i32) -> __m512i = Avx512::load_i(words);
        dot(acc: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(acc, _mm512_madd_epi16(a, b));
        splat(x: i32) -> __m512i = Avx512::splat_i(x);
        load(p: *const i32) -> __m512i = Avx512::load_i(p);
        store(p: *mut i32, v: __m512i) = Avx512::store_i(p, v);
        add(a: __m512i, b: __m512i) -> __m512i = Avx512::add_i(a, b);
    }
}
