//! Threshold filters over whole tiles: what [`crate::scan`] does to a row, done to four rows at once,
//! so that the norms and thresholds of the columns are loaded once for them.

use crate::scan::{L2F32, L2I32, Test};
use crate::simd::{Simd, scalar::Scalar};

/// Rows that share the loads of the columns.
const ROWS: usize = 4;

/// A tile of products, and what its squared distances are compared with. Cell `(i, j)` is
/// `acc[i * ld + j]`; rows are as many as `row_norms`, columns as `column_norms`.
#[derive(Clone, Copy, Debug)]
pub struct TileScan<'a, T> {
    /// Inner products.
    pub acc: &'a [T],
    /// Distance between the starts of two neighbouring rows of cells.
    pub ld: usize,
    /// Squared norms.
    pub row_norms: &'a [T],
    /// Squared norms.
    pub column_norms: &'a [T],
    /// The largest distance that a row wants, not NaN.
    pub row_thresholds: &'a [T],
    /// The largest distance that a column wants, not NaN; `None` where columns want nothing.
    pub column_thresholds: Option<&'a [T]>,
}

/// A cell that passed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit<T> {
    /// Row in the tile.
    pub row: u32,
    /// Column in the tile.
    pub column: u32,
    /// Its squared distance.
    pub value: T,
}

impl<T> TileScan<'_, T> {
    /// # Panics
    ///
    /// If a length does not fit.
    pub(crate) fn check(&self) {
        let (rows, columns) = (self.row_norms.len(), self.column_norms.len());
        assert!(u32::try_from(rows.max(columns)).is_ok(), "{rows} rows, {columns} columns");
        assert!(self.row_thresholds.len() == rows, "{} thresholds for {rows} rows", self.row_thresholds.len());
        if let Some(thresholds) = self.column_thresholds {
            assert!(thresholds.len() == columns, "{} thresholds for {columns} columns", thresholds.len());
        }
        let needed = match rows {
            0 => Some(0),
            n => (n - 1).checked_mul(self.ld).and_then(|x| x.checked_add(columns)),
        };
        let held = self.acc.len();
        assert!(self.ld >= columns && needed.is_some_and(|x| x <= held), "{held} cells for {rows} rows of {columns}");
    }
}

/// A kind of cells, with the test of one row of them.
pub(crate) trait Cell: Copy {
    type RowTest<const COLUMNS: bool>: Test + Copy;

    fn row_test<const COLUMNS: bool>(tile: &TileScan<'_, Self>, row: usize) -> Self::RowTest<COLUMNS>;
    /// `(na + nb) - 2 * acc`, rounded or wrapping in that order.
    fn distance(na: Self, nb: Self, acc: Self) -> Self;
}

/// The parts of a row test, in the order of its fields.
macro_rules! row_test {
    ($test:ident) => {
        type RowTest<const COLUMNS: bool> = $test<COLUMNS>;

        #[inline(always)]
        fn row_test<const COLUMNS: bool>(tile: &TileScan<'_, Self>, row: usize) -> $test<COLUMNS> {
            $test {
                acc: tile.acc[row * tile.ld..].as_ptr(),
                na: tile.row_norms[row],
                nb: tile.column_norms.as_ptr(),
                row: tile.row_thresholds[row],
                col: tile.column_thresholds.map_or(std::ptr::null(), <[Self]>::as_ptr),
            }
        }
    };
}

impl Cell for f32 {
    row_test!(L2F32);

    #[inline(always)]
    fn distance(na: f32, nb: f32, acc: f32) -> f32 {
        (na + nb) - (acc + acc)
    }
}

impl Cell for i32 {
    row_test!(L2I32);

    #[inline(always)]
    fn distance(na: i32, nb: i32, acc: i32) -> i32 {
        na.wrapping_add(nb).wrapping_sub(acc.wrapping_add(acc))
    }
}

/// Pushes every cell at or below the threshold of its row or its column.
///
/// # Safety
///
/// The tile has been checked; the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn scan_tile<S: Simd, T: Cell>(tile: &TileScan<'_, T>, out: &mut Vec<Hit<T>>) {
    // SAFETY: handed on.
    unsafe {
        if tile.column_thresholds.is_some() {
            scan_rows::<S, T, true>(tile, out);
        } else {
            scan_rows::<S, T, false>(tile, out);
        }
    }
}

/// # Safety
///
/// As [`scan_tile`].
#[inline(always)]
unsafe fn scan_rows<S: Simd, T: Cell, const COLUMNS: bool>(tile: &TileScan<'_, T>, out: &mut Vec<Hit<T>>) {
    let rows = tile.row_norms.len();
    let mut row = 0;
    // SAFETY: rows of the tile.
    unsafe {
        while row + ROWS <= rows {
            scan_some::<S, T, ROWS, COLUMNS>(tile, row, out);
            row += ROWS;
        }
        while row < rows {
            scan_some::<S, T, 1, COLUMNS>(tile, row, out);
            row += 1;
        }
    }
}

/// Rows `first .. first + R`, two vectors of columns for one branch.
///
/// # Safety
///
/// As [`scan_tile`]; the rows exist.
#[inline(always)]
unsafe fn scan_some<S: Simd, T: Cell, const R: usize, const COLUMNS: bool>(
    tile: &TileScan<'_, T>,
    first: usize,
    out: &mut Vec<Hit<T>>,
) {
    let n = tile.column_norms.len();
    let mut tests = [T::row_test::<COLUMNS>(tile, first); R];
    for m in 1..R {
        tests[m] = T::row_test::<COLUMNS>(tile, first + m);
    }
    let mut j = 0;
    // SAFETY: `j + 2 * S::LANES <= n`, then `j < n`.
    unsafe {
        while j + 2 * S::LANES <= n {
            let (mut hits, mut any) = ([0u32; R], 0);
            for m in 0..R {
                hits[m] = tests[m].hits::<S>(j) | tests[m].hits::<S>(j + S::LANES) << S::LANES;
                any |= hits[m];
            }
            if any != 0 {
                for m in 0..R {
                    push(tile, first + m, j, hits[m], out);
                }
            }
            j += 2 * S::LANES;
        }
        while j < n {
            for m in 0..R {
                push(tile, first + m, j, tests[m].hits::<Scalar>(j), out);
            }
            j += 1;
        }
    }
}

/// Pushes the cell in column `base + i` for every bit `i`.
#[inline(always)]
fn push<T: Cell>(tile: &TileScan<'_, T>, row: usize, base: usize, mut hits: u32, out: &mut Vec<Hit<T>>) {
    while hits != 0 {
        let j = base + hits.trailing_zeros() as usize;
        let value = T::distance(tile.row_norms[row], tile.column_norms[j], tile.acc[row * tile.ld + j]);
        out.push(Hit { row: row as u32, column: j as u32, value });
        hits &= hits - 1;
    }
}
