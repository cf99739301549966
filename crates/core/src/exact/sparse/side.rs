//! One side of sparse products.
//!
//! Columns are numbered anew where there are very many, because panels hold a number for each.

use crate::parallel;
use crate::points::{Derived, SparseRow, SparseRows};
use hnsw_kernels::{Kernels, SparsePanel};
use std::convert::Infallible;
use std::sync::Arc;

/// Rows of a panel.
pub(crate) const PANEL: usize = SparsePanel::ROWS;
/// Most columns that are not numbered anew: half a megabyte for a panel's numbers.
const DIRECT: usize = 1 << 17;
/// Norms beyond this could overflow in a product; such rows go to the pair functions.
const MAX_NORM: f32 = 1e30;

/// One side of sparse products: rows, their columns as panels number them, squared norms.
pub(crate) struct SparseSide<'a> {
    pub(super) rows: &'a SparseRows,
    pub(super) of: Arc<Prepared>,
}

/// What a side knows of its rows.
pub(super) struct Prepared {
    numbers: Option<Numbers>,
    /// Stand for the values where only columns count.
    ones: Option<Vec<f32>>,
    pub norms: Vec<f32>,
    pub max_norm: f32,
    pub longest: usize,
}

impl Derived for Prepared {
    fn bytes(&self) -> usize {
        let numbers = self.numbers.as_ref().map_or(0, |of| of.columns.capacity() + of.of_entries.capacity());
        (numbers + self.ones.as_ref().map_or(0, Vec::capacity) + self.norms.capacity()) * size_of::<f32>()
    }
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
        Self::checked(rows, Arc::new(Prepared::of(rows, sets, kernels, threads)))
    }

    /// As [`SparseSide::of`], prepared once and kept with the rows.
    pub fn kept(rows: &'a SparseRows, sets: bool, kernels: &'static Kernels, threads: usize) -> Option<SparseSide<'a>> {
        // Kernel sets are no bytes: there is room between two of them.
        let key = std::ptr::from_ref(kernels).addr() + usize::from(sets);
        let Ok(of) = rows.kept().get_or_make(key, || Ok::<_, Infallible>(Prepared::of(rows, sets, kernels, threads)));
        Self::checked(rows, of)
    }

    /// Other rows with the column numbers of `self`, for products with it.
    pub fn beside<'b>(
        &self,
        rows: &'b SparseRows,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<SparseSide<'b>> {
        let columns = self.of.numbers.as_ref().map(|numbers| numbers.columns.clone());
        let of = Prepared::numbered(rows, self.of.ones.is_some(), columns, kernels, threads);
        SparseSide::checked(rows, Arc::new(of))
    }

    fn checked(rows: &'a SparseRows, of: Arc<Prepared>) -> Option<SparseSide<'a>> {
        (of.max_norm < MAX_NORM).then_some(SparseSide { rows, of })
    }

    /// Squared norms.
    pub fn norms(&self) -> &[f32] {
        &self.of.norms
    }

    /// A panel for rows of this side.
    pub fn panel(&self) -> Panel {
        // One more for the mark of empty rows, or for columns without a number.
        Panel::new(1 + self.of.numbers.as_ref().map_or(self.rows.dim(), |numbers| numbers.columns.len()))
    }

    /// Row `i` as panels see it.
    #[inline]
    pub fn row(&self, i: usize) -> SparseRow<'_> {
        let SparseRow { mut indices, mut values } = self.rows.row(i);
        if let Some(numbers) = &self.of.numbers {
            let start = self.rows.parts().0[i];
            indices = &numbers.of_entries[start..start + values.len()];
        }
        if let Some(ones) = &self.of.ones {
            values = &ones[..values.len()];
        }
        SparseRow { indices, values }
    }
}

impl Prepared {
    fn of(rows: &SparseRows, sets: bool, kernels: &'static Kernels, threads: usize) -> Prepared {
        let columns = (rows.dim() >= DIRECT).then(|| {
            let mut columns = rows.parts().1.to_vec();
            columns.sort_unstable();
            columns.dedup();
            columns
        });
        Self::numbered(rows, sets, columns, kernels, threads)
    }

    fn numbered(
        rows: &SparseRows,
        sets: bool,
        columns: Option<Vec<u32>>,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Prepared {
        let longest = rows.parts().0.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let numbers = columns.map(|columns| Numbers::of(columns, rows));
        let ones = sets.then(|| vec![1.0; longest]);
        let values = |i: usize| {
            let values = rows.row(i).values;
            ones.as_ref().map_or(values, |ones| &ones[..values.len()])
        };
        let norms = squares(rows.len(), longest, values, kernels, threads);
        let max_norm = norms.iter().copied().fold(0.0, f32::max);
        Prepared { numbers, ones, norms, max_norm, longest }
    }
}

/// Squared norms of `n` rows by the kernel of the products, so that the distance between equal rows is exactly 0.
fn squares<'a>(
    n: usize,
    longest: usize,
    values: impl Fn(usize) -> &'a [f32] + Sync,
    kernels: &'static Kernels,
    threads: usize,
) -> Vec<f32> {
    // Which columns they are is of no importance to the product of a row with itself.
    let places: Vec<u32> = (0..longest as u32).collect();
    let mut norms = vec![0.0f32; n];
    let panel = || Panel::new(longest.max(1));
    parallel::chunks_mut(threads, &mut norms, PANEL, panel, |panel, start, part| {
        let row = |i: usize| {
            let values = values(start + i);
            SparseRow { indices: &places[..values.len()], values }
        };
        panel.fill((0..part.len()).map(row));
        part.iter_mut().enumerate().for_each(|(i, norm)| *norm = panel.dots(kernels, row(i))[i]);
        true
    });
    norms
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
