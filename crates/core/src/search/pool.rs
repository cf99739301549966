//! The nearest rows met so far: a sorted array with a flag for rows that have been expanded.
//!
//! For the widths in use (tens to hundreds) inserting by a move of a few cache lines beats a heap, and
//! the next row to expand is found by stepping on.

use crate::neighbors::Neighbor;

/// Flag of an expanded row, beside ids below 2³¹.
const EXPANDED: u32 = 1 << 31;

/// At most `capacity` rows, ascending by (proxy, id).
#[derive(Debug, Default)]
pub(crate) struct Pool {
    slots: Vec<Neighbor>,
    capacity: usize,
    /// No slot before this one is unexpanded.
    cursor: usize,
}

impl Pool {
    /// Empties the pool and sets its capacity.
    pub fn reset(&mut self, capacity: usize) {
        self.slots.clear();
        self.resume(capacity);
    }

    /// Sets the capacity and makes all rows in the pool unexpanded again.
    pub fn resume(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.slots.truncate(capacity);
        self.slots.iter_mut().for_each(|slot| slot.id &= !EXPANDED);
        self.cursor = 0;
    }

    /// Gives every row another proxy, and all rows their places by it.
    pub fn rescore(&mut self, proxy: impl Fn(u32) -> f32) {
        for slot in &mut self.slots {
            let id = slot.id & !EXPANDED;
            *slot = Neighbor { proxy: proxy(id), id };
        }
        self.slots.sort_unstable();
        self.cursor = 0;
    }

    /// Takes a row that is not in the pool; false if it is too far.
    #[inline]
    pub fn insert(&mut self, new: Neighbor) -> bool {
        let full = self.slots.len() == self.capacity;
        if full && self.slots.last().is_none_or(|last| plain(*last) <= new) {
            return false;
        }
        let at = self.slots.partition_point(|slot| plain(*slot) < new);
        if full {
            self.slots.pop();
        }
        self.slots.insert(at, new);
        self.cursor = self.cursor.min(at);
        true
    }

    /// The nearest unexpanded row, which counts as expanded from now on.
    #[inline]
    pub fn next(&mut self) -> Option<Neighbor> {
        let slots = self.slots.get_mut(self.cursor..)?;
        let step = slots.iter().position(|slot| slot.id & EXPANDED == 0)?;
        let next = slots[step];
        slots[step].id |= EXPANDED;
        self.cursor += step + 1;
        Some(next)
    }

    pub fn iter(&self) -> impl Iterator<Item = Neighbor> + '_ {
        self.slots.iter().map(|&slot| plain(slot))
    }
}

#[inline]
fn plain(slot: Neighbor) -> Neighbor {
    Neighbor { proxy: slot.proxy, id: slot.id & !EXPANDED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_nearest_and_expands_them_in_order() {
        let mut pool = Pool::default();
        pool.reset(3);
        for (proxy, id) in [(5.0, 1), (1.0, 2), (3.0, 3), (2.0, 4)] {
            pool.insert(Neighbor { proxy, id });
        }
        assert!(!pool.insert(Neighbor { proxy: 3.0, id: 9 }));
        assert_eq!(pool.next().unwrap().id, 2);
        assert!(pool.insert(Neighbor { proxy: 0.5, id: 7 }));
        assert_eq!(std::iter::from_fn(|| pool.next()).map(|n| n.id).collect::<Vec<_>>(), [7, 4]);
        assert_eq!(pool.iter().map(|n| n.id).collect::<Vec<_>>(), [7, 2, 4]);
    }
}
