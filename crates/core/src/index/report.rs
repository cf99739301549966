//! What an index tells about itself.

use super::linking::Linking;
use super::state::State;
use super::walked::WalkCodes;
use super::{Index, Search, Wiring};
use crate::code::ByteCodes;
use crate::graph::{self, Graph};
use crate::knn::RunOn;
use crate::options::Query;
use crate::plan::{self, Plan};
use crate::points::Form;
use crate::stats::Stats;
use hnsw_kernels::Kernels;
use std::sync::atomic::Ordering;

/// Pool width of the query that [`Index::plan`] describes: k = 10 or 15 at usual effort.
const TYPICAL_EF: usize = 64;

impl Index {
    /// What is done for the two products, and why. Never waits: during an update, what was true before it.
    pub fn plan(&self) -> Plan {
        let state = &*self.state.peek();
        let query = Query { k: 10, ef: TYPICAL_EF };
        let measured = state.measured();
        let mut graph = plan::graph(self.source(state), &self.options, self.options.n_neighbors - 1);
        let last = *self.last_query.lock().unwrap_or_else(|e| e.into_inner());
        graph.seconds = measured.seconds;
        if let Some(reached) = measured.reached {
            graph = graph.made(reached, self.options.algorithm);
        }
        if measured.renewed {
            graph.reason += "; brought up to date from the graph before the last updates";
        }
        Plan {
            neighbor_graph: graph,
            query: last.unwrap_or_else(|| self.decide(state, 1, query)).describe(
                self.source(state),
                &self.options,
                self.walks_on(state),
            ),
            kernels: Kernels::features(),
            algorithm: self.options.algorithm,
        }
    }

    /// What walks run on: known once there is a search index.
    fn walks_on(&self, state: &State) -> &'static str {
        match (state.search.get().as_deref().and_then(|search| search.codes.get()), self.options.quantization) {
            (Some(WalkCodes::Sketches(..)), _) => RunOn::Sketches.name(),
            (_, Some(kind)) => kind.name(),
            _ => "f32",
        }
    }

    /// Sizes and counters. O(1), but for one look at all links after each build or update. Never waits: during an update, what was
    /// true before it.
    pub fn stats(&self) -> Stats {
        let state = self.state.peek();
        let graph = state.graph.get();
        let mut stats = Stats {
            rows: state.rows.len(),
            dim: state.rows.dim(),
            deleted: state.ids.next() as usize - state.ids.len(),
            rows_bytes: state.rows.bytes() + state.ids.bytes(),
            codes_bytes: state.codes().map_or(0, ByteCodes::bytes) + state.coarse.bytes() + state.lists_bytes(),
            graph_bytes: graph.as_ref().map_or(0, |graph| graph.indices.len() * 8),
            graph_ready: graph.is_some(),
            inserts_since_build: state.inserts.load(Ordering::Relaxed),
            searches: self.counters.searches.load(Ordering::Relaxed),
            distances: self.counters.distances.load(Ordering::Relaxed),
            hops: self.counters.hops.load(Ordering::Relaxed),
            graph_builds: self.counters.graph_builds.load(Ordering::Relaxed),
            search_builds: self.counters.search_builds.load(Ordering::Relaxed),
            ..Stats::default()
        };
        Linking { m: stats.m, ef_construction: stats.ef_construction } = state.linking();
        if let Some(search) = state.search.get() {
            search.describe(&mut stats);
            let on_levels: usize = stats.level_rows.iter().sum();
            stats.formula_bytes = match state.rows.form() {
                Form::Dense => 4 * state.rows.len() * state.rows.dim() + 8 * stats.m * on_levels,
                _ => 0,
            };
        }
        if let Some(stored) = &state.stored {
            stats.graph_ready |= stored.graph;
            stats.search_ready |= stored.search;
        }
        stats
    }
}

impl Wiring {
    fn of(graph: &Graph) -> Wiring {
        let mut level_rows = vec![0; usize::from(graph.top()) + 1];
        let mut degrees = vec![0; graph.degree(0) + 1];
        for id in 0..graph.len() as u32 {
            level_rows[..=usize::from(graph.level(id))].iter_mut().for_each(|rows| *rows += 1);
            degrees[graph.links(id, 0).len()] += 1;
        }
        Wiring { level_rows, degrees, unreachable: graph::reach::unreachable(graph) }
    }
}

impl Search {
    fn describe(&self, stats: &mut Stats) {
        let graph = &self.graph;
        let wiring = self.wiring.get_or_init(|| Wiring::of(graph));
        stats.search_ready = true;
        stats.links_bytes = graph.bytes();
        stats.levels = usize::from(graph.top()) + 1;
        stats.upper_bytes = graph.upper_bytes();
        let links: usize = wiring.degrees.iter().enumerate().map(|(links, rows)| links * rows).sum();
        stats.mean_degree = links as f64 / graph.len() as f64;
        stats.degrees.clone_from(&wiring.degrees);
        stats.level_rows.clone_from(&wiring.level_rows);
        stats.unreachable = wiring.unreachable;
        stats.repaired = self.repaired;
        stats.codes_bytes += self.codes.get().map_or(0, WalkCodes::bytes);
        stats.codes_bytes += self.twins.get().map_or(0, |twins| twins.bytes());
    }
}
