//! Results: k neighbours for each of a number of rows or queries.

use crate::error::{Error, Result};

/// Row-major `rows x k` ids and distances, each row ascending by (distance, id).
///
/// Missing neighbours (k beyond the rows of the index) are id -1 at distance +infinity, at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors {
    /// Number of rows or queries.
    pub rows: usize,
    /// Neighbours of each.
    pub k: usize,
    /// Ids, `rows x k`.
    pub indices: Vec<i32>,
    /// Distances of the index's metric, `rows x k`.
    pub distances: Vec<f32>,
}

/// Id of a missing neighbour.
pub const MISSING: i32 = -1;

impl Neighbors {
    /// `rows x k` missing neighbours.
    pub fn missing(rows: usize, k: usize) -> Result<Neighbors> {
        let cells = rows.checked_mul(k).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        Ok(Neighbors { rows, k, indices: filled(cells, MISSING)?, distances: filled(cells, f32::INFINITY)? })
    }

    /// Makes rows of the index, without `own`, the neighbours of `row`: `twins` at distance 0, then the others of
    /// the first `n` at distance 1.
    pub(crate) fn set_equidistant(&mut self, row: usize, own: Option<usize>, twins: &[usize], n: usize) {
        let skip = usize::from(own.is_some());
        let cells = row * self.k + skip..(row + 1) * self.k;
        let near = twins.iter().map(|&id| (id, 0.0));
        let far = (0..n).filter(|id| twins.binary_search(id).is_err()).map(|id| (id, 1.0));
        let others = near.chain(far).filter(|&(id, _)| Some(id) != own);
        for (cell, (id, distance)) in cells.zip(others) {
            (self.indices[cell], self.distances[cell]) = (id as i32, distance);
        }
    }

    /// Ids and distances of one row.
    pub fn row(&self, row: usize) -> (&[i32], &[f32]) {
        let cells = row * self.k..(row + 1) * self.k;
        (&self.indices[cells.clone()], &self.distances[cells])
    }
}

fn filled<T: Clone>(len: usize, value: T) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) })?;
    out.resize(len, value);
    Ok(out)
}

/// A neighbour while it is being looked for: ordered by (proxy, id), the one order used everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbor {
    pub proxy: f32,
    pub id: u32,
}

impl Eq for Neighbor {}

impl PartialOrd for Neighbor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Neighbor {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.proxy.total_cmp(&other.proxy).then(self.id.cmp(&other.id))
    }
}
