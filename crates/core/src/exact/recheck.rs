//! From kept candidates to final neighbours: f32 pair distances, and the proof that none is missing.
//!
//! Let T be the largest kept proxy of a row and E the error bound of its proxies. A row that was not
//! kept has a proxy of at least T, so a true one of at least T - E. If the k-th rechecked candidate is
//! at or below that, no row outside can belong to the k nearest. Otherwise the row is scanned in full.

use super::BLOCK;
use super::tiles::{Tiles, Value, proxies};
use super::worker::{Kept, lock};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::points::Points;

/// The two sides on which distances are final.
pub(super) struct Sides<'a> {
    pub a: &'a Points,
    pub b: &'a Points,
    pub pair: Pair<'a>,
    /// A and B are the same rows, and a row is not its own neighbour.
    pub same: bool,
}

pub(super) fn recheck<T: Tiles>(
    tiles: &T,
    kept: &Kept<T::Value>,
    keep: usize,
    k: usize,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let mut knn = Knn::empty(sides.a.len(), k)?;
    let phase = control.phase("recheck", sides.a.len() as u64);
    knn.fill(
        threads,
        || (Vec::new(), Vec::new()),
        |(found, cells), row, ids, proxies| {
            let worst = candidates(sides, kept, row, found);
            let full = found.len() == keep;
            let bound = tiles.error_bound(row);
            if full && bound > 0.0 && !certain(found, k, worst, bound) {
                scan(sides, row, k, found, cells);
            }
            for ((neighbor, id), proxy) in found.iter().zip(ids).zip(proxies) {
                (*id, *proxy) = (neighbor.id, neighbor.proxy);
            }
            !phase.advance(1)
        },
    );
    control.check().map(|()| knn)
}

/// Rechecked candidates of a row in final order; returns the largest kept proxy.
fn candidates<V: Value>(sides: &Sides<'_>, kept: &Kept<V>, row: usize, found: &mut Vec<Neighbor>) -> f32 {
    let mut worst = f32::NEG_INFINITY;
    found.clear();
    for (value, id) in lock(&kept[row / BLOCK]).finish(row % BLOCK) {
        worst = value.to_f32();
        found.push(Neighbor { proxy: sides.pair.one(sides.a.row(row), sides.b.row(id as usize)), id });
    }
    found.sort_unstable();
    worst
}

fn certain(found: &[Neighbor], k: usize, worst: f32, bound: f32) -> bool {
    // At 0 only ties remain outside.
    found.get(k.wrapping_sub(1)).is_none_or(|kth| kth.proxy <= (worst - bound).max(0.0))
}

/// All rows, by pair kernels.
fn scan(sides: &Sides<'_>, row: usize, k: usize, found: &mut Vec<Neighbor>, cells: &mut Vec<f32>) {
    const STEP: usize = 1024;
    found.clear();
    cells.resize(STEP, 0.0);
    for start in (0..sides.b.len()).step_by(STEP) {
        let range = start..(start + STEP).min(sides.b.len());
        proxies(sides.pair, sides.a.row(row), sides.b, range.clone(), cells);
        let others = range.zip(cells.iter()).filter(|(id, _)| !(sides.same && *id == row));
        found.extend(others.map(|(id, &proxy)| Neighbor { proxy, id: id as u32 }));
        if found.len() > k {
            found.select_nth_unstable(k);
            found.truncate(k);
        }
    }
    found.sort_unstable();
}
