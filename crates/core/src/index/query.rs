//! Queries: by a scan of all rows or by walks, whichever the cost model expects to be cheaper.

use super::{Data, Index};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::graph;
use crate::metric::transform::Transform;
use crate::neighbors::Neighbors;
use crate::options::Query;
use crate::plan::{self, QueryDecision};
use crate::rows::Rows;
use crate::search::batch::{Batch, search};
use crate::stats::Counters;
use std::sync::atomic::Ordering;

/// Queries of one exact batch; more are answered batch by batch to bound memory.
const MAX_BATCH: usize = 32_768;
impl Index {
    /// The `k` nearest rows of each query. `queries` are transformed in place.
    ///
    /// Errors: `DimensionMismatch`, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn query(&self, mut queries: Rows, query: Query, control: Control<'_>) -> Result<Neighbors> {
        query.check()?;
        let data = self.data.read(control)?;
        if queries.dim() != data.rows.dim() {
            return Err(Error::DimensionMismatch { seen: queries.dim(), expected: data.rows.dim() });
        }
        let mut out = Neighbors::missing(queries.len(), query.k)?;
        if out.indices.is_empty() {
            return Ok(out);
        }
        self.options.metric.transform().apply(&mut queries, self.options.threads, control)?;
        Counters::add(&self.counters.searches, queries.len() as u64);
        let decision = self.decide(&data, queries.len(), query);
        *self.last_query.lock().unwrap_or_else(|e| e.into_inner()) = Some(decision);
        if decision.exact {
            self.scan(&data, &queries, query, &mut out, control)?;
        } else {
            self.walk(&data, &queries, query, &mut out, control)?;
        }
        for row in self.equidistant(&queries) {
            out.set_equidistant(row, None, data.rows.len());
        }
        Ok(out)
    }

    /// Rows to which every row is equally far.
    pub(super) fn equidistant<'a>(&self, rows: &'a Rows) -> impl Iterator<Item = usize> + use<'a> {
        let transform = self.options.metric.transform();
        let count = if transform == Transform::Unit { rows.len() } else { 0 };
        (0..count).filter(move |&row| transform.is_equidistant(rows.row(row), rows.dim()))
    }

    pub(super) fn decide(&self, data: &Data, queries: usize, query: Query) -> QueryDecision {
        let prepared = self.prepared.load(Ordering::Relaxed);
        let candidates = graph::bulk::candidates(&self.options);
        plan::query(self.source(data), &self.options, queries, query.ef.max(query.k), candidates, prepared)
    }

    fn scan(&self, data: &Data, queries: &Rows, query: Query, out: &mut Neighbors, control: Control<'_>) -> Result<()> {
        let source = self.source(data);
        let k = query.k.min(data.rows.len());
        Counters::add(&self.counters.distances, (queries.len() * data.rows.len()) as u64);
        let (phase, control) = if queries.len() > MAX_BATCH {
            (Some(control.phase("exact batches", queries.len() as u64)), control.quiet())
        } else {
            (None, control)
        };
        for first in (0..queries.len()).step_by(MAX_BATCH) {
            let part = queries.part(first..(first + MAX_BATCH).min(queries.len()))?;
            let part = part.as_ref().unwrap_or(queries);
            let codes = match &data.codes {
                Some(codes) if source.byte_tiles() => codes.of_others(part, self.options.threads, control)?,
                _ => None,
            };
            let threads = self.threads_for(part.len() * data.rows.len() * data.rows.width());
            let knn = exact::batch(source, part, codes.as_ref(), k, threads, control)?;
            knn.write_to(out, first, self.options.metric, data.rows.dim());
            phase.iter().for_each(|phase| _ = phase.advance(part.len() as u64));
        }
        Ok(())
    }

    fn walk(&self, data: &Data, queries: &Rows, query: Query, out: &mut Neighbors, control: Control<'_>) -> Result<()> {
        let index = self.search_index(data, control)?;
        let batch = Batch {
            graph: &index.graph,
            rows: &data.rows,
            pair: self.options.metric.pair(self.kernels),
            queries,
            k: query.k.min(data.rows.len()),
            ef: query.ef.max(query.k).min(data.rows.len()),
            threads: self.threads_for(queries.len() * query.ef.max(query.k) * 16 * data.rows.width()),
        };
        let knn = search(&batch, &self.scratches, &self.counters, control)?;
        knn.write_to(out, 0, self.options.metric, data.rows.dim());
        Ok(())
    }

    /// Starting a thread costs some 20 us: small work stays on the caller's.
    fn threads_for(&self, terms: usize) -> usize {
        self.options.threads.min(terms / 2_000_000 + 1)
    }
}
