//! More rows into a graph that is there, or other rows in the place of some.
//!
//! Rows come in batches. Each row of a batch looks for its neighbours in the graph as it was before the
//! batch and among the rows of its batch; then all links are set at once. So the result depends on the
//! rows and their order, never on threads. The batch is small beside the graph: 256 rows at most, half
//! of the rows already there.

use super::copies::is_later_copy;
use super::levels::level_of;
use super::links::Graph;
use super::reach::repair;
use super::select::select;
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::Source;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::options::Options;
use crate::parallel::map;
use crate::points::Points;
use crate::search::scorer::RowScorer;
use crate::search::walk::{Scratch, descend};

const MAX_BATCH: usize = 256;

/// Brings `graph` up to the rows of `source`: those at `replaced` (ascending, distinct, not all of the graph)
/// are others than before and have no links, those from `graph.len()` on are new and get the ids from `next_id` on. Returns the links that the repair had to add.
/// On error the graph is half done: callers work on a copy.
pub(crate) fn update(
    graph: &mut Graph,
    source: Source<'_>,
    replaced: &[u32],
    next_id: u32,
    options: &Options,
    control: Control<'_>,
) -> Result<usize> {
    let rows = source.rows;
    let phase = control.phase("update", (replaced.len() + rows.len() - graph.len()) as u64);
    // By ids, not by places: rows that come and go at the same places are on all levels all the same.
    let first = (graph.len() as u32, next_id);
    let insert = Insert { rows, pair: source.pair(), first, options, phase: &phase, control };
    graph.reserve((graph.len()..rows.len()).map(|place| insert.drawn(place as u32)))?;
    if !replaced.is_empty() {
        replaced.chunks(MAX_BATCH).try_for_each(|ids| insert.replaced(graph, ids))?;
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
        let batch = Batch { insert: self, ids, levels: ids.iter().map(|&id| self.drawn(id)).collect() };
        let (top, found) = (graph.top(), batch.find_all(graph)?);
        graph.push_rows(ids.iter().enumerate().map(|(i, _)| batch.level(i, &found[i])))?;
        batch.link_all(graph, top, &found)
    }

    /// Links rows that the graph has without links.
    fn replaced(&self, graph: &mut Graph, ids: &[u32]) -> Result<()> {
        let batch = Batch { insert: self, ids, levels: ids.iter().map(|&id| graph.level(id)).collect() };
        let (top, found) = (graph.top(), batch.find_all(graph)?);
        ids.iter().enumerate().for_each(|(i, &id)| graph.lower(id, batch.level(i, &found[i])));
        batch.link_all(graph, top, &found)
    }
}

/// Rows that are linked together, ascending, and the levels that are meant for them.
struct Batch<'a> {
    insert: &'a Insert<'a>,
    ids: &'a [u32],
    levels: Vec<u8>,
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
        (0..=self.levels[i].min(graph.top()))
            .map(|level| {
                let width = if level == 0 { options.ef_construction } else { options.ef_construction / 4 };
                descend(graph, &scorer, level, width.max(graph.degree(level)), scratch);
                let mut all: Vec<Neighbor> = scratch.pool.iter().collect();
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

    /// The other rows of the batch that are on `level`.
    fn siblings(&self, i: usize, level: u8) -> impl Iterator<Item = Neighbor> + '_ {
        let own = self.insert.rows.row(self.ids[i] as usize);
        let others = self.ids.iter().zip(&self.levels).enumerate();
        others.filter(move |&(j, (_, &other))| j != i && other >= level).map(move |(_, (&id, _))| Neighbor {
            proxy: self.insert.pair.one(own, self.insert.rows.row(id as usize)),
            id,
        })
    }

    /// Sets all links of the batch, on the levels up to `top` that the graph had before it.
    fn link_all(&self, graph: &mut Graph, top: u8, found: &[Found]) -> Result<()> {
        (0..=top).try_for_each(|level| self.link(graph, level, found))?;
        self.insert.phase.advance(self.ids.len() as u64);
        self.insert.control.check()
    }

    /// Sets the links of the batch on `level`, and the links back to them.
    fn link(&self, graph: &mut Graph, level: u8, found: &[Found]) -> Result<()> {
        let Insert { rows, pair, options, control, .. } = *self.insert;
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
                    select(pair, rows, all, m, kept);
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
        let Insert { rows, pair, .. } = *self.insert;
        let target = group[0].0;
        let own = rows.row(target as usize);
        let mut all: Vec<Neighbor> = match self.ids.binary_search(&target) {
            Ok(i) => forward[i].clone(),
            Err(_) => {
                let with_proxy = |&id: &u32| Neighbor { proxy: pair.one(own, rows.row(id as usize)), id };
                graph.links(target, level).iter().map(with_proxy).collect()
            }
        };
        all.extend(group.iter().map(|&(_, from)| from));
        all.sort_unstable();
        all.dedup();
        if all.len() <= graph.degree(level) {
            return all.iter().map(|n| n.id).collect();
        }
        select(pair, rows, all.iter().copied(), graph.degree(level), kept);
        kept.iter().map(|n| n.id).collect()
    }
}
