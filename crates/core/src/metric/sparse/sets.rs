//! Which columns two rows share.

use crate::points::SparseRow;
use hnsw_kernels::Counts;

/// Counts of the columns held.
pub(in crate::metric) fn counts(a: SparseRow<'_>, b: SparseRow<'_>) -> Counts {
    let (mut i, mut j, mut both) = (0, 0, 0);
    // Which row comes next cannot be foreseen, so nothing branches on it.
    while i < a.indices.len() && j < b.indices.len() {
        let (left, right) = (a.indices[i], b.indices[j]);
        both += u32::from(left == right);
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    let held = |row: SparseRow<'_>| row.indices.len() as u32;
    Counts { both, only_a: held(a) - both, only_b: held(b) - both }
}
