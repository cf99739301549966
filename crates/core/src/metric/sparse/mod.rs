//! Proxies of sparse rows, by merging the columns that are not zero. One idea a file; sums are in f64, which
//! costs nothing in loops that branch on columns.
//!
//! ```text
//!   powers       euclidean, manhattan, chebyshev, minkowski, hamming, canberra, braycurtis
//!   sets         counts for coefficients
//!   correlation  with the mean of all columns, zeros included
//!   divergence   jensen-shannon, symmetric-kl
//!   mass         wasserstein-1d, kantorovich
//! ```

mod correlation;
mod divergence;
mod mass;
mod powers;
mod sets;

pub(crate) use correlation::Centre;
pub(super) use correlation::correlation;
pub(super) use divergence::{SMOOTHING, jensen_shannon, symmetric_kl};
pub(super) use mass::{kantorovich, wasserstein};
pub(super) use powers::{braycurtis, canberra, chebyshev, differing, l2_squared, manhattan, minkowski};
pub(super) use sets::counts;

use crate::points::SparseRow;
use std::cmp::Ordering;
use std::hint::select_unpredictable;

/// Calls `each(column, a, b)` for every column that either row holds, in ascending order.
#[inline(always)]
fn merge_columns(a: SparseRow<'_>, b: SparseRow<'_>, mut each: impl FnMut(u32, Option<f32>, Option<f32>)) {
    let (mut i, mut j) = (0, 0);
    while i < a.indices.len() && j < b.indices.len() {
        let (left, right) = (a.indices[i], b.indices[j]);
        match left.cmp(&right) {
            Ordering::Less => {
                each(left, Some(a.values[i]), None);
                i += 1;
            }
            Ordering::Greater => {
                each(right, None, Some(b.values[j]));
                j += 1;
            }
            Ordering::Equal => {
                each(left, Some(a.values[i]), Some(b.values[j]));
                i += 1;
                j += 1;
            }
        }
    }
    (i..a.indices.len()).for_each(|i| each(a.indices[i], Some(a.values[i]), None));
    (j..b.indices.len()).for_each(|j| each(b.indices[j], None, Some(b.values[j])));
}

/// Calls `each(a, b)` for every column that either row holds, with 0 where a row holds none.
#[inline(always)]
fn merge(a: SparseRow<'_>, b: SparseRow<'_>, mut each: impl FnMut(f64, f64)) {
    let (mut i, mut j) = (0, 0);
    // Which row comes next cannot be foreseen, so nothing branches on it.
    while i < a.indices.len() && j < b.indices.len() {
        let (left, right) = (a.indices[i], b.indices[j]);
        let (x, y) = (a.values[i], b.values[j]);
        each(kept(x, left <= right), kept(y, right <= left));
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    a.values[i.min(a.values.len())..].iter().for_each(|&x| each(f64::from(x), 0.0));
    b.values[j.min(b.values.len())..].iter().for_each(|&y| each(0.0, f64::from(y)));
}

/// The value, or 0; chosen as an integer, which unlike a float needs no branch.
#[inline(always)]
fn kept(value: f32, keep: bool) -> f64 {
    f64::from(f32::from_bits(select_unpredictable(keep, value.to_bits(), 0)))
}
