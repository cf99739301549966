//! Rows of length 1: distances between them depend on directions alone.
//!
//! A row without a direction becomes zeros, and 1 is returned for its mark; others return 0. Sums are in f64,
//! where neither the square of a huge value overflows nor that of a tiny one vanishes.

/// Scales to length 1.
pub(super) fn unit(values: &mut [f32]) -> f32 {
    if values.iter().all(|&v| v == 0.0) {
        return 1.0;
    }
    around(values, 0.0)
}

/// Subtracts the mean, then scales to length 1. Identical values have no direction, however their mean rounds.
pub(super) fn centered(values: &mut [f32]) -> f32 {
    if values.iter().all(|&v| v == values[0]) {
        values.fill(0.0);
        return 1.0;
    }
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
    around(values, mean)
}

fn around(values: &mut [f32], mean: f64) -> f32 {
    let norm = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>().sqrt();
    let scale = 1.0 / norm;
    values.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) * scale) as f32);
    0.0
}

/// Replaces each value by its rank from 1, equal values by the mean of theirs.
pub(super) fn rank(values: &mut [f32], order: &mut Vec<u32>) {
    order.clear();
    order.extend(0..values.len() as u32);
    order.sort_unstable_by(|&i, &j| values[i as usize].total_cmp(&values[j as usize]));
    let mut start = 0;
    while start < order.len() {
        // -0 and 0 are neighbours in this order, and equal.
        let value = values[order[start] as usize];
        let end = start + order[start..].iter().take_while(|&&i| values[i as usize] == value).count();
        let mean = 0.5 * (start + 1 + end) as f32;
        order[start..end].iter().for_each(|&i| values[i as usize] = mean);
        start = end;
    }
}
