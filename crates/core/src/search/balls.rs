//! All rows within a distance of each of many queries, by walks through the ball around it.
//!
//! The walk is the one of [`super::walk`], from anchors to the rows nearest to the query, by sketches where there are some;
//! then, over the rows themselves, with a pool that has room for every row of the ball and of the shell around it, and a stop
//! rule that lets it through the whole ball.

use super::ground::{Ground, Start};
use super::pool::Room;
use super::rules::{BallExpanded, PoolExpanded};
use super::scorer::{DenseScorer, RowScorer, Scorer};
use super::twins::Twins;
use super::walk::{Scratch, ScratchPool, flood};
use crate::control::Control;
use crate::error::Result;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::parallel;
use crate::points::{Points, RowRef};
use std::time::Instant;

/// Where balls are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub ground: Ground<'a>,
    pub twins: &'a Twins,
}

/// Width of a walk by sketches beside the patience of the walk by rows behind it.
const SKETCHED: usize = 3;
/// Width of a walk by rows to the ball, at most: the walk through it is patient.
const UNSKETCHED: usize = 16;
/// A walk by sketches has left so much less to be patient for.
const SETTLED: usize = 64;

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
    /// The patience after which a ball that seems empty is: at most the other.
    pub glance: usize,
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
    field: Field<'_>,
    queries: &Points,
    ball: &(dyn Fn(usize) -> Ball + Sync),
    effort: Effort,
    threads: usize,
    scratches: &ScratchPool,
    control: Control<'_>,
) -> Result<Vec<Found>> {
    let phase = control.phase("radius search", queries.len() as u64);
    let scratch = || scratches.take(field.ground.graph.len());
    parallel::map(
        threads,
        queries.len(),
        scratch,
        |lent, query| {
            if phase.check().is_err() {
                return Found::default();
            }
            let found = field.walk(query, queries.row(query), ball(query), effort, &mut lent.scratch);
            phase.advance(1);
            found
        },
        control,
    )
}

impl Field<'_> {
    fn walk(&self, row: usize, query: RowRef<'_>, ball: Ball, effort: Effort, scratch: &mut Scratch) -> Found {
        let Ground { pair, rows, .. } = self.ground;
        match (pair, rows.dense(), query) {
            (Pair::Kernel(kernel), Some(rows), RowRef::Dense(query)) => {
                let scorer = DenseScorer { kernel, rows, query };
                self.walk_by(&scorer, row, RowRef::Dense(query), ball, effort, scratch)
            }
            _ => self.walk_by(&RowScorer { pair, rows, query }, row, query, ball, effort, scratch),
        }
    }

    fn walk_by<S: Scorer>(
        &self,
        scorer: &S,
        row: usize,
        query: RowRef<'_>,
        ball: Ball,
        effort: Effort,
        scratch: &mut Scratch,
    ) -> Found {
        let started = Instant::now();
        let glance = Effort { patience: effort.glance, ..effort };
        let mut found = self.look(scorer, row, query, ball, glance, scratch);
        if effort.glance < effort.patience && !found.hits.is_empty() && !found.spent {
            found = self.look(scorer, row, query, ball, effort, scratch);
        }
        let (visited, hops) = scratch.take_counts();
        let visited = visited as usize + found.visited;
        Found { visited, hops: hops as usize, seconds: started.elapsed().as_secs_f64(), ..found }
    }

    /// One walk; its counts stay in the scratch.
    fn look<S: Scorer>(
        &self,
        scorer: &S,
        row: usize,
        query: RowRef<'_>,
        ball: Ball,
        effort: Effort,
        scratch: &mut Scratch,
    ) -> Found {
        let patience = self.approach(scorer, row, ball.barred, effort.patience, scratch);
        let mut stop = BallExpanded::new(ball.reach, ball.shell, patience, effort.budget);
        // One more than asked for tells whether something is left out; a wider pool finds the farthest of these.
        let capacity = effort.most.saturating_add(1).saturating_add(patience).min(self.ground.graph.len()).max(1);
        let room = Room { width: patience.min(capacity), near: ball.shell, capacity };
        let mut seeds = Vec::new();
        self.twins.of(self.ground.rows, query, &mut seeds);
        seeds.retain(|&id| Some(id) != ball.barred);
        flood(self.ground.graph, scorer, room, &seeds, ball.barred, &mut stop, scratch);
        let pool = &scratch.pool;
        let candidates = pool.within(ball.shell);
        let mut hits: Vec<Neighbor> = pool.iter().take(pool.within(ball.reach)).collect();
        let copied = self.twins.complete(self.ground.rows, &mut hits);
        hits.retain(|hit| Some(hit.id) != ball.barred);
        hits.truncate(effort.most.saturating_add(1));
        Found { hits, visited: copied, candidates, spent: stop.spent, ..Found::default() }
    }

    /// Walks to the rows nearest to a query, which are in the pool afterwards, compared by `scorer`; the patience that is left.
    fn approach<S: Scorer>(
        &self,
        scorer: &S,
        row: usize,
        barred: Option<u32>,
        patience: usize,
        scratch: &mut Scratch,
    ) -> usize {
        let (width, left) = match self.ground.start {
            Start::Entry => (patience.min(UNSKETCHED), patience),
            Start::Sketches { .. } => (SKETCHED * patience, patience / SETTLED),
        };
        self.ground.nearest(scorer, row, width, barred, |_| PoolExpanded, scratch);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Source;
    use crate::graph::Graph;
    use crate::graph::bulk::{Base, build, candidates};
    use crate::options::Options;
    use crate::testing::{metric, uniform};
    use hnsw_kernels::Kernels;

    const DIM: usize = 6;

    fn source(rows: &Points) -> Source<'_> {
        let kernels = Kernels::detect();
        Source { rows, codes: None, coarse: None, metric: metric("euclidean", DIM), kernels }
    }

    fn graph_of(rows: &Points) -> Graph {
        let options = Options { threads: 2, ..Options::new(metric("euclidean", DIM).clone()) };
        let nearest = |part: &Points, k: usize| {
            crate::exact::graph(source(part), k.min(part.len() - 1), 2, Control::none()).map(|(knn, _)| knn)
        };
        let base = Base { table: nearest(rows, candidates(&options)).unwrap(), by_sketch: false, sketch: None };
        build(source(rows), &options, &base, nearest, Control::none()).unwrap().graph
    }

    /// Ids within `reach` of a row, ascending by (proxy, id), the row itself left out.
    fn others(rows: &Points, of: usize, reach: f32) -> Vec<Neighbor> {
        let pair = source(rows).pair();
        let all = (0..rows.len()).map(|id| Neighbor { proxy: pair.one(rows.row(of), rows.row(id)), id: id as u32 });
        let mut near: Vec<Neighbor> = all.filter(|hit| hit.proxy <= reach && hit.id as usize != of).collect();
        near.sort_unstable();
        near
    }

    #[test]
    fn walks_go_through_the_ball_and_leave_out_the_barred_row() {
        let rows = uniform(3_000, DIM, 41);
        let graph = graph_of(&rows);
        let twins = Twins::of_rows(&rows, 1, Control::none()).unwrap();
        let ground = Ground { graph: &graph, rows: &rows, pair: source(&rows).pair(), start: Start::Entry };
        let field = Field { ground, twins: &twins };
        let queries = rows.part(0..100).unwrap().unwrap();
        let scratches = ScratchPool::default();
        let walk = |reach: f32, effort| {
            let ball = |query: usize| Ball { reach, shell: 1.44 * reach, barred: Some(query as u32) };
            search(field, &queries, &ball, effort, 1, &scratches, Control::none()).unwrap()
        };
        let usual = Effort { patience: 32, glance: 32, budget: usize::MAX, most: 1_000 };
        for reach in [1e-6, 0.05, 0.2, 0.6] {
            let (mut seen, mut there) = (0, 0);
            for (query, found) in walk(reach, usual).into_iter().enumerate() {
                let expected = others(&rows, query, reach);
                assert!(found.hits.is_sorted() && found.hits.iter().all(|hit| expected.contains(hit)));
                assert!(!found.spent && found.candidates >= found.hits.len() && found.visited >= found.candidates);
                (seen, there) = (seen + found.hits.len(), there + expected.len());
            }
            assert!(seen * 100 >= 99 * there, "{reach}: {seen} of {there}");
        }
        // An empty ball costs what its patience does, and a budget ends any walk.
        assert!(walk(1e-6, usual).iter().all(|found| found.hops < 120 && found.hits.is_empty()));
        let short = walk(0.6, Effort { budget: 10, ..usual });
        assert!(short.iter().all(|found| found.spent));
        // Of more hits than asked for, the nearest and one more.
        for (query, found) in walk(0.6, Effort { most: 5, ..usual }).into_iter().enumerate() {
            let expected = others(&rows, query, 0.6);
            assert_eq!(found.hits, expected[..6.min(expected.len())]);
        }
    }
}
