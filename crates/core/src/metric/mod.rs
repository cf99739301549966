//! Metrics: from a name to a pair function, a row transform and a way back to the caller's distance.
//!
//! Searches compare *proxies*: an order-preserving, cheap form (squares for euclidean), possibly negative,
//! never NaN. [`Metric::finish`] turns a proxy into the distance that leaves the core.
//!
//! Cosine and correlation become squared euclidean distances between unit rows:
//! `1 - cos = |a/|a| - b/|b||^2 / 2`. That is never negative, is exact to the last bits for near
//! duplicates, and lets every product kernel serve them. All-zero rows have no direction; the
//! transform gives them a 1 in a spare column of their own, which puts them at distance 1 from every
//! other row and 0 from each other. The latter is what correlation wants; under cosine two zero rows
//! are at distance 1 too, which results of such rows are set to (`Transform::is_equidistant`). These are
//! the values PyNNDescent gives.

mod pair;
mod params;
mod sparse;
mod table;
pub(crate) mod transform;

use crate::error::{Error, Result};
use crate::points::{Form, Points};
use hnsw_kernels::Kernels;
pub(crate) use pair::Pair;
use pair::{Context, Dense, Measure};
pub use params::MetricParams;
use std::sync::Arc;
use table::{Family, find};
pub use table::{METRICS, MetricInfo, names};
use transform::Transform;

/// Proxy to distance.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finish {
    Same,
    Sqrt,
    Half,
    Fraction,
}

/// A metric ready to use on rows of one width.
#[derive(Debug, Clone)]
pub struct Metric {
    info: &'static MetricInfo,
    measure: Measure,
    finish: Finish,
    transform: Transform,
    context: Arc<Context>,
    params: Arc<MetricParams>,
}

impl Metric {
    /// Looks `name` (or an alias) up, for rows of `dim` columns.
    ///
    /// Errors: `UnknownMetric`; `InvalidArgument` for a parameter that is out of its range, of a wrong size, or
    /// another metric's.
    pub fn resolve(name: &str, params: MetricParams, dim: usize) -> Result<Metric> {
        let info = find(name).ok_or_else(|| Error::UnknownMetric { seen: name.to_string() })?;
        params.check(info)?;
        let kernel = |pick| Measure { dense: Some(Dense::Kernel(pick)), ..Measure::default() };
        let l2 = Measure { products: true, sparse: Some(sparse::l2_squared), ..kernel(|k| k.l2sq) };
        let (measure, finish, transform) = match info.family {
            Family::Euclidean => (l2, Finish::Sqrt, Transform::None),
            Family::SqEuclidean => (l2, Finish::Same, Transform::None),
            Family::Manhattan => (kernel(|k| k.l1), Finish::Same, Transform::None),
            Family::Chebyshev => (kernel(|k| k.linf), Finish::Same, Transform::None),
            Family::Hamming => (kernel(|k| k.hamming), Finish::Fraction, Transform::None),
            Family::Cosine => (l2, Finish::Half, Transform::Unit),
            Family::Correlation => (Measure { sparse: None, ..l2 }, Finish::Half, Transform::CenteredUnit),
            Family::Minkowski => match params.power()? {
                1.0 => (kernel(|k| k.l1), Finish::Same, Transform::None),
                2.0 => (l2, Finish::Sqrt, Transform::None),
                f64::INFINITY => (kernel(|k| k.linf), Finish::Same, Transform::None),
                _ => {
                    let power = Dense::Function(|a, b, with| hnsw_kernels::minkowski(a, b, with.p as f32));
                    (Measure { dense: Some(power), ..Measure::default() }, Finish::Same, Transform::None)
                }
            },
        };
        let context = Arc::new(Context { dim, p: params.p.unwrap_or(2.0) });
        Ok(Metric { info, measure, finish, transform, context, params: Arc::new(params) })
    }

    /// Its entry in the table.
    pub fn info(&self) -> &'static MetricInfo {
        self.info
    }

    /// Its parameters, as given.
    pub fn params(&self) -> &MetricParams {
        &self.params
    }

    /// Whether rows of this form can be compared.
    pub fn supports(&self, form: Form) -> bool {
        match form {
            Form::Dense => self.measure.dense.is_some(),
            Form::Sparse => self.measure.sparse.is_some(),
            Form::Bits => self.measure.bits.is_some(),
        }
    }

    /// `InvalidArgument` unless rows of this form and width can be compared.
    pub(crate) fn check_rows(&self, form: Form, dim: usize) -> Result<()> {
        if dim != self.context.dim {
            return Err(Error::DimensionMismatch { seen: dim, expected: self.context.dim });
        }
        if !self.supports(form) {
            let allowed = format!("a metric for {} rows", form.name());
            return Err(Error::invalid("metric", self.info.name, allowed));
        }
        Ok(())
    }

    /// Whether proxies are squared euclidean distances of stored rows: what product tiles compute.
    pub(crate) fn products(&self) -> bool {
        self.measure.products
    }

    /// Whether a walk over links finds near rows; otherwise all rows are looked at.
    pub(crate) fn walks(&self) -> bool {
        true
    }

    /// Prepares rows or queries for comparison. Errors: `Cancelled`, `OutOfMemory`.
    pub(crate) fn transform(&self, points: &mut Points, threads: usize, control: crate::Control<'_>) -> Result<()> {
        self.transform.apply(points, threads, control)
    }

    /// Whether rows are stored as they were given.
    pub(crate) fn keeps_values(&self) -> bool {
        self.transform == Transform::None
    }

    /// Rows of `points` (transformed) that are at distance 1 from every row, their copies included.
    pub(crate) fn equidistant<'a>(&self, points: &'a Points) -> impl Iterator<Item = usize> + use<'a> {
        let transform = self.transform;
        let dim = self.context.dim;
        let count = if transform.has_equidistant() { points.len() } else { 0 };
        (0..count).filter(move |&row| transform.is_equidistant(points.row(row), dim))
    }

    /// The distance of the caller's metric for a proxy.
    #[inline]
    pub(crate) fn finish(&self, proxy: f32) -> f32 {
        match self.finish {
            Finish::Same => proxy,
            Finish::Sqrt => proxy.sqrt(),
            Finish::Half => proxy * 0.5,
            Finish::Fraction => proxy / self.context.dim as f32,
        }
    }

    /// The pair function over stored rows of `form`, in this machine's best instruction set.
    pub(crate) fn pair(&self, kernels: &'static Kernels, form: Form) -> Pair<'_> {
        self.measure.pair(kernels, form, &self.context)
    }
}

#[cfg(test)]
mod tests;
