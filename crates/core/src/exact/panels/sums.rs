//! Tiles of sums over the columns of dense rows.
//!
//! All terms are at least 0, so a sum is off by a small share of itself, whatever the values: that share is what
//! the recheck allows for. Maxima, counts, and sums of whole numbers are what the pair functions give.

use crate::exact::tiles::{Tiles, Value};
use crate::metric::Sums;
use crate::parallel;
use crate::points::{Derived, Rows};
use hnsw_kernels::{Kernels, Packed, panel_error_factor};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

/// Rows that are looked at together.
const GROUP: usize = 256;
/// Sums of whole numbers are exact in f32 below this.
const WHOLE: f32 = 16_777_216.0;
/// Values beyond this could overflow in a term.
const LARGEST: f32 = f32::MAX / 4.0;

/// What tiles want to know of a side. O(n·dim) to make, but for chebyshev and hamming, which want nothing.
pub(super) struct SumSide {
    largest: f32,
    /// All values are whole numbers.
    whole: bool,
    /// The sum of each row, where no value is negative.
    totals: Option<Vec<f32>>,
}

impl Derived for SumSide {
    fn bytes(&self) -> usize {
        self.totals.as_ref().map_or(0, Vec::capacity) * size_of::<f32>()
    }
}

impl SumSide {
    /// As [`SumSide::of`], made once and kept with the rows.
    pub fn kept(rows: &Rows, sums: Sums, threads: usize) -> Arc<SumSide> {
        let Ok(side) = rows.kept().get_or_make(sums as usize, || Ok::<_, Infallible>(SumSide::of(rows, sums, threads)));
        side
    }

    pub fn of(rows: &Rows, sums: Sums, threads: usize) -> SumSide {
        let mut side = SumSide { largest: 0.0, whole: true, totals: None };
        if matches!(sums, Sums::Chebyshev | Sums::Hamming) {
            return side;
        }
        let mut seen = vec![Seen::default(); rows.len()];
        parallel::chunks_mut(
            threads,
            &mut seen,
            GROUP,
            || (),
            |(), start, part| {
                part.iter_mut().enumerate().for_each(|(i, seen)| *seen = Seen::of(rows.row(start + i)));
                true
            },
        );
        side.largest = seen.iter().map(|row| row.largest).fold(0.0, f32::max);
        side.whole = seen.iter().all(|row| row.whole);
        if seen.iter().all(|row| row.least >= 0.0) {
            side.totals = Some(seen.iter().map(|row| row.total as f32).collect());
        }
        side
    }
}

/// What one row is made of.
#[derive(Clone, Copy, Default)]
struct Seen {
    largest: f32,
    least: f32,
    total: f64,
    whole: bool,
}

impl Seen {
    fn of(row: &[f32]) -> Seen {
        let mut seen = Seen { whole: true, ..Seen::default() };
        for &value in row {
            seen.largest = if value.abs() > seen.largest { value.abs() } else { seen.largest };
            seen.least = if value < seen.least { value } else { seen.least };
            // A value beyond i32 is not equal to what it becomes, and its sums are not exact either.
            seen.whole &= value as i32 as f32 == value;
            seen.total += f64::from(value);
        }
        seen
    }
}

/// Sums over the columns of two sides of rows.
pub(super) struct SumTiles<'a> {
    kernels: &'static Kernels,
    sums: Sums,
    a: &'a Rows,
    b: &'a Rows,
    /// The sums of the rows of each side, where the sum of two rows is that of their sums.
    totals: Option<[&'a [f32]; 2]>,
    /// Bound of the relative error.
    error: f32,
}

impl<'a> SumTiles<'a> {
    /// `None` where values are so large that a term could overflow.
    pub fn new(
        kernels: &'static Kernels,
        sums: Sums,
        [a, b]: [&'a Rows; 2],
        [of_a, of_b]: [&'a SumSide; 2],
    ) -> Option<SumTiles<'a>> {
        let largest = of_a.largest.max(of_b.largest);
        if largest > LARGEST {
            return None;
        }
        let factor = panel_error_factor(b.width());
        let whole = of_a.whole && of_b.whole && 2.0 * largest * (b.width() as f32) < WHOLE;
        // The sum in a tile and that of the pair function are both off, in a quotient of sums twice.
        let error = match sums {
            Sums::Chebyshev | Sums::Hamming => 0.0,
            Sums::Manhattan | Sums::BrayCurtis if whole => 0.0,
            Sums::Manhattan | Sums::Canberra => 2.0 * pair_factor(b.width()).max(factor),
            Sums::BrayCurtis => 4.0 * pair_factor(b.width()).max(factor),
        };
        let totals = of_a.totals.as_deref().zip(of_b.totals.as_deref()).map(|(a, b)| [a, b]);
        // Beyond 1 the bound says nothing.
        (error < 0.5).then_some(SumTiles { kernels, sums, a, b, totals, error })
    }

    /// Whether cells are the values of the pair function.
    pub fn gives_pairs(&self) -> bool {
        self.error == 0.0
    }

    /// `cells[i][j] / sum of |a_i + b_j|`.
    fn divide(&self, a: Range<usize>, b: Range<usize>, scratch: &mut SumScratch, out: &mut [f32], ld: usize) {
        if let Some([of_a, of_b]) = self.totals {
            for (&own, cells) in of_a[a].iter().zip(out.chunks_mut(ld)) {
                cells.iter_mut().zip(&of_b[b.clone()]).for_each(|(cell, other)| *cell = share(*cell, own + other));
            }
        } else {
            scratch.totals.resize(out.len(), 0.0);
            self.kernels.panels.abs_sum.tile(self.a.block(a.clone()), &scratch.packed, &mut scratch.totals, ld);
            let totals = scratch.totals.chunks(ld);
            for (cells, totals) in out.chunks_mut(ld).zip(totals).take(a.len()) {
                cells[..b.len()].iter_mut().zip(totals).for_each(|(cell, total)| *cell = share(*cell, *total));
            }
        }
    }
}

/// Bound of the relative error of a pair function's sum of `width` terms, whatever its order of summation.
fn pair_factor(width: usize) -> f32 {
    // gamma(n) = n u / (1 - n u), a term being rounded at most four times. A kernel deals terms to at least four sums.
    let nu = (width.div_ceil(4) + 8) as f32 * (f32::EPSILON / 2.0);
    1.01 * nu / (1.0 - nu)
}

#[inline(always)]
fn share(part: f32, total: f32) -> f32 {
    if total > 0.0 { part / total } else { 0.0 }
}

/// Reused by a worker.
#[derive(Default)]
pub(super) struct SumScratch {
    packed: Packed<f32>,
    totals: Vec<f32>,
}

impl Tiles for SumTiles<'_> {
    type Value = f32;
    type Scratch = SumScratch;

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) -> SumScratch {
        SumScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut SumScratch) {
        self.kernels.pack_f32(self.b.block(b), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut SumScratch, out: &mut [f32], ld: usize) {
        let panels = &self.kernels.panels;
        let kernel = match self.sums {
            Sums::Manhattan | Sums::BrayCurtis => panels.l1,
            Sums::Chebyshev => panels.linf,
            Sums::Hamming => panels.hamming,
            Sums::Canberra => panels.canberra,
        };
        kernel.tile(self.a.block(a.clone()), &scratch.packed, out, ld);
        if self.sums == Sums::BrayCurtis {
            self.divide(a, b, scratch, out, ld);
        }
    }
    fn scan(&self, cells: &[f32], _a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        self.kernels.scan_f32(&cells[..b.len()], row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, _a: usize, _b: usize) -> f32 {
        cell
    }
    fn settled(&self, proxy: f32) -> Option<f32> {
        self.gives_pairs().then_some(proxy)
    }
    // The bound is relative: see `least` and `most`.
    fn error_bound(&self, _a: usize) -> f32 {
        if self.gives_pairs() { 0.0 } else { f32::INFINITY }
    }
    fn least(&self, _a: usize, worst: f32) -> f32 {
        // What overflowed in a tile need not do so in a pair function.
        worst.min(f32::MAX) * (1.0 - self.error)
    }
    fn most(&self, _a: usize, last: f32) -> f32 {
        f32::covering(f64::from(last) * (1.0 + 2.0 * f64::from(self.error)))
    }
}
