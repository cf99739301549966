//! What an index tells about itself.

use super::{Data, Index, Search, WalkCodes, Wiring};
use crate::code::ByteCodes;
use crate::graph::{self, Graph};
use crate::knn::RunOn;
use crate::options::Query;
use crate::plan::{self, Plan};
use crate::stats::Stats;
use hnsw_kernels::Kernels;
use std::sync::atomic::Ordering;

/// Pool width of the query that [`Index::plan`] describes: k = 10 or 15 at usual effort.
const TYPICAL_EF: usize = 64;

/// Answers kept for the time of an update.
#[derive(Default)]
pub(super) struct Said {
    stats: Stats,
    plan: Option<Plan>,
}

impl Index {
    /// What is done for the two products, and why. Never waits: during an update, what was true before it.
    pub fn plan(&self) -> Plan {
        let now = self.data.peek().map(|data| self.plan_of(&data));
        let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
        said.plan = now.or(said.plan.take());
        said.plan.clone().expect("a plan was made with the index, before anyone could update it")
    }

    fn plan_of(&self, data: &Data) -> Plan {
        let query = Query { k: 10, ef: TYPICAL_EF };
        let measured = self.measured.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let mut graph = plan::graph(self.source(data), &self.options, self.options.n_neighbors - 1);
        let last = *self.last_query.lock().unwrap_or_else(|e| e.into_inner());
        graph.seconds = measured.seconds;
        if let Some(reached) = measured.reached {
            graph = graph.made(reached, self.options.algorithm);
        }
        Plan {
            neighbor_graph: graph,
            query: last.unwrap_or_else(|| self.decide(data, 1, query)).describe(
                self.source(data),
                &self.options,
                self.walks_on(),
            ),
            kernels: Kernels::features(),
            algorithm: self.options.algorithm,
        }
    }

    /// What walks run on: known once there is a search index.
    fn walks_on(&self) -> &'static str {
        match (self.search.get().as_deref().and_then(|search| search.codes.as_ref()), self.options.quantization) {
            (Some(WalkCodes::Sketches(..)), _) => RunOn::Sketches.name(),
            (_, Some(kind)) => kind.name(),
            _ => "f32",
        }
    }

    /// Sizes and counters. O(1), but for one look at all links after each build or update. Never waits: during an update, what was
    /// true before it.
    pub fn stats(&self) -> Stats {
        let now = self.data.peek().map(|data| self.stats_of(&data));
        let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
        said.stats = now.unwrap_or_else(|| said.stats.clone());
        said.stats.clone()
    }

    fn stats_of(&self, data: &Data) -> Stats {
        let graph = self.graph.get();
        let mut stats = Stats {
            rows: data.rows.len(),
            dim: data.rows.dim(),
            rows_bytes: data.rows.bytes(),
            codes_bytes: data.codes.as_ref().map_or(0, ByteCodes::bytes) + data.coarse.bytes() + self.lists_bytes(),
            graph_bytes: graph.as_ref().map_or(0, |graph| graph.indices.len() * 8),
            graph_ready: graph.is_some(),
            inserts_since_build: self.inserts.load(Ordering::Relaxed),
            searches: self.counters.searches.load(Ordering::Relaxed),
            distances: self.counters.distances.load(Ordering::Relaxed),
            hops: self.counters.hops.load(Ordering::Relaxed),
            graph_builds: self.counters.graph_builds.load(Ordering::Relaxed),
            search_builds: self.counters.search_builds.load(Ordering::Relaxed),
            ..Stats::default()
        };
        if let Some(search) = self.search.get() {
            search.describe(&mut stats);
        }
        if let Some(stored) = self.stored() {
            stats.graph_ready |= stored.graph;
            stats.search_ready |= stored.search;
        }
        stats
    }
}

impl Wiring {
    fn of(graph: &Graph) -> Wiring {
        let links: usize = (0..graph.len() as u32).map(|id| graph.links(id, 0).len()).sum();
        let mean_degree = links as f64 / graph.len() as f64;
        Wiring { mean_degree, unreachable: graph::reach::unreachable(graph) }
    }
}

impl Search {
    fn describe(&self, stats: &mut Stats) {
        let graph = &self.graph;
        let wiring = self.wiring.get_or_init(|| Wiring::of(graph));
        stats.search_ready = true;
        stats.links_bytes = graph.bytes();
        stats.levels = usize::from(graph.top()) + 1;
        stats.mean_degree = wiring.mean_degree;
        stats.unreachable = wiring.unreachable;
        stats.repaired = self.repaired;
        stats.codes_bytes += match &self.codes {
            Some(WalkCodes::Quantized(codes)) => codes.bytes(),
            Some(WalkCodes::Sketches(codes, anchors)) => codes.bytes() + anchors.bytes(),
            None => 0,
        };
        stats.codes_bytes += self.twins.get().map_or(0, |twins| twins.bytes());
    }
}
