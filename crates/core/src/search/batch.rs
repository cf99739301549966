//! Many queries over the graph, split over threads.

use super::anchors::Anchors;
use super::rules::{Matching, PoolExpanded};
use super::scorer::{ByteScorer, CodeScorer, DenseScorer, RowScorer, Scorer, SketchScorer};
use super::walk::{FromAbove, Scratch, ScratchPool, rescore, set_out, set_out_by, settle};
use crate::code::{ByteCodes, EXACT_SQUARES, Quantized, Sketch};
use crate::control::Control;
use crate::error::Result;
use crate::graph::Graph;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::options::Quantization;
use crate::points::{Points, RowRef};
use crate::profile::Tally;
use crate::stats::Counters;
use hnsw_kernels::Kernels;

/// Rows that coarse codes leave to the rows themselves, beyond twice as many as asked for.
const REFINED: usize = 4;

/// Queries, all transformed, and what they are asked of.
pub(crate) struct Batch<'a> {
    pub graph: &'a Graph,
    pub rows: &'a Points,
    pub coded: Coded<'a>,
    pub pair: Pair<'a>,
    pub queries: &'a Points,
    pub k: usize,
    pub ef: usize,
    pub threads: usize,
    /// The rows that may be returned, where not all may.
    pub matching: Option<&'a Matching>,
    /// Takes the counts of each query.
    pub told: Option<&'a Tally>,
}

/// What walks run on: codes of the rows, and of the queries.
pub(crate) enum Coded<'a> {
    /// No codes: the rows themselves.
    Rows,
    /// Codes that a caller asked for.
    Quantized(&'a Quantized, Quantized),
    /// Sketches; `bytes`, where there are some, compare what is found before the rows do.
    Sketches { rows: &'a Sketch, anchors: &'a Anchors, queries: Sketch, bytes: Option<(&'a ByteCodes, ByteCodes)> },
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
            let sure = match batch.matching {
                None => {
                    batch.walk(row, &mut lent.scratch);
                    true
                }
                Some(matching) => batch.walk_among(row, matching, &mut lent.scratch),
            };
            let found = if sure { lent.scratch.pool.iter().take(usize::MAX) } else { lent.scratch.pool.iter().take(0) };
            for ((found, id), proxy) in found.zip(ids).zip(proxies) {
                (*id, *proxy) = (found.id, found.proxy);
            }
            lent.scratch.settle_counts(row, batch.told, counters);
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
        match &self.coded {
            Coded::Sketches { rows, anchors, queries, bytes } => {
                let kernels = Kernels::detect();
                let by_sketch = SketchScorer { dot: kernels.u8_dot, sketch: rows, query: queries.code(row) };
                let origin = anchors.to(rows, by_sketch.query);
                set_out(self.graph, &by_sketch, &origin, self.sketched(), scratch);
                match bytes {
                    Some((codes, queries)) => {
                        let (query, norm, exact) = (queries.padded(row), queries.norms()[row], queries.is_exact());
                        rescore(&ByteScorer { dot: kernels.u8_dot, codes, query, norm }, scratch);
                        let exact = codes.is_exact() && exact;
                        scratch.pool.resume(if exact { self.k } else { 2 * self.k + REFINED });
                        if !exact || scratch.pool.iter().any(|found| found.proxy >= EXACT_SQUARES as f32) {
                            rescore(&by_rows, scratch);
                        }
                    }
                    None => rescore(&by_rows, scratch),
                }
            }
            Coded::Quantized(codes, queries) => {
                let by_codes = CodeScorer { kernels: Kernels::detect(), codes, query: queries.code(row) };
                self.walk_by(&by_codes, scratch);
                settle(self.graph, &by_rows, self.settled(codes.kind()), scratch);
            }
            Coded::Rows => match (self.pair, self.rows.dense(), query) {
                (Pair::Kernel(kernel), Some(rows), RowRef::Dense(query)) => {
                    self.walk_by(&DenseScorer { kernel, rows, query }, scratch);
                }
                _ => self.walk_by(&by_rows, scratch),
            },
        }
    }

    /// Walks by something other than sketches.
    fn walk_by<S: Scorer>(&self, scorer: &S, scratch: &mut Scratch) {
        set_out(self.graph, scorer, &FromAbove(scorer), self.ef, scratch);
    }

    /// Walks among the rows that match; what it finds is in the pool. Whether these are the nearest that match.
    fn walk_among(&self, row: usize, matching: &Matching, scratch: &mut Scratch) -> bool {
        let query = self.queries.row(row);
        let by_rows = RowScorer { pair: self.pair, rows: self.rows, query };
        let Coded::Sketches { rows, anchors, queries, .. } = &self.coded else {
            set_out_by(self.graph, &by_rows, &FromAbove(&by_rows), self.ef, &mut PoolExpanded, &matching, scratch);
            return scratch.only_accepted(self.ef, self.k);
        };
        let by_sketch = SketchScorer { dot: Kernels::detect().u8_dot, sketch: rows, query: queries.code(row) };
        let (width, origin) = (self.sketched(), anchors.to(rows, by_sketch.query));
        set_out_by(self.graph, &by_sketch, &origin, width, &mut PoolExpanded, &matching, scratch);
        // Sketches leave the order of the nearest to the rows.
        let sure = scratch.only_accepted(width, 2 * self.k + REFINED);
        scratch.pool.resume(3 * self.k + 4 * REFINED);
        rescore(&by_rows, scratch);
        sure
    }

    /// Width of a walk by sketches that finds what one of width `ef` by the rows would (measured).
    fn sketched(&self) -> usize {
        3 * self.ef + self.k
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
