//! Codes: a second, smaller form of the rows that tiles and walks may run on.
//!
//! ```text
//!   bytes      a byte a column under one step length, and how far each row is from its code: rows of integers
//!              (images, counts) are their codes, for others distances of codes are a filter with a proof
//!   apart      rows whose codes lose far more than the others'
//!   steps      how values become such bytes
//!   halves     bf16, made for a call that bytes do not serve
//!   sketch     rows along their few widest directions, for walks
//!   quantized  other codes, for walks alone
//! ```

mod apart;
mod bytes;
mod halves;
mod quantized;
mod sketch;
mod steps;

pub(crate) use apart::Apart;
pub(crate) use bytes::{ByteCodes, EXACT_SQUARES, squared_norm};
pub(crate) use halves::Halves;
pub(crate) use quantized::Quantized;
pub(crate) use sketch::{Directions, Sketch};

use crate::points::Rows;

/// Rows that a middle is taken from.
const MIDDLE_ROWS: usize = 4096;

/// A point near the middle of `rows`: measured from there, products cancel less. Any point is valid.
pub(crate) fn middle(rows: &Rows) -> Vec<f32> {
    let step = rows.len().div_ceil(MIDDLE_ROWS).max(1);
    let mut sums = vec![0.0f64; rows.width()];
    for i in (0..rows.len()).step_by(step) {
        sums.iter_mut().zip(rows.row(i)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let count = rows.len().div_ceil(step).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}
