//! Threshold filters over one row of a tile, and over plain values.
//!
//! Nearly all columns fail the test, so four vectors are compared for one branch; the columns that
//! pass are pushed in ascending order. The rest of a row that fills no vector goes through the same
//! code one lane wide, with the same rounding.

use crate::simd::{Simd, scalar::Scalar};

/// One column's test, vectorised.
///
/// # Safety
///
/// `hits` reads columns `j .. j + S::LANES`, and needs the instruction set of `S`.
pub(crate) trait Test {
    /// Bit `i` is set where column `j + i` passes.
    unsafe fn hits<S: Simd>(&self, j: usize) -> u32;
}

/// `d[j]` against the threshold.
struct Plain<const COLUMNS: bool> {
    d: *const f32,
    row: f32,
    col: *const f32,
}

/// `(na + nb[j]) - 2 * acc[j]` against the threshold.
#[derive(Clone, Copy)]
pub(crate) struct L2F32<const COLUMNS: bool> {
    pub(crate) acc: *const f32,
    pub(crate) na: f32,
    pub(crate) nb: *const f32,
    pub(crate) row: f32,
    pub(crate) col: *const f32,
}

/// The same in wrapping i32.
#[derive(Clone, Copy)]
pub(crate) struct L2I32<const COLUMNS: bool> {
    pub(crate) acc: *const i32,
    pub(crate) na: i32,
    pub(crate) nb: *const i32,
    pub(crate) row: i32,
    pub(crate) col: *const i32,
}

impl<const COLUMNS: bool> Test for Plain<COLUMNS> {
    #[inline(always)]
    unsafe fn hits<S: Simd>(&self, j: usize) -> u32 {
        // SAFETY: the contract of `Test`.
        unsafe {
            let mut bound = S::splat(self.row);
            if COLUMNS {
                bound = S::max(bound, S::load(self.col.add(j)));
            }
            S::le(S::load(self.d.add(j)), bound)
        }
    }
}

impl<const COLUMNS: bool> Test for L2F32<COLUMNS> {
    #[inline(always)]
    unsafe fn hits<S: Simd>(&self, j: usize) -> u32 {
        // SAFETY: the contract of `Test`.
        unsafe {
            let mut bound = S::splat(self.row);
            if COLUMNS {
                bound = S::max(bound, S::load(self.col.add(j)));
            }
            let acc = S::load(self.acc.add(j));
            let norms = S::add(S::splat(self.na), S::load(self.nb.add(j)));
            S::le(S::sub(norms, S::add(acc, acc)), bound)
        }
    }
}

impl<const COLUMNS: bool> Test for L2I32<COLUMNS> {
    #[inline(always)]
    unsafe fn hits<S: Simd>(&self, j: usize) -> u32 {
        // SAFETY: the contract of `Test`.
        unsafe {
            let mut bound = S::splat_i(self.row);
            if COLUMNS {
                bound = S::max_i(bound, S::load_i(self.col.add(j)));
            }
            let acc = S::load_i(self.acc.add(j));
            let norms = S::add_i(S::splat_i(self.na), S::load_i(self.nb.add(j)));
            S::le_i(S::sub_i(norms, S::add_i(acc, acc)), bound)
        }
    }
}

/// Pushes every column below `n` that passes.
///
/// # Safety
///
/// Columns `0 .. n` are readable; the instruction set of `S` is present.
#[inline(always)]
unsafe fn scan<S: Simd, T: Test>(test: &T, n: usize, out: &mut Vec<u32>) {
    let mut j = 0;
    // SAFETY: `j + 4 * S::LANES <= n`, then `j + S::LANES <= n`, then `j < n`.
    unsafe {
        while j + 4 * S::LANES <= n {
            let (a, b) = (test.hits::<S>(j), test.hits::<S>(j + S::LANES));
            let c = test.hits::<S>(j + 2 * S::LANES);
            let d = test.hits::<S>(j + 3 * S::LANES);
            if (a | b) | (c | d) != 0 {
                push(a, j, out);
                push(b, j + S::LANES, out);
                push(c, j + 2 * S::LANES, out);
                push(d, j + 3 * S::LANES, out);
            }
            j += 4 * S::LANES;
        }
        while j + S::LANES <= n {
            push(test.hits::<S>(j), j, out);
            j += S::LANES;
        }
        while j < n {
            push(test.hits::<Scalar>(j), j, out);
            j += 1;
        }
    }
}

/// Pushes `base + i` for every bit `i`.
#[inline(always)]
fn push(mut hits: u32, base: usize, out: &mut Vec<u32>) {
    while hits != 0 {
        out.push(base as u32 + hits.trailing_zeros());
        hits &= hits - 1;
    }
}

/// # Safety
///
/// `d`, and `col` unless null, are readable for `n` values; the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn scan_f32<S: Simd>(d: *const f32, n: usize, row: f32, col: *const f32, out: &mut Vec<u32>) {
    // SAFETY: handed on.
    unsafe {
        if col.is_null() {
            scan::<S, _>(&Plain::<false> { d, row, col }, n, out);
        } else {
            scan::<S, _>(&Plain::<true> { d, row, col }, n, out);
        }
    }
}

/// # Safety
///
/// `acc`, `nb`, and `col` unless null, are readable for `n` values; the instruction set of `S` is
/// present.
#[inline(always)]
pub(crate) unsafe fn scan_l2_f32<S: Simd>(
    acc: *const f32,
    na: f32,
    nb: *const f32,
    n: usize,
    row: f32,
    col: *const f32,
    out: &mut Vec<u32>,
) {
    // SAFETY: handed on.
    unsafe {
        if col.is_null() {
            scan::<S, _>(&L2F32::<false> { acc, na, nb, row, col }, n, out);
        } else {
            scan::<S, _>(&L2F32::<true> { acc, na, nb, row, col }, n, out);
        }
    }
}

/// # Safety
///
/// As [`scan_l2_f32`].
#[inline(always)]
pub(crate) unsafe fn scan_l2_i32<S: Simd>(
    acc: *const i32,
    na: i32,
    nb: *const i32,
    n: usize,
    row: i32,
    col: *const i32,
    out: &mut Vec<u32>,
) {
    // SAFETY: handed on.
    unsafe {
        if col.is_null() {
            scan::<S, _>(&L2I32::<false> { acc, na, nb, row, col }, n, out);
        } else {
            scan::<S, _>(&L2I32::<true> { acc, na, nb, row, col }, n, out);
        }
    }
}

/// Index of the first value that is NaN or infinite, or `n`.
///
/// # Safety
///
/// `x` is readable for `n` values; the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn finite_prefix<S: Simd>(x: *const f32, n: usize) -> usize {
    let mut j = 0;
    // SAFETY: `j + 4 * S::LANES <= n` in the first loop, `j < n` in the second.
    unsafe {
        let limit = S::splat(f32::MAX);
        let all = u32::MAX >> (32 - S::LANES);
        while j + 4 * S::LANES <= n {
            let mut ok = all;
            for v in 0..4 {
                ok &= S::le(S::abs(S::load(x.add(j + v * S::LANES))), limit);
            }
            if ok != all {
                break;
            }
            j += 4 * S::LANES;
        }
        while j < n && (*x.add(j)).is_finite() {
            j += 1;
        }
        j
    }
}
