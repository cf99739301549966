//! How each metric of the table is computed: a transform of the rows, pair functions, a finish.

use super::bits;
use super::coefficient::{self, Coefficient};
use super::dense;
use super::finish::Finish;
use super::pair::{Dense, DenseFn, Measure, Pick, Sparse, SparseFn, Sums};
use super::params::{MetricParams, Moves};
use super::sparse;
use super::transform::Transform;
use crate::error::Result;

/// A metric without its name.
pub(super) struct Recipe {
    pub transform: Transform,
    pub measure: Measure,
    pub finish: Finish,
    /// See `Context::p`.
    pub p: f64,
}

impl Recipe {
    /// That of the metric `name` (as the table shows it) for rows of `dim` columns. Errors: `InvalidArgument`.
    pub fn of(name: &str, params: &MetricParams, dim: usize) -> Result<Recipe> {
        let p = params.power(name)?;
        let plain = |measure, finish| (Transform::None, measure, finish);
        let cosine = (Transform::Unit, l2(), Finish::ClippedCosine);
        let (transform, measure, finish) = match name {
            "euclidean" => plain(l2(), Finish::Sqrt),
            "sqeuclidean" => plain(l2(), Finish::Same),
            "manhattan" => plain(manhattan(), Finish::Same),
            "chebyshev" => plain(chebyshev(), Finish::Same),
            "minkowski" => power(Transform::None, p),
            "wminkowski" => power(params.weights(p, dim)?, p),
            "seuclidean" => (params.deviations(dim)?, l2(), Finish::Sqrt),
            "mahalanobis" => (params.whitening(dim)?, l2(), Finish::Sqrt),
            "canberra" => plain(canberra(), Finish::Same),
            "braycurtis" => plain(braycurtis(), Finish::Same),
            "inner_product" => plain(checked(|k| k.ip, -1.0, dense::negated_product, None), Finish::NotPositive),
            "cosine" => (Transform::Unit, l2(), Finish::Scaled(0.5)),
            "dot" | "direct_cosine" => cosine,
            "true_angular" => (Transform::Unit, l2(), Finish::Similarity),
            "correlation" => (Transform::CenteredUnit, l2().but_sparse(sparse::correlation), Finish::Scaled(0.5)),
            "spearmanr" => (Transform::RankedUnit, l2(), Finish::Scaled(0.5)),
            "hellinger" => (Transform::RootShares, l2(), Finish::RootOfHalf),
            "tsss" => plain(function(dense::tsss, None), Finish::Same),
            "haversine" => plain(function(dense::haversine, None), Finish::Same),
            "hamming" => plain(hamming(), Finish::Fraction),
            "hammingCount" => plain(hamming(), Finish::Same),
            "jaccard" => plain(counts(coefficient::JACCARD), Finish::Same),
            "dice" => plain(counts(coefficient::DICE), Finish::Same),
            "matching" => plain(counts(coefficient::MATCHING), Finish::Same),
            "rogerstanimoto" => plain(counts(coefficient::ROGERSTANIMOTO), Finish::Same),
            "russellrao" => plain(counts(coefficient::RUSSELLRAO), Finish::Same),
            "sokalsneath" => plain(counts(coefficient::SOKALSNEATH), Finish::Same),
            "kulsinski" => plain(counts(coefficient::KULSINSKI), Finish::Same),
            "yule" => plain(counts(coefficient::YULE), Finish::Same),
            "bit_hamming" => plain(
                Measure { bits: Some((bits::hamming, coefficient::BIT_HAMMING)), ..Measure::default() },
                Finish::Same,
            ),
            "bit_jaccard" => plain(
                Measure { bits: Some((bits::jaccard, coefficient::BIT_JACCARD)), ..Measure::default() },
                Finish::Logarithm,
            ),
            "jensen-shannon" => {
                (Transform::Smoothed, function(dense::jensen_shannon, Some(sparse::jensen_shannon)), Finish::Same)
            }
            "symmetric-kl" => {
                (Transform::Smoothed, function(dense::symmetric_kl, Some(sparse::symmetric_kl)), Finish::Same)
            }
            "wasserstein-1d" => {
                let (transform, measure, finish) = power(Transform::Distribution { open: true }, p);
                (transform, measure.but_sparse(sparse::wasserstein), finish)
            }
            "circular_kantorovich" => {
                (Transform::Distribution { open: false }, function(dense::circular, None), Finish::Same)
            }
            "kantorovich" => kantorovich(params.moves(dim)?),
            _ => unreachable!("every name of the table has a recipe; a test asks for them all"),
        };
        Ok(Recipe { transform, measure, finish, p })
    }
}

fn kernel(pick: Pick, sparse: SparseFn) -> Measure {
    Measure { dense: Some(Dense::Kernel(pick)), sparse: Some(Sparse::Function(sparse)), ..Measure::default() }
}

fn checked(pick: Pick, sign: f32, again: DenseFn, sparse: Option<SparseFn>) -> Measure {
    let dense = Some(Dense::Checked { pick, sign, again });
    Measure { dense, sparse: sparse.map(Sparse::Function), ..Measure::default() }
}

fn function(dense: DenseFn, sparse: Option<SparseFn>) -> Measure {
    Measure { dense: Some(Dense::Function(dense)), sparse: sparse.map(Sparse::Function), ..Measure::default() }
}

fn counts(of: Coefficient) -> Measure {
    Measure { dense: Some(Dense::Counts(of)), sparse: Some(Sparse::Counts(of)), ..Measure::default() }
}

fn l2() -> Measure {
    Measure { products: true, sparse_products: true, ..kernel(|k| k.l2sq, sparse::l2_squared) }
}

fn manhattan() -> Measure {
    Measure { sums: Some(Sums::Manhattan), ..kernel(|k| k.l1, sparse::manhattan) }
}

fn chebyshev() -> Measure {
    Measure { sums: Some(Sums::Chebyshev), ..kernel(|k| k.linf, sparse::chebyshev) }
}

fn hamming() -> Measure {
    Measure { sums: Some(Sums::Hamming), ..kernel(|k| k.hamming, sparse::differing) }
}

fn canberra() -> Measure {
    let measure = checked(|k| k.canberra, 1.0, dense::canberra, Some(sparse::canberra));
    Measure { sums: Some(Sums::Canberra), ..measure }
}

fn braycurtis() -> Measure {
    let measure = checked(|k| k.braycurtis, 1.0, dense::braycurtis, Some(sparse::braycurtis));
    Measure { sums: Some(Sums::BrayCurtis), ..measure }
}

/// Norm of order `p` of the difference of transformed rows.
fn power(transform: Transform, p: f64) -> (Transform, Measure, Finish) {
    let (measure, finish) = match p {
        1.0 => (manhattan(), Finish::Same),
        2.0 => (l2(), Finish::Sqrt),
        f64::INFINITY => (chebyshev(), Finish::Same),
        _ => (function(dense::minkowski, Some(sparse::minkowski)), Finish::Same),
    };
    (transform, measure, finish)
}

/// Costs with a closed form need no search for the best flow.
fn kantorovich(moves: Moves) -> (Transform, Measure, Finish) {
    match moves {
        // Each unit that is not where it has to be moves once; of the differences half are surplus.
        Moves::Anywhere(cost) => (Transform::Shares, manhattan(), Finish::Scaled(0.5 * cost)),
        Moves::AlongLine(cost) => {
            let measure = manhattan().but_sparse(sparse::wasserstein);
            (Transform::DistributionOfMass, measure, Finish::Scaled(cost))
        }
        Moves::AtCost => (Transform::Shares, function(dense::kantorovich, Some(sparse::kantorovich)), Finish::Same),
    }
}
