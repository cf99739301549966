//! All rows within a distance of each of many queries, by walks through the ball around it.
//!
//! The walk is the one of [`super::walk`], over the rows themselves: its pool has room for every row of the ball and
//! of the shell around it, its stop rule lets it through the whole ball.

use super::pool::Room;
use super::rules::BallExpanded;
use super::scorer::{DenseScorer, RowScorer, Scorer};
use super::twins::Twins;
use super::walk::{Scratch, ScratchPool, flood};
use crate::control::Control;
use crate::error::Result;
use crate::graph::Graph;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::parallel;
use crate::points::{Points, RowRef};
use std::time::Instant;

/// Where balls are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub graph: &'a Graph,
    pub rows: &'a Points,
    pub pair: Pair<'a>,
    pub twins: &'a Twins,
}

/// The ball around one query.
#[derive(Clone, Copy)]
pub(crate) struct Ball {
    /// Largest proxy of a hit.
    pub reach: f32,
    /// Largest proxy of what is walked through.
    pub shell: f32,
    /// A row that walks as if it were not there.
    pub barred: Option<u32>,
}

/// How long a walk looks.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// See [`BallExpanded::patience`].
    pub patience: usize,
    /// Rows expanded before comparing all rows is cheaper.
    pub budget: usize,
    /// Hits beyond so many, nearest first, are counted and left out.
    pub most: usize,
}

/// What was found of one ball.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// Ascending by (proxy, id), at most one more than asked for.
    pub hits: Vec<Neighbor>,
    /// Rows compared.
    pub visited: usize,
    /// Rows expanded.
    pub hops: usize,
    /// Rows met in the ball and its shell.
    pub candidates: usize,
    /// The budget has ended the walk.
    pub spent: bool,
    pub seconds: f64,
}

/// Walks for each query; `ball` tells what it asks for.
pub(crate) fn search(
    ground: Ground<'_>,
    queries: &Points,
    ball: &(dyn Fn(usize) -> Ball + Sync),
    effort: Effort,
    threads: usize,
    scratches: &ScratchPool,
    control: Control<'_>,
) -> Result<Vec<Found>> {
    let phase = control.phase("radius search", queries.len() as u64);
    let scratch = || scratches.take(ground.graph.len());
    parallel::map(
        threads,
        queries.len(),
        scratch,
        |lent, query| {
            if phase.check().is_err() {
                return Found::default();
            }
            let found = ground.walk(queries.row(query), ball(query), effort, &mut lent.scratch);
            phase.advance(1);
            found
        },
        control,
    )
}

impl Ground<'_> {
    fn walk(&self, query: RowRef<'_>, ball: Ball, effort: Effort, scratch: &mut Scratch) -> Found {
        match (self.pair, self.rows.dense(), query) {
            (Pair::Kernel(kernel), Some(rows), RowRef::Dense(query)) => {
                self.walk_by(&DenseScorer { kernel, rows, query }, RowRef::Dense(query), ball, effort, scratch)
            }
            _ => self.walk_by(&RowScorer { pair: self.pair, rows: self.rows, query }, query, ball, effort, scratch),
        }
    }

    fn walk_by<S: Scorer>(
        &self,
        scorer: &S,
        query: RowRef<'_>,
        ball: Ball,
        Effort { patience, budget, most }: Effort,
        scratch: &mut Scratch,
    ) -> Found {
        let started = Instant::now();
        let mut stop = BallExpanded::new(ball.reach, ball.shell, patience, budget);
        // One more than asked for tells whether something is left out.
        let capacity = most.saturating_add(1).max(patience).min(self.graph.len()).max(1);
        let room = Room { width: patience.min(capacity), near: ball.shell, capacity };
        let mut seeds = Vec::new();
        self.twins.of(self.rows, query, &mut seeds);
        seeds.retain(|&id| Some(id) != ball.barred);
        flood(self.graph, scorer, room, &seeds, ball.barred, &mut stop, scratch);
        let pool = &scratch.pool;
        let candidates = pool.within(ball.shell);
        let mut hits: Vec<Neighbor> = pool.iter().take(pool.within(ball.reach)).collect();
        let copied = self.twins.complete(self.rows, &mut hits);
        hits.retain(|hit| Some(hit.id) != ball.barred);
        hits.truncate(most.saturating_add(1));
        let (visited, hops) = scratch.take_counts();
        let visited = visited as usize + copied;
        Found {
            hits,
            visited,
            hops: hops as usize,
            candidates,
            spent: stop.spent,
            seconds: started.elapsed().as_secs_f64(),
        }
    }
}
