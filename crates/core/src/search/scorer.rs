//! Proxies of one query against rows. `four` must give bit for bit what four `one`s give.

use crate::code::{ByteCodes, Quantized, Sketch};
use crate::metric::Pair;
use crate::options::Quantization;
use crate::points::{Points, RowRef, Rows};
use hnsw_kernels::{ByteKernel, Kernels, PairKernel};

/// Which form of the rows a walk runs on.
pub(crate) trait Scorer {
    fn one(&self, id: u32) -> f32;
    fn four(&self, ids: [u32; 4]) -> [f32; 4];
    fn prefetch(&self, id: u32);

    /// The proxies of `ids`, in their order.
    #[inline]
    fn score(&self, ids: &[u32], out: &mut Vec<f32>) {
        out.clear();
        let (fours, rest) = ids.as_chunks::<4>();
        fours.iter().for_each(|&four| out.extend(self.four(four)));
        out.extend(rest.iter().map(|&id| self.one(id)));
    }
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

/// Sketches of the rows: what a walk finds by them must be compared again.
pub(crate) struct SketchScorer<'a> {
    pub dot: ByteKernel<u32>,
    pub sketch: &'a Sketch,
    pub query: &'a [u8],
}

impl Scorer for SketchScorer<'_> {
    #[inline]
    fn one(&self, id: u32) -> f32 {
        self.sketch.proxy(self.dot, self.query, id as usize)
    }

    #[inline]
    fn four(&self, ids: [u32; 4]) -> [f32; 4] {
        self.sketch.four(self.dot, self.query, ids)
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.sketch.code(id as usize));
    }
}

/// Byte codes of the rows and of a query: their squared distances, which f32 may round.
pub(crate) struct ByteScorer<'a> {
    pub dot: ByteKernel<u32>,
    pub codes: &'a ByteCodes,
    pub query: &'a [u8],
    /// |query|².
    pub norm: i32,
}

impl ByteScorer<'_> {
    #[inline]
    fn proxy(&self, id: u32, dot: u32) -> f32 {
        (self.norm + self.codes.norms()[id as usize] - 2 * dot.cast_signed()) as f32
    }
}

impl Scorer for ByteScorer<'_> {
    #[inline]
    fn one(&self, id: u32) -> f32 {
        self.proxy(id, self.dot.one(self.query, self.codes.padded(id as usize)))
    }

    #[inline]
    fn four(&self, ids: [u32; 4]) -> [f32; 4] {
        let dots = self.dot.four(self.query, ids.map(|id| self.codes.padded(id as usize)));
        std::array::from_fn(|i| self.proxy(ids[i], dots[i]))
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.codes.padded(id as usize));
    }
}
