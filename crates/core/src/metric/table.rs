//! The one table of metrics: names, aliases, parameters and what PyNNDescent calls angular.
//!
//! TypeScript, the wire and Python show this table; nobody else lists metrics.

/// How a metric is computed on stored rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Family {
    Euclidean,
    SqEuclidean,
    Manhattan,
    Chebyshev,
    Minkowski,
    Hamming,
    Cosine,
    Correlation,
}

/// A metric as callers see it.
#[derive(Debug, PartialEq)]
pub struct MetricInfo {
    /// The name that is shown.
    pub name: &'static str,
    /// Other names of the same metric.
    pub aliases: &'static [&'static str],
    /// Names of its parameters.
    pub params: &'static [&'static str],
    /// What PyNNDescent's `_angular_trees` shows for it.
    pub angular: bool,
    pub(super) family: Family,
}

const fn metric(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    angular: bool,
    family: Family,
) -> MetricInfo {
    MetricInfo { name, aliases, params, angular, family }
}

/// Every metric, in the order they are shown.
pub static METRICS: &[MetricInfo] = &[
    metric("euclidean", &["l2"], &[], false, Family::Euclidean),
    metric("sqeuclidean", &[], &[], false, Family::SqEuclidean),
    metric("manhattan", &["taxicab", "l1"], &[], false, Family::Manhattan),
    metric("chebyshev", &["linfinity", "linfty", "linf"], &[], false, Family::Chebyshev),
    metric("minkowski", &[], &["p"], false, Family::Minkowski),
    metric("cosine", &[], &[], true, Family::Cosine),
    metric("correlation", &[], &[], true, Family::Correlation),
    metric("hamming", &[], &[], true, Family::Hamming),
];

/// Looks a name or alias up.
pub(super) fn find(name: &str) -> Option<&'static MetricInfo> {
    METRICS.iter().find(|m| m.name == name || m.aliases.contains(&name))
}

/// Every name and alias.
pub fn names() -> Vec<&'static str> {
    METRICS.iter().flat_map(|m| std::iter::once(m.name).chain(m.aliases.iter().copied())).collect()
}
