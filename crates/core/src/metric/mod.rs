//! Metrics: from a name to a pair function, a row transform and a way back to the caller's distance.
//!
//! Searches compare *proxies*: an order-preserving, cheap form (squares for euclidean), possibly negative,
//! never NaN. [`Metric::finish`] turns a proxy into the distance that leaves the core.
//!
//! ```text
//!   table        names, aliases, parameters, kinds, forms, notes    what callers see
//!   recipe       name -> transform, pair functions, finish          what a metric is made of
//!   params       parameters, checked
//!   transform    rows, once
//!   pair         two rows -> proxy: kernels, dense, sparse, bits, coefficient, transport
//!   finish       proxy -> distance
//! ```
//!
//! Cosine and its kin become squared euclidean distances between unit rows:
//! `1 - cos = |a/|a| - b/|b||^2 / 2`. That is never negative, is exact to the last bits for near
//! duplicates, and lets every product kernel serve them. All-zero rows have no direction; the
//! transform gives them a 1 in a spare column of their own, which puts them at distance 1 from every
//! other row and 0 from each other. The latter is what correlation and hellinger want; under cosine two dense zero
//! rows are at distance 1 too, which results of such rows are set to ([`Metric::equidistant`]). These are
//! the values PyNNDescent gives.
//!
//! To add a metric: an entry in `table`, a line in `recipe`, a line in test/golden/pairs.py (or, where PyNNDescent
//! lacks it, a test beside its functions), `cargo run -p hnsw-core --example metrics-doc`.
//!
//! What may not enter: rows other than two at a time, search, threads (but for transforming rows).

mod bits;
mod coefficient;
mod dense;
mod finish;
mod pair;
mod params;
mod recipe;
mod sparse;
mod table;
mod transform;
mod transport;

use crate::error::{Error, Result};
use crate::points::{Form, Points, RowRef};
pub(crate) use coefficient::{Coefficient, Line};
use finish::Finish;
use hnsw_kernels::Kernels;
use pair::{Context, Measure};
pub(crate) use pair::{Pair, Sums};
pub use params::MetricParams;
use recipe::Recipe;
pub(crate) use sparse::Centre;
use std::sync::Arc;
use table::find;
pub use table::{Kind, METRICS, MetricInfo, REFUSED, names};
use transform::Transform;

/// A metric ready to use on rows of one width.
#[derive(Debug, Clone)]
pub struct Metric {
    info: &'static MetricInfo,
    measure: Measure,
    finish: Finish,
    transform: Transform,
    context: Arc<Context>,
}

impl Metric {
    /// Looks `name` (or an alias) up, for rows of `dim` columns.
    ///
    /// Errors: `UnknownMetric`; `InvalidArgument` for a parameter that is out of its range, of a wrong size, or
    /// another metric's.
    pub fn resolve(name: &str, params: MetricParams, dim: usize) -> Result<Metric> {
        if let Some((refused, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(Error::invalid("metric", refused, format!("{} ({refused}: {why})", names().join(", "))));
        }
        let info = find(name).ok_or_else(|| Error::UnknownMetric { seen: name.to_string() })?;
        params.check(info)?;
        if info.name == "haversine" && dim != 2 {
            return Err(Error::DimensionMismatch { seen: dim, expected: 2 });
        }
        let Recipe { transform, measure, finish, p } = Recipe::of(info.name, &params, dim)?;
        Ok(Metric { info, measure, finish, transform, context: Arc::new(Context { dim, p, params }) })
    }

    /// Its entry in the table.
    pub fn info(&self) -> &'static MetricInfo {
        self.info
    }

    /// Its parameters, as given.
    pub fn params(&self) -> &MetricParams {
        &self.context.params
    }

    /// Whether rows of this form can be compared.
    pub fn supports(&self, form: Form) -> bool {
        self.info.forms.contains(&form)
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

    /// Whether proxies of rows of this form are squared euclidean distances of stored rows: what product tiles
    /// compute.
    pub(crate) fn products(&self, form: Form) -> bool {
        self.measure.products(form)
    }

    /// What the proxy of dense rows is a sum of, where tiles know it.
    pub(crate) fn sums(&self) -> Option<Sums> {
        self.measure.sums
    }

    /// Whether sparse rows are compared by their deviations from their own means.
    pub(crate) fn centres(&self) -> bool {
        self.info.name == "correlation"
    }

    /// Whether near means a large inner product: such rows are not near themselves, and links need another measure.
    pub(crate) fn largest_products(&self) -> bool {
        self.info.name == "inner_product"
    }

    /// Whether a walk over links finds near rows; otherwise all rows are looked at.
    pub(crate) fn walks(&self) -> bool {
        self.info.kind != Kind::Scan
    }

    /// Prepares rows or queries for comparison. Errors: `InvalidArgument` naming a row that the metric is not
    /// defined for; `Cancelled`, `OutOfMemory`.
    pub(crate) fn transform(&self, points: &mut Points, threads: usize, control: crate::Control<'_>) -> Result<()> {
        self.transform.apply(points, threads, control)
    }

    /// Whether rows are stored as they were given.
    pub(crate) fn keeps_values(&self) -> bool {
        self.transform == Transform::None
    }

    /// Rows of `points` (transformed) that have no direction, all zeros under cosine: they are at distance 1 from every
    /// row, but sparse ones at 0 from each other (PyNNDescent tells the two forms apart).
    pub(crate) fn equidistant<'a>(&self, points: &'a Points) -> impl Iterator<Item = usize> + use<'a> {
        let dim = self.context.dim;
        let count = if matches!(self.info.name, "cosine" | "dot" | "direct_cosine") { points.len() } else { 0 };
        (0..count).filter(move |&row| match points.row(row) {
            RowRef::Dense(values) => values[dim] == 1.0,
            RowRef::Sparse(row) => row.indices == [dim as u32],
            RowRef::Bits(_) => false,
        })
    }

    /// The distance of the caller's metric for a proxy.
    #[inline]
    pub(crate) fn finish(&self, proxy: f32) -> f32 {
        self.finish.apply(proxy, self.context.dim)
    }

    /// Largest distance that there is.
    fn widest(&self) -> f32 {
        match self.info.name {
            "cosine" | "correlation" | "spearmanr" => 2.0,
            "dot" | "direct_cosine" | "hellinger" => 1.0,
            "jensen-shannon" => std::f32::consts::LN_2,
            "haversine" => std::f32::consts::PI,
            _ => f32::INFINITY,
        }
    }

    /// Whether distances, or what stands for them, may be negative.
    pub(crate) fn signed(&self) -> bool {
        self.largest_products() || self.info.name == "tsss"
    }

    /// Whether near means a large number.
    pub(crate) fn similarity(&self) -> bool {
        self.info.name == "true_angular"
    }

    /// The largest proxy of the rows that are at least as near as `radius`, which is not NaN.
    pub(crate) fn reach(&self, radius: f32) -> f32 {
        // Rounding must not leave out what is as far as anything can be.
        if radius >= self.widest() && !self.similarity() {
            return f32::INFINITY;
        }
        let near = |proxy: f32| {
            let distance = self.finish(proxy);
            // Roots of negative proxies, and logarithms of similarities that are none.
            let known = !distance.is_nan();
            if !known {
                proxy < 0.0
            } else if self.similarity() {
                distance >= radius
            } else {
                distance <= radius
            }
        };
        let of_key = |key: u32| f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key });
        // Keys ascend with proxies from minus to plus infinity.
        let (mut low, mut high) = (!f32::NEG_INFINITY.to_bits(), f32::INFINITY.to_bits() | 1 << 31);
        if near(f32::INFINITY) {
            return f32::INFINITY;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            *(if near(of_key(middle)) { &mut low } else { &mut high }) = middle;
        }
        of_key(low)
    }

    /// `radius` with a share of slack around it: of itself, or where distances are negative as well, of `scale`.
    pub(crate) fn widened(&self, radius: f32, factor: f32, scale: f32) -> f32 {
        if self.signed() { radius + (factor - 1.0) * scale.max(radius.abs()) } else { radius * factor }
    }

    /// The pair function over stored rows of `form`, in this machine's best instruction set.
    pub(crate) fn pair(&self, kernels: &'static Kernels, form: Form) -> Pair<'_> {
        self.measure.pair(kernels, form, &self.context)
    }
}

#[cfg(test)]
mod tests;
