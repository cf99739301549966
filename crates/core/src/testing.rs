//! Seeded data for unit tests.

use crate::metric::{Metric, MetricParams};
use crate::points::{Points, Rows, SparseRows};

/// SplitMix64.
pub(crate) struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::random::mix(self.0)
    }

    /// Uniform in 0..n.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// About normal: sum of 12 uniforms.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// A metric without parameters, kept to the end of the process.
pub(crate) fn metric(name: &str, dim: usize) -> &'static Metric {
    Box::leak(Box::new(Metric::resolve(name, MetricParams::default(), dim).unwrap()))
}

/// Dense rows.
pub(crate) fn dense(values: &[f32], dim: usize) -> Points {
    Rows::from_slice(values, dim).unwrap().into()
}

/// Sparse rows with about one value in `every` that is not zero, some rows empty.
pub(crate) fn sparse(n: usize, dim: usize, every: u64, seed: u64) -> SparseRows {
    let mut rng = Rng::new(seed);
    let mut rows = SparseRows::with_capacity(n, dim, n * dim / every as usize).unwrap();
    for i in 0..n {
        let columns: Vec<u32> = (0..dim as u32).filter(|_| i % 50 != 49 && rng.below(every) == 0).collect();
        let values: Vec<f32> = columns.iter().map(|_| rng.unit() + 0.1).collect();
        rows.push(&[columns.len() as u32], &columns, &values).unwrap();
    }
    rows
}

/// `n x dim` uniform values in [-1, 1).
pub(crate) fn uniform(n: usize, dim: usize, seed: u64) -> Points {
    let mut rng = Rng::new(seed);
    let values: Vec<f32> = (0..n * dim).map(|_| rng.unit() * 2.0 - 1.0).collect();
    dense(&values, dim)
}

/// `n x dim` rows in `clusters` normal clusters of spread 0.05, in order of cluster.
pub(crate) fn clustered(n: usize, dim: usize, clusters: usize, seed: u64) -> Points {
    let mut rng = Rng::new(seed);
    let centers: Vec<f32> = (0..clusters * dim).map(|_| rng.unit() * 10.0).collect();
    let values: Vec<f32> = (0..n)
        .flat_map(|i| {
            let c = i * clusters / n;
            (0..dim).map(|j| centers[c * dim + j] + 0.05 * rng.normal()).collect::<Vec<_>>()
        })
        .collect();
    dense(&values, dim)
}
