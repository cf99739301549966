//! When a walk ends, and what it may return.

use super::pool::Pool;
use crate::neighbors::Neighbor;

/// When to end, asked before each expansion. A pool without unexpanded rows ends every walk.
pub(crate) trait Stop {
    /// True if `next`, the nearest unexpanded row, is not worth expanding.
    fn ends(&mut self, next: Neighbor, found: &Pool) -> bool;
}

/// Ends when every row of the pool has been expanded.
pub(crate) struct PoolExpanded;

impl Stop for PoolExpanded {
    #[inline]
    fn ends(&mut self, _next: Neighbor, _found: &Pool) -> bool {
        false
    }
}

/// Which rows may be returned; others are walked through.
pub(crate) trait Accept {
    /// Lets the loop use its pool as the result.
    const EVERYTHING: bool;
    fn accepts(&self, id: u32) -> bool;
}

/// All rows.
pub(crate) struct Everything;

impl Accept for Everything {
    const EVERYTHING: bool = true;
    #[inline]
    fn accepts(&self, _id: u32) -> bool {
        true
    }
}
