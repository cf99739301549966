//! When a walk ends, and what it may return.

use super::pool::Pool;
use crate::neighbors::Neighbor;

/// When to end, asked before each expansion, and again once the rows that earlier ones led to have been met. A pool without unexpanded rows ends every walk.
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

/// Ends a walk through the ball around a query: all rows of the ball are expanded, then the shell around it as long as
/// that leads to more of the ball. A walk that has not reached the ball ends when it comes no nearer.
pub(crate) struct BallExpanded {
    /// Largest proxy of the ball.
    pub ball: f32,
    /// Largest proxy of the ball with the shell around it.
    pub shell: f32,
    /// Rows expanded for nothing before the walk ends, and the nearest rows that are expanded in any case.
    pub patience: usize,
    /// Rows that may be expanded in all.
    pub budget: usize,
    /// Whether the budget ended the walk.
    pub spent: bool,
    state: Idle,
}

/// What a walk has come to, and for how long nothing came.
#[derive(Default)]
struct Idle {
    hits: usize,
    nearest: Option<Neighbor>,
    expansions: usize,
}

impl BallExpanded {
    pub fn new(ball: f32, shell: f32, patience: usize, budget: usize) -> BallExpanded {
        BallExpanded { ball, shell, patience, budget, spent: false, state: Idle::default() }
    }
}

impl Idle {
    /// Counts an expansion; how many have led to nothing since the last that led to something.
    fn count(&mut self, hits: usize, nearest: Option<Neighbor>) -> usize {
        let nearer = hits == 0 && nearest.is_some() && (self.nearest.is_none() || nearest < self.nearest);
        self.expansions = if hits > self.hits || nearer { 0 } else { self.expansions + 1 };
        (self.hits, self.nearest) = (hits, nearest);
        self.expansions
    }
}

impl Stop for BallExpanded {
    #[inline]
    fn ends(&mut self, next: Neighbor, found: &Pool) -> bool {
        self.spent = self.budget == 0;
        self.budget = self.budget.saturating_sub(1);
        if self.spent || next.proxy <= self.ball {
            return self.spent;
        }
        let idle = self.state.count(found.within(self.ball), found.nearest());
        idle > self.patience || (next.proxy > self.shell && found.expanded() >= self.patience)
    }
}

/// Which rows may be returned; others are walked through.
pub(crate) trait Accept {
    /// Lets the loop use its pool as the result.
    const EVERYTHING: bool;
    fn accepts(&self, id: u32) -> bool;
}

/// Rows of a set, a bit each.
pub(crate) struct Matching(Vec<u64>);

impl Matching {
    /// The rows `slots` of `n`.
    pub fn of(slots: &[u32], n: usize) -> Matching {
        let mut bits = vec![0u64; n.div_ceil(64)];
        slots.iter().for_each(|&slot| bits[slot as usize / 64] |= 1 << (slot % 64));
        Matching(bits)
    }
}

impl Accept for &Matching {
    const EVERYTHING: bool = false;
    #[inline]
    fn accepts(&self, id: u32) -> bool {
        self.0[id as usize / 64] >> (id % 64) & 1 == 1
    }
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
