//! Candidates for the links of many new rows at once: what walks by sketches find among the rows that are linked, and the
//! nearest of the new rows themselves.

use super::Index;
use super::products::SKETCHED_SHARE;
use crate::clusters;
use crate::code::Sketch;
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::graph::{self, Graph};
use crate::knn::Knn;
use crate::neighbors::Neighbor;
use crate::parallel;
use crate::plan;
use crate::points::Points;
use crate::search::anchors::Anchors;
use crate::search::scorer::SketchScorer;
use crate::search::walk::set_out;

/// Width of the walks, as a share of the candidates that they are to find.
const WIDER: f64 = 1.25;

impl Index {
    /// For each of the rows `new` (ascending), some of which `graph` may have without links: its candidates, ascending by the
    /// proxies of `sketch`.
    pub(super) fn candidates_of(
        &self,
        graph: &Graph,
        rows: &Points,
        sketch: &Sketch,
        new: &[u32],
        control: Control<'_>,
    ) -> Result<Vec<Vec<Neighbor>>> {
        let threads = self.options.threads;
        let part = rows.subset(new)?;
        let count = graph::bulk::candidates_by_sketch(&self.options);
        let source =
            Source { rows: &part, codes: None, coarse: None, metric: &self.options.metric, kernels: self.kernels };
        let k = count.min(part.len() - 1);
        let siblings = self.siblings(source, sketch, k, control.quiet())?;
        let anchors = Anchors::of(graph, sketch);
        let Some(queries) = part.dense().map(|rows| sketch.of_queries(rows, threads, control)).transpose()? else {
            return Ok(Vec::new());
        };
        let dot = self.kernels.u8_dot;
        let phase = control.phase("find neighbours", new.len() as u64);
        let found = |lent: &mut crate::search::walk::Lent<'_>, at: usize| {
            let (own, scratch) = (new[at] as usize, &mut lent.scratch);
            let by_sketch = SketchScorer { dot, sketch, query: queries.code(at) };
            let mut dots = std::mem::take(&mut scratch.dots);
            let width = (WIDER * count as f64) as usize;
            set_out(graph, &by_sketch, anchors.met(sketch, by_sketch.query, &mut dots), width, scratch);
            scratch.dots = dots;
            let near = scratch.pool.iter().map(|found| found.id).filter(|id| new.binary_search(id).is_err());
            let among = siblings.row(at).map(|(id, _)| new[id as usize]);
            let with_proxy = |id: u32| Neighbor { proxy: sketch.between(dot, own, id as usize), id };
            let mut all: Vec<Neighbor> = near.take(count).chain(among).map(with_proxy).collect();
            all.sort_unstable();
            all.truncate(count);
            scratch.take_counts();
            phase.advance(1);
            all
        };
        parallel::map(threads, new.len(), || self.scratches.take(graph.len()), found, control)
    }

    /// The `k` nearest of the rows of `source` for each of them, by sketch where lists of them pay.
    fn siblings(&self, source: Source<'_>, sketch: &Sketch, k: usize, control: Control<'_>) -> Result<Knn> {
        if let Some(rows) = source.rows.dense() {
            let sketch = sketch.beside(rows, self.options.threads, control)?;
            if let Some(table) = clusters::table(source, &sketch, SKETCHED_SHARE, &self.options, k, control)? {
                return Ok(table);
            }
        }
        Ok(self.nearest(source, k, &plan::graph(source, &self.options, k), control)?.0)
    }
}
