//! More rows into a graph that is there.
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
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::options::Options;
use crate::parallel::map;
use crate::points::Points;
use crate::search::scorer::RowScorer;
use crate::search::walk::{Scratch, descend};
use std::ops::Range;

const MAX_BATCH: usize = 256;

/// Links rows `graph.len()..rows.len()` into `graph`; returns the links that the repair had to add.
/// On error the graph is half done: callers work on a copy.
pub(crate) fn append(graph: &mut Graph, source: Source<'_>, options: &Options, control: Control<'_>) -> Result<usize> {
    let rows = source.rows;
    let pair = source.pair();
    let phase = control.phase("append", (rows.len() - graph.len()) as u64);
    while graph.len() < rows.len() {
        let start = graph.len();
        let size = (start / 2).clamp(1, MAX_BATCH).min(rows.len() - start);
        let batch = Batch { rows, pair, ids: start..start + size, options };
        let top = graph.top();
        let found = map(options.threads, size, || Scratch::new(start), |s, i| batch.find(graph, i, s), control)?;
        graph.push_rows((start..).zip(&found).map(|(id, found)| batch.level(id, found)))?;
        for level in 0..=top {
            batch.link(graph, level, &found, control)?;
        }
        phase.advance(size as u64);
    }
    repair(graph, rows, pair, control)
}

/// Candidates of a row on each of its levels, ascending.
type Found = Vec<Vec<Neighbor>>;

struct Batch<'a> {
    rows: &'a Points,
    pair: Pair<'a>,
    ids: Range<usize>,
    options: &'a Options,
}

impl Batch<'_> {
    /// Candidates of the i-th row of the batch on every level that it shares with the graph.
    fn find(&self, graph: &Graph, i: usize, scratch: &mut Scratch) -> Found {
        let id = self.ids.start + i;
        let scorer = RowScorer { pair: self.pair, rows: self.rows, query: self.rows.row(id) };
        (0..=self.drawn(id).min(graph.top()))
            .map(|level| {
                let width = if level == 0 { self.options.ef_construction } else { self.options.ef_construction / 4 };
                descend(graph, &scorer, level, width.max(graph.degree(level)), scratch);
                let mut all: Vec<Neighbor> = scratch.pool.iter().collect();
                all.extend(self.siblings(id, level));
                all.sort_unstable();
                all
            })
            .collect()
    }

    /// The level of a row of the batch, once its nearest rows are known.
    fn level(&self, id: usize, found: &Found) -> u8 {
        let nearest = found.first().and_then(|all| all.first()).map(|n| (n.id, n.proxy));
        if is_later_copy(nearest, id as u32) { 0 } else { self.drawn(id) }
    }

    fn drawn(&self, id: usize) -> u8 {
        level_of(self.options.seed, id as u32, self.options.m)
    }

    /// The other rows of the batch that are on `level`.
    fn siblings(&self, id: usize, level: u8) -> impl Iterator<Item = Neighbor> + '_ {
        let others = self.ids.clone().filter(move |&other| other != id && self.drawn(other) >= level);
        others.map(move |other| {
            let proxy = self.pair.one(self.rows.row(id), self.rows.row(other));
            Neighbor { proxy, id: other as u32 }
        })
    }

    /// Sets the links of the batch on `level`, and the links back to them.
    fn link(&self, graph: &mut Graph, level: u8, found: &[Found], control: Control<'_>) -> Result<()> {
        let m = graph.m();
        let forward = {
            let graph = &*graph;
            map(
                self.options.threads,
                found.len(),
                Vec::new,
                |kept, i| {
                    let id = (self.ids.start + i) as u32;
                    let Some(all) = found[i].get(usize::from(level)).filter(|_| graph.level(id) >= level) else {
                        return Vec::new();
                    };
                    // Copies among the siblings have dropped to level 0 meanwhile.
                    let all = all.iter().copied().filter(|n| graph.level(n.id) >= level);
                    select(self.pair, self.rows, all, m, kept);
                    kept.clone()
                },
                control,
            )?
        };
        let mut back: Vec<(u32, Neighbor)> = Vec::new();
        for (id, kept) in self.ids.clone().zip(&forward) {
            back.extend(kept.iter().map(|n| (n.id, Neighbor { proxy: n.proxy, id: id as u32 })));
        }
        back.sort_unstable_by_key(|&(target, from)| (target, from));
        let groups: Vec<&[(u32, Neighbor)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let merged = {
            let graph = &*graph;
            map(
                self.options.threads,
                groups.len(),
                Vec::new,
                |kept, g| self.merge(graph, level, groups[g], &forward, kept),
                control,
            )?
        };
        for (id, kept) in self.ids.clone().zip(&forward).filter(|(_, kept)| !kept.is_empty()) {
            graph.set_links(id as u32, level, kept.iter().map(|n| n.id));
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
        let own = self.rows.row(target as usize);
        let mut all: Vec<Neighbor> = if self.ids.contains(&(target as usize)) {
            forward[target as usize - self.ids.start].clone()
        } else {
            let with_proxy = |&id: &u32| Neighbor { proxy: self.pair.one(own, self.rows.row(id as usize)), id };
            graph.links(target, level).iter().map(with_proxy).collect()
        };
        all.extend(group.iter().map(|&(_, from)| from));
        all.sort_unstable();
        all.dedup();
        if all.len() <= graph.degree(level) {
            return all.iter().map(|n| n.id).collect();
        }
        select(self.pair, self.rows, all.iter().copied(), graph.degree(level), kept);
        kept.iter().map(|n| n.id).collect()
    }
}
