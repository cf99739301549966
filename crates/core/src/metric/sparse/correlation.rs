//! Correlation of rows whose zeros are not stored: they count in the mean and lie below it.

use super::super::pair::Context;
use super::merge;
use crate::points::SparseRow;

/// What correlation knows of a row by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Centre {
    mean: f64,
    /// Sum of squared deviations from the mean; exactly 0 for a constant row.
    square: f64,
}

impl Centre {
    pub(crate) fn of(row: SparseRow<'_>, dim: f64) -> Centre {
        let mean = mean(row, dim);
        Centre { mean, square: square(row, mean, dim) }
    }

    /// The proxy of two rows from their product.
    #[inline]
    pub(crate) fn proxy(self, other: Centre, product: f64, dim: f64) -> f32 {
        self.of_centred(other, product - dim * self.mean * other.mean)
    }

    #[inline]
    fn of_centred(self, other: Centre, product: f64) -> f32 {
        if self.square == 0.0 || other.square == 0.0 {
            return if self.square == other.square { 0.0 } else { 2.0 };
        }
        (2.0 - 2.0 * product / (self.square * other.square).sqrt()).clamp(0.0, 4.0) as f32
    }

    /// How much longer a row of this squared norm is than its deviations: products lose that much accuracy.
    pub(crate) fn stretch(self, norm: f32) -> f32 {
        if self.square == 0.0 { 1.0 } else { (f64::from(norm) / self.square).sqrt() as f32 }
    }
}

/// Twice 1 - Pearson correlation over all columns, the squared distance of centred unit rows; 0 between constant
/// rows, 1 between one and any other.
pub(in crate::metric) fn correlation(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context) -> f32 {
    let dim = with.dim as f64;
    let (of_a, of_b) = (Centre::of(a, dim), Centre::of(b, dim));
    let (mut product, mut columns) = (0.0, 0u32);
    merge(a, b, |x, y| {
        product += (x - of_a.mean) * (y - of_b.mean);
        columns += 1;
    });
    of_a.of_centred(of_b, product + (dim - f64::from(columns)) * of_a.mean * of_b.mean)
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
