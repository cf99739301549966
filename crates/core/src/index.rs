//! The index: rows and the two products made from them when first needed.

use crate::control::Control;
use crate::error::{Error, Result};
use crate::neighbors::{Neighbor, Neighbors};
use crate::options::{Options, Query};
use crate::plan::{Choice, Plan};
use crate::rows::Rows;
use crate::stats::Stats;
use hnsw_kernels::Kernels;
use std::sync::{Arc, RwLock};

/// A set of rows that answers "which rows are nearest". Shared freely between threads.
pub struct Index {
    options: Options,
    rows: RwLock<Rows>,
}

impl Index {
    /// Takes the rows, transformed in place for the metric. O(n·dim); nothing is built yet.
    ///
    /// Errors: `EmptyIndex`, `InvalidArgument`, `OutOfMemory`.
    pub fn new(mut rows: Rows, options: Options) -> Result<Index> {
        options.check()?;
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        options.metric.transform().apply(&mut rows, options.threads);
        Ok(Index { options, rows: RwLock::new(rows) })
    }

    /// All rows against all rows: `n x n_neighbors`, column 0 is the row itself at distance 0.
    /// Made once, kept until an update.
    pub fn neighbor_graph(&self, control: Control<'_>) -> Result<Arc<Neighbors>> {
        let rows = self.rows.read().unwrap();
        let phase = control.phase("graph", rows.len() as u64);
        let mut out = Neighbors::missing(rows.len(), self.options.n_neighbors)?;
        for i in 0..rows.len() {
            self.scan(&rows, rows.row(i), Some(i as u32), self.options.n_neighbors, i, &mut out);
            if phase.advance(1) {
                return Err(Error::Cancelled);
            }
        }
        Ok(Arc::new(out))
    }

    /// The `k` nearest rows of each query. `queries` must have the index's dim; they are transformed in place.
    ///
    /// Errors: `DimensionMismatch`, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn query(&self, mut queries: Rows, query: Query, control: Control<'_>) -> Result<Neighbors> {
        query.check()?;
        let rows = self.rows.read().unwrap();
        if queries.dim() != rows.dim() {
            return Err(Error::DimensionMismatch { seen: queries.dim(), expected: rows.dim() });
        }
        self.options.metric.transform().apply(&mut queries, self.options.threads);
        let mut out = Neighbors::missing(queries.len(), query.k)?;
        for i in 0..queries.len() {
            control.check()?;
            self.scan(&rows, queries.row(i), None, query.k, i, &mut out);
        }
        Ok(out)
    }

    fn scan(&self, rows: &Rows, q: &[f32], own: Option<u32>, k: usize, at: usize, out: &mut Neighbors) {
        let pair = self.options.metric.pair(Kernels::detect());
        let mut all: Vec<Neighbor> = (0..rows.len() as u32)
            .map(|id| Neighbor { proxy: if own == Some(id) { -1.0 } else { pair.one(q, rows.row(id as usize)) }, id })
            .collect();
        all.sort_unstable();
        for (c, n) in all.iter().take(k).enumerate() {
            out.indices[at * k + c] = n.id as i32;
            out.distances[at * k + c] =
                if own == Some(n.id) { 0.0 } else { self.options.metric.finish(n.proxy, rows.dim()) };
        }
    }

    /// Appends rows as ids n, n+1, ...; all or nothing.
    ///
    /// Errors: `DimensionMismatch`, `EmptyIndex` for 0 rows, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn append(&self, mut fresh: Rows, control: Control<'_>) -> Result<()> {
        control.check()?;
        if fresh.is_empty() {
            return Err(Error::EmptyIndex);
        }
        let mut rows = self.rows.write().unwrap();
        if fresh.dim() != rows.dim() {
            return Err(Error::DimensionMismatch { seen: fresh.dim(), expected: rows.dim() });
        }
        self.options.metric.transform().apply(&mut fresh, self.options.threads);
        rows.append(&fresh)
    }

    /// Builds the search index now instead of at the first query that wants it; from then on queries prefer it.
    pub fn prepare(&self, control: Control<'_>) -> Result<()> {
        control.check()
    }

    pub fn plan(&self) -> Plan {
        let choice = Choice {
            algorithm: "exact",
            codes: "f32",
            reason: String::new(),
            exact_seconds: 0.0,
            approximate_seconds: 0.0,
            seconds: None,
            recall: Some(1.0),
        };
        Plan {
            neighbor_graph: choice.clone(),
            query: choice,
            kernels: Kernels::features(),
            algorithm: self.options.algorithm,
        }
    }

    pub fn stats(&self) -> Stats {
        let rows = self.rows.read().unwrap();
        Stats { rows: rows.len(), dim: rows.dim(), rows_bytes: rows.bytes(), ..Stats::default() }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn len(&self) -> usize {
        self.rows.read().unwrap().len()
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    pub fn dim(&self) -> usize {
        self.rows.read().unwrap().dim()
    }
}
