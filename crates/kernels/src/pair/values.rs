//! Operations on rows of f32: distances, and counts of what is not zero.

use super::PairOp;
use crate::simd::Simd;

/// Declares operations that add one term per column. `S` is the instruction set.
macro_rules! sums {
    ($($name:ident($acc:ident, $a:ident, $b:ident) = $step:expr;)*) => {$(
        pub(crate) struct $name;

        impl<S: Simd> PairOp<S> for $name {
            type Acc = S::F;
            type Out = f32;

            #[inline(always)]
            unsafe fn zero() -> S::F {
                // SAFETY: the contract of `PairOp`.
                unsafe { S::splat(0.0) }
            }
            #[inline(always)]
            unsafe fn step($acc: S::F, $a: S::F, $b: S::F) -> S::F {
                // SAFETY: the contract of `PairOp`.
                unsafe { $step }
            }
            #[inline(always)]
            unsafe fn join(x: S::F, y: S::F) -> S::F {
                // SAFETY: the contract of `PairOp`.
                unsafe { S::add(x, y) }
            }
            #[inline(always)]
            unsafe fn finish(acc: S::F, _alone: S::F) -> f32 {
                // SAFETY: the contract of `PairOp`.
                unsafe { S::reduce_add(acc) }
            }
        }
    )*};
}

sums! {
    L2Sq(acc, a, b) = {
        let d = S::sub(a, b);
        S::fma(d, d, acc)
    };
    Ip(acc, a, b) = S::fma(a, b, acc);
    L1(acc, a, b) = S::add(acc, S::abs(S::sub(a, b)));
    AbsSum(acc, a, b) = S::add(acc, S::abs(S::add(a, b)));
    Hamming(acc, a, b) = S::count_ne(acc, a, b);
    Canberra(acc, a, b) = {
        let share = S::div_or_zero(S::abs(S::sub(a, b)), S::add(S::abs(a), S::abs(b)));
        S::add(acc, share)
    };
}

pub(crate) struct Linf;

impl<S: Simd> PairOp<S> for Linf {
    type Acc = S::F;
    type Out = f32;

    #[inline(always)]
    unsafe fn zero() -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::splat(0.0) }
    }
    #[inline(always)]
    unsafe fn step(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::max(acc, S::abs(S::sub(a, b))) }
    }
    #[inline(always)]
    unsafe fn join(x: S::F, y: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::max(x, y) }
    }
    #[inline(always)]
    unsafe fn finish(acc: S::F, _alone: S::F) -> f32 {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::reduce_max(acc) }
    }
}

/// The sums of `|a - b|` and of `|a + b|`.
pub(crate) struct BrayCurtis;

impl<S: Simd> PairOp<S> for BrayCurtis {
    type Acc = [S::F; 2];
    type Out = f32;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> [S::F; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::splat(0.0); 2] }
    }
    #[inline(always)]
    unsafe fn step([apart, total]: [S::F; 2], a: S::F, b: S::F) -> [S::F; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::add(apart, S::abs(S::sub(a, b))), S::add(total, S::abs(S::add(a, b)))] }
    }
    #[inline(always)]
    unsafe fn join(x: [S::F; 2], y: [S::F; 2]) -> [S::F; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::add(x[0], y[0]), S::add(x[1], y[1])] }
    }
    #[inline(always)]
    unsafe fn finish([apart, total]: [S::F; 2], _alone: [S::F; 2]) -> f32 {
        // SAFETY: the contract of `PairOp`.
        let (apart, total) = unsafe { (S::reduce_add(apart), S::reduce_add(total)) };
        if total > 0.0 { apart / total } else { 0.0 }
    }
}

/// How many columns are non-zero in both rows, in the first only and in the second only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Non-zero in both rows.
    pub both: u32,
    /// Non-zero in the first row only.
    pub only_a: u32,
    /// Non-zero in the second row only.
    pub only_b: u32,
}

/// Columns that are non-zero in both rows, and in one row.
pub(crate) struct CountNonZero;

impl<S: Simd> PairOp<S> for CountNonZero {
    type Acc = [S::I; 2];
    type Out = Counts;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::splat_i(0); 2] }
    }
    #[inline(always)]
    unsafe fn step([both, row]: [S::I; 2], a: S::F, b: S::F) -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::count_both(both, a, b), S::count_both(row, b, b)] }
    }
    #[inline(always)]
    unsafe fn alone([both, q]: [S::I; 2], a: S::F) -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [both, S::count_both(q, a, a)] }
    }
    #[inline(always)]
    unsafe fn join(x: [S::I; 2], y: [S::I; 2]) -> [S::I; 2] {
        // SAFETY: the contract of `PairOp`.
        unsafe { [S::add_i(x[0], y[0]), S::add_i(x[1], y[1])] }
    }
    #[inline(always)]
    unsafe fn finish([both, row]: [S::I; 2], [_, q]: [S::I; 2]) -> Counts {
        // SAFETY: the contract of `PairOp`.
        unsafe {
            let both = S::reduce_add_i(both);
            Counts { both, only_a: S::reduce_add_i(q) - both, only_b: S::reduce_add_i(row) - both }
        }
    }
}

/// `(sum of |a - b|^p)^(1/p)` over the values; `p > 0`, finite. O(length), symmetric bit for bit, and
/// not vectorised: the power dominates. Powers are of shares of the largest difference, so that they
/// neither overflow nor all vanish, whatever `p` is.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn minkowski(a: &[f32], b: &[f32], p: f32) -> f32 {
    assert!(a.len() == b.len(), "rows of {} and {} values", a.len(), b.len());
    let differences = || a.iter().zip(b).map(|(x, y)| (x - y).abs());
    let largest = differences().fold(0.0f32, f32::max);
    if largest == 0.0 {
        return 0.0;
    }
    let sum: f32 = differences().map(|d| (d / largest).powf(p)).sum();
    largest * sum.powf(1.0 / p)
}
