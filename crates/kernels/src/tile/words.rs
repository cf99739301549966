//! Products of rows made of 32-bit words, by register tiles.
//!
//! A word holds one f32, two bf16, four bytes, or two bytes as 16 bits each ([`WordDot`]); rows may end inside one, which is as
//! if zeros followed. Where an instruction wants signed bytes on the right, B was packed as
//! `b - 128`, and every sum starts at `128 * sum(a)`, which puts the difference back.

use super::row_block;
use crate::simd::{Simd, WordDot};

/// Most words of K between two visits of the sums: a panel of 32 columns stays in a 48 KiB L1.
pub(super) const WORD_BLOCK: usize = 256;
/// At least the rows of any row block.
const MOST_ROWS: usize = 256;

/// Number of K blocks and their length for rows of `words` words. Within a block a sum is one chain
/// of steps; the blocks' sums are then added in order.
pub(crate) fn k_blocks(words: usize) -> (usize, usize) {
    let blocks = words.div_ceil(WORD_BLOCK).max(1);
    (blocks, words.div_ceil(blocks).next_multiple_of(4))
}

/// `out[i * ld + j] = <a_i, b_j>`, for rows of `bytes` bytes.
///
/// # Safety
///
/// `a` holds `rows` rows of `bytes` bytes, `lda` bytes apart; `b` is packed in panels of
/// `V * LANES` columns with `W::FLIP`; `out` is writable for `rows` rows, `ld` apart, of `cols`
/// rounded up to 16; a panel, or `H * LANES`, is at most 16 wide; integer sums fit; the instruction
/// set of `W` is present.
#[inline(always)]
pub(crate) unsafe fn dot<W: WordDot, const M: usize, const V: usize, const H: usize>(
    a: *const u8,
    rows: usize,
    lda: usize,
    b: *const i32,
    cols: usize,
    bytes: usize,
    out: *mut W::Out,
    ld: usize,
) {
    let words = bytes.div_ceil(4);
    let (blocks, step) = k_blocks(words);
    let mut starts = [W::Out::default(); MOST_ROWS];
    let mut r = 0;
    while r < rows {
        let n = row_block(M).min(rows - r);
        // SAFETY: handed on, for rows `r .. r + n` and the words from `w` on.
        unsafe {
            let a = a.add(r * lda);
            if W::FLIP != 0 {
                for (i, start) in starts.iter_mut().enumerate().take(n) {
                    *start = W::start(a.add(i * lda), bytes);
                }
            }
            for block in 0..blocks {
                let w = block * step;
                let end = words.min(w + step);
                let tile = Tile::<W> {
                    a: a.add(w * 4),
                    lda,
                    b: b.add(w * V * W::S::LANES),
                    ldb: V * W::S::LANES,
                    full: end.min(bytes / 4) - w,
                    tail: if end == words { bytes % 4 } else { 0 },
                    out: out.add(r * ld),
                    ld,
                    starts: if w == 0 { starts.as_ptr() } else { std::ptr::null() },
                };
                panels::<W, M, V, H>(tile, n, cols, words);
            }
        }
        r += n;
    }
}

/// Every panel of B against `rows` rows, over some words; `t` points at the first panel.
///
/// # Safety
///
/// As [`dot`].
#[inline(always)]
pub(super) unsafe fn panels<W: WordDot, const M: usize, const V: usize, const H: usize>(
    mut t: Tile<W>,
    rows: usize,
    cols: usize,
    words: usize,
) {
    let mut c = 0;
    while c < cols {
        // SAFETY: handed on; `c` is the first column of a panel that is `words * t.ldb` words long.
        unsafe {
            if cols - c <= H * W::S::LANES {
                strips::<W, M, H>(t, rows);
            } else {
                strips::<W, M, V>(t, rows);
            }
        }
        t.b = t.b.wrapping_add(words * t.ldb);
        t.out = t.out.wrapping_add(t.ldb);
        c += t.ldb;
    }
}

/// One panel of B against rows of A, over `full` words and one of `tail` bytes, if any.
pub(super) struct Tile<W: WordDot> {
    pub(super) a: *const u8,
    pub(super) lda: usize,
    pub(super) b: *const i32,
    pub(super) ldb: usize,
    pub(super) full: usize,
    pub(super) tail: usize,
    pub(super) out: *mut W::Out,
    pub(super) ld: usize,
    /// Where the sums start, one per row; null: where `out` stands.
    pub(super) starts: *const W::Out,
}

impl<W: WordDot> Clone for Tile<W> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: WordDot> Copy for Tile<W> {}

/// Cuts `rows` into strips of `M`, then 8, 4, 2, 1.
///
/// # Safety
///
/// As [`dot`].
#[inline(always)]
unsafe fn strips<W: WordDot, const M: usize, const V: usize>(mut t: Tile<W>, mut rows: usize) {
    // SAFETY: handed on; `rows` counts what is left at `t.a`, `t.out` and `t.starts`.
    unsafe {
        while rows > 0 {
            let m = if rows >= M {
                micro::<W, M, V>(t);
                M
            } else if M > 8 && rows >= 8 {
                micro::<W, 8, V>(t);
                8
            } else if M > 4 && rows >= 4 {
                micro::<W, 4, V>(t);
                4
            } else if M > 2 && rows >= 2 {
                micro::<W, 2, V>(t);
                2
            } else {
                micro::<W, 1, V>(t);
                1
            };
            t.a = t.a.wrapping_add(m * t.lda);
            t.out = t.out.wrapping_add(m * t.ld);
            if !t.starts.is_null() {
                t.starts = t.starts.add(m);
            }
            rows -= m;
        }
    }
}

/// `M` rows x `V` vectors of columns.
///
/// # Safety
///
/// As [`dot`].
#[inline(always)]
unsafe fn micro<W: WordDot, const M: usize, const V: usize>(t: Tile<W>) {
    // SAFETY: `M` rows of A, of the result and of `starts`; `V` vectors of the panel's columns.
    unsafe {
        let mut sums = [[W::splat(W::Out::default()); V]; M];
        let rows: [*const i32; M] = std::array::from_fn(|m| t.a.wrapping_add(m * t.lda).cast());
        let mut b = t.b;
        let end = b.wrapping_add(t.full * t.ldb);
        let mut w = 0;
        while b != end {
            step::<W, M, V>(&mut sums, b, |m| rows[m].add(w).read_unaligned());
            b = b.wrapping_add(t.ldb);
            w += 1;
        }
        if t.tail > 0 {
            // Gathered beforehand: a copy of unknown length inside `step` would keep the sums in memory.
            let mut last = [0i32; M];
            for (m, word) in last.iter_mut().enumerate() {
                let bytes = t.a.add(t.full * 4 + m * t.lda);
                bytes.copy_to_nonoverlapping(std::ptr::from_mut(word).cast(), t.tail);
            }
            step::<W, M, V>(&mut sums, t.b.add(t.full * t.ldb), |m| last[m]);
        }
        for m in 0..M {
            for v in 0..V {
                let p = t.out.add(m * t.ld + v * W::S::LANES);
                let sum = sums[m][v];
                let sum = if t.starts.is_null() {
                    W::add(W::load(p), sum)
                } else if W::FLIP != 0 {
                    W::add(W::splat(*t.starts.add(m)), sum)
                } else {
                    sum
                };
                W::store(p, sum);
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
unsafe fn step<W: WordDot, const M: usize, const V: usize>(
    sums: &mut [[W::Sum; V]; M],
    b: *const i32,
    left: impl Fn(usize) -> i32,
) {
    // SAFETY: the contract of this function.
    unsafe {
        let mut right = [W::right(b); V];
        for v in 1..V {
            right[v] = W::right(b.add(v * W::S::LANES));
        }
        for m in 0..M {
            let x = W::left(left(m));
            for v in 0..V {
                sums[m][v] = W::dot(sums[m][v], x, right[v]);
            }
        }
    }
}
