//! Proxies of one query against rows. `four` must give bit for bit what four `one`s give.

use crate::code::Quantized;
use crate::metric::Pair;
use crate::options::Quantization;
use crate::points::{Points, RowRef, Rows};
use hnsw_kernels::{Kernels, PairKernel};

/// Which form of the rows a walk runs on.
pub(crate) trait Scorer {
    fn one(&self, id: u32) -> f32;
    fn four(&self, ids: [u32; 4]) -> [f32; 4];
    fn prefetch(&self, id: u32);
}

/// The rows themselves.
pub(crate) struct RowScorer<'a> {
    pub pair: Pair<'a>,
    pub rows: &'a Points,
    pub query: RowRef<'a>,
}

impl Scorer for RowScorer<'_> {
    #[inline]
    fn one(&self, id: u32) -> f32 {
        self.pair.one(self.query, self.rows.row(id as usize))
    }

    #[inline]
    fn four(&self, ids: [u32; 4]) -> [f32; 4] {
        self.pair.four(self.query, ids.map(|id| self.rows.row(id as usize)))
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.rows.prefetch(id as usize);
    }
}

/// Dense rows by one kernel: what most walks run on, without a look at forms for every row.
pub(crate) struct DenseScorer<'a> {
    pub kernel: PairKernel,
    pub rows: &'a Rows,
    pub query: &'a [f32],
}

impl Scorer for DenseScorer<'_> {
    #[inline]
    fn one(&self, id: u32) -> f32 {
        self.kernel.one(self.query, self.rows.row(id as usize))
    }

    #[inline]
    fn four(&self, ids: [u32; 4]) -> [f32; 4] {
        self.kernel.four(self.query, ids.map(|id| self.rows.row(id as usize)))
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.rows.row(id as usize));
    }
}

/// Codes of the rows. Proxies order codes, not rows: what is found must be compared again.
pub(crate) struct CodeScorer<'a> {
    pub kernels: &'static Kernels,
    pub codes: &'a Quantized,
    pub query: &'a [u8],
}

impl Scorer for CodeScorer<'_> {
    #[inline]
    fn one(&self, id: u32) -> f32 {
        let code = self.codes.code(id as usize);
        match self.codes.kind() {
            Quantization::Binary => self.kernels.bit_hamming.one(self.query, code) as f32,
            Quantization::Uint8 => self.kernels.u8_l2sq.one(self.query, code) as f32,
            Quantization::Uint4 => self.kernels.u4_l2sq.one(self.query, code) as f32,
            Quantization::Int8 => -self.kernels.i8_dot.one(self.query, code) as f32,
        }
    }

    #[inline]
    fn four(&self, ids: [u32; 4]) -> [f32; 4] {
        let codes = ids.map(|id| self.codes.code(id as usize));
        match self.codes.kind() {
            Quantization::Binary => self.kernels.bit_hamming.four(self.query, codes).map(|v| v as f32),
            Quantization::Uint8 => self.kernels.u8_l2sq.four(self.query, codes).map(|v| v as f32),
            Quantization::Uint4 => self.kernels.u4_l2sq.four(self.query, codes).map(|v| v as f32),
            Quantization::Int8 => self.kernels.i8_dot.four(self.query, codes).map(|v| -v as f32),
        }
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.codes.code(id as usize));
    }
}
