//! Queries among some of the rows.
//!
//! ```text
//!   few match       all that do are compared: gathered, then tiles or pair kernels as for all rows
//!   more match      the ordinary walk, as much wider as fewer match; what it may return, an accept rule says
//!   a walk is sure  where enough of the rows that match are nearer than the farthest of its full pool: then they are among
//!                   the nearest of all. Where that is not so (the rows around the query do not match), all that match are
//!                   compared
//! ```
//!
//! So there are always `min(k, matches)` rows, and never a filter behind a search.

use super::Index;
use super::state::State;
use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::filter::Filter;
use crate::knn::EMPTY;
use crate::neighbors::Neighbors;
use crate::options::Query;
use crate::plan;
use crate::points::Points;
use crate::search::batch::{Batch, search};
use crate::search::rules::Matching;
use crate::stats::Counters;

/// Rows of one state that a filter lets through.
pub(super) struct Matches {
    /// Ascending.
    pub slots: Vec<u32>,
    bits: Matching,
}

impl Matches {
    /// O(n).
    pub fn of(filter: &Filter, state: &State) -> Matches {
        let slots: Vec<u32> = (0..state.rows.len() as u32).filter(|&slot| filter.has(state.ids.of(slot))).collect();
        Matches { bits: Matching::of(&slots, state.rows.len()), slots }
    }
}

impl Index {
    /// As [`Index::query`], among the rows that `filter` lets through: `min(k, matches)` of them for each query, the rest
    /// missing.
    ///
    /// Errors: as there.
    pub fn query_among(
        &self,
        queries: impl Into<Points>,
        query: Query,
        filter: &Filter,
        control: Control<'_>,
    ) -> Result<Neighbors> {
        query.check()?;
        let state = self.state.read(control)?;
        let mut queries = queries.into();
        self.check_like(&queries)?;
        let mut out = Neighbors::missing(queries.len(), query.k)?;
        let matches = Matches::of(filter, &state);
        if out.indices.is_empty() || matches.slots.is_empty() {
            return Ok(out);
        }
        self.options.metric.transform(&mut queries, self.options.threads, control)?;
        Counters::add(&self.counters.searches, queries.len() as u64);
        let unsure = self.walk_among(&state, &queries, query, &matches, &mut out, control)?;
        self.compare_among(&state, &queries, query, &matches, &unsure, &mut out, control)?;
        state.name_rows(&mut out.indices);
        Ok(out)
    }

    /// Answers what walks are sure of, where they are worth it; the queries that are left.
    fn walk_among(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        matches: &Matches,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<Vec<u32>> {
        let everyone = || (0..queries.len() as u32).collect();
        let wider = state.rows.len().div_ceil(matches.slots.len());
        let ef = query.ef.max(query.k).saturating_mul(wider);
        let way = plan::Among { matching: matches.slots.len(), queries: queries.len(), ef, k: query.k };
        if !way.walks(self.source(state), &self.options) {
            return Ok(everyone());
        }
        let index = self.search_index(state, control)?;
        let batch = Batch {
            graph: &index.graph,
            rows: &state.rows,
            coded: self.walked_on(state, &index, queries, control)?,
            pair: self.source(state).pair(),
            queries,
            k: query.k.min(matches.slots.len()),
            ef: ef.min(state.rows.len()),
            threads: self.threads_for(queries.len() * ef * 16 * state.rows.width()),
            matching: Some(&matches.bits),
        };
        let knn = search(&batch, &self.scratches, &self.counters, control)?;
        knn.write_to(out, 0, &self.options.metric);
        let lost: Vec<usize> = self.options.metric.equidistant(queries).collect();
        let is_unsure = |&row: &u32| knn.ids[row as usize * knn.k] == EMPTY || lost.contains(&(row as usize));
        Ok((0..queries.len() as u32).filter(is_unsure).collect())
    }

    /// Compares the queries `some` with all rows that match.
    #[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
    fn compare_among(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        matches: &Matches,
        some: &[u32],
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<()> {
        if some.is_empty() {
            return Ok(());
        }
        let threads = self.options.threads;
        let all = matches.slots.len() == state.rows.len();
        let part = if all { None } else { Some(state.rows.subset(&matches.slots)?) };
        let codes = state.codes().filter(|_| !all).map(|codes| codes.subset(&matches.slots, threads)).transpose()?;
        let source = match &part {
            Some(rows) => Source { rows, codes: codes.as_ref(), coarse: None, ..self.source(state) },
            None => self.source(state),
        };
        let asked = queries.subset(some)?;
        let k = query.k.min(matches.slots.len());
        Counters::add(&self.counters.distances, (some.len() * matches.slots.len()) as u64);
        let asked_codes = source.codes_of(&asked, threads, control)?;
        let threads = self.threads_for(some.len() * matches.slots.len() * state.rows.width());
        let (knn, _) = exact::batch(source, &asked, asked_codes.as_ref(), k, threads, control)?;
        let mut found = Neighbors::missing(some.len(), query.k)?;
        knn.write_to(&mut found, 0, &self.options.metric);
        self.settle_equidistant(&asked, source.rows, &mut found, false);
        for (from, &to) in some.iter().enumerate() {
            let (ids, distances) = found.row(from);
            let cells = to as usize * query.k..(to as usize + 1) * query.k;
            let slot = |&id: &i32| if id < 0 { id } else { matches.slots[id as usize] as i32 };
            out.indices[cells.clone()].iter_mut().zip(ids).for_each(|(cell, id)| *cell = slot(id));
            out.distances[cells].copy_from_slice(distances);
        }
        Ok(())
    }
}
