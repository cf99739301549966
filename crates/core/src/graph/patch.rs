//! Rows out of a graph, without a hole where they were.
//!
//! Whoever had a link to a row that goes gets its links to choose from: the ways that led through the row
//! lead past it (in-place patching as in Xu, Manohar, Bernstein, Chandramouli, Wen & Simhadri, In-place
//! updates of a graph index for streaming approximate nearest neighbor search, 2025).

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
/// distinct, of `lost` not all rows): the rows behind them move up. `between` is the proxy of two rows.
pub(crate) fn without(
    graph: &Graph,
    between: &(impl Fn(u32, u32) -> f32 + Sync),
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
    between: &(impl Fn(u32, u32) -> f32 + Sync),
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
    /// Rows that go, in the order in which they are met.
    lost: Vec<u32>,
    found: Vec<Neighbor>,
}

/// The links of a row that stay, and in the places of the others what lies beyond them: the nearest rows that no link hides.
/// Ways lead through rows that go until they come to some that stay, so that a whole region that goes leaves no gap.
fn past(
    graph: &Graph,
    between: &impl Fn(u32, u32) -> f32,
    level: u8,
    id: u32,
    marks: &[bool],
    beyond: &mut Beyond,
) -> Vec<u32> {
    let Beyond { lost, found } = beyond;
    lost.clear();
    found.clear();
    let (gone, mut kept): (Vec<u32>, Vec<u32>) = graph.links(id, level).iter().partition(|&&link| marks[link as usize]);
    lost.extend(&gone);
    let wanted = (FOUND_FOR_EACH * (gone.len() + 1)).min(MOST_FOUND);
    let mut next = 0;
    while next < lost.len() && found.len() < wanted {
        for &link in graph.links(lost[next], level) {
            if !marks[link as usize] {
                let known = link == id || kept.contains(&link) || found.iter().any(|other| other.id == link);
                if !known {
                    found.push(Neighbor { proxy: between(id, link), id: link });
                }
            } else if lost.len() < MOST_LOST && !lost.contains(&link) {
                lost.push(link);
            }
        }
        next += 1;
    }
    found.sort_unstable();
    let full = kept.len() + gone.len();
    for candidate in &*found {
        if kept.len() == full {
            break;
        }
        if kept.iter().all(|&other| between(candidate.id, other) >= candidate.proxy) {
            kept.push(candidate.id);
        }
    }
    kept
}
