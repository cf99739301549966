//! Rows of packed bits.

use std::marker::PhantomData;

use super::PairOp;
use super::bytes::{ByteOp, I};
use crate::simd::{Popcount, Simd};

/// The most bytes whose bits a u32 can count.
pub(crate) const BITS_LONGEST: usize = u32::MAX as usize / 8;

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
