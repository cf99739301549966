//! A whole graph at once.
//!
//! Levels are drawn first. Per level: a table of nearest rows among its members, made symmetric if it is by
//! the rows, pruned to `m` links, the reverse links added, pruned to the level's degree. Every step is a
//! pure function of the step before, computed row by row, so the result is the same with any number of
//! threads.

use super::between::{Between, ByRows, BySketch};
use super::copies::{Crowds, is_later_copy};
use super::levels::level_of;
use super::links::Graph;
use super::reach::repair;
use super::select::select_by;
use crate::code::Sketch;
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::Source;
use crate::knn::{EMPTY, Knn};
use crate::neighbors::Neighbor;
use crate::options::Options;
use crate::points::Points;

/// Most candidates per row that a bulk build looks at.
const MAX_CANDIDATES: usize = 128;

/// Times that every row of a level is pruned: its candidates, then its links with those back to it.
const PASSES: u64 = 2;

/// Candidates per row that `ef_construction` stands for in a bulk build. An insertion meets some
/// `ef_construction` rows of which about one in eight is near enough to matter for the pruning.
pub(crate) fn candidates(options: &Options) -> usize {
    (options.ef_construction / 8).max(2 * options.m).min(MAX_CANDIDATES.max(2 * options.m))
}

/// As [`candidates`], where walks run on sketches. Two thirds of them, not made symmetric, give fewer links and walks
/// that compare less for what they find (measured: 60 000 x 784 and 200 000 x 128, recall 0.95 and 0.99).
pub(crate) fn candidates_by_sketch(options: &Options) -> usize {
    (candidates(options) * 2 / 3).max(options.m)
}

/// What level 0 is linked by.
pub(crate) struct Base<'a> {
    /// [`candidates`] of all rows, or [`candidates_by_sketch`].
    pub table: Knn,
    /// Its proxies are those of the sketches.
    pub by_sketch: bool,
    /// What walks will run on, if not on rows: links are then chosen by sketches, so that what leads nearer by them is
    /// linked, and a comparison takes a line or two of memory.
    pub sketch: Option<&'a Sketch>,
}

/// A finished graph and the links that the repair had to add.
pub(crate) struct Built {
    pub graph: Graph,
    pub repaired: usize,
}

/// Builds the graph. `nearest` makes a table for the members of an upper level, or for rows without their copies.
pub(crate) fn build(
    source: Source<'_>,
    options: &Options,
    base: &Base<'_>,
    nearest: impl Fn(&Points, usize) -> Result<Knn>,
    control: Control<'_>,
) -> Result<Built> {
    let rows = source.rows;
    let Base { table: base, by_sketch, sketch } = base;
    let (pair, dot) = (source.pair(), source.kernels.u8_dot);
    let levels = (0..rows.len() as u32).map(|id| {
        if is_later_copy(base.row(id as usize).next(), id) { 0 } else { level_of(options.seed, id, options.m) }
    });
    let mut graph = Graph::unlinked(options.m, levels)?;
    let on_levels: usize = (0..=graph.top()).map(|level| graph.members(level).count()).sum();
    let phase = control.phase("link", PASSES * on_levels as u64);
    let link = |graph: &mut Graph, level, members: &[u32]| {
        let part = rows.subset(members)?;
        let table = nearest(&part, base.k)?;
        let between = ByRows { pair, rows: &part };
        Linker { level, between, mutual: true, threads: options.threads, phase: &phase }.link(graph, members, &table)
    };
    for level in (1..=graph.top()).rev() {
        let members: Vec<u32> = graph.members(level).collect();
        link(&mut graph, level, &members)?;
    }
    if let Some(crowds) = Crowds::of(base) {
        link(&mut graph, 0, &Crowds::distinct(base))?;
        crowds.close_rings(&mut graph);
    } else {
        let everyone: Vec<u32> = (0..rows.len() as u32).collect();
        let threads = options.threads;
        if let Some(sketch) = sketch {
            let between = BySketch { dot, sketch };
            let linker = Linker { level: 0, between, mutual: !by_sketch, threads, phase: &phase };
            if *by_sketch {
                linker.link(&mut graph, &everyone, base)?;
            } else {
                linker.link(&mut graph, &everyone, &linker.compared(base)?)?;
            }
        } else {
            let between = ByRows { pair, rows };
            Linker { level: 0, between, mutual: true, threads, phase: &phase }.link(&mut graph, &everyone, base)?;
        }
    }
    graph.make_hubs();
    let repaired = repair(&mut graph, rows, pair, control)?;
    Ok(Built { graph, repaired })
}

/// Links the rows of one level; ids are positions among its members.
struct Linker<'a, B> {
    level: u8,
    between: B,
    /// A row is a candidate of its candidates.
    mutual: bool,
    threads: usize,
    phase: &'a Phase<'a>,
}

impl<B: Between> Linker<'_, B> {
    /// The same candidates by the proxies of this linker.
    fn compared(&self, table: &Knn) -> Result<Knn> {
        let mut out = Knn::empty(table.rows(), table.k)?;
        out.fill(self.threads, Vec::new, |all, row, ids, proxies| {
            all.clear();
            all.extend(table.row(row).map(|(id, _)| Neighbor { proxy: self.between.one(row as u32, id), id }));
            all.sort_unstable();
            for ((neighbor, id), proxy) in all.iter().zip(ids).zip(proxies) {
                (*id, *proxy) = (neighbor.id, neighbor.proxy);
            }
            !self.phase.advance(0)
        });
        self.phase.check().map(|()| out)
    }

    /// Links `members` by their `table` of candidates.
    fn link(&self, graph: &mut Graph, members: &[u32], table: &Knn) -> Result<()> {
        let reverse = if self.mutual { Reverse::of(table, self.phase)? } else { Reverse::none(table) };
        let forward = self.prune(table, &reverse, graph.m(), Merge::Select)?;
        let reverse = Reverse::of(&forward, self.phase)?;
        let links = self.prune(&forward, &reverse, graph.degree(self.level), Merge::KeepIfRoom)?;
        for (i, &id) in members.iter().enumerate() {
            graph.set_links(id, self.level, links.row(i).map(|(j, _)| members[j as usize]));
        }
        Ok(())
    }

    /// Prunes the rows of `table` and what points back at them to `limit` links.
    fn prune(&self, table: &Knn, reverse: &Reverse, limit: usize, merge: Merge) -> Result<Knn> {
        let mut out = Knn::empty(table.rows(), limit)?;
        out.fill(
            self.threads,
            || (Vec::new(), Vec::new()),
            |(all, kept), row, ids, proxies| {
                all.clear();
                all.extend(table.row(row).map(|(id, proxy)| Neighbor { proxy, id }));
                all.extend(reverse.row(row));
                all.sort_unstable();
                all.dedup();
                if merge == Merge::KeepIfRoom && all.len() <= limit {
                    kept.clone_from(all);
                } else {
                    select_by(&self.between, all.iter().copied(), limit, kept);
                }
                for ((neighbor, id), proxy) in kept.iter().zip(ids).zip(proxies) {
                    (*id, *proxy) = (neighbor.id, neighbor.proxy);
                }
                !self.phase.advance(1)
            },
        );
        self.phase.check().map(|()| out)
    }
}

#[derive(PartialEq, Clone, Copy)]
enum Merge {
    Select,
    KeepIfRoom,
}

/// For each row, the rows that have it in their table.
struct Reverse {
    starts: Vec<usize>,
    sources: Vec<Neighbor>,
}

impl Reverse {
    /// No row points back.
    fn none(table: &Knn) -> Reverse {
        Reverse { starts: vec![0; table.rows() + 1], sources: Vec::new() }
    }

    fn of(table: &Knn, phase: &Phase<'_>) -> Result<Reverse> {
        let rows = table.rows();
        let mut starts = vec![0usize; rows + 1];
        table.ids.iter().filter(|&&id| id != EMPTY).for_each(|&id| starts[id as usize + 1] += 1);
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut sources = vec![Neighbor { proxy: 0.0, id: 0 }; starts[rows]];
        for row in 0..table.rows() {
            if row.is_multiple_of(4096) {
                phase.check()?;
            }
            for (id, proxy) in table.row(row) {
                sources[next[id as usize]] = Neighbor { proxy, id: row as u32 };
                next[id as usize] += 1;
            }
        }
        Ok(Reverse { starts, sources })
    }

    fn row(&self, row: usize) -> impl Iterator<Item = Neighbor> + '_ {
        self.sources[self.starts[row]..self.starts[row + 1]].iter().copied()
    }
}
