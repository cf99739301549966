//! More rows into a graph that is there, or other rows in the place of some.
//!
//! Rows come in batches. Each row of a batch looks for its neighbours in the graph as it was before the
//! batch and among the rows of its batch; then all links are set at once. So the result depends on the
//! rows and their order, never on threads. The batch is small beside the graph: 256 rows at most, half
//! of the rows already there. Where somebody has found the candidates of all new rows, among each other too, they are one
//! batch.

use super::copies::is_later_copy;
use super::levels::level_of;
use super::links::Graph;
use super::reach::repair;
use super::select::select_by;
use crate::code::Sketch;
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::Source;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::options::Options;
use crate::parallel::map;
use crate::points::Points;
use crate::search::scorer::{RowScorer, SketchScorer};
use crate::search::walk::{Scratch, descend};
use hnsw_kernels::Kernels;

const MAX_BATCH: usize = 256;

/// Brings `graph` up to the rows of `source`: those at `replaced` (ascending, distinct, not all of the graph)
/// are others than before and have no links, those from `graph.len()` on are new and get the ids from `next_id` on. Returns the links that the repair had to add.
/// On error the graph is half done: callers work on a copy.
pub(crate) fn update(
    graph: &mut Graph,
    source: Source<'_>,
    replaced: &[u32],
    next_id: u32,
    all_at_once: Option<&AtOnce<'_>>,
    options: &Options,
    control: Control<'_>,
) -> Result<usize> {
    let rows = source.rows;
    let phase = control.phase("update", (replaced.len() + rows.len() - graph.len()) as u64);
    // By ids, not by places: rows that come and go at the same places are on all levels all the same.
    let first = (graph.len() as u32, next_id);
    let insert = Insert { rows, pair: source.pair(), first, options, phase: &phase, control };
    graph.reserve((graph.len()..rows.len()).map(|place| insert.drawn(place as u32)))?;
    if let Some(given) = all_at_once {
        insert.at_once(graph, replaced, given)?;
        graph.choose_entry();
    } else if !replaced.is_empty() {
        replaced.chunks(MAX_BATCH).try_for_each(|ids| insert.replaced(graph, ids, None))?;
        graph.choose_entry();
    }
    while graph.len() < rows.len() {
        let start = graph.len();
        let size = (start / 2).clamp(1, MAX_BATCH).min(rows.len() - start);
        let ids: Vec<u32> = (start..start + size).map(|id| id as u32).collect();
        insert.fresh(graph, &ids)?;
    }
    repair(graph, rows, insert.pair, control)
}

/// Candidates of a row on each of its levels, ascending.
type Found = Vec<Vec<Neighbor>>;

/// What links many rows in one batch: for each, replaced ones first, its candidates on level 0, ascending by the proxies of
/// `sketch`, which links are chosen by.
pub(crate) struct AtOnce<'a> {
    pub candidates: Vec<Vec<Neighbor>>,
    pub sketch: &'a Sketch,
}

struct Insert<'a> {
    rows: &'a Points,
    pair: Pair<'a>,
    /// The first new row, and its id.
    first: (u32, u32),
    options: &'a Options,
    phase: &'a Phase<'a>,
    control: Control<'a>,
}

impl Insert<'_> {
    /// The level of a new row.
    fn drawn(&self, place: u32) -> u8 {
        let (place_of_first, id_of_first) = self.first;
        level_of(self.options.seed, id_of_first + (place - place_of_first), self.options.m)
    }

    /// Links rows that the graph does not have yet.
    fn fresh(&self, graph: &mut Graph, ids: &[u32]) -> Result<()> {
        let batch = Batch::of(self, ids, ids.iter().map(|&id| self.drawn(id)).collect(), None);
        let (top, found) = (graph.top(), batch.find_all(graph)?);
        graph.push_rows(ids.iter().enumerate().map(|(i, _)| batch.level(i, &found[i])))?;
        batch.link_all(graph, top, &found)
    }

    /// Links rows that the graph has without links.
    fn replaced(&self, graph: &mut Graph, ids: &[u32], given: Option<&AtOnce<'_>>) -> Result<()> {
        let levels = ids.iter().map(|&id| graph.level(id)).collect();
        let batch = Batch::of(self, ids, levels, given);
        let (top, found) = (graph.top(), batch.find_all(graph)?);
        ids.iter().enumerate().for_each(|(i, &id)| graph.lower(id, batch.level(i, &found[i])));
        batch.link_all(graph, top, &found)
    }

    /// Links all rows that have no links, those that the graph does not have yet among them.
    fn at_once(&self, graph: &mut Graph, replaced: &[u32], given: &AtOnce<'_>) -> Result<()> {
        let fresh = graph.len() as u32..self.rows.len() as u32;
        graph.push_rows(fresh.clone().map(|place| self.drawn(place)))?;
        let ids: Vec<u32> = replaced.iter().copied().chain(fresh).collect();
        // Where walks begin leads on: a new row has no links yet.
        graph.choose_entry_among(|id| ids.binary_search(&id).is_err());
        self.replaced(graph, &ids, Some(given))
    }
}

/// Rows that are linked together, ascending, and the levels that are meant for them.
struct Batch<'a> {
    insert: &'a Insert<'a>,
    ids: &'a [u32],
    levels: Vec<u8>,
    /// Those that are meant for level 1 and above.
    upper: Vec<usize>,
    given: Option<&'a AtOnce<'a>>,
}

impl<'a> Batch<'a> {
    fn of(insert: &'a Insert<'a>, ids: &'a [u32], levels: Vec<u8>, given: Option<&'a AtOnce<'a>>) -> Batch<'a> {
        let upper = (0..levels.len()).filter(|&i| levels[i] > 0).collect();
        Batch { insert, ids, levels, upper, given }
    }
}

impl Batch<'_> {
    fn find_all(&self, graph: &Graph) -> Result<Vec<Found>> {
        let scratch = || Scratch::new(graph.len());
        let insert = self.insert;
        map(insert.options.threads, self.ids.len(), scratch, |s, i| self.find(graph, i, s), insert.control)
    }

    /// Candidates of the i-th row of the batch on every level that it shares with the graph.
    fn find(&self, graph: &Graph, i: usize, scratch: &mut Scratch) -> Found {
        let Insert { rows, pair, options, .. } = *self.insert;
        let scorer = RowScorer { pair, rows, query: rows.row(self.ids[i] as usize) };
        let mut code = Vec::new();
        let by_sketch = self.given.map(|given| SketchScorer {
            dot: Kernels::detect().u8_dot,
            sketch: given.sketch,
            query: given.sketch.as_query(self.ids[i] as usize, &mut code),
        });
        (0..=self.levels[i].min(graph.top()))
            .map(|level| {
                if let (Some(given), 0) = (self.given, level) {
                    return given.candidates[i].clone();
                }
                let width = if level == 0 { options.ef_construction } else { options.ef_construction / 4 };
                let width = width.max(graph.degree(level));
                let mut all: Vec<Neighbor> = match &by_sketch {
                    Some(scorer) => {
                        descend(graph, scorer, level, width, scratch);
                        let with_proxy = |id| Neighbor { proxy: self.between(self.ids[i], id), id };
                        let linked = |id: &u32| self.ids.binary_search(id).is_err();
                        scratch.pool.iter().map(|found| found.id).filter(linked).map(with_proxy).collect()
                    }
                    None => {
                        descend(graph, &scorer, level, width, scratch);
                        scratch.pool.iter().collect()
                    }
                };
                all.extend(self.siblings(i, level));
                all.sort_unstable();
                all
            })
            .collect()
    }

    /// The level of the i-th row, once its nearest rows are known.
    fn level(&self, i: usize, found: &Found) -> u8 {
        let nearest = found.first().and_then(|all| all.first()).map(|n| (n.id, n.proxy));
        if is_later_copy(nearest, self.ids[i]) { 0 } else { self.levels[i] }
    }

    /// The rows of the batch that are meant for `level`.
    fn on_level(&self, level: u8) -> impl Iterator<Item = usize> + '_ {
        let few = self.upper.iter().copied().filter(move |&i| self.levels[i] >= level);
        (0..if level == 0 { self.ids.len() } else { 0 }).chain(few.take(if level == 0 { 0 } else { usize::MAX }))
    }

    /// The other rows of the batch that are on `level`.
    fn siblings(&self, i: usize, level: u8) -> impl Iterator<Item = Neighbor> + '_ {
        let others = self.on_level(level).filter(move |&j| j != i).map(|j| self.ids[j]);
        others.map(move |id| Neighbor { proxy: self.between(self.ids[i], id), id })
    }

    /// What links are chosen by.
    fn between(&self, a: u32, b: u32) -> f32 {
        match self.given {
            Some(given) => given.sketch.between(Kernels::detect().u8_dot, a as usize, b as usize),
            None => self.insert.pair.one(self.insert.rows.row(a as usize), self.insert.rows.row(b as usize)),
        }
    }

    fn select(&self, candidates: impl Iterator<Item = Neighbor>, limit: usize, kept: &mut Vec<Neighbor>) {
        select_by(|a, b| self.between(a, b), candidates, limit, kept);
    }

    /// Sets all links of the batch, on the levels up to `top` that the graph had before it.
    fn link_all(&self, graph: &mut Graph, top: u8, found: &[Found]) -> Result<()> {
        (0..=top).try_for_each(|level| self.link(graph, level, found))?;
        self.insert.phase.advance(self.ids.len() as u64);
        self.insert.control.check()
    }

    /// Sets the links of the batch on `level`, and the links back to them.
    fn link(&self, graph: &mut Graph, level: u8, found: &[Found]) -> Result<()> {
        let Insert { options, control, .. } = *self.insert;
        let m = graph.m();
        let forward = {
            let graph = &*graph;
            map(
                options.threads,
                found.len(),
                Vec::new,
                |kept, i| {
                    let on_level = |_: &&Vec<Neighbor>| graph.level(self.ids[i]) >= level;
                    let Some(all) = found[i].get(usize::from(level)).filter(on_level) else {
                        return Vec::new();
                    };
                    // Copies among the siblings have dropped to level 0 meanwhile.
                    let all = all.iter().copied().filter(|n| graph.level(n.id) >= level);
                    self.select(all, m, kept);
                    kept.clone()
                },
                control,
            )?
        };
        let mut back: Vec<(u32, Neighbor)> = Vec::new();
        for (&id, kept) in self.ids.iter().zip(&forward) {
            back.extend(kept.iter().map(|n| (n.id, Neighbor { proxy: n.proxy, id })));
        }
        back.sort_unstable_by_key(|&(target, from)| (target, from));
        let groups: Vec<&[(u32, Neighbor)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let merged = {
            let graph = &*graph;
            map(
                options.threads,
                groups.len(),
                Vec::new,
                |kept, g| self.merge(graph, level, groups[g], &forward, kept),
                control,
            )?
        };
        for (&id, kept) in self.ids.iter().zip(&forward).filter(|(_, kept)| !kept.is_empty()) {
            graph.set_links(id, level, kept.iter().map(|n| n.id));
        }
        for (group, links) in groups.iter().zip(merged) {
            graph.set_links(group[0].0, level, links.into_iter());
        }
        Ok(())
    }

    /// The links of a target with those back to the batch, pruned if they are too many.
    fn merge(
        &self,
        graph: &Graph,
        level: u8,
        group: &[(u32, Neighbor)],
        forward: &[Vec<Neighbor>],
        kept: &mut Vec<Neighbor>,
    ) -> Vec<u32> {
        let target = group[0].0;
        if let Err(_) = self.ids.binary_search(&target)
            && graph.links(target, level).len() + group.len() <= graph.degree(level)
        {
            // No link back to a row that had no links before is there twice.
            let back = group.iter().map(|(_, from)| from.id);
            return graph.links(target, level).iter().copied().chain(back).collect();
        }
        let mut all: Vec<Neighbor> = match self.ids.binary_search(&target) {
            Ok(i) => forward[i].clone(),
            Err(_) => {
                let with_proxy = |&id: &u32| Neighbor { proxy: self.between(target, id), id };
                graph.links(target, level).iter().map(with_proxy).collect()
            }
        };
        all.extend(group.iter().map(|&(_, from)| from));
        all.sort_unstable();
        all.dedup();
        if all.len() <= graph.degree(level) {
            return all.iter().map(|n| n.id).collect();
        }
        self.select(all.iter().copied(), graph.degree(level), kept);
        kept.iter().map(|n| n.id).collect()
    }
}
