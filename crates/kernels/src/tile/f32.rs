//! f32 products: register tiles of fused multiply-adds.

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
    let width = V * S::LANES;
    let (_, step) = k_blocks(dim);
    let mut k = 0;
    loop {
        let kc = step.min(dim - k);
        let mut c = 0;
        while c < cols {
            // SAFETY: handed on; `c` is the first column of a panel, `k + kc <= dim`.
            unsafe {
                let tile = Tile {
                    a: a.add(k),
                    lda,
                    b: b.add(c * dim + k * width),
                    ldb: width,
                    kc,
                    out: out.add(c),
                    ld,
                    first: k == 0,
                };
                if cols - c <= H * S::LANES {
                    strips::<S, M, H>(tile, rows);
                } else {
                    strips::<S, M, V>(tile, rows);
                }
            }
            c += width;
        }
        k += kc;
        if k >= dim {
            return;
        }
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
            t.a = t.a.add(m * t.lda);
            t.out = t.out.add(m * t.ld);
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
