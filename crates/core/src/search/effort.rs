//! How patient walks through balls must be for a recall: measured on sampled rows, once for an index.
//!
//! Each sampled row walks as if it were not there, so that it finds its ball as a new query does, at radii that hold
//! 10, 100 and 1 000 other rows. What a walk finds is held against all pairs. More patience is tried until the worst
//! walk finds nearly everything. A larger sample tells how soon a ball of one row is found: a ball that is empty then is
//! taken to be so.

use super::balls::{self, Ball, Effort, Field, Found};
use super::walk::ScratchPool;
use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::knn::Knn;
use crate::metric::Metric;
use crate::points::Points;
use crate::random::draw;

/// Other rows in the balls.
const HITS: [usize; 3] = [10, 100, 1_000];
/// What is tried.
const STEPS: [usize; 6] = [16, 32, 64, 128, 256, 512];
/// Rows at the same distance that are known of in a ball of one row.
const AT_EDGE: usize = 16;
/// What is tried for balls of one row.
const GLANCES: [usize; 7] = [16, 24, 32, 48, 64, 96, 128];
/// A step that stays below this for one size of balls serves nobody.
const LEAST: f64 = 0.5;
/// A step that reaches this is the last.
const ENOUGH: f64 = 0.995;

/// What walks of some patience reach.
#[derive(Debug, Clone, Copy)]
struct Step {
    patience: usize,
    /// All sampled walks found this share of their ball, or gave up for a look at all rows.
    recall: f64,
}

/// The measured effort of an index at one slack of its walks.
#[derive(Debug)]
pub(crate) struct Calibrated {
    steps: Vec<Step>,
    /// The least patience that has found every ball of one row.
    glance: Option<usize>,
    /// Distance to the tenth nearest of a sampled row, in the middle, without its sign: what slack is a share of where
    /// distances may be negative.
    pub scale: f32,
}

/// What is calibrated.
#[derive(Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub source: Source<'a>,
    /// Slack of the walks.
    pub factor: f32,
    pub budget: usize,
    pub threads: usize,
}

/// Sampled rows that walk.
#[derive(Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub ids: &'a [u32],
    /// The same rows.
    pub queries: &'a Points,
    pub field: Field<'a>,
}

impl Calibrated {
    /// `few` walk through balls of all sizes, `many` to balls of one row. O(sample · n) distances, and some hundred walks.
    pub fn measured(
        trial: Trial<'_>,
        [few, many]: [Sample<'_>; 2],
        scratches: &ScratchPool,
        control: Control<'_>,
    ) -> Result<Calibrated> {
        let n = trial.source.rows.len();
        let most = HITS.iter().map(|&hits| hits.min(n - 1)).max().unwrap_or(0);
        let truth = trial.truth(few, most, control.quiet())?;
        let cases = Cases { trial, sample: few, truth: &truth };
        let scale = cases.scale();
        let glance = {
            let truth = trial.truth(many, AT_EDGE.min(n - 1), control.quiet())?;
            let cases = Cases { trial, sample: many, truth: &truth };
            let mut found = None;
            for patience in GLANCES {
                if cases.recall(patience, 1, scale, scratches, control.quiet())? == 1.0 {
                    found = Some(patience);
                    break;
                }
            }
            found
        };
        let mut steps = Vec::new();
        let phase = control.phase("calibrate radius", STEPS.len() as u64);
        for patience in STEPS.into_iter().take_while(|&step| step <= STEPS[0].max(n)) {
            let mut recall = 1.0f64;
            for hits in HITS.into_iter().filter(|&hits| hits < n) {
                recall = recall.min(cases.recall(patience, hits, scale, scratches, control.quiet())?);
                if recall < LEAST {
                    break;
                }
            }
            steps.push(Step { patience, recall });
            phase.advance(1);
            if recall >= ENOUGH {
                break;
            }
        }
        Ok(Calibrated { steps, glance, scale })
    }

    /// The least patience that has reached `recall`, with half of what it may miss to spare: a query may be worse off
    /// than the worst of the sample. None where no walk does.
    pub fn patience(&self, recall: f64) -> Option<usize> {
        let wanted = recall + (1.0 - recall) / 2.0;
        self.steps.iter().find(|step| step.recall >= wanted.min(ENOUGH.max(recall))).map(|step| step.patience)
    }

    /// The patience after which a ball that seems empty is, at most `patience`.
    pub fn glance(&self, patience: usize) -> usize {
        self.glance.unwrap_or(patience).min(patience)
    }
}

impl Trial<'_> {
    /// The `hits` nearest others of each sampled row, or one more in the place of the row itself.
    fn truth(&self, of: Sample<'_>, hits: usize, control: Control<'_>) -> Result<Knn> {
        let codes = self.source.codes_of(of.queries, self.threads, control)?;
        Ok(exact::batch(self.source, of.queries, codes.as_ref(), hits + 1, self.threads, control)?.0)
    }
}

/// Sampled rows, and what there is around them.
struct Cases<'a> {
    trial: Trial<'a>,
    sample: Sample<'a>,
    truth: &'a Knn,
}

impl Cases<'_> {
    fn metric(&self) -> &Metric {
        self.trial.source.metric
    }

    /// The proxy of the other row that `hits` others of a sampled one are at most as far as.
    fn reach(&self, case: usize, hits: usize) -> Option<f32> {
        let own = self.sample.ids[case];
        let others = self.truth.row(case).filter(|&(id, _)| id != own);
        others.map(|(_, proxy)| proxy).take(hits).last()
    }

    fn scale(&self) -> f32 {
        let tenth = |case| self.reach(case, 10).map(|proxy| self.metric().finish(proxy).abs());
        let mut all: Vec<f32> =
            (0..self.sample.ids.len()).filter_map(tenth).filter(|scale| scale.is_finite()).collect();
        all.sort_unstable_by(f32::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    }

    /// What the worst walk of this patience finds of a ball of `hits` rows.
    fn recall(
        &self,
        patience: usize,
        hits: usize,
        scale: f32,
        scratches: &ScratchPool,
        control: Control<'_>,
    ) -> Result<f64> {
        let Trial { factor, budget, threads, .. } = self.trial;
        let ball = |case: usize| {
            let radius = self.metric().finish(self.reach(case, hits).unwrap_or(f32::NEG_INFINITY));
            let reach = self.metric().reach(radius);
            let shell = self.metric().reach(self.metric().widened(radius, factor, scale)).max(reach);
            Ball { reach, shell, barred: Some(self.sample.ids[case]) }
        };
        // Rows at the edge may be more than there are hits.
        let effort = Effort { patience, glance: patience, budget, most: self.truth.k + patience };
        let found = balls::search(self.sample.field, self.sample.queries, &ball, effort, threads, scratches, control)?;
        let shares = found.iter().enumerate().map(|(case, found)| self.share(case, &ball(case), found));
        Ok(shares.fold(1.0, f64::min))
    }

    /// Share of the others in its ball, as far as they are known, that a walk found.
    fn share(&self, case: usize, ball: &Ball, found: &Found) -> f64 {
        if found.spent {
            return 1.0;
        }
        let own = self.sample.ids[case];
        let there = self.truth.row(case).filter(|&(id, proxy)| id != own && proxy <= ball.reach).count();
        if there == 0 { 1.0 } else { (found.hits.len() as f64 / there as f64).min(1.0) }
    }
}

/// `count` ids below `n`, or all, ascending, drawn without putting back.
pub(crate) fn sample(n: usize, count: usize, seed: u64, stream: u64) -> Vec<u32> {
    if count >= n {
        return (0..n as u32).collect();
    }
    // Floyd's algorithm: every set of this size is as likely.
    let mut picked = std::collections::BTreeSet::new();
    for last in n - count..n {
        let drawn = (draw(seed, stream, last as u64) % (last as u64 + 1)) as u32;
        if !picked.insert(drawn) {
            picked.insert(last as u32);
        }
    }
    picked.into_iter().collect()
}
