//! All rows against all rows, by half of the tiles.

use super::BLOCK;
use super::tiles::{Tiles, Value};
use super::worker::{Kept, Worker, lock, rows_of};
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::parallel;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tiles that one packing of columns serves.
const RUN: usize = 8;

/// Row blocks `rows` against the column block `column`, in units of [`BLOCK`] rows.
struct Task {
    column: usize,
    rows: Range<usize>,
}

/// What a row wants at most, from the candidates kept so far, ascending by (value, id).
pub(super) type Limit<'a, V> = &'a (dyn Fn(usize, &[(V, u32)]) -> V + Sync);

/// Runs all tiles `row <= column` of `tiles` (A and B being the same rows); each cell serves its row and
/// its column. Keeps the `keep` nearest others of each row. `order`: the rows that stand in the places of
/// the tiles' rows, if not those themselves. `limit`: asked for each place after the first tiles.
///
/// O(n²/2) cells. Selections are locked only while thresholds are copied and hits are stored.
pub(super) fn symmetric<T: Tiles>(
    tiles: &T,
    order: Option<Vec<u32>>,
    keep: usize,
    limit: Option<Limit<'_, T::Value>>,
    threads: usize,
    control: Control<'_>,
) -> Result<Kept<T::Value>> {
    let n = tiles.a_len();
    let count = n.div_ceil(BLOCK);
    let kept = Kept { order, ..Kept::open(n, keep) };
    let phase = control.phase("exact graph", (count * (count + 1) / 2) as u64);
    let [first, rest] = tasks(count);
    run(tiles, &first, &kept, threads, &phase);
    if let Some(limit) = limit {
        limits(&kept, limit, threads, control);
    }
    run(tiles, &rest, &kept, threads, &phase);
    control.check().map(|()| kept)
}

fn run<T: Tiles>(tiles: &T, tasks: &[Task], kept: &Kept<T::Value>, threads: usize, phase: &Phase<'_>) {
    let n = tiles.a_len();
    let next = AtomicUsize::new(0);
    parallel::workers(threads.min(tasks.len()), |_| {
        let mut worker = Worker::new(tiles);
        while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            worker.pack(tiles, rows_of(task.column, n));
            for row in task.rows.clone() {
                tile(&mut worker, tiles, [row, task.column], kept);
                if phase.advance(1) {
                    return;
                }
            }
        }
    });
}

fn limits<V: Value>(kept: &Kept<V>, limit: Limit<'_, V>, threads: usize, control: Control<'_>) {
    parallel::blocks(threads, kept.blocks.len(), 1, Vec::new, |candidates: &mut Vec<(V, u32)>, block| {
        let mut selection = lock(&kept.blocks[block.start]);
        for row in 0..selection.thresholds().len() {
            candidates.clear();
            candidates.extend(selection.finish(row));
            let value = limit(block.start * BLOCK + row, candidates);
            selection.limit(row, value);
        }
        !control.is_cancelled()
    });
}

/// Tiles on the diagonal first: they close every row's threshold early. Then those beside it, where near rows are
/// if the order has them together. The rest apart from these.
fn tasks(count: usize) -> [Vec<Task>; 2] {
    let runs = (0..count).flat_map(|column| {
        (0..column).rev().step_by(RUN).map(move |end| Task { column, rows: (end + 1).saturating_sub(RUN)..end + 1 })
    });
    let (beside, rest): (Vec<_>, Vec<_>) = runs.partition(|task| task.rows.end == task.column);
    let diagonal = (0..count).map(|b| Task { column: b, rows: b..b + 1 });
    [diagonal.chain(beside).collect(), rest]
}

fn tile<T: Tiles>(worker: &mut Worker<T>, tiles: &T, [row, column]: [usize; 2], kept: &Kept<T::Value>) {
    let id = |place: u32| kept.row(place as usize) as u32;
    let n = tiles.a_len();
    let (rows, columns) = (rows_of(row, n), rows_of(column, n));
    let diagonal = row == column;
    worker.tile(tiles, rows.clone(), columns.clone(), &kept.blocks[row], (!diagonal).then_some(&kept.blocks[column]));
    let mut selection = lock(&kept.blocks[row]);
    for hit in worker.found.iter().filter(|hit| !diagonal || hit.row != hit.column) {
        selection.push(hit.row as usize, hit.value, id(columns.start as u32 + hit.column));
    }
    drop(selection);
    if !diagonal {
        let mut selection = lock(&kept.blocks[column]);
        for hit in &worker.found {
            selection.push(hit.column as usize, hit.value, id(rows.start as u32 + hit.row));
        }
    }
}
