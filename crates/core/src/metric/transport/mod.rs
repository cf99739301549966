//! The cheapest way to move one set of masses onto another: a transport problem, solved exactly.
//!
//! `tree` is the network simplex.

mod tree;

use tree::Tree;

/// A histogram: the columns that hold something, and what share of the whole.
pub(super) struct Mass {
    columns: Vec<usize>,
    shares: Vec<f64>,
}

impl Mass {
    /// Of the columns with values; these are not negative, and 0 in all but at least one.
    pub fn of(values: impl Iterator<Item = (usize, f32)>) -> Mass {
        let (columns, mut shares): (Vec<usize>, Vec<f64>) =
            values.filter(|&(_, value)| value != 0.0).map(|(column, value)| (column, f64::from(value))).unzip();
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        Mass { columns, shares }
    }
}

/// The least total of `share * cost` over all ways to move `from` onto `to`; `cost(i, j)` of a unit between two
/// columns is 0 or more. Typically about (sources + sinks) pivots, each of O(sources + sinks); memory of
/// O(sources x sinks).
pub(super) fn cheapest(from: &Mass, to: &Mass, cost: impl Fn(usize, usize) -> f64) -> f32 {
    solve(&from.shares, &to.shares, |i, j| cost(from.columns[i], to.columns[j])) as f32
}

fn solve(supply: &[f64], demand: &[f64], cost: impl Fn(usize, usize) -> f64) -> f64 {
    if supply.is_empty() || demand.is_empty() {
        return 0.0;
    }
    let mut tree = Tree::greedy(supply, demand, cost);
    let mut row = 0;
    // Far above what any problem takes; the flow is feasible whenever we stop.
    for _ in 0..200 * (supply.len() + demand.len()) + 1000 {
        let Some((source, sink)) = tree.entering(&mut row) else { break };
        tree.pivot(source, sink);
    }
    tree.total()
}

#[cfg(test)]
mod tests {
    use super::solve;
    use crate::testing::Rng;

    fn shares(rng: &mut Rng, n: usize, levels: u64) -> Vec<f64> {
        let values: Vec<f64> = (0..n).map(|_| 1.0 + rng.below(levels) as f64).collect();
        let sum: f64 = values.iter().sum();
        values.iter().map(|v| v / sum).collect()
    }

    /// Bellman-Ford augmentations: slow, and of another kind.
    fn by_augmenting(supply: &[f64], demand: &[f64], cost: &dyn Fn(usize, usize) -> f64) -> f64 {
        let (n, m) = (supply.len(), demand.len());
        let (mut left, mut open) = (supply.to_vec(), demand.to_vec());
        let mut flow = vec![0.0; n * m];
        let mut total = 0.0;
        loop {
            let mut far: Vec<f64> = left.iter().map(|&v| if v > 1e-12 { 0.0 } else { f64::INFINITY }).collect();
            far.extend(std::iter::repeat_n(f64::INFINITY, m));
            let mut from = vec![usize::MAX; n + m];
            for _ in 0..n + m {
                for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
                    if far[i] + cost(i, j) < far[n + j] - 1e-14 {
                        (far[n + j], from[n + j]) = (far[i] + cost(i, j), i);
                    }
                    if flow[i * m + j] > 1e-12 && far[n + j] - cost(i, j) < far[i] - 1e-14 {
                        (far[i], from[i]) = (far[n + j] - cost(i, j), n + j);
                    }
                }
            }
            let end = (0..m).filter(|&j| open[j] > 1e-12).min_by(|&a, &b| far[n + a].total_cmp(&far[n + b]));
            let Some(end) = end.filter(|&j| far[n + j].is_finite()) else { return total };
            let mut path = vec![n + end];
            while from[path[path.len() - 1]] != usize::MAX {
                path.push(from[path[path.len() - 1]]);
            }
            let start = path[path.len() - 1];
            let mut moved = left[start].min(open[end]);
            for pair in path.windows(2) {
                if pair[0] < n {
                    moved = moved.min(flow[pair[0] * m + pair[1] - n]);
                }
            }
            for pair in path.windows(2) {
                if pair[0] < n {
                    flow[pair[0] * m + pair[1] - n] -= moved;
                } else {
                    flow[pair[1] * m + pair[0] - n] += moved;
                }
            }
            total += moved * far[n + end];
            left[start] -= moved;
            open[end] -= moved;
        }
    }

    #[test]
    fn costs_the_least_on_random_problems_with_and_without_ties() {
        let mut rng = Rng::new(7);
        for round in 0..200 {
            let (n, m) = (1 + rng.below(9) as usize, 1 + rng.below(9) as usize);
            let levels = if round % 2 == 0 { 2 } else { 1000 };
            let (supply, demand) = (shares(&mut rng, n, levels), shares(&mut rng, m, levels));
            let table: Vec<f64> = (0..n * m).map(|_| rng.below(levels * 3) as f64).collect();
            let cost = |i: usize, j: usize| table[i * m + j];
            let (seen, expected) = (solve(&supply, &demand, cost), by_augmenting(&supply, &demand, &cost));
            assert!((seen - expected).abs() < 1e-8, "round {round}, {n} x {m}: {seen}, expected {expected}");
        }
    }

    #[test]
    fn equal_masses_on_a_line_cost_the_area_between_their_sums() {
        let n = 60;
        let mut rng = Rng::new(3);
        let (supply, demand) = (shares(&mut rng, n, 5), shares(&mut rng, n, 5));
        let mut area = 0.0;
        let mut ahead = 0.0f64;
        for (a, b) in supply.iter().zip(&demand) {
            ahead += a - b;
            area += ahead.abs();
        }
        // Columns in another order, so that the first basis is a poor one.
        let place = |i: usize| (i * 37) % n;
        let shuffled = |masses: &[f64]| (0..n).map(|i| masses[place(i)]).collect::<Vec<_>>();
        let cost = |i: usize, j: usize| (place(i) as f64 - place(j) as f64).abs();
        assert!((solve(&shuffled(&supply), &shuffled(&demand), cost) - area).abs() < 1e-9);
    }
}
