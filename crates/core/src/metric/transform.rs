//! Row transforms that turn a metric into squared euclidean distance. Done in place, once per row.

use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::points::{Points, RowRef, Rows, SparseRows};

/// What happens to rows and queries before they are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Transform {
    None,
    /// Scale to length 1 (cosine).
    Unit,
    /// Subtract the row's mean, then scale to length 1 (correlation).
    CenteredUnit,
}

impl Transform {
    /// Whether rows can be at distance 1 from every row, their copies included: all-zero rows under cosine.
    /// (Constant rows under correlation are at 0 from each other.)
    pub fn has_equidistant(self) -> bool {
        self == Transform::Unit
    }

    /// Whether a transformed row is such a row.
    pub fn is_equidistant(self, row: RowRef<'_>, dim: usize) -> bool {
        self.has_equidistant()
            && match row {
                RowRef::Dense(row) => row[dim] == 1.0,
                RowRef::Sparse(row) => row.indices == [dim as u32],
                RowRef::Bits(_) => false,
            }
    }

    /// Transforms all rows. One pass; after a cancel some rows are transformed and some are not.
    pub fn apply(self, points: &mut Points, threads: usize, control: Control<'_>) -> Result<()> {
        match points {
            _ if self == Transform::None => Ok(()),
            Points::Dense(rows) => self.apply_dense(rows, threads, control),
            Points::Sparse(rows) => self.apply_sparse(rows, threads, control),
            Points::Bits(_) => Ok(()),
        }
    }

    fn apply_dense(self, rows: &mut Rows, threads: usize, control: Control<'_>) -> Result<()> {
        rows.use_spare_column();
        let dim = rows.dim();
        let (data, stride) = rows.raw_mut();
        let rows_per_chunk = (65_536 / stride).max(1);
        parallel::chunks_mut(
            threads,
            data,
            rows_per_chunk * stride,
            || (),
            |_, _, part| {
                part.chunks_exact_mut(stride).for_each(|row| self.apply_row(row, dim));
                !control.is_cancelled()
            },
        );
        control.check()
    }

    fn apply_sparse(self, rows: &mut SparseRows, threads: usize, control: Control<'_>) -> Result<()> {
        parallel::chunks_mut(
            threads,
            &mut rows.values_mut(),
            1024,
            || (),
            |_, _, part| {
                for row in part {
                    let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
                    row.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
                }
                !control.is_cancelled()
            },
        );
        control.check()?;
        rows.mark_empty()
    }

    fn apply_row(self, row: &mut [f32], dim: usize) {
        let (values, spare) = row.split_at_mut(dim);
        // Identical values have no direction however their mean rounds.
        let constant = values.iter().all(|&v| v == values[0]);
        let flat = if self == Transform::CenteredUnit { constant } else { constant && values[0] == 0.0 };
        if flat {
            values.fill(0.0);
            spare[0] = 1.0;
            return;
        }
        let mean = match self {
            Transform::CenteredUnit => values.iter().map(|&v| f64::from(v)).sum::<f64>() / dim as f64,
            _ => 0.0,
        };
        // In f64 neither the square of a huge value overflows nor that of a tiny one vanishes.
        let norm = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>().sqrt();
        let scale = 1.0 / norm;
        values.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) * scale) as f32);
        spare[0] = 0.0;
    }
}
