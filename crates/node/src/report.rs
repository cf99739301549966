//! What an index tells about itself, in JavaScript's shapes. Counters become doubles (exact to 2^53).

use hnsw_core::{Choice, Index, METRICS, Plan, Stats};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

#[napi(object, object_from_js = false)]
pub struct NativeMetric {
    pub name: String,
    pub aliases: Vec<String>,
    pub params: Vec<String>,
    pub angular: bool,
    pub kind: String,
    pub forms: Vec<String>,
    pub quantizations: Vec<String>,
    pub note: String,
}

/// The metric table.
#[napi]
pub fn metrics() -> Vec<NativeMetric> {
    let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    METRICS
        .iter()
        .map(|m| NativeMetric {
            name: m.name.to_string(),
            aliases: owned(m.aliases),
            params: owned(m.params),
            angular: m.angular,
            kind: m.kind.name().to_string(),
            forms: m.forms.iter().map(|form| form.name().to_string()).collect(),
            quantizations: owned(m.quantizations),
            note: m.note.to_string(),
        })
        .collect()
}

/// The version of this binding; the TypeScript beside it must have the same.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[napi(object, object_from_js = false)]
pub struct NativeDescription {
    pub rows: f64,
    pub dim: f64,
    pub form: String,
    pub metric: String,
    pub quantization: Option<String>,
    pub n_neighbors: f64,
    pub algorithm: String,
    pub m: f64,
    pub ef_construction: f64,
    pub max_candidates: f64,
    pub n_iters: f64,
    pub graph_recall: f64,
    pub seed: BigInt,
    pub threads: f64,
    pub carried: String,
}

impl NativeDescription {
    pub fn of(index: &Index) -> NativeDescription {
        let (options, linking) = (index.options(), index.linking());
        NativeDescription {
            rows: index.len() as f64,
            dim: index.dim() as f64,
            form: index.form().name().to_string(),
            metric: options.metric.info().name.to_string(),
            quantization: options.quantization.map(|codes| codes.name().to_string()),
            n_neighbors: options.n_neighbors as f64,
            algorithm: options.algorithm.name().to_string(),
            m: linking.m as f64,
            ef_construction: linking.ef_construction as f64,
            max_candidates: options.max_candidates as f64,
            n_iters: options.n_iters as f64,
            graph_recall: options.graph_recall,
            seed: options.seed.into(),
            threads: options.threads as f64,
            carried: String::from_utf8_lossy(&options.caller).into_owned(),
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeChoice {
    pub algorithm: String,
    pub codes: String,
    pub reason: String,
    pub exact_seconds: f64,
    pub approximate_seconds: f64,
    pub seconds: Option<f64>,
    pub recall: Option<f64>,
}

impl From<Choice> for NativeChoice {
    fn from(choice: Choice) -> Self {
        NativeChoice {
            algorithm: choice.algorithm.to_string(),
            codes: choice.codes.to_string(),
            reason: choice.reason,
            exact_seconds: choice.exact_seconds,
            approximate_seconds: choice.approximate_seconds,
            seconds: choice.seconds,
            recall: choice.recall,
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativePlan {
    pub neighbor_graph: NativeChoice,
    pub query: NativeChoice,
    pub kernels: String,
}

impl From<Plan> for NativePlan {
    fn from(plan: Plan) -> Self {
        NativePlan { neighbor_graph: plan.neighbor_graph.into(), query: plan.query.into(), kernels: plan.kernels }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeStats {
    pub rows: f64,
    pub deleted: f64,
    pub dim: f64,
    pub rows_bytes: f64,
    pub codes_bytes: f64,
    pub links_bytes: f64,
    pub upper_bytes: f64,
    pub formula_bytes: f64,
    pub graph_bytes: f64,
    pub graph_ready: bool,
    pub search_ready: bool,
    pub levels: f64,
    pub level_rows: Vec<f64>,
    pub m: f64,
    pub ef_construction: f64,
    pub mean_degree: f64,
    pub degrees: Vec<f64>,
    pub unreachable: f64,
    pub repaired: f64,
    pub inserts_since_build: f64,
    pub searches: f64,
    pub distances: f64,
    pub hops: f64,
    pub graph_builds: f64,
    pub search_builds: f64,
}

impl From<Stats> for NativeStats {
    fn from(stats: Stats) -> Self {
        NativeStats {
            rows: stats.rows as f64,
            deleted: stats.deleted as f64,
            dim: stats.dim as f64,
            rows_bytes: stats.rows_bytes as f64,
            codes_bytes: stats.codes_bytes as f64,
            links_bytes: stats.links_bytes as f64,
            upper_bytes: stats.upper_bytes as f64,
            formula_bytes: stats.formula_bytes as f64,
            graph_bytes: stats.graph_bytes as f64,
            graph_ready: stats.graph_ready,
            search_ready: stats.search_ready,
            levels: stats.levels as f64,
            level_rows: counts(&stats.level_rows),
            m: stats.m as f64,
            ef_construction: stats.ef_construction as f64,
            mean_degree: stats.mean_degree,
            degrees: counts(&stats.degrees),
            unreachable: stats.unreachable as f64,
            repaired: stats.repaired as f64,
            inserts_since_build: stats.inserts_since_build as f64,
            searches: stats.searches as f64,
            distances: stats.distances as f64,
            hops: stats.hops as f64,
            graph_builds: stats.graph_builds as f64,
            search_builds: stats.search_builds as f64,
        }
    }
}

fn counts(of: &[usize]) -> Vec<f64> {
    of.iter().map(|&count| count as f64).collect()
}
