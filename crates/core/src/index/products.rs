//! The two products: made once, by one of those who ask for them.

use super::state::{Measured, State};
use super::walked::WalkedOn;
use super::{Index, Search};
use crate::approx;
use crate::clusters;
use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::graph;
use crate::knn::{Knn, Reached, RunOn};
use crate::neighbors::Neighbors;
use crate::options::{Options, Query};
use crate::plan::{self, Choice};
use crate::points::Points;
use crate::search::batch::{Batch, Coded, search};
use crate::stats::Counters;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Share of the nearest rows by sketch that the candidates of links must hold: with more of them walks find no more (measured).
pub(super) const SKETCHED_SHARE: f64 = 0.95;
/// Least width of the walks that make a neighbour graph.
const WALKED_WIDTH: usize = 100;

impl Index {
    /// All rows against all rows: `n x n_neighbors`, column 0 is the row itself at distance 0, the others
    /// ascend by (distance, id). Rows ascend by id. Made once, kept until an update. O(n²/2) distances where exact,
    /// about O(n log n) where approximate.
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn neighbor_graph(&self, control: Control<'_>) -> Result<Arc<Neighbors>> {
        let state = self.state.read(control)?;
        let graph = state.graph.get_or_make(control, || match self.stored_graph(&state, control)? {
            Some(graph) => Ok(graph),
            None => self.make_graph(&state, control),
        })?;
        if state.ids.are_slots() {
            return Ok(graph);
        }
        let mut named = Neighbors::clone(&graph);
        state.name_rows(&mut named.indices);
        Ok(Arc::new(named))
    }

    fn make_graph(&self, state: &State, control: Control<'_>) -> Result<Neighbors> {
        let k = self.options.n_neighbors - 1;
        let started = Instant::now();
        let source = self.coded(state, control)?;
        let choice = plan::graph(source, &self.options, k);
        let renewed = self.renewed(state, source, k, &choice, control)?;
        let is_renewed = renewed.is_some();
        let (knn, reached) = match renewed {
            Some(renewed) => renewed,
            None if self.options.metric.largest_products() && !choice.is_exact() => self.walked(state, k, control)?,
            None if choice.is_exact() || !source.bytes_pay() => self.nearest(source, k, &choice, control)?,
            None => {
                let clusters = self.clusters(state, source, control)?;
                approx::graph(source, (*clusters).as_ref(), &self.options, k, control)?
            }
        };
        let n = state.rows.len();
        let mut graph = knn.into_graph(n, self.options.n_neighbors, &self.options.metric)?;
        self.settle_equidistant(&state.rows, &state.rows, &mut graph, true);
        Counters::add(&self.counters.graph_builds, 1);
        state.set_former(None);
        let seconds = Some(started.elapsed().as_secs_f64());
        state.set_measured(Measured { seconds, reached: Some(reached), renewed: is_renewed });
        Ok(graph)
    }

    /// The graph by way of the one before the last updates, where that is cheaper and finds as much. An exact graph comes of an
    /// exact one only.
    fn renewed(
        &self,
        state: &State,
        source: Source<'_>,
        k: usize,
        choice: &Choice,
        control: Control<'_>,
    ) -> Result<Option<(Knn, Reached)>> {
        let Some(former) = state.former().filter(|former| former.reached.exact || !choice.is_exact()) else {
            return Ok(None);
        };
        let cheaper = if choice.is_exact() { 1.0 } else { choice.approximate_seconds / choice.exact_seconds };
        let changed: Vec<u32> = former.changed.into_iter().collect();
        let effort = exact::Renewal { k, worth: cheaper.min(1.0), threads: self.options.threads };
        let Some((knn, on)) = exact::renew(source, &former.graph, &changed, effort, control)? else { return Ok(None) };
        if former.reached.exact {
            return Ok(Some((knn, Reached::EXACT.on(on))));
        }
        let recall = approx::sampled_recall(source, &self.options, &knn, control.quiet())?;
        Ok((recall >= self.options.graph_recall).then(|| (knn, Reached::sampled(recall).on(on))))
    }

    /// The `k` nearest other rows of all rows.
    pub(super) fn nearest(
        &self,
        source: Source<'_>,
        k: usize,
        choice: &Choice,
        control: Control<'_>,
    ) -> Result<(Knn, Reached)> {
        if choice.is_exact() {
            return approx::all_pairs(source, &self.options, k, control);
        }
        approx::graph(source, None, &self.options, k, control)
    }

    /// The neighbour graph by a walk for every row, for metrics under which a neighbour's neighbour need not be near;
    /// by all pairs where walks find too little.
    fn walked(&self, state: &State, k: usize, control: Control<'_>) -> Result<(Knn, Reached)> {
        let index = self.search_index(state, control)?;
        let (source, n) = (self.source(state), state.rows.len());
        let batch = Batch {
            graph: &index.graph,
            rows: &state.rows,
            coded: Coded::Rows,
            pair: source.pair(),
            queries: &state.rows,
            k: (k + 1).min(n),
            ef: WALKED_WIDTH.max(4 * k).min(n),
            threads: self.options.threads,
            matching: None,
            told: None,
        };
        let found = search(&batch, &self.scratches, &self.counters, control)?;
        let mut knn = Knn::empty(n, k)?;
        for row in 0..n {
            let cells = row * k..(row + 1) * k;
            let others = found.row(row).filter(|&(id, _)| id as usize != row);
            let slots = knn.ids[cells.clone()].iter_mut().zip(&mut knn.proxies[cells]);
            slots.zip(others).for_each(|((id, proxy), found)| (*id, *proxy) = found);
        }
        let recall = approx::sampled_recall(source, &self.options, &knn, control.quiet())?;
        if recall < self.options.graph_recall {
            drop(knn);
            return approx::all_pairs(source, &self.options, k, control);
        }
        Ok((knn, Reached::sampled(recall).on(RunOn::Rows)))
    }

    /// Builds the search index now instead of at the first query that wants it. From then on queries are
    /// not charged for its building, so more of them walk.
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn prepare(&self, control: Control<'_>) -> Result<()> {
        let state = self.state.read(control)?;
        let one = Query { k: 1, ef: 1 };
        // Where even single queries scan all rows there is nothing to prepare.
        let needed = !self.decide(&state, 1, one).exact;
        if needed {
            self.search_index(&state, control)?;
        }
        self.prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn search_index(&self, state: &State, control: Control<'_>) -> Result<Arc<Search>> {
        state.search.get_or_make(control, || {
            if let Some(search) = self.stored_search(state, control)? {
                return Ok(search);
            }
            let search = self.make_search(state, &self.options_of(state), control)?;
            state.inserts.store(0, Ordering::Relaxed);
            Ok(search)
        })
    }

    /// A search index linked as `options` say.
    pub(super) fn make_search(&self, state: &State, options: &Options, control: Control<'_>) -> Result<Search> {
        let linked = self.linked(&state.rows)?;
        let mut source = self.link_source(self.source(state), linked.as_ref());
        let nearest = |source: Source<'_>, k, control| {
            self.nearest(source, k, &plan::graph(source, options, k), control).map(|(knn, _)| knn)
        };
        let sketch = self.sketch(&state.rows, control)?;
        let mut table = None;
        if let (Some(sketch), None) = (&sketch, &linked) {
            let k = graph::bulk::candidates_by_sketch(options);
            table = clusters::table(source, sketch, SKETCHED_SHARE, options, k, control)?;
        }
        let by_sketch = table.is_some();
        let table = match table {
            Some(table) => table,
            None => {
                source = self.link_source(self.coded(state, control)?, linked.as_ref());
                nearest(source, graph::bulk::candidates(options), control)?
            }
        };
        let of_part =
            |part: &Points, k| nearest(Source { rows: part, codes: None, coarse: None, ..source }, k, control.quiet());
        let base = graph::bulk::Base { table, by_sketch, sketch: sketch.as_ref() };
        let built = graph::bulk::build(source, options, &base, of_part, control)?;
        Counters::add(&self.counters.search_builds, 1);
        let codes = self.walk_codes_by(sketch, &state.rows, &built.graph, control)?;
        Ok(Search::new(built.graph, options.ef_construction, built.repaired, WalkedOn::made(codes)))
    }
}
