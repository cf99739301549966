//! When a walk ends, and what it may return.

use super::pool::Pool;
use crate::neighbors::Neighbor;

/// When to end, asked before each expansion, and again once the rows that earlier ones led to have been met. A pool without unexpanded rows ends every walk.
pub(crate) trait Stop {
    /// True if `next`, the nearest unexpanded row, is not worth expanding.
    fn ends(&mut self, next: Neighbor, found: &Pool) -> bool;

    /// What is beyond this will not be worth expanding, nor returning.
    #[inline]
    fn horizon(&self) -> f32 {
        f32::INFINITY
    }
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

/// Ends when what is left is farther, by a share, than the `k`-th nearest row found so far: easy queries end early, hard
/// ones go on. (Al-Jazzazi and others, Distance adaptive beam search for provably accurate graph-based nearest neighbor
/// search, 2025.)
pub(crate) struct FarBeyond {
    pub k: usize,
    /// Share of the proxy of the `k`-th.
    pub slack: f32,
    /// What makes proxies none below 0.
    pub offset: f32,
    horizon: f32,
}

impl FarBeyond {
    pub fn new(k: usize, slack: f32, offset: f32) -> FarBeyond {
        FarBeyond { k, slack, offset, horizon: f32::INFINITY }
    }
}

impl Stop for FarBeyond {
    #[inline]
    fn ends(&mut self, next: Neighbor, found: &Pool) -> bool {
        if let Some(last) = found.at(self.k - 1).filter(|_| self.slack.is_finite()) {
            self.horizon = last.proxy + self.slack * (last.proxy + self.offset).max(0.0);
        }
        next.proxy > self.horizon
    }

    #[inline]
    fn horizon(&self) -> f32 {
        self.horizon
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
    /// The rows of `n` whose bits, from the first of the first byte, are set. O(n), by words.
    pub fn of_bytes(bytes: &[u8], n: usize) -> Matching {
        let mut bits = vec![0u64; n.div_ceil(64)];
        for (word, chunk) in bits.iter_mut().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_le_bytes(eight);
        }
        if let Some(last) = bits.last_mut().filter(|_| !n.is_multiple_of(64)) {
            *last &= (1 << (n % 64)) - 1;
        }
        Matching(bits)
    }

    /// The rows of `n` that `has` says.
    pub fn of_rows(n: usize, has: impl Fn(u32) -> bool) -> Matching {
        let mut bits = vec![0u64; n.div_ceil(64)];
        (0..n as u32).filter(|&slot| has(slot)).for_each(|slot| bits[slot as usize / 64] |= 1 << (slot % 64));
        Matching(bits)
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The rows, ascending.
    pub fn rows(&self) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.count());
        for (at, &word) in self.0.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                out.push(at as u32 * 64 + left.trailing_zeros());
                left &= left - 1;
            }
        }
        out
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
