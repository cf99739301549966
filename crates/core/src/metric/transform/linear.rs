//! Rows under a linear map.

use super::{Checked, Fault};
use crate::error::{Error, Result};

/// Multiplies each column by its factor.
pub(super) fn scale(values: &mut [f32], factors: &[f64]) -> Checked {
    values.iter_mut().zip(factors).for_each(|(v, factor)| *v = (f64::from(*v) * factor) as f32);
    finite(values)
}

fn finite(values: &[f32]) -> Checked {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Fault {
            at: Some(at),
            value: values[at],
            allowed: "values that stay finite in float32 under the metric's parameters",
        }),
    }
}

/// A square matrix, row-major.
#[derive(Debug, PartialEq)]
pub(crate) struct Linear {
    rows: Vec<f64>,
    dim: usize,
}

impl Linear {
    /// A matrix R with `RᵀR = (V + Vᵀ) / 2`, so that |R(x - y)|² is the quadratic form of V. O(dim³), by Cholesky
    /// with pivots: V need not have full rank.
    ///
    /// Errors: `InvalidArgument` where the form of V is negative somewhere.
    pub fn root_of(v: &[f32], dim: usize) -> Result<Linear> {
        let mut left: Vec<f64> =
            (0..dim * dim).map(|k| 0.5 * (f64::from(v[k]) + f64::from(v[k % dim * dim + k / dim]))).collect();
        let largest = (0..dim).map(|i| left[i * dim + i].abs()).fold(0.0, f64::max);
        // Rounding of f32 input.
        let slack = largest * dim as f64 * f64::from(f32::EPSILON);
        let mut rows = vec![0.0; dim * dim];
        for step in 0..dim {
            let (pivot, value) =
                (0..dim).map(|i| (i, left[i * dim + i])).fold((0, f64::MIN), |a, b| if b.1 > a.1 { b } else { a });
            if value <= slack {
                break;
            }
            let row = &mut rows[step * dim..(step + 1) * dim];
            let scale = 1.0 / value.sqrt();
            row.iter_mut().enumerate().for_each(|(j, r)| *r = left[pivot * dim + j] * scale);
            for i in 0..dim {
                let factor = row[i];
                left[i * dim..(i + 1) * dim].iter_mut().zip(&*row).for_each(|(l, r)| *l -= factor * r);
            }
        }
        // What is left of a form that is never negative is 0 but for rounding.
        match left.iter().position(|l| l.abs() > 2.0 * slack) {
            None => Ok(Linear { rows, dim }),
            Some(k) => {
                let seen = format!("a matrix whose form is negative along column {}", k % dim);
                Err(Error::invalid("vinv", seen, "a symmetric matrix without negative eigenvalues"))
            }
        }
    }

    pub(super) fn apply(&self, values: &mut [f32], scratch: &mut Vec<f64>) -> Checked {
        scratch.clear();
        scratch.extend(values.iter().map(|&v| f64::from(v)));
        for (value, row) in values.iter_mut().zip(self.rows.chunks_exact(self.dim)) {
            *value = product(row, scratch) as f32;
        }
        finite(values)
    }
}

/// In eight running sums: one alone would not vectorise.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let (whole_a, rest_a) = a.as_chunks::<8>();
    let (whole_b, rest_b) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (x, y) in whole_a.iter().zip(whole_b) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum::<f64>()
}
