//! The pair function of a metric, per form of rows.

use super::coefficient::Coefficient;
use super::params::MetricParams;
use super::sparse;
use crate::points::{Form, RowRef, SparseRow};
use hnsw_kernels::{CountKernel, Kernels, PairKernel};

/// What pair functions know besides the two rows.
#[derive(Debug)]
pub(crate) struct Context {
    /// Columns of the rows as the caller gave them; bytes a row for bits.
    pub dim: usize,
    /// The power of minkowski and its kin.
    pub p: f64,
    /// What the metric was given.
    pub params: MetricParams,
}

impl Context {
    /// Cost of moving mass between columns, `dim x dim`; empty unless kantorovich was given one.
    pub fn cost(&self) -> &[f32] {
        self.params.cost.as_deref().unwrap_or(&[])
    }

    #[cfg(test)]
    pub fn new(dim: usize) -> Context {
        Context { dim, p: 1.0, params: MetricParams::default() }
    }
}

/// A proxy of two dense rows, cut to `dim` columns.
pub(crate) type DenseFn = fn(&[f32], &[f32], &Context) -> f32;
/// A proxy of two sparse rows.
pub(crate) type SparseFn = fn(SparseRow<'_>, SparseRow<'_>, &Context) -> f32;
/// A proxy of two rows of packed bits, padded.
pub(crate) type BitsFn = fn(&'static Kernels, &[u8], &[u8]) -> f32;
/// A kernel of an instruction set.
pub(super) type Pick = fn(&'static Kernels) -> PairKernel;

/// How dense rows are compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dense {
    /// By a kernel of the machine's instruction set, over padded rows.
    Kernel(Pick),
    /// By a kernel whose value, times `sign`, can be NaN where values are huge; `again` then computes it in f64.
    Checked {
        pick: Pick,
        sign: f32,
        again: DenseFn,
    },
    /// By the columns that are not zero.
    Counts(Coefficient),
    Function(DenseFn),
}

/// Sums over the columns of two dense rows that tiles of many rows know how to compute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sums {
    Manhattan,
    Chebyshev,
    Hamming,
    Canberra,
    BrayCurtis,
}

/// How sparse rows are compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sparse {
    Counts(Coefficient),
    Function(SparseFn),
}

/// How rows are compared, per form; `None` where a form makes no sense.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// The proxy of dense rows is their squared euclidean distance.
    pub products: bool,
    pub dense: Option<Dense>,
    /// What the proxy of dense rows is, where tiles know it.
    pub sums: Option<Sums>,
    pub sparse: Option<Sparse>,
    /// That of sparse rows too.
    pub sparse_products: bool,
    pub bits: Option<(BitsFn, Coefficient)>,
}

impl Measure {
    /// Whether the proxy is the squared euclidean distance of stored rows.
    pub fn products(&self, form: Form) -> bool {
        match form {
            Form::Dense => self.products,
            Form::Sparse => self.sparse_products,
            Form::Bits => false,
        }
    }

    /// The same for dense rows; sparse ones by a function of their own.
    pub fn but_sparse(self, of: SparseFn) -> Measure {
        Measure { sparse: Some(Sparse::Function(of)), sparse_products: false, ..self }
    }

    pub fn pair<'a>(&self, kernels: &'static Kernels, form: Form, context: &'a Context) -> Pair<'a> {
        match (form, self.dense, self.sparse, self.bits) {
            (Form::Dense, Some(dense), _, _) => match dense {
                Dense::Kernel(pick) => Pair::Kernel(pick(kernels)),
                Dense::Checked { pick, sign, again } => Pair::Checked(pick(kernels), sign, again, context),
                Dense::Counts(coefficient) => Pair::Counts(kernels.counts, coefficient, context),
                Dense::Function(of) => Pair::Dense(of, context),
            },
            (Form::Sparse, _, Some(Sparse::Counts(coefficient)), _) => Pair::SparseCounts(coefficient, context),
            (Form::Sparse, _, Some(Sparse::Function(of)), _) => Pair::Sparse(of, context),
            (Form::Bits, _, _, Some((of, coefficient))) => Pair::Bits(of, coefficient, kernels),
            _ => unreachable!("an index checks that its metric supports the form of its rows"),
        }
    }
}

/// A proxy between two stored rows. `four` gives bit for bit what four `one`s give.
#[derive(Clone, Copy)]
pub(crate) enum Pair<'a> {
    Kernel(PairKernel),
    Checked(PairKernel, f32, DenseFn, &'a Context),
    Counts(CountKernel, Coefficient, &'a Context),
    Dense(DenseFn, &'a Context),
    Sparse(SparseFn, &'a Context),
    SparseCounts(Coefficient, &'a Context),
    /// The same from the counts.
    Bits(BitsFn, Coefficient, &'static Kernels),
}

impl Pair<'_> {
    /// The proxy from the counts of two sets, and the number of columns; `None` unless rows are sparse sets.
    pub fn of_sets(&self) -> Option<(Coefficient, f64)> {
        if let Pair::SparseCounts(of, with) = self { Some((*of, with.dim as f64)) } else { None }
    }

    /// As [`Pair::of_sets`], for dense rows, whose sets are the columns that are not zero, and for bits.
    pub fn of_bits(&self) -> Option<(Coefficient, f64)> {
        match self {
            Pair::Counts(_, of, with) => Some((*of, with.dim as f64)),
            // Distances of bits do not depend on the number of columns.
            Pair::Bits(_, of, _) => Some((*of, f64::NAN)),
            _ => None,
        }
    }

    #[inline]
    pub fn one(&self, a: RowRef<'_>, b: RowRef<'_>) -> f32 {
        match (self, a, b) {
            (Pair::Kernel(kernel), RowRef::Dense(a), RowRef::Dense(b)) => kernel.one(a, b),
            (_, RowRef::Dense(a), RowRef::Dense(b)) => self.dense(a, b),
            (Pair::Sparse(of, with), RowRef::Sparse(a), RowRef::Sparse(b)) => of(a, b, with),
            (Pair::SparseCounts(of, with), RowRef::Sparse(a), RowRef::Sparse(b)) => {
                of.of(sparse::counts(a, b), with.dim as f64)
            }
            (Pair::Bits(of, _, kernels), RowRef::Bits(a), RowRef::Bits(b)) => of(kernels, a, b),
            _ => unreachable!("rows of one index have one form, and its pair function is of that form"),
        }
    }

    #[inline]
    fn dense(&self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Pair::Checked(kernel, sign, again, with) => checked(kernel.one(a, b), *sign, a, b, *again, with),
            Pair::Counts(kernel, of, with) => of.of(kernel.one(a, b), with.dim as f64),
            Pair::Dense(of, with) => of(&a[..with.dim], &b[..with.dim], with),
            _ => unreachable!("rows of one index have one form, and its pair function is of that form"),
        }
    }

    #[inline]
    pub fn four(&self, a: RowRef<'_>, rows: [RowRef<'_>; 4]) -> [f32; 4] {
        if let RowRef::Dense(a) = a
            && let [RowRef::Dense(p), RowRef::Dense(q), RowRef::Dense(r), RowRef::Dense(s)] = rows
        {
            let rows = [p, q, r, s];
            match self {
                Pair::Kernel(kernel) => return kernel.four(a, rows),
                Pair::Checked(kernel, sign, again, with) => {
                    let values = kernel.four(a, rows);
                    return std::array::from_fn(|i| checked(values[i], *sign, a, rows[i], *again, with));
                }
                Pair::Counts(kernel, of, with) => {
                    return kernel.four(a, rows).map(|counts| of.of(counts, with.dim as f64));
                }
                _ => {}
            }
        }
        rows.map(|b| self.one(a, b))
    }
}

/// `sign * value`, or the value in f64 where f32 gave NaN.
#[inline]
fn checked(value: f32, sign: f32, a: &[f32], b: &[f32], again: DenseFn, with: &Context) -> f32 {
    if value.is_nan() {
        return again(&a[..with.dim], &b[..with.dim], with);
    }
    // Adding 0 turns -0 into 0: proxies are ordered by their bits.
    sign * value + 0.0
}
