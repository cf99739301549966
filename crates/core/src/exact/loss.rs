//! What codes that lose something say of their rows, by the triangle inequality.
//!
//! For rows x with codes x̂ and residuals r, |x - x̂| <= r:  | |a - b| - |â - b̂| |  <=  r_a + r_b.
//!
//! Rows that are set apart ([`Apart`]) are compared without a filter.

use super::tiles::pair_error;
use crate::code::Apart;
use std::sync::Arc;

/// The residuals of codes of A against codes of B.
pub(super) struct Loss<'a> {
    of_a: &'a [f32],
    of_b: Arc<Apart>,
    pair_error: [f64; 2],
}

impl<'a> Loss<'a> {
    /// Residuals of A and B, none for codes that lose nothing, of rows of `width` columns.
    pub fn new(of_a: &'a [f32], of_b: Arc<Apart>, width: usize) -> Loss<'a> {
        Loss { of_a, of_b, pair_error: pair_error(width) }
    }

    /// Rows of B, ascending, that nothing is said about.
    pub fn apart(&self) -> &[u32] {
        &self.of_b.rows
    }

    fn of(&self, a: usize) -> f64 {
        f64::from(self.of_a.get(a).copied().unwrap_or(0.0)) + f64::from(self.of_b.bound)
    }

    /// Least final proxy, for row `a`, of a row whose code is at least `distance` from its own.
    pub fn least(&self, a: usize, distance: f64) -> f32 {
        let apart = (distance - self.of(a)).max(0.0);
        let [relative, underflow] = self.pair_error;
        // Sums in f64 are off by far less than the last factor.
        let least = apart * apart * (1.0 - relative) * (1.0 - 1e-9) - underflow;
        (least as f32).next_down()
    }

    /// Largest distance of its code, for row `a`, of a row whose final proxy is at most `last`. A little more than
    /// rounding needs, so that `least` of it is no less than `last`: a row that keeps fewer than it may under such
    /// a limit is proven.
    pub fn most(&self, a: usize, last: f32) -> f64 {
        let [relative, underflow] = self.pair_error;
        (((f64::from(last) + underflow) / (1.0 - relative)).sqrt() + self.of(a)) * (1.0 + 5e-7)
    }
}
