//! Tiles of distances of sets: how many columns two rows have in common, from their bits.

use crate::error::{Error, Result};
use crate::exact::tiles::Tiles;
use crate::metric::{Coefficient, Line};
use crate::parallel;
use crate::points::{BitRows, Derived, Points, Rows};
use hnsw_kernels::{Kernels, Packed};
use std::ops::Range;
use std::sync::Arc;

/// Rows that are looked at together.
const GROUP: usize = 256;

/// One side: a bit for every column that a row holds, and how many that are.
pub(super) struct BitSide<'a> {
    given: Option<&'a BitRows>,
    of: Arc<Sets>,
}

/// What a side knows of its rows.
struct Sets {
    /// The bits, where rows are values.
    bits: Option<BitRows>,
    sizes: Vec<i32>,
}

impl Derived for Sets {
    fn bytes(&self) -> usize {
        self.bits.as_ref().map_or(0, BitRows::bytes) + self.sizes.capacity() * size_of::<i32>()
    }
}

impl<'a> BitSide<'a> {
    /// The sets of `rows`: bits, or the columns of dense rows that are not zero. O(n·dim); holds n·dim / 8 bytes
    /// where rows are dense. Errors: `OutOfMemory`.
    pub fn of(rows: &'a Points, threads: usize) -> Result<BitSide<'a>> {
        let of = match rows {
            Points::Bits(rows) => Sets::given(rows, threads),
            Points::Dense(rows) => Sets::made(rows, threads)?,
            Points::Sparse(_) => unreachable!("sparse rows have products of their own"),
        };
        Ok(BitSide { given: given(rows), of: Arc::new(of) })
    }

    /// As [`BitSide::of`], made once and kept with the rows.
    pub fn kept(rows: &'a Points, threads: usize) -> Result<BitSide<'a>> {
        let of = match rows {
            Points::Bits(rows) => rows.kept().get_or_make(0, || Ok::<_, Error>(Sets::given(rows, threads)))?,
            Points::Dense(rows) => rows.kept().get_or_make(0, || Sets::made(rows, threads))?,
            Points::Sparse(_) => unreachable!("sparse rows have products of their own"),
        };
        Ok(BitSide { given: given(rows), of })
    }

    fn rows(&self) -> &BitRows {
        self.given.or(self.of.bits.as_ref()).expect("bits are given, or made of values")
    }
}

fn given(rows: &Points) -> Option<&BitRows> {
    if let Points::Bits(rows) = rows { Some(rows) } else { None }
}

impl Sets {
    fn given(rows: &BitRows, threads: usize) -> Sets {
        let ones = |row: &[u8]| row.iter().map(|byte| byte.count_ones()).sum::<u32>().cast_signed();
        let mut sizes = vec![0; rows.len()];
        let scratch = || ();
        parallel::chunks_mut(threads, &mut sizes, GROUP, scratch, |(), start, part| {
            part.iter_mut().enumerate().for_each(|(i, size)| *size = ones(rows.row(start + i)));
            true
        });
        Sets { bits: None, sizes }
    }

    fn made(rows: &Rows, threads: usize) -> Result<Sets> {
        let bits = BitRows::not_zero(rows, threads)?;
        let Sets { sizes, .. } = Sets::given(&bits, threads);
        Ok(Sets { bits: Some(bits), sizes })
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
        self.a.of.sizes.len()
    }
    fn b_len(&self) -> usize {
        self.b.of.sizes.len()
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
        let sizes = &self.b.of.sizes[b];
        for ((&size, common), cells) in self.a.of.sizes[a].iter().zip(scratch.common.chunks(ld)).zip(out.chunks_mut(ld))
        {
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
