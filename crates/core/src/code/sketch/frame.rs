//! The directions that rows spread widest in, by orthogonal iteration over a sample.

use super::bound::stretch;
use super::matrix::{orthonormalise, product};
use super::sample::Sample;
use crate::error::Result;
use crate::points::Rows;
use hnsw_kernels::{Kernels, MatRef, Packed};
use std::sync::Arc;

/// Rounds of the subspace iteration. Any directions serve; more rounds than this hardly widen them (measured).
const ROUNDS: usize = 3;
/// Share of the sample's values that the range of a byte leaves out.
const TAIL: f64 = 1e-4;

/// How a row becomes a sketch.
#[derive(Clone)]
pub(super) struct Frame {
    pub mean: Vec<f32>,
    /// Orthonormal, one a row.
    pub axes: Arc<Packed<f32>>,
    /// The axes as they are written down: `dims x dim`.
    pub values: Arc<Vec<f32>>,
    /// Steps of the codes in a unit of the rows; 0 where rows differ in no direction.
    pub scale: f32,
    pub dims: usize,
    /// How much longer a row can be along the axes than it is.
    pub stretch: f64,
}

impl Frame {
    /// The `dims` directions that the sample spreads widest in, about: rounds of orthogonal iteration from rows of
    /// the sample itself.
    pub fn of(sample: &Sample, dims: usize, threads: usize) -> Result<Frame> {
        let (count, dim) = (sample.len(), sample.mean.len());
        let mut axes = Rows::zeroed(dims, dim)?;
        for i in 0..dims {
            axes.raw_row_mut(i)[..dim].copy_from_slice(&sample.centred.row(i * count / dims)[..dim]);
        }
        orthonormalise(&mut axes);
        for _ in 0..ROUNDS {
            let along = sample.along(&axes, threads)?;
            axes = product(&along, &sample.columns, threads)?;
            orthonormalise(&mut axes);
        }
        let along = sample.along(&axes, threads)?;
        let mut sizes: Vec<f32> = (0..dims).flat_map(|i| along.row(i)[..count].iter().map(|v| v.abs())).collect();
        let at = ((1.0 - TAIL) * (sizes.len() - 1) as f64) as usize;
        let largest = *sizes.select_nth_unstable_by(at, f32::total_cmp).1;
        let scale = 127.0 / largest;
        let values: Vec<f32> = (0..dims).flat_map(|i| axes.row(i)[..dim].to_vec()).collect();
        let scale = if scale.is_finite() { scale } else { 0.0 };
        Ok(Frame::by(sample.mean.clone(), values, scale, dims))
    }

    /// The frame of axes that are known: `dims` of them, each as long as `mean`.
    pub fn by(mean: Vec<f32>, values: Vec<f32>, scale: f32, dims: usize) -> Frame {
        let mut packed = Packed::default();
        Kernels::detect().pack_f32(MatRef::new(&values, dims, mean.len(), mean.len()), &mut packed);
        let stretch = stretch(&values, &packed, dims, mean.len());
        Frame { mean, stretch, axes: Arc::new(packed), values: Arc::new(values), scale, dims }
    }
}
