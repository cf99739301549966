//! From kept candidates to final neighbours: f32 pair distances, and the proof that none is missing.
//!
//! Let T be the largest kept proxy of a row, or its limit: a row that was not kept has a proxy of at least T, from
//! which its tiles know a least final proxy. If the k-th rechecked candidate is at or below that, no row outside can belong
//! to the k nearest. Otherwise the row is looked at again, with what was found as a threshold.

use super::again::again;
use super::tiles::{Tiles, Value};
use super::worker::Kept;
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::points::Points;
use std::sync::Mutex;

/// The two sides on which distances are final.
pub(super) struct Sides<'a> {
    pub a: &'a Points,
    pub b: &'a Points,
    pub pair: Pair<'a>,
    /// A and B are the same rows, and a row is not its own neighbour.
    pub same: bool,
    /// The largest final proxy that each row of A asks for, where A and B are not the same; what is above may be missing.
    pub limits: Option<&'a [f32]>,
}

impl Sides<'_> {
    /// Rows of B that may be neighbours of one of A.
    pub fn others(&self) -> usize {
        self.b.len() - usize::from(self.same)
    }
}

/// What a way of tiles is asked for.
#[derive(Clone, Copy)]
pub(super) struct Aim {
    pub k: usize,
    /// Candidates kept beyond `k`.
    pub slack: usize,
    /// Pair distances that the rows without a proof may take together.
    pub again: u64,
}

impl Aim {
    /// Candidates of a row.
    pub fn keep(&self, sides: &Sides<'_>) -> usize {
        (self.k + self.slack).min(sides.others())
    }
}

/// The final neighbours; `None` where too many rows have no proof: another way of tiles is cheaper.
pub(super) fn recheck<T: Tiles>(
    tiles: &T,
    kept: &Kept<T::Value>,
    aim: Aim,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let (k, keep) = (aim.k, aim.keep(sides));
    // By place: rows that stand beside each other share candidates, which are in cache then.
    let mut knn = Knn::empty(sides.a.len(), k)?;
    let failed = Mutex::new(Vec::new());
    let all = keep >= sides.others();
    let phase = control.phase("recheck", sides.a.len() as u64);
    knn.fill(threads, Candidates::default, |work, place, to, proxies| {
        let row = kept.row(place);
        work.kept.clear();
        kept.finish(place, |candidate| work.kept.push(candidate));
        // Fewer than may be kept are all there are up to the bound.
        let full = work.kept.last().filter(|_| work.kept.len() >= keep).map(|&(value, _)| value);
        let bound = kept.bound(place);
        let worst = full.filter(|value| *value < bound).unwrap_or(bound).to_f32();
        work.compare(tiles, sides, row, k);
        if !all && !tiles.is_final(row) && !certain(&work.found, k, tiles.least(row, worst)) {
            failed.lock().unwrap_or_else(|e| e.into_inner()).push(row as u32);
        }
        for ((neighbor, id), proxy) in work.found.iter().zip(to).zip(proxies) {
            (*id, *proxy) = (neighbor.id, neighbor.proxy);
        }
        !phase.advance(1)
    });
    control.check()?;
    drop(phase);
    if let Some(order) = &kept.order {
        knn = knn.scattered(order)?;
    }
    let mut failed = failed.into_inner().unwrap_or_else(|e| e.into_inner());
    failed.sort_unstable();
    let proven = again(tiles, &failed, &mut knn, sides, aim.again, threads, control)?;
    Ok(proven.then_some(knn))
}

/// A limit for the tiles still to come, from the candidates of the first: the `k`-th of them is at least as far as
/// the `k`-th nearest.
pub(super) fn limit<T: Tiles>(
    tiles: &T,
    sides: &Sides<'_>,
    row: usize,
    kept: &[(T::Value, u32)],
    k: usize,
) -> T::Value {
    let mut work = Candidates::default();
    work.add(tiles, sides, row, &kept[..first(k).min(kept.len())]);
    work.found.sort_unstable();
    work.found.get(k.wrapping_sub(1)).map_or(T::Value::OPEN, |last| tiles.most(row, last.proxy))
}

/// Candidates that are compared whatever is found.
fn first(k: usize) -> usize {
    k + k / 2
}

/// The candidates of a row, as kept and as compared; buffers of a worker.
struct Candidates<V: Value> {
    kept: Vec<(V, u32)>,
    ids: Vec<u32>,
    found: Vec<Neighbor>,
}

impl<V: Value> Default for Candidates<V> {
    fn default() -> Self {
        Candidates { kept: Vec::new(), ids: Vec::new(), found: Vec::new() }
    }
}

impl<V: Value> Candidates<V> {
    /// Adds the final proxies of `part` to what was found, without rows apart.
    fn add<T: Tiles<Value = V>>(&mut self, tiles: &T, sides: &Sides<'_>, row: usize, part: &[(V, u32)]) {
        let Candidates { ids, found, .. } = self;
        ids.clear();
        for &(value, id) in part {
            match tiles.settled(value) {
                Some(proxy) => found.push(Neighbor { proxy, id }),
                None if tiles.apart().binary_search(&id).is_ok() => {}
                None => ids.push(id),
            }
        }
        offer(sides, row, ids, found);
    }

    /// Final proxies of the kept, nearest first; of those after the first few only what can be among the `k`
    /// nearest.
    fn compare<T: Tiles<Value = V>>(&mut self, tiles: &T, sides: &Sides<'_>, row: usize, k: usize) {
        let kept = std::mem::take(&mut self.kept);
        let (near, rest) = kept.split_at(first(k).min(kept.len()));
        self.found.clear();
        self.add(tiles, sides, row, near);
        offer(sides, row, tiles.apart(), &mut self.found);
        self.found.sort_unstable();
        let rest = match self.found.get(k.wrapping_sub(1)) {
            Some(last) if !tiles.is_final(row) => {
                let most = tiles.most(row, last.proxy);
                &rest[..rest.partition_point(|(value, _)| *value <= most)]
            }
            _ => rest,
        };
        if !rest.is_empty() {
            self.add(tiles, sides, row, rest);
            self.found.sort_unstable();
        }
        self.kept = kept;
    }
}

/// Adds the rows `ids` of B, the row itself excepted, at their pair distances from row `row` of A.
pub(super) fn offer(sides: &Sides<'_>, row: usize, ids: &[u32], found: &mut Vec<Neighbor>) {
    let own = sides.a.row(row);
    let first = found.len();
    let (fours, rest) = ids.as_chunks::<4>();
    for group in fours {
        let proxies = sides.pair.four(own, group.map(|id| sides.b.row(id as usize)));
        found.extend(group.iter().zip(proxies).map(|(&id, proxy)| Neighbor { proxy, id }));
    }
    found.extend(rest.iter().map(|&id| Neighbor { proxy: sides.pair.one(own, sides.b.row(id as usize)), id }));
    if sides.same
        && let Some(at) = found[first..].iter().position(|other| other.id as usize == row)
    {
        found.swap_remove(first + at);
    }
}

fn certain(found: &[Neighbor], k: usize, least: f32) -> bool {
    // At 0 only ties remain outside.
    found.get(k.wrapping_sub(1)).is_none_or(|kth| kth.proxy <= least.max(0.0))
}
