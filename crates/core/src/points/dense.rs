//! Dense rows: one row-major f32 matrix, every row at a 64-byte address, padded with zeros.
//!
//! ```text
//!   row 0 | x x x x x e 0 0 | row 1 | x x x x x e 0 0 | ...      dim = 5, width = 16, stride = 16
//! ```
//!
//! `e` is a spare column that each row has behind its values: cosine and correlation put a mark for
//! all-zero rows there (see `metric::transform`), so normalising needs no second copy of the rows.
//! Kernels see `width` columns: the used ones rounded up to 16.

use super::aligned::Aligned;
use super::derived::Kept;
use super::{Edit, Points, check_shape};
use crate::error::{Error, Result};
use crate::parallel;
use hnsw_kernels::MatRef;

/// Floats in a cache line; widths and strides are multiples of it.
const LANE: usize = 16;
/// Rows checked at a time.
const CHECKED: usize = 1024;

/// Largest number of rows: ids are `i32` on the outside.
pub const MAX_ROWS: usize = i32::MAX as usize;
/// Largest number of columns.
pub const MAX_DIM: usize = 1 << 24;

/// A dense matrix of finite f32 rows.
pub struct Rows {
    data: Aligned<f32>,
    len: usize,
    dim: usize,
    width: usize,
    stride: usize,
    kept: Kept,
}

impl Rows {
    /// `len` rows of zeros with `dim` columns.
    ///
    /// Errors: `EmptyIndex` is left to the index (zero queries are fine); `InvalidArgument` for a `dim`
    /// of 0 or beyond [`MAX_DIM`], or more than [`MAX_ROWS`] rows; `OutOfMemory`.
    pub fn zeroed(len: usize, dim: usize) -> Result<Rows> {
        check_shape(len, dim, MAX_DIM)?;
        let stride = (dim + 1).next_multiple_of(LANE);
        let total = len.checked_mul(stride).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        let (data, width, kept) = (Aligned::zeroed(total)?, dim.next_multiple_of(LANE), Kept::default());
        Ok(Rows { data, len, dim, width, stride, kept })
    }

    /// Copies a row-major `values` of `dim` columns. Errors as [`Rows::zeroed`] and [`Rows::write`].
    pub fn from_slice(values: &[f32], dim: usize) -> Result<Rows> {
        let rows = values.len().checked_div(dim).unwrap_or(0);
        let mut out = Rows::zeroed(rows, dim)?;
        out.write(0, values)?;
        Ok(out)
    }

    /// Copies whole rows to `start..`; refuses NaN and infinity naming the place.
    pub fn write(&mut self, start: usize, values: &[f32]) -> Result<()> {
        let count = self.whole_rows(start, values.len())?;
        for i in 0..count {
            let source = &values[i * self.dim..(i + 1) * self.dim];
            check_finite(source, start + i)?;
            self.raw_row_mut(start + i)[..source.len()].copy_from_slice(source);
        }
        Ok(())
    }

    /// As [`Rows::write`], from little-endian bytes at any address (as they leave a socket).
    pub fn write_bytes(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        if !bytes.len().is_multiple_of(4) {
            return Err(Error::invalid("bytes", bytes.len(), "a multiple of 4"));
        }
        let count = self.whole_rows(start, bytes.len() / 4)?;
        let row_bytes = self.dim * 4;
        for i in 0..count {
            let dim = self.dim;
            let target = &mut self.raw_row_mut(start + i)[..dim];
            let source = &bytes[i * row_bytes..(i + 1) * row_bytes];
            for (value, raw) in target.iter_mut().zip(source.chunks_exact(4)) {
                *value = f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
            }
            check_finite(target, start + i)?;
        }
        Ok(())
    }

    fn whole_rows(&self, start: usize, values: usize) -> Result<usize> {
        if !values.is_multiple_of(self.dim) {
            return Err(Error::DimensionMismatch { seen: values % self.dim, expected: self.dim });
        }
        let count = values / self.dim;
        if start > self.len || count > self.len - start {
            return Err(Error::invalid("rows", start.saturating_add(count), format!("at most {}", self.len)));
        }
        Ok(count)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Columns as the caller gave them.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Columns the kernels look at: `dim` (and the spare column where a metric uses it), rounded up to 16.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row `i`, `width` columns, 64-byte aligned.
    #[inline]
    pub fn row(&self, i: usize) -> &[f32] {
        let start = i * self.stride;
        &self.data.as_slice()[start..start + self.width]
    }

    /// Rows `range` as a matrix for the tile kernels.
    pub fn block(&self, range: std::ops::Range<usize>) -> MatRef<'_, f32> {
        let data = &self.data.as_slice()[range.start * self.stride..range.end * self.stride];
        MatRef::new(data, range.len(), self.width, self.stride)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.bytes() + self.kept.bytes()
    }

    /// The values, to be changed: what was derived from them is forgotten.
    fn changing(&mut self) -> &mut Aligned<f32> {
        self.kept.forget();
        &mut self.data
    }

    /// What searches derived from the rows.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// A row with its spare column and padding, for transforms.
    pub(crate) fn raw_row_mut(&mut self, i: usize) -> &mut [f32] {
        let start = i * self.stride;
        let stride = self.stride;
        &mut self.changing().as_mut_slice()[start..start + stride]
    }

    /// All rows with their padding, `stride` floats each.
    pub(crate) fn raw_mut(&mut self) -> (&mut [f32], usize) {
        let (used, stride) = (self.len * self.stride, self.stride);
        (&mut self.changing().as_mut_slice()[..used], stride)
    }

    /// Whether the kernels see the spare column.
    pub(crate) fn spare(&self) -> bool {
        self.width > self.dim.next_multiple_of(LANE)
    }

    /// The memory of all rows, with their padding.
    pub(crate) fn stored(&self) -> &[f32] {
        &self.data.as_slice()[..self.len * self.stride]
    }

    /// Rows from the numbers of [`Rows::stored`], which are looked at by [`Rows::check_stored`] only; `spare` as
    /// [`Rows::spare`].
    ///
    /// Errors: `InvalidArgument` for a shape that no rows may have or another number of numbers.
    pub(crate) fn from_stored(data: Aligned<f32>, len: usize, dim: usize, spare: bool) -> Result<Rows> {
        check_shape(len, dim, MAX_DIM)?;
        let stride = (dim + 1).next_multiple_of(LANE);
        let numbers = data.as_slice().len();
        if len.checked_mul(stride) != Some(numbers) {
            return Err(Error::invalid("numbers", numbers, format!("{len} rows of {stride}")));
        }
        let mut rows = Rows { data, len, dim, width: dim.next_multiple_of(LANE), stride, kept: Kept::default() };
        if spare {
            rows.use_spare_column();
        }
        Ok(rows)
    }

    /// Whether the rows are what rows must be. Errors: `NonFinite`, `InvalidArgument` for wrong padding.
    pub(crate) fn check_stored(&self, threads: usize) -> Result<()> {
        parallel::check(threads, self.len(), CHECKED, |rows| {
            rows.into_iter().try_for_each(|i| {
                let (values, behind) = self.stored()[i * self.stride..(i + 1) * self.stride].split_at(self.dim);
                check_finite(values, i)?;
                if behind[1..].iter().any(|&v| v != 0.0) || ![0.0, 1.0].contains(&behind[0]) {
                    return Err(Error::invalid("padding", format!("not zero in row {i}"), "zeros"));
                }
                Ok(())
            })
        })
    }

    /// Makes the spare column visible to the kernels.
    pub(crate) fn use_spare_column(&mut self) {
        self.width = (self.dim + 1).next_multiple_of(LANE);
    }

    /// `len` rows of zeros of the same shape and width.
    fn like(&self, len: usize) -> Result<Rows> {
        let mut out = Rows::zeroed(len, self.dim)?;
        out.width = self.width;
        Ok(out)
    }

    /// Copies row `from` of `source` (same dim and width) to row `to`.
    fn copy_row(&mut self, to: usize, source: &Rows, from: usize) {
        let (stride, width) = (self.stride, self.width);
        self.changing().as_mut_slice()[to * stride..to * stride + width].copy_from_slice(source.row(from));
    }

    /// A copy of the rows `ids`, in that order.
    pub(crate) fn subset(&self, ids: &[u32]) -> Result<Rows> {
        let mut out = self.like(ids.len())?;
        ids.iter().enumerate().for_each(|(to, &from)| out.copy_row(to, self, from as usize));
        Ok(out)
    }

    /// See [`super::Points::edited`].
    pub(crate) fn edited<'a>(
        &self,
        edit: &Edit<'a>,
        threads: usize,
        of: impl Fn(&'a Points) -> &'a Rows,
    ) -> Result<Rows> {
        let mut out = self.like(edit.len())?;
        let kept = &mut out.raw_mut().0[..edit.kept.len() * self.stride];
        parallel::gather(threads, kept, self.stride, edit.kept, |from| self.row(from as usize));
        if let Some((places, others)) = edit.replaced {
            places.iter().enumerate().for_each(|(from, &to)| out.copy_row(to as usize, of(others), from));
        }
        if let Some(fresh) = edit.fresh.map(&of) {
            (0..fresh.len).for_each(|i| out.copy_row(edit.kept.len() + i, fresh, i));
        }
        Ok(out)
    }
}

fn check_finite(values: &[f32], row: usize) -> Result<()> {
    match hnsw_kernels::all_finite(values) {
        None => Ok(()),
        Some(column) => Err(Error::NonFinite { row, column, value: values[column] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_padded_with_zeros() {
        let rows = Rows::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
        assert_eq!((rows.len(), rows.dim(), rows.width()), (2, 3, 16));
        assert_eq!(&rows.row(1)[..4], &[4.0, 5.0, 6.0, 0.0]);
        assert_eq!(rows.row(1).as_ptr() as usize % 64, 0);
    }

    #[test]
    fn bytes_at_odd_addresses_give_the_same_rows() {
        let values = [0.5f32, -1.0, 2.0, 8.25];
        let mut bytes = vec![0u8; 1];
        values.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        let mut rows = Rows::zeroed(2, 2).unwrap();
        rows.write_bytes(0, &bytes[1..]).unwrap();
        assert_eq!(&rows.row(1)[..2], &[2.0, 8.25]);
    }

    #[test]
    fn refuses_non_finite_values_naming_the_place() {
        let error = Rows::from_slice(&[1.0, 2.0, 3.0, f32::NAN], 2).err().unwrap();
        assert!(matches!(error, Error::NonFinite { row: 1, column: 1, .. }));
        assert_eq!(error.code(), "ERR_NON_FINITE");
    }

    #[test]
    fn refuses_partial_rows_and_rows_beyond_the_end() {
        let mut rows = Rows::zeroed(2, 2).unwrap();
        assert_eq!(rows.write(0, &[1.0; 3]).unwrap_err().code(), "ERR_DIMENSION_MISMATCH");
        assert_eq!(rows.write(1, &[1.0; 4]).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
    }
}
