//! Rows that are equal to other rows.
//!
//! Only the first copy of a row may be on upper levels: there, copies would fill the narrow walk and
//! hide everything behind them.
//!
//! Where a row has more copies than candidates, all its candidates are copies: nothing would lead out of
//! the group, and ties by id would make every copy choose the same few. Then the graph is built over
//! the first copies alone, and the others follow theirs in a ring: a walk that meets one meets them all.

use super::links::Graph;
use crate::knn::Knn;
use std::collections::BTreeMap;

/// Whether row `id`, whose nearest other row is `nearest`, is a copy of a row before it.
pub(super) fn is_later_copy(nearest: Option<(u32, f32)>, id: u32) -> bool {
    nearest.is_some_and(|(other, proxy)| proxy == 0.0 && other < id)
}

/// The later copies behind each first copy, where some row has nothing but copies in its table.
pub(super) struct Crowds(BTreeMap<u32, Vec<u32>>);

impl Crowds {
    /// `None` where every row's table reaches beyond its copies.
    pub fn of(table: &Knn) -> Option<Crowds> {
        let only_copies = |row| table.row(row).next_back().is_some_and(|(_, proxy)| proxy == 0.0);
        if !(0..table.rows()).any(only_copies) {
            return None;
        }
        let mut followers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for id in 0..table.rows() as u32 {
            let first = first_copy(table, id);
            if first != id {
                followers.entry(first).or_default().push(id);
            }
        }
        Some(Crowds(followers))
    }

    /// Rows that are no copy of an earlier one, ascending.
    pub fn distinct(table: &Knn) -> Vec<u32> {
        (0..table.rows() as u32).filter(|&id| first_copy(table, id) == id).collect()
    }

    /// Hangs the later copies behind their first ones on level 0.
    pub fn close_rings(&self, graph: &mut Graph) {
        for (&first, followers) in &self.0 {
            let mut links = graph.links(first, 0).to_vec();
            links.truncate(graph.degree(0) - 1);
            links.push(followers[0]);
            graph.set_links(first, 0, links.into_iter());
            for (&id, &next) in followers.iter().zip(followers[1..].iter().chain([&first])) {
                let way_back = (next != first).then_some(first);
                graph.set_links(id, 0, [next].into_iter().chain(way_back));
            }
        }
    }
}

/// The row that `id` is a copy of, `id` itself if it is the first of its kind.
fn first_copy(table: &Knn, mut id: u32) -> u32 {
    while let Some((other, _)) = table.row(id as usize).next().filter(|&near| is_later_copy(Some(near), id)) {
        id = other;
    }
    id
}
