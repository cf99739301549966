//! Few queries against some of the rows, where they lie: neither packed nor gathered.
//!
//! By codes with a proof: the `k` rows whose codes are nearest are compared by themselves; a row whose code is farther
//! than the farthest of these allows cannot be among the `k` nearest, all others are compared as well.

use super::Source;
use super::selection::Selection;
use super::tiles::{ByteTiles, Tiles};
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::points::{Points, RowRef};

/// Rows that are asked for ahead of their use.
const AHEAD: usize = 12;

/// The `k` nearest of the rows `slots` (ascending) for each query, ascending by (proxy, id); ids are slots. Of a query with a
/// limit only rows up to it. `codes`: of the queries beside those of the rows. O(queries · slots).
#[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
pub(crate) fn among(
    source: Source<'_>,
    queries: &Points,
    codes: Option<&ByteCodes>,
    slots: &[u32],
    limits: Option<&[f32]>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let mut out = Knn::empty(queries.len(), k)?;
    let tiles = codes.zip(source.short_codes()).map(|(a, b)| ByteTiles::new(source.kernels, a, b));
    let pair = source.pair();
    out.fill(threads.min(queries.len()), Work::default, |work, row, ids, proxies| {
        let limit = limits.map_or(f32::INFINITY, |limits| limits[row]);
        let query = queries.row(row);
        let mut kept = Selection::<f32>::new(1, k);
        kept.limit(0, limit);
        let compare = Compare { pair, query, rows: source.rows };
        match &tiles {
            Some(tiles) => work.by_codes(tiles, row, slots, limit, k, &compare, &mut kept),
            None => _ = compare.all(slots, &mut kept),
        }
        for (((proxy, found), id), to) in kept.finish(0).filter(|&(proxy, _)| proxy <= limit).zip(ids).zip(proxies) {
            (*id, *to) = (found, proxy);
        }
        !control.is_cancelled()
    });
    control.check().map(|()| out)
}

/// One query, to be compared with rows by themselves.
struct Compare<'a> {
    pair: Pair<'a>,
    query: RowRef<'a>,
    rows: &'a Points,
}

impl Compare<'_> {
    /// Offers the rows `ids` to the selection; the farthest of them.
    fn all(&self, ids: &[u32], kept: &mut Selection<f32>) -> f32 {
        let mut farthest = f32::NEG_INFINITY;
        for (at, &id) in ids.iter().enumerate() {
            ids.get(at + AHEAD).iter().for_each(|&&next| self.rows.prefetch(next as usize));
            let proxy = self.pair.one(self.query, self.rows.row(id as usize));
            farthest = farthest.max(proxy);
            kept.push(0, proxy, id);
        }
        farthest
    }
}

/// What a worker reuses.
#[derive(Default)]
struct Work {
    cells: Vec<(i32, u32)>,
    ids: Vec<u32>,
}

impl Work {
    /// Compares the rows that may be among the `k` nearest.
    #[allow(clippy::too_many_arguments, reason = "a query and what it is asked of")]
    fn by_codes(
        &mut self,
        tiles: &ByteTiles<'_>,
        row: usize,
        slots: &[u32],
        limit: f32,
        k: usize,
        compare: &Compare<'_>,
        kept: &mut Selection<f32>,
    ) {
        let Work { cells, ids } = self;
        cells.clear();
        cells.extend(slots.iter().enumerate().map(|(at, &slot)| {
            slots.get(at + AHEAD).iter().for_each(|&&next| tiles.prefetch(next as usize));
            (tiles.distance(row, slot as usize), slot)
        }));
        let near = k.min(cells.len());
        if near < cells.len() {
            cells.select_nth_unstable(near);
        }
        let (first, rest) = cells.split_at(near);
        ids.clear();
        ids.extend(first.iter().map(|&(_, slot)| slot));
        // The k nearest are no farther than the farthest of any k.
        let farthest = compare.all(ids, kept);
        let most = tiles.most(row, limit.min(if near == k { farthest } else { f32::INFINITY }));
        let apart = tiles.apart();
        let may = |&&(cell, slot): &&(i32, u32)| cell <= most || apart.binary_search(&slot).is_ok();
        ids.clear();
        ids.extend(rest.iter().filter(may).map(|&(_, slot)| slot));
        compare.all(ids, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact;
    use crate::testing::{Rng, dense, metric, uniform};
    use hnsw_kernels::Kernels;

    #[test]
    fn some_of_the_rows_by_codes_or_by_themselves_are_what_a_comparison_of_these_rows_alone_finds() {
        let (mut rng, n, dim) = (Rng::new(31), 2_000, 80);
        let integers: Vec<f32> = (0..n * dim).map(|_| rng.below(200) as f32).collect();
        let plane: Vec<f32> = (0..n * dim).map(|at| ((at / dim * (at % dim + 3)) % 997) as f32 * 0.37).collect();
        let slots: Vec<u32> = (0..n as u32).filter(|slot| slot % 7 < 2).collect();
        for rows in [dense(&integers, dim), dense(&plane, dim), uniform(n, dim, 5)] {
            let of = rows.dense().unwrap();
            let exact = ByteCodes::of(of, 2, Control::none()).unwrap();
            let coarse = ByteCodes::coarse(of, 2, Control::none()).unwrap();
            let queries = rows.subset(&[3, 700, 1_999]).unwrap();
            let part = rows.subset(&slots).unwrap();
            for kernels in Kernels::available() {
                let metric = metric("sqeuclidean", dim);
                let plain = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
                let codes = exact.as_ref();
                let coded = Source { codes, coarse: coarse.as_ref().filter(|_| codes.is_none()), ..plain };
                let beside = coded.codes_of(&queries, 1, Control::none()).unwrap();
                let alone = Source { rows: &part, ..plain };
                let (truth, _) = exact::batch(alone, &queries, None, 12, 1, Control::none()).unwrap();
                let limits: Vec<f32> = (0..3).map(|row| truth.proxies[row * 12 + 6]).collect();
                for source in [plain, coded] {
                    for limits in [None, Some(&limits[..])] {
                        let of = |limits| {
                            among(source, &queries, beside.as_ref(), &slots, limits, 12, 2, Control::none()).unwrap()
                        };
                        let found = of(limits);
                        for row in 0..3 {
                            let limit = limits.map_or(f32::INFINITY, |limits| limits[row]);
                            let near: Vec<_> = found.row(row).collect();
                            let named = truth.row(row).map(|(id, proxy)| (slots[id as usize], proxy));
                            let expected: Vec<_> = named.take_while(|&(_, proxy)| proxy <= limit).collect();
                            assert_eq!(near, expected, "{}", kernels.label());
                        }
                    }
                }
                assert_eq!(
                    among(coded, &queries, beside.as_ref(), &slots, None, 900, 1, Control::none())
                        .unwrap()
                        .row(0)
                        .count(),
                    slots.len()
                );
            }
        }
    }
}
