//! Rows of bytes, seen as words: packed bits ([`super::bits`]), and codes ([`super::codes`]).
//!
//! A vector of bytes is a vector of words to the loop of [`super`]; all sums are exact integers, so
//! the values are the same on every instruction set.

use std::fmt;
use std::marker::PhantomData;

use super::{PairKernel, PairOp};
use crate::simd::Simd;

/// Rows of bytes are whole multiples of this.
const STEP: usize = 64;

/// A kernel of one instruction set over rows of bytes, at any address, for a pair of rows and for one
/// row against four. Exact; symmetric; zero bytes appended to both rows change nothing.
pub struct ByteKernel<T> {
    words: PairKernel<T>,
    longest: usize,
}

impl<T> ByteKernel<T> {
    pub(crate) const fn new(words: PairKernel<T>, longest: usize) -> Self {
        Self { words, longest: longest / STEP * STEP }
    }

    /// The most bytes a row may have, so that no sum overflows.
    #[must_use]
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// The value for the rows `a` and `b`. O(length).
    ///
    /// # Panics
    ///
    /// If the lengths differ, are no multiple of 64, or exceed [`Self::longest`].
    #[inline]
    #[must_use]
    pub fn one(&self, a: &[u8], b: &[u8]) -> T {
        self.check(a);
        assert!(a.len() == b.len(), "rows of {} and {} bytes", a.len(), b.len());
        // SAFETY: both rows hold `a.len()` bytes, whole words; a kernel is reachable only through a
        // `Kernels` that was handed out after its instruction set was found on this CPU.
        unsafe { (self.words.one)(a.as_ptr().cast(), b.as_ptr().cast(), a.len() / 4) }
    }

    /// The values for `q` and each of `rows`, the same as four calls of [`Self::one`], but `q` is
    /// read once and the four rows' cache misses overlap.
    ///
    /// # Panics
    ///
    /// As [`Self::one`].
    #[inline]
    #[must_use]
    pub fn four(&self, q: &[u8], rows: [&[u8]; 4]) -> [T; 4] {
        self.check(q);
        for row in rows {
            assert!(row.len() == q.len(), "rows of {} and {} bytes", q.len(), row.len());
        }
        // SAFETY: all five rows hold `q.len()` bytes, whole words; the instruction set as in `one`.
        unsafe { (self.words.four)(q.as_ptr().cast(), rows.map(|r| r.as_ptr().cast()), q.len() / 4) }
    }

    #[inline(always)]
    fn check(&self, row: &[u8]) {
        let n = row.len();
        assert!(n.is_multiple_of(STEP) && n <= self.longest, "rows of {n} bytes, at most {}", self.longest);
    }
}

impl<T> Clone for ByteKernel<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ByteKernel<T> {}

impl<T> fmt::Debug for ByteKernel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteKernel").field("longest", &self.longest).finish_non_exhaustive()
    }
}

/// An operation that adds one integer term per word of bytes.
///
/// # Safety
///
/// As [`PairOp`].
pub(crate) trait ByteOp {
    /// The vectors it works on.
    type S: Simd;
    type Out: Copy + Default;
    /// The most bytes whose sum fits `Out`.
    const LONGEST: usize;

    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self>;
    /// As [`PairOp::alone`].
    #[inline(always)]
    unsafe fn alone(acc: I<Self>, _q: I<Self>) -> I<Self> {
        acc
    }
    /// From the sums over all lanes of what `step` and what `alone` gathered.
    fn result(sum: u32, alone: u32) -> Self::Out;
}

type F<O> = <<O as ByteOp>::S as Simd>::F;
pub(super) type I<O> = <<O as ByteOp>::S as Simd>::I;

/// A [`ByteOp`] over rows seen as words.
pub(crate) struct Words<O>(PhantomData<O>);

impl<O: ByteOp> PairOp<O::S> for Words<O> {
    type Acc = I<O>;
    type Out = O::Out;

    #[inline(always)]
    unsafe fn zero() -> I<O> {
        // SAFETY: the contract of `PairOp`.
        unsafe { O::S::splat_i(0) }
    }
    #[inline(always)]
    unsafe fn step(acc: I<O>, q: F<O>, row: F<O>) -> I<O> {
        // SAFETY: the contract of `PairOp`.
        unsafe { O::step(acc, O::S::bits(q), O::S::bits(row)) }
    }
    #[inline(always)]
    unsafe fn alone(acc: I<O>, q: F<O>) -> I<O> {
        // SAFETY: the contract of `PairOp`.
        unsafe { O::alone(acc, O::S::bits(q)) }
    }
    #[inline(always)]
    unsafe fn join(x: I<O>, y: I<O>) -> I<O> {
        // SAFETY: the contract of `PairOp`.
        unsafe { O::S::add_i(x, y) }
    }
    #[inline(always)]
    unsafe fn finish(acc: I<O>, alone: I<O>) -> O::Out {
        // SAFETY: the contract of `PairOp`.
        unsafe { O::result(O::S::reduce_add_i(acc), O::S::reduce_add_i(alone)) }
    }
}
