//! What walks from anchors go over: links, rows, and sketches of them where there are some.

use super::anchors::Anchors;
use super::rules::Stop;
use super::scorer::{Scorer, SketchScorer};
use super::walk::{FromAbove, Scratch, rescore, set_out_without};
use crate::code::{Sketch, squared_norm};
use crate::graph::Graph;
use crate::metric::Pair;
use crate::points::Points;
use hnsw_kernels::Kernels;

/// Rows, their links, and where walks begin.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub graph: &'a Graph,
    pub rows: &'a Points,
    pub pair: Pair<'a>,
    pub start: Start<'a>,
}

/// Where walks begin.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Where a descent from the entry comes to.
    Entry,
    /// At anchors, by sketches, of the rows and of the queries.
    Sketches { rows: &'a Sketch, anchors: &'a Anchors, queries: &'a Sketch },
}

impl Ground<'_> {
    /// Walks, `width` wide, to the rows nearest to query `row`; they are in the pool afterwards, compared by `scorer`. `stop`
    /// makes the stop rule, of what has to be added to the walk's proxies to make them none below 0. `barred` is never met.
    pub fn nearest<S: Scorer, T: Stop>(
        &self,
        scorer: &S,
        row: usize,
        width: usize,
        barred: Option<u32>,
        stop: impl Fn(f32) -> T,
        scratch: &mut Scratch,
    ) {
        match self.start {
            Start::Entry => {
                set_out_without(self.graph, scorer, &FromAbove(scorer), width, barred, &mut stop(0.0), scratch);
            }
            Start::Sketches { rows, anchors, queries } => {
                let query = queries.code(row);
                let by_sketch = SketchScorer { dot: Kernels::detect().u8_dot, sketch: rows, query };
                let mut stop = stop(squared_norm(query) as f32);
                set_out_without(self.graph, &by_sketch, &anchors.to(rows, query), width, barred, &mut stop, scratch);
                scratch.pool.keep_within(stop.horizon());
                rescore(scorer, scratch);
            }
        }
    }
}
