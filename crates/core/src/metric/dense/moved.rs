//! Kantorovich: the cheapest way to move one histogram onto another.

use super::super::pair::Context;
use super::super::transport::{Mass, cheapest};

/// Least cost under the (symmetric) matrix of `with`; rows are shares that sum to 1.
pub(in crate::metric) fn kantorovich(a: &[f32], b: &[f32], with: &Context) -> f32 {
    // Always the same way round, so that both ways give the same bits.
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    let mass = |row: &[f32]| Mass::of(row.iter().enumerate().map(|(column, &share)| (column, share)));
    let cost = with.cost();
    cheapest(&mass(a), &mass(b), |i, j| f64::from(cost[i * with.dim + j]))
}
