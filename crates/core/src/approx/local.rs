//! All proxies within a small set of rows.
//!
//! Sparse rows are gathered side by side once, then multiplied: for wide rows that is several times faster
//! than pair by pair. The proxy of a pair never depends on the set it was computed in.

use crate::exact::sparse::{PANEL, Panel, Rule, SparseSide};
use crate::metric::Pair;
use crate::points::Points;
use hnsw_kernels::Kernels;

/// A way to compute the proxies within a set of rows.
pub(crate) trait Local: Sync {
    type Scratch: Send;

    /// Scratch of one worker.
    fn scratch(&self) -> Self::Scratch;

    /// Proxies of the first `heads` of `ids` against all of `ids`: `out[i * ids.len() + j]`.
    fn proxies(&self, ids: &[u32], heads: usize, scratch: &mut Self::Scratch, out: &mut Vec<f32>);
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
