//! Which row has which id: the same numbers until rows are deleted.
//!
//! Rows lie in slots without gaps, in the order of their ids. An id is given once: a row that comes after a deletion
//! gets the next id that no row has had.

use crate::points::MAX_ROWS;

/// The ids of the rows of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    /// The id of each slot, ascending; empty while every slot has its own number.
    by_slot: Vec<u32>,
    rows: usize,
    /// What the next row gets.
    next: u32,
}

impl Ids {
    /// Of `rows` rows that have their own numbers.
    pub fn first(rows: usize) -> Ids {
        Ids { by_slot: Vec::new(), rows, next: rows as u32 }
    }

    /// From what is stored; `None` where no index has such ids.
    pub fn from_parts(by_slot: Vec<u32>, next: u32) -> Option<Ids> {
        let ascend = by_slot.windows(2).all(|pair| pair[0] < pair[1]);
        let below = by_slot.last().is_some_and(|&last| last < next) && next as usize <= MAX_ROWS;
        (ascend && below).then(|| Ids { rows: by_slot.len(), by_slot, next }.simplest())
    }

    /// The id of every slot, where they are not the same numbers or rows have been deleted.
    pub fn parts(&self) -> Option<(Vec<u32>, u32)> {
        let all = || (0..self.rows).map(|slot| self.of(slot as u32)).collect();
        (!self.are_slots() || self.next as usize != self.rows).then(|| (all(), self.next))
    }

    /// Whether ids and slots are the same numbers.
    pub fn are_slots(&self) -> bool {
        self.by_slot.is_empty()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// What the next row gets; no id is as large.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// The id of a slot.
    #[inline]
    pub fn of(&self, slot: u32) -> u32 {
        if self.are_slots() { slot } else { self.by_slot[slot as usize] }
    }

    /// The slot of an id, where a row has it. O(log n).
    pub fn slot(&self, id: u32) -> Option<u32> {
        if self.are_slots() {
            return ((id as usize) < self.rows).then_some(id);
        }
        self.by_slot.binary_search(&id).ok().map(|slot| slot as u32)
    }

    /// Without the slots `gone` (ascending, distinct), and with `fresh` more rows.
    pub fn changed(&self, gone: &[u32], fresh: usize) -> Ids {
        let (rows, next) = (self.rows - gone.len() + fresh, self.next + fresh as u32);
        if self.are_slots() && gone.is_empty() && self.next as usize == self.rows {
            return Ids { by_slot: Vec::new(), rows, next };
        }
        let mut gone = gone.iter().copied().peekable();
        let stays = |slot: &u32| gone.next_if_eq(slot).is_none();
        let kept = (0..self.rows as u32).filter(stays).map(|slot| self.of(slot));
        let by_slot = kept.chain(self.next..next).collect();
        Ids { by_slot, rows, next }.simplest()
    }

    /// Slots that have their own numbers need no list.
    fn simplest(mut self) -> Ids {
        if self.by_slot.last().is_some_and(|&last| last as usize + 1 == self.rows) {
            self.by_slot = Vec::new();
        }
        self
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        4 * self.by_slot.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ids: &Ids) -> Vec<u32> {
        (0..ids.len() as u32).map(|slot| ids.of(slot)).collect()
    }

    #[test]
    fn no_id_is_given_twice_and_slots_have_no_gaps() {
        let ids = Ids::first(5).changed(&[], 1);
        assert!(ids.are_slots());
        let ids = ids.changed(&[0, 3], 0);
        assert_eq!((all(&ids), ids.next()), (vec![1, 2, 4, 5], 6));
        assert_eq!((ids.slot(4), ids.slot(3), ids.slot(6)), (Some(2), None, None));
        let ids = ids.changed(&[3], 2);
        assert_eq!((all(&ids), ids.next()), (vec![1, 2, 4, 6, 7], 8));
    }

    #[test]
    fn the_last_rows_deleted_leave_slots_for_ids_and_their_ids_are_not_given_again() {
        let ids = Ids::first(4).changed(&[2, 3], 0);
        assert!(ids.are_slots());
        assert_eq!(all(&ids.changed(&[], 2)), [0, 1, 4, 5]);
    }

    #[test]
    fn what_is_stored_comes_back_and_other_lists_are_refused() {
        for ids in [Ids::first(3).changed(&[1], 1), Ids::first(3).changed(&[2], 0)] {
            let (by_slot, next) = ids.parts().unwrap();
            assert_eq!(Ids::from_parts(by_slot, next).unwrap(), ids);
        }
        assert!(Ids::first(3).parts().is_none());
        for (by_slot, next) in [(vec![0, 0], 2), (vec![1, 0], 2), (vec![0, 2], 2), (vec![], 0), (vec![0], u32::MAX)] {
            assert!(Ids::from_parts(by_slot, next).is_none());
        }
    }
}
