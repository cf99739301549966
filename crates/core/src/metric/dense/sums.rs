//! Sums over the columns of two rows in f64.

/// Running sums side by side: a compiler may not reorder additions, so a single one would not vectorise.
const LANES: usize = 8;

/// The sum of `term` over all columns. Symmetric bit for bit where `term` is.
#[inline(always)]
pub(super) fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (x, y) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            lanes[lane] += term(f64::from(x[lane]), f64::from(y[lane]));
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(&x, &y)| term(f64::from(x), f64::from(y))).sum();
    rest + lanes.iter().sum::<f64>()
}

/// Natural logarithm of a positive, normal number within 2e-15 of the logarithm or 1e-15; no branch and no table,
/// so that loops with it vectorise.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    /// Bits of sqrt(1/2): mantissas are taken from sqrt(1/2) to sqrt(2), around 1.
    const LOW: u64 = 0x3fe6_a09e_667f_3bcd;
    let above = x.to_bits().wrapping_sub(LOW);
    let exponent = ((above >> 32) as i32) >> 20;
    let mantissa = f64::from_bits((above & 0x000f_ffff_ffff_ffff).wrapping_add(LOW));
    let r = (mantissa - 1.0) / (mantissa + 1.0);
    let s = r * r;
    // 2 artanh(r); s <= 0.0295, so the first term left out is below 2e-16.
    let mut series = 1.0 / 17.0;
    for divisor in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * s + 1.0 / divisor;
    }
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * r * series
}

#[cfg(test)]
mod tests {
    use super::{ln, sum};

    #[test]
    fn logarithms_are_those_of_the_standard_library() {
        let values = (-1000..1000).map(|i| (f64::from(i) * 0.173).exp2() * (1.0 + f64::from(i) * 1e-5));
        for x in values.chain([1.0, 1.0 + f64::EPSILON, 0.5f64.sqrt(), 2f64.sqrt(), f64::MIN_POSITIVE]) {
            let (seen, expected) = (ln(x), x.ln());
            assert!(
                (seen - expected).abs() <= 2e-15 * expected.abs().max(0.5),
                "ln({x}) = {seen}, expected {expected}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn every_column_counts_once() {
        for n in 0..40usize {
            let a: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let expected = (n * n.saturating_sub(1) / 2) as f64;
            assert_eq!(sum(&a, &a, |x, _| x), expected);
        }
    }
}
