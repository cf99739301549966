//! A batch of queries (A) against all rows (B).

use super::BLOCK;
use super::tiles::Tiles;
use super::worker::{Kept, Worker, lock, rows_of};
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Query blocks that one packing of rows serves.
const RUN: usize = 16;

/// Keeps the `keep` nearest B rows of each A row, none above its limit where there are limits. O(a·b) cells.
pub(super) fn rectangle<T: Tiles>(
    tiles: &T,
    keep: usize,
    limits: Option<&dyn Fn(usize) -> T::Value>,
    threads: usize,
    control: Control<'_>,
) -> Result<Kept<T::Value>> {
    let (queries, rows) = (tiles.a_len(), tiles.b_len());
    let (query_blocks, row_blocks) = (queries.div_ceil(BLOCK), rows.div_ceil(BLOCK));
    let kept = Kept::open(queries, keep);
    if let Some(limit) = limits {
        kept.limit(limit);
    }
    let runs = query_blocks.div_ceil(RUN);
    let phase = control.phase("exact query", (query_blocks * row_blocks) as u64);
    let next = AtomicUsize::new(0);
    parallel::workers(threads.min(runs * row_blocks).max(1), |_| {
        let mut worker = Worker::new(tiles);
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= runs * row_blocks {
                return;
            }
            let columns = rows_of(task / runs, rows);
            worker.pack(tiles, columns.clone());
            let first = task % runs * RUN;
            for (block, kept) in kept.blocks.iter().enumerate().skip(first).take(RUN) {
                worker.tile(tiles, rows_of(block, queries), columns.clone(), kept, None);
                let mut selection = lock(kept);
                for hit in &worker.found {
                    selection.push(hit.row as usize, hit.value, columns.start as u32 + hit.column);
                }
                drop(selection);
                if phase.advance(1) {
                    return;
                }
            }
        }
    });
    control.check().map(|()| kept)
}
