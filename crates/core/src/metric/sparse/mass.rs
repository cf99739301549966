//! Distances between histograms that say how far mass has to move.

use super::super::pair::Context;
use super::super::transport::{Mass, cheapest};
use super::merge_columns;
use crate::points::SparseRow;

/// Norm of order `p` of F - G over all columns but the last, for `p` = 2 its square. Rows hold their distribution
/// functions F and G where these change.
pub(in crate::metric) fn wasserstein(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context) -> f32 {
    match with.p {
        1.0 => steps(a, b, with, |apart| apart).0 as f32,
        2.0 => steps(a, b, with, |apart| apart * apart).0 as f32,
        f64::INFINITY => steps(a, b, with, |apart| apart).1 as f32,
        p => steps(a, b, with, |apart| apart.powf(p)).0.powf(1.0 / p) as f32,
    }
}

/// Sum and maximum of `of(|F - G|)` over all columns but the last.
fn steps(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context, of: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut f, mut g, mut since, mut sum, mut largest) = (0.0f64, 0.0f64, 0, 0.0, 0.0f64);
    let mut until = |column: u32, f: f64, g: f64| {
        if column > since {
            let value = of((f - g).abs());
            sum += value * f64::from(column - since);
            largest = largest.max(value);
            since = column;
        }
    };
    merge_columns(a, b, |column, x, y| {
        until(column, f, g);
        f = x.map_or(f, f64::from);
        g = y.map_or(g, f64::from);
    });
    until(with.dim as u32 - 1, f, g);
    (sum, largest)
}

/// Least cost of moving one row onto the other under the (symmetric) matrix of `with`; rows are shares that sum to 1.
pub(in crate::metric) fn kantorovich(a: SparseRow<'_>, b: SparseRow<'_>, with: &Context) -> f32 {
    // Always the same way round, so that both ways give the same bits.
    let in_order = (a.indices, a.values) <= (b.indices, b.values);
    let (a, b) = if in_order { (a, b) } else { (b, a) };
    let mass = |row: SparseRow<'_>| {
        Mass::of(row.indices.iter().zip(row.values).map(|(&column, &share)| (column as usize, share)))
    };
    let cost = with.cost();
    cheapest(&mass(a), &mass(b), |i, j| f64::from(cost[i * with.dim + j]))
}
