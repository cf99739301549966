//! An order of coded rows in which near rows mostly stand near each other.
//!
//! Tiles along the diagonal of such an order meet most of a row's nearest first, so thresholds are low before the
//! bulk of the tiles comes, and little passes them. The result does not depend on it.
//!
//! A piece picks two of its rows and splits at the median of "how much nearer to the one than to the other", as
//! random projection trees do.

use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::random::draw;
use hnsw_kernels::Kernels;

/// Rows that one worker measures at a time.
const PIECE: usize = 1024;

/// All ids, in pieces of at most `size` rows that are near each other. O(n·log(n / size)) distances of codes.
pub(super) fn near(
    kernels: &'static Kernels,
    codes: &ByteCodes,
    size: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Vec<u32>> {
    let mut rows: Vec<(i64, u32)> = (0..codes.len() as u32).map(|id| (0, id)).collect();
    // Whole pieces of `size` at every depth; the last one may be shorter.
    let pieces = codes.len().div_ceil(size).next_power_of_two();
    for depth in 0..pieces.trailing_zeros() {
        let length = (pieces >> depth) * size;
        // Early depths have few pieces and many rows each: measuring is cut finer than splitting.
        let pivots: Vec<[u32; 2]> = (0u64..)
            .zip(rows.chunks(length))
            .map(|(piece, rows)| {
                [1, 2].map(|i| rows[(draw(u64::from(depth), piece, i) % rows.len() as u64) as usize].1)
            })
            .collect();
        parallel::chunks_mut(
            threads,
            &mut rows,
            PIECE,
            || (),
            |(), start, part| {
                for (at, (side, id)) in (start..).zip(part) {
                    let own = codes.padded(*id as usize);
                    let [a, b] = pivots[at / length].map(|pivot| codes.padded(pivot as usize));
                    *side = i64::from(kernels.u8_l2sq.one(own, a)) - i64::from(kernels.u8_l2sq.one(own, b));
                }
                !control.is_cancelled()
            },
        );
        let half = length / 2;
        parallel::chunks_mut(
            threads,
            &mut rows,
            length,
            || (),
            |(), _, part| {
                if part.len() > half {
                    part.select_nth_unstable(half);
                    // The order within a half must not depend on how the selection moved things.
                    let (left, right) = part.split_at_mut(half);
                    left.sort_unstable_by_key(|&(_, id)| id);
                    right.sort_unstable_by_key(|&(_, id)| id);
                }
                !control.is_cancelled()
            },
        );
        control.check()?;
    }
    Ok(rows.into_iter().map(|(_, id)| id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::clustered;

    #[test]
    fn rows_of_a_cluster_stand_together_whatever_the_threads() {
        // Of 16 clusters of 100 rows, mixed.
        let rows = clustered(1600, 8, 16, 1);
        let mixed: Vec<u32> = (0..1600).map(|i| i % 16 * 100 + i / 16).collect();
        let rows = rows.subset(&mixed).unwrap();
        let codes = ByteCodes::coarse(rows.dense().unwrap(), 1, Control::none()).unwrap().unwrap();
        let order = |threads| near(Kernels::detect(), &codes, 100, threads, Control::none()).unwrap();
        let found = order(1);
        assert_eq!(found, order(3));
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1600));
        let beside = found.windows(2).filter(|pair| pair[0] % 16 == pair[1] % 16).count();
        assert!(beside > 600, "{beside} of 1599 neighbours in the order are of one cluster; 100 by chance");
    }
}
