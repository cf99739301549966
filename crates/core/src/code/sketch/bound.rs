//! What sketches say of distances for certain.
//!
//! With A the axes as rows, y = A (x - mean), c the code of y in steps of 1/scale, and D the squared distance of two codes:
//!
//! ```text
//!   |A v|  <=  stretch · |v|                                 stretch² <= 1 + |A Aᵀ - I|
//!   sqrt(D)  <=  scale · |y_a - y_b| + sqrt(dims)            each column of each code is rounded by half a step
//! ```
//!
//! What lies beyond the range of a byte is cut off, which brings no two values farther apart.

use super::Sketch;
use hnsw_kernels::{Kernels, MatRef, Packed};

/// Largest relative error of a rounded f32, twice.
const ROUNDED: f64 = f32::EPSILON as f64;

/// How much longer than a vector its products with `axes` (`dims x dim`, as `packed`) can be.
pub(super) fn stretch(axes: &[f32], packed: &Packed<f32>, dims: usize, dim: usize) -> f64 {
    let ld = dims.next_multiple_of(16);
    let mut gram = vec![0.0f32; dims * ld];
    Kernels::detect().dot_tile_f32(MatRef::new(axes, dims, dim, dim), packed, &mut gram, ld);
    let squares = gram.chunks_exact(ld).enumerate().map(|(i, row)| {
        let apart = |(j, &value): (usize, &f32)| (f64::from(value) - f64::from(u8::from(i == j))).powi(2);
        row[..dims].iter().enumerate().map(apart).sum::<f64>()
    });
    // The products are rounded, too.
    (1.0 + squares.sum::<f64>().sqrt() + 2.0 * dims as f64 * dim as f64 * ROUNDED).sqrt()
}

impl Sketch {
    /// How far a row is from the mean.
    pub fn reach(&self, row: &[f32]) -> f64 {
        let apart = |(value, mean): (&f32, &f32)| (f64::from(*value) - f64::from(*mean)).powi(2);
        row.iter().zip(&self.frame.mean).map(apart).sum::<f64>().sqrt()
    }

    /// Largest squared distance of the codes of a row of this [`Sketch::reach`] and of one whose proxy from it is `limit` or less.
    pub fn most(&self, reach: f64, limit: f32) -> i32 {
        let (dims, dim) = (self.frame.dims as f64, self.frame.mean.len() as f64);
        let distance = (f64::from(limit).max(0.0) * (1.0 + 4.0 * dim * ROUNDED)).sqrt();
        // The other row is no farther from the mean than this one and the distance.
        let rounded = dims.sqrt() * (dim + 8.0) * ROUNDED * (2.0 * reach + distance);
        let steps = f64::from(self.frame.scale) * self.frame.stretch * (distance + rounded) + 1.001 * dims.sqrt();
        let most = (steps * steps).ceil();
        // Casts saturate; products of the axes of a file may be no numbers.
        if most.is_nan() { i32::MAX } else { most as i32 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Directions, Frame, Sample};
    use super::*;
    use crate::control::Control;
    use crate::points::Rows;
    use crate::testing::Rng;

    #[test]
    fn no_row_is_farther_by_its_code_than_its_distance_allows() {
        let mut rng = Rng::new(3);
        for (dim, size, offset, tall) in
            [(64, 1.0, 0.0, 1.0), (130, 1.0, 1e4, 1.0), (64, 1e-5, 0.0, 1.0), (64, 1.0, 0.0, 1e4)]
        {
            // A few rows are far beyond what codes have a range for.
            let mut value = |row: usize| offset + size * rng.normal() * if row % 50 == 7 { tall } else { 1.0 };
            let values: Vec<f32> = (0..5000 * dim).map(|at| value(at / dim)).collect();
            let rows = Rows::from_slice(&values, dim).unwrap();
            let frame = Frame::of(&Sample::of(&rows).unwrap(), 60, 2).unwrap();
            let known = super::super::encode(&frame, &rows, true, 64, 2, Control::none()).unwrap();
            // Axes that are not quite what axes should be, as a file may have them.
            let bent: Vec<f32> = known.directions().axes.iter().map(|v| v * 1.3).collect();
            let huge = Directions { axes: vec![f32::MAX; bent.len()], ..known.directions() };
            let of_huge = Sketch::by(&huge, &rows, 2, Control::none()).unwrap().unwrap();
            assert_eq!(of_huge.most(1.0, 1.0), i32::MAX);
            let bent = Sketch::by(&Directions { axes: bent, ..known.directions() }, &rows, 2, Control::none()).unwrap();
            for sketch in [known, bent.unwrap()] {
                let dot = Kernels::detect().u8_dot;
                for query in [0, 7, 57, 4000] {
                    let reach = sketch.reach(&rows.row(query)[..dim]);
                    for other in 0..1000 {
                        let apart = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
                        let limit: f64 = rows.row(query)[..dim].iter().zip(rows.row(other)).map(apart).sum();
                        let seen = sketch.between(dot, query, other);
                        assert!(seen <= sketch.most(reach, limit as f32) as f32, "{query}, {other}: {seen}");
                    }
                }
            }
        }
    }
}
