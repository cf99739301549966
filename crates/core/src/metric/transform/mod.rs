//! Row transforms: what is done to rows and queries, once and in place, so that a metric becomes a cheaper one.
//! Also the door at which a metric refuses rows that it is not defined for.
//!
//! ```text
//!   direction  cosine, correlation, spearmanr    unit rows: squared euclidean
//!   mass       hellinger                         roots of shares: squared euclidean
//!              wasserstein-1d, circular          distribution functions
//!              kantorovich, divergences          shares
//!   linear     seuclidean, wminkowski            columns scaled
//!              mahalanobis                       rows times a root of the matrix: squared euclidean
//! ```

mod direction;
mod linear;
mod mass;
#[cfg(test)]
mod tests;

pub(super) use linear::Linear;

use crate::control::Control;
use crate::error::{Error, Result};
use crate::parallel;
use crate::points::{Points, Rows, SparseRows};
use std::sync::{Arc, Mutex};

/// What happens to rows and queries before they are compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transform {
    None,
    /// Scale to length 1.
    Unit,
    /// Subtract the row's mean, then scale to length 1.
    CenteredUnit,
    /// Ranks of the row's values, then as `CenteredUnit`.
    RankedUnit,
    /// Roots of shares of the row's sum; values must not be negative.
    RootShares,
    /// Shares of the row's sum, all of one sign; refuses rows of zeros.
    Shares,
    /// Sums of shares up to each column; a row of zeros stays one. `open`: 0 in the last column, where all others
    /// have 1.
    Distribution {
        open: bool,
    },
    /// As the open distribution, of rows that `Shares` takes.
    DistributionOfMass,
    /// Shares after a small amount is added to each column (dense rows; sparse ones are only checked); values must
    /// not be negative.
    Smoothed,
    /// Each column by its own factor.
    Columns(Arc<[f64]>),
    /// The row times a matrix.
    Linear(Arc<Linear>),
}

/// Why a row is refused.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// Position among the row's stored values; `None`: the row as a whole.
    at: Option<usize>,
    value: f32,
    allowed: &'static str,
}

/// What comes of one row.
type Checked<T = ()> = std::result::Result<T, Fault>;

/// Room for one row.
#[derive(Debug, Default)]
struct Scratch {
    order: Vec<u32>,
    row: Vec<f64>,
}

impl Transform {
    /// Transforms all rows. One pass; after a failure some rows are transformed and some are not.
    ///
    /// Errors: `InvalidArgument` naming the first row that the metric is not defined for; `Cancelled`.
    pub fn apply(&self, points: &mut Points, threads: usize, control: Control<'_>) -> Result<()> {
        match points {
            _ if *self == Transform::None => Ok(()),
            Points::Dense(rows) => self.apply_dense(rows, threads, control),
            Points::Sparse(rows) => self.apply_sparse(rows, threads, control),
            Points::Bits(_) => Ok(()),
        }
    }

    /// Whether rows without a direction get a mark behind their last column.
    fn marks(&self) -> bool {
        use Transform::{CenteredUnit, RankedUnit, RootShares, Unit};
        matches!(self, Unit | CenteredUnit | RankedUnit | RootShares)
    }

    fn apply_dense(&self, rows: &mut Rows, threads: usize, control: Control<'_>) -> Result<()> {
        if self.marks() {
            rows.use_spare_column();
        }
        let dim = rows.dim();
        let faults = Faults::default();
        let (data, stride) = rows.raw_mut();
        let rows_per_chunk = (65_536 / stride).max(1);
        parallel::chunks_mut(threads, data, rows_per_chunk * stride, Scratch::default, |scratch, start, part| {
            for (i, row) in part.chunks_exact_mut(stride).enumerate() {
                let (values, spare) = row.split_at_mut(dim);
                faults.note(start / stride + i, self.dense_row(values, &mut spare[0], scratch));
            }
            !control.is_cancelled()
        });
        control.check()?;
        faults.first(|_, at| at)
    }

    fn dense_row(&self, values: &mut [f32], spare: &mut f32, scratch: &mut Scratch) -> Checked {
        match self {
            Transform::None => return Ok(()),
            Transform::Unit => *spare = direction::unit(values),
            Transform::CenteredUnit => *spare = direction::centered(values),
            Transform::RankedUnit => {
                direction::rank(values, &mut scratch.order);
                *spare = direction::centered(values);
            }
            Transform::RootShares => *spare = mass::root_shares(values)?,
            Transform::Shares => mass::shares(values)?,
            Transform::Distribution { open } => mass::distribution(values, *open)?,
            Transform::DistributionOfMass => {
                mass::check(values)?;
                mass::distribution(values, true)?;
            }
            Transform::Smoothed => mass::smoothed(values)?,
            Transform::Columns(factors) => linear::scale(values, factors)?,
            Transform::Linear(matrix) => matrix.apply(values, &mut scratch.row)?,
        }
        Ok(())
    }

    fn apply_sparse(&self, rows: &mut SparseRows, threads: usize, control: Control<'_>) -> Result<()> {
        let faults = Faults::default();
        parallel::chunks_mut(
            threads,
            &mut rows.values_mut(),
            1024,
            || (),
            |(), start, part| {
                for (i, row) in part.iter_mut().enumerate() {
                    faults.note(start + i, self.sparse_row(row));
                }
                !control.is_cancelled()
            },
        );
        control.check()?;
        faults.first(|row, at| rows.row(row).indices[at] as usize)?;
        // Centring would make zeros other values: sparse correlation works with rows as they are.
        if matches!(self, Transform::Unit | Transform::RootShares) { rows.mark_empty() } else { Ok(()) }
    }

    fn sparse_row(&self, values: &mut [f32]) -> Checked {
        match self {
            Transform::Unit => {
                direction::unit(values);
            }
            Transform::RootShares => {
                mass::root_shares(values)?;
            }
            Transform::Shares => mass::shares(values)?,
            Transform::Distribution { .. } => mass::distribution(values, false)?,
            Transform::DistributionOfMass => {
                mass::check(values)?;
                mass::distribution(values, false)?;
            }
            Transform::Smoothed => mass::not_negative(values)?,
            _ => {}
        }
        Ok(())
    }
}

/// The first refused row, whichever thread meets it.
#[derive(Default)]
struct Faults(Mutex<Option<(usize, Fault)>>);

impl Faults {
    fn note(&self, row: usize, outcome: Checked) {
        if let Err(fault) = outcome {
            let mut first = self.0.lock().unwrap_or_else(|e| e.into_inner());
            if first.is_none_or(|(known, _)| row < known) {
                *first = Some((row, fault));
            }
        }
    }

    /// The error of the first refused row; `column` knows the column of a position.
    fn first(self, column: impl Fn(usize, usize) -> usize) -> Result<()> {
        let Some((row, fault)) = self.0.into_inner().unwrap_or_else(|e| e.into_inner()) else { return Ok(()) };
        Err(match fault.at {
            Some(at) => {
                let seen = format!("{} (row {row}, column {})", fault.value, column(row, at));
                Error::invalid("value", seen, fault.allowed)
            }
            None => Error::invalid("sum of a row", format!("{} (row {row})", fault.value), fault.allowed),
        })
    }
}
