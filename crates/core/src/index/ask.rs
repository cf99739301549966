//! Queries with more to say than how wide to search: an effort by its outcome, a filter, a report of the work.

use super::filtered::Matches;
use super::state::State;
use super::walked::WalkCodes;
use super::{Index, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::filter::Filter;
use crate::knn::RunOn;
use crate::neighbors::Neighbors;
use crate::options::{Algorithm, MAX_K, Query};
use crate::points::Points;
use crate::profile::{Profile, Tally};
use crate::search::adaptive::{Adapted, Walkers};
use crate::search::effort::sample;
use crate::stats::Counters;
use std::sync::Arc;
use std::time::Instant;

/// Rows that an effort is measured on, and the stream of their draws.
const SAMPLE: usize = 256;
const STREAM: u64 = 0x6566_666f_7274;
/// Width of a usual walk, by which it is decided whether to walk at all.
const USUAL: usize = 64;
/// Walks among rows that match are kept to a recall of this on the sets of the tests; more is had by comparing all that match.
const AMONG: f64 = 0.95;

/// How hard queries look.
#[derive(Debug, Clone, PartialEq)]
pub enum Effort {
    /// Width of the search pool; at least `k` is used.
    Width(usize),
    /// Least mean recall, 0 to 1: each query ends by a rule that reached it on sampled rows, and where none does all rows
    /// are compared.
    Recall(f64),
    /// Widths that are tried one after the other until the best distance is at most `until` (under a similarity at least).
    Steps {
        /// Ascending.
        widths: Vec<usize>,
        /// A distance of the metric.
        until: f32,
    },
}

/// What queries ask for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Neighbours per query.
    pub k: usize,
    /// How hard they look.
    pub effort: Effort,
    /// The rows that may be returned, where not all may.
    pub filter: Option<&'a Filter>,
    /// Whether the work is reported. Lists of near rows, which large batches may use, do not count it and are left out.
    pub profile: bool,
}

/// What they get.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The nearest rows of each.
    pub neighbors: Neighbors,
    /// The width that was enough for each query, or the last; empty unless widths were tried.
    pub widths: Vec<u32>,
    /// The work, where it was asked for.
    pub profile: Option<Profile>,
}

impl Ask<'_> {
    /// `InvalidArgument` naming the first field outside its range.
    pub fn check(&self) -> Result<()> {
        let checked = |ef| Query { k: self.k, ef }.check();
        match &self.effort {
            Effort::Width(ef) => checked(*ef),
            Effort::Recall(recall) if (0.0..=1.0).contains(recall) => checked(0),
            Effort::Recall(recall) => Err(Error::invalid("min_recall", recall, "0..=1")),
            Effort::Steps { until, .. } if until.is_nan() => Err(Error::invalid("until", until, "a number")),
            Effort::Steps { widths, .. } if widths.is_empty() || !widths.is_sorted_by(|a, b| a < b) => {
                Err(Error::invalid("ef_steps", format!("{widths:?}"), format!("one or more of 1..={MAX_K}, ascending")))
            }
            Effort::Steps { widths, .. } => widths.iter().try_for_each(|&ef| checked(ef)),
        }
    }
}

/// One call, at work.
struct Call<'a> {
    state: &'a State,
    k: usize,
    matches: Option<Matches>,
    tally: Option<Tally>,
    profile: Profile,
    control: Control<'a>,
}

impl Index {
    /// As [`Index::query`], with an effort by its outcome, a filter, or a report of the work.
    ///
    /// Errors: as there.
    pub fn ask(&self, queries: impl Into<Points>, ask: &Ask<'_>, control: Control<'_>) -> Result<Answer> {
        ask.check()?;
        let state = self.state.read(control)?;
        let mut queries = queries.into();
        self.check_like(&queries)?;
        let mut out = Neighbors::missing(queries.len(), ask.k)?;
        let started = Instant::now();
        self.options.metric.transform(&mut queries, self.options.threads, control)?;
        let profile = Profile { transform_ms: milliseconds(started), ..Profile::default() };
        Counters::add(&self.counters.searches, queries.len() as u64);
        let matches = ask.filter.map(|filter| Matches::of(filter, &state));
        let tally = ask.profile.then(|| Tally::of(queries.len()));
        let mut call = Call { state: &state, k: ask.k, matches, tally, profile, control };
        let mut widths = Vec::new();
        let nothing = out.indices.is_empty() || call.matches.as_ref().is_some_and(|matches| matches.len() == 0);
        match &ask.effort {
            _ if nothing => {}
            Effort::Width(ef) => self.look(&mut call, &queries, *ef, &mut out)?,
            Effort::Recall(recall) => self.look_for_recall(&mut call, &queries, *recall, &mut out)?,
            Effort::Steps { widths: steps, until } => {
                widths = self.look_step_by_step(&mut call, &queries, steps, *until, &mut out)?;
            }
        }
        state.name_rows(&mut out.indices);
        let Call { tally, mut profile, .. } = call;
        let profile = tally.map(|tally| {
            [profile.visited, profile.distances, profile.hops] = tally.into_counts();
            profile
        });
        Ok(Answer { neighbors: out, widths, profile })
    }

    /// With pools of one width.
    fn look(&self, call: &mut Call<'_>, queries: &Points, ef: usize, out: &mut Neighbors) -> Result<()> {
        let query = Query { k: call.k, ef };
        let Call { state, control, .. } = *call;
        let mut walks = !self.decide(state, queries.len(), query).exact;
        if let Some(matches) = &call.matches {
            walks = self.walks_among(state, queries.len(), query, matches);
        }
        self.make_ready(call, walks)?;
        let started = Instant::now();
        match &call.matches {
            Some(matches) => self.answer_among(state, queries, query, matches, call.tally.as_ref(), out, control)?,
            None => {
                let decision = self.answer(state, queries, query, call.tally.as_ref(), out, control)?;
                let choice = decision.describe(self.source(state), &self.options, call.profile.on);
                (call.profile.way, call.profile.on) = (choice.algorithm, choice.codes);
            }
        }
        call.profile.search_ms += milliseconds(started);
        Ok(())
    }

    /// By the rule that has reached `recall` on sampled rows.
    fn look_for_recall(&self, call: &mut Call<'_>, queries: &Points, recall: f64, out: &mut Neighbors) -> Result<()> {
        let usual = USUAL.max(2 * call.k);
        if let Some(matches) = &call.matches {
            if recall <= AMONG {
                return self.look(call, queries, usual, out);
            }
            call.profile.name_exact();
            let all: Vec<u32> = (0..queries.len() as u32).collect();
            let (query, tally) = (Query { k: call.k, ef: usual }, call.tally.as_ref());
            return self.compare_among(call.state, queries, query, matches, &all, tally, out, call.control);
        }
        let Call { state, control, .. } = *call;
        let decision = self.decide(state, queries.len(), Query { k: call.k, ef: usual });
        if decision.exact || recall >= 1.0 {
            return self.compare(call, queries, out);
        }
        self.make_ready(call, true)?;
        let started = Instant::now();
        let search = self.search_index(state, control)?;
        let rule = self.adapted(state, &search, call.k, control)?.rule(recall);
        call.profile.ready_ms += milliseconds(started);
        let Some(rule) = rule else { return self.compare(call, queries, out) };
        let started = Instant::now();
        let sketches = self.sketches_of(state, &search, queries, control)?;
        let k = call.k.min(state.rows.len());
        let threads = self.threads_for(queries.len() * usual * 16 * state.rows.width());
        let walkers = Walkers { ground: self.ground(state, &search, sketches.as_ref()), queries, k, threads };
        let found = walkers.walk(rule, None, call.tally.as_ref(), &self.scratches, &self.counters, control)?;
        found.write_to(out, 0, &self.options.metric);
        self.settle_equidistant(queries, &state.rows, out, false);
        call.profile.search_ms += milliseconds(started);
        Ok(())
    }

    /// With wider and wider pools, as long as the nearest found is not near enough; the last width of each query.
    fn look_step_by_step(
        &self,
        call: &mut Call<'_>,
        queries: &Points,
        steps: &[usize],
        until: f32,
        out: &mut Neighbors,
    ) -> Result<Vec<u32>> {
        let similarity = self.options.metric.similarity();
        let mut widths = vec![0; queries.len()];
        let mut left: Vec<u32> = (0..queries.len() as u32).collect();
        let all = call.tally.take();
        for &ef in steps {
            let part = queries.subset(&left)?;
            let mut found = Neighbors::missing(left.len(), call.k)?;
            call.tally = all.as_ref().map(|_| Tally::of(left.len()));
            self.look(call, &part, ef, &mut found)?;
            let counts = call.tally.take().map(Tally::into_counts);
            for (row, &query) in left.iter().enumerate() {
                let cells = query as usize * call.k..(query as usize + 1) * call.k;
                let (indices, distances) = found.row(row);
                out.indices[cells.clone()].copy_from_slice(indices);
                out.distances[cells].copy_from_slice(distances);
                widths[query as usize] = ef as u32;
                if let (Some(all), Some(counts)) = (&all, &counts) {
                    all.add(query as usize, [0, 1, 2].map(|of| u64::from(counts[of][row])));
                }
            }
            let near = |row: usize| {
                let best = found.row(row).1[0];
                found.row(row).0[0] >= 0 && if similarity { best >= until } else { best <= until }
            };
            let far = (0..left.len()).filter(|&row| !near(row)).map(|row| left[row]).collect();
            left = far;
            if left.is_empty() {
                break;
            }
        }
        call.tally = all;
        Ok(widths)
    }

    /// Compares all rows.
    fn compare(&self, call: &mut Call<'_>, queries: &Points, out: &mut Neighbors) -> Result<()> {
        let started = Instant::now();
        let on = self.scan(call.state, queries, Query { k: call.k, ef: 0 }, call.tally.as_ref(), out, call.control)?;
        self.settle_equidistant(queries, &call.state.rows, out, false);
        call.profile.name_exact();
        call.profile.on = on.name();
        call.profile.search_ms += milliseconds(started);
        Ok(())
    }

    /// The search index, and the codes that walks run on.
    fn make_ready(&self, call: &mut Call<'_>, walks: bool) -> Result<()> {
        call.profile.name_exact();
        if walks {
            let started = Instant::now();
            let search = self.search_index(call.state, call.control)?;
            let codes = self.codes_of(call.state, &search, call.control)?;
            let (on, levels) = match (codes, self.options.quantization) {
                // Anchors are all on one level.
                (Some(WalkCodes::Sketches(..)), _) => (RunOn::Sketches.name(), 1),
                (_, Some(kind)) => (kind.name(), usize::from(search.graph.top()) + 1),
                _ => (RunOn::Rows.name(), usize::from(search.graph.top()) + 1),
            };
            (call.profile.way, call.profile.on, call.profile.levels) = (Algorithm::Hnsw.name(), on, levels);
            call.profile.ready_ms += milliseconds(started);
        }
        Ok(())
    }

    /// What walks for `k` neighbours reach by which effort. Measured once.
    fn adapted(&self, state: &State, search: &Search, k: usize, control: Control<'_>) -> Result<Arc<Adapted>> {
        let n = state.rows.len();
        let k = k.min(n - 1).max(1);
        search.adapted.get_or_make(k, || {
            let threads = self.options.threads;
            let ids = sample(n, SAMPLE, self.options.seed, STREAM);
            let queries = state.rows.subset(&ids)?;
            let source = self.source(state);
            let codes = source.codes_of(&queries, threads, control.quiet())?;
            let (truth, _) = exact::batch(source, &queries, codes.as_ref(), k + 1, threads, control.quiet())?;
            let limit = |(row, &own): (usize, &u32)| {
                let others = truth.row(row).filter(|&(id, _)| id != own);
                others.take(k).last().map_or(f32::INFINITY, |(_, proxy)| proxy)
            };
            let limits: Vec<f32> = ids.iter().enumerate().map(limit).collect();
            let sketches = self.sketches_of(state, search, &queries, control)?;
            let ground = self.ground(state, search, sketches.as_ref());
            let walkers = Walkers { ground, queries: &queries, k, threads };
            let signed = self.options.metric.signed() || self.options.metric.similarity();
            Adapted::measured(walkers, &ids, &limits, signed, &self.scratches, control)
        })
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
