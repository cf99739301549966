//! What links are chosen by: proxies of two rows of a graph.

use crate::code::Sketch;
use crate::metric::Pair;
use crate::neighbors::Neighbor;
use crate::points::Points;
use hnsw_kernels::ByteKernel;

/// Proxies of rows to each other. `four` must give bit for bit what four `one`s give.
pub(crate) trait Between: Sync {
    fn one(&self, a: u32, b: u32) -> f32;
    fn four(&self, a: u32, others: [u32; 4]) -> [f32; 4];
    fn prefetch(&self, id: u32);

    /// Whether some proxy of `a` and one of `others` is one that `ends` says of; those are asked four at a time, in their order.
    #[inline]
    fn any(&self, a: u32, others: &[Neighbor], mut ends: impl FnMut(f32) -> bool) -> bool {
        let (fours, rest) = others.as_chunks::<4>();
        fours.iter().any(|four| self.four(a, four.map(|other| other.id)).into_iter().any(&mut ends))
            || rest.iter().any(|other| ends(self.one(a, other.id)))
    }
}

/// By the rows themselves.
pub(crate) struct ByRows<'a> {
    pub pair: Pair<'a>,
    pub rows: &'a Points,
}

impl Between for ByRows<'_> {
    #[inline]
    fn one(&self, a: u32, b: u32) -> f32 {
        self.pair.one(self.rows.row(a as usize), self.rows.row(b as usize))
    }

    #[inline]
    fn four(&self, a: u32, others: [u32; 4]) -> [f32; 4] {
        self.pair.four(self.rows.row(a as usize), others.map(|id| self.rows.row(id as usize)))
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.rows.prefetch(id as usize);
    }
}

/// By what walks run on: what leads nearer by sketches is linked, and a comparison takes a line or two of memory.
pub(crate) struct BySketch<'a> {
    pub dot: ByteKernel<u32>,
    pub sketch: &'a Sketch,
}

impl Between for BySketch<'_> {
    #[inline]
    fn one(&self, a: u32, b: u32) -> f32 {
        self.sketch.between(self.dot, a as usize, b as usize)
    }

    #[inline]
    fn four(&self, a: u32, others: [u32; 4]) -> [f32; 4] {
        self.sketch.four_between(self.dot, a as usize, others)
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.sketch.code(id as usize));
    }
}
