//! u8 products, exact in i32.
//!
//! Four bytes of a row meet four bytes of a column in one 32-bit lane ([`Dot4`]). Where the
//! instruction wants a signed right side, B was packed as `b - 128`, and every sum starts at
//! `128 * sum(a)`, which puts the difference back.

use super::row_block;
use crate::simd::{Dot4, I, Simd};

/// Most words of K between two visits of the sums, as for f32.
const WORD_BLOCK: usize = 256;
/// At least the rows of any row block.
const MOST_ROWS: usize = 256;

/// `out[i * ld + j] = <a_i, b_j>`.
///
/// # Safety
///
/// As [`super::dot_f32`], with panels of `V * D::S::LANES` columns of bytes; the sums fit an i32.
#[inline(always)]
pub(crate) unsafe fn dot_u8<D: Dot4, const M: usize, const V: usize, const H: usize>(
    a: *const u8,
    rows: usize,
    lda: usize,
    b: *const i32,
    cols: usize,
    dim: usize,
    out: *mut i32,
    ld: usize,
) {
    let words = dim.div_ceil(4);
    let mut start = [0i32; MOST_ROWS];
    let mut r = 0;
    while r < rows {
        let n = row_block(M).min(rows - r);
        // SAFETY: handed on, for rows `r .. r + n` and the words from `w` on.
        unsafe {
            let a = a.add(r * lda);
            if D::FLIP != 0 {
                byte_sums(a, n, lda, dim, &mut start);
            }
            for block in 0..words.div_ceil(WORD_BLOCK).max(1) {
                let w = block * WORD_BLOCK;
                let end = words.min(w + WORD_BLOCK);
                let tile = Tile {
                    a: a.add(w * 4),
                    lda,
                    b: b.add(w * V * D::S::LANES),
                    ldb: V * D::S::LANES,
                    full: end.min(dim / 4) - w,
                    tail: if end == words { dim % 4 } else { 0 },
                    out: out.add(r * ld),
                    ld,
                    start: if w == 0 { start.as_ptr() } else { std::ptr::null() },
                };
                panels::<D, M, V, H>(tile, n, cols, words);
            }
        }
        r += n;
    }
}

/// `start[i] = 128 * sum(a_i)`.
///
/// # Safety
///
/// `a` holds `rows <= MOST_ROWS` rows of `dim` bytes, `lda` apart.
#[inline(always)]
unsafe fn byte_sums(a: *const u8, rows: usize, lda: usize, dim: usize, start: &mut [i32; MOST_ROWS]) {
    for (i, s) in start.iter_mut().enumerate().take(rows) {
        // SAFETY: row `i` of `rows`.
        let row = unsafe { std::slice::from_raw_parts(a.add(i * lda), dim) };
        *s = 128 * row.iter().map(|&x| i32::from(x)).sum::<i32>();
    }
}

/// Every panel of B against `rows` rows, over some words; `t` points at the first panel.
///
/// # Safety
///
/// As [`dot_u8`].
#[inline(always)]
unsafe fn panels<D: Dot4, const M: usize, const V: usize, const H: usize>(
    mut t: Tile,
    rows: usize,
    cols: usize,
    words: usize,
) {
    let mut c = 0;
    while c < cols {
        // SAFETY: handed on; `c` is the first column of a panel that is `words * t.ldb` words long.
        unsafe {
            if cols - c <= H * D::S::LANES {
                strips::<D, M, H>(t, rows);
            } else {
                strips::<D, M, V>(t, rows);
            }
        }
        t.b = t.b.wrapping_add(words * t.ldb);
        t.out = t.out.wrapping_add(t.ldb);
        c += t.ldb;
    }
}

/// One panel of B against rows of A, over `full` words and one of `tail` bytes, if any.
#[derive(Clone, Copy)]
struct Tile {
    a: *const u8,
    lda: usize,
    b: *const i32,
    ldb: usize,
    full: usize,
    tail: usize,
    out: *mut i32,
    ld: usize,
    /// Where the sums start, one per row; null: where `out` stands.
    start: *const i32,
}

/// Cuts `rows` into strips of `M`, then 8, 4, 2, 1.
///
/// # Safety
///
/// As [`dot_u8`].
#[inline(always)]
unsafe fn strips<D: Dot4, const M: usize, const V: usize>(mut t: Tile, mut rows: usize) {
    // SAFETY: handed on; `rows` counts what is left at `t.a`, `t.out` and `t.start`.
    unsafe {
        while rows > 0 {
            let m = if rows >= M {
                micro::<D, M, V>(t);
                M
            } else if M > 8 && rows >= 8 {
                micro::<D, 8, V>(t);
                8
            } else if M > 4 && rows >= 4 {
                micro::<D, 4, V>(t);
                4
            } else if M > 2 && rows >= 2 {
                micro::<D, 2, V>(t);
                2
            } else {
                micro::<D, 1, V>(t);
                1
            };
            t.a = t.a.wrapping_add(m * t.lda);
            t.out = t.out.wrapping_add(m * t.ld);
            if !t.start.is_null() {
                t.start = t.start.add(m);
            }
            rows -= m;
        }
    }
}

/// `M` rows x `V` vectors of columns.
///
/// # Safety
///
/// As [`dot_u8`].
#[inline(always)]
unsafe fn micro<D: Dot4, const M: usize, const V: usize>(t: Tile) {
    // SAFETY: `M` rows of A, of the result and of `start`; `V` vectors of the panel's columns.
    unsafe {
        let mut sums = [[D::S::splat_i(0); V]; M];
        for w in 0..t.full {
            let word = t.a.add(w * 4).cast::<i32>();
            step::<D, M, V>(&mut sums, t.b.add(w * t.ldb), |m| word.byte_add(m * t.lda).read_unaligned());
        }
        if t.tail > 0 {
            // Gathered beforehand: a copy of unknown length inside `step` would keep the sums in memory.
            let mut last = [0i32; M];
            for (m, word) in last.iter_mut().enumerate() {
                let bytes = t.a.add(t.full * 4 + m * t.lda);
                bytes.copy_to_nonoverlapping(std::ptr::from_mut(word).cast(), t.tail);
            }
            step::<D, M, V>(&mut sums, t.b.add(t.full * t.ldb), |m| last[m]);
        }
        for m in 0..M {
            for v in 0..V {
                let p = t.out.add(m * t.ld + v * D::S::LANES);
                let start = if t.start.is_null() { D::S::load_i(p) } else { D::S::splat_i(*t.start.add(m)) };
                D::S::store_i(p, D::S::add_i(start, sums[m][v]));
            }
        }
    }
}

/// One word of K: `left(m)` is the word of row `m`.
///
/// # Safety
///
/// `V` vectors are readable at `b`.
#[inline(always)]
unsafe fn step<D: Dot4, const M: usize, const V: usize>(
    sums: &mut [[I<D>; V]; M],
    b: *const i32,
    left: impl Fn(usize) -> i32,
) {
    // SAFETY: the contract of this function.
    unsafe {
        let mut right = [D::right(D::S::load_i(b)); V];
        for v in 1..V {
            right[v] = D::right(D::S::load_i(b.add(v * D::S::LANES)));
        }
        for m in 0..M {
            let x = D::left(D::S::splat_i(left(m)));
            for v in 0..V {
                sums[m][v] = D::dot(sums[m][v], x, right[v]);
            }
        }
    }
}
