//! Tiles of byte products: final where codes stand for their rows exactly, else a filter with a proof.
//!
//! For rows x with codes x̂ and residuals r (see `code::bytes`), D being the squared distance of two codes:
//!
//! ```text
//!   | |a - b| - scale · sqrt(D) |  <=  r_a + r_b
//! ```
//!
//! A few rows whose residuals are far above the others' would spoil the bound for all: they are set apart and
//! compared without a filter.

use super::tiles::{Tiles, Value, pair_error};
use crate::code::ByteCodes;
use hnsw_kernels::{Hit, Kernels, MatRef, Packed, TileScan};
use std::ops::Range;

/// At most one row in so many is set apart, and a few more.
const APART_SHARE: usize = 1024;
/// Rows are set apart where that makes the largest residual this much smaller.
const APART_GAIN: f32 = 1.5;
/// Squared distances below this are the same in f32, however they are added up: integers that it holds.
const INTEGERS: i32 = 1 << 24;

/// Codes of A against codes of B, under the same steps.
pub(crate) struct ByteTiles<'a> {
    kernels: &'static Kernels,
    a: &'a ByteCodes,
    b: &'a ByteCodes,
    apart: Vec<u32>,
    /// Bound of the residuals of the rows of B that are not apart.
    residual: f64,
    /// See the function of this name.
    pair_error: [f64; 2],
}

impl<'a> ByteTiles<'a> {
    pub fn new(kernels: &'static Kernels, a: &'a ByteCodes, b: &'a ByteCodes) -> ByteTiles<'a> {
        let (apart, residual) = set_apart(b.residuals());
        ByteTiles { kernels, a, b, apart, residual: f64::from(residual), pair_error: pair_error(b.width()) }
    }

    /// What residuals may add to a distance of row `a`, or take from it.
    fn lost(&self, a: usize) -> f64 {
        f64::from(self.a.residual(a)) + self.residual
    }
}

/// Rows with the largest residuals where they stand out, ascending, and the bound for all others.
fn set_apart(residuals: &[f32]) -> (Vec<u32>, f32) {
    let largest = residuals.iter().copied().fold(0.0, f32::max);
    let most = (residuals.len() / APART_SHARE + 4).min(residuals.len() / 16);
    let mut sorted = residuals.to_vec();
    let Some(at) = sorted.len().checked_sub(most + 1) else { return (Vec::new(), largest) };
    let (_, &mut bound, _) = sorted.select_nth_unstable_by(at, f32::total_cmp);
    if bound * APART_GAIN > largest {
        return (Vec::new(), largest);
    }
    let apart = (0u32..).zip(residuals).filter(|(_, residual)| **residual > bound).map(|(id, _)| id).collect();
    (apart, bound)
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
        self.kernels.pack_u8(self.b.block(b), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, _b: Range<usize>, scratch: &mut ByteScratch, out: &mut [i32], ld: usize) {
        self.kernels.dot_tile_u8(self.a.block(a), &scratch.packed, out, ld);
    }
    fn fill_rows(&self, a: &[u32], _b: Range<usize>, scratch: &mut ByteScratch, out: &mut [i32], ld: usize) {
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
        (proxy < INTEGERS && self.is_final(0)).then_some(proxy as f32)
    }
    fn is_final(&self, _a: usize) -> bool {
        self.a.is_exact() && self.b.is_exact()
    }
    fn least(&self, a: usize, worst: f32) -> f32 {
        // `worst` was rounded to f32; the sums below are in f64 and off by far less than the last factor.
        let codes = f64::from(self.b.scale()) * (f64::from(worst) * (1.0 - f64::from(f32::EPSILON))).max(0.0).sqrt();
        let apart = (codes - self.lost(a)).max(0.0);
        let [relative, underflow] = self.pair_error;
        let least = apart * apart * (1.0 - relative) * (1.0 - 1e-9) - underflow;
        (least as f32).next_down()
    }
    fn most(&self, a: usize, last: f32) -> i32 {
        let [relative, underflow] = self.pair_error;
        let apart = ((f64::from(last) + underflow) / (1.0 - relative)).sqrt() + self.lost(a);
        let steps = apart / f64::from(self.b.scale());
        // A little more than rounding needs, so that `least` of it is no less than `last`: a row whose limit this is
        // and that keeps fewer than it may is proven.
        i32::covering(steps * steps * (1.0 + 1e-6))
    }
    fn apart(&self) -> &[u32] {
        &self.apart
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

    #[test]
    fn only_rows_that_stand_out_are_set_apart() {
        let mut residuals = vec![1.0; 5000];
        assert_eq!(set_apart(&residuals), (vec![], 1.0));
        residuals[17] = 9.0;
        residuals[4000] = f32::INFINITY;
        assert_eq!(set_apart(&residuals), (vec![17, 4000], 1.0));
        residuals[..500].fill(3.0);
        residuals[17] = 9.0;
        assert_eq!(set_apart(&residuals), (vec![17, 4000], 3.0));
        assert_eq!(set_apart(&[]), (vec![], 0.0));
    }
}
