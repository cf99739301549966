//! Every row can be reached: counted, and repaired where pruning cut a row off.
//!
//! A breadth-first tree from the entry spans what is reachable. A link that is not part of the tree can
//! be given up without cutting anything off; that is what makes room for the link to a stranded row.

use super::links::Graph;
use crate::control::Control;
use crate::error::Result;
use crate::knn::EMPTY;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::points::Points;
use crate::search::scorer::RowScorer;
use crate::search::walk::{Scratch, descend};

/// Width of the walk that looks for a place to hang a stranded row on.
const WIDTH: usize = 64;

/// Rows whose links are asked for ahead of their turn.
const AHEAD: usize = 8;

/// Rows on level 0 that no walk from the entry reaches. O(links).
pub(crate) fn unreachable(graph: &Graph) -> usize {
    graph.len() - Tree::grow_from_entry(graph, 0).reached
}

/// Links stranded rows of every level; returns how many links that took. Afterwards
/// [`unreachable`] is 0, and so it is on every level above.
pub(crate) fn repair(graph: &mut Graph, rows: &Points, pair: Pair<'_>, control: Control<'_>) -> Result<usize> {
    let mut scratch = Scratch::new(graph.len());
    let mut links = 0;
    for level in (0..=graph.top()).rev() {
        links += repair_level(graph, level, rows, pair, &mut scratch, control)?;
    }
    Ok(links)
}

fn repair_level(
    graph: &mut Graph,
    level: u8,
    rows: &Points,
    pair: Pair<'_>,
    scratch: &mut Scratch,
    control: Control<'_>,
) -> Result<usize> {
    let mut tree = Tree::grow_from_entry(graph, level);
    let stranded: Vec<u32> = graph.members(level).filter(|&id| !tree.has(id)).collect();
    let mut links = 0;
    for id in stranded {
        control.check()?;
        // An earlier repair may have reached this row too.
        if !tree.has(id) {
            let parent = hang(graph, level, rows, pair, &tree, id, scratch);
            tree.parent[id as usize] = parent;
            tree.grow(graph, level, id);
            links += 1;
        }
    }
    Ok(links)
}

/// Gives a reached row near `id` a link to it; returns that row.
fn hang(
    graph: &mut Graph,
    level: u8,
    rows: &Points,
    pair: Pair<'_>,
    tree: &Tree,
    id: u32,
    scratch: &mut Scratch,
) -> u32 {
    let scorer = RowScorer { pair, rows, query: rows.row(id as usize) };
    descend(graph, &scorer, level, WIDTH, scratch);
    let near: Vec<u32> = scratch.pool.iter().map(|n| n.id).collect();
    // The walk starts at a reached row, so the near ones usually have a place; among all rows of the tree
    // one always has, because a tree of n rows has n - 1 links and its rows have more places than that.
    let parents = near.into_iter().chain(graph.members(level)).filter(|&parent| tree.has(parent));
    let place = parents.filter_map(|p| with_link(graph, level, rows, pair, tree, p, id).map(|links| (p, links))).next();
    let Some((parent, links)) = place else { unreachable!("every place of every row holds a tree link") };
    graph.set_links(parent, level, links.into_iter());
    back(graph, level, id, parent);
    parent
}

/// The links of `parent` with one to `id`, at the cost of its farthest link outside the tree if it has
/// no free place; `None` if all its links are tree links.
fn with_link(
    graph: &Graph,
    level: u8,
    rows: &Points,
    pair: Pair<'_>,
    tree: &Tree,
    parent: u32,
    id: u32,
) -> Option<Vec<u32>> {
    let mut links = graph.links(parent, level).to_vec();
    if links.len() == graph.degree(level) {
        let own = rows.row(parent as usize);
        let loose = links.iter().filter(|&&l| tree.parent[l as usize] != parent);
        let farthest = loose.map(|&l| Neighbor { proxy: pair.one(own, rows.row(l as usize)), id: l }).max()?.id;
        links.retain(|&l| l != farthest);
    }
    links.push(id);
    Some(links)
}

/// A way back, where the row has room for it.
fn back(graph: &mut Graph, level: u8, id: u32, parent: u32) {
    let mut links = graph.links(id, level).to_vec();
    if links.len() < graph.degree(level) && !links.contains(&parent) {
        links.push(parent);
        graph.set_links(id, level, links.into_iter());
    }
}

/// A tree over the links of one level.
struct Tree {
    /// The row from which each row was reached; `EMPTY` for those that were not. The entry is its own.
    parent: Vec<u32>,
    reached: usize,
    queue: Vec<u32>,
}

impl Tree {
    fn grow_from_entry(graph: &Graph, level: u8) -> Tree {
        let mut tree = Tree { parent: vec![EMPTY; graph.len()], reached: 0, queue: Vec::new() };
        tree.parent[graph.entry() as usize] = graph.entry();
        tree.grow(graph, level, graph.entry());
        tree
    }

    fn has(&self, id: u32) -> bool {
        self.parent[id as usize] != EMPTY
    }

    /// Adds all that is reachable from `root`, whose parent is set.
    fn grow(&mut self, graph: &Graph, level: u8, root: u32) {
        self.queue.clear();
        self.queue.push(root);
        let mut next = 0;
        while next < self.queue.len() {
            let id = self.queue[next];
            next += 1;
            self.queue.get(next + AHEAD).iter().for_each(|&&ahead| graph.prefetch(ahead, level));
            for &link in graph.links(id, level) {
                if self.parent[link as usize] == EMPTY {
                    self.parent[link as usize] = id;
                    self.queue.push(link);
                }
            }
        }
        self.reached += self.queue.len();
    }
}
