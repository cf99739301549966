//! Rows as bytes, with the squared norms of the codes and what each row lost.
//!
//! With x̂ for what the code of x stands for and r for its residual, |x - x̂| <= r:
//!
//! ```text
//!   |a - b|  lies within  r_a + r_b  of  |â - b̂| = scale · sqrt(D)      (triangle inequality)
//! ```
//!
//! where D, the squared distance of the codes, is exact in i32. Rows whose values are integers spanning at most
//! 256 values lose nothing: their codes have step 1 and no residuals.

use super::apart::Apart;
use super::steps::Steps;
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::points::Rows;
use crate::points::aligned::{ALIGN, Aligned};
use hnsw_kernels::MatRef;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

/// Widest rows whose sums |a|² + |b|² stay below 2³¹: 2 · 255² · width.
const MAX_WIDTH: usize = (i32::MAX as usize) / (2 * 255 * 255);
/// Rows of a worker's piece.
const PIECE: usize = 256;

/// Rows as bytes, stride a multiple of 64.
pub(crate) struct ByteCodes {
    data: Aligned<u8>,
    norms: Vec<i32>,
    /// Empty where no row lost anything.
    residuals: Vec<f32>,
    /// Of the residuals; made by the first who asks.
    apart: OnceLock<Arc<Apart>>,
    steps: Steps,
    width: usize,
    stride: usize,
}

impl ByteCodes {
    /// The codes of `rows`, or `None` where bytes would lose something. One pass; stops at the first
    /// row that does not fit.
    pub fn of(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        match integer_range(rows, threads, control)? {
            Some((low, high)) if high - low <= 255.0 && fits(rows) => {
                let steps = Steps::of_integers(low, columns(rows));
                ByteCodes::by(steps, true, rows, threads, control).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Codes of any rows, which lose something; `None` for rows too wide for sums in i32. O(n·dim).
    pub fn coarse(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        if !fits(rows) {
            return Ok(None);
        }
        ByteCodes::by(Steps::of(rows, columns(rows)), false, rows, threads, control).map(Some)
    }

    /// The codes of other rows of the same width under these steps. They lose nothing only where these lose
    /// nothing and the others fit.
    pub fn beside(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<ByteCodes> {
        let exact = self.is_exact() && self.holds(rows, threads, control)?;
        ByteCodes::by(self.steps.clone(), exact, rows, threads, control)
    }

    /// As [`ByteCodes::beside`], or `None` where these lose nothing and the others would.
    pub fn of_others(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        if self.is_exact() && !self.holds(rows, threads, control)? {
            return Ok(None);
        }
        ByteCodes::by(self.steps.clone(), self.is_exact(), rows, threads, control).map(Some)
    }

    /// Whether all values of `rows` are among those of these exact codes.
    fn holds(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<bool> {
        let offset = self.steps.origin()[0];
        Ok(match integer_range(rows, threads, control)? {
            Some((low, high)) => low >= offset && high - offset <= 255.0,
            None => rows.is_empty(),
        })
    }

    fn by(steps: Steps, exact: bool, rows: &Rows, threads: usize, control: Control<'_>) -> Result<ByteCodes> {
        // Whole words of four codes: the padding is zero, and kernels have no tail to treat.
        let columns = columns(rows);
        let width = columns.next_multiple_of(4);
        let stride = width.next_multiple_of(ALIGN);
        let mut data = Aligned::<u8>::zeroed(rows.len() * stride)?;
        let mut known = vec![(0, 0.0); rows.len()];
        let mut parts: Vec<_> = data.as_mut_slice().chunks_mut(PIECE * stride).zip(known.chunks_mut(PIECE)).collect();
        parallel::chunks_mut(
            threads,
            &mut parts,
            1,
            || (),
            |(), piece, part| {
                for (codes, known) in part {
                    for (i, (code, known)) in codes.chunks_exact_mut(stride).zip(known.iter_mut()).enumerate() {
                        let lost = steps.encode(&rows.row(piece * PIECE + i)[..columns], &mut code[..columns]);
                        *known = (squared_norm(code), lost);
                    }
                }
                !control.is_cancelled()
            },
        );
        control.check()?;
        let norms = known.iter().map(|&(norm, _)| norm).collect();
        let residuals = if exact { Vec::new() } else { known.iter().map(|&(_, lost)| lost).collect() };
        Ok(ByteCodes { data, norms, residuals, apart: OnceLock::new(), steps, width, stride })
    }

    /// These codes with `replacing` in the places of `ids`, then `fresh` at the end; all of the same steps, and
    /// exact if these are.
    pub fn changed(mut self, ids: &[u32], [replacing, fresh]: [Option<ByteCodes>; 2]) -> Result<ByteCodes> {
        self.apart = OnceLock::new();
        if let Some(others) = replacing {
            for (at, id) in ids.iter().map(|&id| id as usize).enumerate() {
                self.data.as_mut_slice()[id * self.stride..(id + 1) * self.stride].copy_from_slice(others.padded(at));
                self.norms[id] = others.norms[at];
                self.residuals.get_mut(id).into_iter().for_each(|residual| *residual = others.residuals[at]);
            }
        }
        if let Some(fresh) = fresh {
            let before = self.data.as_slice().len();
            self.data.reserve_exact(before + fresh.data.as_slice().len())?;
            self.data.resize(before + fresh.data.as_slice().len())?;
            self.data.as_mut_slice()[before..].copy_from_slice(fresh.data.as_slice());
            self.norms.extend(fresh.norms);
            self.residuals.extend(fresh.residuals);
        }
        Ok(self)
    }

    /// The codes of the rows `ids`, in that order.
    pub fn subset(&self, ids: &[u32], threads: usize) -> Result<ByteCodes> {
        let stride = self.stride;
        let mut data = Aligned::<u8>::zeroed(ids.len() * stride)?;
        parallel::gather(threads, data.as_mut_slice(), stride, ids, |id| self.padded(id as usize));
        let norms = ids.iter().map(|&id| self.norms[id as usize]).collect();
        let residuals = ids.iter().filter_map(|&id| self.residuals.get(id as usize).copied()).collect();
        let (steps, width) = (self.steps.clone(), self.width);
        Ok(ByteCodes { data, norms, residuals, apart: OnceLock::new(), steps, width, stride })
    }

    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// Whether codes stand for their rows exactly.
    pub fn is_exact(&self) -> bool {
        self.residuals.is_empty()
    }

    /// Squared distances of codes, times the square of this, stand for those of rows.
    pub fn scale(&self) -> f32 {
        self.steps.scale()
    }

    /// The value of code 0 in each column.
    pub fn origin(&self) -> &[f32] {
        self.steps.origin()
    }

    /// Bound of the distance between each row and what its code stands for; empty where no row lost anything.
    pub fn residuals(&self) -> &[f32] {
        &self.residuals
    }

    /// Rows that lost far more than the others, and the bound for these. O(n) the first time.
    pub fn apart(&self) -> &Arc<Apart> {
        self.apart.get_or_init(|| Arc::new(Apart::of(&self.residuals)))
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
        self.data.bytes() + (self.norms.capacity() + self.residuals.capacity() + self.origin().len()) * 4
    }
}

/// Columns that count: the caller's, and the spare one where the metric uses it.
fn columns(rows: &Rows) -> usize {
    rows.dim() + usize::from(rows.spare())
}

fn fits(rows: &Rows) -> bool {
    columns(rows).next_multiple_of(4) <= MAX_WIDTH
}

/// Squared distances of exact codes below this are those of the pair kernels, bit for bit: f32 holds such integers and
/// their sums, however they are added up.
pub(crate) const EXACT_SQUARES: i32 = 1 << 24;

/// Of a code.
pub(crate) fn squared_norm(code: &[u8]) -> i32 {
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

    #[test]
    fn codes_that_lose_something_follow_the_changes_of_their_rows() {
        let rows = |values: &[f32]| Rows::from_slice(values, 2).unwrap();
        let codes = ByteCodes::coarse(&rows(&[0.0, 1.0, 0.5, 0.3]), 1, Control::none()).unwrap().unwrap();
        assert!(!codes.is_exact() && codes.residuals().len() == 2);
        let beside = |values: &[f32]| codes.of_others(&rows(values), 1, Control::none()).unwrap();
        let new = [beside(&[9.0, 1.0]), beside(&[0.0, 1.0])];
        let first = (codes.padded(0).to_vec(), codes.residuals()[0]);
        let codes = codes.changed(&[0], new).unwrap();
        assert_eq!((codes.padded(2).to_vec(), codes.residuals()[2]), first);
        assert!(codes.residuals()[0] > 8.3 && codes.residuals()[0] < 8.5);
    }

    #[test]
    fn other_rows_beside_exact_codes_lose_what_does_not_fit() {
        let rows = |values: &[f32]| Rows::from_slice(values, 2).unwrap();
        let codes = ByteCodes::of(&rows(&[0.0, 255.0]), 1, Control::none()).unwrap().unwrap();
        assert!(codes.beside(&rows(&[3.0, 4.0]), 1, Control::none()).unwrap().is_exact());
        let others = codes.beside(&rows(&[3.25, 4.0, 300.0, 0.0]), 1, Control::none()).unwrap();
        assert_eq!((&others.padded(0)[..2], &others.padded(1)[..2]), (&[3, 4][..], &[255, 0][..]));
        assert!((others.residuals()[0] - 0.25).abs() < 1e-3 && (others.residuals()[1] - 45.0).abs() < 1e-2);
    }
}
