//! A table of nearest rows in proxy space: what the exact and the approximate side produce, and what
//! the graph builder takes its candidates from.

use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::neighbors::{Neighbor, Neighbors};
use crate::parallel;

/// Id of an empty cell.
pub const EMPTY: u32 = u32::MAX;

/// What rows were met as, from the cheapest form to the rows themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RunOn {
    /// The rows along their widest directions, a byte each; what is found is compared by the rows.
    Sketches,
    /// Bytes that lose nothing.
    Bytes,
    /// Bytes that say which rows need not be compared.
    ByteFilter,
    /// bf16 that says so.
    HalfFilter,
    /// The rows.
    Rows,
}

impl RunOn {
    pub const ALL: [RunOn; 5] = [RunOn::Sketches, RunOn::Bytes, RunOn::ByteFilter, RunOn::HalfFilter, RunOn::Rows];

    /// In dumps, for ever.
    pub fn number(self) -> u64 {
        match self {
            RunOn::Bytes => 1,
            RunOn::ByteFilter => 2,
            RunOn::HalfFilter => 3,
            RunOn::Rows => 4,
            RunOn::Sketches => 5,
        }
    }

    /// For `plan`.
    pub fn name(self) -> &'static str {
        match self {
            RunOn::Sketches => "u8 sketch",
            RunOn::Bytes => "u8",
            RunOn::ByteFilter => "u8 filter",
            RunOn::HalfFilter => "bf16 filter",
            RunOn::Rows => "f32",
        }
    }
}

/// How good a table is, and what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reached {
    /// 1, or what a sample of the rows says.
    pub recall: f64,
    /// All pairs have been looked at.
    pub exact: bool,
    /// Where it is known.
    pub on: Option<RunOn>,
}

impl Reached {
    pub const EXACT: Reached = Reached { recall: 1.0, exact: true, on: None };

    pub fn sampled(recall: f64) -> Reached {
        Reached { recall, exact: false, on: None }
    }

    pub fn on(self, on: RunOn) -> Reached {
        Reached { on: Some(on), ..self }
    }
}

/// `rows x k` ids and proxies, each row ascending by (proxy, id), empty cells at the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Knn {
    pub k: usize,
    pub ids: Vec<u32>,
    pub proxies: Vec<f32>,
}

impl Knn {
    /// `rows x k` empty cells.
    pub fn empty(rows: usize, k: usize) -> Result<Knn> {
        let cells = rows.checked_mul(k).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        let (mut ids, mut proxies) = (Vec::new(), Vec::new());
        let refused = |_| Error::OutOfMemory { bytes: cells.saturating_mul(8) };
        ids.try_reserve_exact(cells).map_err(refused)?;
        proxies.try_reserve_exact(cells).map_err(refused)?;
        ids.resize(cells, EMPTY);
        proxies.resize(cells, f32::INFINITY);
        Ok(Knn { k, ids, proxies })
    }

    pub fn rows(&self) -> usize {
        self.ids.len().checked_div(self.k).unwrap_or(0)
    }

    /// Filled cells of a row.
    pub fn row(&self, row: usize) -> impl DoubleEndedIterator<Item = (u32, f32)> + Clone + '_ {
        let cells = row * self.k..(row + 1) * self.k;
        let filled = self.ids[cells.clone()].partition_point(|&id| id != EMPTY);
        self.ids[cells.clone()][..filled].iter().copied().zip(self.proxies[cells].iter().copied())
    }

    /// Replaces a row by the nearest of `found`, which is sorted.
    pub fn put(&mut self, row: usize, found: &mut [Neighbor]) {
        found.sort_unstable();
        let cells = row * self.k..(row + 1) * self.k;
        for ((id, proxy), other) in self.ids[cells.clone()].iter_mut().zip(&mut self.proxies[cells]).zip(found) {
            (*id, *proxy) = (other.id, other.proxy);
        }
    }

    /// The table whose row `order[i]` is row `i` of this one.
    pub fn scattered(&self, order: &[u32]) -> Result<Knn> {
        let mut out = Knn::empty(self.rows(), self.k)?;
        for (row, &to) in order.iter().take(self.rows()).enumerate() {
            let (from, to) = (row * self.k..(row + 1) * self.k, to as usize * self.k);
            out.ids[to..to + self.k].copy_from_slice(&self.ids[from.clone()]);
            out.proxies[to..to + self.k].copy_from_slice(&self.proxies[from]);
        }
        Ok(out)
    }

    /// Fills all rows in parallel: `body(scratch, row, ids, proxies)`; false stops.
    pub fn fill<S>(
        &mut self,
        threads: usize,
        scratch: impl Fn() -> S + Sync,
        body: impl Fn(&mut S, usize, &mut [u32], &mut [f32]) -> bool + Sync,
    ) {
        let k = self.k.max(1);
        let mut cells: Vec<_> = self.ids.chunks_mut(k).zip(self.proxies.chunks_mut(k)).collect();
        parallel::chunks_mut(threads, &mut cells, 64, scratch, |state, start, part| {
            part.iter_mut().enumerate().all(|(i, (ids, proxies))| body(state, start + i, ids, proxies))
        });
    }

    /// The neighbour graph of all rows: column 0 is the row itself at 0, then the others, `n_neighbors` in all.
    pub fn into_graph(self, rows: usize, n_neighbors: usize, metric: &Metric) -> Result<Neighbors> {
        let mut out = Neighbors::missing(rows, n_neighbors)?;
        for row in 0..rows {
            let start = row * n_neighbors;
            out.indices[start] = row as i32;
            out.distances[start] = 0.0;
            for (cell, (id, proxy)) in (start + 1..start + n_neighbors).zip(self.row(row)) {
                out.indices[cell] = id as i32;
                out.distances[cell] = metric.finish(proxy);
            }
        }
        Ok(out)
    }

    /// Rows `first..` of a query result.
    pub fn write_to(&self, out: &mut Neighbors, first: usize, metric: &Metric) {
        for row in 0..self.rows() {
            let start = (first + row) * out.k;
            for (cell, (id, proxy)) in (start..start + out.k).zip(self.row(row)) {
                out.indices[cell] = id as i32;
                out.distances[cell] = metric.finish(proxy);
            }
        }
    }
}
