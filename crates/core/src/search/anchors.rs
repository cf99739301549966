//! Where walks by sketches begin: the nearest of a few hundred rows, all of which one product tile compares.
//!
//! That takes less time than a descent through the levels, and sees every part of the rows: no far cluster can
//! hold a walk that begins on all sides.

use super::walk::{Origin, Scratch};
use crate::code::Sketch;
use crate::graph::Graph;
use crate::neighbors::Neighbor;
use hnsw_kernels::{Kernels, Packed};

/// Products looked at together.
const LANES: usize = 16;
/// Anchors a square root of the rows.
const PER_ROOT: f64 = 2.0;

/// Rows spread over all rows, packed for tiles.
pub(crate) struct Anchors {
    ids: Vec<u32>,
    norms: Vec<i32>,
    packed: Packed<u8>,
}

impl Anchors {
    /// The rows of the highest levels: drawn by chance, the entry of the graph, which leads to all rows, among them.
    /// O(n).
    pub fn of(graph: &Graph, sketch: &Sketch) -> Anchors {
        Anchors::among(graph, sketch, |_| true)
    }

    /// As [`Anchors::of`], of the rows that `may` be it.
    pub fn among(graph: &Graph, sketch: &Sketch, may: impl Fn(u32) -> bool) -> Anchors {
        let count = ((graph.len() as f64).sqrt() * PER_ROOT).ceil() as usize;
        let mut ids: Vec<u32> = (0..graph.len() as u32).filter(|&id| may(id)).collect();
        ids.sort_by_key(|&id| std::cmp::Reverse(graph.level(id)));
        ids.truncate(count);
        Anchors::these(ids, sketch)
    }

    /// Rows with these ids. O(ids).
    pub fn these(ids: Vec<u32>, sketch: &Sketch) -> Anchors {
        let mut packed = Packed::default();
        let codes = sketch.gathered(&ids);
        Kernels::detect().pack_u8(sketch.matrix(&codes), &mut packed);
        Anchors { norms: ids.iter().map(|&id| sketch.norm(id as usize)).collect(), packed, ids }
    }

    /// These, for walks by a query's sketch.
    pub fn to<'a>(&'a self, sketch: &'a Sketch, query: &'a [u8]) -> NearAnchors<'a> {
        NearAnchors { anchors: self, sketch, query }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.packed.bytes() + 4 * (self.ids.capacity() + self.norms.capacity())
    }
}

/// Anchors that walks begin at, compared by the sketch of a query.
#[derive(Clone, Copy)]
pub(crate) struct NearAnchors<'a> {
    anchors: &'a Anchors,
    sketch: &'a Sketch,
    query: &'a [u8],
}

impl Origin for NearAnchors<'_> {
    fn enter(&self, _graph: &Graph, scratch: &mut Scratch) {
        self.meet(scratch);
    }
}

impl NearAnchors<'_> {
    /// Offers all of them to the pool, which must have none of them.
    pub fn meet(&self, Scratch { pool, dots, distances, .. }: &mut Scratch) {
        let Anchors { ids, norms, packed } = self.anchors;
        dots.resize(ids.len().next_multiple_of(LANES), 0);
        let ld = dots.len();
        Kernels::detect().dot_tile_u8(self.sketch.matrix(self.query), packed, dots, ld);
        for ((ids, norms), dots) in ids.chunks(LANES).zip(norms.chunks(LANES)).zip(dots.chunks(LANES)) {
            let mut proxies = [i32::MAX; LANES];
            proxies.iter_mut().zip(norms).zip(dots).for_each(|((proxy, norm), dot)| *proxy = norm - 2 * dot);
            // Once the pool is full few lanes hold a row that it takes.
            let least = proxies.into_iter().fold(i32::MAX, i32::min);
            if least as f32 <= pool.farthest() {
                let met = ids.iter().zip(proxies).map(|(&id, proxy)| Neighbor { proxy: proxy as f32, id });
                met.for_each(|met| _ = pool.insert(met));
            }
        }
        *distances += ids.len() as u64;
    }
}
