//! Rows out of a graph, without a hole where they were.
//!
//! Whoever had a link to a row that goes gets its links to choose from: the ways that led through the row
//! lead past it (in-place patching as in Xu, Manohar, Bernstein, Chandramouli, Wen & Simhadri, In-place
//! updates of a graph index for streaming approximate nearest neighbor search, 2025).

use super::between::Between;
use super::links::Graph;
use crate::control::Control;
use crate::error::Result;
use crate::neighbors::Neighbor;
use crate::parallel::map;

/// Rows that go, and rows behind them, that are looked at for one row.
const MOST_LOST: usize = 48;
const MOST_FOUND: usize = 96;
/// Rows that are looked at for each link that is lost, and once more.
const FOUND_FOR_EACH: usize = 4;

/// The graph without links from and to the rows `lost`, and without the rows `gone`, which are among them (both ascending,
/// distinct, of `lost` not all rows): the rows behind them move up.
pub(crate) fn without(
    graph: &Graph,
    between: &impl Between,
    lost: &[u32],
    gone: &[u32],
    threads: usize,
    control: Control<'_>,
) -> Result<Graph> {
    let mut graph = graph.clone();
    cut_out(&mut graph, between, lost, threads, control)?;
    if gone.is_empty() { Ok(graph) } else { graph.compacted(gone) }
}

/// Takes all links from and to the rows `gone` (ascending, distinct); the entry becomes a row that stays,
/// of which there must be one. O(links), and some hundred proxies for each row that loses a link.
fn cut_out(
    graph: &mut Graph,
    between: &impl Between,
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
            let past = |room: &mut Beyond, i: usize| past(graph, between, level, losing[i], &marks, room);
            map(threads, losing.len(), Beyond::default, past, control)?
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

/// Room of [`past`], used again from row to row.
#[derive(Default)]
struct Beyond {
    /// Links that stay.
    kept: Vec<Neighbor>,
    /// Rows that go, in the order in which they are met.
    lost: Vec<u32>,
    /// Rows beyond them that stay.
    met: Vec<u32>,
    found: Vec<Neighbor>,
}

/// The links of a row that stay, and in the places of the others what lies beyond them: the nearest rows that no link hides.
/// Ways lead through rows that go until they come to some that stay, so that a whole region that goes leaves no gap.
fn past(graph: &Graph, between: &impl Between, level: u8, id: u32, marks: &[bool], beyond: &mut Beyond) -> Vec<u32> {
    let Beyond { kept, lost, met, found } = beyond;
    kept.clear();
    [&mut *lost, met].into_iter().for_each(Vec::clear);
    found.clear();
    for &link in graph.links(id, level) {
        match marks[link as usize] {
            true => lost.push(link),
            false => kept.push(Neighbor { proxy: 0.0, id: link }),
        }
    }
    let full = kept.len() + lost.len();
    let wanted = (FOUND_FOR_EACH * (lost.len() + 1)).min(MOST_FOUND);
    let mut next = 0;
    while next < lost.len() && met.len() < wanted {
        for &link in graph.links(lost[next], level) {
            if !marks[link as usize] {
                let known = link == id || kept.iter().any(|kept| kept.id == link) || met.contains(&link);
                if !known {
                    between.prefetch(link);
                    met.push(link);
                }
            } else if lost.len() < MOST_LOST && !lost.contains(&link) {
                lost.push(link);
            }
        }
        next += 1;
    }
    let (fours, rest) = met.as_chunks::<4>();
    let scored =
        fours.iter().flat_map(|&four| between.four(id, four)).chain(rest.iter().map(|&one| between.one(id, one)));
    found.extend(met.iter().zip(scored).map(|(&id, proxy)| Neighbor { proxy, id }));
    found.sort_unstable();
    for &candidate in &*found {
        if kept.len() == full {
            break;
        }
        if !between.any(candidate.id, kept, |proxy| proxy < candidate.proxy) {
            kept.push(candidate);
        }
    }
    kept.iter().map(|kept| kept.id).collect()
}
