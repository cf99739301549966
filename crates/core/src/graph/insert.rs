//! More rows into a graph that is there, or other rows in the place of some.
//!
//! Rows come in batches. Each row of a batch looks for its neighbours in the graph as it was before the
//! batch and among the rows of its batch; then all links are set at once. So the result depends on the
//! rows and their order, never on threads. A batch is small beside the graph.

use super::batch::Batch;
use super::between::{ByRows, BySketch};
use super::levels::level_of;
use super::links::Graph;
use super::reach::repair;
use crate::code::Sketch;
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::Source;
use crate::metric::Pair;
use crate::options::Options;
use crate::points::Points;
use crate::search::anchors::Anchors;

/// Rows of a batch, of which each meets each of the others: one by one, or by tiles where there are sketches.
const MAX_BATCH: usize = 256;
const MAX_SKETCHED: usize = 512;

/// Brings `graph` up to the rows of `source`: those at `replaced` (ascending, distinct, not all of the graph)
/// are others than before and have no links, those from `graph.len()` on are new and get the ids from `next_id` on. Rows find
/// each other and are linked by `sketch` where there is one. Returns the links that the repair had to add.
/// On error the graph is half done: callers work on a copy.
pub(crate) fn update(
    graph: &mut Graph,
    source: Source<'_>,
    sketch: Option<&Sketch>,
    replaced: &[u32],
    next_id: u32,
    options: &Options,
    control: Control<'_>,
) -> Result<usize> {
    let rows = source.rows;
    // By ids, not by places: rows that come and go at the same places are on all levels all the same.
    let first = graph.len() as u32;
    let level = |place: u32| level_of(options.seed, next_id + (place - first), options.m);
    let fresh = first..rows.len() as u32;
    graph.reserve(fresh.clone().map(level))?;
    graph.push_rows(fresh.clone().map(level))?;
    let new: Vec<u32> = replaced.iter().copied().chain(fresh).collect();
    let phase = control.phase("update", new.len() as u64);
    // Where walks begin leads on: a new row has no links yet.
    let is_linked = |id| new.binary_search(&id).is_err();
    graph.choose_entry_among(is_linked);
    let by_sketch = sketch.map(|sketch| Sketched {
        sketch,
        between: BySketch { dot: source.kernels.u8_dot, sketch },
        anchors: Anchors::among(graph, sketch, is_linked),
    });
    let insert = Insert { rows, pair: source.pair(), by_sketch, options, phase: &phase, control };
    let mut left = &new[..];
    while !left.is_empty() {
        let (ids, others) = left.split_at(insert.most(rows.len() - left.len()).min(left.len()));
        insert.link(graph, ids)?;
        graph.raise_entry(ids);
        left = others;
    }
    graph.close_gaps()?;
    graph.choose_entry();
    graph.make_hubs();
    repair(graph, rows, insert.pair, control)
}

/// What rows are found and linked by where they have sketches.
pub(super) struct Sketched<'a> {
    pub sketch: &'a Sketch,
    pub between: BySketch<'a>,
    /// Of the rows that were linked before.
    pub anchors: Anchors,
}

pub(super) struct Insert<'a> {
    pub rows: &'a Points,
    pub pair: Pair<'a>,
    pub by_sketch: Option<Sketched<'a>>,
    pub options: &'a Options,
    pub phase: &'a Phase<'a>,
    pub control: Control<'a>,
}

impl Insert<'_> {
    /// Most rows of a batch where so many have links.
    fn most(&self, linked: usize) -> usize {
        (linked / 2).clamp(1, if self.by_sketch.is_some() { MAX_SKETCHED } else { MAX_BATCH })
    }

    /// What links are chosen by where there are no sketches.
    pub fn by_rows(&self) -> ByRows<'_> {
        ByRows { pair: self.pair, rows: self.rows }
    }

    /// Links rows (ascending) that have no links.
    fn link(&self, graph: &mut Graph, ids: &[u32]) -> Result<()> {
        let batch = Batch::of(self, ids, ids.iter().map(|&id| graph.level(id)).collect());
        let found = batch.find_all(graph)?;
        ids.iter().enumerate().for_each(|(i, &id)| graph.lower(id, batch.level(i, &found[i])));
        batch.link_all(graph, &found)
    }
}
