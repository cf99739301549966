//! What rounding does to squared distances: how far the pair kernel is off, and distances from squared norms and
//! products that are never above what exact arithmetic gives.
//!
//! A product is off by at most a share of `2|a||b| <= |a|² + |b|²`, and norms and sums by shares of themselves: that is
//! taken off the norms, each row by its own. So a proxy is never above the true distance, whatever the norms of other
//! rows.

use hnsw_kernels::{Hit, Kernels, TileScan};
use std::ops::Range;

/// Unit roundoff of f32.
pub(super) const ROUNDOFF: f32 = 1.0 / 16_777_216.0;

/// Squared norms of two sides, less the error that comes with them.
pub(super) struct Lowered {
    kernels: &'static Kernels,
    of_a: Vec<f32>,
    /// Where B is another side.
    of_b: Option<Vec<f32>>,
}

impl Lowered {
    /// `norms`: of A and of B, of which `share` is taken off. O(a + b) floats.
    pub fn new(kernels: &'static Kernels, norms: [&[f32]; 2], share: f32) -> Lowered {
        let lower = |norms: &[f32]| norms.iter().map(|norm| norm - norm * share).collect();
        let [a, b] = norms;
        Lowered { kernels, of_a: lower(a), of_b: (!std::ptr::eq(a, b)).then(|| lower(b)) }
    }

    fn of_b(&self) -> &[f32] {
        self.of_b.as_ref().unwrap_or(&self.of_a)
    }

    /// See [`super::Tiles::scan`].
    pub fn scan(
        &self,
        cells: &[f32],
        a: usize,
        b: Range<usize>,
        row: f32,
        columns: Option<&[f32]>,
        hits: &mut Vec<u32>,
    ) {
        let (na, nb) = (self.of_a[a], &self.of_b()[b.clone()]);
        self.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }

    /// See [`super::Tiles::scan_tile`].
    pub fn scan_tile(
        &self,
        (acc, ld): (&[f32], usize),
        (a, b): (Range<usize>, Range<usize>),
        row_thresholds: &[f32],
        column_thresholds: Option<&[f32]>,
        found: &mut Vec<Hit<f32>>,
    ) {
        let (row_norms, column_norms) = (&self.of_a[a], &self.of_b()[b]);
        let tile = TileScan { acc, ld, row_norms, column_norms, row_thresholds, column_thresholds };
        self.kernels.scan_tile_l2_f32(&tile, found);
    }

    /// The squared distance that a product stands for.
    #[inline]
    pub fn proxy(&self, product: f32, a: usize, b: usize) -> f32 {
        // It may be below zero: values keep their order there too.
        (self.of_a[a] + self.of_b()[b]) - 2.0 * product
    }
}

/// Bounds of the error of a squared distance by the pair kernel over `width` columns: relative, for a sum in at
/// least four parts of rounded squares of rounded differences, and what underflow may take.
pub(crate) fn pair_error(width: usize) -> [f64; 2] {
    let steps = width as f64 / 4.0 + 12.0;
    [1.01 * steps * f64::from(ROUNDOFF), width as f64 * f64::from(f32::from_bits(1))]
}
