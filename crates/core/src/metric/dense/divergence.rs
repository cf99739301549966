//! Divergences between distributions: rows of positive shares (see `transform::mass`).

use super::super::pair::Context;
use super::sums::{ln, sum};

/// Half of KL(a | m) + KL(b | m), m their mean; natural logarithm, no root.
pub(in crate::metric) fn jensen_shannon(a: &[f32], b: &[f32], _: &Context) -> f32 {
    let twice = sum(a, b, |x, y| {
        let both = x + y;
        x * ln(2.0 * x / both) + y * ln(2.0 * y / both)
    });
    (0.5 * twice).max(0.0) as f32
}

/// KL(a | b) + KL(b | a), natural logarithm.
pub(in crate::metric) fn symmetric_kl(a: &[f32], b: &[f32], _: &Context) -> f32 {
    sum(a, b, |x, y| (x - y) * (ln(x) - ln(y))).max(0.0) as f32
}
