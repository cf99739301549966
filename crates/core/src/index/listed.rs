//! Large batches of queries by lists of near rows: neither a search index nor all pairs.

use super::Index;
use super::state::State;
use crate::clusters::{self, Clusters, Wish};
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::knn::RunOn;
use crate::neighbors::Neighbors;
use crate::options::{Algorithm, Options, Query};
use crate::plan::QueryDecision;
use crate::points::Points;
use crate::stats::Counters;
use std::sync::Arc;

/// Fewer queries than this are not worth a sample of them.
const MIN_LISTED: usize = 1_000;
/// Queries of one batch; more are answered batch by batch to bound memory.
const MAX_LISTED: usize = 131_072;
/// Fewer rows than this are met by all queries at no loss.
const MIN_ROWS: usize = 16_384;

impl Index {
    /// A batch that lists may answer: large, long by either other way, under a metric of products, where nothing else
    /// is asked for.
    pub(super) fn may_list(&self, state: &State, queries: usize, decision: QueryDecision) -> bool {
        let source = self.source(state);
        let coded = source.fast_codes().is_some() || source.wants_coarse();
        let free = self.options.algorithm == Algorithm::Auto && self.options.quantization.is_none();
        free && coded && queries >= MIN_LISTED && state.rows.len() >= MIN_ROWS && decision.is_long()
    }

    /// Answers by lists, which are made with the first such batch; `None` where
    /// all pairs or walks are the better way, else the least recall on samples of the queries and what the
    /// lists are made of.
    pub(super) fn listed(
        &self,
        state: &State,
        queries: &Points,
        query: Query,
        out: &mut Neighbors,
        control: Control<'_>,
    ) -> Result<Option<(f64, RunOn)>> {
        let source = self.coded(state, control)?;
        let (seed, threads) = (self.options.seed, self.options.threads);
        let made = self.clusters(state, source, control)?;
        let Some(clusters) = made.as_ref() else { return Ok(None) };
        let wish = Wish { k: query.k.min(state.rows.len()), recall: self.wished(query), seed, threads };
        let (mut least, mut on) = (1.0f64, RunOn::Sketches);
        for first in (0..queries.len()).step_by(MAX_LISTED) {
            let some = queries.part(first..(first + MAX_LISTED).min(queries.len()))?;
            match clusters::batch(source, clusters, some.as_ref().unwrap_or(queries), &wish, control)? {
                Some(answer) => {
                    answer.knn.write_to(out, first, &self.options.metric);
                    (least, on) = (least.min(answer.recall), answer.on);
                    Counters::add(&self.counters.distances, answer.distances);
                }
                None => return Ok(None),
            }
        }
        Ok(Some((least, on)))
    }

    /// The lists, made by the first of those who ask. `source` has its codes.
    pub(super) fn clusters(
        &self,
        state: &State,
        source: Source<'_>,
        control: Control<'_>,
    ) -> Result<Arc<Option<Clusters>>> {
        let Options { seed, threads, .. } = self.options;
        state.lists.get_or_make(control, || Clusters::of(source, seed, threads, control))
    }

    /// Wider walks miss less, in proportion: at `4 k` (epsilon 0.1) what an approximate graph may miss, at `k`
    /// (epsilon 0) four times as much.
    fn wished(&self, query: Query) -> f64 {
        let wide = (query.ef as f64 / (4 * query.k.max(1)) as f64).max(0.25);
        1.0 - (1.0 - self.options.graph_recall) / wide
    }
}
