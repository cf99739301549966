//! Rows out of a graph, without a hole where they were.
//!
//! Whoever had a link to a row that goes gets its links to choose from: the ways that led through the row
//! lead past it (in-place patching as in Xu, Manohar, Bernstein, Chandramouli, Wen & Simhadri, In-place
//! updates of a graph index for streaming approximate nearest neighbor search, 2025).

use super::links::Graph;
use super::select::select;
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::neighbors::Neighbor;
use crate::parallel::map;

/// Takes all links from and to the rows `gone` (ascending, distinct); the entry becomes a row that stays,
/// of which there must be one. O(links), and O(degree²) distances for each row that loses a link.
pub(super) fn cut_out(
    graph: &mut Graph,
    source: Source<'_>,
    gone: &[u32],
    threads: usize,
    control: Control<'_>,
) -> Result<()> {
    let mut marks = vec![false; graph.len()];
    gone.iter().for_each(|&id| marks[id as usize] = true);
    for level in 0..=graph.top() {
        let losing: Vec<u32> = graph
            .members(level)
            .filter(|&id| !marks[id as usize] && graph.links(id, level).iter().any(|&link| marks[link as usize]))
            .collect();
        let patched = {
            let graph = &*graph;
            let past = |kept: &mut Vec<Neighbor>, i: usize| past(graph, source, level, losing[i], &marks, kept);
            map(threads, losing.len(), Vec::new, past, control)?
        };
        for (&id, links) in losing.iter().zip(patched) {
            graph.set_links(id, level, links.into_iter());
        }
    }
    for &id in gone {
        (0..=graph.level(id)).for_each(|level| graph.set_links(id, level, std::iter::empty()));
    }
    graph.choose_entry_among(|id| !marks[id as usize]);
    Ok(())
}

/// The links of a row that stay, and of those that its lost links led to the ones worth keeping.
fn past(graph: &Graph, source: Source<'_>, level: u8, id: u32, marks: &[bool], kept: &mut Vec<Neighbor>) -> Vec<u32> {
    let (pair, own) = (source.pair(), source.rows.row(id as usize));
    let links = graph.links(id, level);
    let beyond = links.iter().filter(|&&link| marks[link as usize]).flat_map(|&link| graph.links(link, level));
    let staying = |&other: &u32| other != id && !marks[other as usize];
    let with_proxy = |other: u32| Neighbor { proxy: pair.one(own, source.rows.row(other as usize)), id: other };
    let mut all: Vec<Neighbor> = links.iter().chain(beyond).copied().filter(staying).map(with_proxy).collect();
    all.sort_unstable();
    all.dedup();
    select(pair, source.rows, all.iter().copied(), graph.degree(level), kept);
    kept.iter().map(|n| n.id).collect()
}
