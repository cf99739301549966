//! Which tiles serve which rows: the cheapest first, until one can and does not lose too much.

use super::filter::{self, Costs, Work};
use super::recheck::{Aim, Sides, limit, recheck};
use super::sparse::{Rule, RuleTiles, SparseSide, SparseTiles};
use super::tiles::{ByteTiles, FloatSide, FloatTiles, HalfTiles, PairTiles, Tiles};
use super::{BLOCK, SLACK, Source, batch, graph, order, panels};
use crate::code::{ByteCodes, Halves};
use crate::control::Control;
use crate::error::Result;
use crate::knn::{Knn, RunOn};
use crate::points::{Points, Rows, SparseRows};
use hnsw_kernels::Kernels;

/// Fewer rows than this have too few tiles for their order to matter.
pub(super) const ORDERED: usize = 8 * BLOCK;
/// Few queries that bytes cannot prove at once may compare one row in so many before all are by themselves.
const FEW_AGAIN: usize = 16;
/// Fewer rows or queries than this do not pay for bf16 codes.
const HALVED: usize = 256;

/// The `k` nearest rows of B of every row of A, and what found them; B are the rows of `source`. `codes`: of A and B,
/// for byte products.
pub(super) fn nearest(
    source: Source<'_>,
    codes: Option<[&ByteCodes; 2]>,
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<(Knn, RunOn)> {
    if let Some(codes) = codes
        && let Some(found) = byte_products(source.kernels, codes, k, sides, threads, control)?
    {
        let exact = codes.iter().all(|codes| codes.is_exact());
        return Ok((found, if exact { RunOn::Bytes } else { RunOn::ByteFilter }));
    }
    let found = match (sides.a, sides.b) {
        (Points::Dense(a), Points::Dense(b)) if source.products() => {
            if let Some(found) = half_products(source, [a, b], k, sides, threads, control)? {
                return Ok((found, RunOn::HalfFilter));
            }
            float_products(source, [a, b], sides, k, threads, control)
        }
        (Points::Sparse(a), Points::Sparse(b)) => sparse_products(source, [a, b], sides, k, threads, control),
        _ => None,
    };
    let found = found.or_else(|| panels::nearest(source, sides, k, threads, control));
    let found = found.unwrap_or_else(|| by_pairs(source, sides, k, threads, control));
    found.map(|found| (found, RunOn::Rows))
}

/// As [`nearest`], of rows of A too few for tiles: all of B is read once, as `codes` where there are some.
pub(super) fn few(
    source: Source<'_>,
    codes: Option<[&ByteCodes; 2]>,
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<(Knn, RunOn)> {
    if let Some([a, b]) = codes {
        let exact = a.is_exact() && b.is_exact();
        let again = if exact { u64::MAX } else { (sides.a.len() * b.len() / FEW_AGAIN) as u64 };
        let aim = Aim { k, slack: if exact { 0 } else { SLACK }, again };
        if let Some(found) = proven(&ByteTiles::new(source.kernels, a, b), aim, sides, threads, control)? {
            return Ok((found, if exact { RunOn::Bytes } else { RunOn::ByteFilter }));
        }
    }
    Ok((by_pairs(source, sides, k, threads, control)?, RunOn::Rows))
}

/// By the pair function.
fn by_pairs(source: Source<'_>, sides: &Sides<'_>, k: usize, threads: usize, control: Control<'_>) -> Result<Knn> {
    let tiles = PairTiles { kernels: source.kernels, pair: sides.pair, a: sides.a, b: sides.b };
    rechecked(&tiles, k, 0, sides, threads, control)
}

/// By products of codes, A and B; `None` where codes lose too much to be worth it, by a sample or in the end. Holds a
/// second copy of the codes meanwhile, where A and B are the same.
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
        let work = Work { sides, k, cells: cells(sides), costs: Costs::bytes(kernels.isa, kernels.vnni, b.width()) };
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
pub(super) fn half_products(
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

/// By float products of dense rows; `None` where norms are too large.
fn float_products(
    source: Source<'_>,
    [a, b]: [&Rows; 2],
    sides: &Sides<'_>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Option<Result<Knn>> {
    let kernels = source.kernels;
    let of = if sides.same { FloatSide::of } else { FloatSide::kept };
    let of_b = of(b, kernels, threads)?;
    let beside = if sides.same { None } else { Some(FloatSide::beside(a, &of_b, kernels, threads)?) };
    let of_a = beside.as_ref().unwrap_or(&of_b);
    Some(rechecked(&FloatTiles::new(kernels, of_a, &of_b), k, SLACK, sides, threads, control))
}

/// By products of sparse rows; `None` where the metric does not reduce to them, or norms are too large.
fn sparse_products(
    source: Source<'_>,
    [a, b]: [&SparseRows; 2],
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
        Rule::Distance => rechecked(&SparseTiles::new(kernels, of_a, &of_b), k, SLACK, sides, threads, control),
        Rule::Sets(..) => rechecked(&RuleTiles::new(kernels, of_a, &of_b, &rule), k, 0, sides, threads, control),
        Rule::Centred(..) => rechecked(&RuleTiles::new(kernels, of_a, &of_b, &rule), k, SLACK, sides, threads, control),
    })
}

/// Cells that fall to each row of A.
fn cells(sides: &Sides<'_>) -> f64 {
    sides.b.len() as f64 / if sides.same { 2.0 } else { 1.0 }
}

/// The graph of all rows by tiles of the rows in an order of near ones. `tiles`: by id, and by place. `limited`: where
/// proxies are not final, pair distances of the first candidates limit the others.
pub(super) fn ordered<T: Tiles>(
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

/// Tiles of any kind, then the recheck. `slack`: candidates kept beyond `k`.
pub(super) fn rechecked<T: Tiles>(
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

/// As [`rechecked`], as long as the rows without a proof are few.
pub(super) fn proven<T: Tiles>(
    tiles: &T,
    aim: Aim,
    sides: &Sides<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let keep = aim.keep(sides);
    let limit = sides.limits.map(|limits| |row: usize| tiles.most(row, limits[row]));
    let limit = limit.as_ref().map(|limit| limit as &dyn Fn(usize) -> T::Value);
    let kept = match sides.same {
        true => graph::symmetric(tiles, None, keep, None, threads, control)?,
        false => batch::rectangle(tiles, keep, limit, threads, control)?,
    };
    recheck(tiles, &kept, aim, sides, threads, control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rng, dense, metric, uniform};

    #[test]
    fn the_tiles_that_found_the_nearest_are_told() {
        let (mut rng, n, dim) = (Rng::new(18), 1200, 48);
        let integers: Vec<f32> = (0..n * dim).map(|_| rng.below(200) as f32).collect();
        // On a plane, so that bytes tell rows apart; in a cloud, so that they hardly do.
        let plane: Vec<f32> = (0..n * dim).map(|at| ((at / dim * (at % dim + 3)) % 997) as f32 * 0.37).collect();
        for rows in [dense(&integers, dim), dense(&plane, dim), uniform(n, dim, 19)] {
            let of = rows.dense().unwrap();
            let exact = ByteCodes::of(of, 2, Control::none()).unwrap();
            let coarse = ByteCodes::coarse(of, 2, Control::none()).unwrap().unwrap();
            for kernels in Kernels::available() {
                let codes = exact.as_ref();
                let coarse = codes.is_none().then_some(&coarse);
                let source = Source { rows: &rows, codes, coarse, metric: metric("sqeuclidean", dim), kernels };
                let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
                let filtered = |codes: &ByteCodes| {
                    let found = byte_products(kernels, [codes, codes], 10, &sides, 2, Control::none());
                    found.unwrap().is_some()
                };
                let halved = || half_products(source, [of, of], 10, &sides, 2, Control::none()).unwrap().is_some();
                let expected = match source.fast_codes() {
                    Some(codes) if codes.is_exact() => RunOn::Bytes,
                    Some(codes) if filtered(codes) => RunOn::ByteFilter,
                    _ if halved() => RunOn::HalfFilter,
                    _ => RunOn::Rows,
                };
                let (_, on) = graph(source, 10, 2, Control::none()).unwrap();
                assert_eq!(on, expected, "{}", kernels.label());
            }
            let source = Source {
                rows: &rows,
                codes: None,
                coarse: None,
                metric: metric("manhattan", dim),
                kernels: Kernels::detect(),
            };
            assert_eq!(graph(source, 10, 2, Control::none()).unwrap().1, RunOn::Rows);
            let few = rows.subset(&[1, 2, 3]).unwrap();
            assert_eq!(batch(source, &few, None, 10, 2, Control::none()).unwrap().1, RunOn::Rows);
        }
    }

    #[test]
    fn few_queries_get_by_codes_what_they_get_by_rows() {
        let (mut rng, n, dim) = (Rng::new(23), 3_000, 80);
        let integers: Vec<f32> = (0..n * dim).map(|_| rng.below(200) as f32).collect();
        let plane: Vec<f32> = (0..n * dim).map(|at| ((at / dim * (at % dim + 3)) % 997) as f32 * 0.37).collect();
        for rows in [dense(&integers, dim), dense(&plane, dim), uniform(n, dim, 19)] {
            let of = rows.dense().unwrap();
            let exact = ByteCodes::of(of, 2, Control::none()).unwrap();
            let coarse = ByteCodes::coarse(of, 2, Control::none()).unwrap();
            let queries = rows.subset(&[5, 77, 1_200, 2_999]).unwrap();
            for kernels in Kernels::available() {
                let metric = metric("sqeuclidean", dim);
                let plain = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
                let codes = exact.as_ref();
                let coded = Source { codes, coarse: coarse.as_ref().filter(|_| codes.is_none()), ..plain };
                let beside = coded.codes_of(&queries, 1, Control::none()).unwrap();
                let of = |source, limits: Option<&[f32]>| {
                    let found = crate::exact::within(source, &queries, beside.as_ref(), limits, 12, 2, Control::none());
                    found.unwrap().0
                };
                let found = of(plain, None);
                assert_eq!((of(coded, None).ids, of(coded, None).proxies), (found.ids.clone(), found.proxies.clone()));
                // Within a limit the same; what lies behind it may be missing.
                let limits: Vec<f32> = (0..4).map(|row| found.proxies[row * 12 + 6]).collect();
                let near = of(coded, Some(&limits));
                for (row, &limit) in limits.iter().enumerate() {
                    let within = |knn: &Knn| -> Vec<(u32, f32)> {
                        knn.row(row).take_while(|&(_, proxy)| proxy <= limit).collect()
                    };
                    assert_eq!(within(&near), within(&found), "{}", kernels.label());
                }
            }
        }
    }
}
