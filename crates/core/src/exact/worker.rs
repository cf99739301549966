//! One worker's run over one tile: fill, scan, collect what passes the thresholds.

use super::selection::Selection;
use super::tiles::{Tiles, Value};
use super::{BLOCK, STRIP};
use hnsw_kernels::Hit;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

/// The kept candidates of A rows, a lock per block of [`BLOCK`].
pub(super) struct Kept<V: Value> {
    pub blocks: Vec<Mutex<Selection<V>>>,
    /// The row that stands in each place, if not that of its number.
    pub order: Option<Vec<u32>>,
}

impl<V: Value> Kept<V> {
    /// Open selections for `n` rows.
    pub fn open(n: usize, keep: usize) -> Kept<V> {
        let block = |block| Mutex::new(Selection::new(rows_of(block, n).len(), keep));
        Kept { blocks: (0..n.div_ceil(BLOCK)).map(block).collect(), order: None }
    }

    /// Keeps nothing above `limit` of a place from now on.
    pub fn limit(&self, limit: &dyn Fn(usize) -> V) {
        for (block, kept) in self.blocks.iter().enumerate() {
            let mut selection = lock(kept);
            (0..selection.thresholds().len()).for_each(|row| selection.limit(row, limit(block * BLOCK + row)));
        }
    }

    /// The row that stands in a place.
    pub fn row(&self, place: usize) -> usize {
        self.order.as_ref().map_or(place, |order| order[place] as usize)
    }

    /// All that was offered to the row in a place and not kept is at least this.
    pub fn bound(&self, place: usize) -> V {
        lock(&self.blocks[place / BLOCK]).thresholds()[place % BLOCK]
    }

    /// The kept candidates of the row in a place, ascending by (value, id), to `take`.
    pub fn finish(&self, place: usize, take: impl FnMut((V, u32))) {
        lock(&self.blocks[place / BLOCK]).finish(place % BLOCK).for_each(take);
    }
}

/// Rows of a block.
pub(super) fn rows_of(block: usize, n: usize) -> Range<usize> {
    block * BLOCK..((block + 1) * BLOCK).min(n)
}

/// A block's selection; a worker that panicked left it consistent, pushes are single steps.
pub(super) fn lock<V: Value>(block: &Mutex<Selection<V>>) -> MutexGuard<'_, Selection<V>> {
    block.lock().unwrap_or_else(|e| e.into_inner())
}

/// Buffers that a worker reuses from tile to tile.
pub(super) struct Worker<T: Tiles> {
    scratch: T::Scratch,
    cells: Vec<T::Value>,
    hits: Vec<u32>,
    /// Every cell that passed a threshold in the last tile, counted from its first row and column.
    pub found: Vec<Hit<T::Value>>,
    row_thresholds: Vec<T::Value>,
    column_thresholds: Vec<T::Value>,
}

impl<T: Tiles> Worker<T> {
    pub fn new(tiles: &T) -> Self {
        Worker {
            scratch: tiles.scratch(),
            cells: vec![T::Value::ZERO; STRIP * BLOCK],
            hits: Vec::with_capacity(BLOCK),
            found: Vec::with_capacity(4 * BLOCK),
            row_thresholds: Vec::with_capacity(BLOCK),
            column_thresholds: Vec::with_capacity(BLOCK),
        }
    }

    /// Makes `columns` the columns of the tiles to come.
    pub fn pack(&mut self, tiles: &T, columns: Range<usize>) {
        tiles.pack(columns, &mut self.scratch);
    }

    /// Fills `found` with the cells of `rows` x `columns` (the packed ones) at or below the thresholds of
    /// their row or, where `column_kept` is given, of their column.
    pub fn tile(
        &mut self,
        tiles: &T,
        rows: Range<usize>,
        columns: Range<usize>,
        row_kept: &Mutex<Selection<T::Value>>,
        column_kept: Option<&Mutex<Selection<T::Value>>>,
    ) {
        copy_thresholds(row_kept, &mut self.row_thresholds);
        column_kept.inspect(|kept| copy_thresholds(kept, &mut self.column_thresholds));
        self.found.clear();
        for start in rows.clone().step_by(STRIP) {
            let strip = start..(start + STRIP).min(rows.end);
            tiles.fill(strip.clone(), columns.clone(), &mut self.scratch, &mut self.cells, BLOCK);
            let (first, before) = (start - rows.start, self.found.len());
            let thresholds = &self.row_thresholds[first..first + strip.len()];
            let of_columns = column_kept.map(|_| &self.column_thresholds[..]);
            let part = (strip, columns.clone());
            tiles.scan_tile((&self.cells, BLOCK), part, thresholds, of_columns, &mut self.hits, &mut self.found);
            self.found[before..].iter_mut().for_each(|hit| hit.row += first as u32);
        }
    }
}

fn copy_thresholds<V: Value>(block: &Mutex<Selection<V>>, out: &mut Vec<V>) {
    out.clear();
    out.extend_from_slice(lock(block).thresholds());
}
