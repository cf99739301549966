//! Pair functions over sparse rows.

use super::pair::Context;
use crate::points::SparseRow;
use std::cmp::Ordering;

/// Calls `each(a, b)` for every column that either row holds, with 0 where a row holds none.
#[inline]
pub(super) fn merge(a: SparseRow<'_>, b: SparseRow<'_>, mut each: impl FnMut(f32, f32)) {
    let (mut i, mut j) = (0, 0);
    while i < a.indices.len() && j < b.indices.len() {
        match a.indices[i].cmp(&b.indices[j]) {
            Ordering::Less => {
                each(a.values[i], 0.0);
                i += 1;
            }
            Ordering::Greater => {
                each(0.0, b.values[j]);
                j += 1;
            }
            Ordering::Equal => {
                each(a.values[i], b.values[j]);
                i += 1;
                j += 1;
            }
        }
    }
    a.values[i..].iter().for_each(|&value| each(value, 0.0));
    b.values[j..].iter().for_each(|&value| each(0.0, value));
}

/// Squared euclidean distance.
pub(super) fn l2_squared(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let mut sum = 0.0f64;
    merge(a, b, |x, y| sum += (f64::from(x) - f64::from(y)).powi(2));
    sum as f32
}
