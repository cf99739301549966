//! Packed bits: rows of bytes, eight columns in each.

use super::aligned::{ALIGN, Aligned};
use super::dense::{MAX_DIM, Rows};
use super::derived::Kept;
use super::{Edit, Points, check_shape};
use crate::error::{Error, Result};
use crate::parallel;
use hnsw_kernels::MatRef;
use std::ops::Range;

/// A matrix of packed bits, every row at a 64-byte address, padded with zeros.
pub struct BitRows {
    data: Aligned<u8>,
    len: usize,
    dim: usize,
    stride: usize,
    kept: Kept,
}

impl BitRows {
    /// `len` rows of `dim` zero bytes.
    ///
    /// Errors: `InvalidArgument` for a `dim` of 0 or beyond [`MAX_DIM`], or more than [`MAX_ROWS`] rows;
    /// `OutOfMemory`.
    pub fn zeroed(len: usize, dim: usize) -> Result<BitRows> {
        check_shape(len, dim, MAX_DIM)?;
        let stride = dim.next_multiple_of(ALIGN);
        let total = len.checked_mul(stride).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        Ok(BitRows { data: Aligned::zeroed(total)?, len, dim, stride, kept: Kept::default() })
    }

    /// A bit for every column of `rows`, set where the value is not zero. O(n·dim). Errors: `OutOfMemory`.
    pub(crate) fn not_zero(rows: &Rows, threads: usize) -> Result<BitRows> {
        let mut out = BitRows::zeroed(rows.len(), rows.dim().div_ceil(8))?;
        let stride = out.stride;
        let put = |(): &mut (), start: usize, part: &mut [u8]| {
            for (i, bits) in part.chunks_exact_mut(stride).enumerate() {
                let values = rows.row(start / stride + i)[..rows.dim()].chunks(8);
                bits.iter_mut().zip(values).for_each(|(byte, values)| {
                    *byte = values.iter().enumerate().fold(0, |byte, (bit, &v)| byte | u8::from(v != 0.0) << bit);
                });
            }
            true
        };
        parallel::chunks_mut(threads, out.changing().as_mut_slice(), 256 * stride, || (), put);
        Ok(out)
    }

    /// Copies whole rows to `start..`.
    ///
    /// Errors: `DimensionMismatch` for part of a row, `InvalidArgument` beyond the last row.
    pub fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        if !bytes.len().is_multiple_of(self.dim) {
            return Err(Error::DimensionMismatch { seen: bytes.len() % self.dim, expected: self.dim });
        }
        let count = bytes.len() / self.dim;
        if start > self.len || count > self.len - start {
            return Err(Error::invalid("rows", start.saturating_add(count), format!("at most {}", self.len)));
        }
        for (i, source) in bytes.chunks_exact(self.dim).enumerate() {
            self.row_mut(start + i)[..source.len()].copy_from_slice(source);
        }
        Ok(())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.bytes() + self.kept.bytes()
    }

    /// The bits, to be changed: what was derived from them is forgotten.
    fn changing(&mut self) -> &mut Aligned<u8> {
        self.kept.forget();
        &mut self.data
    }

    /// What searches derived from the rows.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The memory of all rows, with their padding.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.data.as_slice()[..self.len * self.stride]
    }

    /// Rows from the bytes of [`BitRows::stored`], which are looked at by [`BitRows::check_stored`] only.
    ///
    /// Errors: `InvalidArgument` for a shape that no rows may have or another number of bytes.
    pub(crate) fn from_stored(data: Aligned<u8>, len: usize, dim: usize) -> Result<BitRows> {
        check_shape(len, dim, MAX_DIM)?;
        let stride = dim.next_multiple_of(ALIGN);
        let bytes = data.as_slice().len();
        if len.checked_mul(stride) != Some(bytes) {
            return Err(Error::invalid("bytes", bytes, format!("{len} rows of {stride}")));
        }
        Ok(BitRows { data, len, dim, stride, kept: Kept::default() })
    }

    /// Whether the rows are what rows must be. Errors: `InvalidArgument` for wrong padding.
    pub(crate) fn check_stored(&self) -> Result<()> {
        match (0..self.len).find(|&i| self.row(i)[self.dim..].iter().any(|&v| v != 0)) {
            Some(i) => Err(Error::invalid("padding", format!("not zero in row {i}"), "zeros")),
            None => Ok(()),
        }
    }

    /// Row `i` with its padding.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> &[u8] {
        &self.data.as_slice()[i * self.stride..(i + 1) * self.stride]
    }

    /// Rows `range` as a matrix for the tile kernels, in whole words of four bytes.
    pub(crate) fn block(&self, range: Range<usize>) -> MatRef<'_, u8> {
        let data = &self.data.as_slice()[range.start * self.stride..range.end * self.stride];
        MatRef::new(data, range.len(), self.dim.next_multiple_of(4), self.stride)
    }

    fn row_mut(&mut self, i: usize) -> &mut [u8] {
        let stride = self.stride;
        &mut self.changing().as_mut_slice()[i * stride..(i + 1) * stride]
    }

    pub(crate) fn subset(&self, ids: &[u32]) -> Result<BitRows> {
        let mut out = BitRows::zeroed(ids.len(), self.dim)?;
        ids.iter().enumerate().for_each(|(to, &from)| out.row_mut(to).copy_from_slice(self.row(from as usize)));
        Ok(out)
    }

    /// See [`super::Points::edited`].
    pub(crate) fn edited<'a>(&self, edit: &Edit<'a>, of: impl Fn(&'a Points) -> &'a BitRows) -> Result<BitRows> {
        let mut out = BitRows::zeroed(edit.len(), self.dim)?;
        edit.kept.iter().enumerate().for_each(|(to, &from)| out.row_mut(to).copy_from_slice(self.row(from as usize)));
        if let Some((places, others)) = edit.replaced {
            let others = of(others);
            places
                .iter()
                .enumerate()
                .for_each(|(from, &to)| out.row_mut(to as usize).copy_from_slice(others.row(from)));
        }
        if let Some(fresh) = edit.fresh.map(&of) {
            (0..fresh.len).for_each(|i| out.row_mut(edit.kept.len() + i).copy_from_slice(fresh.row(i)));
        }
        Ok(out)
    }
}
