//! Many queries over the graph, split over threads.

use super::scorer::{CodeScorer, RowScorer, Scorer};
use super::walk::{Scratch, ScratchPool, descend};
use crate::code::Quantized;
use crate::control::Control;
use crate::error::Result;
use crate::graph::Graph;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::points::Points;
use crate::stats::Counters;
use hnsw_kernels::Kernels;

/// Queries, all transformed, and what they are asked of.
pub(crate) struct Batch<'a> {
    pub graph: &'a Graph,
    pub rows: &'a Points,
    /// Codes of the rows and of the queries, where walks run on codes.
    pub codes: Option<(&'a Quantized, Quantized)>,
    pub pair: Pair<'a>,
    pub queries: &'a Points,
    pub k: usize,
    pub ef: usize,
    pub threads: usize,
}

/// The `k` nearest rows found by walks of width `ef`, ascending by (proxy, id); proxies are those of the rows.
pub(crate) fn search(
    batch: &Batch<'_>,
    scratches: &ScratchPool,
    counters: &Counters,
    control: Control<'_>,
) -> Result<Knn> {
    let mut out = Knn::empty(batch.queries.len(), batch.k)?;
    let phase = control.phase("search", batch.queries.len() as u64);
    out.fill(
        batch.threads,
        || (scratches.take(batch.graph.len()), Vec::new()),
        |(lent, found), row, ids, proxies| {
            batch.walk(row, &mut lent.scratch, found);
            for ((found, id), proxy) in found.iter().zip(ids).zip(proxies) {
                (*id, *proxy) = (found.id, found.proxy);
            }
            let (distances, hops) = lent.scratch.take_counts();
            Counters::add(&counters.distances, distances);
            Counters::add(&counters.hops, hops);
            !phase.advance(1)
        },
    );
    control.check().map(|()| out)
}

impl Batch<'_> {
    /// The rows that the walk of query `row` finds, nearest first.
    fn walk(&self, row: usize, scratch: &mut Scratch, found: &mut Vec<Neighbor>) {
        let by_rows = RowScorer { pair: self.pair, rows: self.rows, query: self.queries.row(row) };
        found.clear();
        match &self.codes {
            None => {
                descend(self.graph, &by_rows, 0, self.ef, scratch);
                found.extend(scratch.pool.iter());
            }
            Some((codes, queries)) => {
                let by_codes = CodeScorer { kernels: Kernels::detect(), codes, query: queries.code(row) };
                descend(self.graph, &by_codes, 0, self.ef, scratch);
                let again = |found: Neighbor| Neighbor { proxy: by_rows.one(found.id), ..found };
                found.extend(scratch.pool.iter().map(again));
                found.sort_unstable();
            }
        }
    }
}
