//! Which columns two rows share.

use super::merge_columns;
use crate::points::SparseRow;
use hnsw_kernels::Counts;

/// Counts of the columns held.
pub(in crate::metric) fn counts(a: SparseRow<'_>, b: SparseRow<'_>) -> Counts {
    let mut both = 0;
    merge_columns(a, b, |_, x, y| both += u32::from(x.is_some() && y.is_some()));
    let held = |row: SparseRow<'_>| row.indices.len() as u32;
    Counts { both, only_a: held(a) - both, only_b: held(b) - both }
}
