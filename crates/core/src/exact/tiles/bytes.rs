//! Tiles of byte products: final where codes stand for their rows exactly, else a filter with a proof.
//!
//! For rows x with codes x̂ and residuals r (see `code::bytes`), D being the squared distance of two codes:
//!
//! ```text
//!   | |a - b| - scale · sqrt(D) |  <=  r_a + r_b
//! ```

use super::{Tiles, Value};
use crate::code::{ByteCodes, EXACT_SQUARES};
use crate::exact::MIN_BATCH;
use crate::exact::loss::Loss;
use hnsw_kernels::{Hit, Kernels, MatRef, Packed, TileScan};
use std::ops::Range;

/// Codes of A against codes of B, under the same steps.
pub(crate) struct ByteTiles<'a> {
    kernels: &'static Kernels,
    a: &'a ByteCodes,
    b: &'a ByteCodes,
    loss: Loss<'a>,
}

impl<'a> ByteTiles<'a> {
    pub fn new(kernels: &'static Kernels, a: &'a ByteCodes, b: &'a ByteCodes) -> ByteTiles<'a> {
        ByteTiles { kernels, a, b, loss: Loss::new(a.residuals(), b.apart().clone(), b.width()) }
    }

    /// Squared distance of two codes.
    pub fn distance(&self, a: usize, b: usize) -> i32 {
        let dot = self.kernels.u8_dot.one(self.a.padded(a), self.b.padded(b)).cast_signed();
        self.proxy(dot, a, b)
    }

    /// Asks for a code of B ahead of its use.
    pub fn prefetch(&self, b: usize) {
        hnsw_kernels::prefetch(self.b.padded(b));
    }

    /// Rows of A are too few to pay for packing B: codes are read one after the other.
    fn are_few(&self) -> bool {
        self.a.len() < MIN_BATCH
    }

    /// Products of one row of A with rows of B.
    fn streamed(&self, a: usize, b: Range<usize>, cells: &mut [i32]) {
        let (dot, row) = (self.kernels.u8_dot, self.a.padded(a));
        b.zip(cells).for_each(|(b, cell)| *cell = dot.one(row, self.b.padded(b)).cast_signed());
    }
}

/// Reused by a worker: packed columns, and rows gathered from anywhere.
#[derive(Default)]
pub(crate) struct ByteScratch {
    packed: Packed<u8>,
    rows: Vec<u8>,
}

impl Tiles for ByteTiles<'_> {
    type Value = i32;
    type Scratch = ByteScratch;

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) -> ByteScratch {
        ByteScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut ByteScratch) {
        if !self.are_few() {
            self.kernels.pack_u8(self.b.block(b), &mut scratch.packed);
        }
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut ByteScratch, out: &mut [i32], ld: usize) {
        if self.are_few() {
            return a.zip(out.chunks_mut(ld)).for_each(|(a, cells)| self.streamed(a, b.clone(), cells));
        }
        self.kernels.dot_tile_u8(self.a.block(a), &scratch.packed, out, ld);
    }
    fn fill_rows(&self, a: &[u32], b: Range<usize>, scratch: &mut ByteScratch, out: &mut [i32], ld: usize) {
        if self.are_few() {
            return a
                .iter()
                .zip(out.chunks_mut(ld))
                .for_each(|(&a, cells)| self.streamed(a as usize, b.clone(), cells));
        }
        let ByteScratch { packed, rows } = scratch;
        rows.clear();
        a.iter().for_each(|&row| rows.extend_from_slice(self.a.padded(row as usize)));
        self.kernels.dot_tile_u8(MatRef::new(rows, a.len(), self.a.width(), self.a.stride()), packed, out, ld);
    }
    fn scan(&self, cells: &[i32], a: usize, b: Range<usize>, row: i32, columns: Option<&[i32]>, hits: &mut Vec<u32>) {
        let (na, nb) = (self.a.norms()[a], &self.b.norms()[b.clone()]);
        self.kernels.scan_l2_i32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    fn scan_tile(
        &self,
        (acc, ld): (&[i32], usize),
        (a, b): (Range<usize>, Range<usize>),
        row_thresholds: &[i32],
        column_thresholds: Option<&[i32]>,
        _scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<i32>>,
    ) {
        let (row_norms, column_norms) = (&self.a.norms()[a], &self.b.norms()[b]);
        let tile = TileScan { acc, ld, row_norms, column_norms, row_thresholds, column_thresholds };
        self.kernels.scan_tile_l2_i32(&tile, found);
    }
    #[inline]
    fn proxy(&self, cell: i32, a: usize, b: usize) -> i32 {
        (self.a.norms()[a] + self.b.norms()[b]) - 2 * cell
    }
    fn error_bound(&self, _a: usize) -> f32 {
        0.0
    }
    fn settled(&self, proxy: i32) -> Option<f32> {
        (proxy < EXACT_SQUARES && self.is_final(0)).then_some(proxy as f32)
    }
    fn is_final(&self, _a: usize) -> bool {
        self.a.is_exact() && self.b.is_exact()
    }
    fn least(&self, a: usize, worst: f32) -> f32 {
        // `worst` was rounded to f32.
        let square = f64::from(worst) * (1.0 - f64::from(f32::EPSILON));
        self.loss.least(a, f64::from(self.b.scale()) * square.max(0.0).sqrt())
    }
    fn most(&self, a: usize, last: f32) -> i32 {
        let steps = self.loss.most(a, last) / f64::from(self.b.scale());
        i32::covering(steps * steps)
    }
    fn apart(&self) -> &[u32] {
        self.loss.apart()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Control;
    use crate::points::{Points, Rows};
    use crate::testing::{Rng, metric};

    #[test]
    fn what_codes_say_of_a_pair_holds() {
        let mut rng = Rng::new(1);
        for (dim, size, offset) in [(1, 1.0, 0.0), (7, 1e-30, 0.0), (40, 1.0, 1e6), (40, 1e15, 0.0), (300, 1.0, -5.0)] {
            let values: Vec<f32> = (0..200 * dim).map(|_| offset + size * rng.normal()).collect();
            let rows = Rows::from_slice(&values, dim).unwrap();
            let codes = ByteCodes::coarse(&rows, 1, Control::none()).unwrap().unwrap();
            let points: Points = rows.into();
            let kernels = Kernels::detect();
            let tiles = ByteTiles::new(kernels, &codes, &codes);
            let pair = metric("sqeuclidean", dim).pair(kernels, points.form());
            for a in 0..200 {
                for b in (0..200).filter(|b| tiles.apart().binary_search(b).is_err()) {
                    let of = |id: usize| codes.padded(id).iter().map(|&c| i32::from(c));
                    let coded: i32 = of(a).zip(of(b as usize)).map(|(x, y)| (x - y).pow(2)).sum();
                    let last = pair.one(points.row(a), points.row(b as usize));
                    assert!(coded <= tiles.most(a, last), "most: {coded} at {last}");
                    assert!(tiles.least(a, coded as f32) <= last, "least: {coded} at {last}");
                    let most = tiles.most(a, last);
                    let proven = most == i32::MAX || tiles.least(a, most as f32).max(0.0) >= last;
                    assert!(proven, "least of most at {last}");
                }
            }
        }
    }
}
