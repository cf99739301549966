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
use super::walked::WalkCodes;
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Short, Source};
use crate::filter::Filter;
use crate::knn::{EMPTY, Knn};
use crate::neighbors::Neighbors;
use crate::options::Query;
use crate::plan;
use crate::points::Points;
use crate::profile::Tally;
use crate::search::batch::{Batch, search};
use crate::search::rules::{Accept, Matching};
use crate::stats::Counters;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

/// Making codes takes what so many comparisons with all rows take.
const OFTEN: usize = 8;

/// Rows of one state that a filter lets through.
pub(super) struct Matches {
    bits: Matching,
    len: usize,
    /// Made where they are compared.
    slots: OnceLock<Vec<u32>>,
}

impl Matches {
    /// O(n), by words unless rows have been deleted.
    pub fn of(filter: &Filter, state: &State) -> Matches {
        let n = state.rows.len();
        let bits = match state.ids.are_slots() {
            true => Matching::of_bytes(filter.bytes(), n),
            false => Matching::of_rows(n, |slot| filter.has(state.ids.of(slot))),
        };
        Matches { len: bits.count(), bits, slots: OnceLock::new() }
    }

    /// How many match.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Those that do, ascending.
    pub fn slots(&self) -> &[u32] {
        self.slots.get_or_init(|| self.bits.rows())
    }

    pub fn has(&self, slot: u32) -> bool {
        (&self.bits).accepts(slot)
    }

    /// One row in so many of `n` matches.
    pub fn share_of(&self, n: usize) -> usize {
        n.div_ceil(self.len.max(1))
    }
}

/// The rows that match, gathered to be compared.
pub(super) struct Part<'a> {
    /// None where all rows match.
    gathered: Option<(Points, Option<ByteCodes>)>,
    slots: &'a [u32],
}

impl<'a> Part<'a> {
    /// O(matches · dim).
    pub fn of(state: &State, matches: &'a Matches, threads: usize) -> Result<Part<'a>> {
        let slots = matches.slots();
        if slots.len() == state.rows.len() {
            return Ok(Part { gathered: None, slots });
        }
        let codes = state.codes().map(|codes| codes.subset(slots, threads)).transpose()?;
        Ok(Part { gathered: Some((state.rows.subset(slots)?, codes)), slots })
    }

    /// `all` of the rows, but only these.
    pub fn source<'b>(&'b self, all: Source<'b>) -> Source<'b> {
        match &self.gathered {
            Some((rows, codes)) => Source { rows, codes: codes.as_ref(), coarse: None, ..all },
            None => all,
        }
    }

    /// Where a row of the source is among all.
    pub fn slot(&self, row: u32) -> u32 {
        self.slots[row as usize]
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
        self.query_on(&state, queries.into(), query, Some(&Matches::of(filter, &state)), control)
    }

    /// Answers transformed queries in slots: by walks where they are sure, else by comparing all that match, of which there are
    /// some.
    #[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
    pub(super) fn answer_among(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        matches: &Matches,
        told: Option<&Tally>,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<()> {
        let unsure = self.walk_among(state, queries, query, matches, told, out, control)?;
        self.compare_among(state, queries, query, matches, &unsure, told, out, control)
    }

    /// Width of a walk that meets enough of the rows that match.
    fn width_among(state: &State, query: Query, matches: &Matches) -> usize {
        query.ef.max(query.k).saturating_mul(matches.share_of(state.rows.len()))
    }

    /// Whether walks are worth it.
    pub(super) fn walks_among(&self, state: &State, queries: usize, query: Query, matches: &Matches) -> bool {
        let ef = Index::width_among(state, query, matches);
        let way = plan::Among { matching: matches.len(), queries, ef, k: query.k };
        way.walks(self.source(state), &self.options_of(state))
    }

    /// Answers what walks are sure of, where they are worth it; the queries that are left.
    #[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
    fn walk_among(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        matches: &Matches,
        told: Option<&Tally>,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<Vec<u32>> {
        if !self.walks_among(state, queries.len(), query, matches) {
            return Ok((0..queries.len() as u32).collect());
        }
        let ef = Index::width_among(state, query, matches);
        let index = self.search_index(state, control)?;
        let batch = Batch {
            graph: &index.graph,
            rows: &state.rows,
            coded: self.walked_on(state, &index, queries, control)?,
            pair: self.source(state).pair(),
            queries,
            k: query.k.min(matches.len()),
            ef: ef.min(state.rows.len()),
            threads: self.threads_for(queries.len() * ef * 16 * state.rows.width()),
            matching: Some(&matches.bits),
            told,
        };
        let knn = search(&batch, &self.scratches, &self.counters, control)?;
        knn.write_to(out, 0, &self.options.metric);
        let lost: Vec<usize> = self.options.metric.equidistant(queries).collect();
        let is_unsure = |&row: &u32| knn.ids[row as usize * knn.k] == EMPTY || lost.contains(&(row as usize));
        Ok((0..queries.len() as u32).filter(is_unsure).collect())
    }

    /// Compares the queries `some` with all rows that match.
    #[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
    pub(super) fn compare_among(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        matches: &Matches,
        some: &[u32],
        told: Option<&Tally>,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<()> {
        if some.is_empty() {
            return Ok(());
        }
        let asked = queries.subset(some)?;
        let k = query.k.min(matches.len());
        let matching = matches.len() as u64;
        Counters::add(&self.counters.distances, some.len() as u64 * matching);
        told.iter().for_each(|told| some.iter().for_each(|&query| told.add(query as usize, [matching, matching, 0])));
        let knn = self.nearest_among(state, &asked, matches, None, k, control)?;
        let mut found = Neighbors::missing(some.len(), query.k)?;
        knn.write_to(&mut found, 0, &self.options.metric);
        self.settle_among(state, &asked, matches, &mut found)?;
        for (from, &to) in some.iter().enumerate() {
            let (ids, distances) = found.row(from);
            let cells = to as usize * query.k..(to as usize + 1) * query.k;
            out.indices[cells.clone()].copy_from_slice(ids);
            out.distances[cells].copy_from_slice(distances);
        }
        Ok(())
    }

    /// The nearest rows that match, by a comparison with all that do: few queries where they lie, many by tiles of the rows
    /// gathered. Of a query with a limit only rows up to it. Ids are slots.
    pub(super) fn nearest_among(
        &self,
        state: &State,
        queries: &Points,
        matches: &Matches,
        limits: Option<&[f32]>,
        k: usize,
        control: Control<'_>,
    ) -> Result<Knn> {
        let threads = self.threads_for(queries.len() * matches.len() * state.rows.width());
        if queries.len() < exact::MIN_BATCH {
            let search = state.search.get();
            if let Some(WalkCodes::Sketches(sketch, _)) = search.as_ref().and_then(|search| search.codes.get())
                && let Some(dense) = queries.dense()
            {
                let of_queries = sketch.of_queries(dense, threads, control)?;
                let short = Short::Sketches(sketch, &of_queries);
                return exact::among(self.source(state), queries, short, matches.slots(), limits, k, threads, control);
            }
            let source = self.source_for_few(state, queries.len() * matches.len(), control)?;
            let codes = source.codes_of(queries, threads, control)?;
            let short = codes.as_ref().map_or(Short::Nothing, Short::Bytes);
            return exact::among(source, queries, short, matches.slots(), limits, k, threads, control);
        }
        let part = Part::of(state, matches, self.options.threads)?;
        let source = part.source(self.source(state));
        let codes = source.codes_of(queries, self.options.threads, control)?;
        let (mut knn, _) = exact::within(source, queries, codes.as_ref(), limits, k, threads, control)?;
        knn.ids.iter_mut().filter(|id| **id != EMPTY).for_each(|id| *id = part.slot(*id));
        Ok(knn)
    }

    /// Queries without a direction get the neighbours that they have by definition, among the rows that match.
    fn settle_among(&self, state: &State, queries: &Points, matches: &Matches, out: &mut Neighbors) -> Result<()> {
        if self.options.metric.equidistant(queries).next().is_none() {
            return Ok(());
        }
        let part = Part::of(state, matches, self.options.threads)?;
        let mut found = Neighbors::missing(queries.len(), out.k)?;
        self.settle_equidistant(queries, part.source(self.source(state)).rows, &mut found, false);
        for row in self.options.metric.equidistant(queries) {
            let cells = row * out.k..(row + 1) * out.k;
            let name = |&id: &i32| if id < 0 { id } else { part.slot(id as u32) as i32 };
            out.indices[cells.clone()]
                .iter_mut()
                .zip(&found.indices[cells.clone()])
                .for_each(|(to, id)| *to = name(id));
            out.distances[cells.clone()].copy_from_slice(&found.distances[cells]);
        }
        Ok(())
    }

    /// [`Index::source`] for few queries that read so many rows. Once such queries have read all rows some times over, codes
    /// are made that spare the others most of their reading.
    pub(super) fn source_for_few<'a>(
        &'a self,
        state: &'a State,
        rows: usize,
        control: Control<'_>,
    ) -> Result<Source<'a>> {
        let read = state.read.fetch_add(rows, Ordering::Relaxed).saturating_add(rows);
        let pays = state.rows.width() >= exact::NARROWEST && read > OFTEN * state.rows.len();
        if pays { self.coded(state, control.quiet()) } else { Ok(self.source(state)) }
    }
}
