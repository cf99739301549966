//! The nearest rows met so far: a sorted array with a flag for rows that have been expanded.
//!
//! For the widths in use (tens to hundreds) inserting by a move of a few cache lines beats a heap, and
//! the next row to expand is found by stepping on. A row is one integer, proxy above id above flag, so that
//! one comparison orders two of them.

use crate::neighbors::Neighbor;

/// The flag: lowest, so that it never decides an order.
const EXPANDED: u64 = 1;

/// What a pool has room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// The nearest rows, whatever their proxies.
    pub width: usize,
    /// Rows up to this proxy, nearest first, are taken beyond the width ...
    pub near: f32,
    /// ... as long as there are no more than this in all; at least `width`.
    pub capacity: usize,
}

impl Room {
    /// Room for so many, wherever they are.
    fn of(width: usize) -> Room {
        Room { width, near: f32::NEG_INFINITY, capacity: width }
    }
}

/// At most `capacity` rows, ascending by (proxy, id).
#[derive(Debug, Default)]
pub(crate) struct Pool {
    slots: Vec<u64>,
    width: usize,
    capacity: usize,
    /// Slots below this are near.
    near: u64,
    /// No slot before this one is unexpanded.
    cursor: usize,
    /// What a new row must be below: the last slot of a full pool, or what is near.
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
        self.make_room(Room::of(capacity));
    }

    /// As [`Pool::resume`], with room for near rows beyond the width.
    pub fn make_room(&mut self, Room { width, near, capacity }: Room) {
        (self.width, self.capacity, self.near) = (width, capacity, end_of(near));
        self.slots.truncate(capacity);
        self.slots.iter_mut().for_each(|slot| *slot &= !EXPANDED);
        self.cursor = 0;
        self.set_limit();
    }

    fn set_limit(&mut self) {
        let held = self.slots.len();
        self.limit = if held < self.width {
            u64::MAX
        } else if held < self.capacity {
            self.near.max(self.width.checked_sub(1).map_or(0, |last| self.slots[last] & !EXPANDED))
        } else {
            self.slots.last().map_or(0, |s| s & !EXPANDED)
        };
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

    /// The nearest unexpanded row.
    #[inline]
    pub fn peek(&mut self) -> Option<Neighbor> {
        let slots = self.slots.get(self.cursor..)?;
        self.cursor += slots.iter().position(|slot| slot & EXPANDED == 0)?;
        Some(neighbor(self.slots[self.cursor]))
    }

    /// The nearest unexpanded row, which counts as expanded from now on.
    #[inline]
    pub fn next(&mut self) -> Option<Neighbor> {
        let next = self.peek()?;
        self.slots[self.cursor] |= EXPANDED;
        self.cursor += 1;
        Some(next)
    }

    /// Rows whose proxy is at most `proxy`.
    #[inline]
    pub fn within(&self, proxy: f32) -> usize {
        let end = end_of(proxy);
        self.slots.partition_point(|&slot| slot < end)
    }

    /// Takes a row out, if it is there. O(width).
    pub fn remove(&mut self, id: u32) {
        self.slots.retain(|&slot| neighbor(slot).id != id);
        self.cursor = 0;
        self.set_limit();
    }

    /// Drops rows whose proxy is above `proxy`.
    pub fn keep_within(&mut self, proxy: f32) {
        self.slots.truncate(self.within(proxy));
        self.cursor = self.cursor.min(self.slots.len());
        self.set_limit();
    }

    /// No row beyond this proxy is taken.
    #[inline]
    pub fn farthest(&self) -> f32 {
        if self.limit == u64::MAX { f32::INFINITY } else { neighbor(self.limit).proxy }
    }

    /// The row at a place, from 0.
    #[inline]
    pub fn at(&self, place: usize) -> Option<Neighbor> {
        self.slots.get(place).map(|&slot| neighbor(slot))
    }

    pub fn nearest(&self) -> Option<Neighbor> {
        self.slots.first().map(|&slot| neighbor(slot))
    }

    /// Rows before the one that [`Pool::peek`] gave.
    #[inline]
    pub fn expanded(&self) -> usize {
        self.cursor
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = Neighbor> + '_ {
        self.slots.iter().map(|&slot| neighbor(slot))
    }
}

/// Ids are below 2³¹, so that the flag has room below them. Proxies keep their total order.
#[inline]
fn key(of: Neighbor) -> u64 {
    u64::from(ordered(of.proxy)) << 32 | u64::from(of.id) << 1
}

/// The key behind those of all rows whose proxy is at most `proxy`; none for minus infinity.
#[inline]
fn end_of(proxy: f32) -> u64 {
    // The sum makes zeros of both signs the larger one.
    if proxy == f32::NEG_INFINITY { 0 } else { (u64::from(ordered(proxy + 0.0)) + 1) << 32 }
}

#[inline]
fn ordered(proxy: f32) -> u32 {
    let bits = proxy.to_bits();
    bits ^ (((bits.cast_signed() >> 31).cast_unsigned()) | 1 << 31)
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
    fn near_rows_are_taken_beyond_the_width() {
        let mut pool = Pool::default();
        pool.reset(2);
        pool.make_room(Room { width: 2, near: 3.0, capacity: 5 });
        let offered = [(9.0, 1), (8.0, 2), (7.0, 3), (3.0, 4), (8.5, 5), (2.0, 6), (-0.0, 7), (3.0, 8)];
        let taken: Vec<bool> = offered.map(|(proxy, id)| pool.insert(Neighbor { proxy, id })).to_vec();
        assert_eq!(taken, [true, true, true, true, false, true, true, true]);
        assert_eq!(pool.iter().map(|n| n.id).collect::<Vec<_>>(), [7, 6, 4, 8, 3]);
        assert!(pool.insert(Neighbor { proxy: 1.0, id: 9 }) && !pool.insert(Neighbor { proxy: 3.5, id: 10 }));
        assert_eq!((pool.within(3.0), pool.within(0.0), pool.within(f32::INFINITY), pool.within(-1.0)), (5, 1, 5, 0));
        assert_eq!((pool.next().unwrap().id, pool.peek().unwrap().id, pool.peek().unwrap().id), (7, 9, 9));
        assert_eq!((pool.expanded(), pool.nearest().unwrap().id), (1, 7));
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
