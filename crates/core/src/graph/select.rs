//! Which candidates become links.

use super::between::Between;
use crate::neighbors::Neighbor;

/// The diversity heuristic (Malkov & Yashunin 2018, algorithm 4; first as RNG pruning in Arya & Mount
/// 1993): a candidate is kept unless a kept one is nearer to it than the row itself is.
///
/// `candidates` ascend by (proxy, id); at most `limit` are kept, in `kept`. Candidates exactly as far
/// from a kept one as from the row (copies of one row above all) may take half of the places: with none
/// of them copies could not be walked through, with only them nothing else could be reached.
pub(crate) fn select_by(
    between: &impl Between,
    candidates: impl Iterator<Item = Neighbor>,
    limit: usize,
    kept: &mut Vec<Neighbor>,
) {
    let (mut ties, mut copies) = (limit / 2, 0);
    kept.clear();
    for candidate in candidates {
        if kept.len() == limit {
            return;
        }
        let is_copy = candidate.proxy == 0.0;
        // A copy of the row is as far from everything as the row is: it hides copies alone.
        match hidden(between, candidate, if is_copy { kept } else { &kept[copies..] }) {
            Hidden::No => {}
            Hidden::Tied if ties > 0 => ties -= 1,
            _ => continue,
        }
        kept.push(candidate);
        copies += usize::from(is_copy);
    }
}

#[derive(PartialEq)]
enum Hidden {
    No,
    Tied,
    Yes,
}

fn hidden(between: &impl Between, candidate: Neighbor, kept: &[Neighbor]) -> Hidden {
    let mut tied = false;
    let nearer = |proxy| {
        tied |= proxy == candidate.proxy;
        proxy < candidate.proxy
    };
    match between.any(candidate.id, kept, nearer) {
        true => Hidden::Yes,
        false if tied => Hidden::Tied,
        false => Hidden::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::between::ByRows;
    use crate::points::{Form, Points, Rows};
    use crate::testing::metric;
    use hnsw_kernels::Kernels;

    #[test]
    fn keeps_one_row_of_each_direction() {
        let metric = metric("euclidean", 2);
        let pair = metric.pair(Kernels::detect(), Form::Dense);
        // Row 0 at the origin, 1 and 2 to the right, 3 to the left, 4 above.
        let rows = Points::from(Rows::from_slice(&[0.0, 0.0, 1.0, 0.0, 2.0, 0.1, -1.5, 0.0, 0.0, 3.0], 2).unwrap());
        let mut all: Vec<Neighbor> =
            (1..5).map(|id| Neighbor { proxy: pair.one(rows.row(0), rows.row(id as usize)), id }).collect();
        all.sort();
        let mut kept = Vec::new();
        select_by(&ByRows { pair, rows: &rows }, all.iter().copied(), 4, &mut kept);
        assert_eq!(kept.iter().map(|n| n.id).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn copies_of_the_row_leave_room_for_others() {
        let metric = metric("euclidean", 1);
        let pair = metric.pair(Kernels::detect(), Form::Dense);
        // Row 0, four copies of it, and two rows on each side.
        let rows = Points::from(Rows::from_slice(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.5, -1.0, -3.0], 1).unwrap());
        let proxy = |id: u32| pair.one(rows.row(0), rows.row(id as usize));
        let mut all: Vec<Neighbor> = (1..9).map(|id| Neighbor { proxy: proxy(id), id }).collect();
        all.sort();
        let mut kept = Vec::new();
        select_by(&ByRows { pair, rows: &rows }, all.iter().copied(), 4, &mut kept);
        assert_eq!(kept.iter().map(|n| n.id).collect::<Vec<_>>(), [1, 2, 3, 5]);
        select_by(&ByRows { pair, rows: &rows }, all.iter().copied(), 6, &mut kept);
        assert_eq!(kept.iter().map(|n| n.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 7]);
    }
}
