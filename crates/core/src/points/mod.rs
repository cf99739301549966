//! The rows of an index in whatever form they come: dense f32, sparse f32, or packed bits.
//!
//! ```text
//!   dense    one row-major f32 matrix, padded, aligned
//!   sparse   CSR, columns ascending
//!   bits     packed bytes, padded, aligned
//!   aligned  the memory of dense and bits
//!   derived  what searches derived from rows, kept until they change
//! ```
//!
//! Algorithms see [`Points`]: rows by number, as [`RowRef`]s that only a metric's pair function looks into.
//! All rows of an index, and all queries, have one form.

pub(crate) mod aligned;
mod bits;
mod dense;
mod derived;
mod sparse;

pub use bits::BitRows;
pub use dense::{MAX_DIM, MAX_ROWS, Rows};
pub(crate) use derived::Derived;
pub use sparse::{MAX_SPARSE_DIM, SparseRows};

use crate::error::{Error, Result};
use std::ops::Range;

/// `InvalidArgument` for a shape that no rows may have.
fn check_shape(rows: usize, dim: usize, max_dim: usize) -> Result<()> {
    if dim == 0 || dim > max_dim {
        return Err(Error::invalid("dim", dim, format!("1..={max_dim}")));
    }
    if rows > MAX_ROWS {
        return Err(Error::invalid("rows", rows, format!("0..={MAX_ROWS}")));
    }
    Ok(())
}

/// How rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// f32, every column.
    Dense,
    /// f32, columns that are not zero.
    Sparse,
    /// Packed bits.
    Bits,
}

impl Form {
    /// `dense`, `sparse` or `bits`.
    pub fn name(self) -> &'static str {
        match self {
            Form::Dense => "dense",
            Form::Sparse => "sparse",
            Form::Bits => "bits",
        }
    }
}

/// A row of an index or a query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowRef<'a> {
    /// Padded with zeros to a multiple of 16 columns, 64-byte aligned.
    Dense(&'a [f32]),
    Sparse(SparseRow<'a>),
    /// Padded with zeros to a multiple of 64 bytes.
    Bits(&'a [u8]),
}

/// The columns of a row that are not zero, ascending, and their values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SparseRow<'a> {
    pub indices: &'a [u32],
    pub values: &'a [f32],
}

/// Rows of one form.
pub enum Points {
    /// See [`Rows`].
    Dense(Rows),
    /// See [`SparseRows`].
    Sparse(SparseRows),
    /// See [`BitRows`].
    Bits(BitRows),
}

impl From<Rows> for Points {
    fn from(rows: Rows) -> Points {
        Points::Dense(rows)
    }
}

impl From<SparseRows> for Points {
    fn from(rows: SparseRows) -> Points {
        Points::Sparse(rows)
    }
}

impl From<BitRows> for Points {
    fn from(rows: BitRows) -> Points {
        Points::Bits(rows)
    }
}

/// Calls the same method of whatever form it is.
macro_rules! each {
    ($points:expr, $rows:ident => $body:expr) => {
        match $points {
            Points::Dense($rows) => $body,
            Points::Sparse($rows) => $body,
            Points::Bits($rows) => $body,
        }
    };
}

impl Points {
    /// Number of rows.
    pub fn len(&self) -> usize {
        each!(self, rows => rows.len())
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns as the caller gave them; bytes a row for bits.
    pub fn dim(&self) -> usize {
        each!(self, rows => rows.dim())
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        each!(self, rows => rows.bytes())
    }

    /// How the rows are stored.
    pub fn form(&self) -> Form {
        match self {
            Points::Dense(_) => Form::Dense,
            Points::Sparse(_) => Form::Sparse,
            Points::Bits(_) => Form::Bits,
        }
    }

    /// Row `i`.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> RowRef<'_> {
        match self {
            Points::Dense(rows) => RowRef::Dense(rows.row(i)),
            Points::Sparse(rows) => RowRef::Sparse(rows.row(i)),
            Points::Bits(rows) => RowRef::Bits(rows.row(i)),
        }
    }

    /// Asks for row `i` ahead of its use.
    #[inline]
    pub(crate) fn prefetch(&self, i: usize) {
        match self {
            Points::Dense(rows) => hnsw_kernels::prefetch(rows.row(i)),
            Points::Sparse(rows) => {
                let row = rows.row(i);
                hnsw_kernels::prefetch(row.indices);
                hnsw_kernels::prefetch(row.values);
            }
            Points::Bits(rows) => hnsw_kernels::prefetch(rows.row(i)),
        }
    }

    /// The rows where they are dense.
    pub(crate) fn dense(&self) -> Option<&Rows> {
        if let Points::Dense(rows) = self { Some(rows) } else { None }
    }

    /// The rows where they are sparse.
    pub(crate) fn sparse(&self) -> Option<&SparseRows> {
        if let Points::Sparse(rows) = self { Some(rows) } else { None }
    }

    /// Values that a pair function looks at, on average.
    pub(crate) fn width(&self) -> usize {
        match self {
            Points::Dense(rows) => rows.width(),
            Points::Sparse(rows) => 2 * rows.nnz() / rows.len().max(1),
            Points::Bits(rows) => rows.dim(),
        }
    }

    /// Whether stored rows are what rows must be. Errors: `InvalidArgument`, `NonFinite`.
    pub(crate) fn check_stored(&self, threads: usize) -> Result<()> {
        match self {
            Points::Dense(rows) => rows.check_stored(threads),
            Points::Bits(rows) => rows.check_stored(),
            // Sparse rows are only made of what has been looked at.
            Points::Sparse(_) => Ok(()),
        }
    }

    /// A copy of the rows `ids`, in that order.
    pub(crate) fn subset(&self, ids: &[u32]) -> Result<Points> {
        Ok(match self {
            Points::Dense(rows) => rows.subset(ids)?.into(),
            Points::Sparse(rows) => rows.subset(ids)?.into(),
            Points::Bits(rows) => rows.subset(ids)?.into(),
        })
    }

    /// A copy of rows `range`, or `None` where that is all of them.
    pub(crate) fn part(&self, range: Range<usize>) -> Result<Option<Points>> {
        if range.len() == self.len() {
            return Ok(None);
        }
        let ids: Vec<u32> = range.map(|id| id as u32).collect();
        self.subset(&ids).map(Some)
    }

    /// A copy as `edit` says.
    pub(crate) fn edited(&self, edit: &Edit<'_>, threads: usize) -> Result<Points> {
        /// The rows inside, which have the form of those that are edited.
        macro_rules! as_form {
            ($form:ident) => {
                |points| {
                    if let Points::$form(rows) = points {
                        rows
                    } else {
                        unreachable!("rows of one index have one form")
                    }
                }
            };
        }
        Ok(match self {
            Points::Dense(rows) => rows.edited(edit, threads, as_form!(Dense))?.into(),
            Points::Sparse(rows) => rows.edited(edit, as_form!(Sparse))?.into(),
            Points::Bits(rows) => rows.edited(edit, as_form!(Bits))?.into(),
        })
    }
}

/// What an update makes of rows, all of one form, dim and width.
pub(crate) struct Edit<'a> {
    /// The rows that stay, ascending.
    pub kept: &'a [u32],
    /// Rows in the place of others: places behind the compaction, ascending, and what comes there.
    pub replaced: Option<(&'a [u32], &'a Points)>,
    /// What comes behind the kept rows.
    pub fresh: Option<&'a Points>,
}

impl Edit<'_> {
    /// Rows afterwards.
    pub fn len(&self) -> usize {
        self.kept.len() + self.fresh.map_or(0, Points::len)
    }
}

#[cfg(test)]
mod tests;
