//! Tiles of float products.

use super::rounding::{Lowered, ROUNDOFF, pair_error};
use super::{FloatSide, Tiles, Value};
use hnsw_kernels::{Hit, Kernels, MatRef, Packed};
use std::ops::Range;

/// Squared distances less a bound of their error, rechecked later.
pub(crate) struct FloatTiles<'a> {
    kernels: &'static Kernels,
    a: &'a FloatSide<'a>,
    b: &'a FloatSide<'a>,
    lowered: Lowered,
}

impl<'a> FloatTiles<'a> {
    /// O(a + b) floats.
    pub fn new(kernels: &'static Kernels, a: &'a FloatSide<'a>, b: &'a FloatSide<'a>) -> FloatTiles<'a> {
        // A product is off by at most f·|a||b| with the kernel's factor f, a norm by f of itself, moving rows to their
        // mean and the last sums by less than eight roundings more.
        let factor = 1.01 * hnsw_kernels::dot_error_factor(b.width()) + 8.0 * ROUNDOFF;
        let lowered = Lowered::new(kernels, [a.norms(), b.norms()], 2.0 * factor);
        FloatTiles { kernels, a, b, lowered }
    }
}

/// Reused by a worker: moved copies of both sides and the packed columns.
#[derive(Default)]
pub(crate) struct FloatScratch {
    copy: Vec<f32>,
    packed: Packed<f32>,
}

impl Tiles for FloatTiles<'_> {
    type Value = f32;
    type Scratch = FloatScratch;

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) -> FloatScratch {
        FloatScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut FloatScratch) {
        self.kernels.pack_f32(self.b.view(b, &mut scratch.copy), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, _b: Range<usize>, scratch: &mut FloatScratch, out: &mut [f32], ld: usize) {
        self.kernels.dot_tile_f32(self.a.view(a, &mut scratch.copy), &scratch.packed, out, ld);
    }
    fn fill_rows(&self, a: &[u32], _b: Range<usize>, scratch: &mut FloatScratch, out: &mut [f32], ld: usize) {
        let width = self.a.width();
        scratch.copy.clear();
        a.iter().for_each(|&row| self.a.extend(row as usize, &mut scratch.copy));
        self.kernels.dot_tile_f32(MatRef::new(&scratch.copy, a.len(), width, width), &scratch.packed, out, ld);
    }
    fn scan(&self, cells: &[f32], a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        self.lowered.scan(cells, a, b, row, columns, hits);
    }
    fn scan_tile(
        &self,
        cells: (&[f32], usize),
        part: (Range<usize>, Range<usize>),
        rows: &[f32],
        columns: Option<&[f32]>,
        _scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<f32>>,
    ) {
        self.lowered.scan_tile(cells, part, rows, columns, found);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        self.lowered.proxy(cell, a, b)
    }
    /// Products that underflow lose half of the least number each.
    fn error_bound(&self, _a: usize) -> f32 {
        4.0 * (self.a.width() + 2) as f32 * f32::from_bits(1)
    }
    fn is_final(&self, _a: usize) -> bool {
        false
    }
    fn least(&self, a: usize, worst: f32) -> f32 {
        let [relative, underflow] = pair_error(self.a.width());
        let least = (f64::from(worst) - f64::from(self.error_bound(a))) * (1.0 - relative) - underflow;
        (least as f32).next_down()
    }
    fn most(&self, a: usize, last: f32) -> f32 {
        let [relative, underflow] = pair_error(self.a.width());
        f32::covering((f64::from(last) + underflow) / (1.0 - relative) + f64::from(self.error_bound(a)))
    }
}
