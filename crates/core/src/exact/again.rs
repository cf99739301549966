//! Rows whose nearest the first pass could not prove: a second pass for them alone.
//!
//! The k-th distance found so far bounds the true one, so a fixed threshold says which cells may matter. What
//! passes is compared by the pair function at once, and the thresholds fall with what that finds.

use super::recheck::{Sides, offer};
use super::tiles::{Tiles, Value};
use super::worker::{Kept, lock, rows_of};
use super::{BLOCK, STRIP};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::neighbors::Neighbor;
use crate::parallel;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Replaces the rows `failed` (ascending) of `knn` by their nearest of all rows of B; false, and nothing replaced,
/// once that takes more than `most` pair distances. O(failed · b) cells, and a pair distance for each that passes.
pub(super) fn again<T: Tiles>(
    tiles: &T,
    failed: &[u32],
    knn: &mut Knn,
    sides: &Sides<'_>,
    most: u64,
    threads: usize,
    control: Control<'_>,
) -> Result<bool> {
    let k = knn.k;
    if failed.is_empty() || k == 0 {
        return Ok(true);
    }
    let columns = tiles.b_len();
    let count = columns.div_ceil(BLOCK);
    let pass = Pass { tiles, knn, sides, kept: Kept::open(failed.len(), k), pairs: AtomicU64::new(0) };
    let phase = control.phase("unproven rows", (count * failed.len()) as u64);
    let next = AtomicUsize::new(0);
    parallel::workers(threads.min(count), |_| {
        let mut worker = Scratch::new(tiles);
        loop {
            let column = next.fetch_add(1, Ordering::Relaxed);
            if column >= count {
                return;
            }
            let columns = rows_of(column, columns);
            tiles.pack(columns.clone(), &mut worker.tiles);
            for (strip, rows) in failed.chunks(STRIP).enumerate() {
                pass.strip(strip * STRIP, rows, columns.clone(), &mut worker);
                if phase.advance(rows.len() as u64) || pass.pairs.load(Ordering::Relaxed) > most {
                    return;
                }
            }
        }
    });
    control.check()?;
    let Pass { kept, pairs, .. } = pass;
    if pairs.into_inner() > most {
        return Ok(false);
    }
    let mut found = Vec::new();
    for (at, &row) in failed.iter().enumerate() {
        let row = row as usize;
        found.clear();
        kept.finish(at, |(proxy, id)| found.push(Neighbor { proxy, id }));
        offer(sides, row, tiles.apart(), &mut found);
        knn.put(row, &mut found);
    }
    Ok(true)
}

struct Scratch<T: Tiles> {
    tiles: T::Scratch,
    cells: Vec<T::Value>,
    hits: Vec<u32>,
    ids: Vec<u32>,
    found: Vec<Neighbor>,
    limits: Vec<f32>,
}

impl<T: Tiles> Scratch<T> {
    fn new(tiles: &T) -> Self {
        let cells = vec![T::Value::ZERO; STRIP * BLOCK];
        let (hits, ids, found, limits) = Default::default();
        Scratch { tiles: tiles.scratch(), cells, hits, ids, found, limits }
    }
}

struct Pass<'a, T: Tiles> {
    tiles: &'a T,
    knn: &'a Knn,
    sides: &'a Sides<'a>,
    /// By position among the failed.
    kept: Kept<f32>,
    /// Pair distances computed.
    pairs: AtomicU64,
}

impl<T: Tiles> Pass<'_, T> {
    /// The rows `rows`, which begin at `start` among the failed, against the packed columns.
    fn strip(&self, start: usize, rows: &[u32], columns: Range<usize>, worker: &mut Scratch<T>) {
        let Pass { tiles, knn, sides, .. } = self;
        let Scratch { tiles: scratch, cells, hits, ids, found, limits } = worker;
        let (kept, first) = (&self.kept.blocks[start / BLOCK], start % BLOCK);
        limits.clear();
        limits.extend_from_slice(&lock(kept).thresholds()[first..first + rows.len()]);
        tiles.fill_rows(rows, columns.clone(), scratch, cells, BLOCK);
        for (i, (&row, cells)) in rows.iter().zip(cells.chunks(BLOCK)).enumerate() {
            let row = row as usize;
            let limit = limits[i].min(knn.proxies[(row + 1) * knn.k - 1]);
            hits.clear();
            tiles.scan(cells, row, columns.clone(), tiles.most(row, limit), None, hits);
            ids.clear();
            let passed = hits.iter().map(|&hit| (columns.start + hit as usize) as u32);
            ids.extend(
                passed.filter(|id| !(sides.same && *id as usize == row) && tiles.apart().binary_search(id).is_err()),
            );
            if ids.is_empty() {
                continue;
            }
            found.clear();
            self.pairs.fetch_add(ids.len() as u64, Ordering::Relaxed);
            offer(sides, row, ids, found);
            let mut selection = lock(kept);
            found.iter().filter(|other| other.proxy <= limit).for_each(|o| selection.push(first + i, o.proxy, o.id));
        }
    }
}
