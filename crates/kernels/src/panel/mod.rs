//! Tiles of sums that are no products: every row of A against every row of B, column by column.
//!
//! The register tiles of [`crate::tile`], with the step of a pair kernel in the place of the
//! multiply-add:
//!
//! ```text
//!   sums[m][v] = step(sums[m][v], splat(a_m[k]), panel[k][v])
//! ```
//!
//! Loads are shared between rows and columns, and no sum is added across lanes: that is what is won over
//! one row against four. The order of summation is not that of the pair kernels, so sums of f32 differ
//! from theirs by rounding ([`panel_error_factor`]); counts and maxima are the same.
//!
//! What may not enter: loops over rows (they are in `tile`), metrics, thresholds.

mod kernel;

use std::marker::PhantomData;

pub use self::kernel::{PanelKernel, PanelKernels, panel_error_factor};
use crate::pair::PairOp;
use crate::simd::{Simd, WordDot, ops};

/// The step of a pair kernel that gathers one vector of f32, as the step of a tile.
pub(crate) struct FloatSteps<S, O>(PhantomData<(S, O)>);
/// As [`FloatSteps`], of a pair kernel that gathers one vector of integers, each lane by itself.
pub(crate) struct IntSteps<S, O>(PhantomData<(S, O)>);

macro_rules! steps {
    ($of:ident, $acc:ident, $cell:ty, $splat:ident, $load:ident, $store:ident) => {
        impl<S: Simd, O: PairOp<S, Acc = S::$acc> + 'static> WordDot for $of<S, O> {
            type S = S;
            type Out = $cell;
            type Sum = S::$acc;
            type A = S::F;
            type B = S::F;

            ops! {
                left(word: i32) -> S::F = S::splat(f32::from_bits(word.cast_unsigned()));
                right(words: *const i32) -> S::F = S::load(words.cast());
                dot(acc: S::$acc, a: S::F, b: S::F) -> S::$acc = O::step(acc, a, b);
                splat(x: $cell) -> S::$acc = S::$splat(x);
                load(p: *const $cell) -> S::$acc = S::$load(p);
                store(p: *mut $cell, v: S::$acc) = S::$store(p, v);
                add(a: S::$acc, b: S::$acc) -> S::$acc = O::join(a, b);
            }
        }
    };
}

steps!(FloatSteps, F, f32, splat, load, store);
steps!(IntSteps, I, i32, splat_i, load_i, store_i);
