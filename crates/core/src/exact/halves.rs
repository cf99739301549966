//! Tiles of bf16 products: a filter with a proof for rows that bytes do not tell apart.
//!
//! Beside what the codes lose ([`Loss`]), products are rounded: a squared distance of codes is off by at most the
//! kernel's factor of `2|a||b| <= |a|² + |b|²`, and a few roundings of the norms and sums. That is taken off the norms.

use super::loss::Loss;
use super::tiles::{ROUNDOFF, Tiles, Value, lowered};
use crate::code::Halves;
use hnsw_kernels::{Bf16, Hit, Kernels, MatRef, Packed, TileScan, bf16_dot_error_factor};
use std::ops::Range;

/// Codes of A against codes of B, measured from the same point.
pub(crate) struct HalfTiles<'a> {
    kernels: &'static Kernels,
    a: &'a Halves,
    b: &'a Halves,
    loss: Loss<'a>,
    /// Squared norms, less the error that comes with them: of A, and of B where it is another side.
    norms: Vec<f32>,
    others: Option<Vec<f32>>,
}

impl<'a> HalfTiles<'a> {
    pub fn new(kernels: &'static Kernels, a: &'a Halves, b: &'a Halves) -> HalfTiles<'a> {
        let width = b.width();
        let factor = bf16_dot_error_factor(width) + 8.0 * ROUNDOFF;
        let lower = |side: &Halves| lowered(side.norms(), 1.01 * factor);
        let (norms, others) = (lower(a), (!std::ptr::eq(a, b)).then(|| lower(b)));
        HalfTiles { kernels, a, b, loss: Loss::new(a.residuals(), b.residuals(), width), norms, others }
    }

    fn norms_of_b(&self) -> &[f32] {
        self.others.as_ref().unwrap_or(&self.norms)
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
        let (na, nb) = (self.norms[a], &self.norms_of_b()[b.clone()]);
        self.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    fn scan_tile(
        &self,
        (acc, ld): (&[f32], usize),
        (a, b): (Range<usize>, Range<usize>),
        row_thresholds: &[f32],
        column_thresholds: Option<&[f32]>,
        _scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<f32>>,
    ) {
        let (row_norms, column_norms) = (&self.norms[a], &self.norms_of_b()[b]);
        let tile = TileScan { acc, ld, row_norms, column_norms, row_thresholds, column_thresholds };
        self.kernels.scan_tile_l2_f32(&tile, found);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        // It may be below zero: values keep their order there too.
        (self.norms[a] + self.norms_of_b()[b]) - 2.0 * cell
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
