//! Correlation of rows whose zeros are not stored: they count in the mean and lie below it.

use super::super::pair::Context;
use super::merge;
use crate::points::SparseRow;

/// Twice 1 - Pearson correlation over all columns, the squared distance of centred unit rows; 0 between constant rows, 1 between one and any other.
pub(in crate::metric) fn correlation(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context) -> f32 {
    let dim = with.dim as f64;
    let (mean_a, mean_b) = (mean(a, dim), mean(b, dim));
    let (square_a, square_b) = (square(a, mean_a, dim), square(b, mean_b, dim));
    if square_a == 0.0 || square_b == 0.0 {
        return if square_a == square_b { 0.0 } else { 2.0 };
    }
    let (mut product, mut columns) = (0.0, 0u32);
    merge(a, b, |x, y| {
        product += (x - mean_a) * (y - mean_b);
        columns += 1;
    });
    product += (dim - f64::from(columns)) * mean_a * mean_b;
    (2.0 - 2.0 * product / (square_a * square_b).sqrt()).clamp(0.0, 4.0) as f32
}

fn mean(row: SparseRow<'_>, dim: f64) -> f64 {
    row.values.iter().map(|&v| f64::from(v)).sum::<f64>() / dim
}

/// Sum of squared deviations from the mean; exactly 0 for a constant row, however its mean rounds.
fn square(row: SparseRow<'_>, mean: f64, dim: f64) -> f64 {
    let held = row.values.len() as f64;
    if held == 0.0 || (held == dim && row.values.iter().all(|&v| v == row.values[0])) {
        return 0.0;
    }
    let around: f64 = row.values.iter().map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean)).sum();
    around + (dim - held) * mean * mean
}
