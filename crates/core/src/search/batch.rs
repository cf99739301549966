//! Many queries over the graph, split over threads.

use super::scorer::{CodeScorer, DenseScorer, RowScorer};
use super::walk::{Scratch, ScratchPool, descend, settle};
use crate::code::Quantized;
use crate::control::Control;
use crate::error::Result;
use crate::graph::Graph;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::options::Quantization;
use crate::points::{Points, RowRef};
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
        || scratches.take(batch.graph.len()),
        |lent, row, ids, proxies| {
            batch.walk(row, &mut lent.scratch);
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

impl Batch<'_> {
    /// Walks for query `row`; what it finds is in the pool.
    fn walk(&self, row: usize, scratch: &mut Scratch) {
        let query = self.queries.row(row);
        let by_rows = RowScorer { pair: self.pair, rows: self.rows, query };
        if let Some((codes, queries)) = &self.codes {
            let by_codes = CodeScorer { kernels: Kernels::detect(), codes, query: queries.code(row) };
            descend(self.graph, &by_codes, 0, self.ef, scratch);
            settle(self.graph, &by_rows, self.settled(codes.kind()), scratch);
        } else if let (Pair::Kernel(kernel), Some(rows), RowRef::Dense(query)) = (self.pair, self.rows.dense(), query) {
            descend(self.graph, &DenseScorer { kernel, rows, query }, 0, self.ef, scratch);
        } else {
            descend(self.graph, &by_rows, 0, self.ef, scratch);
        }
    }

    /// Width of the walk by rows behind one by codes: the coarser the codes, the less they leave decided.
    fn settled(&self, kind: Quantization) -> usize {
        match kind {
            Quantization::Binary => self.k.max(self.ef / 2),
            Quantization::Uint4 => self.k.max(self.ef / 4),
            Quantization::Uint8 | Quantization::Int8 => self.k,
        }
    }
}
