//! Codes of one byte or half a byte.

use std::marker::PhantomData;

use super::bytes::{ByteOp, I};
use crate::simd::{Dot4, Simd};

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
