//! Where the values of a tile come from.
//!
//! ```text
//!   value     what a cell holds
//!   side      dense rows as float products see them
//!   floats    float products, with a bound
//!   bytes     byte products, exact or with a bound
//!   halves    bf16 products, with a bound
//!   rounding  what it does to squared distances
//!   pairs     pair functions
//! ```

mod bytes;
mod floats;
mod halves;
mod pairs;
mod rounding;
mod side;
mod value;

pub(super) use bytes::ByteTiles;
pub(super) use floats::FloatTiles;
pub(super) use halves::HalfTiles;
pub(super) use pairs::PairTiles;
pub(crate) use pairs::proxies;
pub(super) use rounding::pair_error;
pub(crate) use side::FloatSide;
pub(crate) use value::Value;

use hnsw_kernels::Hit;
use std::ops::Range;

/// Two sets of rows, A and B, and the proxies between them.
pub(crate) trait Tiles: Sync {
    type Value: Value;
    /// What a worker reuses from tile to tile.
    type Scratch: Send;

    fn a_len(&self) -> usize;
    fn b_len(&self) -> usize;
    fn scratch(&self) -> Self::Scratch;
    /// Makes the rows `b` the current columns.
    fn pack(&self, b: Range<usize>, scratch: &mut Self::Scratch);
    /// Raw cells of rows `a` against the current columns `b`, `ld` apart.
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut Self::Scratch, out: &mut [Self::Value], ld: usize);
    /// As `fill`, for rows of A anywhere.
    fn fill_rows(&self, a: &[u32], b: Range<usize>, scratch: &mut Self::Scratch, out: &mut [Self::Value], ld: usize) {
        for (&row, cells) in a.iter().zip(out.chunks_mut(ld)) {
            self.fill(row as usize..row as usize + 1, b.clone(), scratch, cells, ld);
        }
    }
    /// Columns of one row of cells that are at or below the row's or the column's threshold.
    fn scan(
        &self,
        cells: &[Self::Value],
        a: usize,
        b: Range<usize>,
        row_threshold: Self::Value,
        column_thresholds: Option<&[Self::Value]>,
        hits: &mut Vec<u32>,
    );
    /// Adds the cells of rows `a`, `ld` apart, that are at or below the threshold of their row or of their column, with
    /// their proxies; rows and columns are counted from the first of the tile.
    fn scan_tile(
        &self,
        (cells, ld): (&[Self::Value], usize),
        (a, b): (Range<usize>, Range<usize>),
        rows: &[Self::Value],
        columns: Option<&[Self::Value]>,
        scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<Self::Value>>,
    ) {
        for ((row, cells), &threshold) in a.clone().zip(cells.chunks(ld)).zip(rows) {
            scratch.clear();
            self.scan(cells, row, b.clone(), threshold, columns, scratch);
            found.extend(scratch.iter().map(|&column| {
                let value = self.proxy(cells[column as usize], row, b.start + column as usize);
                Hit { row: (row - a.start) as u32, column, value }
            }));
        }
    }
    /// The proxy that a raw cell stands for; never below what `scan` compares.
    fn proxy(&self, cell: Self::Value, a: usize, b: usize) -> Self::Value;
    /// How far a proxy of row `a` may be above the one in exact arithmetic; 0 where proxies are final.
    fn error_bound(&self, a: usize) -> f32;
    /// The final proxy, where it follows from a tile's without the pair function.
    fn settled(&self, _proxy: Self::Value) -> Option<f32> {
        None
    }
    /// Whether the order of proxies is the final one for row `a`.
    fn is_final(&self, a: usize) -> bool {
        self.error_bound(a) == 0.0
    }
    /// Least final proxy, for row `a`, of a row whose proxy is at least `worst`.
    fn least(&self, a: usize, worst: f32) -> f32 {
        worst - self.error_bound(a)
    }
    /// Largest proxy, for row `a`, of a row whose final proxy is at most `last`.
    fn most(&self, a: usize, last: f32) -> Self::Value {
        Self::Value::covering(f64::from(last) + f64::from(self.error_bound(a)))
    }
    /// Rows of B, ascending, that `least` and `most` say nothing about.
    fn apart(&self) -> &[u32] {
        &[]
    }
}
