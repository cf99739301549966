//! Codes that lose something: walks run on them, what they find is compared again by the rows themselves.
//!
//! ```text
//!   binary   a bit a column: above the column's mean (products), or not zero (metrics of sets)
//!   uint8    a byte a column, even steps from the smallest to the largest value
//!   uint4    half a byte a column, even steps over the middle 98 % of the values
//!   int8     a signed byte a column, even steps around 0, for rows of length 1
//! ```
//!
//! Codes are of rows as stored, so all metrics that reduce to squared euclidean distance share them.

use crate::control::Control;
use crate::error::Result;
use crate::options::Quantization;
use crate::parallel;
use crate::points::Rows;
use crate::points::aligned::{ALIGN, Aligned};
use hnsw_kernels::Kernels;

/// Values that bounds and means are taken from.
const SAMPLE: usize = 1 << 20;
/// Share of the values that half bytes leave out at either end.
const TAIL: f64 = 0.01;

/// How a value becomes a code.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Above the column's threshold.
    Bits(Vec<f32>),
    /// Not zero.
    NonZero,
    /// Steps from `low`; `scale` of them in 1.
    Steps { low: f32, scale: f32 },
}

/// Rows as codes, stride a multiple of 64 bytes.
pub(crate) struct Quantized {
    kind: Quantization,
    rule: Rule,
    data: Aligned<u8>,
    stride: usize,
}

impl Quantized {
    /// The codes of `rows`; `None` for rows too wide for the sums of their kernel. `sets`: only which columns are
    /// not zero counts. O(n·dim).
    pub fn of(
        rows: &Rows,
        kind: Quantization,
        sets: bool,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Option<Quantized>> {
        let kernels = Kernels::detect();
        let stride = bytes(kind, rows.dim()).next_multiple_of(ALIGN);
        let longest = match kind {
            Quantization::Binary => kernels.bit_hamming.longest(),
            Quantization::Uint8 => kernels.u8_l2sq.longest(),
            Quantization::Uint4 => kernels.u4_l2sq.longest(),
            Quantization::Int8 => kernels.i8_dot.longest(),
        };
        if stride > longest {
            return Ok(None);
        }
        encoded(kind, rule(rows, kind, sets), rows, stride, threads, control).map(Some)
    }

    /// Other rows by the same rule.
    pub fn beside(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Quantized> {
        encoded(self.kind, self.rule.clone(), rows, self.stride, threads, control)
    }

    /// One code with its padding.
    #[inline]
    pub fn code(&self, id: usize) -> &[u8] {
        &self.data.as_slice()[id * self.stride..(id + 1) * self.stride]
    }

    /// What the codes are.
    pub fn kind(&self) -> Quantization {
        self.kind
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.bytes()
    }
}

/// Bytes of a code of `dim` columns.
fn bytes(kind: Quantization, dim: usize) -> usize {
    match kind {
        Quantization::Binary => dim.div_ceil(8),
        Quantization::Uint4 => dim.div_ceil(2),
        Quantization::Uint8 | Quantization::Int8 => dim,
    }
}

fn rule(rows: &Rows, kind: Quantization, sets: bool) -> Rule {
    let sample = sample(rows);
    match kind {
        Quantization::Binary if sets => Rule::NonZero,
        Quantization::Binary => Rule::Bits(means(&sample, rows.dim())),
        Quantization::Uint8 => steps(&sample, 0.0, 255.0),
        Quantization::Uint4 => steps(&sample, TAIL, 15.0),
        Quantization::Int8 => {
            let largest = sample.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            Rule::Steps { low: 0.0, scale: if largest > 0.0 { 127.0 / largest } else { 1.0 } }
        }
    }
}

/// Values of evenly chosen rows.
fn sample(rows: &Rows) -> Vec<f32> {
    let step = (rows.len() * rows.dim()).div_ceil(SAMPLE).max(1);
    (0..rows.len()).step_by(step).flat_map(|i| rows.row(i)[..rows.dim()].iter().copied()).collect()
}

fn means(sample: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; dim];
    for row in sample.chunks_exact(dim) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let rows = (sample.len() / dim).max(1) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

/// Even steps from the quantile `tail` to the one as far from the other end.
fn steps(sample: &[f32], tail: f64, levels: f32) -> Rule {
    let mut sorted = sample.to_vec();
    let at = (tail * (sorted.len() - 1) as f64) as usize;
    let low = *sorted.select_nth_unstable_by(at, f32::total_cmp).1;
    let last = sorted.len() - 1 - at;
    let high = *sorted.select_nth_unstable_by(last, f32::total_cmp).1;
    let scale = levels / (high - low);
    Rule::Steps { low, scale: if scale.is_finite() { scale } else { 0.0 } }
}

fn encoded(
    kind: Quantization,
    rule: Rule,
    rows: &Rows,
    stride: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Quantized> {
    let mut data = Aligned::<u8>::zeroed(rows.len() * stride)?;
    parallel::chunks_mut(
        threads,
        data.as_mut_slice(),
        256 * stride,
        || (),
        |(), start, part| {
            for (i, code) in part.chunks_exact_mut(stride).enumerate() {
                encode(kind, &rule, &rows.row(start / stride + i)[..rows.dim()], code);
            }
            !control.is_cancelled()
        },
    );
    control.check()?;
    Ok(Quantized { kind, rule, data, stride })
}

/// Writes the code of a row into zeros.
fn encode(kind: Quantization, rule: &Rule, row: &[f32], code: &mut [u8]) {
    match rule {
        Rule::Bits(means) => {
            for (i, (value, mean)) in row.iter().zip(means).enumerate() {
                code[i / 8] |= u8::from(value > mean) << (i % 8);
            }
        }
        Rule::NonZero => {
            row.iter().enumerate().for_each(|(i, &value)| code[i / 8] |= u8::from(value != 0.0) << (i % 8));
        }
        Rule::Steps { low, scale } => {
            // Casts saturate: values beyond the bounds get the last step.
            let step = |value: f32| ((value - low) * scale).round();
            match kind {
                Quantization::Int8 => {
                    code.iter_mut().zip(row).for_each(|(c, &v)| *c = step(v).clamp(-127.0, 127.0) as i8 as u8);
                }
                Quantization::Uint4 => {
                    for (i, &value) in row.iter().enumerate() {
                        code[i / 2] |= (step(value).min(15.0) as u8) << (i % 2 * 4);
                    }
                }
                Quantization::Uint8 | Quantization::Binary => {
                    code.iter_mut().zip(row).for_each(|(c, &v)| *c = step(v) as u8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uniform;

    fn codes(kind: Quantization, values: &[f32], dim: usize) -> Quantized {
        let rows = Rows::from_slice(values, dim).unwrap();
        Quantized::of(&rows, kind, false, 2, Control::none()).unwrap().unwrap()
    }

    #[test]
    fn steps_reach_from_the_smallest_to_the_largest_value() {
        let codes = codes(Quantization::Uint8, &[-1.0, 0.0, 1.0, 4.0], 2);
        assert_eq!((&codes.code(0)[..2], &codes.code(1)[..2]), (&[0, 51][..], &[102, 255][..]));
        let beyond = Rows::from_slice(&[9.0, -9.0], 2).unwrap();
        assert_eq!(codes.beside(&beyond, 1, Control::none()).unwrap().code(0)[..2], [255, 0]);
    }

    #[test]
    fn bits_tell_the_side_of_the_mean_and_half_bytes_lie_in_pairs() {
        assert_eq!(codes(Quantization::Binary, &[0.0, 5.0, 1.0, 9.0], 2).code(1)[0], 0b11);
        assert_eq!(codes(Quantization::Uint4, &[0.0, 15.0, 7.0, 3.0], 4).code(0)[..2], [0xf0, 0x37]);
        assert_eq!(codes(Quantization::Int8, &[-1.0, 0.5], 2).code(0)[..2], [(-127i8) as u8, 64]);
    }

    #[test]
    fn equal_values_everywhere_are_no_trouble() {
        for kind in [Quantization::Binary, Quantization::Uint8, Quantization::Uint4, Quantization::Int8] {
            let codes = codes(kind, &[3.0; 20], 4);
            assert!((0..5).all(|id| codes.code(id) == codes.code(0)));
        }
    }

    #[test]
    fn threads_do_not_change_a_code() {
        let rows = uniform(700, 13, 1);
        let of = |threads| {
            let rows = rows.dense().unwrap();
            Quantized::of(rows, Quantization::Uint4, false, threads, Control::none()).unwrap().unwrap()
        };
        assert!((0..700).all(|id| of(1).code(id) == of(3).code(id)));
    }
}
