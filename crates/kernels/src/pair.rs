//! Distances of one pair, and of one row against four.
//!
//! Values are dealt to four accumulators by vector index modulo four, full vectors first and one
//! partial vector last. Three promises follow from that order alone:
//! - `four` gives bit for bit what `one` gives, because each row has its own accumulators;
//! - `one(a, b)` equals `one(b, a)` bit for bit, because every step is symmetric;
//! - zeros appended to both rows change nothing, because they only add zero to an accumulator.

use std::fmt;

use crate::simd::Simd;

type One = unsafe fn(*const f32, *const f32, usize) -> f32;
type Four = unsafe fn(*const f32, [*const f32; 4], usize) -> [f32; 4];

/// A distance kernel of one instruction set, for a pair of rows and for one row against four.
#[derive(Clone, Copy)]
pub struct PairKernel {
    one: One,
    four: Four,
}

impl PairKernel {
    pub(crate) const fn new(one: One, four: Four) -> Self {
        Self { one, four }
    }

    /// The value for the rows `a` and `b`. O(length).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[inline]
    #[must_use]
    pub fn one(&self, a: &[f32], b: &[f32]) -> f32 {
        assert!(a.len() == b.len(), "rows of {} and {} values", a.len(), b.len());
        // SAFETY: both rows hold `a.len()` values; a kernel is reachable only through a `Kernels`
        // that was handed out after its instruction set was found on this CPU.
        unsafe { (self.one)(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    /// The values for `q` and each of `rows`; bit for bit the same as four calls of [`Self::one`],
    /// but `q` is read once and the four rows' cache misses overlap.
    ///
    /// # Panics
    ///
    /// If a length differs from that of `q`.
    #[inline]
    #[must_use]
    pub fn four(&self, q: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        for row in rows {
            assert!(row.len() == q.len(), "rows of {} and {} values", q.len(), row.len());
        }
        // SAFETY: all five rows hold `q.len()` values; the instruction set as in `one`.
        unsafe { (self.four)(q.as_ptr(), rows.map(<[f32]>::as_ptr), q.len()) }
    }
}

impl fmt::Debug for PairKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairKernel").finish_non_exhaustive()
    }
}

/// How one distance folds a pair of values into its accumulator.
///
/// # Safety
///
/// As [`Simd`].
pub(crate) trait PairOp {
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F;
    unsafe fn join<S: Simd>(x: S::F, y: S::F) -> S::F {
        // SAFETY: the contract of this trait.
        unsafe { S::add(x, y) }
    }
    unsafe fn finish<S: Simd>(acc: S::F) -> f32 {
        // SAFETY: the contract of this trait.
        unsafe { S::reduce_add(acc) }
    }
}

pub(crate) struct L2Sq;
pub(crate) struct Ip;
pub(crate) struct L1;
pub(crate) struct Linf;
pub(crate) struct Hamming;

impl PairOp for L2Sq {
    #[inline(always)]
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe {
            let d = S::sub(a, b);
            S::fma(d, d, acc)
        }
    }
}

impl PairOp for Ip {
    #[inline(always)]
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::fma(a, b, acc) }
    }
}

impl PairOp for L1 {
    #[inline(always)]
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::add(acc, S::abs(S::sub(a, b))) }
    }
}

impl PairOp for Linf {
    #[inline(always)]
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::max(acc, S::abs(S::sub(a, b))) }
    }
    #[inline(always)]
    unsafe fn join<S: Simd>(x: S::F, y: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::max(x, y) }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(acc: S::F) -> f32 {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::reduce_max(acc) }
    }
}

impl PairOp for Hamming {
    #[inline(always)]
    unsafe fn step<S: Simd>(acc: S::F, a: S::F, b: S::F) -> S::F {
        // SAFETY: the contract of `PairOp`.
        unsafe { S::count_ne(acc, a, b) }
    }
}

/// Accumulators per row: enough independent chains to hide the latency of one step.
const ACCS: usize = 4;

/// One row against `N`, all of `len` values.
///
/// # Safety
///
/// Every pointer is valid for `len` reads, and the instruction set of `S` is present.
#[inline(always)]
pub(crate) unsafe fn against<S: Simd, O: PairOp, const N: usize>(
    q: *const f32,
    rows: [*const f32; N],
    len: usize,
) -> [f32; N] {
    // SAFETY: `i + S::LANES <= len` before every full load, `i < len` before the partial one.
    unsafe {
        let mut acc = [[S::splat(0.0); ACCS]; N];
        let mut i = 0;
        while i + ACCS * S::LANES <= len {
            for j in 0..ACCS {
                let at = i + j * S::LANES;
                let x = S::load(q.add(at));
                for r in 0..N {
                    acc[r][j] = O::step::<S>(acc[r][j], x, S::load(rows[r].add(at)));
                }
            }
            i += ACCS * S::LANES;
        }
        for j in 0..ACCS {
            if i + S::LANES <= len {
                let x = S::load(q.add(i));
                for r in 0..N {
                    acc[r][j] = O::step::<S>(acc[r][j], x, S::load(rows[r].add(i)));
                }
                i += S::LANES;
            } else if i < len {
                let n = len - i;
                let x = S::load_partial(q.add(i), n);
                for r in 0..N {
                    let y = S::load_partial(rows[r].add(i), n);
                    acc[r][j] = O::step::<S>(acc[r][j], x, y);
                }
                i = len;
            }
        }
        let mut out = [0.0; N];
        for r in 0..N {
            let [a, b, c, d] = acc[r];
            out[r] = O::finish::<S>(O::join::<S>(O::join::<S>(a, b), O::join::<S>(c, d)));
        }
        out
    }
}

/// One row against four, `G` (4 or 2) at a time: as many as the registers hold accumulators for.
///
/// # Safety
///
/// As [`against`].
#[inline(always)]
pub(crate) unsafe fn against_four<S: Simd, O: PairOp, const G: usize>(
    q: *const f32,
    rows: [*const f32; 4],
    len: usize,
) -> [f32; 4] {
    let [a, b, c, d] = rows;
    // SAFETY: handed on.
    unsafe {
        if G == 4 {
            against::<S, O, 4>(q, rows, len)
        } else {
            let [w, x] = against::<S, O, 2>(q, [a, b], len);
            let [y, z] = against::<S, O, 2>(q, [c, d], len);
            [w, x, y, z]
        }
    }
}

/// `(sum of |a - b|^p)^(1/p)` over the values; `p > 0`, finite. O(length), symmetric bit for bit, and
/// not vectorised: the power dominates. Powers are of shares of the largest difference, so that they
/// neither overflow nor all vanish, whatever `p` is.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn minkowski(a: &[f32], b: &[f32], p: f32) -> f32 {
    assert!(a.len() == b.len(), "rows of {} and {} values", a.len(), b.len());
    let differences = || a.iter().zip(b).map(|(x, y)| (x - y).abs());
    let largest = differences().fold(0.0f32, f32::max);
    if largest == 0.0 {
        return 0.0;
    }
    let sum: f32 = differences().map(|d| (d / largest).powf(p)).sum();
    largest * sum.powf(1.0 / p)
}
