//! Transport between histograms whose columns lie on a circle.

use super::super::pair::Context;
use std::cell::RefCell;

thread_local! {
    static DIFFERENCES: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// Norm of order `p` of the difference of two distribution functions minus its median: for `p` = 1 the least work
/// that moves one histogram onto the other around the circle.
pub(in crate::metric) fn circular(a: &[f32], b: &[f32], with: &Context) -> f32 {
    let differences = || a.iter().zip(b).map(|(&x, &y)| f64::from(x) - f64::from(y));
    let middle = DIFFERENCES.with_borrow_mut(|scratch| {
        scratch.clear();
        scratch.extend(differences());
        median(scratch)
    });
    let from_middle = differences().map(|d| (d - middle).abs());
    if with.p == 1.0 {
        from_middle.sum::<f64>() as f32
    } else {
        from_middle.map(|d| d.powf(with.p)).sum::<f64>().powf(1.0 / with.p) as f32
    }
}

/// The middle value, or the mean of the two in the middle. Reorders `values`.
fn median(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { upper };
    0.5 * (lower + upper)
}
