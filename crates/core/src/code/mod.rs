//! Codes: a second, smaller form of the rows that tiles and walks may run on.
//!
//! Here: bytes, for rows whose values are integers spanning at most 256 values (images, counts). Squared
//! distances between such codes are those of the rows, exactly, in i32. In `quantized`: codes that lose something.

mod quantized;

pub(crate) use quantized::Quantized;

use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::points::Rows;
use crate::points::aligned::{ALIGN, Aligned};
use hnsw_kernels::MatRef;
use std::ops::Range;
use std::sync::Mutex;

/// Widest rows whose sums |a|² + |b|² stay below 2³¹: 2 · 255² · width.
const MAX_WIDTH: usize = (i32::MAX as usize) / (2 * 255 * 255);

/// Rows as bytes `value - offset`, stride a multiple of 64, with squared norms.
pub struct ByteCodes {
    data: Aligned<u8>,
    norms: Vec<i32>,
    offset: f32,
    width: usize,
    stride: usize,
}

impl ByteCodes {
    /// The codes of `rows`, or `None` where bytes would lose something. One pass; stops at the first
    /// row that does not fit.
    pub fn of(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        match integer_range(rows, threads, control)? {
            Some((low, high)) if high - low <= 255.0 => Self::with_offset(rows, low, threads, control),
            _ => Ok(None),
        }
    }

    /// The codes of other rows of the same width under this offset, or `None` where they do not fit.
    pub fn of_others(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        match integer_range(rows, threads, control)? {
            Some((low, high)) if low >= self.offset && high - self.offset <= 255.0 => {
                Self::with_offset(rows, self.offset, threads, control)
            }
            _ => Ok(None),
        }
    }

    fn with_offset(rows: &Rows, offset: f32, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        // Whole words of four codes: the padding is zero, and kernels have no tail to treat.
        let width = rows.dim().next_multiple_of(4);
        if width > MAX_WIDTH {
            return Ok(None);
        }
        let stride = width.next_multiple_of(ALIGN);
        let mut data = Aligned::<u8>::zeroed(rows.len() * stride)?;
        parallel::chunks_mut(
            threads,
            data.as_mut_slice(),
            256 * stride,
            || (),
            |_, start, part| {
                for (i, target) in part.chunks_exact_mut(stride).enumerate() {
                    let source = &rows.row(start / stride + i)[..rows.dim()];
                    target.iter_mut().zip(source).for_each(|(t, &v)| *t = (v - offset) as u8);
                }
                !control.is_cancelled()
            },
        );
        control.check()?;
        let mut norms = vec![0; rows.len()];
        parallel::chunks_mut(
            threads,
            &mut norms,
            256,
            || (),
            |_, start, part| {
                let codes = data.as_slice()[start * stride..].chunks_exact(stride);
                part.iter_mut().zip(codes).for_each(|(norm, code)| *norm = squared_norm(code));
                true
            },
        );
        Ok(Some(ByteCodes { data, norms, offset, width, stride }))
    }

    /// These codes with `replacing` in the places of `ids`, then `fresh` at the end; all of one offset.
    pub fn changed(mut self, ids: &[u32], [replacing, fresh]: [Option<ByteCodes>; 2]) -> Result<ByteCodes> {
        if let Some(others) = replacing {
            for (at, id) in ids.iter().map(|&id| id as usize).enumerate() {
                self.data.as_mut_slice()[id * self.stride..(id + 1) * self.stride].copy_from_slice(others.padded(at));
                self.norms[id] = others.norms[at];
            }
        }
        if let Some(fresh) = fresh {
            let before = self.data.as_slice().len();
            self.data.resize(before + fresh.data.as_slice().len())?;
            self.data.as_mut_slice()[before..].copy_from_slice(fresh.data.as_slice());
            self.norms.extend(fresh.norms);
        }
        Ok(self)
    }

    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// Squared norm of each code.
    pub fn norms(&self) -> &[i32] {
        &self.norms
    }

    /// Codes `range` as a matrix for the tile kernels.
    pub fn block(&self, range: Range<usize>) -> MatRef<'_, u8> {
        let data = &self.data.as_slice()[range.start * self.stride..range.end * self.stride];
        MatRef::new(data, range.len(), self.width, self.stride)
    }

    /// One code with its padding.
    pub fn padded(&self, id: usize) -> &[u8] {
        &self.data.as_slice()[id * self.stride..(id + 1) * self.stride]
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.bytes() + self.norms.capacity() * 4
    }
}

fn squared_norm(code: &[u8]) -> i32 {
    code.iter().map(|&v| i32::from(v) * i32::from(v)).sum()
}

/// Smallest and largest value, or `None` unless all values are integers that f32 holds exactly.
fn integer_range(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<(f32, f32)>> {
    let range = Mutex::new(Some((f32::INFINITY, f32::NEG_INFINITY)));
    let fold = |found: Option<(f32, f32)>| {
        let mut all = range.lock().unwrap_or_else(|e| e.into_inner());
        *all = match (*all, found) {
            (Some((low, high)), Some((l, h))) => Some((low.min(l), high.max(h))),
            _ => None,
        };
        all.is_some() && !control.is_cancelled()
    };
    parallel::blocks(threads, rows.len(), 256, || (), |_, block| fold(block_range(rows, block)));
    control.check()?;
    Ok(range.into_inner().unwrap_or_else(|e| e.into_inner()).filter(|(low, high)| low <= high))
}

fn block_range(rows: &Rows, block: Range<usize>) -> Option<(f32, f32)> {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for i in block {
        for chunk in rows.row(i)[..rows.dim()].chunks(64) {
            // No branch inside the chunk, so that it vectorises; values beyond 2²⁴ have no fraction either.
            let whole = chunk.iter().fold(true, |ok, &v| ok & (v.trunc() == v) & (v.abs() <= 16_777_216.0));
            if !whole {
                return None;
            }
            low = chunk.iter().fold(low, |m, &v| m.min(v));
            high = chunk.iter().fold(high, |m, &v| m.max(v));
        }
        if high - low > 255.0 {
            return None;
        }
    }
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_a_byte_range_are_coded_and_others_are_not() {
        let coded = |values: &[f32]| ByteCodes::of(&Rows::from_slice(values, 2).unwrap(), 2, Control::none()).unwrap();
        let codes = coded(&[-3.0, 252.0, 0.0, 1.0]).unwrap();
        assert_eq!(&codes.padded(0)[..2], &[0, 255]);
        assert_eq!(codes.norms(), &[255 * 255, 9 + 16]);
        assert!(coded(&[0.0, 256.0]).is_none());
        assert!(coded(&[0.0, 0.5]).is_none());
    }

    #[test]
    fn rows_outside_the_range_have_no_codes_beside_those_inside() {
        let rows = |values: &[f32]| Rows::from_slice(values, 2).unwrap();
        let codes = ByteCodes::of(&rows(&[10.0, 20.0]), 1, Control::none()).unwrap().unwrap();
        let beside = |values: &[f32]| codes.of_others(&rows(values), 1, Control::none()).unwrap();
        assert!(beside(&[9.0, 20.0]).is_none());
        let new = [beside(&[11.0, 20.0]), beside(&[10.0, 265.0])];
        let codes = codes.changed(&[0], new).unwrap();
        assert_eq!((codes.len(), &codes.padded(0)[..2], &codes.padded(1)[..2]), (2, &[1, 10][..], &[0, 255][..]));
        assert_eq!(codes.norms(), &[101, 255 * 255]);
    }
}
