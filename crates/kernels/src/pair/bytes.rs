//! Rows of bytes: packed bits, and codes of one byte or half a byte.
//!
//! A vector of bytes is a vector of words to the loop of [`super`]; all sums are exact integers, so
//! the values are the same on every instruction set.

use std::fmt;
use std::marker::PhantomData;

use super::{PairKernel, PairOp};
use crate::simd::{Dot4, Popcount, Simd};

/// Rows of bytes are whole multiples of this.
const STEP: usize = 64;
/// The most bytes whose bits a u32 can count.
pub(crate) const BITS_LONGEST: usize = u32::MAX as usize / 8;

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
type I<O> = <<O as ByteOp>::S as Simd>::I;

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

/// Bits that differ.
pub(crate) struct BitHamming<P>(PhantomData<P>);

impl<P: Popcount> ByteOp for BitHamming<P> {
    type S = P::S;
    type Out = u32;
    const LONGEST: usize = BITS_LONGEST;

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { P::add_ones(acc, P::S::xor_i(q, row)) }
    }
    fn result(sum: u32, _alone: u32) -> u32 {
        sum
    }
}

/// Bits set in both rows, each 32-bit lane by itself.
pub(crate) struct BitAnd<P>(PhantomData<P>);

impl<P: Popcount> ByteOp for BitAnd<P> {
    type S = P::S;
    type Out = u32;
    const LONGEST: usize = BITS_LONGEST;

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { P::add_ones_each(acc, P::S::and_i(q, row)) }
    }
    fn result(sum: u32, _alone: u32) -> u32 {
        sum
    }
}

/// Bits set in both rows, and in either.
pub(crate) struct BitAndOr<P>(PhantomData<P>);

impl<S: Simd, P: Popcount<S = S>> PairOp<S> for BitAndOr<P> {
    type Acc = [S::I; 2];
    type Out = (u32, u32);
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::splat_i(0); 2] }
    }
    #[inline(always)]
    unsafe fn step([and, or]: [S::I; 2], q: S::F, row: S::F) -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe {
            let (q, row) = (S::bits(q), S::bits(row));
            [P::add_ones(and, S::and_i(q, row)), P::add_ones(or, S::or_i(q, row))]
        }
    }
    #[inline(always)]
    unsafe fn join(x: [S::I; 2], y: [S::I; 2]) -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::add_i(x[0], y[0]), S::add_i(x[1], y[1])] }
    }
    #[inline(always)]
    unsafe fn finish([and, or]: [S::I; 2], _alone: [S::I; 2]) -> (u32, u32) {
        // SAFETY: the contract of `PairOp`.
        unsafe { (S::reduce_add_i(and), S::reduce_add_i(or)) }
    }
}

/// Squared euclidean distance of bytes.
pub(crate) struct U8L2Sq<D>(PhantomData<D>);

impl<D: Dot4> ByteOp for U8L2Sq<D> {
    type S = D::S;
    type Out = u32;
    const LONGEST: usize = u32::MAX as usize / (255 * 255);

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { D::squares(acc, D::S::abs_diff_u8(q, row)) }
    }
    fn result(sum: u32, _alone: u32) -> u32 {
        sum
    }
}

/// Inner product of unsigned bytes. With a flipped right side, `row - 128` is what `q` is multiplied
/// by, and 128 times the sum of `q` puts the difference back.
pub(crate) struct U8Dot<D>(PhantomData<D>);

impl<D: Dot4> ByteOp for U8Dot<D> {
    type S = D::S;
    type Out = u32;
    const LONGEST: usize = u32::MAX as usize / (255 * 255);

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe {
            let flipped = D::S::xor_i(row, D::S::splat_i(i32::from_ne_bytes([D::FLIP; 4])));
            D::dot(acc, D::left(q), D::right(flipped))
        }
    }
    #[inline(always)]
    unsafe fn alone(acc: I<Self>, q: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { D::sum_u8(acc, q) }
    }
    fn result(sum: u32, alone: u32) -> u32 {
        sum.wrapping_add(u32::from(D::FLIP).wrapping_mul(alone))
    }
}

/// Inner product of signed bytes. With a flipped side, `row + 128` is what `q` is multiplied by.
pub(crate) struct I8Dot<D>(PhantomData<D>);

impl<D: Dot4> ByteOp for I8Dot<D> {
    type S = D::S;
    type Out = i32;
    const LONGEST: usize = i32::MAX as usize / (128 * 128);

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { D::dot_i8(acc, row, q) }
    }
    #[inline(always)]
    unsafe fn alone(acc: I<Self>, q: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe { D::sum_i8(acc, q) }
    }
    fn result(sum: u32, alone: u32) -> i32 {
        sum.wrapping_sub(u32::from(D::FLIP).wrapping_mul(alone)).cast_signed()
    }
}

/// Squared euclidean distance of half bytes, two per byte.
pub(crate) struct U4L2Sq<D>(PhantomData<D>);

impl<D: Dot4> ByteOp for U4L2Sq<D> {
    type S = D::S;
    type Out = u32;
    const LONGEST: usize = u32::MAX as usize / (2 * 15 * 15);

    #[inline(always)]
    unsafe fn step(acc: I<Self>, q: I<Self>, row: I<Self>) -> I<Self> {
        // SAFETY: the contract of `ByteOp`.
        unsafe {
            let low = D::S::splat_i(0x0F0F_0F0F);
            let even = D::S::abs_diff_u8(D::S::and_i(q, low), D::S::and_i(row, low));
            let (q, row) = (D::S::shr4_i(q), D::S::shr4_i(row));
            let odd = D::S::abs_diff_u8(D::S::and_i(q, low), D::S::and_i(row, low));
            D::squares_u4(acc, even, odd)
        }
    }
    fn result(sum: u32, _alone: u32) -> u32 {
        sum
    }
}
