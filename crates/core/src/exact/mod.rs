//! Exact neighbours by brute force at the speed of matrix products.
//!
//! ```text
//!   tiles      values of a block of rows against a block of rows: products of floats, bytes, bf16; pair functions
//!   loss       the bound of codes that lose something
//!   sparse     the same for sparse rows, in panels
//!   panels     the same for sums that are no products, and for sets of columns
//!   selection  what each row keeps: a threshold, a small buffer, now and then a partial sort
//!   worker     one tile: fill, scan, collect
//!   graph      all rows against themselves: half of the tiles, each used for its rows and its columns
//!   order      rows near each other side by side, so that thresholds are low early
//!   batch      queries against all rows
//!   among      few queries against some of the rows, where they lie
//!   renew      the graph of rows of which some have changed
//!   filter     whether codes that lose something pay, read off a sample
//!   recheck    f32 pair distances of what was kept, and the proof that nothing else can belong there
//!   again      a second pass for the rows without that proof
//!   ways       which tiles serve which rows: the cheapest that can
//! ```
//!
//! The result does not depend on threads or on the order of tiles: thresholds only ever drop what
//! cannot be among the kept, and the kept are the smallest by (value, id).

mod again;
mod among;
mod batch;
mod filter;
mod graph;
mod loss;
mod order;
mod panels;
mod recheck;
mod renew;
pub(crate) mod selection;
pub(crate) mod sparse;
pub(crate) mod tiles;
mod ways;
mod worker;

use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::knn::{Knn, RunOn};
use crate::metric::{Metric, Pair};
use crate::points::Points;
pub(crate) use among::{Short, among};
use hnsw_kernels::Kernels;
use recheck::Sides;
pub(crate) use renew::{Renewal, renew};
pub(crate) use tiles::proxies;

/// Rows of a block: a multiple of the columns that kernels work on at a time. As many packed rows of 784 bytes, a
/// strip of rows and its accumulators fit an L2 cache of 1 MiB.
pub(crate) const BLOCK: usize = 288;
/// Rows of a block whose accumulators are live at a time: a multiple of the rows that kernels work on.
const STRIP: usize = 96;
/// Candidates kept beyond k where proxies have an error, so that the proof rarely fails (measured).
const SLACK: usize = 16;
/// Fewer queries than this do not pay for packing the rows.
pub(crate) const MIN_BATCH: usize = 16;
/// Rows of fewer columns are as short as their codes.
pub(crate) const NARROWEST: usize = 32;

/// Rows with all that searches need to know of them.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub rows: &'a Points,
    /// Codes that stand for the rows exactly.
    pub codes: Option<&'a ByteCodes>,
    /// Codes that lose something: a filter, and what walks may run on. Nothing depends on whether they are there.
    pub coarse: Option<&'a ByteCodes>,
    pub metric: &'a Metric,
    pub kernels: &'static Kernels,
}

impl<'a> Source<'a> {
    /// The pair function over the rows.
    pub fn pair(&self) -> Pair<'a> {
        self.metric.pair(self.kernels, self.rows.form())
    }

    /// Byte products are possible and supported by this machine.
    pub fn byte_tiles(&self) -> bool {
        self.codes.is_some() && self.kernels.has_u8_tile() && self.products()
    }

    /// Codes for byte products, exact or else coarse, where this machine multiplies bytes faster than floats and
    /// proxies are squared distances.
    pub fn fast_codes(&self) -> Option<&'a ByteCodes> {
        self.codes.or(self.coarse).filter(|_| self.bytes_pay())
    }

    /// [`Source::fast_codes`] that are much shorter than their rows: what few queries read in their place.
    pub fn short_codes(&self) -> Option<&'a ByteCodes> {
        self.fast_codes().filter(|codes| 2 * codes.stride() <= size_of::<f32>() * self.rows.width())
    }

    /// Bytes of [`Source::short_codes`] that are there or will be once few queries have read enough.
    pub fn short_stride(&self) -> Option<usize> {
        match self.codes {
            Some(_) => self.short_codes().map(ByteCodes::stride),
            None if self.bytes_pay() && self.rows.width() >= NARROWEST => Some(self.rows.width().next_multiple_of(64)),
            None => None,
        }
    }

    /// Coarse codes would be of use: see [`Source::fast_codes`].
    pub fn wants_coarse(&self) -> bool {
        self.codes.is_none() && self.bytes_pay()
    }

    /// This machine multiplies bytes faster than floats, and proxies are squared distances of dense rows.
    pub fn bytes_pay(&self) -> bool {
        self.kernels.has_u8_tile() && self.rows.dense().is_some() && self.products()
    }

    /// The metric reduces to products.
    pub fn products(&self) -> bool {
        self.metric.products(self.rows.form())
    }

    /// Codes of other rows for byte products with these; `None` where there are none.
    pub fn codes_of(&self, others: &Points, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
        match (self.fast_codes(), others.dense()) {
            (Some(codes), Some(others)) => codes.beside(others, threads, control).map(Some),
            _ => Ok(None),
        }
    }

    /// Other rows with their codes from [`Source::codes_of`].
    pub fn beside<'b>(&self, rows: &'b Points, codes: Option<&'b ByteCodes>) -> Source<'b>
    where
        'a: 'b,
    {
        let exact = codes.filter(|codes| codes.is_exact());
        Source {
            rows,
            codes: exact,
            coarse: codes.filter(|_| exact.is_none()),
            metric: self.metric,
            kernels: self.kernels,
        }
    }
}

/// The `k` nearest other rows of every row, and what found them; proxies are f32 pair distances.
pub(crate) fn graph(source: Source<'_>, k: usize, threads: usize, control: Control<'_>) -> Result<(Knn, RunOn)> {
    let sides = Sides { a: source.rows, b: source.rows, pair: source.pair(), same: true, limits: None };
    let codes = source.fast_codes().map(|codes| [codes, codes]);
    ways::nearest(source, codes, &sides, k, threads, control)
}

/// The `k` nearest rows of every query, and what found them; proxies are f32 pair distances. `query_codes` are the
/// queries' codes beside the rows' ([`Source::codes_of`]), where they have some.
pub(crate) fn batch(
    source: Source<'_>,
    queries: &Points,
    query_codes: Option<&ByteCodes>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<(Knn, RunOn)> {
    within(source, queries, query_codes, None, k, threads, control)
}

/// As [`batch`], of the rows whose proxy is at most a query's limit: cells above it cost no more than the test. There
/// may be other rows behind those.
pub(crate) fn within(
    source: Source<'_>,
    queries: &Points,
    query_codes: Option<&ByteCodes>,
    limits: Option<&[f32]>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<(Knn, RunOn)> {
    let sides = Sides { a: queries, b: source.rows, pair: source.pair(), same: false, limits };
    if queries.len() < MIN_BATCH {
        let codes = query_codes.zip(source.short_codes()).map(|(a, b)| [a, b]);
        return ways::few(source, codes, &sides, k, threads, control);
    }
    let codes = query_codes.zip(source.fast_codes()).map(|(a, b)| [a, b]);
    ways::nearest(source, codes, &sides, k, threads, control)
}

#[cfg(test)]
mod adversarial;
#[cfg(test)]
mod tests;
