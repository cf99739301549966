//! Approximate neighbour graphs, for more rows than all pairs are worth.
//!
//! Dense rows whose proxies are products go by lists (see [`clusters`]); all others, sparse rows and the metrics that
//! are no products, by trees and rounds over a table:
//!
//! ```text
//!   partition  random balanced trees: near rows mostly share a leaf
//!   local      all proxies within a small set of rows, by products of sparse rows where the metric allows
//!   table      the nearest rows known so far, per row
//!   descent    a neighbour of a neighbour is likely a neighbour (Dong, Moses & Li, Efficient k-nearest
//!              neighbor graph construction for generic similarity measures, 2011), as small products
//!   sample     recall measured against exact neighbours of a few rows: it ends the rounds, and where the last of them
//!              leaves less than the least recall that was asked for, all pairs are compared
//! ```
//!
//! Work goes in fixed blocks against a table that does not change meanwhile; what a block finds is merged
//! as a set. So the result is the same with any number of threads.

mod descent;
mod local;
mod partition;
mod sample;
mod table;

use crate::clusters::{self, Clusters, Found};
use crate::control::Control;
use crate::error::Result;
use crate::exact::sparse::{Rule, SparseSide};
use crate::exact::{self, Source};
use crate::knn::{Knn, Reached, RunOn};
use crate::neighbors::Neighbor;
use crate::options::Options;
use descent::Descent;
use local::{Local, PairLocal, SparseLocal};
pub(crate) use partition::cut;
pub(crate) use sample::Sample;
use table::Table;

/// Recall on the sample at which the rounds end, unless more is asked for.
const TARGET: f64 = 0.995;
/// Trees of the first attempt (measured: more of them cost what they save in rounds).
const TREES: u64 = 6;
/// Rows of a leaf, at most.
const LEAF: usize = 128;
/// Names of the phases of each attempt: where the target is not reached, there are new trees and rounds.
const PHASES: [[&str; 2]; 4] = [
    ["trees", "descent"],
    ["more trees", "more descent"],
    ["still more trees", "still more descent"],
    ["last trees", "last descent"],
];
/// Rounds end when fewer than this share of the table's cells change.
const DELTA: f64 = 0.001;

/// The `k` nearest other rows of every row, proxies being f32 pair distances, and what they reach: at least the recall
/// that the options ask for, if need be by all pairs. `clusters`: lists of the rows, where they have been made.
pub(crate) fn graph(
    source: Source<'_>,
    clusters: Option<&Clusters>,
    options: &Options,
    k: usize,
    control: Control<'_>,
) -> Result<(Knn, Reached)> {
    let kernels = source.kernels;
    if source.rows.len() <= 2 * LEAF {
        // A tree of one or two leaves is all pairs, with detours.
        return all_pairs(source, options, k, control);
    }
    if k == 0 {
        return Ok((Knn::empty(source.rows.len(), 0)?, Reached::EXACT));
    }
    match clusters::graph(source, clusters, options, k, control)? {
        Found::Graph(knn, recall, on) if recall >= options.graph_recall => {
            return Ok((knn, Reached::sampled(recall).on(on)));
        }
        Found::Graph(..) | Found::AllPairs => return all_pairs(source, options, k, control),
        Found::Unfit => {}
    }
    if let Some(rows) = source.rows.sparse()
        && let Some(rule) = Rule::of(source, rows, rows)
        && let Some(side) = SparseSide::of(rows, rule.sets(), kernels, options.threads)
    {
        return run(&SparseLocal { kernels, side: &side, rule: &rule }, source, options, k, control);
    }
    run(&PairLocal { pair: source.pair(), rows: source.rows }, source, options, k, control)
}

/// The same by all pairs.
pub(crate) fn all_pairs(
    source: Source<'_>,
    options: &Options,
    k: usize,
    control: Control<'_>,
) -> Result<(Knn, Reached)> {
    let (knn, on) = exact::graph(source, k, options.threads, control)?;
    Ok((knn, Reached::EXACT.on(on)))
}

/// Recall of a graph that was made by other means, on the same sample of rows.
pub(crate) fn sampled_recall(source: Source<'_>, options: &Options, knn: &Knn, control: Control<'_>) -> Result<f64> {
    let sample = Sample::of(source, options, knn.k, control)?;
    Ok(sample.recall(|row| &knn.ids[row * knn.k..(row + 1) * knn.k]))
}

fn run<L: Local>(
    local: &L,
    source: Source<'_>,
    options: &Options,
    k: usize,
    control: Control<'_>,
) -> Result<(Knn, Reached)> {
    let n = source.rows.len();
    // A few more than asked for: neighbours of neighbours are looked for among them.
    let kept = (k + k / 4 + 6).min(n - 1);
    let mut table = Table::empty(n, kept)?;
    let sample = Sample::of(source, options, k, control.quiet())?;
    let target = TARGET.max(options.graph_recall);
    let mut recall = 0.0;
    for (attempt, [trees, descent]) in (0..).zip(PHASES) {
        let phase = control.phase(trees, TREES * n as u64);
        for tree in 0..TREES {
            let seed = crate::random::draw(options.seed, attempt, tree);
            let leaves = partition::leaves(source, LEAF << attempt, seed, options.threads, control)?;
            table.join_leaves(local, leaves, options.threads, &phase)?;
        }
        let rounds = options.n_iters.max(1) as u64;
        let phase = control.phase(descent, rounds * n as u64);
        let mut descent = Descent::new(local, &mut table, options, attempt);
        for round in 0..rounds {
            let changes = descent.round(round, &phase, control)?;
            recall = sample.recall(|row| descent.table().ids(row));
            if recall >= target || (changes as f64) < DELTA * (n * kept) as f64 {
                break;
            }
        }
        if recall >= target {
            break;
        }
    }
    if recall < options.graph_recall {
        drop(table);
        return all_pairs(source, options, k, control);
    }
    Ok((finish(&table, source, k, options.threads, control)?, Reached::sampled(recall).on(RunOn::Rows)))
}

/// The table's first `k` by f32 pair distance.
fn finish(table: &Table, source: Source<'_>, k: usize, threads: usize, control: Control<'_>) -> Result<Knn> {
    let pair = source.pair();
    let mut knn = Knn::empty(source.rows.len(), k)?;
    let phase = control.phase("recheck", source.rows.len() as u64);
    knn.fill(threads, Vec::new, |found: &mut Vec<Neighbor>, row, ids, proxies| {
        let own = source.rows.row(row);
        found.clear();
        let others = table.ids(row).iter().filter(|&&id| id != crate::knn::EMPTY);
        found.extend(others.map(|&id| Neighbor { proxy: pair.one(own, source.rows.row(id as usize)), id }));
        found.sort_unstable();
        for ((neighbor, id), proxy) in found.iter().zip(ids).zip(proxies) {
            (*id, *proxy) = (neighbor.id, neighbor.proxy);
        }
        !phase.advance(1)
    });
    control.check().map(|()| knn)
}

#[cfg(test)]
mod tests;
