//! Tiles of what is no product: sums over the columns of dense rows, and distances of sets by the bits that two
//! rows have in common.
//!
//! ```text
//!   sums   manhattan, chebyshev, canberra, bray-curtis, hamming: a sum or a maximum of terms of two values
//!   bits   rows as sets of columns, and their distances from the number of common columns
//! ```
//!
//! Metrics that neither fits are left to the pair functions.

mod bits;
mod sums;

use super::recheck::Sides;
use super::ways::rechecked;
use super::{SLACK, Source};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Coefficient;
use bits::{BitSide, SetTiles};
use std::sync::Arc;
use sums::{SumSide, SumTiles};

/// The nearest by such tiles; `None` where the metric has none, or values are too large for them.
pub(super) fn nearest(
    source: Source<'_>,
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Option<Result<Knn>> {
    if let Some((of, dim)) = sides.pair.of_bits() {
        return Some(by_bits(source, of, dim, sides, k, threads, control));
    }
    let (sums, a, b) = (source.metric.sums()?, sides.a.dense()?, sides.b.dense()?);
    let of_b = match sides.same {
        true => Arc::new(SumSide::of(b, sums, threads)),
        false => SumSide::kept(b, sums, threads),
    };
    let beside = (!sides.same).then(|| SumSide::of(a, sums, threads));
    let tiles = SumTiles::new(source.kernels, sums, [a, b], [beside.as_ref().unwrap_or(&of_b), &of_b])?;
    let slack = if tiles.gives_pairs() { 0 } else { SLACK };
    Some(rechecked(&tiles, k, slack, sides, threads, control))
}

/// By the bits of sets, of `dim` columns.
fn by_bits(
    source: Source<'_>,
    of: Coefficient,
    dim: f64,
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let b = if sides.same { BitSide::of(sides.b, threads) } else { BitSide::kept(sides.b, threads) }?;
    let beside = (!sides.same).then(|| BitSide::of(sides.a, threads)).transpose()?;
    let tiles = SetTiles { kernels: source.kernels, of, dim, a: beside.as_ref().unwrap_or(&b), b: &b };
    rechecked(&tiles, k, 0, sides, threads, control)
}

#[cfg(test)]
mod tests;
