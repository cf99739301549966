//! What a caller decides about an index, checked once.

use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::parallel::available_threads;
use crate::points::Form;

/// Which side makes the products of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The cost model picks per product.
    Auto,
    /// Tiles over all pairs, recall 1.
    Exact,
    /// Approximate neighbour graph and HNSW.
    Hnsw,
}

impl Algorithm {
    /// `auto`, `exact` or `hnsw`.
    pub fn parse(name: &str) -> Result<Algorithm> {
        match name {
            "auto" => Ok(Algorithm::Auto),
            "exact" => Ok(Algorithm::Exact),
            "hnsw" => Ok(Algorithm::Hnsw),
            other => Err(Error::invalid("algorithm", format!("{other:?}"), "auto, exact, hnsw")),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Auto => "auto",
            Algorithm::Exact => "exact",
            Algorithm::Hnsw => "hnsw",
        }
    }
}

/// Codes that walks run on instead of the rows; what they find is compared by the rows themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// One bit a column.
    Binary,
    /// A byte a column, between the smallest and the largest value.
    Uint8,
    /// Half a byte a column.
    Uint4,
    /// A signed byte a column, for rows of length 1.
    Int8,
}

impl Quantization {
    /// `binary`, `uint8`, `uint4` or `int8`.
    pub fn parse(name: &str) -> Result<Quantization> {
        let all = [Quantization::Binary, Quantization::Uint8, Quantization::Uint4, Quantization::Int8];
        let refused = || Error::invalid("quantization", format!("{name:?}"), "binary, uint8, uint4, int8");
        all.into_iter().find(|q| q.name() == name).ok_or_else(refused)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Quantization::Binary => "binary",
            Quantization::Uint8 => "uint8",
            Quantization::Uint4 => "uint4",
            Quantization::Int8 => "int8",
        }
    }
}

/// Largest accepted `n_neighbors` and `k`: beyond it results would not fit addressable memory anyway.
pub const MAX_K: usize = 1 << 24;
/// Largest accepted `m`.
pub const MAX_M: usize = 512;
/// Least and largest accepted `graph_recall`.
pub const GRAPH_RECALL: (f64, f64) = (0.5, 1.0);
/// What `graph_recall` is where the caller says nothing.
pub const DEFAULT_GRAPH_RECALL: f64 = 0.99;

/// Options of an index. The mapping from PyNNDescent's names to `m` and `ef_construction` lies outside.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is near.
    pub metric: Metric,
    /// Columns of the neighbour graph, the row itself included.
    pub n_neighbors: usize,
    /// Which side makes the products.
    pub algorithm: Algorithm,
    /// Links per row and upper level; level 0 has twice as many.
    pub m: usize,
    /// Effort of the search index build: candidates looked at before links are chosen.
    pub ef_construction: usize,
    /// Bound of the candidate lists of a descent round.
    pub max_candidates: usize,
    /// Most descent rounds.
    pub n_iters: usize,
    /// Least recall of an approximate neighbour graph, measured on a sample of its rows; builds aim higher, and compare
    /// all pairs where they stay below.
    pub graph_recall: f64,
    /// Seed of every draw: levels, trees, samples.
    pub seed: u64,
    /// Codes that walks run on, if not the rows.
    pub quantization: Option<Quantization>,
    /// Whatever the caller wants to keep with the index; in dumps too, never looked at.
    pub caller: Vec<u8>,
    /// Worker threads of each call; results do not depend on it.
    pub threads: usize,
}

impl Options {
    /// Defaults for `metric`: those that umap-learn's parameters map to on small data.
    pub fn new(metric: Metric) -> Options {
        Options {
            metric,
            n_neighbors: 30,
            algorithm: Algorithm::Auto,
            m: 16,
            ef_construction: 200,
            max_candidates: 60,
            n_iters: 10,
            graph_recall: DEFAULT_GRAPH_RECALL,
            seed: 42,
            quantization: None,
            caller: Vec::new(),
            threads: available_threads(),
        }
    }

    /// `InvalidArgument` naming the first option outside its range.
    pub fn check(&self) -> Result<()> {
        between("n_neighbors", self.n_neighbors, 1, MAX_K)?;
        between("m", self.m, 2, MAX_M)?;
        between("ef_construction", self.ef_construction, 1, MAX_K)?;
        between("max_candidates", self.max_candidates, 1, 4096)?;
        between("n_iters", self.n_iters, 0, 10_000)?;
        let (low, high) = GRAPH_RECALL;
        if !(low..=high).contains(&self.graph_recall) {
            return Err(Error::invalid("graph_recall", self.graph_recall, format!("{low}..={high}")));
        }
        between("threads", self.threads, 1, 4096)
    }

    /// `InvalidArgument` unless rows of this form can be coded as asked for.
    pub(crate) fn check_quantization(&self, form: Form) -> Result<()> {
        let Some(kind) = self.quantization else { return Ok(()) };
        let info = self.metric.info();
        if form == Form::Dense && info.quantizations.contains(&kind.name()) {
            return Ok(());
        }
        let known = if form == Form::Dense { info.quantizations } else { &[] };
        let allowed = format!("for {} on {} rows: none, {}", info.name, form.name(), known.join(", "));
        Err(Error::invalid("quantization", kind.name(), allowed.trim_end_matches(", ")))
    }
}

/// Parameters of one query call.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// Neighbours per query; 0 gives an empty result, columns beyond the rows are padded.
    pub k: usize,
    /// Width of the search pool; at least `k` is used.
    pub ef: usize,
}

impl Query {
    /// `InvalidArgument` naming the first parameter outside its range.
    pub fn check(&self) -> Result<()> {
        between("k", self.k, 0, MAX_K)?;
        between("ef", self.ef, 0, MAX_K)
    }
}

fn between(name: &'static str, seen: usize, low: usize, high: usize) -> Result<()> {
    if (low..=high).contains(&seen) { Ok(()) } else { Err(Error::invalid(name, seen, format!("{low}..={high}"))) }
}
