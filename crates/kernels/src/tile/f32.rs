//! f32 products: register tiles of fused multiply-adds.

use super::row_block;
use crate::simd::Simd;

/// Most values of K between two visits of the sums: a panel of 32 columns stays in a 48 KiB L1.
const K_BLOCK: usize = 256;

/// Number of K blocks and their length for rows of `dim` values. Within a block a sum is one chain
/// of fused steps; the blocks' sums are then added in order.
pub(crate) fn k_blocks(dim: usize) -> (usize, usize) {
    let blocks = dim.div_ceil(K_BLOCK).max(1);
    (blocks, dim.div_ceil(blocks).next_multiple_of(4))
}

/// `out[i * ld + j] = <a_i, b_j>`.
///
/// # Safety
///
/// `a` holds `rows` rows of `dim` values, `lda` apart; `b` is packed in panels of `V * S::LANES`
/// columns; `out` is writable for `rows` rows, `ld` apart, of `cols` rounded up to 16; a panel, or
/// `H * S::LANES`, is at most 16 wide; the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn dot_f32<S: Simd, const M: usize, const V: usize, const H: usize>(
    a: *const f32,
    rows: usize,
    lda: usize,
    b: *const f32,
    cols: usize,
    dim: usize,
    out: *mut f32,
    ld: usize,
) {
    let (blocks, step) = k_blocks(dim);
    let mut r = 0;
    while r < rows {
        let n = row_block(M).min(rows - r);
        for block in 0..blocks {
            let k = block * step;
            // SAFETY: handed on, for rows `r .. r + n` and the values from `k` on.
            unsafe {
                let tile = Tile {
                    a: a.add(r * lda + k),
                    lda,
                    b: b.add(k * V * S::LANES),
                    ldb: V * S::LANES,
                    kc: step.min(dim - k),
                    out: out.add(r * ld),
                    ld,
                    first: block == 0,
                };
                panels::<S, M, V, H>(tile, n, cols, dim);
            }
        }
        r += n;
    }
}

/// Every panel of B against `rows` rows, over one K block; `t` points at the first panel.
///
/// # Safety
///
/// As [`dot_f32`].
#[inline(always)]
unsafe fn panels<S: Simd, const M: usize, const V: usize, const H: usize>(
    mut t: Tile,
    rows: usize,
    cols: usize,
    dim: usize,
) {
    let mut c = 0;
    while c < cols {
        // SAFETY: handed on; `c` is the first column of a panel that is `dim * t.ldb` values long.
        unsafe {
            if cols - c <= H * S::LANES {
                strips::<S, M, H>(t, rows);
            } else {
                strips::<S, M, V>(t, rows);
            }
            t.b = t.b.wrapping_add(dim * t.ldb);
            t.out = t.out.wrapping_add(t.ldb);
        }
        c += t.ldb;
    }
}

/// One panel of B against rows of A, over one K block.
#[derive(Clone, Copy)]
struct Tile {
    a: *const f32,
    lda: usize,
    b: *const f32,
    ldb: usize,
    kc: usize,
    out: *mut f32,
    ld: usize,
    first: bool,
}

/// Cuts `rows` into strips of `M`, then 8, 4, 2, 1.
///
/// # Safety
///
/// As [`dot_f32`].
#[inline(always)]
unsafe fn strips<S: Simd, const M: usize, const V: usize>(mut t: Tile, mut rows: usize) {
    // SAFETY: handed on; `rows` counts what is left at `t.a` and `t.out`.
    unsafe {
        while rows > 0 {
            let m = if rows >= M {
                micro::<S, M, V>(t);
                M
            } else if M > 8 && rows >= 8 {
                micro::<S, 8, V>(t);
                8
            } else if M > 4 && rows >= 4 {
                micro::<S, 4, V>(t);
                4
            } else if M > 2 && rows >= 2 {
                micro::<S, 2, V>(t);
                2
            } else {
                micro::<S, 1, V>(t);
                1
            };
            t.a = t.a.wrapping_add(m * t.lda);
            t.out = t.out.wrapping_add(m * t.ld);
            rows -= m;
        }
    }
}

/// `M` rows x `V` vectors of columns.
///
/// # Safety
///
/// As [`dot_f32`].
#[inline(always)]
unsafe fn micro<S: Simd, const M: usize, const V: usize>(t: Tile) {
    // SAFETY: `M` rows of A and of the result, `V` vectors of the panel's columns, `kc` values.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; M];
        for k in 0..t.kc {
            let mut b = [S::splat(0.0); V];
            for v in 0..V {
                b[v] = S::load(t.b.add(k * t.ldb + v * S::LANES));
            }
            for m in 0..M {
                let x = S::splat(*t.a.add(m * t.lda + k));
                for v in 0..V {
                    sums[m][v] = S::fma(x, b[v], sums[m][v]);
                }
            }
        }
        for m in 0..M {
            for v in 0..V {
                let p = t.out.add(m * t.ld + v * S::LANES);
                let sum = sums[m][v];
                S::store(p, if t.first { sum } else { S::add(S::load(p), sum) });
            }
        }
    }
}
