//! Products of sparse rows: one against 32 that lie side by side.
//!
//! A column that any of the 32 rows holds has a line of 32 values; all other columns share a line of
//! zeros. Every entry of the row they meet is then one lookup and a few vector multiply-adds, where
//! merging two rows costs a branch per entry and pair, and gathering costs a load per entry and pair:
//!
//! ```text
//!   slots   0 0 2 0 1 0 ..     line of each column, 0 for columns that none of the rows holds
//!   lines   0: 0 0 0 ..        sums[0..32] += splat(value) * lines[slots[column]]
//!           1: r0 r1 r2 .. r31
//!           2: r0 r1 r2 .. r31
//! ```
//!
//! Promise: the value for two rows depends on nothing but them, and is the same with the two
//! exchanged, because the columns they share are added up in ascending order.

use std::collections::TryReserveError;

use crate::simd::Simd;

/// The values of one column.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; SparsePanel::ROWS]);

/// Up to 32 sparse rows, side by side. Reuse one value: it holds 4 bytes for each of `dim` columns,
/// and some 132 bytes for each column that its rows hold at the busiest time.
pub struct SparsePanel {
    /// Index into `lines` of every column; 0 is the line of zeros.
    slots: Vec<u32>,
    lines: Vec<Line>,
    /// The column of each line after the first.
    columns: Vec<u32>,
    rows: usize,
}

impl SparsePanel {
    /// The most rows it holds.
    pub const ROWS: usize = 32;

    /// No rows yet, of `dim` columns. O(dim); of very wide rows, number the columns that occur.
    ///
    /// # Errors
    ///
    /// If the memory is refused.
    ///
    /// # Panics
    ///
    /// If `dim` is 2^31 or more.
    pub fn new(dim: usize) -> Result<Self, TryReserveError> {
        assert!(i32::try_from(dim).is_ok(), "{dim} columns");
        let mut slots = Vec::new();
        slots.try_reserve_exact(dim)?;
        slots.resize(dim, 0);
        Ok(Self { slots, lines: vec![Line([0.0; Self::ROWS])], columns: Vec::new(), rows: 0 })
    }

    /// Number of rows it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.slots.capacity() + self.columns.capacity()) * size_of::<u32>() + self.lines.capacity() * size_of::<Line>()
    }

    /// Forgets the rows. O(columns held).
    pub fn clear(&mut self) {
        for column in self.columns.drain(..) {
            self.slots[column as usize] = 0;
        }
        self.lines.truncate(1);
        self.rows = 0;
    }

    /// Adds a row: `values[i]` in column `indices[i]`, no column twice. O(entries).
    ///
    /// # Errors
    ///
    /// If the memory is refused; the panel is then as it was.
    ///
    /// # Panics
    ///
    /// If it holds [`Self::ROWS`] rows, the lengths differ, or a column is not below `dim`.
    pub fn push(&mut self, indices: &[u32], values: &[f32]) -> Result<(), TryReserveError> {
        assert!(self.rows < Self::ROWS, "more than {} rows", Self::ROWS);
        check_lengths(indices, values);
        let dim = self.slots.len();
        assert!(indices.iter().all(|&c| (c as usize) < dim), "a column beyond the {dim} of the panel");
        self.lines.try_reserve(indices.len())?;
        self.columns.try_reserve(indices.len())?;
        for (&column, &value) in indices.iter().zip(values) {
            let slot = &mut self.slots[column as usize];
            if *slot == 0 {
                // Fewer than 2^31 columns have lines.
                *slot = self.lines.len() as u32;
                self.lines.push(Line([0.0; Self::ROWS]));
                self.columns.push(column);
            }
            self.lines[*slot as usize].0[self.rows] = value;
        }
        self.rows += 1;
        Ok(())
    }
}

/// # Panics
///
/// If the lengths differ.
pub(crate) fn check_lengths(indices: &[u32], values: &[f32]) {
    assert!(indices.len() == values.len(), "{} columns for {} values", indices.len(), values.len());
}

/// `out[r]` is the inner product with row `r` of the panel, 0 beyond its last row. Whether all
/// columns were below the panel's `dim`; if not, `out` is left as it was.
///
/// # Safety
///
/// `values` is as long as `indices`, `V` vectors hold [`SparsePanel::ROWS`] values, and the instruction
/// set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn sparse_dots<S: Simd, const V: usize>(
    panel: &SparsePanel,
    indices: &[u32],
    values: &[f32],
    out: &mut [f32; SparsePanel::ROWS],
) -> bool {
    const { assert!(V * S::LANES == SparsePanel::ROWS) };
    // SAFETY: `i` is below both lengths, the column was compared with the number of slots, and every
    // slot is an index into `lines`.
    unsafe {
        let mut sums = [S::splat(0.0); V];
        for i in 0..indices.len() {
            let column = *indices.get_unchecked(i) as usize;
            if column >= panel.slots.len() {
                return false;
            }
            let slot = *panel.slots.get_unchecked(column) as usize;
            let line = panel.lines.as_ptr().add(slot).cast::<f32>();
            let x = S::splat(*values.get_unchecked(i));
            for v in 0..V {
                sums[v] = S::fma(x, S::load(line.add(v * S::LANES)), sums[v]);
            }
        }
        for v in 0..V {
            S::store(out.as_mut_ptr().add(v * S::LANES), sums[v]);
        }
    }
    true
}
