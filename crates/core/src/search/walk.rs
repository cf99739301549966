//! The loop: expand the nearest unexpanded row, meet its links, keep the nearest.

use super::pool::{Pool, Room};
use super::rules::{Accept, Everything, PoolExpanded, Stop};
use super::scorer::Scorer;
use super::visited::Visited;
use crate::graph::Graph;
use crate::neighbors::Neighbor;
use crate::profile::Tally;
use crate::stats::Counters;
use std::sync::Mutex;

/// Width of the walk on upper levels. More than one: rows of a far cluster must not trap the descent.
const UPPER_WIDTH: usize = 16;

/// Rows that a walk of level 0 sets out at.
const STARTS: usize = UPPER_WIDTH;

/// Rows expanded at a time: what they lead to is fetched together, so that a walk waits for memory a fourth as
/// often. Among the rows of a full pool it makes no difference which is expanded first.
const BEAM: usize = 4;

/// What a walk needs and leaves behind; pooled, so that searches allocate nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The nearest rows met; the result where every row is accepted.
    pub pool: Pool,
    /// The nearest accepted rows, where not every row is.
    pub accepted: Pool,
    visited: Visited,
    /// Links met for the first time by the expansion under way, and their proxies.
    fresh: Vec<u32>,
    proxies: Vec<f32>,
    /// Room for products with anchors.
    pub dots: Vec<i32>,
    /// Proxies computed and rows expanded since the last [`Scratch::take_counts`].
    pub distances: u64,
    hops: u64,
    /// Of the distances those to rows that had been met before, by another scorer.
    again: u64,
    rows: usize,
}

impl Scratch {
    /// Scratch for a graph of `rows` rows.
    pub fn new(rows: usize) -> Scratch {
        Scratch { rows, ..Scratch::default() }
    }

    /// (distances, hops) since the last call.
    pub fn take_counts(&mut self) -> (u64, u64) {
        self.again = 0;
        (std::mem::take(&mut self.distances), std::mem::take(&mut self.hops))
    }

    /// Adds what the walk of one query has counted to the counts of all, and to its own where somebody asks for them.
    pub fn settle_counts(&mut self, query: usize, told: Option<&Tally>, counters: &Counters) {
        let visited = self.distances - self.again;
        let (distances, hops) = self.take_counts();
        Counters::add(&counters.distances, distances);
        Counters::add(&counters.hops, hops);
        told.iter().for_each(|told| told.add(query, [visited, distances, hops]));
    }

    /// Starts a walk of `width` at one row.
    fn start<S: Scorer>(&mut self, scorer: &S, entry: u32, width: usize) {
        self.pool.reset(width);
        self.visited.start(self.rows);
        self.visited.mark(entry);
        self.pool.insert(Neighbor { proxy: scorer.one(entry), id: entry });
        self.distances += 1;
    }

    /// What of the pool may be returned.
    fn take_accepted<A: Accept>(&mut self, width: usize, accept: &A) {
        if !A::EVERYTHING {
            self.accepted.reset(width);
            for found in self.pool.iter().filter(|found| accept.accepts(found.id)) {
                self.accepted.insert(found);
            }
        }
    }

    /// Puts what may be returned into the pool. Whether `enough` of it, or all there is, is among the nearest rows of all: nearer
    /// than the farthest that the walk has kept.
    pub fn only_accepted(&mut self, width: usize, enough: usize) -> bool {
        let farthest = self.pool.iter().last().filter(|_| self.pool.len() >= width);
        let sure =
            farthest.is_none_or(|farthest| self.accepted.iter().nth(enough - 1).is_some_and(|last| last <= farthest));
        std::mem::swap(&mut self.pool, &mut self.accepted);
        sure
    }

    /// Starts the walk of the next level at the rows that the last one found.
    fn resume(&mut self, width: usize) {
        self.pool.resume(width);
        self.visit_pool();
    }

    /// The rows of the pool have been met, and no others.
    fn visit_pool(&mut self) {
        self.visited.start(self.rows);
        for found in self.pool.iter() {
            self.visited.mark(found.id);
        }
    }
}

/// Walks from the entry down to `level` and finds the rows of that level nearest to the query, at most
/// `width`: they are in `scratch.pool` afterwards.
pub(crate) fn descend<S: Scorer>(graph: &Graph, scorer: &S, level: u8, width: usize, scratch: &mut Scratch) {
    approach(graph, scorer, level, width, scratch);
    walk(graph, level, scorer, &mut PoolExpanded, &Everything, scratch);
}

/// Where walks of level 0 set out.
pub(crate) trait Origin {
    /// Makes the pool hold the nearest rows of the origin, some [`STARTS`] of them, with their proxies.
    fn enter(&self, graph: &Graph, scratch: &mut Scratch);
}

/// Walks level 0 from the nearest rows of `origin`; the `width` nearest rows that it meets are in the pool afterwards.
pub(crate) fn set_out<S: Scorer>(graph: &Graph, scorer: &S, origin: &impl Origin, width: usize, scratch: &mut Scratch) {
    set_out_by(graph, scorer, origin, width, &mut PoolExpanded, &Everything, scratch);
}

/// [`set_out`] with a stop rule and an accept rule.
pub(crate) fn set_out_by<S: Scorer, T: Stop, A: Accept>(
    graph: &Graph,
    scorer: &S,
    origin: &impl Origin,
    width: usize,
    stop: &mut T,
    accept: &A,
    scratch: &mut Scratch,
) {
    begin(graph, origin, None, width, scratch);
    scratch.take_accepted(width, accept);
    walk(graph, 0, scorer, stop, accept, scratch);
}

/// [`set_out`] with a stop rule; `barred` is never met.
pub(crate) fn set_out_without<S: Scorer, T: Stop>(
    graph: &Graph,
    scorer: &S,
    origin: &impl Origin,
    width: usize,
    barred: Option<u32>,
    stop: &mut T,
    scratch: &mut Scratch,
) {
    begin(graph, origin, barred, width, scratch);
    barred.iter().for_each(|&barred| _ = scratch.visited.mark(barred));
    walk(graph, 0, scorer, stop, &Everything, scratch);
}

/// Walks level 0 with `stop` from the rows in the pool, whose proxies are of this scorer; the pool holds what it has `room`
/// for. The rows `seeds` are met whether or not links lead to them, `barred` never.
pub(crate) fn flood<S: Scorer, T: Stop>(
    graph: &Graph,
    scorer: &S,
    room: Room,
    seeds: &[u32],
    barred: Option<u32>,
    stop: &mut T,
    scratch: &mut Scratch,
) {
    scratch.pool.make_room(room);
    scratch.visit_pool();
    barred.iter().for_each(|&barred| _ = scratch.visited.mark(barred));
    for &id in seeds {
        if scratch.visited.mark(id) {
            scratch.distances += 1;
            scratch.pool.insert(Neighbor { proxy: scorer.one(id), id });
        }
    }
    walk(graph, 0, scorer, stop, &Everything, scratch);
}

/// Makes the nearest rows of `origin`, but `barred`, those that a walk of level 0 begins at.
fn begin(graph: &Graph, origin: &impl Origin, barred: Option<u32>, width: usize, scratch: &mut Scratch) {
    scratch.rows = graph.len();
    scratch.pool.reset(STARTS);
    origin.enter(graph, scratch);
    barred.iter().for_each(|&barred| scratch.pool.remove(barred));
    scratch.resume(width);
}

/// The rows that a descent from the entry comes to.
pub(crate) struct FromAbove<'a, S>(pub &'a S);

impl<S: Scorer> Origin for FromAbove<'_, S> {
    fn enter(&self, graph: &Graph, scratch: &mut Scratch) {
        approach(graph, self.0, 0, STARTS, scratch);
    }
}

/// Walks from the entry down to the level above `level`; the pool is ready for a walk of `width` there.
fn approach<S: Scorer>(graph: &Graph, scorer: &S, level: u8, width: usize, scratch: &mut Scratch) {
    let upper = |at: u8| if at == level { width } else { UPPER_WIDTH };
    scratch.rows = graph.len();
    scratch.start(scorer, graph.entry(), upper(graph.top()));
    for at in (level + 1..=graph.top()).rev() {
        walk(graph, at, scorer, &mut PoolExpanded, &Everything, scratch);
        scratch.resume(upper(at - 1));
    }
}

/// Compares the rows of the pool, found by another scorer, by this one.
pub(crate) fn rescore<S: Scorer>(scorer: &S, scratch: &mut Scratch) {
    let Scratch { pool, fresh, proxies, distances, again, .. } = scratch;
    fresh.clear();
    fresh.extend(pool.iter().map(|found| found.id));
    fresh.iter().for_each(|&id| scorer.prefetch(id));
    scorer.score(fresh, proxies);
    pool.rescore(proxies);
    *distances += fresh.len() as u64;
    *again += fresh.len() as u64;
}

/// Goes on from the rows in the pool, found by another scorer: compares them by this one and walks on, `width`
/// wide. The rows of the pool come from level 0.
pub(crate) fn settle<S: Scorer>(graph: &Graph, scorer: &S, width: usize, scratch: &mut Scratch) {
    rescore(scorer, scratch);
    scratch.resume(width);
    walk(graph, 0, scorer, &mut PoolExpanded, &Everything, scratch);
}

fn walk<S: Scorer, T: Stop, A: Accept>(
    graph: &Graph,
    level: u8,
    scorer: &S,
    stop: &mut T,
    accept: &A,
    scratch: &mut Scratch,
) {
    let Scratch { pool, accepted, visited, fresh, proxies, distances, hops, .. } = scratch;
    let mut done = false;
    while !done {
        fresh.clear();
        for expanded in 0..BEAM {
            // Rows gathered so far are scored before the walk ends: one of them may keep it going.
            let next = pool.peek().filter(|&next| !stop.ends(next, if A::EVERYTHING { pool } else { accepted }));
            let Some(next) = next else {
                done = expanded == 0;
                break;
            };
            pool.next();
            *hops += 1;
            for &link in graph.links(next.id, level) {
                if visited.mark(link) {
                    scorer.prefetch(link);
                    fresh.push(link);
                }
            }
        }
        *distances += fresh.len() as u64;
        scorer.score(fresh, proxies);
        let horizon = stop.horizon();
        for (&id, &proxy) in fresh.iter().zip(&*proxies) {
            let new = Neighbor { proxy, id };
            if proxy <= horizon && pool.insert(new) {
                graph.prefetch(id, level);
            }
            if !A::EVERYTHING && accept.accepts(id) {
                accepted.insert(new);
            }
        }
    }
}

/// Scratches waiting for their next search.
#[derive(Debug, Default)]
pub(crate) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    /// A used scratch, or a new one.
    pub fn take(&self, rows: usize) -> Lent<'_> {
        let waiting = self.0.lock().unwrap_or_else(|e| e.into_inner()).pop();
        Lent { scratch: waiting.unwrap_or_else(|| Scratch::new(rows)), home: self }
    }
}

/// A scratch that goes back to its pool when dropped.
pub(crate) struct Lent<'a> {
    pub scratch: Scratch,
    home: &'a ScratchPool,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        self.home.0.lock().unwrap_or_else(|e| e.into_inner()).push(scratch);
    }
}
