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
//!   renew      the graph of rows of which some have changed
//!   filter     whether codes that lose something pay, read off a sample
//!   recheck    f32 pair distances of what was kept, and the proof that nothing else can belong there
//!   again      a second pass for the rows without that proof
//! ```
//!
//! The result does not depend on threads or on the order of tiles: thresholds only ever drop what
//! cannot be among the kept, and the kept are the smallest by (value, id).

mod again;
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
mod worker;

use crate::code::{ByteCodes, Halves};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::{Metric, Pair};
use crate::points::{Points, Rows, SparseRows};
use filter::{Costs, Work};
use hnsw_kernels::Kernels;
use recheck::{Aim, Sides, limit, recheck};
pub(crate) use renew::renew;
use sparse::{Rule, RuleTiles, SparseSide, SparseTiles};
use tiles::{ByteTiles, FloatSide, FloatTiles, HalfTiles, PairTiles, Tiles};

/// Rows of a block: a multiple of the columns that kernels work on at a time. As many packed rows of 784 bytes, a
/// strip of rows and its accumulators fit an L2 cache of 1 MiB.
pub(crate) const BLOCK: usize = 288;
/// Rows of a block whose accumulators are live at a time: a multiple of the rows that kernels work on.
const STRIP: usize = 96;
/// Fewer rows than this have too few tiles for their order to matter.
const ORDERED: usize = 8 * BLOCK;
/// Fewer rows or queries than this do not pay for bf16 codes.
const HALVED: usize = 256;
/// Candidates kept beyond k where proxies have an error, so that the proof rarely fails (measured).
const SLACK: usize = 16;
/// Fewer queries than this do not pay for packing the rows.
pub(crate) const MIN_BATCH: usize = 16;

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

    /// Coarse codes would be of use: see [`Source::fast_codes`].
    pub fn wants_coarse(&self) -> bool {
        self.codes.is_none() && self.bytes_pay()
    }

    fn bytes_pay(&self) -> bool {
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

/// The `k` nearest other rows of every row; proxies are f32 pair distances.
pub(crate) fn graph(source: Source<'_>, k: usize, threads: usize, control: Control<'_>) -> Result<Knn> {
    let Source { rows, kernels, .. } = source;
    let pair = source.pair();
    let sides = Sides { a: rows, b: rows, pair, same: true };
    if let Some(codes) = source.fast_codes()
        && let Some(found) = byte_products(kernels, [codes, codes], k, &sides, threads, control)?
    {
        return Ok(found);
    }
    match rows {
        Points::Dense(rows) if source.products() => {
            if let Some(found) = half_products(source, [rows, rows], k, &sides, threads, control)? {
                return Ok(found);
            }
            if let Some(side) = FloatSide::of(rows, kernels, threads) {
                return nearest(&FloatTiles::new(kernels, &side, &side), k, SLACK, &sides, threads, control);
            }
        }
        Points::Sparse(rows) => {
            if let Some(found) = sparse_products(source, rows, rows, &sides, k, threads, control) {
                return found;
            }
        }
        _ => {}
    }
    if let Some(found) = panels::nearest(source, &sides, k, threads, control) {
        return found;
    }
    nearest(&PairTiles { kernels, pair, a: rows, b: rows }, k, 0, &sides, threads, control)
}

/// By products of codes, A and B; `None` where codes lose too much to be worth it, by a sample or in the end. Holds a second copy of the
/// codes meanwhile, where A and B are the same.
fn byte_products(
    kernels: &'static Kernels,
    codes: [&ByteCodes; 2],
    k: usize,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let [a, b] = codes;
    let exact = a.is_exact() && b.is_exact();
    let mut aim = Aim { k, slack: 0, again: u64::MAX };
    if !exact {
        let ids = filter::sample(a.len());
        let part = a.subset(&ids, 1)?;
        let work = Work { sides, k, cells: cells(sides), costs: Costs::bytes(kernels.isa, b.width()) };
        let keep = filter::keep(&ByteTiles::new(kernels, &part, b), &ids, &work, threads, control)?;
        let Some(keep) = keep else { return Ok(None) };
        aim = Aim { slack: keep.saturating_sub(k), again: work.again(), ..aim };
    }
    let tiles = ByteTiles::new(kernels, a, b);
    if !sides.same || b.len() < ORDERED {
        return proven(&tiles, aim, sides, threads, control);
    }
    let order = order::near(kernels, b, BLOCK, threads, control)?;
    let moved = b.subset(&order, threads)?;
    let by_place = ByteTiles::new(kernels, &moved, &moved);
    ordered([&tiles, &by_place], order, !exact, aim, sides, threads, control)
}

/// By products of bf16 codes, for dense rows that bytes do not serve; `None` where these lose too much as well or
/// the machine has no such tiles. Holds the codes meanwhile, twice where A and B are the same.
fn half_products(
    source: Source<'_>,
    [a, b]: [&Rows; 2],
    k: usize,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let kernels = source.kernels;
    if !kernels.has_bf16_tile() || a.len() < HALVED {
        return Ok(None);
    }
    let Some(of_b) = Halves::of(b, kernels, threads, control)? else { return Ok(None) };
    let beside = if sides.same { None } else { of_b.beside(a, kernels, threads, control)? };
    let of_a = match &beside {
        Some(beside) => beside,
        None if sides.same => &of_b,
        None => return Ok(None),
    };
    let ids = filter::sample(a.len());
    let part = of_a.subset(&ids, 1)?;
    let work = Work { sides, k, cells: cells(sides), costs: Costs::halves(kernels.isa, b.width()) };
    let keep = filter::keep(&HalfTiles::new(kernels, &part, &of_b), &ids, &work, threads, control)?;
    let Some(keep) = keep else { return Ok(None) };
    let aim = Aim { k, slack: keep.saturating_sub(k), again: work.again() };
    let tiles = HalfTiles::new(kernels, of_a, &of_b);
    match source.coarse {
        Some(codes) if sides.same && b.len() >= ORDERED => {
            let order = order::near(kernels, codes, BLOCK, threads, control)?;
            let moved = of_b.subset(&order, threads)?;
            let by_place = HalfTiles::new(kernels, &moved, &moved);
            ordered([&tiles, &by_place], order, true, aim, sides, threads, control)
        }
        _ => proven(&tiles, aim, sides, threads, control),
    }
}

/// Cells that fall to each row of A.
fn cells(sides: &Sides<'_>) -> f64 {
    sides.b.len() as f64 / if sides.same { 2.0 } else { 1.0 }
}

/// The graph of all rows by tiles of the rows in an order of near ones. `tiles`: by id, and by place. `limited`: where
/// proxies are not final, pair distances of the first candidates limit the others.
fn ordered<T: Tiles>(
    [tiles, by_place]: [&T; 2],
    order: Vec<u32>,
    limited: bool,
    aim: Aim,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let places = order.clone();
    let limit = |place: usize, kept: &[(T::Value, u32)]| limit(tiles, sides, places[place] as usize, kept, aim.k);
    let limit = limited.then_some(&limit as graph::Limit<'_, T::Value>);
    let kept = graph::symmetric(by_place, Some(order), aim.keep(sides), limit, threads, control)?;
    recheck(tiles, &kept, aim, sides, threads, control)
}

/// By products of sparse rows; `None` where the metric does not reduce to them, or norms are too large.
fn sparse_products(
    source: Source<'_>,
    a: &SparseRows,
    b: &SparseRows,
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Option<Result<Knn>> {
    let kernels = source.kernels;
    let rule = Rule::of(source, a, b)?;
    let of = if sides.same { SparseSide::of } else { SparseSide::kept };
    let of_b = of(b, rule.sets(), kernels, threads)?;
    let beside = if sides.same { None } else { Some(of_b.beside(a, kernels, threads)?) };
    let of_a = beside.as_ref().unwrap_or(&of_b);
    Some(match rule {
        Rule::Distance => nearest(&SparseTiles::new(kernels, of_a, &of_b), k, SLACK, sides, threads, control),
        Rule::Sets(..) => nearest(&RuleTiles::new(kernels, of_a, &of_b, &rule), k, 0, sides, threads, control),
        Rule::Centred(..) => nearest(&RuleTiles::new(kernels, of_a, &of_b, &rule), k, SLACK, sides, threads, control),
    })
}

/// Tiles of any kind, then the recheck. `slack`: candidates kept beyond `k`.
fn nearest<T: Tiles>(
    tiles: &T,
    k: usize,
    slack: usize,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let found = proven(tiles, Aim { k, slack, again: u64::MAX }, sides, threads, control)?;
    Ok(found.expect("a second pass without a limit ends"))
}

/// As [`nearest`], as long as the rows without a proof are few.
fn proven<T: Tiles>(
    tiles: &T,
    aim: Aim,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let keep = aim.keep(sides);
    let kept = match sides.same {
        true => graph::symmetric(tiles, None, keep, None, threads, control)?,
        false => batch::rectangle(tiles, keep, threads, control)?,
    };
    recheck(tiles, &kept, aim, sides, threads, control)
}

/// The `k` nearest rows of every query; proxies are f32 pair distances. `query_codes` are the queries'
/// codes beside the rows' ([`Source::codes_of`]), where they have some.
pub(crate) fn batch(
    source: Source<'_>,
    queries: &Points,
    query_codes: Option<&ByteCodes>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let Source { rows, kernels, .. } = source;
    let pair = source.pair();
    let sides = Sides { a: queries, b: rows, pair, same: false };
    if queries.len() >= MIN_BATCH {
        if let (Some(b), Some(a)) = (source.fast_codes(), query_codes)
            && let Some(found) = byte_products(kernels, [a, b], k, &sides, threads, control)?
        {
            return Ok(found);
        }
        match (rows, queries) {
            (Points::Dense(rows), Points::Dense(queries)) if source.products() => {
                if let Some(found) = half_products(source, [queries, rows], k, &sides, threads, control)? {
                    return Ok(found);
                }
                if let Some(b) = FloatSide::kept(rows, kernels, threads)
                    && let Some(a) = FloatSide::beside(queries, &b, kernels, threads)
                {
                    return nearest(&FloatTiles::new(kernels, &a, &b), k, SLACK, &sides, threads, control);
                }
            }
            (Points::Sparse(rows), Points::Sparse(queries)) => {
                if let Some(found) = sparse_products(source, queries, rows, &sides, k, threads, control) {
                    return found;
                }
            }
            _ => {}
        }
        if let Some(found) = panels::nearest(source, &sides, k, threads, control) {
            return found;
        }
    }
    nearest(&PairTiles { kernels, pair, a: queries, b: rows }, k, 0, &sides, threads, control)
}

#[cfg(test)]
mod adversarial;
#[cfg(test)]
mod tests;
