//! What codes that lose something say of their rows, by the triangle inequality.
//!
//! For rows x with codes x̂ and residuals r, |x - x̂| <= r:  | |a - b| - |â - b̂| |  <=  r_a + r_b.
//!
//! A few rows whose residuals are far above the others' would spoil the bound for all: they are set apart and
//! compared without a filter.

use super::tiles::pair_error;

/// At most one row in so many is set apart, and a few more.
const APART_SHARE: usize = 1024;
/// Rows are set apart where that makes the largest residual this much smaller.
const APART_GAIN: f32 = 1.5;

/// The residuals of codes of A against codes of B.
pub(super) struct Loss<'a> {
    of_a: &'a [f32],
    apart: Vec<u32>,
    /// Bound of the residuals of the rows of B that are not apart.
    of_b: f64,
    pair_error: [f64; 2],
}

impl<'a> Loss<'a> {
    /// Residuals of A and B, none for codes that lose nothing, of rows of `width` columns.
    pub fn new(of_a: &'a [f32], of_b: &[f32], width: usize) -> Loss<'a> {
        let (apart, of_b) = set_apart(of_b);
        Loss { of_a, apart, of_b: f64::from(of_b), pair_error: pair_error(width) }
    }

    /// Rows of B, ascending, that nothing is said about.
    pub fn apart(&self) -> &[u32] {
        &self.apart
    }

    fn of(&self, a: usize) -> f64 {
        f64::from(self.of_a.get(a).copied().unwrap_or(0.0)) + self.of_b
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

/// Rows with the largest residuals where they stand out, ascending, and the bound for all others.
fn set_apart(residuals: &[f32]) -> (Vec<u32>, f32) {
    let largest = residuals.iter().copied().fold(0.0, f32::max);
    let most = (residuals.len() / APART_SHARE + 4).min(residuals.len() / 16);
    let mut sorted = residuals.to_vec();
    let Some(at) = sorted.len().checked_sub(most + 1) else { return (Vec::new(), largest) };
    let (_, &mut bound, _) = sorted.select_nth_unstable_by(at, f32::total_cmp);
    if bound * APART_GAIN > largest {
        return (Vec::new(), largest);
    }
    let apart = (0u32..).zip(residuals).filter(|(_, residual)| **residual > bound).map(|(id, _)| id).collect();
    (apart, bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_stand_out_are_set_apart() {
        let mut residuals = vec![1.0; 5000];
        assert_eq!(set_apart(&residuals), (vec![], 1.0));
        residuals[17] = 9.0;
        residuals[4000] = f32::INFINITY;
        assert_eq!(set_apart(&residuals), (vec![17, 4000], 1.0));
        residuals[..500].fill(3.0);
        residuals[17] = 9.0;
        assert_eq!(set_apart(&residuals), (vec![17, 4000], 3.0));
        assert_eq!(set_apart(&[]), (vec![], 0.0));
    }
}
