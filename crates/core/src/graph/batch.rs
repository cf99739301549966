//! Rows that are linked together.

use super::between::Between;
use super::bulk::candidates_by_sketch;
use super::copies::is_later_copy;
use super::insert::{Insert, Sketched};
use super::links::Graph;
use super::select::select_by;
use crate::error::Result;
use crate::neighbors::Neighbor;
use crate::parallel::map;
use crate::search::anchors::Anchors;
use crate::search::scorer::{RowScorer, SketchScorer};
use crate::search::walk::{Scratch, descend, set_out};

/// Width of a walk by sketches, as a share of the candidates that it is to find.
const WIDER: f64 = 1.25;

/// Candidates of a row on each of its levels, ascending.
pub(super) type Found = Vec<Vec<Neighbor>>;

/// Rows of a batch, ascending, and the levels that are meant for them.
pub(super) struct Batch<'a> {
    insert: &'a Insert<'a>,
    ids: &'a [u32],
    levels: Vec<u8>,
    /// Those that are meant for level 1 and above.
    upper: Vec<usize>,
    /// The rows of the batch for tiles, where they have sketches.
    packed: Option<Anchors>,
}

impl<'a> Batch<'a> {
    pub fn of(insert: &'a Insert<'a>, ids: &'a [u32], levels: Vec<u8>) -> Batch<'a> {
        let upper = (0..levels.len()).filter(|&i| levels[i] > 0).collect();
        let packed = insert.by_sketch.as_ref().map(|by| Anchors::these(ids.to_vec(), by.sketch));
        Batch { insert, ids, levels, upper, packed }
    }

    pub fn find_all(&self, graph: &Graph) -> Result<Vec<Found>> {
        let scratch = || (Scratch::new(graph.len()), Vec::new());
        let insert = self.insert;
        let find = |scratch: &mut _, i| {
            let found = self.find(graph, i, scratch);
            insert.phase.advance(1);
            found
        };
        map(insert.options.threads, self.ids.len(), scratch, find, insert.control)
    }

    /// Candidates of the i-th row of the batch on every level that it shares with the graph.
    fn find(&self, graph: &Graph, i: usize, (scratch, code): &mut (Scratch, Vec<u8>)) -> Found {
        let Insert { rows, pair, options, by_sketch, .. } = self.insert;
        let levels = 0..=self.levels[i].min(graph.top());
        if let Some(by) = by_sketch {
            let query = by.sketch.as_query(self.ids[i] as usize, code);
            let scorer = SketchScorer { dot: by.between.dot, sketch: by.sketch, query };
            return levels.map(|level| self.find_by(by, &scorer, graph, i, level, scratch)).collect();
        }
        let scorer = RowScorer { pair: *pair, rows, query: rows.row(self.ids[i] as usize) };
        let on = |level| {
            descend(graph, &scorer, level, width(options.ef_construction, graph, level), scratch);
            let mut all: Vec<Neighbor> = scratch.pool.iter().chain(self.siblings(i, level)).collect();
            all.sort_unstable();
            all
        };
        levels.map(on).collect()
    }

    /// The same on one level by sketches.
    fn find_by(
        &self,
        by: &Sketched<'_>,
        scorer: &SketchScorer<'_>,
        graph: &Graph,
        i: usize,
        level: u8,
        scratch: &mut Scratch,
    ) -> Vec<Neighbor> {
        let options = self.insert.options;
        // Two thirds of what a bulk build takes: with all of it recall@10 of walks of width 16 was 0.993 after three updates of
        // a tenth, not 0.992, for a quarter more time.
        let count = (candidates_by_sketch(options) * 2 / 3).max(options.m);
        let width = ((WIDER * count as f64) as usize).max(graph.degree(level));
        if level == 0 {
            set_out(graph, scorer, &by.anchors.to(by.sketch, scorer.query), width, scratch);
            let siblings = self.packed.as_ref().map(|packed| packed.to(by.sketch, scorer.query));
            siblings.iter().for_each(|siblings| siblings.meet(scratch));
            scratch.pool.remove(self.ids[i]);
        } else {
            descend(graph, scorer, level, width, scratch);
        }
        let with_proxy = |found: Neighbor| Neighbor { proxy: self.one(self.ids[i], found.id), id: found.id };
        let mut all: Vec<Neighbor> = scratch.pool.iter().map(with_proxy).collect();
        if level > 0 {
            all.extend(self.siblings(i, level));
        }
        all.sort_unstable();
        all.truncate(count);
        all
    }

    /// The level of the i-th row, once its nearest rows are known.
    pub fn level(&self, i: usize, found: &Found) -> u8 {
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
        others.map(move |id| Neighbor { proxy: self.one(self.ids[i], id), id })
    }

    /// Sets all links of the batch, on the levels of the rows that have links.
    pub fn link_all(&self, graph: &mut Graph, found: &[Found]) -> Result<()> {
        (0..=graph.top()).try_for_each(|level| self.link(graph, level, found))?;
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
                    select_by(self, all, m, kept);
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
                let with_proxy = |&id: &u32| Neighbor { proxy: self.one(target, id), id };
                graph.links(target, level).iter().map(with_proxy).collect()
            }
        };
        all.extend(group.iter().map(|&(_, from)| from));
        all.sort_unstable();
        all.dedup();
        if all.len() <= graph.degree(level) {
            return all.iter().map(|n| n.id).collect();
        }
        select_by(self, all.iter().copied(), graph.degree(level), kept);
        kept.iter().map(|n| n.id).collect()
    }
}

/// By sketches where the rows of the batch are found by them.
impl Between for Batch<'_> {
    #[inline]
    fn one(&self, a: u32, b: u32) -> f32 {
        match &self.insert.by_sketch {
            Some(by) => by.between.one(a, b),
            None => self.insert.by_rows().one(a, b),
        }
    }

    #[inline]
    fn four(&self, a: u32, others: [u32; 4]) -> [f32; 4] {
        match &self.insert.by_sketch {
            Some(by) => by.between.four(a, others),
            None => self.insert.by_rows().four(a, others),
        }
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        match &self.insert.by_sketch {
            Some(by) => by.between.prefetch(id),
            None => self.insert.by_rows().prefetch(id),
        }
    }
}

/// Width of a walk for candidates on `level`.
fn width(ef_construction: usize, graph: &Graph, level: u8) -> usize {
    let width = if level == 0 { ef_construction } else { ef_construction / 4 };
    width.max(graph.degree(level))
}
