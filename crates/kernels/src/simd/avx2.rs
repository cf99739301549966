//! Eight values per vector: AVX2 with FMA.

use std::arch::x86_64::*;

use super::{Dot4, Popcount, Simd, WordDot, ops};

/// 256-bit vectors.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// `FIRST[8 - n ..]` starts with `n` set words.
static FIRST: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

impl Simd for Avx2 {
    type F = __m256;
    type I = __m256i;
    type Block = [__m256; 8];
    const LANES: usize = 8;

    ops! {
        splat(x: f32) -> __m256 = _mm256_set1_ps(x);
        load(p: *const f32) -> __m256 = _mm256_loadu_ps(p);
        load_partial(p: *const f32, n: usize) -> __m256 =
            _mm256_maskload_ps(p, _mm256_loadu_si256(FIRST.as_ptr().add(8 - n).cast()));
        store(p: *mut f32, v: __m256) = _mm256_storeu_ps(p, v);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        fma(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        abs(a: __m256) -> __m256 = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        count_ne(acc: __m256, a: __m256, b: __m256) -> __m256 =
            _mm256_add_ps(acc, _mm256_and_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(a, b), _mm256_set1_ps(1.0)));
        div_or_zero(a: __m256, b: __m256) -> __m256 =
            _mm256_and_ps(_mm256_div_ps(a, b), _mm256_cmp_ps::<_CMP_NEQ_UQ>(b, _mm256_setzero_ps()));
        count_both(acc: __m256i, a: __m256, b: __m256) -> __m256i = {
            let a = _mm256_cmp_ps::<_CMP_NEQ_UQ>(a, _mm256_setzero_ps());
            let b = _mm256_cmp_ps::<_CMP_NEQ_UQ>(b, _mm256_setzero_ps());
            _mm256_sub_epi32(acc, _mm256_castps_si256(_mm256_and_ps(a, b)))
        };
        le(a: __m256, b: __m256) -> u32 =
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b)).cast_unsigned();
        reduce_add(a: __m256) -> f32 = {
            let x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
            _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)))
        };
        reduce_max(a: __m256) -> f32 = {
            let x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let x = _mm_max_ps(x, _mm_movehl_ps(x, x));
            _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)))
        };
        block(v: __m256) -> [__m256; 8] = [v; 8];
        transpose(b: &mut [__m256; 8]) = transpose(b);
        bits(a: __m256) -> __m256i = _mm256_castps_si256(a);
        floats(a: __m256i) -> __m256 = _mm256_castsi256_ps(a);
        splat_i(x: i32) -> __m256i = _mm256_set1_epi32(x);
        load_i(p: *const i32) -> __m256i = _mm256_loadu_si256(p.cast());
        store_i(p: *mut i32, v: __m256i) = _mm256_storeu_si256(p.cast(), v);
        add_i(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
        sub_i(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
        max_i(a: __m256i, b: __m256i) -> __m256i = _mm256_max_epi32(a, b);
        xor_i(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
        and_i(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        or_i(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
        shl16_i(a: __m256i) -> __m256i = _mm256_slli_epi32::<16>(a);
        shr8_i(a: __m256i) -> __m256i = _mm256_srli_epi32::<8>(a);
        shr4_i(a: __m256i) -> __m256i = _mm256_srli_epi16::<4>(a);
        abs_diff_u8(a: __m256i, b: __m256i) -> __m256i =
            _mm256_or_si256(_mm256_subs_epu8(a, b), _mm256_subs_epu8(b, a));
        le_i(a: __m256i, b: __m256i) -> u32 =
            !_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b))).cast_unsigned() & 0xFF;
        reduce_add_i(a: __m256i) -> u32 = {
            let x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
            let x = _mm_add_epi32(x, _mm_shuffle_epi32::<0b01_00_11_10>(x));
            _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32::<0b10_11_00_01>(x))).cast_unsigned()
        };
    }
}

/// 4 x 4 transpositions inside the 128-bit lanes, then the lanes themselves.
///
/// # Safety
///
/// AVX is present.
#[inline(always)]
unsafe fn transpose(b: &mut [__m256; 8]) {
    // SAFETY: the contract of this function.
    unsafe {
        // Lane q of quads[4 * g + i] is column 4 * q + i of rows 4 * g ..= 4 * g + 3.
        let mut quads = *b;
        for g in 0..2 {
            let (r0, r1, r2, r3) = (b[4 * g], b[4 * g + 1], b[4 * g + 2], b[4 * g + 3]);
            let (lo01, hi01) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
            let (lo23, hi23) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
            quads[4 * g] = _mm256_shuffle_ps::<0x44>(lo01, lo23);
            quads[4 * g + 1] = _mm256_shuffle_ps::<0xEE>(lo01, lo23);
            quads[4 * g + 2] = _mm256_shuffle_ps::<0x44>(hi01, hi23);
            quads[4 * g + 3] = _mm256_shuffle_ps::<0xEE>(hi01, hi23);
        }
        for i in 0..4 {
            b[i] = _mm256_permute2f128_ps::<0x20>(quads[i], quads[4 + i]);
            b[4 + i] = _mm256_permute2f128_ps::<0x31>(quads[i], quads[4 + i]);
        }
    }
}

impl Popcount for Avx2 {
    type S = Avx2;

    ops! {
        // The bytes of 64 bits are added up at once.
        add_ones(acc: __m256i, x: __m256i) -> __m256i =
            _mm256_add_epi32(acc, _mm256_sad_epu8(ones(x), _mm256_setzero_si256()));
        add_ones_each(acc: __m256i, x: __m256i) -> __m256i = {
            let pairs = _mm256_maddubs_epi16(ones(x), _mm256_set1_epi8(1));
            _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        };
    }
}

/// How many bits are set in every byte: half a byte at a time from a table.
///
/// # Safety
///
/// AVX2 is present.
#[inline(always)]
unsafe fn ones(x: __m256i) -> __m256i {
    // SAFETY: the contract of this function.
    unsafe {
        let table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        let low = _mm256_set1_epi8(0x0F);
        let even = _mm256_shuffle_epi8(table, _mm256_and_si256(x, low));
        let odd = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16::<4>(x), low));
        _mm256_add_epi8(even, odd)
    }
}

/// Byte products by AVX-VNNI: unsigned left, signed right.
pub(crate) struct Vnni256;

impl Dot4 for Vnni256 {
    type S = Avx2;
    type A = __m256i;
    type B = __m256i;
    const FLIP: u8 = 0x80;

    ops! {
        left(x: __m256i) -> __m256i = x;
        right(x: __m256i) -> __m256i = x;
        dot(acc: __m256i, a: __m256i, b: __m256i) -> __m256i = _mm256_dpbusd_avx_epi32(acc, a, b);
        squares(acc: __m256i, x: __m256i) -> __m256i = {
            let [even, odd] = split(x);
            _mm256_dpwssd_avx_epi32(_mm256_dpwssd_avx_epi32(acc, even, even), odd, odd)
        };
        squares_u4(acc: __m256i, x: __m256i, y: __m256i) -> __m256i =
            _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(acc, x, x), y, y);
        dot_i8(acc: __m256i, a: __m256i, b: __m256i) -> __m256i =
            _mm256_dpbusd_avx_epi32(acc, _mm256_xor_si256(a, _mm256_set1_epi8(-0x80)), b);
        sum_u8(acc: __m256i, x: __m256i) -> __m256i = _mm256_dpbusd_avx_epi32(acc, x, _mm256_set1_epi8(1));
        sum_i8(acc: __m256i, x: __m256i) -> __m256i = _mm256_dpbusd_avx_epi32(acc, _mm256_set1_epi8(1), x);
    }
}

/// Byte products by 16-bit multiply-adds: bytes 0 and 2, then bytes 1 and 3.
pub(crate) struct Madd256;

impl Dot4 for Madd256 {
    type S = Avx2;
    type A = [__m256i; 2];
    type B = [__m256i; 2];
    const FLIP: u8 = 0;

    ops! {
        left(x: __m256i) -> [__m256i; 2] = split(x);
        right(x: __m256i) -> [__m256i; 2] = split(x);
        dot(acc: __m256i, a: [__m256i; 2], b: [__m256i; 2]) -> __m256i = _mm256_add_epi32(
            _mm256_add_epi32(acc, _mm256_madd_epi16(a[0], b[0])),
            _mm256_madd_epi16(a[1], b[1]),
        );
        squares(acc: __m256i, x: __m256i) -> __m256i = Self::dot(acc, split(x), split(x));
        squares_u4(acc: __m256i, x: __m256i, y: __m256i) -> __m256i = {
            let pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x, x), _mm256_maddubs_epi16(y, y));
            _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        };
        dot_i8(acc: __m256i, a: __m256i, b: __m256i) -> __m256i = Self::dot(acc, split_i8(a), split_i8(b));
    }
}

/// Even and odd bytes as 16-bit values.
///
/// # Safety
///
/// AVX2 is present.
#[inline(always)]
unsafe fn split(x: __m256i) -> [__m256i; 2] {
    // SAFETY: the contract of this function.
    unsafe {
        let even = _mm256_and_si256(x, _mm256_set1_epi32(0x00FF_00FF));
        [even, _mm256_srli_epi16::<8>(x)]
    }
}

/// Even and odd signed bytes as 16-bit values.
///
/// # Safety
///
/// AVX2 is present.
#[inline(always)]
unsafe fn split_i8(x: __m256i) -> [__m256i; 2] {
    // SAFETY: the contract of this function.
    unsafe {
        let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(x));
        [even, _mm256_srai_epi16::<8>(x)]
    }
}

/// Products of 16-bit pairs, for bytes that have been taken apart.
pub(crate) struct Pairs256;

impl WordDot for Pairs256 {
    type S = Avx2;
    type Out = i32;
    type Sum = __m256i;
    type A = __m256i;
    type B = __m256i;
    const SPLIT: bool = true;

    ops! {
        left(word: i32) -> __m256i = Avx2::splat_i(word);
        right(words: *const i32) -> __m256i = Avx2::load_i(words);
        dot(acc: __m256i, a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
        splat(x: i32) -> __m256i = Avx2::splat_i(x);
        load(p: *const i32) -> __m256i = Avx2::load_i(p);
        store(p: *mut i32, v: __m256i) = Avx2::store_i(p, v);
        add(a: __m256i, b: __m256i) -> __m256i = Avx2::add_i(a, b);
    }
}
