//! Rows that directions are found from, and that sketches are judged by.

use super::Sketch;
use super::matrix::product;
use crate::code::middle;
use crate::control::Control;
use crate::error::Result;
use crate::neighbors::Neighbor;
use crate::points::Rows;
use hnsw_kernels::Kernels;

/// Most rows, and about how many values, of a sample.
const SAMPLE_ROWS: usize = 4096;
const SAMPLE_VALUES: usize = 1 << 22;
/// Rows that sketches are judged by, how many neighbours of each, and among how many they must be found.
const JUDGES: usize = 128;
const NEAREST: usize = 10;
const AMONG: usize = 20;

/// Evenly chosen rows.
pub(super) struct Sample {
    pub rows: Rows,
    pub mean: Vec<f32>,
    /// The rows less their mean, and the same with rows and columns exchanged.
    pub centred: Rows,
    pub columns: Rows,
}

impl Sample {
    pub fn of(rows: &Rows) -> Result<Sample> {
        let (n, dim) = (rows.len(), rows.dim());
        let count = (SAMPLE_VALUES / dim).clamp(SAMPLE_ROWS / 8, SAMPLE_ROWS).min(n);
        let ids: Vec<u32> = (0..count).map(|i| (i * n / count) as u32).collect();
        let sample = rows.subset(&ids)?;
        let mut mean = middle(&sample);
        mean.truncate(dim);
        let (mut centred, mut columns) = (Rows::zeroed(count, dim)?, Rows::zeroed(dim, count)?);
        for i in 0..count {
            let row = centred.raw_row_mut(i);
            row.iter_mut().zip(sample.row(i)).zip(&mean).for_each(|((to, value), mean)| *to = value - mean);
        }
        let (target, stride) = columns.raw_mut();
        for i in 0..count {
            centred.row(i)[..dim].iter().enumerate().for_each(|(j, &value)| target[j * stride + i] = value);
        }
        Ok(Sample { rows: sample, mean, centred, columns })
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How far the sample lies along each axis: `axes x sample`.
    pub fn along(&self, axes: &Rows, threads: usize) -> Result<Rows> {
        product(axes, &self.centred, threads)
    }

    /// Share of the nearest of some rows that are among the nearest by sketch.
    pub fn share_found(&self, sketch: &Sketch, threads: usize) -> Result<f64> {
        let count = self.len();
        let judges: Vec<u32> = (0..JUDGES).map(|i| (i * count / JUDGES) as u32).collect();
        let queries = self.rows.subset(&judges)?;
        let dots = product(&self.centred.subset(&judges)?, &self.centred, threads)?;
        let norm = |i: usize| self.centred.row(i).iter().map(|v| v * v).sum::<f32>();
        let norms: Vec<f32> = (0..count).map(norm).collect();
        let coded = sketch.of_queries(&queries, threads, Control::none())?;
        let dot = Kernels::detect().u8_dot;
        let mut found = 0;
        for (at, &judge) in judges.iter().enumerate() {
            let of = |proxy: &dyn Fn(usize) -> f32, most: usize| {
                let others = (0..count as u32).filter(|&id| id != judge);
                let mut all: Vec<_> = others.map(|id| Neighbor { proxy: proxy(id as usize), id }).collect();
                all.select_nth_unstable(most - 1);
                all.truncate(most);
                all
            };
            let truth = of(&|id| norms[id] - 2.0 * dots.row(at)[id], NEAREST);
            let among = of(&|id| sketch.proxy(dot, coded.code(at), id), AMONG);
            found += truth.iter().filter(|near| among.iter().any(|other| other.id == near.id)).count();
        }
        Ok(found as f64 / (JUDGES * NEAREST) as f64)
    }
}
