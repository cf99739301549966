//! What each row of a block keeps of all the candidates that tiles offer it.
//!
//! A row keeps the `keep` smallest by (value, id). Candidates go to a buffer; when it is full a partial
//! sort throws out the rest and tightens the threshold. Thresholds only fall, so a stale copy of one
//! lets too much through, never too little.

use super::tiles::Value;

/// The kept candidates of `rows` rows.
pub(crate) struct Selection<V: Value> {
    keep: usize,
    capacity: usize,
    keys: Vec<u64>,
    counts: Vec<u32>,
    thresholds: Vec<V>,
}

impl<V: Value> Selection<V> {
    pub fn new(rows: usize, keep: usize) -> Self {
        let capacity = keep + keep.max(16);
        Selection {
            keep,
            capacity,
            keys: vec![0; rows * capacity],
            counts: vec![0; rows],
            thresholds: vec![V::OPEN; rows],
        }
    }

    /// A candidate above its row's threshold cannot be kept.
    pub fn thresholds(&self) -> &[V] {
        &self.thresholds
    }

    #[inline]
    pub fn push(&mut self, row: usize, value: V, id: u32) {
        if self.keep == 0 || value > self.thresholds[row] {
            return;
        }
        let count = self.counts[row] as usize;
        self.keys[row * self.capacity + count] = pack(value, id);
        self.counts[row] = count as u32 + 1;
        if count + 1 == self.capacity {
            self.tighten(row);
        }
    }

    fn tighten(&mut self, row: usize) {
        let start = row * self.capacity;
        let buffer = &mut self.keys[start..start + self.capacity];
        let (_, &mut worst, _) = buffer.select_nth_unstable(self.keep - 1);
        self.counts[row] = self.keep as u32;
        self.limit(row, unpack::<V>(worst).0);
    }

    /// Drops what is above `value` from now on.
    pub fn limit(&mut self, row: usize, value: V) {
        if value < self.thresholds[row] {
            self.thresholds[row] = value;
        }
    }

    /// The kept candidates of a row, ascending by (value, id).
    pub fn finish(&mut self, row: usize) -> impl Iterator<Item = (V, u32)> + '_ {
        let start = row * self.capacity;
        let kept = &mut self.keys[start..start + self.counts[row] as usize];
        kept.sort_unstable();
        kept.iter().take(self.keep).map(|&key| unpack(key))
    }
}

#[inline]
fn pack<V: Value>(value: V, id: u32) -> u64 {
    u64::from(value.key()) << 32 | u64::from(id)
}

#[inline]
fn unpack<V: Value>(key: u64) -> (V, u32) {
    (V::of_key((key >> 32) as u32), key as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_smallest_by_value_and_id_whatever_the_order() {
        let values: Vec<(f32, u32)> = (0..1000u32).map(|id| (((id * 7919) % 50) as f32, id)).collect();
        let mut expected = values.clone();
        expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        expected.truncate(5);
        for order in [values.clone(), values.iter().rev().copied().collect()] {
            let mut selection = Selection::<f32>::new(2, 5);
            order.iter().for_each(|&(value, id)| selection.push(1, value, id));
            assert_eq!(selection.finish(1).collect::<Vec<_>>(), expected);
            assert_eq!(selection.finish(0).count(), 0);
        }
    }

    #[test]
    fn values_below_zero_come_first_and_zero_has_no_sign() {
        let mut selection = Selection::<f32>::new(1, 4);
        let offered = [(1e-9, 4), (-1e-3, 9), (0.0, 3), (-7.5, 6), (-0.0, 2), (-7.25, 1)];
        offered.into_iter().for_each(|(v, id)| selection.push(0, v, id));
        assert_eq!(selection.finish(0).collect::<Vec<_>>(), [(-7.5, 6), (-7.25, 1), (-1e-3, 9), (0.0, 2)]);
    }

    #[test]
    fn a_limit_stays_when_what_was_kept_before_is_above_it() {
        let mut selection = Selection::<i32>::new(1, 3);
        (10..20).for_each(|id| selection.push(0, id as i32, id));
        selection.limit(0, 5);
        (0..30).for_each(|id| selection.push(0, 5 + id as i32 % 2, id));
        assert_eq!(selection.thresholds(), [5]);
        assert_eq!(selection.finish(0).collect::<Vec<_>>(), [(5, 0), (5, 2), (5, 4)]);
    }
}
