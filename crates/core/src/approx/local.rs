//! All proxies within a small set of rows.
//!
//! The rows are gathered side by side once, then multiplied: for wide rows that is several times faster
//! than pair by pair. The proxy of a pair never depends on the set it was computed in.

use crate::code::ByteCodes;
use crate::exact::sparse::{PANEL, Panel, Rule, SparseSide};
use crate::exact::tiles::FloatSide;
use crate::metric::Pair;
use crate::points::Points;
use hnsw_kernels::{Kernels, MatRef, Packed};

/// A way to compute the proxies within a set of rows.
pub(crate) trait Local: Sync {
    type Scratch: Send;

    /// Scratch of one worker.
    fn scratch(&self) -> Self::Scratch;

    /// Proxies of the first `heads` of `ids` against all of `ids`: `out[i * ids.len() + j]`.
    fn proxies(&self, ids: &[u32], heads: usize, scratch: &mut Self::Scratch, out: &mut Vec<f32>);
}

/// Byte products.
pub(crate) struct ByteLocal<'a> {
    pub kernels: &'static Kernels,
    pub codes: &'a ByteCodes,
}

#[derive(Default)]
pub(crate) struct ByteScratch {
    rows: Vec<u8>,
    packed: Packed<u8>,
    cells: Vec<i32>,
}

impl Local for ByteLocal<'_> {
    type Scratch = ByteScratch;

    fn scratch(&self) -> ByteScratch {
        ByteScratch::default()
    }

    fn proxies(&self, ids: &[u32], heads: usize, scratch: &mut ByteScratch, out: &mut Vec<f32>) {
        let ByteScratch { rows, packed, cells } = scratch;
        let (n, stride, width) = (ids.len(), self.codes.stride(), self.codes.width());
        rows.clear();
        ids.iter().for_each(|&id| rows.extend_from_slice(self.codes.padded(id as usize)));
        let ld = n.next_multiple_of(16);
        cells.resize(cells.len().max(heads * ld), 0);
        self.kernels.pack_u8(MatRef::new(rows, n, width, stride), packed);
        self.kernels.dot_tile_u8(MatRef::new(rows, heads, width, stride), packed, cells, ld);
        let norms = self.codes.norms();
        out.clear();
        for (&a, cells) in ids[..heads].iter().zip(cells.chunks(ld)) {
            let own = norms[a as usize];
            out.extend(ids.iter().zip(cells).map(|(&b, &dot)| ((own + norms[b as usize]) - 2 * dot) as f32));
        }
    }
}

/// Float products.
pub(crate) struct FloatLocal<'a> {
    pub kernels: &'static Kernels,
    pub side: &'a FloatSide<'a>,
}

#[derive(Default)]
pub(crate) struct FloatScratch {
    rows: Vec<f32>,
    packed: Packed<f32>,
    cells: Vec<f32>,
}

impl Local for FloatLocal<'_> {
    type Scratch = FloatScratch;

    fn scratch(&self) -> FloatScratch {
        FloatScratch::default()
    }

    fn proxies(&self, ids: &[u32], heads: usize, scratch: &mut FloatScratch, out: &mut Vec<f32>) {
        let FloatScratch { rows, packed, cells } = scratch;
        let (n, width) = (ids.len(), self.side.width());
        rows.clear();
        ids.iter().for_each(|&id| self.side.extend(id as usize, rows));
        let ld = n.next_multiple_of(16);
        cells.resize(cells.len().max(heads * ld), 0.0);
        self.kernels.pack_f32(MatRef::new(rows, n, width, width), packed);
        self.kernels.dot_tile_f32(MatRef::new(rows, heads, width, width), packed, cells, ld);
        let norms = self.side.norms();
        out.clear();
        for (&a, cells) in ids[..heads].iter().zip(cells.chunks(ld)) {
            let own = norms[a as usize];
            // Rounding may push a squared distance below zero.
            let proxy = |(&b, &dot): (&u32, &f32)| ((own + norms[b as usize]) - 2.0 * dot).max(0.0);
            out.extend(ids.iter().zip(cells).map(proxy));
        }
    }
}

/// Sparse products, and how proxies follow from them.
pub(crate) struct SparseLocal<'a> {
    pub kernels: &'static Kernels,
    pub side: &'a SparseSide<'a>,
    pub rule: &'a Rule,
}

impl Local for SparseLocal<'_> {
    type Scratch = Panel;

    fn scratch(&self) -> Panel {
        self.side.panel()
    }

    fn proxies(&self, ids: &[u32], heads: usize, panel: &mut Panel, out: &mut Vec<f32>) {
        let norms = self.side.norms();
        out.resize(heads * ids.len(), 0.0);
        for (group, first) in ids.chunks(PANEL).zip((0..).step_by(PANEL)) {
            panel.fill(group.iter().map(|&b| self.side.row(b as usize)));
            for (&a, out) in ids[..heads].iter().zip(out.chunks_mut(ids.len())) {
                let own = norms[a as usize];
                let dots = panel.dots(self.kernels, self.side.row(a as usize));
                for ((&b, dot), out) in group.iter().zip(dots).zip(&mut out[first..]) {
                    *out = self.rule.proxy([a, b].map(|id| id as usize), [own, norms[b as usize]], dot);
                }
            }
        }
    }
}

/// Pair kernels, for every other metric.
pub(crate) struct PairLocal<'a> {
    pub pair: Pair<'a>,
    pub rows: &'a Points,
}

impl Local for PairLocal<'_> {
    type Scratch = ();

    fn scratch(&self) {}

    fn proxies(&self, ids: &[u32], heads: usize, _scratch: &mut (), out: &mut Vec<f32>) {
        out.clear();
        for &a in &ids[..heads] {
            let own = self.rows.row(a as usize);
            let (fours, rest) = ids.as_chunks::<4>();
            for group in fours {
                out.extend(self.pair.four(own, group.map(|b| self.rows.row(b as usize))));
            }
            out.extend(rest.iter().map(|&b| self.pair.one(own, self.rows.row(b as usize))));
        }
    }
}
