//! Metrics: from a name to a pair kernel, a row transform and a way back to the caller's distance.
//!
//! Searches compare *proxies*: an order-preserving, cheap form (squares for euclidean). [`Metric::finish`] turns a proxy into the distance that leaves the core.
//!
//! Cosine and correlation become squared euclidean distances between unit rows:
//! `1 - cos = |a/|a| - b/|b||^2 / 2`. That is never negative, is exact to the last bits for near
//! duplicates, and lets every product kernel serve them. All-zero rows have no direction; the
//! transform gives them a 1 in a spare column of their own, which puts them at distance 1 from every
//! other row and 0 from each other. The latter is what correlation wants; under cosine two zero rows
//! are at distance 1 too, which results of such rows are set to (`Transform::is_equidistant`). These are
//! the values PyNNDescent gives.

mod table;
pub(crate) mod transform;

use crate::error::{Error, Result};
use hnsw_kernels::{Kernels, PairKernel};
use table::{Family, find};
pub use table::{METRICS, MetricInfo, names};
use transform::Transform;

/// What the pair kernel sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Proxy {
    /// Squared euclidean; the only one that the product tiles compute.
    L2Squared,
    L1,
    Linf,
    /// (Sum of |a-b|^p)^(1/p): with the root, no power overflows.
    Power(f32),
    /// Number of differing columns.
    Differing,
}

/// Proxy to distance.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finish {
    Same,
    Sqrt,
    Half,
    Fraction,
}

/// A metric ready to use.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    info: &'static MetricInfo,
    proxy: Proxy,
    finish: Finish,
    transform: Transform,
}

impl Metric {
    /// Looks `name` (or an alias) up; `p` belongs to minkowski alone and defaults to 2.
    ///
    /// Errors: `UnknownMetric`; `InvalidArgument` for a `p` that is not positive, or given to another metric.
    pub fn resolve(name: &str, p: Option<f64>) -> Result<Metric> {
        let info = find(name).ok_or_else(|| Error::UnknownMetric { seen: name.to_string() })?;
        if let Some(p) = p.filter(|_| !info.params.contains(&"p")) {
            return Err(Error::invalid("p", p, format!("only with minkowski, not with {}", info.name)));
        }
        let (proxy, finish, transform) = match info.family {
            Family::Euclidean => (Proxy::L2Squared, Finish::Sqrt, Transform::None),
            Family::SqEuclidean => (Proxy::L2Squared, Finish::Same, Transform::None),
            Family::Manhattan => (Proxy::L1, Finish::Same, Transform::None),
            Family::Chebyshev => (Proxy::Linf, Finish::Same, Transform::None),
            Family::Hamming => (Proxy::Differing, Finish::Fraction, Transform::None),
            Family::Cosine => (Proxy::L2Squared, Finish::Half, Transform::Unit),
            Family::Correlation => (Proxy::L2Squared, Finish::Half, Transform::CenteredUnit),
            Family::Minkowski => minkowski(p.unwrap_or(2.0))?,
        };
        Ok(Metric { info, proxy, finish, transform })
    }

    /// Its entry in the table.
    pub fn info(&self) -> &'static MetricInfo {
        self.info
    }

    pub(crate) fn proxy(&self) -> Proxy {
        self.proxy
    }

    pub(crate) fn transform(&self) -> Transform {
        self.transform
    }

    /// The distance of the caller's metric for a proxy value over rows of `dim` columns.
    #[inline]
    pub(crate) fn finish(&self, proxy: f32, dim: usize) -> f32 {
        match self.finish {
            Finish::Same => proxy,
            Finish::Sqrt => proxy.sqrt(),
            Finish::Half => proxy * 0.5,
            Finish::Fraction => proxy / dim as f32,
        }
    }

    /// The pair function over stored rows, in this machine's best instruction set.
    pub(crate) fn pair(&self, kernels: &'static Kernels) -> Pair {
        match self.proxy {
            Proxy::L2Squared => Pair::Kernel(kernels.l2sq),
            Proxy::L1 => Pair::Kernel(kernels.l1),
            Proxy::Linf => Pair::Kernel(kernels.linf),
            Proxy::Differing => Pair::Kernel(kernels.hamming),
            Proxy::Power(p) => Pair::Power(p),
        }
    }
}

fn minkowski(p: f64) -> Result<(Proxy, Finish, Transform)> {
    if p.is_nan() || p <= 0.0 {
        return Err(Error::invalid("p", p, "a number above 0"));
    }
    let (proxy, finish) = if p == 1.0 {
        (Proxy::L1, Finish::Same)
    } else if p == 2.0 {
        (Proxy::L2Squared, Finish::Sqrt)
    } else if p.is_infinite() {
        (Proxy::Linf, Finish::Same)
    } else {
        (Proxy::Power(p as f32), Finish::Same)
    };
    Ok((proxy, finish, Transform::None))
}

/// A proxy distance between two stored rows. `four` gives bit for bit what four `one`s give.
#[derive(Clone, Copy)]
pub(crate) enum Pair {
    Kernel(PairKernel),
    Power(f32),
}

impl Pair {
    #[inline]
    pub fn one(&self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Pair::Kernel(kernel) => kernel.one(a, b),
            Pair::Power(p) => hnsw_kernels::minkowski(a, b, *p),
        }
    }

    #[inline]
    pub fn four(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        match self {
            Pair::Kernel(kernel) => kernel.four(a, rows),
            Pair::Power(p) => rows.map(|b| hnsw_kernels::minkowski(a, b, *p)),
        }
    }
}

#[cfg(test)]
mod tests;
