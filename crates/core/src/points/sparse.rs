//! Sparse rows: compressed sparse rows (CSR), the columns of each row ascending, without zeros.

use super::dense::MAX_ROWS;
use super::derived::Kept;
use super::{Edit, Points, SparseRow, check_shape};
use crate::error::{Error, Result};
use std::ops::Range;

/// Largest number of columns of sparse rows.
pub const MAX_SPARSE_DIM: usize = i32::MAX as usize - 1;

/// A sparse matrix of finite f32 rows.
///
/// Invariants: `starts` ascends from 0 to the number of values, one more than there are rows; the columns of
/// a row ascend strictly and lie below `dim`, but for the mark of an empty row at `dim` (see
/// [`SparseRows::mark_empty`]).
pub struct SparseRows {
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    dim: usize,
    /// Rows still to come, as promised to `with_capacity`.
    promised: usize,
    kept: Kept,
}

impl SparseRows {
    /// No rows yet; room for `rows` rows of `dim` columns with `nnz` values that are not zero.
    ///
    /// Errors: `InvalidArgument` for a `dim` of 0 or beyond [`MAX_SPARSE_DIM`], or too many rows; `OutOfMemory`.
    pub fn with_capacity(rows: usize, dim: usize, nnz: usize) -> Result<SparseRows> {
        check_shape(rows, dim, MAX_SPARSE_DIM)?;
        let mut starts = reserved(rows + 1)?;
        starts.push(0);
        Ok(SparseRows {
            starts,
            indices: reserved(nnz)?,
            values: reserved(nnz)?,
            dim,
            promised: rows,
            kept: Kept::default(),
        })
    }

    /// Adds whole rows: the first `counts[0]` entries are the first of them, and so on. Columns may come in any
    /// order; equal ones are summed, zeros are dropped. On failure nothing changes.
    ///
    /// Errors: `InvalidArgument` for a column out of range, for counts that do not add up, for more rows than
    /// were promised; `NonFinite`; `OutOfMemory`.
    pub fn push(&mut self, counts: &[u32], indices: &[u32], values: &[f32]) -> Result<()> {
        self.push_entries(counts, indices.len(), values.len(), |i| (indices[i], values[i]))
    }

    /// As [`SparseRows::push`], from little-endian bytes at any address (as they leave a socket).
    pub fn push_bytes(&mut self, counts: &[u32], indices: &[u8], values: &[u8]) -> Result<()> {
        for bytes in [indices.len(), values.len()] {
            if !bytes.is_multiple_of(4) {
                return Err(Error::invalid("bytes", bytes, "a multiple of 4"));
            }
        }
        let word = |bytes: &[u8], i: usize| [bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]];
        self.push_entries(counts, indices.len() / 4, values.len() / 4, |i| {
            (u32::from_le_bytes(word(indices, i)), f32::from_le_bytes(word(values, i)))
        })
    }

    fn push_entries(
        &mut self,
        counts: &[u32],
        indices: usize,
        values: usize,
        entry: impl Fn(usize) -> (u32, f32),
    ) -> Result<()> {
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if total != indices as u64 || total != values as u64 {
            let allowed = format!("{total} indices and values, the sum of the counts");
            return Err(Error::invalid("indices and values", format!("{indices} and {values}"), allowed));
        }
        if counts.len() > self.promised.saturating_sub(self.len()) {
            let seen = self.len() + counts.len();
            return Err(Error::invalid("rows", seen, format!("at most {}", self.promised)));
        }
        let before = self.len();
        let pushed = self.place(counts, entry);
        if pushed.is_err() {
            self.truncate(before);
        }
        pushed
    }

    fn place(&mut self, counts: &[u32], entry: impl Fn(usize) -> (u32, f32)) -> Result<()> {
        let mut row: Vec<(u32, f32)> = Vec::new();
        let mut at = 0;
        self.reserve(counts.iter().map(|&count| count as usize).sum(), counts.len())?;
        for &count in counts {
            row.clear();
            row.extend((at..at + count as usize).map(&entry));
            at += count as usize;
            self.checked(&row)?;
            // A stable sort: equal columns are summed in the order given.
            if !row.is_sorted_by_key(|&(column, _)| column) {
                row.sort_by_key(|&(column, _)| column);
            }
            row.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
            self.checked(&row)?;
            for &(column, value) in row.iter().filter(|(_, value)| *value != 0.0) {
                self.indices.push(column);
                self.values.push(value);
            }
            self.starts.push(self.indices.len());
        }
        Ok(())
    }

    fn checked(&self, row: &[(u32, f32)]) -> Result<()> {
        for &(column, value) in row {
            if column as usize >= self.dim {
                return Err(Error::invalid("column", column, format!("0..{} (row {})", self.dim, self.len())));
            }
            if !value.is_finite() {
                return Err(Error::NonFinite { row: self.len(), column: column as usize, value });
            }
        }
        Ok(())
    }

    /// Room for rows to come; what was derived from those before is forgotten.
    fn reserve(&mut self, values: usize, rows: usize) -> Result<()> {
        self.kept.forget();
        let refused = |_| Error::OutOfMemory { bytes: values.saturating_mul(8) };
        self.indices.try_reserve_exact(values).map_err(refused)?;
        self.values.try_reserve_exact(values).map_err(refused)?;
        self.starts.try_reserve_exact(rows).map_err(refused)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows still to come.
    pub fn missing(&self) -> usize {
        self.promised.saturating_sub(self.len())
    }

    /// Columns as the caller gave them.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Values held.
    pub fn nnz(&self) -> usize {
        self.values.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let entries = self.indices.capacity() + self.values.capacity();
        8 * self.starts.capacity() + 4 * entries + self.kept.bytes()
    }

    fn cells(&self, i: usize) -> Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// Row `i`.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> SparseRow<'_> {
        let cells = self.cells(i);
        SparseRow { indices: &self.indices[cells.clone()], values: &self.values[cells] }
    }

    /// What searches derived from the rows.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The values of every row, for transforms that keep zeros zero.
    pub(crate) fn values_mut(&mut self) -> Vec<&mut [f32]> {
        self.kept.forget();
        let mut rest = &mut self.values[..];
        let lengths = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        lengths
            .map(|len| {
                let (row, others) = std::mem::take(&mut rest).split_at_mut(len);
                rest = others;
                row
            })
            .collect()
    }

    /// Gives every empty row a 1 at the column behind the last: a direction of its own.
    pub(crate) fn mark_empty(&mut self) -> Result<()> {
        let empty = (0..self.len()).filter(|&i| self.cells(i).is_empty()).count();
        if empty == 0 {
            return Ok(());
        }
        let mut marked = SparseRows::with_capacity(self.len(), self.dim, self.nnz() + empty)?;
        let mark = SparseRow { indices: &[self.dim as u32], values: &[1.0] };
        for i in 0..self.len() {
            let row = self.row(i);
            marked.put(if row.indices.is_empty() { mark } else { row });
        }
        marked.promised = self.promised;
        *self = marked;
        Ok(())
    }

    /// Adds a row of this very form; there must be room.
    fn put(&mut self, row: SparseRow<'_>) {
        self.indices.extend_from_slice(row.indices);
        self.values.extend_from_slice(row.values);
        self.starts.push(self.indices.len());
    }

    pub(crate) fn subset(&self, ids: &[u32]) -> Result<SparseRows> {
        let nnz = ids.iter().map(|&id| self.cells(id as usize).len()).sum();
        let mut out = SparseRows::with_capacity(ids.len(), self.dim, nnz)?;
        ids.iter().for_each(|&id| out.put(self.row(id as usize)));
        Ok(out)
    }

    fn truncate(&mut self, len: usize) {
        self.kept.forget();
        self.starts.truncate(len + 1);
        let nnz = self.starts.last().copied().unwrap_or(0);
        self.indices.truncate(nnz);
        self.values.truncate(nnz);
    }

    /// See [`super::Points::edited`].
    pub(crate) fn edited<'a>(&self, edit: &Edit<'a>, of: impl Fn(&'a Points) -> &'a SparseRows) -> Result<SparseRows> {
        let mut source: Vec<SparseRow<'_>> = edit.kept.iter().map(|&id| self.row(id as usize)).collect();
        if let Some((places, others)) = edit.replaced {
            let others = of(others);
            places.iter().enumerate().for_each(|(from, &to)| source[to as usize] = others.row(from));
        }
        let fresh = edit.fresh.map(&of);
        source.extend(fresh.iter().flat_map(|rows| (0..rows.len()).map(|i| rows.row(i))));
        let mut out =
            SparseRows::with_capacity(source.len(), self.dim, source.iter().map(|row| row.indices.len()).sum())?;
        source.into_iter().for_each(|row| out.put(row));
        Ok(out)
    }

    /// Rows from the arrays of [`SparseRows::parts`].
    ///
    /// Errors: `InvalidArgument` or `NonFinite` where an invariant is broken.
    pub(crate) fn from_parts(
        starts: Vec<usize>,
        indices: Vec<u32>,
        values: Vec<f32>,
        dim: usize,
    ) -> Result<SparseRows> {
        let empty = SparseRows::with_capacity(0, dim, 0)?;
        let whole = starts.first() == Some(&0) && starts.is_sorted() && starts.last() == Some(&values.len());
        if !whole || indices.len() != values.len() || starts.len() > MAX_ROWS + 1 {
            return Err(Error::invalid("row starts", starts.len(), "ascending from 0 to the number of values"));
        }
        let rows = SparseRows { promised: starts.len() - 1, starts, indices, values, ..empty };
        for i in 0..rows.len() {
            let SparseRow { indices, values } = rows.row(i);
            let below = |&last: &u32| (last as usize) < dim || (indices.len() == 1 && last as usize == dim);
            if !indices.is_sorted_by(|a, b| a < b) || !indices.last().is_none_or(below) {
                return Err(Error::invalid("columns", format!("those of row {i}"), format!("ascending below {dim}")));
            }
            if let Some(at) = hnsw_kernels::all_finite(values) {
                return Err(Error::NonFinite { row: i, column: indices[at] as usize, value: values[at] });
            }
        }
        Ok(rows)
    }

    /// The arrays themselves: row starts, columns, values.
    pub(crate) fn parts(&self) -> (&[usize], &[u32], &[f32]) {
        (&self.starts, &self.indices, &self.values)
    }
}

fn reserved<T>(len: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) })?;
    Ok(out)
}
