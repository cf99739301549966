//! What a metric is told besides its name.

use super::table::MetricInfo;
use crate::error::{Error, Result};

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
        for (name, _) in given.iter().filter(|(name, given)| *given && !info.params.contains(name)) {
            let allowed = format!("parameters of {}: {}", info.name, info.params.join(", "));
            return Err(Error::invalid("metric parameter", name, allowed));
        }
        Ok(())
    }

    /// The power, 2 by default.
    pub(super) fn power(&self) -> Result<f64> {
        let p = self.p.unwrap_or(2.0);
        if p.is_nan() || p <= 0.0 { Err(Error::invalid("p", p, "a number above 0")) } else { Ok(p) }
    }
}
