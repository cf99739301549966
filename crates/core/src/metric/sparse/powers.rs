//! Distances that add (or pick) something of each column's two values.

use super::super::pair::Context;
use super::merge;
use crate::points::SparseRow;

/// Squared euclidean distance.
pub(in crate::metric) fn l2_squared(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let mut sum = 0.0;
    merge(a, b, |x, y| sum += (x - y) * (x - y));
    sum as f32
}

/// Sum of |a - b|.
pub(in crate::metric) fn manhattan(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let mut sum = 0.0;
    merge(a, b, |x, y| sum += (x - y).abs());
    sum as f32
}

/// Largest |a - b|.
pub(in crate::metric) fn chebyshev(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    largest(a, b) as f32
}

fn largest(a: SparseRow<'_>, b: SparseRow<'_>) -> f64 {
    let mut largest = 0.0f64;
    merge(a, b, |x, y| largest = largest.max((x - y).abs()));
    largest
}

/// (Sum of |a - b|^p)^(1/p), as shares of the largest difference: no power overflows, not all vanish.
pub(in crate::metric) fn minkowski(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context) -> f32 {
    let largest = largest(a, b);
    if largest == 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    merge(a, b, |x, y| sum += ((x - y).abs() / largest).powf(with.p));
    (largest * sum.powf(1.0 / with.p)) as f32
}

/// Number of columns whose values differ.
pub(in crate::metric) fn differing(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let mut count = 0u32;
    merge(a, b, |x, y| count += u32::from(x != y));
    count as f32
}

/// Sum of |a - b| / (|a| + |b|).
pub(in crate::metric) fn canberra(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let mut sum = 0.0;
    merge(a, b, |x, y| sum += (x - y).abs() / (x.abs() + y.abs()));
    sum as f32
}

/// Sum of |a - b| / sum of |a + b|, 0 where the latter is.
pub(in crate::metric) fn braycurtis(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let (mut apart, mut whole) = (0.0, 0.0);
    merge(a, b, |x, y| {
        apart += (x - y).abs();
        whole += (x + y).abs();
    });
    if whole == 0.0 { 0.0 } else { (apart / whole) as f32 }
}
