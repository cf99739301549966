//! The nearest rows known so far: `kept` per row, ascending by (proxy, id), each marked while it is new.

use super::local::Local;
use super::partition::{Leaves, cut};
use crate::control::Phase;
use crate::error::Result;
use crate::knn::{EMPTY, Knn};
use crate::parallel;

/// `n x kept` rows, proxies and marks.
pub(super) struct Table {
    knn: Knn,
    /// Not yet compared with its row's other neighbours.
    fresh: Vec<bool>,
}

/// One row of the table.
pub(super) struct Entry<'a> {
    ids: &'a mut [u32],
    proxies: &'a mut [f32],
    fresh: &'a mut [bool],
}

impl Table {
    pub fn empty(n: usize, kept: usize) -> Result<Table> {
        Ok(Table { knn: Knn::empty(n, kept)?, fresh: vec![false; n * kept] })
    }

    pub fn rows(&self) -> usize {
        self.knn.rows()
    }

    /// Ids of a row, `EMPTY` at the end.
    pub fn ids(&self, row: usize) -> &[u32] {
        &self.knn.ids[row * self.knn.k..(row + 1) * self.knn.k]
    }

    /// Whether each id of a row is new.
    pub fn fresh(&self, row: usize) -> &[bool] {
        &self.fresh[row * self.knn.k..(row + 1) * self.knn.k]
    }

    /// Largest proxy kept by a row; infinite while it has room.
    #[inline]
    pub fn worst(&self, row: u32) -> f32 {
        self.knn.proxies[(row as usize + 1) * self.knn.k - 1]
    }

    /// All rows, for changes from many threads.
    pub fn entries(&mut self) -> Vec<Entry<'_>> {
        let k = self.knn.k.max(1);
        let cells = self.knn.ids.chunks_mut(k).zip(self.knn.proxies.chunks_mut(k)).zip(self.fresh.chunks_mut(k));
        cells.map(|((ids, proxies), fresh)| Entry { ids, proxies, fresh }).collect()
    }

    /// Offers every row all rows of its leaf.
    pub fn join_leaves<L: Local>(
        &mut self,
        local: &L,
        leaves: Leaves,
        threads: usize,
        phase: &Phase<'_>,
    ) -> Result<()> {
        let mut by_id: Vec<Option<Entry<'_>>> = self.entries().into_iter().map(Some).collect();
        let mut in_order: Vec<Entry<'_>> = leaves.order.iter().filter_map(|&id| by_id[id as usize].take()).collect();
        let mut pieces: Vec<_> = leaves
            .pieces
            .iter()
            .map(|piece| &leaves.order[piece.clone()])
            .zip(cut(&mut in_order, &leaves.pieces))
            .collect();
        parallel::chunks_mut(
            threads,
            &mut pieces,
            1,
            || (local.scratch(), Vec::new()),
            |(scratch, proxies), _, piece| {
                let (ids, entries) = &mut piece[0];
                local.proxies(ids, ids.len(), scratch, proxies);
                for ((&own, entry), proxies) in ids.iter().zip(entries.iter_mut()).zip(proxies.chunks(ids.len())) {
                    for (&id, &proxy) in ids.iter().zip(proxies).filter(|&(&id, _)| id != own) {
                        entry.offer(id, proxy);
                    }
                }
                !phase.advance(ids.len() as u64)
            },
        );
        phase.check()
    }
}

impl Entry<'_> {
    /// Rows among `compared` are no longer new.
    pub fn mark_compared(&mut self, compared: &[u32]) {
        for (id, fresh) in self.ids.iter().zip(self.fresh.iter_mut()) {
            *fresh = *fresh && !compared.contains(id);
        }
    }

    /// Takes a row unless it is known or too far. The outcome of many offers does not depend on their order.
    #[inline]
    pub fn offer(&mut self, id: u32, proxy: f32) -> bool {
        let last = self.ids.len() - 1;
        if proxy > self.proxies[last] || (proxy == self.proxies[last] && id >= self.ids[last]) {
            return false;
        }
        let at = self.proxies.partition_point(|&p| p < proxy);
        let tied = self.proxies[at..].iter().take_while(|&&p| p == proxy).count();
        let at = at + self.ids[at..at + tied].partition_point(|&other| other < id);
        if self.ids[at] == id {
            return false;
        }
        self.ids.copy_within(at..last, at + 1);
        self.proxies.copy_within(at..last, at + 1);
        self.fresh.copy_within(at..last, at + 1);
        (self.ids[at], self.proxies[at], self.fresh[at]) = (id, proxy, true);
        true
    }
}

/// An id that no row has ends every row's list; it must sort behind all others.
const _: () = assert!(EMPTY == u32::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_in_any_order_leave_the_same_rows() {
        let offers = [(5, 3.0), (1, 2.0), (9, 2.0), (4, 7.0), (1, 2.0), (7, 0.5), (3, 2.0), (8, 3.0)];
        let outcome = |order: &[(u32, f32)]| {
            let mut table = Table::empty(1, 4).unwrap();
            order.iter().for_each(|&(id, proxy)| {
                table.entries()[0].offer(id, proxy);
            });
            table.ids(0).to_vec()
        };
        let mut reversed = offers;
        reversed.reverse();
        assert_eq!(outcome(&offers), [7, 1, 3, 9]);
        assert_eq!(outcome(&reversed), [7, 1, 3, 9]);
    }
}
