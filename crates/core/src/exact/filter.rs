//! Whether codes that lose something pay as a filter, and how many candidates a row keeps for the proof.
//!
//! Read off a sample of rows: how many others a threshold at the true k-th distance plus the bound of the codes
//! lets through. Where that is few for nearly all rows, a tile of bytes and a recheck are cheaper than a tile of
//! floats. The result does not depend on it.

use super::SLACK;
use super::batch::rectangle;
use super::recheck::{Sides, offer};
use super::tiles::Tiles;
use crate::control::Control;
use crate::error::Result;
use hnsw_kernels::Isa;

/// Rows of the sample, at most.
const SAMPLE: usize = 128;
/// One row in so many is in the sample.
const SAMPLE_SHARE: usize = 16;
/// A cell of the second pass takes what so many of the first take: it serves its row alone, rows are gathered,
/// and what passes is compared at once.
const AGAIN_COST: f64 = 4.0;

/// Columns that stand for the cache misses of a pair distance (an estimate, not fitted).
const MISSED: f64 = 600.0;

/// What work takes beside a cell of the filter's tiles (orders of magnitude).
#[derive(Clone, Copy)]
pub(super) struct Costs {
    /// A cell of a float tile.
    float: f64,
    /// A pair distance, to a row that may not be in cache.
    pair: f64,
}

impl Costs {
    /// Beside a byte tile, of rows of `width` columns; `vnni`: bytes are multiplied four at a time.
    pub fn bytes(isa: Isa, vnni: bool, width: usize) -> Costs {
        match isa {
            Isa::Amx => Costs::of(20.0, 600.0, width),
            Isa::Avx2 if !vnni => Costs::of(1.7, 50.0, width),
            _ => Costs::of(5.0, 150.0, width),
        }
    }

    /// Beside a bf16 tile, of rows of `width` columns.
    pub fn halves(isa: Isa, width: usize) -> Costs {
        match isa {
            Isa::Amx => Costs::of(10.0, 300.0, width),
            _ => Costs::of(1.9, 70.0, width),
        }
    }

    /// `pair`: of rows so wide that they are streamed.
    fn of(float: f64, pair: f64, width: usize) -> Costs {
        let width = width.max(1) as f64;
        Costs { float, pair: pair * (width + MISSED) / (width + MISSED / 4.0) }
    }
}

/// The work that a filter is meant for.
pub(super) struct Work<'a> {
    pub sides: &'a Sides<'a>,
    pub k: usize,
    /// Cells that fall to each row of A.
    pub cells: f64,
    pub costs: Costs,
}

impl Work<'_> {
    /// Pair distances that a second pass may take until float tiles would have been cheaper.
    pub fn again(&self) -> u64 {
        (self.costs.float * self.cells * self.sides.a.len() as f64 / self.costs.pair / 2.0) as u64
    }
}

/// Rows of A that stand for all `n`.
pub(super) fn sample(n: usize) -> Vec<u32> {
    let size = (n / SAMPLE_SHARE).clamp(1, SAMPLE).min(n);
    (0..size).map(|i| (i * n / size) as u32).collect()
}

/// Candidates to keep for each row of A, or `None` where the filter does not pay. `tiles`: the rows `ids` of A
/// against B.
pub(super) fn keep<T: Tiles>(
    tiles: &T,
    ids: &[u32],
    work: &Work<'_>,
    threads: usize,
    control: Control<'_>,
) -> Result<Option<usize>> {
    let Work { sides, k, cells, costs } = *work;
    let others = sides.others();
    // Beyond this many candidates a filter loses to the float tiles anyway.
    let widest = ((cells * (costs.float - 1.0) / costs.pair) as usize + k + SLACK).min(16 * k + 256).min(others);
    // One more, for the row itself.
    let kept = rectangle(tiles, widest + usize::from(sides.same), None, threads, control.quiet())?;
    let mut needed = Vec::with_capacity(ids.len());
    let (mut found, mut candidates) = (Vec::new(), Vec::new());
    for (at, &row) in ids.iter().enumerate() {
        candidates.clear();
        kept.finish(at, |found| candidates.extend(Some(found).filter(|found| !(sides.same && found.1 == row))));
        found.clear();
        let nearest: Vec<u32> = candidates.iter().map(|&(_, id)| id).collect();
        offer(sides, row as usize, &nearest, &mut found);
        found.sort_unstable();
        let Some(last) = found.get(k.wrapping_sub(1)) else { continue };
        let most = tiles.most(at, last.proxy);
        needed.push(candidates.iter().filter(|(coded, _)| *coded <= most).count() + 1);
    }
    needed.sort_unstable();
    // Some more: rows outside the sample may need more than any in it.
    Ok(cheapest(&needed, k, widest, others, cells, costs).map(|keep| (keep + keep / 4).min(others)))
}

/// The number of candidates that costs least, unless float tiles cost less. `needed`: what rows of the sample
/// need, ascending; beyond `widest`: nobody knows.
fn cheapest(needed: &[usize], k: usize, widest: usize, others: usize, cells: f64, costs: Costs) -> Option<usize> {
    let rows = needed.len().max(1) as f64;
    let floats = costs.float * cells + costs.pair * (k + SLACK) as f64;
    let cost = |keep: usize| {
        let failed = needed.iter().filter(|&&n| n > keep).count() as f64 / rows;
        // Only what the proof needs is compared.
        let compared = needed.iter().map(|&n| n.min(keep) as f64).sum::<f64>() / rows;
        cells + costs.pair * compared + failed * AGAIN_COST * others as f64
    };
    let choices = needed.iter().copied().chain([k + SLACK]).map(|keep| keep.clamp(k + 1, widest.max(k + 1)));
    let best = choices.map(|keep| (cost(keep), keep)).min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)))?;
    (best.0 < floats).then_some(best.1.min(others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::ByteCodes;
    use crate::exact::tiles::ByteTiles;
    use crate::exact::ways::rechecked;
    use crate::exact::{BLOCK, Source};
    use crate::testing::{Rng, dense, metric};
    use hnsw_kernels::Kernels;

    #[test]
    fn a_filter_that_lets_most_rows_through_is_refused() {
        let costs = Costs { float: 5.0, pair: 150.0 };
        assert_eq!(cheapest(&[10_000; 50], 10, 400, 100_000, 50_000.0, costs), None);
        assert_eq!(cheapest(&[30; 50], 10, 400, 100_000, 50_000.0, costs), Some(30));
        let mut needed = [30; 50];
        needed[49] = 300;
        // One row in fifty: kept for all of them, or looked at again where that is cheap.
        assert_eq!(cheapest(&needed, 10, 400, 100_000, 50_000.0, costs), Some(300));
        assert_eq!(cheapest(&needed, 10, 400, 1_000, 50_000.0, costs), Some(30));
        assert_eq!(cheapest(&[5; 50], 10, 400, 12, 50_000.0, costs), Some(11));
    }

    #[test]
    fn a_selective_filter_is_used_and_needs_few_second_looks() {
        // A plane of 6 dimensions in 64 columns.
        let mut rng = Rng::new(13);
        let axes: Vec<f32> = (0..6 * 64).map(|_| rng.normal()).collect();
        let values: Vec<f32> = (0..3000)
            .flat_map(|_| {
                let at: Vec<f32> = (0..6).map(|_| rng.normal()).collect();
                let axes = &axes;
                (0..64).map(move |j| (0..6).map(|d| at[d] * axes[d * 64 + j]).sum::<f32>())
            })
            .collect();
        let rows = dense(&values, 64);
        let codes = ByteCodes::coarse(rows.dense().unwrap(), 2, Control::none()).unwrap().unwrap();
        let kernels = Kernels::detect();
        let metric = metric("euclidean", 64);
        let source = Source { rows: &rows, codes: None, coarse: Some(&codes), metric, kernels };
        let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
        let ids = sample(3000);
        let part = codes.subset(&ids, 1).unwrap();
        let work = Work { sides: &sides, k: 10, cells: 1500.0, costs: Costs::bytes(Isa::Avx512, true, 64) };
        let tiles = ByteTiles::new(kernels, &part, &codes);
        let keep = super::keep(&tiles, &ids, &work, 2, Control::none()).unwrap();
        let again = std::sync::atomic::AtomicU64::new(0);
        let stop = std::sync::atomic::AtomicBool::new(false);
        let report = |progress: crate::Progress| {
            if progress.phase == "unproven rows" {
                again.store(progress.total, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let keep = keep.expect("a filter that pays");
        let tiles = ByteTiles::new(kernels, &codes, &codes);
        rechecked(&tiles, 10, keep - 10, &sides, 2, Control::new(&stop, &report)).unwrap();
        let rows_again = again.into_inner() / 3000u64.div_ceil(BLOCK as u64);
        assert!(rows_again < 1200, "{rows_again} rows of 3000");
    }
}
