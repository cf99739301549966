//! Batches of queries by lists.

use super::aim;
use super::basis::Clusters;
use super::chain::Query;
use super::effort::{Known, all_pairs};
use super::finish::Finish;
use super::space::Cells;
use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::knn::{Knn, RunOn};
use crate::points::Points;
use crate::random::draw;

/// Queries whose neighbours are found by all pairs, to know how much the others must look at.
const SAMPLE: usize = 160;
/// Stream of the draws.
const STREAM: u64 = 0x0062_6174_6368;

/// What a batch is to find.
pub(crate) struct Wish {
    pub k: usize,
    /// The least recall.
    pub recall: f64,
    pub seed: u64,
    pub threads: usize,
}

/// What lists have found.
pub(crate) struct Answer {
    /// Proxies are f32 pair distances.
    pub knn: Knn,
    /// On a sample of the queries.
    pub recall: f64,
    /// What the lists are made of.
    pub on: RunOn,
    /// Products, those of the sample included.
    pub distances: u64,
}

/// The `k` nearest rows of every query; `None` where all pairs are the cheaper way. `source` is that of the lists.
pub(crate) fn batch(
    source: Source<'_>,
    clusters: &Clusters,
    queries: &Points,
    wish: &Wish,
    control: Control<'_>,
) -> Result<Option<Answer>> {
    let (n, count, &Wish { threads, .. }) = (source.rows.len(), queries.len(), wish);
    let k = wish.k.min(n);
    let Some(codes) = source.codes_of(queries, threads, control)?.filter(|_| k > 0 && count >= 2 * SAMPLE) else {
        return Ok(None);
    };
    let mut ids: Vec<u32> = (0..SAMPLE as u64).map(|i| (draw(wish.seed, STREAM, i) % count as u64) as u32).collect();
    ids.sort_unstable();
    ids.dedup();
    let some = queries.subset(&ids)?;
    let some_codes = source.codes_of(&some, threads, control)?;
    let (truth, _) = exact::batch(source, &some, some_codes.as_ref(), k, threads, control.quiet())?;
    let neighbours: Vec<Vec<u32>> = (0..ids.len()).map(|i| truth.row(i).map(|(id, _)| id).collect()).collect();
    let Some((space, on)) = clusters.space(source) else { return Ok(None) };
    let beside = clusters.beside(queries, &codes, threads, control)?;
    let beside = &*beside;
    let known = Known {
        rows: Cells::of(&beside, ids.iter().copied()),
        neighbours: &neighbours,
        ids: None,
        k,
        aim: aim(wish.recall),
        all_pairs: all_pairs(source, space.width()),
        threads,
    };
    let exact_codes = Some(&codes).filter(|codes| codes.is_exact());
    let exact = on == RunOn::Bytes && exact_codes.is_some();
    let chain = clusters.chain();
    let Some(effort) = known.effort(chain, exact, control)?.filter(|effort| !effort.all_pairs) else {
        return Ok(None);
    };
    let query = Query { rows: &beside, same: false, widths: &effort.widths, threads };
    let phase = control.phase("near lists", chain.phases() * count as u64);
    let keep = effort.keep.min(n);
    let knn = Finish { source, own: queries, codes: exact_codes, k, keep, exact }.fill(chain, &query, &phase)?;
    let found = |(i, &id): (usize, &u32)| {
        let farthest = truth.row(i).next_back().map_or(0.0, |(_, proxy)| proxy);
        knn.row(id as usize).filter(|&(_, proxy)| proxy <= farthest).count().min(k)
    };
    let hits: usize = ids.iter().enumerate().map(found).sum();
    let recall = hits as f64 / (ids.len() * k) as f64;
    let distances = (effort.products * count as f64) as u64 + (ids.len() * n) as u64;
    Ok((recall >= wish.recall).then_some(Answer { knn, recall, on, distances }))
}
