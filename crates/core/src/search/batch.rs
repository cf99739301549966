//! Many queries over the graph, split over threads.

use super::scorer::RowScorer;
use super::walk::{ScratchPool, descend};
use crate::control::Control;
use crate::error::Result;
use crate::graph::Graph;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::points::Points;
use crate::stats::Counters;

/// Queries, all transformed, and what they are asked of.
pub(crate) struct Batch<'a> {
    pub graph: &'a Graph,
    pub rows: &'a Points,
    pub pair: Pair<'a>,
    pub queries: &'a Points,
    pub k: usize,
    pub ef: usize,
    pub threads: usize,
}

/// The `k` nearest rows found by walks of width `ef`, ascending by (proxy, id).
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
        || scratches.take(batch.graph.len()),
        |lent, row, ids, proxies| {
            let scorer = RowScorer { pair: batch.pair, rows: batch.rows, query: batch.queries.row(row) };
            descend(batch.graph, &scorer, 0, batch.ef, &mut lent.scratch);
            for ((found, id), proxy) in lent.scratch.pool.iter().zip(ids).zip(proxies) {
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
