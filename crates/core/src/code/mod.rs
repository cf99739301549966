//! Codes: a second, smaller form of the rows that tiles and walks may run on.
//!
//! ```text
//!   bytes      a byte a column under one step length, and how far each row is from its code: rows of integers
//!              (images, counts) are their codes, for others distances of codes are a filter with a proof
//!   steps      how values become such bytes
//!   halves     bf16, made for a call that bytes do not serve
//!   sketch     rows along their few widest directions, for walks
//!   quantized  other codes, for walks alone
//! ```

mod bytes;
mod halves;
mod quantized;
mod sketch;
mod steps;

pub(crate) use bytes::{ByteCodes, EXACT_SQUARES, squared_norm};
pub(crate) use halves::Halves;
pub(crate) use quantized::Quantized;
pub(crate) use sketch::Sketch;
