//! The one table of metrics: what callers see of each.
//!
//! TypeScript, the wire, Python and docs/metrics.md show this table; nobody else lists metrics. How a metric is
//! computed is in `recipe`.

use crate::points::Form;

/// How neighbours under a metric are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows are compared as they are given, in walks over links too.
    Walk,
    /// Rows are transformed once, then compared in walks over links too.
    Transform,
    /// All rows are looked at, always: walks do not find near rows, or rarely.
    Scan,
}

impl Kind {
    /// `walk`, `transform` or `scan`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Walk => "walk",
            Kind::Transform => "transform",
            Kind::Scan => "scan",
        }
    }
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
    /// How neighbours are found.
    pub kind: Kind,
    /// Forms of rows it compares.
    pub forms: &'static [Form],
    /// Quantizations that a search under it can use.
    pub quantizations: &'static [&'static str],
    /// The distance of rows x and y.
    pub formula: &'static str,
    /// Values that can occur.
    pub range: &'static str,
    /// What to know: special rows, differences to PyNNDescent.
    pub note: &'static str,
}

const DENSE: &[Form] = &[Form::Dense];
const BOTH: &[Form] = &[Form::Dense, Form::Sparse];
const BITS: &[Form] = &[Form::Bits];

const NO_ANGLE: bool = false;
const ANGULAR: bool = true;

/// An entry as a line or two: name and aliases, forms, kind, angular, formula, range.
const fn metric(
    names: (&'static str, &'static [&'static str]),
    forms: &'static [Form],
    kind: Kind,
    angular: bool,
    formula: &'static str,
    range: &'static str,
) -> MetricInfo {
    let (name, aliases) = names;
    MetricInfo { name, aliases, params: &[], angular, kind, forms, quantizations: &[], formula, range, note: "" }
}

impl MetricInfo {
    const fn params(self, params: &'static [&'static str]) -> MetricInfo {
        MetricInfo { params, ..self }
    }

    const fn quantizations(self, quantizations: &'static [&'static str]) -> MetricInfo {
        MetricInfo { quantizations, ..self }
    }

    const fn note(self, note: &'static str) -> MetricInfo {
        MetricInfo { note, ..self }
    }
}

use Kind::{Scan, Transform, Walk};

/// Every metric, in the order they are shown.
pub static METRICS: &[MetricInfo] = &[
    metric(("euclidean", &["l2"]), BOTH, Walk, NO_ANGLE, "sqrt(Σ (x - y)²)", "0 …")
        .quantizations(&["binary", "uint8", "uint4"]),
    metric(("sqeuclidean", &[]), BOTH, Walk, NO_ANGLE, "Σ (x - y)²", "0 …"),
    metric(("manhattan", &["taxicab", "l1"]), BOTH, Walk, NO_ANGLE, "Σ |x - y|", "0 …"),
    metric(("chebyshev", &["linfinity", "linfty", "linf"]), BOTH, Walk, NO_ANGLE, "max |x - y|", "0 …"),
    metric(("minkowski", &[]), BOTH, Walk, NO_ANGLE, "(Σ |x - y|^p)^(1/p)", "0 …")
        .params(&["p"])
        .note("`p` above 0, default 2; 1, 2 and infinity are manhattan, euclidean and chebyshev."),
    metric(("wminkowski", &["weighted_minkowski"]), DENSE, Transform, NO_ANGLE, "(Σ w |x - y|^p)^(1/p)", "0 …")
        .params(&["w", "p"])
        .note("`w`: a weight of 0 or more per column, default 1, not raised to `p`. `p` as minkowski's."),
    metric(("seuclidean", &["standardised_euclidean"]), DENSE, Transform, NO_ANGLE, "sqrt(Σ (x - y)² / sigma)", "0 …")
        .params(&["sigma"])
        .note("`sigma`: the variance of each column, above 0, default 1. Python also takes it as `V`."),
    metric(("mahalanobis", &[]), DENSE, Transform, NO_ANGLE, "sqrt((x - y)ᵀ vinv (x - y))", "0 …")
        .params(&["vinv"])
        .note(
            "`vinv`: the inverse covariance, columns x columns, default the identity; its symmetric part must have \
             no negative eigenvalue. Python also takes it as `VI`.",
        ),
    metric(("canberra", &[]), BOTH, Walk, NO_ANGLE, "Σ |x - y| / (|x| + |y|)", "0 … columns")
        .note("Columns that are 0 in both rows add 0."),
    metric(("braycurtis", &[]), BOTH, Walk, NO_ANGLE, "Σ |x - y| / Σ |x + y|", "0 …")
        .note("0 where the lower sum is 0, also between x and -x."),
    metric(("cosine", &[]), BOTH, Walk, ANGULAR, "1 - x·y / (|x| |y|)", "0 … 2")
        .quantizations(&["binary", "uint8", "uint4", "int8"])
        .note(
            "A row of zeros is at 1 from every row; two of them at 1 when dense, at 0 when sparse. In Python values \
             above 1 become 1, as PyNNDescent's.",
        ),
    metric(("dot", &[]), DENSE, Walk, ANGULAR, "min(1, 1 - x·y / (|x| |y|))", "0 … 1")
        .quantizations(&["binary", "uint8", "uint4", "int8"])
        .note(
            "Rows are scaled to length 1, as PyNNDescent does: a cosine distance cut off at 1. Rows of zeros are at 1.",
        ),
    metric(("direct_cosine", &[]), DENSE, Walk, ANGULAR, "min(1, 1 - x·y / (|x| |y|))", "0 … 1")
        .quantizations(&["int8"])
        .note("As dot."),
    metric(("inner_product", &["proxy_inner_product"]), DENSE, Walk, NO_ANGLE, "-max(0, x·y)", "… 0")
        .note("Nearest first: the largest product. A row need not be its own nearest."),
    metric(("true_angular", &[]), DENSE, Scan, NO_ANGLE, "1 - angle(x, y) / π, at least 0.5", "0.5 … 1")
        .note("A similarity, as in PyNNDescent: rows of results descend. 0.5 to a row of zeros, 1 between two."),
    metric(("correlation", &[]), BOTH, Transform, ANGULAR, "1 - Pearson correlation", "0 … 2")
        .note("A constant row is at 1 from every other and at 0 from constant ones."),
    metric(("spearmanr", &[]), DENSE, Transform, NO_ANGLE, "1 - Pearson correlation of ranks", "0 … 2")
        .note("Equal values share their mean rank. Constant rows as under correlation."),
    metric(("tsss", &[]), DENSE, Scan, NO_ANGLE, "triangle area x sector area, 10° added to the angle", "any")
        .note("Negative above 170°, as PyNNDescent's. 0 to a row of zeros (there: ZeroDivisionError)."),
    metric(("haversine", &[]), DENSE, Walk, NO_ANGLE, "angle on a sphere", "0 … π").note(
        "Two columns: latitude and longitude, radians. In float64, so that places opposite each other are right.",
    ),
    metric(("hellinger", &[]), BOTH, Transform, ANGULAR, "sqrt(1 - Σ sqrt(x y / (Σx Σy)))", "0 … 1")
        .note("Negative values are refused. A row of zeros is at 1 from others, at 0 from its like."),
    metric(("hamming", &[]), BOTH, Walk, ANGULAR, "share of columns with x ≠ y", "0 … 1").quantizations(&["binary"]),
    metric(("hammingCount", &[]), BOTH, Walk, ANGULAR, "number of columns with x ≠ y", "0 … columns")
        .note("Not in PyNNDescent."),
    metric(("jaccard", &[]), BOTH, Walk, ANGULAR, "1 - |X ∩ Y| / |X ∪ Y|", "0 … 1").quantizations(&["binary"]).note(
        "X and Y are the columns that are not 0, here and below. Rows without a common column are found too, at 1.",
    ),
    metric(("dice", &[]), BOTH, Walk, ANGULAR, "1 - 2 |X ∩ Y| / (|X| + |Y|)", "0 … 1"),
    metric(("matching", &[]), BOTH, Walk, NO_ANGLE, "|X △ Y| / columns", "0 … 1"),
    metric(("rogerstanimoto", &["sokalmichener"]), BOTH, Walk, NO_ANGLE, "2 |X △ Y| / (columns + |X △ Y|)", "0 … 1"),
    metric(("russellrao", &[]), BOTH, Walk, NO_ANGLE, "1 - |X ∩ Y| / columns", "0 … 1")
        .note("0 for equal sets, whatever their size."),
    metric(("sokalsneath", &[]), BOTH, Walk, NO_ANGLE, "|X △ Y| / (|X ∩ Y| / 2 + |X △ Y|)", "0 … 1"),
    metric(("kulsinski", &[]), BOTH, Walk, NO_ANGLE, "(|X △ Y| - |X ∩ Y| + columns) / (|X △ Y| + columns)", "0 … 1")
        .note("0 for equal sets."),
    metric(("yule", &[]), DENSE, Scan, NO_ANGLE, "2 a b / (|X ∩ Y| c + a b)", "0 … 2")
        .note("a = |X \\ Y|, b = |Y \\ X|, c = columns in neither; 0 where a set contains the other."),
    metric(("bit_hamming", &[]), BITS, Walk, ANGULAR, "number of bits that differ", "0 … bits"),
    metric(("bit_jaccard", &[]), BITS, Walk, ANGULAR, "-ln(|X ∩ Y| / |X ∪ Y|)", "0 … ∞")
        .note("Infinite without a common bit; 0 between two rows of zeros."),
    metric(
        ("jensen-shannon", &["jensen_shannon", "proxy_jensen-shannon", "proxy_jensen_shannon"]),
        BOTH,
        Scan,
        NO_ANGLE,
        "(KL(p | m) + KL(q | m)) / 2, m = (p + q) / 2",
        "0 … ln 2",
    )
    .note(
        "p and q are shares after 1.19e-7 is added to each column (sparse rows: to each column that either holds, \
         as in PyNNDescent). Negative values are refused.",
    ),
    metric(
        ("symmetric-kl", &["symmetric_kl", "symmetric_kullback_liebler", "proxy_symmetric-kl", "proxy_symmetric_kl"]),
        BOTH,
        Scan,
        NO_ANGLE,
        "KL(p | q) + KL(q | p)",
        "0 …",
    )
    .note("p and q as under jensen-shannon. Negative values are refused."),
    metric(
        (
            "wasserstein-1d",
            &["wasserstein_1d", "kantorovich-1d", "kantorovich_1d", "proxy_wasserstein-1d", "proxy_wasserstein_1d"],
        ),
        BOTH,
        Transform,
        NO_ANGLE,
        "(Σ |F - G|^p)^(1/p)",
        "0 …",
    )
    .params(&["p"])
    .note(
        "F and G are sums of the shares up to each column; `p` above 0, default 1. A row of zeros has the sums 0 \
         (PyNNDescent: NaN among dense rows). Other rows that sum to 0 are refused.",
    ),
    metric(
        ("circular_kantorovich", &["circular_wasserstein", "proxy_circular_kantorovich", "proxy_circular_wasserstein"]),
        DENSE,
        Scan,
        NO_ANGLE,
        "(Σ |F - G - median(F - G)|^p)^(1/p)",
        "0 …",
    )
    .params(&["p"])
    .note(
        "F, G and rows that sum to 0 as under wasserstein-1d; `p` of 1 or more, default 1. For other `p` PyNNDescent \
         takes the median of the p-th powers, which depends on the order of the rows.",
    ),
    metric(
        ("kantorovich", &["wasserstein", "proxy_kantorovich", "proxy_wasserstein"]),
        BOTH,
        Scan,
        NO_ANGLE,
        "least Σ flow · cost that moves one row's shares onto the other's",
        "0 …",
    )
    .params(&["cost"])
    .note(
        "`cost`: columns x columns, symmetric, 0 or more; default 1 between different columns (PyNNDescent: for sparse \
         rows only). Exact. A row has values of one sign; rows of zeros are refused.",
    ),
];

/// Names that PyNNDescent knows and that are refused here, and why.
pub static REFUSED: &[(&str, &str)] =
    &[("sinkhorn", "defined for strictly positive rows only; kantorovich is exact"), ("proxy_sinkhorn", "as sinkhorn")];

/// Looks a name or alias up.
pub(super) fn find(name: &str) -> Option<&'static MetricInfo> {
    METRICS.iter().find(|m| m.name == name || m.aliases.contains(&name))
}

/// Every name and alias.
pub fn names() -> Vec<&'static str> {
    METRICS.iter().flat_map(|m| std::iter::once(m.name).chain(m.aliases.iter().copied())).collect()
}
