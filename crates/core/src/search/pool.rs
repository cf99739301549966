//! The nearest rows met so far: a sorted array with a flag for rows that have been expanded.
//!
//! For the widths in use (tens to hundreds) inserting by a move of a few cache lines beats a heap, and
//! the next row to expand is found by stepping on. A row is one integer, proxy above id above flag, so that
//! one comparison orders two of them.

use crate::neighbors::Neighbor;

/// The flag: lowest, so that it never decides an order.
const EXPANDED: u64 = 1;

/// At most `capacity` rows, ascending by (proxy, id).
#[derive(Debug, Default)]
pub(crate) struct Pool {
    slots: Vec<u64>,
    capacity: usize,
    /// No slot before this one is unexpanded.
    cursor: usize,
    /// What a new row must be below: the last slot of a full pool.
    limit: u64,
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
        self.slots.iter_mut().for_each(|slot| *slot &= !EXPANDED);
        self.cursor = 0;
        self.set_limit();
    }

    fn set_limit(&mut self) {
        self.limit =
            if self.slots.len() < self.capacity { u64::MAX } else { self.slots.last().map_or(0, |s| s & !EXPANDED) };
    }

    /// Gives every row another proxy, and all rows their places by it; `proxies` are those of the rows in the order
    /// of [`Pool::iter`].
    pub fn rescore(&mut self, proxies: &[f32]) {
        debug_assert_eq!(proxies.len(), self.slots.len());
        for (slot, &proxy) in self.slots.iter_mut().zip(proxies) {
            *slot = key(Neighbor { proxy, id: neighbor(*slot).id });
        }
        self.slots.sort_unstable();
        self.resume(self.capacity);
    }

    /// Takes a row that is not in the pool; false if it is too far.
    #[inline]
    pub fn insert(&mut self, new: Neighbor) -> bool {
        let new = key(new);
        if new >= self.limit {
            return false;
        }
        let at = self.slots.partition_point(|&slot| slot < new);
        if self.slots.len() == self.capacity {
            let last = self.slots.len() - 1;
            self.slots.copy_within(at..last, at + 1);
            self.slots[at] = new;
        } else {
            self.slots.insert(at, new);
        }
        self.cursor = self.cursor.min(at);
        self.set_limit();
        true
    }

    /// The nearest unexpanded row, which counts as expanded from now on.
    #[inline]
    pub fn next(&mut self) -> Option<Neighbor> {
        let slots = self.slots.get_mut(self.cursor..)?;
        let step = slots.iter().position(|slot| slot & EXPANDED == 0)?;
        let next = neighbor(slots[step]);
        slots[step] |= EXPANDED;
        self.cursor += step + 1;
        Some(next)
    }

    pub fn iter(&self) -> impl Iterator<Item = Neighbor> + '_ {
        self.slots.iter().map(|&slot| neighbor(slot))
    }
}

/// Ids are below 2³¹, so that the flag has room below them. Proxies keep their total order.
#[inline]
fn key(of: Neighbor) -> u64 {
    let bits = of.proxy.to_bits();
    let ordered = bits ^ (((bits.cast_signed() >> 31).cast_unsigned()) | 1 << 31);
    u64::from(ordered) << 32 | u64::from(of.id) << 1
}

#[inline]
fn neighbor(slot: u64) -> Neighbor {
    let ordered = (slot >> 32) as u32;
    let bits = ordered ^ (((!ordered).cast_signed() >> 31).cast_unsigned() | 1 << 31);
    Neighbor { proxy: f32::from_bits(bits), id: slot as u32 >> 1 }
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
        pool.rescore(&[3.0, -1.0, 2.0]);
        assert_eq!(std::iter::from_fn(|| pool.next()).map(|n| n.id).collect::<Vec<_>>(), [2, 4, 7]);
    }

    #[test]
    fn keys_order_as_neighbours_do() {
        let proxies = [f32::NEG_INFINITY, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1.0, 1.5, f32::INFINITY];
        let all: Vec<Neighbor> =
            proxies.iter().flat_map(|&proxy| [0, 7, (1 << 31) - 1].map(|id| Neighbor { proxy, id })).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1] && key(pair[0]) < key(pair[1])));
        assert!(all.iter().all(|&one| neighbor(key(one)).cmp(&one).is_eq()));
    }
}
