//! Few queries against some of the rows, where they lie: neither packed nor gathered.
//!
//! By codes with a proof: the `k` rows whose codes are nearest are compared by themselves; a row whose code is farther
//! than the farthest of these allows cannot be among the `k` nearest, all others are compared as well.

use super::Source;
use super::selection::Selection;
use super::tiles::{ByteTiles, Tiles};
use crate::code::{ByteCodes, Sketch, squared_norm};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::points::{Points, RowRef};
use hnsw_kernels::ByteKernel;

/// Rows that are asked for ahead of their use.
const AHEAD: usize = 12;

/// Codes of the queries, beside those of the rows.
#[derive(Clone, Copy)]
pub(crate) enum Short<'a> {
    /// None: rows are compared by themselves.
    Nothing,
    Bytes(&'a ByteCodes),
    /// Of the rows, and of the queries.
    Sketches(&'a Sketch, &'a Sketch),
}

/// The `k` nearest of the rows `slots` (ascending) for each query, ascending by (proxy, id); ids are slots. Of a query with a
/// limit only rows up to it. O(queries · slots).
#[allow(clippy::too_many_arguments, reason = "a call and what it is asked of")]
pub(crate) fn among(
    source: Source<'_>,
    queries: &Points,
    short: Short<'_>,
    slots: &[u32],
    limits: Option<&[f32]>,
    k: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Knn> {
    let mut out = Knn::empty(queries.len(), k)?;
    let tiles = match short {
        Short::Bytes(of_queries) => source.short_codes().map(|codes| ByteTiles::new(source.kernels, of_queries, codes)),
        _ => None,
    };
    let pair = source.pair();
    out.fill(threads.min(queries.len()), Work::default, |work, row, ids, proxies| {
        let limit = limits.map_or(f32::INFINITY, |limits| limits[row]);
        let query = queries.row(row);
        let mut kept = Selection::<f32>::new(1, k);
        kept.limit(0, limit);
        let compare = Compare { pair, query, rows: source.rows };
        match (&tiles, short, query) {
            (Some(tiles), ..) => work.by_codes(&ByBytes { tiles, row }, slots, limit, k, &compare, &mut kept),
            (None, Short::Sketches(sketch, queries), RowRef::Dense(query)) => {
                let code = queries.code(row);
                let by_sketch = BySketch {
                    dot: source.kernels.u8_dot,
                    sketch,
                    query: code,
                    norm: squared_norm(code),
                    reach: sketch.reach(query),
                };
                work.by_codes(&by_sketch, slots, limit, k, &compare, &mut kept);
            }
            _ => _ = compare.all(slots, &mut kept),
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

/// A query's code and those of the rows, which prove rows to be far.
trait Codes {
    /// Squared distances of codes.
    fn one(&self, id: u32) -> i32;
    fn four(&self, ids: [u32; 4]) -> [i32; 4];
    fn prefetch(&self, id: u32);
    /// The largest of a row whose proxy is at most `limit`.
    fn most(&self, limit: f32) -> i32;
    /// Rows, ascending, of which that says nothing.
    fn apart(&self) -> &[u32];
}

struct ByBytes<'a> {
    tiles: &'a ByteTiles<'a>,
    row: usize,
}

impl Codes for ByBytes<'_> {
    #[inline]
    fn one(&self, id: u32) -> i32 {
        self.tiles.distance(self.row, id as usize)
    }
    #[inline]
    fn four(&self, ids: [u32; 4]) -> [i32; 4] {
        ids.map(|id| self.one(id))
    }
    #[inline]
    fn prefetch(&self, id: u32) {
        self.tiles.prefetch(id as usize);
    }
    fn most(&self, limit: f32) -> i32 {
        self.tiles.most(self.row, limit)
    }
    fn apart(&self) -> &[u32] {
        self.tiles.apart()
    }
}

struct BySketch<'a> {
    dot: ByteKernel<u32>,
    sketch: &'a Sketch,
    query: &'a [u8],
    /// |query|² of the code.
    norm: i32,
    reach: f64,
}

impl BySketch<'_> {
    #[inline]
    fn distance(&self, code: &[u8], dot: u32) -> i32 {
        self.norm + Sketch::norm_of(code) - 2 * dot.cast_signed()
    }
}

impl Codes for BySketch<'_> {
    #[inline]
    fn one(&self, id: u32) -> i32 {
        let code = self.sketch.code(id as usize);
        self.distance(code, self.dot.one(self.query, code))
    }
    #[inline]
    fn four(&self, ids: [u32; 4]) -> [i32; 4] {
        let codes = ids.map(|id| self.sketch.code(id as usize));
        let dots = self.dot.four(self.query, codes);
        std::array::from_fn(|i| self.distance(codes[i], dots[i]))
    }
    #[inline]
    fn prefetch(&self, id: u32) {
        hnsw_kernels::prefetch(self.sketch.code(id as usize));
    }
    fn most(&self, limit: f32) -> i32 {
        self.sketch.most(self.reach, limit)
    }
    fn apart(&self) -> &[u32] {
        &[]
    }
}

/// What a worker reuses.
#[derive(Default)]
struct Work {
    /// Of the codes of `slots`, in their order.
    cells: Vec<i32>,
    ids: Vec<u32>,
}

impl Work {
    /// Compares the rows that may be among the `k` nearest.
    fn by_codes(
        &mut self,
        codes: &impl Codes,
        slots: &[u32],
        limit: f32,
        k: usize,
        compare: &Compare<'_>,
        kept: &mut Selection<f32>,
    ) {
        let Work { cells, ids } = self;
        cells.clear();
        let mut near = Selection::<i32>::new(1, k);
        let (fours, rest) = slots.as_chunks::<4>();
        for (at, &four) in fours.iter().enumerate() {
            fours.get(at + AHEAD / 4).into_iter().flatten().for_each(|&next| codes.prefetch(next));
            let found = codes.four(four);
            cells.extend(found);
            found.into_iter().zip(four).for_each(|(cell, slot)| near.push(0, cell, slot));
        }
        for &slot in rest {
            let cell = codes.one(slot);
            cells.push(cell);
            near.push(0, cell, slot);
        }
        ids.clear();
        let mut last = (i32::MIN, 0);
        for (cell, slot) in near.finish(0) {
            last = (cell, slot);
            ids.push(slot);
        }
        // The k nearest are no farther than the farthest of any k.
        let full = ids.len() == k;
        let farthest = compare.all(ids, kept);
        let most = codes.most(limit.min(if full { farthest } else { f32::INFINITY }));
        let apart = codes.apart();
        let may = |&(&cell, &slot): &(&i32, &u32)| {
            (cell <= most || apart.binary_search(&slot).is_ok()) && (cell, slot) > last
        };
        ids.clear();
        ids.extend(cells.iter().zip(slots).filter(may).map(|(_, &slot)| slot));
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
                            let short = beside.as_ref().map_or(Short::Nothing, Short::Bytes);
                            among(source, &queries, short, &slots, limits, 12, 2, Control::none()).unwrap()
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
                    among(
                        coded,
                        &queries,
                        beside.as_ref().map_or(Short::Nothing, Short::Bytes),
                        &slots,
                        None,
                        900,
                        1,
                        Control::none()
                    )
                    .unwrap()
                    .row(0)
                    .count(),
                    slots.len()
                );
            }
        }
    }
}
