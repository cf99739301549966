//! The effort of each query as it needs it: a walk ends by what it has found, and how soon it may is measured on sampled
//! rows, once for an index and a number of neighbours.

use super::ground::Ground;
use super::rules::FarBeyond;
use super::scorer::{DenseScorer, RowScorer};
use super::walk::{Scratch, ScratchPool};
use crate::control::Control;
use crate::error::Result;
use crate::knn::Knn;
use crate::metric::Pair;
use crate::points::{Points, RowRef};
use crate::profile::Tally;
use crate::stats::Counters;

/// What is tried where proxies are never below 0: by which share of the proxy of the `k`-th row found what is left may be
/// farther, for walks at most [`WIDEST`] wide.
const SLACKS: [f32; 14] = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.6, 0.8, 1.1, 1.5, 2.2];
/// Width of a walk that ends by a distance, at most.
const WIDEST: usize = 1_536;
/// What is tried where they may be: widths.
const WIDTHS: [usize; 11] = [16, 32, 48, 64, 96, 128, 192, 256, 384, 768, 1_536];
/// A step that reaches this is the last.
const ENOUGH: f64 = 0.9995;

/// When walks end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub slack: f32,
    pub width: usize,
}

/// What walks that end by a rule reach on sampled rows.
#[derive(Debug)]
pub(crate) struct Adapted {
    steps: Vec<(Rule, f64)>,
}

/// Queries that walk.
#[derive(Clone, Copy)]
pub(crate) struct Walkers<'a> {
    pub ground: Ground<'a>,
    pub queries: &'a Points,
    pub k: usize,
    pub threads: usize,
}

impl Adapted {
    /// The walkers are the rows `ids`, which walk as if they were not there; `limits`: the proxy of the `k`-th nearest other
    /// row of each. Some hundred walks for every step. `signed`: proxies may be below 0.
    pub fn measured(
        walkers: Walkers<'_>,
        ids: &[u32],
        limits: &[f32],
        signed: bool,
        scratches: &ScratchPool,
        control: Control<'_>,
    ) -> Result<Adapted> {
        let by_slack = SLACKS.map(|slack| Rule { slack, width: WIDEST });
        let by_width = WIDTHS.map(|width| Rule { slack: f32::INFINITY, width });
        let rules: &[Rule] = if signed { &by_width } else { &by_slack };
        let phase = control.phase("calibrate effort", rules.len() as u64);
        let mut steps = Vec::new();
        for &rule in rules {
            let found = walkers.walk(rule, Some(ids), None, scratches, &Counters::default(), control.quiet())?;
            let hits: usize = limits
                .iter()
                .enumerate()
                .map(|(row, limit)| found.row(row).filter(|(_, proxy)| proxy <= limit).count().min(walkers.k))
                .sum();
            let recall = hits as f64 / (walkers.k * ids.len()).max(1) as f64;
            steps.push((rule, recall));
            phase.advance(1);
            if recall >= ENOUGH {
                break;
            }
        }
        Ok(Adapted { steps })
    }

    /// The least effort that has reached `recall`, with a quarter of what it may miss to spare; `None` where none has.
    pub fn rule(&self, recall: f64) -> Option<Rule> {
        let wanted = (recall + (1.0 - recall) / 4.0).min(ENOUGH.max(recall));
        self.steps.iter().find(|(_, reached)| *reached >= wanted).map(|&(rule, _)| rule)
    }
}

impl Walkers<'_> {
    /// The `k` nearest rows found by walks that end by `rule`. Where the queries are the rows `own`, without these.
    pub fn walk(
        &self,
        rule: Rule,
        own: Option<&[u32]>,
        told: Option<&Tally>,
        scratches: &ScratchPool,
        counters: &Counters,
        control: Control<'_>,
    ) -> Result<Knn> {
        let mut out = Knn::empty(self.queries.len(), self.k)?;
        let phase = control.phase("search", self.queries.len() as u64);
        out.fill(
            self.threads,
            || scratches.take(self.ground.graph.len()),
            |lent, row, ids, proxies| {
                let scratch = &mut lent.scratch;
                self.one(rule, row, own.map(|own| own[row]), scratch);
                for ((found, id), proxy) in scratch.pool.iter().zip(ids).zip(proxies) {
                    (*id, *proxy) = (found.id, found.proxy);
                }
                scratch.settle_counts(row, told, counters);
                !phase.advance(1)
            },
        );
        control.check().map(|()| out)
    }

    fn one(&self, Rule { slack, width }: Rule, row: usize, barred: Option<u32>, scratch: &mut Scratch) {
        let Ground { pair, rows, graph, .. } = self.ground;
        let width = width.max(self.k).min(graph.len());
        let stop = |offset| FarBeyond::new(self.k, slack, offset);
        match (pair, rows.dense(), self.queries.row(row)) {
            (Pair::Kernel(kernel), Some(rows), RowRef::Dense(query)) => {
                self.ground.nearest(&DenseScorer { kernel, rows, query }, row, width, barred, stop, scratch);
            }
            (_, _, query) => {
                self.ground.nearest(&RowScorer { pair, rows, query }, row, width, barred, stop, scratch);
            }
        }
    }
}
