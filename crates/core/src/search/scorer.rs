//! Proxies of one query against rows. `four` must give bit for bit what four `one`s give.

use crate::metric::Pair;
use crate::points::{Points, RowRef};

/// Which form of the rows a walk runs on.
pub(crate) trait Scorer {
    fn one(&self, id: u32) -> f32;
    fn four(&self, ids: [u32; 4]) -> [f32; 4];
    fn prefetch(&self, id: u32);
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
