//! The pair function of a metric, per form of rows.

use crate::points::{Form, RowRef, SparseRow};
use hnsw_kernels::{Kernels, PairKernel};

/// What pair functions know besides the two rows.
#[derive(Debug)]
pub(crate) struct Context {
    /// Columns of the rows as the caller gave them; bytes a row for bits.
    pub dim: usize,
    /// The power of minkowski and its kin.
    pub p: f64,
}

/// A proxy of two dense rows, cut to `dim` columns.
pub(crate) type DenseFn = fn(&[f32], &[f32], &Context) -> f32;
/// A proxy of two sparse rows.
pub(crate) type SparseFn = fn(SparseRow<'_>, SparseRow<'_>, &Context) -> f32;
/// A proxy of two rows of packed bits, padded.
pub(crate) type BitsFn = fn(&'static Kernels, &[u8], &[u8]) -> f32;

/// How dense rows are compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dense {
    /// By a kernel of the machine's instruction set, over padded rows.
    Kernel(fn(&'static Kernels) -> PairKernel),
    Function(DenseFn),
}

/// How rows are compared, per form; `None` where a form makes no sense.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// The proxy is the squared euclidean distance.
    pub products: bool,
    pub dense: Option<Dense>,
    pub sparse: Option<SparseFn>,
    pub bits: Option<BitsFn>,
}

impl Measure {
    pub fn pair<'a>(&self, kernels: &'static Kernels, form: Form, context: &'a Context) -> Pair<'a> {
        match (form, self.dense, self.sparse, self.bits) {
            (Form::Dense, Some(Dense::Kernel(pick)), _, _) => Pair::Kernel(pick(kernels)),
            (Form::Dense, Some(Dense::Function(of)), _, _) => Pair::Dense(of, context),
            (Form::Sparse, _, Some(of), _) => Pair::Sparse(of, context),
            (Form::Bits, _, _, Some(of)) => Pair::Bits(of, kernels),
            _ => unreachable!("an index checks that its metric supports the form of its rows"),
        }
    }
}

/// A proxy between two stored rows. `four` gives bit for bit what four `one`s give.
#[derive(Clone, Copy)]
pub(crate) enum Pair<'a> {
    Kernel(PairKernel),
    Dense(DenseFn, &'a Context),
    Sparse(SparseFn, &'a Context),
    Bits(BitsFn, &'static Kernels),
}

impl Pair<'_> {
    #[inline]
    pub fn one(&self, a: RowRef<'_>, b: RowRef<'_>) -> f32 {
        match (self, a, b) {
            (Pair::Kernel(kernel), RowRef::Dense(a), RowRef::Dense(b)) => kernel.one(a, b),
            (Pair::Dense(of, with), RowRef::Dense(a), RowRef::Dense(b)) => of(&a[..with.dim], &b[..with.dim], with),
            (Pair::Sparse(of, with), RowRef::Sparse(a), RowRef::Sparse(b)) => of(a, b, with),
            (Pair::Bits(of, kernels), RowRef::Bits(a), RowRef::Bits(b)) => of(kernels, a, b),
            _ => unreachable!("rows of one index have one form, and its pair function is of that form"),
        }
    }

    #[inline]
    pub fn four(&self, a: RowRef<'_>, rows: [RowRef<'_>; 4]) -> [f32; 4] {
        if let (Pair::Kernel(kernel), RowRef::Dense(a)) = (self, a)
            && let [RowRef::Dense(p), RowRef::Dense(q), RowRef::Dense(r), RowRef::Dense(s)] = rows
        {
            return kernel.four(a, [p, q, r, s]);
        }
        rows.map(|b| self.one(a, b))
    }
}
