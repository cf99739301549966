//! Tiles of distances of sets: how many columns two rows have in common, from their bits.

use crate::error::Result;
use crate::exact::tiles::Tiles;
use crate::metric::{Coefficient, Line};
use crate::parallel;
use crate::points::{BitRows, Points};
use hnsw_kernels::{Kernels, Packed};
use std::ops::Range;

/// Rows that are looked at together.
const GROUP: usize = 256;

/// One side: a bit for every column that a row holds, and how many that are.
pub(super) struct BitSide<'a> {
    rows: Made<'a>,
    sizes: Vec<i32>,
}

/// Bits as they were given, or made of values.
enum Made<'a> {
    Given(&'a BitRows),
    Here(BitRows),
}

impl<'a> BitSide<'a> {
    /// The sets of `rows`: bits, or the columns of dense rows that are not zero. O(n·dim); holds n·dim / 8 bytes
    /// where rows are dense. Errors: `OutOfMemory`.
    pub fn of(rows: &'a Points, threads: usize) -> Result<BitSide<'a>> {
        let rows = match rows {
            Points::Bits(rows) => Made::Given(rows),
            Points::Dense(rows) => Made::Here(BitRows::not_zero(rows, threads)?),
            Points::Sparse(_) => unreachable!("sparse rows have products of their own"),
        };
        let mut side = BitSide { rows, sizes: Vec::new() };
        let mut sizes = vec![0; side.rows().len()];
        let ones = |row: &[u8]| row.iter().map(|byte| byte.count_ones()).sum::<u32>().cast_signed();
        parallel::chunks_mut(
            threads,
            &mut sizes,
            GROUP,
            || (),
            |(), start, part| {
                part.iter_mut().enumerate().for_each(|(i, size)| *size = ones(side.rows().row(start + i)));
                true
            },
        );
        side.sizes = sizes;
        Ok(side)
    }

    fn rows(&self) -> &BitRows {
        match &self.rows {
            Made::Given(rows) => rows,
            Made::Here(rows) => rows,
        }
    }
}

/// Distances of the sets of two sides, final.
pub(super) struct SetTiles<'a> {
    pub kernels: &'static Kernels,
    pub of: Coefficient,
    /// Number of columns.
    pub dim: f64,
    pub a: &'a BitSide<'a>,
    pub b: &'a BitSide<'a>,
}

/// Reused by a worker.
#[derive(Default)]
pub(super) struct SetScratch {
    packed: Packed<u8>,
    common: Vec<i32>,
}

impl Tiles for SetTiles<'_> {
    type Value = f32;
    type Scratch = SetScratch;

    fn a_len(&self) -> usize {
        self.a.sizes.len()
    }
    fn b_len(&self) -> usize {
        self.b.sizes.len()
    }
    fn scratch(&self) -> SetScratch {
        SetScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut SetScratch) {
        self.kernels.pack_bytes(self.b.rows().block(b), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut SetScratch, out: &mut [f32], ld: usize) {
        scratch.common.resize(out.len(), 0);
        self.kernels.panels.bit_and.tile(self.a.rows().block(a.clone()), &scratch.packed, &mut scratch.common, ld);
        let sizes = &self.b.sizes[b];
        for ((&size, common), cells) in self.a.sizes[a].iter().zip(scratch.common.chunks(ld)).zip(out.chunks_mut(ld)) {
            self.of.line(Line { size, sizes, common, dim: self.dim }, cells);
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
        Some(proxy)
    }
    fn error_bound(&self, _a: usize) -> f32 {
        0.0
    }
}
