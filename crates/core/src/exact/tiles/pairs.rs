//! Tiles of pair distances, for what no products serve.

use super::Tiles;
use crate::metric::Pair;
use crate::points::{Points, RowRef};
use hnsw_kernels::Kernels;
use std::ops::Range;

/// Pair kernels: the proxies of any metric, final as they are.
pub(crate) struct PairTiles<'a> {
    pub pair: Pair<'a>,
    pub a: &'a Points,
    pub b: &'a Points,
    pub kernels: &'static Kernels,
}

impl Tiles for PairTiles<'_> {
    type Value = f32;
    type Scratch = ();

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) {}
    fn pack(&self, _b: Range<usize>, _scratch: &mut ()) {}
    fn fill(&self, a: Range<usize>, b: Range<usize>, _scratch: &mut (), out: &mut [f32], ld: usize) {
        let first = a.start;
        for (i, cells) in a.zip(out.chunks_mut(ld)) {
            let fill = if i == first { streamed } else { proxies };
            fill(self.pair, self.a.row(i), self.b, b.clone(), cells);
        }
    }
    fn scan(&self, cells: &[f32], _a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        self.kernels.scan_f32(&cells[..b.len()], row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, _a: usize, _b: usize) -> f32 {
        cell
    }
    fn error_bound(&self, _a: usize) -> f32 {
        0.0
    }
}

/// Dense rows of so many columns are read from memory faster one after the other than four side by side (measured).
const STREAMED: usize = 32;

/// As [`proxies`], of rows that nobody has looked at a moment ago.
fn streamed(pair: Pair<'_>, row: RowRef<'_>, rows: &Points, range: Range<usize>, out: &mut [f32]) {
    if rows.dense().is_none_or(|rows| rows.width() < STREAMED) {
        return proxies(pair, row, rows, range, out);
    }
    range.zip(out).for_each(|(id, cell)| *cell = pair.one(row, rows.row(id)));
}

/// Proxies of one row against the rows `range`, four at a time.
pub(crate) fn proxies(pair: Pair<'_>, row: RowRef<'_>, rows: &Points, range: Range<usize>, out: &mut [f32]) {
    let (start, count) = (range.start, range.len());
    for (group, cells) in out[..count].chunks_mut(4).enumerate() {
        let id = start + group * 4;
        if let [a, b, c, d] = cells {
            let four = [rows.row(id), rows.row(id + 1), rows.row(id + 2), rows.row(id + 3)];
            [*a, *b, *c, *d] = pair.four(row, four);
        } else {
            cells.iter_mut().enumerate().for_each(|(j, cell)| *cell = pair.one(row, rows.row(id + j)));
        }
    }
}
