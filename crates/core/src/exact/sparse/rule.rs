//! From the product of two rows to the proxy of a metric.

use crate::exact::Source;
use crate::metric::{Centre, Coefficient};
use crate::points::SparseRows;
use hnsw_kernels::Counts;

/// How a proxy follows from a product.
pub(crate) enum Rule {
    /// As a squared distance.
    Distance,
    /// By the numbers of columns that two sets share and do not share; final, counts are whole numbers.
    Sets(Coefficient, f64),
    /// By correlation: the centres of A, of B, and the number of columns.
    Centred([Vec<Centre>; 2], f64),
}

impl Rule {
    /// The rule of `source` for two sides, where one is known; sides of sets are of ones.
    pub fn of(source: Source<'_>, a: &SparseRows, b: &SparseRows) -> Option<Rule> {
        let centres = |rows: &SparseRows| {
            let dim = rows.dim() as f64;
            (0..rows.len()).map(|i| Centre::of(rows.row(i), dim)).collect::<Vec<Centre>>()
        };
        match source.pair().of_sets() {
            _ if source.products() => Some(Rule::Distance),
            Some((of, dim)) => Some(Rule::Sets(of, dim)),
            None if source.metric.centres() => Some(Rule::Centred([centres(a), centres(b)], b.dim() as f64)),
            None => None,
        }
    }

    /// Whether values count as 1.
    pub fn sets(&self) -> bool {
        matches!(self, Rule::Sets(..))
    }

    /// The proxy of row `a` of the one side and `b` of the other, from their squared norms and their product.
    #[inline]
    pub fn proxy(&self, [a, b]: [usize; 2], [na, nb]: [f32; 2], dot: f32) -> f32 {
        match self {
            // Rounding may push a squared distance below zero.
            Rule::Distance => ((na + nb) - 2.0 * dot).max(0.0),
            Rule::Sets(of, dim) => {
                let counts = Counts { both: dot as u32, only_a: (na - dot) as u32, only_b: (nb - dot) as u32 };
                of.of(counts, *dim)
            }
            Rule::Centred([of_a, of_b], dim) => of_a[a].proxy(of_b[b], f64::from(dot), *dim),
        }
    }
}
