//! An index measured on its own rows.

use super::Index;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::knn::Knn;
use crate::options::Query;
use crate::search::effort::sample;
use std::time::Instant;

/// Stream of the draws of the sample.
const STREAM: u64 = 0x7265_6361_6c6c;
/// Of a normal deviate, for 95 %.
const Z: f64 = 1.959_964;

/// What single queries at some effort find, measured on sampled rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfRecall {
    /// Rows that were asked for.
    pub sample: usize,
    /// Neighbours of each, the row itself not counted.
    pub k: usize,
    /// Width of the search pool.
    pub ef: usize,
    /// Whether such queries compare all rows; then the recall is 1.
    pub exact: bool,
    /// Share of the `k` nearest other rows that was found; ties count.
    pub recall: f64,
    /// With 95 % the recall of all rows is at least this ...
    pub low: f64,
    /// ... and at most this.
    pub high: f64,
    /// Mean over the rows of (sum of the distances found) / (sum of the true ones) - 1; `None` where distances are no
    /// distances, or all of them 0.
    pub distance_error: Option<f64>,
    /// Milliseconds a query, in a batch on all threads.
    pub ms: f64,
}

impl Index {
    /// Asks for the `query.k` nearest others of `size` sampled rows as single queries are answered, and compares with
    /// exact answers. O(size · n) for these.
    ///
    /// Errors: `InvalidArgument` for a size or k of 0, or a k of as many rows as there are; `OutOfMemory`, `Cancelled`.
    pub fn recall(&self, size: usize, query: Query, control: Control<'_>) -> Result<SelfRecall> {
        query.check()?;
        let state = self.state.read(control)?;
        let n = state.rows.len();
        for (name, seen, most) in [("sample", size, usize::MAX), ("k", query.k, n - 1)] {
            if !(1..=most).contains(&seen) {
                return Err(Error::invalid(name, seen, format!("1..={most}")));
            }
        }
        let ids = sample(n, size, self.options.seed, STREAM);
        let (queries, k) = (state.rows.subset(&ids)?, query.k);
        let wider = Query { k: k + 1, ef: query.ef.max(k + 1) };
        let source = self.coded(&state, control)?;
        let codes = source.codes_of(&queries, self.options.threads, control)?;
        let (truth, _) = exact::batch(source, &queries, codes.as_ref(), k + 1, self.options.threads, control)?;
        let started = Instant::now();
        let is_exact = self.decide(&state, 1, wider).exact;
        let found = if is_exact { None } else { Some(self.walked_knn(&state, &queries, wider, None, control)?) };
        let ms = started.elapsed().as_secs_f64() * 1e3 / ids.len() as f64;
        let (mut shares, mut errors) = (Vec::new(), Vec::new());
        for (row, &id) in ids.iter().enumerate() {
            let others = |knn: &Knn| -> Vec<f32> {
                knn.row(row).filter(|&(other, _)| other != id).map(|(_, proxy)| proxy).take(k).collect()
            };
            let truth = others(&truth);
            let found = found.as_ref().map_or_else(|| truth.clone(), others);
            let limit = truth.last().copied().unwrap_or(f32::INFINITY);
            shares.push(found.iter().filter(|&&proxy| proxy <= limit).count() as f64 / k as f64);
            let sum = |of: &[f32]| of.iter().map(|&proxy| f64::from(self.options.metric.finish(proxy))).sum::<f64>();
            if found.len() == truth.len() && sum(&truth) > 0.0 {
                errors.push((sum(&found) / sum(&truth) - 1.0).max(0.0));
            }
        }
        let size = shares.len() as f64;
        let recall = shares.iter().sum::<f64>() / size;
        let deviation = (shares.iter().map(|share| (share - recall).powi(2)).sum::<f64>() / size).sqrt();
        let half = if is_exact || ids.len() == n { 0.0 } else { Z * deviation / size.sqrt() };
        let distances = !self.options.metric.signed() && !self.options.metric.similarity() && !errors.is_empty();
        Ok(SelfRecall {
            sample: ids.len(),
            k,
            ef: wider.ef,
            exact: is_exact,
            recall,
            low: (recall - half).max(0.0),
            high: (recall + half).min(1.0),
            distance_error: distances.then(|| errors.iter().sum::<f64>() / errors.len() as f64),
            ms,
        })
    }
}
