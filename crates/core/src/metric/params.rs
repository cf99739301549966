//! What a metric is told besides its name.

use super::table::MetricInfo;
use super::transform::{Linear, Transform};
use crate::error::{Error, Result};
use std::sync::Arc;

/// Parameters of metrics; each metric's entry in the table lists those that it takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricParams {
    /// Power of minkowski, weighted minkowski, wasserstein-1d; above 0.
    pub p: Option<f64>,
    /// Weights of the columns (`dim`) of weighted minkowski.
    pub w: Option<Vec<f32>>,
    /// Variances of the columns (`dim`) of seuclidean.
    pub sigma: Option<Vec<f32>>,
    /// Inverse covariance (`dim x dim`, row-major) of mahalanobis.
    pub vinv: Option<Vec<f32>>,
    /// Cost of moving mass between columns (`dim x dim`, row-major) of kantorovich.
    pub cost: Option<Vec<f32>>,
}

/// What kantorovich's cost comes down to.
pub(super) enum Moves {
    /// The same between any two columns.
    Anywhere(f32),
    /// So much for each column passed.
    AlongLine(f32),
    /// As the matrix says.
    AtCost,
}

impl MetricParams {
    /// `InvalidArgument` for a parameter that the metric does not take.
    pub(super) fn check(&self, info: &MetricInfo) -> Result<()> {
        let given = [
            ("p", self.p.is_some()),
            ("w", self.w.is_some()),
            ("sigma", self.sigma.is_some()),
            ("vinv", self.vinv.is_some()),
            ("cost", self.cost.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && !info.params.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let known = if info.params.is_empty() { "none".to_string() } else { info.params.join(", ") };
                Err(Error::invalid("metric parameter", name, format!("parameters of {}: {known}", info.name)))
            }
        }
    }

    /// The power: 1 by default for histograms, else 2.
    pub(super) fn power(&self, name: &str) -> Result<f64> {
        let circular = name == "circular_kantorovich";
        let default = if circular || matches!(name, "wasserstein-1d" | "kantorovich") { 1.0 } else { 2.0 };
        let p = self.p.unwrap_or(default);
        if circular && !(p >= 1.0 && p.is_finite()) {
            return Err(Error::invalid("p", p, "a finite number of 1 or more"));
        }
        if p.is_nan() || p <= 0.0 { Err(Error::invalid("p", p, "a number above 0")) } else { Ok(p) }
    }

    /// Columns scaled so that weights disappear from the norm of order `p`.
    pub(super) fn weights(&self, p: f64, dim: usize) -> Result<Transform> {
        let Some(w) = &self.w else { return Ok(Transform::None) };
        each("w", w, dim, |v| v >= 0.0, "weights of 0 or more")?;
        // Of an infinite norm a weight only says whether its column takes part.
        let factor = |w: f32| if p.is_infinite() { f64::from(u8::from(w > 0.0)) } else { f64::from(w).powf(1.0 / p) };
        Ok(Transform::Columns(w.iter().map(|&w| factor(w)).collect()))
    }

    /// Columns divided by their standard deviations.
    pub(super) fn deviations(&self, dim: usize) -> Result<Transform> {
        let Some(sigma) = &self.sigma else { return Ok(Transform::None) };
        each("sigma", sigma, dim, |v| v > 0.0, "variances above 0")?;
        Ok(Transform::Columns(sigma.iter().map(|&v| 1.0 / f64::from(v).sqrt()).collect()))
    }

    /// Rows times a root of the inverse covariance.
    pub(super) fn whitening(&self, dim: usize) -> Result<Transform> {
        let Some(vinv) = &self.vinv else { return Ok(Transform::None) };
        each("vinv", vinv, square(dim)?, |_| true, "finite numbers")?;
        Ok(Transform::Linear(Arc::new(Linear::root_of(vinv, dim)?)))
    }

    /// The form of the cost matrix. O(dim²).
    pub(super) fn moves(&self, dim: usize) -> Result<Moves> {
        let Some(cost) = &self.cost else { return Ok(Moves::Anywhere(1.0)) };
        each("cost", cost, square(dim)?, |v| v >= 0.0, "costs of 0 or more")?;
        if let Some(k) = (0..dim * dim).find(|&k| cost[k] != cost[k % dim * dim + k / dim]) {
            let seen = format!("{} from column {} to column {}, another the other way", cost[k], k / dim, k % dim);
            return Err(Error::invalid("cost", seen, "a symmetric matrix"));
        }
        let unit = if dim > 1 { cost[1] } else { cost[0] };
        let is = |of: fn(usize, usize) -> f32| (0..dim * dim).all(|k| cost[k] == unit * of(k / dim, k % dim));
        Ok(if is(|i, j| f32::from(u8::from(i != j))) {
            Moves::Anywhere(unit)
        } else if is(|i, j| i.abs_diff(j) as f32) {
            Moves::AlongLine(unit)
        } else {
            Moves::AtCost
        })
    }
}

/// Entries of a `dim x dim` matrix.
fn square(dim: usize) -> Result<usize> {
    dim.checked_mul(dim)
        .ok_or_else(|| Error::invalid("dim", dim, "fewer columns where a parameter is a matrix of them"))
}

/// `InvalidArgument` unless there are `len` values, finite and allowed.
fn each(name: &'static str, values: &[f32], len: usize, allows: fn(f32) -> bool, allowed: &str) -> Result<()> {
    if values.len() != len {
        return Err(Error::invalid(name, format!("{} values", values.len()), format!("{len} values")));
    }
    match values.iter().position(|&v| !v.is_finite() || !allows(v)) {
        None => Ok(()),
        Some(at) => Err(Error::invalid(name, format!("{} at position {at}", values[at]), allowed)),
    }
}
