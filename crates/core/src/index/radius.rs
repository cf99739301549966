//! Radius search: its doors, and what is made ready for it. How balls are found is in `balls`.

use super::filtered::Matches;
use super::state::State;
use super::walked::WalkCodes;
use super::{Index, Search};
use crate::code::Sketch;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::filter::Filter;
use crate::graph;
use crate::parallel;
use crate::plan::{self, RadiusDecision};
use crate::points::Points;
use crate::radius::{Balls, Estimate, Within};
use crate::search::balls::Field;
use crate::search::effort::{Calibrated, Sample, Trial, sample};
use crate::search::ground::{Ground, Start};
use crate::search::twins::Twins;
use crate::stats::Counters;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Slack that walks are calibrated at; more finds no less.
const EXPANSION: f32 = 1.2;
/// Rows that walks are calibrated on, for balls of all sizes and of one row, and the stream of their draws.
const SAMPLES: [usize; 2] = [192, 512];
const TRIALS: u64 = 0x7261_6469_7573;
/// Stream of the draws of [`Index::estimate_count`].
const STREAM: u64 = 0x0063_6f75_6e74;

impl Index {
    /// All rows within `radii` of the queries, a radius for each. `queries` are transformed in place. Rows as far as the radius
    /// are within; under `true_angular`, a similarity, those at least as similar.
    ///
    /// Errors: `DimensionMismatch`, `InvalidArgument` (a radius that is NaN, or negative where no distance is), `OutOfMemory`,
    /// `Cancelled`.
    pub fn radius_search(
        &self,
        queries: impl Into<Points>,
        radii: &[f32],
        within: &Within,
        control: Control<'_>,
    ) -> Result<Balls> {
        let state = self.state.read(control)?;
        self.radius_on(&state, queries.into(), radii, within, control)
    }

    /// [`Index::radius_search`] among the rows of one state.
    pub(super) fn radius_on(
        &self,
        state: &State,
        mut queries: Points,
        radii: &[f32],
        within: &Within,
        control: Control<'_>,
    ) -> Result<Balls> {
        within.check()?;
        self.check_radii(radii, queries.len())?;
        self.check_like(&queries)?;
        self.options.metric.transform(&mut queries, self.options.threads, control)?;
        self.balls(state, &queries, radii, within, control)
    }

    /// [`Index::radius_search`] around rows of the index, themselves included.
    ///
    /// Errors: as there, and `UnknownId`.
    pub fn radius_search_by_id(
        &self,
        ids: &[u32],
        radii: &[f32],
        within: &Within,
        control: Control<'_>,
    ) -> Result<Balls> {
        within.check()?;
        self.check_radii(radii, ids.len())?;
        let state = self.state.read(control)?;
        let slots = state.slots_of(ids)?;
        self.balls(&state, &state.rows.subset(&slots)?, radii, within, control)
    }

    /// Makes ready what walks through balls need: the search index, and the effort that `min_recall` takes, measured on
    /// sampled rows. Otherwise the first radius search that walks does so. Codes that spare comparisons with all rows most
    /// of their reading are made here alone.
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn prepare_radius(&self, control: Control<'_>) -> Result<()> {
        self.prepare(control)?;
        let state = self.state.read(control)?;
        let decision = self.decide_radius(&state, 1, &Within::default(), None);
        if !decision.exact {
            let search = self.search_index(&state, control)?;
            self.calibrated(&state, &search, EXPANSION, control)?;
        }
        self.coded(&state, control).map(|_| ())
    }

    /// About how many rows, of those that `filter` lets through, are within `radii` of the queries, a radius for each, from
    /// `size` sampled rows; from all rows where there are no more. O(queries · size).
    ///
    /// Errors: as [`Index::radius_search`].
    pub fn estimate_count(
        &self,
        queries: impl Into<Points>,
        radii: &[f32],
        size: usize,
        filter: Option<&Filter>,
        control: Control<'_>,
    ) -> Result<Vec<Estimate>> {
        if size == 0 {
            return Err(Error::invalid("sample", size, "at least 1"));
        }
        let mut queries = queries.into();
        self.check_radii(radii, queries.len())?;
        let state = self.state.read(control)?;
        self.check_like(&queries)?;
        let metric = &self.options.metric;
        metric.transform(&mut queries, self.options.threads, control)?;
        let matches = filter.map(|filter| Matches::of(filter, &state));
        let all = matches.as_ref().map_or(state.rows.len(), Matches::len);
        let mut ids = sample(all, size, self.options.seed, STREAM);
        if let Some(matches) = &matches {
            ids.iter_mut().for_each(|id| *id = matches.slots()[*id as usize]);
        }
        let rows = state.rows.subset(&ids)?;
        let pair = self.source(&state).pair();
        Counters::add(&self.counters.distances, (queries.len() * ids.len()) as u64);
        let threads = self.threads_for(queries.len() * ids.len() * rows.width());
        let hits = |cells: &mut Vec<f32>, query: usize| {
            let reach = metric.reach(radii[query]);
            cells.resize(rows.len(), 0.0);
            exact::proxies(pair, queries.row(query), &rows, 0..rows.len(), cells);
            cells.iter().filter(|&&proxy| proxy <= reach).count()
        };
        let mut counts = parallel::map(threads, queries.len(), Vec::new, hits, control)?;
        for (query, found) in self.lost(&queries, &rows, radii, rows.len(), None) {
            counts[query] = found.len();
        }
        Ok(counts.into_iter().map(|hits| Estimate::of(hits, ids.len(), all)).collect())
    }

    fn check_radii(&self, radii: &[f32], queries: usize) -> Result<()> {
        if radii.len() != queries {
            let allowed = format!("{queries}, one for each query");
            return Err(Error::invalid("number of radii", radii.len(), allowed));
        }
        let metric = &self.options.metric;
        let signed = metric.signed() || metric.similarity();
        match radii.iter().find(|&&radius| radius.is_nan() || (radius < 0.0 && !signed)) {
            Some(radius) => Err(Error::invalid("radius", radius, if signed { "a number" } else { "a number from 0" })),
            None => Ok(()),
        }
    }

    pub(super) fn decide_radius(
        &self,
        state: &State,
        queries: usize,
        within: &Within,
        matches: Option<&Matches>,
    ) -> RadiusDecision {
        let prepared = self.prepared.load(Ordering::Relaxed);
        let options = self.options_of(state);
        let candidates = graph::bulk::candidates(&options);
        let matching = matches.map(Matches::len);
        plan::radius(self.source(state), &options, queries, within, matching, candidates, prepared)
    }

    /// Where walks are; `sketches`: of the queries.
    pub(super) fn ground<'a>(
        &'a self,
        state: &'a State,
        search: &'a Search,
        sketches: Option<&'a Sketch>,
    ) -> Ground<'a> {
        let start = match (search.codes.get(), sketches) {
            (Some(WalkCodes::Sketches(rows, anchors)), Some(queries)) => Start::Sketches { rows, anchors, queries },
            _ => Start::Entry,
        };
        Ground { graph: &search.graph, rows: &state.rows, pair: self.source(state).pair(), start }
    }

    /// Sketches of queries, where walks run on some.
    pub(super) fn sketches_of(
        &self,
        state: &State,
        search: &Search,
        queries: &Points,
        control: Control<'_>,
    ) -> Result<Option<Sketch>> {
        match (self.codes_of(state, search, control)?, queries.dense()) {
            (Some(WalkCodes::Sketches(rows, _)), Some(queries)) => {
                rows.of_queries(queries, self.options.threads, control.quiet()).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn twins(&self, state: &State, search: &Search, control: Control<'_>) -> Result<Arc<Twins>> {
        search.twins.get_or_make(control, || Twins::of_rows(&state.rows, self.options.threads, control))
    }

    /// What walks with this slack reach. Measured once for a slack; larger ones than usual find no less.
    pub(super) fn calibrated(
        &self,
        state: &State,
        search: &Search,
        factor: f32,
        control: Control<'_>,
    ) -> Result<Arc<Calibrated>> {
        let factor = factor.min(EXPANSION);
        search.efforts.get_or_make(factor.to_bits(), || {
            let twins = self.twins(state, search, control)?;
            let trial = Trial {
                source: self.source(state),
                factor,
                budget: self.decide_radius(state, 1, &Within::default(), None).budget,
                threads: self.options.threads,
            };
            let ids = SAMPLES.map(|size| sample(state.rows.len(), size, self.options.seed, TRIALS));
            let (few, many) = (state.rows.subset(&ids[0])?, state.rows.subset(&ids[1])?);
            let of_few = self.sketches_of(state, search, &few, control)?;
            let of_many = self.sketches_of(state, search, &many, control)?;
            let field = |sketches| Field { ground: self.ground(state, search, sketches), twins: &twins };
            let samples = [
                Sample { ids: &ids[0], queries: &few, field: field(of_few.as_ref()) },
                Sample { ids: &ids[1], queries: &many, field: field(of_many.as_ref()) },
            ];
            Calibrated::measured(trial, samples, &self.scratches, control)
        })
    }
}
