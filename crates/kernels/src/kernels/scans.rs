//! Doors to threshold scans, to products of sparse rows, and to the search for what is not finite.

use super::Kernels;
use crate::sparse::{SparsePanel, check_lengths};
use crate::tile_scan::{Hit, TileScan};

impl Kernels {
    /// Pushes every column `j < nb.len()` with `d <= thr_row` or `d <= thr_col[j]`, ascending, where
    /// `d = (na + nb[j]) - 2 * acc[j]` rounded in that order. Thresholds must not be NaN; a `d` that
    /// is NaN fails. `acc` may be longer than `nb`.
    ///
    /// # Panics
    ///
    /// If `acc` is shorter than `nb`, or the length of `thr_col` differs from that of `nb`.
    pub fn scan_l2_f32(
        &self,
        acc: &[f32],
        na: f32,
        nb: &[f32],
        thr_row: f32,
        thr_col: Option<&[f32]>,
        out: &mut Vec<u32>,
    ) {
        let col = check_scan(acc.len(), nb.len(), thr_col);
        // SAFETY: all three hold `nb.len()` values; the set's CPU is present.
        unsafe {
            (self.scan_l2_f32)(acc.as_ptr(), na, nb.as_ptr(), nb.len(), thr_row, col, out);
        }
    }

    /// [`Self::scan_l2_f32`] in i32. Intermediate sums wrap, so `d` is right whenever it fits.
    ///
    /// # Panics
    ///
    /// As [`Self::scan_l2_f32`].
    pub fn scan_l2_i32(
        &self,
        acc: &[i32],
        na: i32,
        nb: &[i32],
        thr_row: i32,
        thr_col: Option<&[i32]>,
        out: &mut Vec<u32>,
    ) {
        let col = check_scan(acc.len(), nb.len(), thr_col);
        // SAFETY: all three hold `nb.len()` values; the set's CPU is present.
        unsafe {
            (self.scan_l2_i32)(acc.as_ptr(), na, nb.as_ptr(), nb.len(), thr_row, col, out);
        }
    }

    /// Pushes every cell of a tile with `d <= row_threshold` or `d <= column_threshold`, where
    /// `d = (row_norm + column_norm) - 2 * acc` rounded in that order; a `d` that is NaN fails. Every
    /// cell once, in no promised order. O(rows x columns).
    ///
    /// # Panics
    ///
    /// If there are not as many thresholds as norms, `ld` is less than the columns, or `acc` ends
    /// before the last row does.
    pub fn scan_tile_l2_f32(&self, tile: &TileScan<'_, f32>, out: &mut Vec<Hit<f32>>) {
        tile.check();
        // SAFETY: the tile has been checked; the set's CPU is present.
        unsafe { (self.scan_tile_f32)(tile, out) }
    }

    /// [`Self::scan_tile_l2_f32`] in i32. Intermediate sums wrap, so `d` is right whenever it fits.
    ///
    /// # Panics
    ///
    /// As [`Self::scan_tile_l2_f32`].
    pub fn scan_tile_l2_i32(&self, tile: &TileScan<'_, i32>, out: &mut Vec<Hit<i32>>) {
        tile.check();
        // SAFETY: the tile has been checked; the set's CPU is present.
        unsafe { (self.scan_tile_i32)(tile, out) }
    }

    /// Pushes every column `j` with `d[j] <= thr_row` or `d[j] <= thr_col[j]`, ascending.
    ///
    /// # Panics
    ///
    /// If the length of `thr_col` differs from that of `d`.
    pub fn scan_f32(&self, d: &[f32], thr_row: f32, thr_col: Option<&[f32]>, out: &mut Vec<u32>) {
        let col = check_scan(d.len(), d.len(), thr_col);
        // SAFETY: both hold `d.len()` values; the set's CPU is present.
        unsafe { (self.scan)(d.as_ptr(), d.len(), thr_row, col, out) }
    }

    /// `out[r]` is the inner product of a sparse row (`values[i]` in column `indices[i]`, no column
    /// twice) and row `r` of the panel; 0 beyond its last row. O(entries).
    ///
    /// With the columns of all rows ascending, the value depends on the two rows only, and is the same
    /// with the two exchanged. The error is at most `1.01 * n * EPSILON * sum |a_k * b_k|` for `n`
    /// entries.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or a column is not below the `dim` of the panel.
    pub fn sparse_dots(
        &self,
        panel: &SparsePanel,
        indices: &[u32],
        values: &[f32],
        out: &mut [f32; SparsePanel::ROWS],
    ) {
        check_lengths(indices, values);
        // SAFETY: the lengths are equal; the set's CPU is present.
        let inside = unsafe { (self.sparse_dots)(panel, indices, values, out) };
        assert!(inside, "a column beyond those of the panel");
    }

    /// Index of the first value that is NaN or infinite. O(length).
    #[must_use]
    pub fn all_finite(&self, x: &[f32]) -> Option<usize> {
        // SAFETY: `x` holds its length of values; the set's CPU is present.
        let prefix = unsafe { (self.finite)(x.as_ptr(), x.len()) };
        (prefix < x.len()).then_some(prefix)
    }
}

/// The column thresholds as a pointer, null for none.
fn check_scan<T>(acc: usize, n: usize, thr_col: Option<&[T]>) -> *const T {
    assert!(acc >= n, "{acc} sums for {n} columns");
    assert!(u32::try_from(n).is_ok(), "{n} columns");
    thr_col.map_or(std::ptr::null(), |t| {
        assert!(t.len() == n, "{} thresholds for {n} columns", t.len());
        t.as_ptr()
    })
}
