//! Rows that are equal, and the rows that equal a query.
//!
//! Links choose among equal rows by chance, so that a walk may come to one copy and not to another. Where one is found,
//! all are.

use crate::control::Control;
use crate::error::Result;
use crate::neighbors::Neighbor;
use crate::parallel;
use crate::points::{Points, RowRef};
use crate::random::mix;
use std::collections::BTreeSet;

/// Digests of all rows, ascending, each above the id of its row.
#[derive(Debug, Default)]
pub(crate) struct Twins {
    keys: Vec<u64>,
    /// A bit for each row whose digest another row has.
    copied: Vec<u64>,
}

impl Twins {
    /// O(n·dim), 8 bytes a row.
    pub fn of_rows(rows: &Points, threads: usize, control: Control<'_>) -> Result<Twins> {
        let digest = |(): &mut (), id: usize| u64::from(digest(rows.row(id))) << 32 | id as u64;
        let mut keys = parallel::map(threads, rows.len(), || (), digest, control)?;
        keys.sort_unstable();
        let mut copied = vec![0u64; rows.len().div_ceil(64)];
        for pair in keys.windows(2).filter(|pair| pair[0] >> 32 == pair[1] >> 32) {
            pair.iter().map(|&key| key as u32).for_each(|id| copied[id as usize / 64] |= 1 << (id % 64));
        }
        Ok(Twins { keys, copied })
    }

    /// Adds the ids of the rows that equal `row`, ascending.
    pub fn of(&self, rows: &Points, row: RowRef<'_>, out: &mut Vec<u32>) {
        self.of_digest(rows, row, digest(row), out);
    }

    fn of_digest(&self, rows: &Points, row: RowRef<'_>, digest: u32, out: &mut Vec<u32>) {
        let first = self.keys.partition_point(|&key| key >> 32 < u64::from(digest));
        let like = self.keys[first..].iter().take_while(|&&key| key >> 32 == u64::from(digest));
        out.extend(like.map(|&key| key as u32).filter(|&id| equal(row, rows.row(id as usize))));
    }

    /// Adds to rows, ascending by (proxy, id), all that equal one of them, at its proxy; how many.
    pub fn complete(&self, rows: &Points, found: &mut Vec<Neighbor>) -> usize {
        let has_copies = |hit: &&Neighbor| self.copied[hit.id as usize / 64] >> (hit.id % 64) & 1 == 1;
        let some: Vec<Neighbor> = found.iter().filter(has_copies).copied().collect();
        let (mut known, mut group, before) = (BTreeSet::<u32>::new(), Vec::new(), found.len());
        for hit in some {
            if known.contains(&hit.id) {
                continue;
            }
            group.clear();
            self.of(rows, rows.row(hit.id as usize), &mut group);
            known.extend(&group);
            found.extend(group.iter().map(|&id| Neighbor { proxy: hit.proxy, id }));
        }
        if known.is_empty() {
            return 0;
        }
        found.sort_unstable();
        found.dedup();
        found.len() - before
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        8 * (self.keys.capacity() + self.copied.capacity())
    }
}

/// Equal rows have equal digests; zeros have no sign.
fn digest(row: RowRef<'_>) -> u32 {
    let number = |value: &f32| u64::from((value + 0.0).to_bits());
    let all = match row {
        RowRef::Dense(values) => fold(values.iter().map(number)),
        RowRef::Sparse(row) => fold(row.indices.iter().zip(row.values).map(|(&i, v)| u64::from(i) << 32 | number(v))),
        RowRef::Bits(bytes) => {
            let (words, _) = bytes.as_chunks::<8>();
            fold(words.iter().map(|&word| u64::from_le_bytes(word)))
        }
    };
    (mix(all) >> 32) as u32
}

fn fold(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0, |all, word| (all.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn equal(a: RowRef<'_>, b: RowRef<'_>) -> bool {
    match (a, b) {
        (RowRef::Dense(a), RowRef::Dense(b)) => a == b,
        (RowRef::Sparse(a), RowRef::Sparse(b)) => a.indices == b.indices && a.values == b.values,
        (RowRef::Bits(a), RowRef::Bits(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dense;

    #[test]
    fn copies_of_what_was_found_are_added_in_order_and_zeros_have_no_sign() {
        let rows = dense(&[0.0, 1.0, -0.0, 1.0, 2.0, 2.0, 3.0, 1.0, 2.0, 2.0, 0.0, 1.0], 2);
        let twins = Twins::of_rows(&rows, 2, Control::none()).unwrap();
        let mut of_first = Vec::new();
        twins.of(&rows, rows.row(0), &mut of_first);
        assert_eq!(of_first, [0, 1, 5]);
        let at = |proxy, id| Neighbor { proxy, id };
        let mut found = vec![at(0.5, 1), at(0.5, 3), at(1.0, 2)];
        assert_eq!(twins.complete(&rows, &mut found), 3);
        assert_eq!(found, [at(0.5, 0), at(0.5, 1), at(0.5, 3), at(0.5, 5), at(1.0, 2), at(1.0, 4)]);
        let mut lone = vec![at(0.1, 3)];
        assert_eq!(twins.complete(&rows, &mut lone), 0);
    }
}
