//! Where walks by sketches begin: the nearest of a few hundred rows, all of which one product tile compares.
//!
//! That takes less time than a descent through the levels, and sees every part of the rows: no far cluster can
//! hold a walk that begins on all sides.

use crate::code::Sketch;
use crate::graph::Graph;
use crate::neighbors::Neighbor;
use hnsw_kernels::{Kernels, Packed};

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
        let ids = Anchors::ids(graph);
        let mut packed = Packed::default();
        let codes = sketch.gathered(&ids);
        Kernels::detect().pack_u8(sketch.matrix(&codes), &mut packed);
        Anchors { norms: ids.iter().map(|&id| sketch.norm(id as usize)).collect(), packed, ids }
    }

    /// The rows that are anchors. O(n).
    pub fn ids(graph: &Graph) -> Vec<u32> {
        let count = ((graph.len() as f64).sqrt() * PER_ROOT).ceil() as usize;
        let mut ids: Vec<u32> = (0..graph.len() as u32).collect();
        ids.sort_by_key(|&id| std::cmp::Reverse(graph.level(id)));
        ids.truncate(count);
        ids
    }

    /// Every anchor with its proxy for a query's sketch. `dots` is room for them.
    pub fn met<'a>(
        &'a self,
        sketch: &Sketch,
        query: &[u8],
        dots: &'a mut Vec<i32>,
    ) -> impl Iterator<Item = Neighbor> + 'a {
        let ld = self.ids.len().next_multiple_of(16);
        dots.resize(ld, 0);
        Kernels::detect().dot_tile_u8(sketch.matrix(query), &self.packed, dots, ld);
        let each = self.ids.iter().zip(&self.norms).zip(&*dots);
        each.map(|((&id, norm), dot)| Neighbor { proxy: (norm - 2 * dot) as f32, id })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.packed.bytes() + 4 * (self.ids.capacity() + self.norms.capacity())
    }
}
