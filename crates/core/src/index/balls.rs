//! The balls of a call: by walks, by a comparison with all rows, by definition; then the result in one piece.

use super::filtered::Matches;
use super::state::State;
use super::{Index, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::neighbors::Neighbor;
use crate::points::{Form, Points};
use crate::radius::{Balls, Within};
use crate::search::balls::{self, Ball, Effort, Field, Found};
use crate::stats::Counters;
use std::time::Instant;

/// Cells of one exact batch: with as many, what is kept takes some tens of megabytes.
const MAX_CELLS: usize = 1 << 21;

/// What is asked of a batch of balls.
struct Asked<'a> {
    /// Transformed.
    queries: &'a Points,
    /// Largest proxies of hits.
    reach: Vec<f32>,
    radii: &'a [f32],
    within: &'a Within<'a>,
    /// Of the filter.
    matches: Option<&'a Matches>,
}

/// Walks among rows that match are calibrated for at least this: what they miss may be what matches.
const AMONG: f64 = 0.99;

impl Index {
    /// The balls around transformed queries.
    pub(super) fn balls(
        &self,
        state: &State,
        queries: &Points,
        radii: &[f32],
        within: &Within,
        control: Control<'_>,
    ) -> Result<Balls> {
        let metric = &self.options.metric;
        let reach = radii.iter().map(|&radius| metric.reach(radius)).collect();
        let matches = within.filter.map(|filter| Matches::of(filter, state));
        let asked = Asked { queries, reach, radii, within, matches: matches.as_ref() };
        Counters::add(&self.counters.searches, queries.len() as u64);
        let decision = self.decide_radius(state, queries.len(), within, matches.as_ref());
        let mut found = vec![Found::default(); queries.len()];
        let mut exact: Vec<u32> = (0..queries.len() as u32).collect();
        if !decision.exact && !queries.is_empty() {
            let search = self.search_index(state, control)?;
            if let Some(walked) = self.walk_balls(state, &search, &asked, decision.budget, control)? {
                exact.retain(|&query| walked[query as usize].spent || asked.unsure(&walked[query as usize]));
                found = walked;
            }
        }
        self.compare_all(state, &asked, &exact, &mut found, control)?;
        let most = within.max_results.saturating_add(1);
        for (query, hits) in self.lost(queries, &state.rows, radii, most, matches.as_ref()) {
            found[query].hits = hits;
        }
        let mut balls = self.gathered(found, &exact, within)?;
        state.name_rows(&mut balls.indices);
        Ok(balls)
    }

    /// By walks; none where no walk keeps the promise of recall.
    fn walk_balls(
        &self,
        state: &State,
        search: &Search,
        asked: &Asked<'_>,
        budget: usize,
        control: Control<'_>,
    ) -> Result<Option<Vec<Found>>> {
        let Within { expansion_factor: factor, mut min_recall, max_results: mut most, ef, .. } = *asked.within;
        let effort = self.calibrated(state, search, factor, control)?;
        if let Some(matches) = asked.matches {
            min_recall = min_recall.max(AMONG);
            most = most.saturating_mul(matches.share_of(state.rows.len()));
        }
        let Some(patience) = effort.patience(min_recall) else { return Ok(None) };
        let patience = patience.max(ef);
        let twins = self.twins(state, search, control)?;
        let metric = &self.options.metric;
        let ball = |query: usize| {
            let reach = asked.reach[query];
            let shell = metric.reach(metric.widened(asked.radii[query], factor, effort.scale)).max(reach);
            Ball { reach, shell, barred: None }
        };
        let effort = Effort { patience, glance: effort.glance(patience), budget, most };
        let terms = asked.queries.len() * patience * 16 * state.rows.width();
        let sketches = self.sketches_of(state, search, asked.queries, control)?;
        let field = Field { ground: self.ground(state, search, sketches.as_ref()), twins: &twins };
        let threads = self.threads_for(terms);
        let mut found = balls::search(field, asked.queries, &ball, effort, threads, &self.scratches, control)?;
        if let Some(matches) = asked.matches {
            for found in &mut found {
                // Of more rows than the walk keeps, any may match.
                found.spent |= found.hits.len() > most;
                found.hits.retain(|hit| matches.has(hit.id));
            }
        }
        let total = |of: fn(&Found) -> usize| found.iter().map(of).sum::<usize>() as u64;
        Counters::add(&self.counters.distances, total(|found| found.visited));
        Counters::add(&self.counters.hops, total(|found| found.hops));
        Ok(Some(found))
    }

    /// Answers the queries `exact` by a comparison with all rows.
    fn compare_all(
        &self,
        state: &State,
        asked: &Asked<'_>,
        exact: &[u32],
        found: &mut [Found],
        control: Control<'_>,
    ) -> Result<()> {
        let n = asked.matches.map_or(state.rows.len(), Matches::len);
        let k = asked.within.max_results.saturating_add(1).min(n);
        if n == 0 {
            exact.iter().for_each(|&query| found[query as usize] = Found::default());
            return Ok(());
        }
        Counters::add(&self.counters.distances, (exact.len() * n) as u64);
        let step = (MAX_CELLS / k).max(exact::MIN_BATCH);
        let phase = (exact.len() > step).then(|| control.phase("exact batches", exact.len() as u64));
        let control = if phase.is_some() { control.quiet() } else { control };
        for some in exact.chunks(step) {
            let started = Instant::now();
            let asking = if some.len() == asked.queries.len() { None } else { Some(asked.queries.subset(some)?) };
            let asking = asking.as_ref().unwrap_or(asked.queries);
            let limits: Vec<f32> = some.iter().map(|&query| asked.reach[query as usize]).collect();
            let knn = match asked.matches.filter(|matches| matches.len() < state.rows.len()) {
                Some(matches) => self.nearest_among(state, asking, matches, Some(&limits), k, control)?,
                None => {
                    let few = asking.len() < exact::MIN_BATCH;
                    let read = if few { asking.len() * n } else { 0 };
                    let source = self.source_for_few(state, read, control)?;
                    let codes = source.codes_of(asking, self.options.threads, control)?;
                    let threads = self.threads_for(asking.len() * n * state.rows.width());
                    exact::within(source, asking, codes.as_ref(), Some(&limits), k, threads, control)?.0
                }
            };
            let seconds = started.elapsed().as_secs_f64() / some.len() as f64;
            for (row, (&query, &limit)) in some.iter().zip(&limits).enumerate() {
                let near = knn.row(row).take_while(|&(_, proxy)| proxy <= limit);
                let hits: Vec<Neighbor> = near.map(|(id, proxy)| Neighbor { proxy, id }).collect();
                let found = &mut found[query as usize];
                let candidates = hits.len();
                let seconds = found.seconds + seconds;
                *found = Found { hits, visited: found.visited + n, candidates, seconds, ..Found::default() };
            }
            phase.iter().for_each(|phase| _ = phase.advance(some.len() as u64));
        }
        control.check()
    }

    /// Queries without a direction, with what is in their balls by definition among `rows`, at most `most` each.
    pub(super) fn lost(
        &self,
        queries: &Points,
        rows: &Points,
        radii: &[f32],
        most: usize,
        matches: Option<&Matches>,
    ) -> Vec<(usize, Vec<Neighbor>)> {
        let metric = &self.options.metric;
        let mut lost = metric.equidistant(queries).peekable();
        if lost.peek().is_none() {
            return Vec::new();
        }
        let twins: Vec<usize> = if self.form == Form::Sparse { metric.equidistant(rows).collect() } else { Vec::new() };
        // Squared distances of rows of length 1 that are 0 and 1 for a cosine.
        let [near, far] = [0.0, 2.0].map(|proxy| move |id: usize| Neighbor { proxy, id: id as u32 });
        lost.map(|query| {
            let others =
                (0..if radii[query] >= 1.0 { rows.len() } else { 0 }).filter(|id| twins.binary_search(id).is_err());
            let all = twins.iter().copied().map(near).chain(others.map(far));
            (query, all.filter(|hit| matches.is_none_or(|matches| matches.has(hit.id))).take(most).collect())
        })
        .collect()
    }

    /// The result of all queries in one piece; those of `exact` have been compared with all rows.
    fn gathered(&self, found: Vec<Found>, exact: &[u32], within: &Within) -> Result<Balls> {
        let metric = &self.options.metric;
        let total: usize = found.iter().map(|found| found.hits.len().min(within.max_results)).sum();
        if i32::try_from(total).is_err() {
            return Err(Error::OutOfMemory { bytes: total.saturating_mul(8) });
        }
        let mut out = Balls::default();
        let refused = |_| Error::OutOfMemory { bytes: total.saturating_mul(8) };
        out.indices.try_reserve_exact(total).map_err(refused)?;
        out.distances.try_reserve_exact(total).map_err(refused)?;
        out.offsets.push(0);
        out.told.exact = vec![0; found.len()];
        exact.iter().for_each(|&query| out.told.exact[query as usize] = 1);
        for Found { mut hits, visited, candidates, seconds, .. } in found {
            let told = &mut out.told;
            told.visited.push(i32::try_from(visited).unwrap_or(i32::MAX));
            told.candidates.push(i32::try_from(candidates).unwrap_or(i32::MAX));
            told.truncated.push(u8::from(hits.len() > within.max_results));
            told.ms.push((seconds * 1e3) as f32);
            hits.truncate(within.max_results);
            told.largest.push(hits.last().map_or(f32::NAN, |hit| metric.finish(hit.proxy)));
            if !within.sort {
                hits.sort_unstable_by_key(|hit| hit.id);
            }
            out.indices.extend(hits.iter().map(|hit| hit.id as i32));
            out.distances.extend(hits.iter().map(|hit| metric.finish(hit.proxy)));
            out.offsets.push(out.indices.len() as i32);
        }
        Ok(out)
    }
}

impl Asked<'_> {
    /// With what a walk may have missed there could be more rows than are asked for, and `truncated` would not be so.
    fn unsure(&self, found: &Found) -> bool {
        let (seen, most) = (found.hits.len(), self.within.max_results);
        seen <= most && seen as f64 >= self.within.min_recall * (most + 1) as f64
    }
}
