//! One side of sparse products.
//!
//! Columns are numbered anew where there are very many, because panels hold a number for each.

use crate::parallel;
use crate::points::{SparseRow, SparseRows};
use hnsw_kernels::{Kernels, SparsePanel};

/// Rows of a panel.
pub(crate) const PANEL: usize = SparsePanel::ROWS;
/// Most columns that are not numbered anew: half a megabyte for a panel's numbers.
const DIRECT: usize = 1 << 17;
/// Norms beyond this could overflow in a product; such rows go to the pair functions.
const MAX_NORM: f32 = 1e30;

/// One side of sparse products: rows, their columns as panels number them, squared norms.
pub(crate) struct SparseSide<'a> {
    pub(super) rows: &'a SparseRows,
    numbers: Option<Numbers>,
    /// Stand for the values where only columns count.
    ones: Option<Vec<f32>>,
    pub(super) norms: Vec<f32>,
    pub(super) max_norm: f32,
    pub(super) longest: usize,
}

/// New numbers for columns.
struct Numbers {
    /// Those that have one, ascending.
    columns: Vec<u32>,
    /// The number of every entry's column. A column without one gets the number behind the last.
    of_entries: Vec<u32>,
}

impl Numbers {
    fn of(columns: Vec<u32>, rows: &SparseRows) -> Numbers {
        let number = |c: &u32| columns.binary_search(c).unwrap_or(columns.len()) as u32;
        Numbers { of_entries: rows.parts().1.iter().map(number).collect(), columns }
    }
}

impl<'a> SparseSide<'a> {
    /// `None` where norms are too large for products. `sets`: every value counts as 1. O(entries · log(entries)).
    pub fn of(rows: &'a SparseRows, sets: bool, kernels: &'static Kernels, threads: usize) -> Option<SparseSide<'a>> {
        let columns = (rows.dim() >= DIRECT).then(|| {
            let mut columns = rows.parts().1.to_vec();
            columns.sort_unstable();
            columns.dedup();
            columns
        });
        Self::numbered(rows, sets, columns, kernels, threads)
    }

    /// Other rows with the column numbers of `self`, for products with it.
    pub fn beside<'b>(
        &self,
        rows: &'b SparseRows,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<SparseSide<'b>> {
        let columns = self.numbers.as_ref().map(|numbers| numbers.columns.clone());
        SparseSide::numbered(rows, self.ones.is_some(), columns, kernels, threads)
    }

    fn numbered(
        rows: &'a SparseRows,
        sets: bool,
        columns: Option<Vec<u32>>,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<SparseSide<'a>> {
        let longest = rows.parts().0.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let numbers = columns.map(|columns| Numbers::of(columns, rows));
        let ones = sets.then(|| vec![1.0; longest]);
        let mut side = SparseSide { rows, numbers, ones, norms: Vec::new(), max_norm: 0.0, longest };
        side.norms = side.squares(kernels, threads);
        side.max_norm = side.norms.iter().copied().fold(0.0, f32::max);
        (side.max_norm < MAX_NORM).then_some(side)
    }

    /// Squared norms by the kernel of the products, so that the distance between equal rows is exactly 0.
    fn squares(&self, kernels: &'static Kernels, threads: usize) -> Vec<f32> {
        // Which columns they are is of no importance to the product of a row with itself.
        let places: Vec<u32> = (0..self.longest as u32).collect();
        let mut norms = vec![0.0f32; self.rows.len()];
        let panel = || Panel::new(self.longest.max(1));
        parallel::chunks_mut(threads, &mut norms, PANEL, panel, |panel, start, part| {
            let row = |i: usize| {
                let values = self.row(start + i).values;
                SparseRow { indices: &places[..values.len()], values }
            };
            panel.fill((0..part.len()).map(row));
            part.iter_mut().enumerate().for_each(|(i, norm)| *norm = panel.dots(kernels, row(i))[i]);
            true
        });
        norms
    }

    /// Squared norms.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// A panel for rows of this side.
    pub fn panel(&self) -> Panel {
        // One more for the mark of empty rows, or for columns without a number.
        Panel::new(1 + self.numbers.as_ref().map_or(self.rows.dim(), |numbers| numbers.columns.len()))
    }

    /// Row `i` as panels see it.
    #[inline]
    pub fn row(&self, i: usize) -> SparseRow<'_> {
        let SparseRow { mut indices, mut values } = self.rows.row(i);
        if let Some(numbers) = &self.numbers {
            let start = self.rows.parts().0[i];
            indices = &numbers.of_entries[start..start + values.len()];
        }
        if let Some(ones) = &self.ones {
            values = &ones[..values.len()];
        }
        SparseRow { indices, values }
    }
}

/// Up to 32 rows, side by side.
pub(crate) struct Panel(SparsePanel);

impl Panel {
    fn new(columns: usize) -> Panel {
        Panel(SparsePanel::new(columns).expect("memory for the numbers of the columns"))
    }

    /// Replaces its rows.
    pub fn fill<'a>(&mut self, rows: impl Iterator<Item = SparseRow<'a>>) {
        self.0.clear();
        rows.for_each(|row| self.0.push(row.indices, row.values).expect("memory for 32 rows"));
    }

    /// Products of `row` with each of its rows.
    #[inline]
    pub fn dots(&self, kernels: &'static Kernels, row: SparseRow<'_>) -> [f32; PANEL] {
        let mut out = [0.0; PANEL];
        kernels.sparse_dots(&self.0, row.indices, row.values, &mut out);
        out
    }
}
