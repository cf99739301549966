//! Rows as bf16, measured from their mean, with squared norms and what each row lost.

use super::middle;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::parallel;
use crate::points::Rows;
use hnsw_kernels::{Bf16, Kernels, MatRef};
use std::ops::Range;

/// Rows of a worker's piece.
const PIECE: usize = 256;
/// Norms beyond this could overflow in a product.
const MAX_NORM: f32 = 1e30;

/// See the module.
pub(crate) struct Halves {
    data: Vec<Bf16>,
    norms: Vec<f32>,
    residuals: Vec<f32>,
    centre: Vec<f32>,
}

impl Halves {
    /// The codes of `rows`; `None` where norms are too large for products. O(n·dim).
    pub fn of(rows: &Rows, kernels: &Kernels, threads: usize, control: Control<'_>) -> Result<Option<Halves>> {
        Halves::from(middle(rows), rows, kernels, threads, control)
    }

    /// The codes of other rows of the same width, measured from the same point.
    pub fn beside(
        &self,
        rows: &Rows,
        kernels: &Kernels,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Option<Halves>> {
        Halves::from(self.centre.clone(), rows, kernels, threads, control)
    }

    fn from(
        centre: Vec<f32>,
        rows: &Rows,
        kernels: &Kernels,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Option<Halves>> {
        let width = centre.len();
        let mut data = room(rows.len() * width)?;
        let mut known = vec![[0.0f32; 2]; rows.len()];
        let mut parts: Vec<_> = data.chunks_mut(PIECE * width).zip(known.chunks_mut(PIECE)).collect();
        parallel::chunks_mut(threads, &mut parts, 1, Vec::new, |moved: &mut Vec<f32>, piece, part| {
            for (codes, known) in part {
                for (i, (code, known)) in codes.chunks_exact_mut(width).zip(known.iter_mut()).enumerate() {
                    let row = rows.row(piece * PIECE + i);
                    moved.clear();
                    moved.extend(row.iter().zip(&centre).map(|(value, centre)| value - centre));
                    kernels.to_bf16(moved, code);
                    *known = measure(row, &centre, code);
                }
            }
            !control.is_cancelled()
        });
        control.check()?;
        let norms: Vec<f32> = known.iter().map(|&[norm, _]| norm).collect();
        let residuals = known.iter().map(|&[_, lost]| lost).collect();
        let finite = norms.iter().all(|&norm| norm < MAX_NORM);
        Ok(finite.then_some(Halves { data, norms, residuals, centre }))
    }

    /// The codes of the rows `ids`, in that order.
    pub fn subset(&self, ids: &[u32], threads: usize) -> Result<Halves> {
        let width = self.width();
        let mut data = room(ids.len() * width)?;
        parallel::chunks_mut(
            threads,
            &mut data,
            PIECE * width,
            || (),
            |(), start, part| {
                let codes = part.chunks_exact_mut(width).zip(&ids[start / width..]);
                codes.for_each(|(code, &id)| code.copy_from_slice(self.code(id as usize)));
                true
            },
        );
        let of = |values: &[f32]| ids.iter().map(|&id| values[id as usize]).collect();
        let (norms, residuals) = (of(&self.norms), of(&self.residuals));
        Ok(Halves { data, norms, residuals, centre: self.centre.clone() })
    }

    pub fn len(&self) -> usize {
        self.norms.len()
    }

    pub fn width(&self) -> usize {
        self.centre.len()
    }

    /// Squared norm of each code, rounded once.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// Bound of the distance between each row, as measured, and its code.
    pub fn residuals(&self) -> &[f32] {
        &self.residuals
    }

    pub fn code(&self, id: usize) -> &[Bf16] {
        &self.data[id * self.width()..(id + 1) * self.width()]
    }

    /// Codes `range` as a matrix for the tile kernels.
    pub fn block(&self, range: Range<usize>) -> MatRef<'_, Bf16> {
        let width = self.width();
        MatRef::new(&self.data[range.start * width..range.end * width], range.len(), width, width)
    }
}

fn room(len: usize) -> Result<Vec<Bf16>> {
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes: len.saturating_mul(2) })?;
    data.resize(len, Bf16::from_bits(0));
    Ok(data)
}

/// The squared norm of a code, and a bound of the distance between its row and what it stands for.
fn measure(row: &[f32], centre: &[f32], code: &[Bf16]) -> [f32; 2] {
    const LANES: usize = 8;
    let (mut norms, mut lost) = ([0.0f64; LANES], [0.0f64; LANES]);
    let groups = row.chunks(LANES).zip(centre.chunks(LANES)).zip(code.chunks(LANES));
    for ((values, centres), codes) in groups {
        for (lane, ((&value, &centre), &code)) in values.iter().zip(centres).zip(codes).enumerate() {
            let kept = f64::from(f32::from_bits(u32::from(code.to_bits()) << 16));
            let off = (f64::from(value) - f64::from(centre)) - kept;
            norms[lane] += kept * kept;
            lost[lane] += off * off;
        }
    }
    let norm: f64 = norms.into_iter().sum();
    let lost = lost.into_iter().sum::<f64>().sqrt();
    // Differences are off by 2⁻⁵³ of the value and the point, sums by as much for each column: far below these shares
    // of the row's own size.
    let size = row.iter().zip(centre).fold(0.0f64, |m, (v, c)| m.max(f64::from(v.abs()) + f64::from(c.abs())));
    let bound = lost * (1.0 + 1e-9) + size * (row.len() as f64).sqrt() * 1e-15;
    [norm as f32, (bound as f32).next_up()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rng;

    #[test]
    fn residuals_bound_what_codes_lose() {
        let mut rng = Rng::new(1);
        for (size, offset) in [(1.0, 0.0), (1e-30, 0.0), (1e-42, 0.0), (1.0, 1e6), (1e12, -3.0)] {
            let values: Vec<f32> = (0..50 * 19).map(|_| offset + size * rng.normal()).collect();
            let rows = Rows::from_slice(&values, 19).unwrap();
            let codes = Halves::of(&rows, Kernels::detect(), 2, Control::none()).unwrap().unwrap();
            for i in 0..50 {
                let kept = codes.code(i).iter().map(|code| f64::from(code.to_f32()));
                let back = kept.zip(&codes.centre).map(|(kept, &centre)| kept + f64::from(centre));
                let lost = rows.row(i).iter().zip(back).map(|(&x, y)| (f64::from(x) - y).powi(2)).sum::<f64>().sqrt();
                let bound = f64::from(codes.residuals()[i]);
                assert!(lost <= bound && bound <= 1.01 * lost + 1e-6 * f64::from(size), "{lost}, bound {bound}");
            }
        }
        let huge = Rows::from_slice(&[1e20, -1e20, 3e20, 1.0], 2).unwrap();
        assert!(Halves::of(&huge, Kernels::detect(), 1, Control::none()).unwrap().is_none());
    }
}
