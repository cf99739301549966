//! Tiles of bf16 products: a filter with a proof for rows that bytes do not tell apart.
//!
//! Beside what the codes lose ([`Loss`]), products are rounded: a squared distance of codes is off by at most the
//! kernel's factor of `2|a||b|`, and a few roundings of the norms and sums. That is taken off the norms ([`Lowered`]).

use super::rounding::{Lowered, ROUNDOFF};
use super::{Tiles, Value};
use crate::code::{Apart, Halves};
use crate::exact::loss::Loss;
use hnsw_kernels::{Bf16, Hit, Kernels, MatRef, Packed, bf16_dot_error_factor};
use std::ops::Range;
use std::sync::Arc;

/// Codes of A against codes of B, measured from the same point.
pub(crate) struct HalfTiles<'a> {
    kernels: &'static Kernels,
    a: &'a Halves,
    b: &'a Halves,
    loss: Loss<'a>,
    lowered: Lowered,
}

impl<'a> HalfTiles<'a> {
    /// O(a + b) floats.
    pub fn new(kernels: &'static Kernels, a: &'a Halves, b: &'a Halves) -> HalfTiles<'a> {
        let factor = bf16_dot_error_factor(b.width()) + 8.0 * ROUNDOFF;
        let lowered = Lowered::new(kernels, [a.norms(), b.norms()], 1.01 * factor);
        HalfTiles {
            kernels,
            a,
            b,
            loss: Loss::new(a.residuals(), Arc::new(Apart::of(b.residuals())), b.width()),
            lowered,
        }
    }
}

/// Reused by a worker: packed columns, and rows gathered from anywhere.
#[derive(Default)]
pub(crate) struct HalfScratch {
    packed: Packed<Bf16>,
    rows: Vec<Bf16>,
}

impl Tiles for HalfTiles<'_> {
    type Value = f32;
    type Scratch = HalfScratch;

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) -> HalfScratch {
        HalfScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut HalfScratch) {
        self.kernels.pack_bf16(self.b.block(b), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, _b: Range<usize>, scratch: &mut HalfScratch, out: &mut [f32], ld: usize) {
        self.kernels.dot_tile_bf16(self.a.block(a), &scratch.packed, out, ld);
    }
    fn fill_rows(&self, a: &[u32], _b: Range<usize>, scratch: &mut HalfScratch, out: &mut [f32], ld: usize) {
        let HalfScratch { packed, rows } = scratch;
        rows.clear();
        a.iter().for_each(|&row| rows.extend_from_slice(self.a.code(row as usize)));
        let width = self.a.width();
        self.kernels.dot_tile_bf16(MatRef::new(rows, a.len(), width, width), packed, out, ld);
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
    /// Of a squared distance of codes.
    fn error_bound(&self, _a: usize) -> f32 {
        4.0 * (self.a.width() + 2) as f32 * f32::MIN_POSITIVE
    }
    fn is_final(&self, _a: usize) -> bool {
        false
    }
    fn least(&self, a: usize, worst: f32) -> f32 {
        let square = f64::from(worst) - f64::from(self.error_bound(a));
        self.loss.least(a, square.max(0.0).sqrt())
    }
    fn most(&self, a: usize, last: f32) -> f32 {
        f32::covering((self.loss.most(a, last).powi(2) + f64::from(self.error_bound(a))) * (1.0 + 1e-6))
    }
    fn apart(&self) -> &[u32] {
        self.loss.apart()
    }
}
