//! The packed right side of a tile.
//!
//! Everything is moved as 32-bit words: one `f32`, or the two bf16 or four bytes that meet in one step.
//! Panel `p` holds columns (rows of B) `p * width ..`, word-major: `word w of column c` lies at
//! `(p * words + w) * width + c`. Columns beyond the last row, and words that only fill up a step, are
//! zero. Packing is a transposition, done in square register blocks.

use std::marker::PhantomData;

use super::split;
use crate::bf16::Bf16;
use crate::isa::Isa;
use crate::simd::Simd;

/// A value that tiles are made of: `f32`, [`Bf16`] or `u8`.
pub trait Element: Copy + sealed::Sealed {}
impl Element for f32 {}
impl Element for Bf16 {}
impl Element for u8 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for crate::Bf16 {}
    impl Sealed for u8 {}
}

/// What a packed block looks like; the product refuses a block packed for another kernel set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    pub(crate) isa: Isa,
    /// Columns per panel.
    pub(crate) width: usize,
    /// Mask on every packed byte.
    pub(crate) flip: u8,
    /// Words that the product takes at a time: columns hold a multiple of them.
    pub(crate) step: usize,
    /// Whether each word is taken apart into its even and its odd bytes, see [`super::split`].
    pub(crate) split: bool,
}

impl Layout {
    /// Words of a packed column for rows of `bytes` bytes.
    fn words(self, bytes: usize) -> usize {
        bytes.div_ceil(4).next_multiple_of(self.step) << u32::from(self.split)
    }
}

/// One cache line, so that a `Vec` of them is aligned to 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// Rows packed for the right side of a tile. Reuse one value: packing allocates only when the
/// buffer has to grow beyond every earlier use.
pub struct Packed<T> {
    lines: Vec<Line>,
    rows: usize,
    dim: usize,
    layout: Option<Layout>,
    element: PhantomData<T>,
}

impl<T: Element> Packed<T> {
    /// An empty block. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: Vec::new(), rows: 0, dim: 0, layout: None, element: PhantomData }
    }

    /// Number of packed rows, the columns of the product.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values per packed row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    pub(crate) fn layout(&self) -> Option<Layout> {
        self.layout
    }

    pub(crate) fn as_ptr(&self) -> *const u32 {
        self.lines.as_ptr().cast()
    }

    /// Makes room for `rows` x `dim`; every word is initialised, none has a defined value.
    pub(crate) fn reshape(&mut self, rows: usize, dim: usize, layout: Layout) -> *mut u32 {
        let words = layout.words(dim * size_of::<T>());
        let total = rows.next_multiple_of(layout.width) * words;
        self.lines.resize(total.div_ceil(16), Line([0; 16]));
        (self.rows, self.dim, self.layout) = (rows, dim, Some(layout));
        self.lines.as_mut_ptr().cast()
    }
}

impl<T: Element> Default for Packed<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Transposes `rows` rows of `bytes` bytes, `stride` bytes apart, into panels of `layout`.
///
/// # Safety
///
/// The rows are readable; `out` is writable for `rows` rounded up to `layout.width` times
/// `layout.words(bytes)` words; the width is a multiple of `S::LANES`; the instruction set of `S` is
/// present.
#[inline(always)]
pub(crate) unsafe fn pack<S: Simd>(
    src: *const u8,
    rows: usize,
    bytes: usize,
    stride: usize,
    out: *mut u32,
    layout: Layout,
) {
    let Layout { width, flip, split, .. } = layout;
    let (full, words) = (bytes / 4, layout.words(bytes));
    // Packed words that a word of a row becomes.
    let parts = 1 << u32::from(split);
    let used = parts * bytes.div_ceil(4);
    let mask = i32::from_ne_bytes([flip; 4]);
    let mut c = 0;
    while c < rows.next_multiple_of(width) {
        // SAFETY: rows `c .. c + S::LANES` of the padded block; those beyond `rows` are not read.
        unsafe {
            let column = out.add(c / width * width * words + c % width);
            let live = rows.saturating_sub(c).min(S::LANES);
            let first = src.wrapping_add(c * stride);
            let mut w = 0;
            while w < full {
                let n = (full - w).min(S::LANES);
                let mut block = load_block::<S>(first.wrapping_add(w * 4), live, n, stride);
                S::transpose(&mut block);
                store_block::<S>(block, n, column.add(parts * w * width), width, mask, split);
                w += n;
            }
            if !bytes.is_multiple_of(4) {
                let tail = column.add(parts * full * width);
                pack_tail(first.wrapping_add(full * 4), live, bytes % 4, stride, tail, S::LANES, layout);
            }
            for w in used..words {
                S::store_i(column.add(w * width).cast(), S::splat_i(mask));
            }
        }
        c += S::LANES;
    }
}

/// `n` words of each of `live` rows; missing rows and words are zero.
///
/// # Safety
///
/// As [`pack`].
#[inline(always)]
unsafe fn load_block<S: Simd>(src: *const u8, live: usize, n: usize, stride: usize) -> S::Block {
    // SAFETY: `n` words are readable in each of the `live` rows.
    unsafe {
        let mut block = S::block(S::splat(0.0));
        let lines = block.as_mut();
        for (r, line) in lines.iter_mut().enumerate() {
            if r < live {
                let p = src.add(r * stride).cast::<f32>();
                *line = if n == S::LANES { S::load(p) } else { S::load_partial(p, n) };
            }
        }
        block
    }
}

/// Writes the first `n` vectors of a block, `width` words apart, each word masked.
///
/// # Safety
///
/// As [`pack`].
#[inline(always)]
unsafe fn store_block<S: Simd>(mut block: S::Block, n: usize, out: *mut u32, width: usize, mask: i32, split: bool) {
    // SAFETY: `n` rows of `S::LANES` words are writable, twice as many where they are split.
    unsafe {
        for (w, &v) in block.as_mut().iter().enumerate() {
            if w < n {
                let v = S::xor_i(S::bits(v), S::splat_i(mask));
                if split {
                    let low = S::splat_i(0x00FF_00FF);
                    S::store_i(out.add(2 * w * width).cast(), S::and_i(v, low));
                    S::store_i(out.add((2 * w + 1) * width).cast(), S::and_i(S::shr8_i(v), low));
                } else {
                    S::store_i(out.add(w * width).cast(), v);
                }
            }
        }
    }
}

/// The last word of each row where rows end inside a word; the missing bytes are zero.
///
/// # Safety
///
/// `tail` bytes of each of `live` rows are readable, `lanes` words at `out` writable.
unsafe fn pack_tail(
    src: *const u8,
    live: usize,
    tail: usize,
    stride: usize,
    out: *mut u32,
    lanes: usize,
    layout: Layout,
) {
    for r in 0..lanes {
        let mut word = [0u8; 4];
        if r < live {
            for (i, byte) in word.iter_mut().enumerate().take(tail) {
                // SAFETY: `i < tail`, `r < live`.
                *byte = unsafe { *src.add(r * stride + i) };
            }
        }
        let word = u32::from_ne_bytes(word.map(|b| b ^ layout.flip));
        // SAFETY: `r < lanes`; the odd bytes have a line of their own.
        unsafe {
            if layout.split {
                [*out.add(r), *out.add(layout.width + r)] = split::halves(word);
            } else {
                *out.add(r) = word;
            }
        }
    }
}
