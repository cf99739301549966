//! Which candidates become links.

use crate::neighbors::Neighbor;

/// The diversity heuristic (Malkov & Yashunin 2018, algorithm 4; first as RNG pruning in Arya & Mount
/// 1993): a candidate is kept unless a kept one is nearer to it than the row itself is.
///
/// `between` gives the proxy of two rows; `candidates` ascend by (proxy, id); at most `limit` are kept, in `kept`. Candidates exactly as far
/// from a kept one as from the row (copies of one row above all) may take half of the places: with none
/// of them copies could not be walked through, with only them nothing else could be reached.
pub(crate) fn select_by(
    between: impl Fn(u32, u32) -> f32,
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
        match hidden(&between, candidate, kept) {
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

fn hidden(between: &impl Fn(u32, u32) -> f32, candidate: Neighbor, kept: &[Neighbor]) -> Hidden {
    let mut verdict = Hidden::No;
    for other in kept {
        let between = between(candidate.id, other.id);
        if between < candidate.proxy {
            return Hidden::Yes;
        }
        if between == candidate.proxy {
            verdict = Hidden::Tied;
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
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
        select_by(|a, b| pair.one(rows.row(a as usize), rows.row(b as usize)), all.iter().copied(), 4, &mut kept);
        assert_eq!(kept.iter().map(|n| n.id).collect::<Vec<_>>(), [1, 3, 4]);
    }
}
