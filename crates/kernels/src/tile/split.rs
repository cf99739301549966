//! u8 products where instructions multiply 16-bit values.
//!
//! Both sides are taken apart beforehand, each word of four bytes into one of its even and one of its
//! odd bytes, so that a step is nothing but a multiply-add: B when it is packed (`Layout::split`), A
//! here, a block of rows and words at a time.

use std::mem::MaybeUninit;

use super::words::{Tile, WORD_BLOCK, panels};
use crate::simd::{Simd, WordDot};

/// Rows of A taken apart at a time: 48 KiB of the stack, a multiple of the register tiles' rows.
const ROWS: usize = 48;

/// The even and the odd bytes of a word, each as 16 bits.
#[inline(always)]
pub(crate) fn halves(word: u32) -> [u32; 2] {
    [word & 0x00FF_00FF, word >> 8 & 0x00FF_00FF]
}

/// `out[i * ld + j] = <a_i, b_j>`, for rows of `dim` bytes.
///
/// # Safety
///
/// As [`super::dot`], with columns packed by a layout that splits.
#[inline(always)]
pub(crate) unsafe fn dot_split<W: WordDot<Out = i32>, const M: usize, const V: usize, const H: usize>(
    a: *const u8,
    rows: usize,
    lda: usize,
    b: *const i32,
    cols: usize,
    dim: usize,
    out: *mut i32,
    ld: usize,
) {
    let words = 2 * dim.div_ceil(4);
    let mut split = [const { MaybeUninit::<u32>::uninit() }; ROWS * WORD_BLOCK];
    let starts = [0i32; ROWS];
    let mut r = 0;
    while r < rows {
        let n = ROWS.min(rows - r);
        for block in 0..words.div_ceil(WORD_BLOCK).max(1) {
            let w = block * WORD_BLOCK;
            let full = WORD_BLOCK.min(words - w);
            // SAFETY: handed on, for rows `r .. r + n`, whose bytes from `2 * w` on fill `full` words of
            // each line of `split`.
            unsafe {
                for i in 0..n {
                    let bytes = (dim - 2 * w).min(2 * WORD_BLOCK);
                    split_row(a.add((r + i) * lda + 2 * w), bytes, split[i * WORD_BLOCK..].as_mut_ptr().cast());
                }
                let tile = Tile::<W> {
                    a: split.as_ptr().cast(),
                    lda: 4 * WORD_BLOCK,
                    b: b.add(w * V * W::S::LANES),
                    ldb: V * W::S::LANES,
                    full,
                    tail: 0,
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

/// Takes a row of `bytes` bytes apart; zeros follow the last.
///
/// # Safety
///
/// `bytes` are readable, twice as many as their words hold writable.
#[inline(always)]
unsafe fn split_row(row: *const u8, bytes: usize, out: *mut u32) {
    // SAFETY: the contract of this function.
    unsafe {
        for w in 0..bytes / 4 {
            let word = row.add(4 * w).cast::<u32>().read_unaligned();
            out.add(2 * w).cast::<[u32; 2]>().write_unaligned(halves(word));
        }
        let (whole, rest) = (bytes / 4, bytes % 4);
        if rest > 0 {
            let mut last = [0u8; 4];
            row.add(4 * whole).copy_to_nonoverlapping(last.as_mut_ptr(), rest);
            out.add(2 * whole).cast::<[u32; 2]>().write_unaligned(halves(u32::from_ne_bytes(last)));
        }
    }
}
