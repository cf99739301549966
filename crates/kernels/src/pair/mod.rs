//! Distances of one pair, and of one row against four.
//!
//! Values are dealt to four accumulators by vector index modulo four, full vectors first and one
//! partial vector last. Three promises follow from that order alone:
//! - `four` gives bit for bit what `one` gives, because each row has its own accumulators;
//! - `one(a, b)` equals `one(b, a)` bit for bit, because every step is symmetric ([`Counts`] exchange);
//! - zeros appended to both rows change nothing, because they only add zero to an accumulator.
//!
//! Rows of bytes go through the same loop, as words that the operation takes apart ([`bytes`]).

mod bits;
mod bytes;
mod codes;
mod values;

use std::fmt;

use crate::simd::Simd;

pub(crate) use self::bits::{BITS_LONGEST, BitAnd, BitAndOr, BitHamming};
pub use self::bytes::ByteKernel;
pub(crate) use self::bytes::{ByteOp, Words};
pub(crate) use self::codes::{I8Dot, U4L2Sq, U8Dot, U8L2Sq};
pub(crate) use self::values::{AbsSum, BrayCurtis, Canberra, CountNonZero, Hamming, Ip, L1, L2Sq, Linf};
pub use self::values::{Counts, minkowski};

pub(crate) type One<T> = unsafe fn(*const f32, *const f32, usize) -> T;
pub(crate) type Four<T> = unsafe fn(*const f32, [*const f32; 4], usize) -> [T; 4];

/// A kernel of one instruction set over rows of f32, for a pair of rows and for one row against four.
pub struct PairKernel<T = f32> {
    one: One<T>,
    four: Four<T>,
}

/// Counts of the columns that are non-zero. See [`Counts`].
pub type CountKernel = PairKernel<Counts>;

impl<T> PairKernel<T> {
    pub(crate) const fn new(one: One<T>, four: Four<T>) -> Self {
        Self { one, four }
    }

    /// The value for the rows `a` and `b`. O(length).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[inline]
    #[must_use]
    pub fn one(&self, a: &[f32], b: &[f32]) -> T {
        assert!(a.len() == b.len(), "rows of {} and {} values", a.len(), b.len());
        // SAFETY: both rows hold `a.len()` values; a kernel is reachable only through a `Kernels`
        // that was handed out after its instruction set was found on this CPU.
        unsafe { (self.one)(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    /// The values for `q` and each of `rows`; bit for bit the same as four calls of [`Self::one`],
    /// but `q` is read once and the four rows' cache misses overlap.
    ///
    /// # Panics
    ///
    /// If a length differs from that of `q`.
    #[inline]
    #[must_use]
    pub fn four(&self, q: &[f32], rows: [&[f32]; 4]) -> [T; 4] {
        for row in rows {
            assert!(row.len() == q.len(), "rows of {} and {} values", q.len(), row.len());
        }
        // SAFETY: all five rows hold `q.len()` values; the instruction set as in `one`.
        unsafe { (self.four)(q.as_ptr(), rows.map(<[f32]>::as_ptr), q.len()) }
    }
}

impl<T> Clone for PairKernel<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for PairKernel<T> {}

impl<T> fmt::Debug for PairKernel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairKernel").finish_non_exhaustive()
    }
}

/// How one kernel folds a pair of vectors into an accumulator.
///
/// # Safety
///
/// As [`Simd`].
pub(crate) trait PairOp<S: Simd> {
    /// What is gathered for each row, or of `q` alone.
    type Acc: Copy;
    /// The result for one row.
    type Out: Copy + Default;
    /// Vectors in an accumulator, which bound how many rows are met at once.
    const VECTORS: usize = 1;

    /// The accumulator of nothing.
    unsafe fn zero() -> Self::Acc;
    /// `q` and a row; zeros in both change nothing. Symmetric, unless the result names the two.
    unsafe fn step(acc: Self::Acc, q: S::F, row: S::F) -> Self::Acc;
    /// What is needed of `q` alone, gathered once for all rows.
    #[inline(always)]
    unsafe fn alone(acc: Self::Acc, _q: S::F) -> Self::Acc {
        acc
    }
    unsafe fn join(x: Self::Acc, y: Self::Acc) -> Self::Acc;
    unsafe fn finish(acc: Self::Acc, alone: Self::Acc) -> Self::Out;
}

/// Accumulators per row: enough independent chains to hide the latency of one step.
const ACCS: usize = 4;

/// One row against `N`, all of `len` values.
///
/// # Safety
///
/// Every pointer is valid for `len` reads, and the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn against<S: Simd, O: PairOp<S>, const N: usize>(
    q: *const f32,
    rows: [*const f32; N],
    len: usize,
) -> [O::Out; N] {
    // SAFETY: `i + S::LANES <= len` before every full load, `i < len` before the partial one.
    unsafe {
        let mut acc = [[O::zero(); ACCS]; N];
        let mut alone = [O::zero(); ACCS];
        let mut i = 0;
        while i + ACCS * S::LANES <= len {
            for j in 0..ACCS {
                let at = i + j * S::LANES;
                let x = S::load(q.add(at));
                alone[j] = O::alone(alone[j], x);
                for r in 0..N {
                    acc[r][j] = O::step(acc[r][j], x, S::load(rows[r].add(at)));
                }
            }
            i += ACCS * S::LANES;
        }
        for j in 0..ACCS {
            if i + S::LANES <= len {
                let x = S::load(q.add(i));
                alone[j] = O::alone(alone[j], x);
                for r in 0..N {
                    acc[r][j] = O::step(acc[r][j], x, S::load(rows[r].add(i)));
                }
                i += S::LANES;
            } else if i < len {
                let n = len - i;
                let x = S::load_partial(q.add(i), n);
                alone[j] = O::alone(alone[j], x);
                for r in 0..N {
                    let y = S::load_partial(rows[r].add(i), n);
                    acc[r][j] = O::step(acc[r][j], x, y);
                }
                i = len;
            }
        }
        let [a, b, c, d] = alone;
        let alone = O::join(O::join(a, b), O::join(c, d));
        let mut out = [O::Out::default(); N];
        for r in 0..N {
            let [a, b, c, d] = acc[r];
            out[r] = O::finish(O::join(O::join(a, b), O::join(c, d)), alone);
        }
        out
    }
}

/// One row against four, as many at a time as the registers hold accumulators for: `G` (4 or 2)
/// vectors of each kind.
///
/// # Safety
///
/// As [`against`].
#[inline(always)]
pub(crate) unsafe fn against_four<S: Simd, O: PairOp<S>, const G: usize>(
    q: *const f32,
    rows: [*const f32; 4],
    len: usize,
) -> [O::Out; 4] {
    let [a, b, c, d] = rows;
    // SAFETY: handed on.
    unsafe {
        match G / O::VECTORS {
            4 => against::<S, O, 4>(q, rows, len),
            2 => {
                let [w, x] = against::<S, O, 2>(q, [a, b], len);
                let [y, z] = against::<S, O, 2>(q, [c, d], len);
                [w, x, y, z]
            }
            _ => {
                let [w] = against::<S, O, 1>(q, [a], len);
                let [x] = against::<S, O, 1>(q, [b], len);
                let [y] = against::<S, O, 1>(q, [c], len);
                let [z] = against::<S, O, 1>(q, [d], len);
                [w, x, y, z]
            }
        }
    }
}
