//! Queries: by a scan of all rows or by walks, whichever the cost model expects to be cheaper.

use super::filtered::Matches;
use super::state::State;
use super::walked::WalkCodes;
use super::{Index, Search};
use crate::code::{Quantized, Sketch};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::graph::{self, Graph};
use crate::knn::{Knn, RunOn};
use crate::neighbors::Neighbors;
use crate::options::Query;
use crate::plan::{self, QueryDecision};
use crate::points::{Form, Points};
use crate::profile::Tally;
use crate::search::anchors::Anchors;
use crate::search::batch::{Batch, Coded, search};
use crate::stats::Counters;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Rows this many times as wide as their sketches are compared by their codes before they are by themselves.
const WIDE: usize = 8;
/// Queries of one exact batch; more are answered batch by batch to bound memory.
const MAX_BATCH: usize = 32_768;
/// Queries of an exact batch that pay for coding the rows.
const CODED_BATCH: usize = 256;

impl Index {
    /// The `k` nearest rows of each query. `queries` are transformed in place.
    ///
    /// Errors: `DimensionMismatch`, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn query(&self, queries: impl Into<Points>, query: Query, control: Control<'_>) -> Result<Neighbors> {
        query.check()?;
        let state = self.state.read(control)?;
        self.query_on(&state, queries.into(), query, None, control)
    }

    /// [`Index::query`] of the rows of one state, or of those the ones that match.
    pub(super) fn query_on(
        &self,
        state: &State,
        mut queries: Points,
        query: Query,
        matches: Option<&Matches>,
        control: Control<'_>,
    ) -> Result<Neighbors> {
        self.check_like(&queries)?;
        let mut out = Neighbors::missing(queries.len(), query.k)?;
        if out.indices.is_empty() || matches.is_some_and(|matches| matches.len() == 0) {
            return Ok(out);
        }
        self.options.metric.transform(&mut queries, self.options.threads, control)?;
        Counters::add(&self.counters.searches, queries.len() as u64);
        match matches {
            Some(matches) => self.answer_among(state, &queries, query, matches, None, &mut out, control)?,
            None => _ = self.answer(state, &queries, query, None, &mut out, control)?,
        }
        state.name_rows(&mut out.indices);
        Ok(out)
    }

    /// Answers transformed queries in slots; what was done. Lists do not count their work, and are left out where it is told.
    pub(super) fn answer(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        told: Option<&Tally>,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<QueryDecision> {
        let started = Instant::now();
        let mut decision = self.decide(state, queries.len(), query);
        let listed = match told.is_none() && self.may_list(state, queries.len(), decision) {
            true => self.listed(state, queries, query, out, control)?,
            false => None,
        };
        if let Some((recall, on)) = listed {
            decision = decision.by_lists(recall, on);
        } else if decision.exact {
            decision = decision.by_scan(self.scan(state, queries, query, told, out, control)?);
        } else {
            self.walked_knn(state, queries, query, told, control)?.write_to(out, 0, &self.options.metric);
        }
        self.settle_equidistant(queries, &state.rows, out, false);
        let answered = decision.took(started.elapsed().as_secs_f64());
        *self.last_query.lock().unwrap_or_else(|e| e.into_inner()) = Some(answered);
        Ok(answered)
    }

    /// Rows without a direction get the neighbours that they have by definition, free of rounding.
    pub(super) fn settle_equidistant(&self, of: &Points, rows: &Points, out: &mut Neighbors, own: bool) {
        let metric = &self.options.metric;
        let mut lost = metric.equidistant(of).peekable();
        if lost.peek().is_none() {
            return;
        }
        let twins: Vec<usize> = if self.form == Form::Sparse { metric.equidistant(rows).collect() } else { Vec::new() };
        lost.for_each(|row| out.set_equidistant(row, own.then_some(row), &twins, rows.len()));
    }

    /// Rows and queries of an index have one form and one width.
    pub(super) fn check_like(&self, points: &Points) -> Result<()> {
        if points.form() != self.form {
            let (seen, allowed) = (points.form().name(), self.form.name());
            return Err(Error::invalid("form of the rows", seen, format!("{allowed}, as the rows of the index")));
        }
        if points.dim() != self.dim {
            return Err(Error::DimensionMismatch { seen: points.dim(), expected: self.dim });
        }
        Ok(())
    }

    pub(super) fn decide(&self, state: &State, queries: usize, query: Query) -> QueryDecision {
        let prepared = self.prepared.load(Ordering::Relaxed);
        let options = self.options_of(state);
        let candidates = graph::bulk::candidates(&options);
        plan::query(self.source(state), &options, queries, query, candidates, prepared)
    }

    /// Compares the queries with all rows; what that ran on.
    pub(super) fn scan(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        told: Option<&Tally>,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<RunOn> {
        let mut dearest = RunOn::Bytes;
        let source = match queries.len() {
            few if few < exact::MIN_BATCH => self.source_for_few(state, few * state.rows.len(), control)?,
            some if some < CODED_BATCH => self.source(state),
            _ => self.coded(state, control)?,
        };
        let k = query.k.min(state.rows.len());
        let n = state.rows.len() as u64;
        Counters::add(&self.counters.distances, queries.len() as u64 * n);
        told.iter().for_each(|told| (0..queries.len()).for_each(|query| told.add(query, [n, n, 0])));
        let (phase, control) = if queries.len() > MAX_BATCH {
            (Some(control.phase("exact batches", queries.len() as u64)), control.quiet())
        } else {
            (None, control)
        };
        for first in (0..queries.len()).step_by(MAX_BATCH) {
            let part = queries.part(first..(first + MAX_BATCH).min(queries.len()))?;
            let part = part.as_ref().unwrap_or(queries);
            let codes = source.codes_of(part, self.options.threads, control)?;
            let threads = self.threads_for(part.len() * state.rows.len() * state.rows.width());
            let (knn, on) = exact::batch(source, part, codes.as_ref(), k, threads, control)?;
            dearest = dearest.max(on);
            knn.write_to(out, first, &self.options.metric);
            phase.iter().for_each(|phase| _ = phase.advance(part.len() as u64));
        }
        Ok(dearest)
    }

    /// What walks find.
    pub(super) fn walked_knn(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        told: Option<&Tally>,
        control: Control<'_>,
    ) -> Result<Knn> {
        let index = self.search_index(state, control)?;
        let batch = Batch {
            graph: &index.graph,
            rows: &state.rows,
            coded: self.walked_on(state, &index, queries, control)?,
            pair: self.source(state).pair(),
            queries,
            k: query.k.min(state.rows.len()),
            ef: query.ef.max(query.k).min(state.rows.len()),
            threads: self.threads_for(queries.len() * query.ef.max(query.k) * 16 * state.rows.width()),
            matching: None,
            told,
        };
        search(&batch, &self.scratches, &self.counters, control)
    }

    /// Sketches of `rows`, where walks may run on them.
    pub(super) fn sketch(&self, rows: &Points, control: Control<'_>) -> Result<Option<Sketch>> {
        match rows.dense() {
            Some(rows) if self.may_sketch() => Sketch::of(rows, self.options.threads, control),
            _ => Ok(None),
        }
    }

    fn may_sketch(&self) -> bool {
        self.options.quantization.is_none() && self.options.metric.products(Form::Dense)
    }

    /// What walks over `rows` run on, if not on the rows: sketches where they have been made, else the codes that the options ask
    /// for.
    pub(super) fn walk_codes_by(
        &self,
        sketch: Option<Sketch>,
        rows: &Points,
        graph: &Graph,
        control: Control<'_>,
    ) -> Result<Option<WalkCodes>> {
        if let Some(sketch) = sketch {
            let anchors = Anchors::of(graph, &sketch);
            return Ok(Some(WalkCodes::Sketches(sketch, anchors)));
        }
        let (Some(kind), Some(rows)) = (self.options.quantization, rows.dense()) else { return Ok(None) };
        let sets = !self.options.metric.products(Form::Dense);
        Ok(Quantized::of(rows, kind, sets, self.options.threads, control)?.map(WalkCodes::Quantized))
    }

    /// The codes of a search index; made now where it was stored without them. O(n·dim) the first time.
    pub(super) fn codes_of<'a>(
        &self,
        state: &State,
        index: &'a Search,
        control: Control<'_>,
    ) -> Result<Option<&'a WalkCodes>> {
        index.codes.get_or_make(control, |known| {
            let control = control.quiet();
            let sketch = match (known, state.rows.dense()) {
                (Some(None), _) => None,
                (Some(Some(known)), Some(rows)) if self.may_sketch() => {
                    Sketch::by(known, rows, self.options.threads, control)?
                }
                _ => self.sketch(&state.rows, control)?,
            };
            self.walk_codes_by(sketch, &state.rows, &index.graph, control)
        })
    }

    /// What a walk for `queries` runs on.
    pub(super) fn walked_on<'a>(
        &'a self,
        state: &'a State,
        index: &'a Search,
        of: &Points,
        control: Control<'_>,
    ) -> Result<Coded<'a>> {
        let threads = self.options.threads;
        let Some(queries) = of.dense() else { return Ok(Coded::Rows) };
        let Some(codes) = self.codes_of(state, index, control)? else { return Ok(Coded::Rows) };
        Ok(match codes {
            WalkCodes::Quantized(codes) => Coded::Quantized(codes, codes.beside(queries, threads, control)?),
            WalkCodes::Sketches(rows, anchors) => {
                // Narrow rows are compared as fast as their codes.
                let wide = rows.stride() * WIDE <= queries.width() * size_of::<f32>();
                let source = if wide { self.coded(state, control)? } else { self.source(state) };
                let beside = source.codes_of(of, threads, control)?;
                let bytes = source.fast_codes().zip(beside);
                Coded::Sketches { rows, anchors, queries: rows.of_queries(queries, threads, control)?, bytes }
            }
        })
    }

    /// Starting a thread costs some 20 us: small work stays on the caller's.
    pub(super) fn threads_for(&self, terms: usize) -> usize {
        self.options.threads.min(terms / 2_000_000 + 1)
    }
}
