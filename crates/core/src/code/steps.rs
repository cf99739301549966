//! How values become bytes: even steps of one length, from an origin of each column.
//!
//! `code = round((value - origin[column]) / scale)`, cut to 0..=255. What a row loses by that is measured, not
//! assumed: a value beyond the range of its column costs that row alone.

use crate::points::Rows;

/// Rows that ranges are taken from.
const SAMPLE: usize = 1024;
/// Shares of the sample's rows beyond either end of a column's range: that with the smallest loss is taken.
const TRIMS: [f64; 3] = [0.0, 0.002, 0.02];
/// Share of the rows whose loss decides; the rest may lose more.
const DECIDING: f64 = 0.95;
/// Ranges are wider than the sample's by this share, for values that it lacks.
const MARGIN: f32 = 1.01;
/// Unit roundoff of f32.
const ROUNDOFF: f64 = 1.0 / 16_777_216.0;
/// Adding it rounds values of 0..=255 to integers, in the lowest bits.
const TO_INTEGER: f32 = 12_582_912.0;
/// Sums side by side, so that loops vectorise.
const LANES: usize = 16;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Steps {
    origin: Vec<f32>,
    scale: f32,
}

impl Steps {
    /// Steps of 1 from `offset` in all of `columns`.
    pub fn of_integers(offset: f32, columns: usize) -> Steps {
        Steps { origin: vec![offset; columns], scale: 1.0 }
    }

    /// Steps for the `columns` first columns of `rows`, from a sample of them. O(sample · columns).
    pub fn of(rows: &Rows, columns: usize) -> Steps {
        let step = rows.len().div_ceil(SAMPLE).max(1);
        let sample: Vec<&[f32]> = (0..rows.len()).step_by(step).map(|i| &rows.row(i)[..columns]).collect();
        let mut sorted: Vec<f32> = Vec::with_capacity(columns * sample.len());
        for column in 0..columns {
            let start = sorted.len();
            sorted.extend(sample.iter().map(|row| row[column]));
            sorted[start..].sort_unstable_by(f32::total_cmp);
        }
        let mut code = vec![0; columns];
        let loss = |steps: &Steps, code: &mut Vec<u8>| {
            let mut losses: Vec<f32> = sample.iter().map(|row| steps.encode(row, code)).collect();
            let at = ((losses.len().saturating_sub(1)) as f64 * DECIDING) as usize;
            losses.get_mut(at).is_some().then(|| *losses.select_nth_unstable_by(at, f32::total_cmp).1)
        };
        let tried = TRIMS.map(|trim| {
            let steps = Steps::between(&sorted, columns, sample.len(), trim);
            let loss = loss(&steps, &mut code).unwrap_or(0.0);
            (loss, steps)
        });
        let [first, others @ ..] = tried;
        others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best }).1
    }

    /// Ranges that leave out the share `trim` of the sample at either end; `sorted` has the sample's values of
    /// each column, ascending.
    fn between(sorted: &[f32], columns: usize, rows: usize, trim: f64) -> Steps {
        let cut = (trim * rows as f64).ceil() as usize;
        let cut = cut.min(rows.saturating_sub(1) / 2);
        let ends: Vec<[f32; 2]> = sorted.chunks_exact(rows.max(1)).map(|c| [c[cut], c[rows - 1 - cut]]).collect();
        // Halves: the difference of two finite values may not be finite.
        let half = ends.iter().map(|[low, high]| high * 0.5 - low * 0.5).fold(0.0, f32::max);
        let scale = (half * (MARGIN / 127.5)).max(f32::MIN_POSITIVE);
        let origin = |[low, high]: [f32; 2]| (low * 0.5 + high * 0.5) - 127.5 * scale;
        let mut origin: Vec<f32> = ends.into_iter().map(origin).collect();
        origin.resize(columns, 0.0);
        Steps { origin, scale }
    }

    /// The length of a step.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The value of code 0 in each column.
    pub fn origin(&self) -> &[f32] {
        &self.origin
    }

    /// Writes the code of `row`; returns a bound of the distance between the row and what its code stands for,
    /// `origin + scale · code`.
    pub fn encode(&self, row: &[f32], code: &mut [u8]) -> f32 {
        let inverse = 1.0 / self.scale;
        let (mut squares, mut largest) = ([0.0f32; LANES], [0.0f32; LANES]);
        let groups = row.chunks(LANES).zip(self.origin.chunks(LANES)).zip(code.chunks_mut(LANES));
        for ((values, origins), codes) in groups {
            for (lane, ((&value, &origin), code)) in values.iter().zip(origins).zip(codes).enumerate() {
                let at = (value - origin) * inverse;
                let step = (at.clamp(0.0, 255.0) + TO_INTEGER) - TO_INTEGER;
                *code = (step + TO_INTEGER).to_bits() as u8;
                let lost = at - step;
                squares[lane] += lost * lost;
                largest[lane] = largest[lane].max(at.abs());
            }
        }
        // `at` is off by at most four roundings of itself, `lost` by one more; all in steps, so nothing underflows
        // that would matter beside that.
        let off = 6.0 * ROUNDOFF * (f64::from(largest.into_iter().fold(0.0, f32::max)) + 256.0);
        let columns = row.len() as f64;
        let sum: f64 = squares.into_iter().map(f64::from).sum();
        let lost = sum.sqrt() * (1.0 + columns * ROUNDOFF) + columns.sqrt() * off;
        let bound = ((f64::from(self.scale) * lost) as f32).next_up();
        if bound.is_nan() { f32::INFINITY } else { bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rng;

    /// The distance between a row and what its code stands for, in f64.
    fn lost(steps: &Steps, row: &[f32], code: &[u8]) -> f64 {
        let back = steps.origin.iter().zip(code).map(|(&o, &c)| f64::from(o) + f64::from(steps.scale) * f64::from(c));
        row.iter().zip(back).map(|(&x, y)| (f64::from(x) - y).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn the_bound_of_what_is_lost_holds_and_is_close() {
        let mut rng = Rng::new(1);
        for dim in [1, 3, 16, 17, 129] {
            for (offset, size) in [(0.0, 1.0), (1e6, 1.0), (-3.0, 1e-30), (0.0, 1e-44), (0.0, 1e30), (0.0, 1e38)] {
                let values: Vec<f32> = (0..300 * dim).map(|_| offset + size * (2.0 * rng.unit() - 1.0)).collect();
                let rows = Rows::from_slice(&values, dim).unwrap();
                let steps = Steps::of(&rows, dim);
                let mut code = vec![0; dim];
                for (i, row) in values.chunks(dim).enumerate() {
                    let bound = f64::from(steps.encode(row, &mut code));
                    let lost = lost(&steps, row, &code);
                    assert!(lost <= bound, "row {i} of {dim} values of {size} at {offset}: {lost} above {bound}");
                    let most = f64::from(steps.scale) * (dim as f64).sqrt();
                    assert!(
                        bound < 0.7 * most || lost > 0.5 * most,
                        "{bound} is far above {lost}, step {}",
                        steps.scale
                    );
                }
            }
        }
    }

    #[test]
    fn a_few_rows_far_out_do_not_coarsen_the_rest() {
        let mut rng = Rng::new(2);
        let mut values: Vec<f32> = (0..1000 * 8).map(|_| rng.unit()).collect();
        values[4000..4008].fill(1e4);
        let rows = Rows::from_slice(&values, 8).unwrap();
        let steps = Steps::of(&rows, 8);
        assert!(steps.scale() < 0.01, "step {}", steps.scale());
        let mut code = vec![0; 8];
        assert!(steps.encode(&values[4000..4008], &mut code) > 1e4);
        assert_eq!(code, [255; 8]);
    }

    #[test]
    fn columns_with_one_value_and_rows_of_zeros_lose_next_to_nothing() {
        let rows = Rows::from_slice(&[7.0; 40], 4).unwrap();
        let steps = Steps::of(&rows, 4);
        assert!(steps.encode(&[7.0; 4], &mut [0; 4]) < 1e-5);
    }
}
