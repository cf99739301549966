//! Values of kernels in f64. Kernels add in f32, where huge values of both signs meet as `inf - inf` or
//! `inf / inf`; such a pair is computed here once more. The same functions are the kernels' reference.

use super::super::pair::Context;
use super::sums::sum;

/// Minus the inner product.
pub(in crate::metric) fn negated_product(a: &[f32], b: &[f32], _: &Context) -> f32 {
    // Adding 0 turns -0 into 0: proxies are ordered by their bits.
    -sum(a, b, |x, y| x * y) as f32 + 0.0
}

/// Sum of |a - b| / (|a| + |b|), 0 where both are.
pub(in crate::metric) fn canberra(a: &[f32], b: &[f32], _: &Context) -> f32 {
    sum(a, b, |x, y| {
        let size = x.abs() + y.abs();
        (x - y).abs() / if size == 0.0 { 1.0 } else { size }
    }) as f32
}

/// Sum of |a - b| / sum of |a + b|, 0 where the latter is.
pub(in crate::metric) fn braycurtis(a: &[f32], b: &[f32], _: &Context) -> f32 {
    let whole = sum(a, b, |x, y| (x + y).abs());
    if whole == 0.0 { 0.0 } else { (sum(a, b, |x, y| (x - y).abs()) / whole) as f32 }
}

/// (Sum of |a - b|^p)^(1/p).
pub(in crate::metric) fn minkowski(a: &[f32], b: &[f32], with: &Context) -> f32 {
    let narrow = hnsw_kernels::minkowski(a, b, with.p as f32);
    if narrow.is_nan() { power(a, b, with) } else { narrow }
}

/// As [`minkowski`], of shares of the largest difference: no power overflows, not all vanish.
fn power(a: &[f32], b: &[f32], with: &Context) -> f32 {
    let differences = || a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).abs());
    let largest = differences().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    let sum: f64 = differences().map(|d| (d / largest).powf(with.p)).sum();
    (largest * sum.powf(1.0 / with.p)) as f32
}
