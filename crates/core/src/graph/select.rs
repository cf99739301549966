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
    let mut ties = limit / 2;
    kept.clear();
    for candidate in candidates {
        if kept.len() == limit {
            return;
        }
        match hidden(between, candidate, kept) {
            Hidden::No => kept.push(candidate),
            Hidden::Tied if ties > 0 => {
                ties -= 1;
                kept.push(candidate);
            }
            _ => {}
        }
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
}
