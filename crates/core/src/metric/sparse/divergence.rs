//! Divergences between histograms on the columns that either row holds, as PyNNDescent has them: only these are
//! smoothed, so that a row of zeros is nearer than among dense rows.

use super::super::pair::Context;
use super::merge;
use crate::points::SparseRow;

/// Added to every entry before it becomes a share, in f32 as upstream.
pub(in crate::metric) const SMOOTHING: f32 = f32::EPSILON;

/// Half of KL(a | m) + KL(b | m), m their mean.
pub(in crate::metric) fn jensen_shannon(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    let twice = over_shares(a, b, |x, y| {
        let both = x + y;
        x * (2.0 * x / both).ln() + y * (2.0 * y / both).ln()
    });
    (0.5 * twice).max(0.0) as f32
}

/// KL(a | b) + KL(b | a).
pub(in crate::metric) fn symmetric_kl(a: SparseRow<'_>, b: SparseRow<'_>, _: &Context) -> f32 {
    over_shares(a, b, |x, y| (x - y) * (x.ln() - y.ln())).max(0.0) as f32
}

fn over_shares(a: SparseRow<'_>, b: SparseRow<'_>, term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut columns = 0u32;
    merge(a, b, |_, _| columns += 1);
    let whole = |row: SparseRow<'_>| {
        row.values.iter().map(|&v| f64::from(v)).sum::<f64>() + f64::from(SMOOTHING) * f64::from(columns)
    };
    let (whole_a, whole_b) = (whole(a), whole(b));
    let smooth = |value: f64| f64::from(value as f32 + SMOOTHING);
    let mut sum = 0.0;
    merge(a, b, |x, y| sum += term(smooth(x) / whole_a, smooth(y) / whole_b));
    sum
}
