//! The cost model: which side makes a product, and why.
//!
//! Decisions depend on rows, width, codes, instruction set, threads and the call's own size, never on
//! which calls came before (an explicit `prepare` excepted), so that equal calls give equal answers.
//! Constants were measured on one core of a 2.3 GHz Sapphire Rapids server and are orders of magnitude
//! for others; a wrong guess costs time, never correctness.

use crate::exact::{MIN_BATCH, Source};
use crate::metric::Pair;
use crate::options::{Algorithm, Options};
use crate::points::Form;
use hnsw_kernels::Isa;

/// What was picked for one product.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// `exact`, `approximate` (neighbour graph) or `hnsw` (queries).
    pub algorithm: &'static str,
    /// Form of the rows that the work runs on: `f32`, or `u8` where that loses nothing.
    pub codes: &'static str,
    /// One sentence for people.
    pub reason: String,
    /// Seconds the model expects for the exact and for the other side.
    pub exact_seconds: f64,
    /// See `exact_seconds`.
    pub approximate_seconds: f64,
    /// Seconds it took, once it has run.
    pub seconds: Option<f64>,
    /// Recall measured on a sample, once an approximate product exists; 1 for exact ones.
    pub recall: Option<f64>,
}

/// What an index does for its two products.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// All rows against all rows.
    pub neighbor_graph: Choice,
    /// The last query call; before the first one, what a single query would get.
    pub query: Choice,
    /// Instruction set in use.
    pub kernels: String,
    /// What the options ask for.
    pub algorithm: Algorithm,
}

impl Choice {
    /// Recall 1 by construction.
    pub fn is_exact(&self) -> bool {
        self.algorithm == "exact"
    }
}

/// Seconds of one core for the pieces of work.
struct Rates {
    /// One term of a product tile.
    tile_term: f64,
    /// One term of a pair kernel on rows in cache.
    pair_term: f64,
    /// Threshold test and storing of one cell.
    cell: f64,
    /// Start of a pair distance to a row that is not in cache.
    miss: f64,
}

impl Rates {
    fn of(source: Source<'_>) -> Rates {
        let (f32_tile, sparse_tile, kernel) = match source.kernels.isa {
            Isa::Amx | Isa::Avx512 => (14e-12, 20e-12, 60e-12),
            Isa::Avx2 => (28e-12, 25e-12, 80e-12),
            Isa::Neon => (60e-12, 50e-12, 120e-12),
            Isa::Scalar => (1e-9, 0.5e-9, 1e-9),
        };
        let pair_term = match source.pair() {
            Pair::Kernel(_) | Pair::Checked(..) => kernel,
            Pair::Counts(..) => 2.0 * kernel,
            Pair::Dense(..) => 1e-9,
            Pair::Sparse(..) | Pair::SparseCounts(..) => 1.5e-9,
            Pair::Bits(..) => kernel / 4.0,
        };
        let tile_term = match source.rows.form() {
            _ if source.byte_tiles() => f32_tile / 4.0,
            Form::Dense if source.products() => f32_tile,
            Form::Sparse if source.products() || source.pair().of_sets().is_some() || source.metric.centres() => {
                sparse_tile
            }
            _ => pair_term,
        };
        Rates { tile_term, pair_term, cell: 0.3e-9, miss: 60e-9 }
    }
}

/// The costs of an index's work in seconds.
pub(crate) struct Costs {
    rates: Rates,
    rows: f64,
    width: f64,
    threads: f64,
    m: f64,
}

impl Costs {
    pub fn of(source: Source<'_>, options: &Options) -> Costs {
        Costs {
            rates: Rates::of(source),
            rows: source.rows.len() as f64,
            width: source.rows.width() as f64,
            threads: options.threads as f64,
            m: options.m as f64,
        }
    }

    fn tile_cell(&self) -> f64 {
        self.rates.tile_term * self.width + self.rates.cell
    }

    fn pair(&self) -> f64 {
        self.rates.miss + self.rates.pair_term * self.width
    }

    pub fn exact_graph(&self) -> f64 {
        self.rows * self.rows / 2.0 * self.tile_cell() / self.threads
    }

    /// Trees, descent rounds and the sample check: a few thousand distances a row (measured).
    pub fn approximate_graph(&self, k: usize) -> f64 {
        let per_row = 1_500.0 + 60.0 * k as f64;
        self.rows * per_row * (0.4 * self.pair()) / self.threads
    }

    /// Links on top of a table of candidates.
    pub fn search_build(&self, candidates: usize) -> f64 {
        let table = self.exact_graph().min(self.approximate_graph(candidates));
        table + self.rows * 8.0 * candidates as f64 * self.pair() * 0.5 / self.threads
    }

    pub fn scan(&self, queries: usize) -> f64 {
        // Too few queries for tiles run on the pair kernels.
        let cell =
            if queries < MIN_BATCH { self.rates.pair_term * self.width + self.rates.cell } else { self.tile_cell() };
        queries as f64 * self.rows * cell / self.threads
    }

    pub fn walk(&self, queries: usize, ef: usize) -> f64 {
        queries as f64 * ef as f64 * self.m * 0.6 * self.pair() / self.threads
    }
}

fn no_walk(source: Source<'_>) -> String {
    format!("no walk finds near rows under {}: all rows are looked at", source.metric.info().name)
}

fn codes(source: Source<'_>) -> &'static str {
    if source.byte_tiles() { "u8" } else { "f32" }
}

/// How the neighbour graph with `k` other rows per row is made.
pub(crate) fn graph(source: Source<'_>, options: &Options, k: usize) -> Choice {
    let costs = Costs::of(source, options);
    let (exact, approximate) = (costs.exact_graph(), costs.approximate_graph(k));
    let use_exact = match options.algorithm {
        _ if !source.metric.walks() => true,
        Algorithm::Auto => exact <= approximate || k + 1 >= source.rows.len(),
        Algorithm::Exact => true,
        Algorithm::Hnsw => false,
    };
    let reason = match options.algorithm {
        _ if !source.metric.walks() => no_walk(source),
        Algorithm::Auto => format!(
            "{} rows x {} columns: about {} for all pairs by {} tiles, {} for an approximate graph",
            source.rows.len(),
            source.rows.dim(),
            seconds(exact),
            codes(source),
            seconds(approximate),
        ),
        Algorithm::Exact | Algorithm::Hnsw => "asked for".to_string(),
    };
    Choice {
        algorithm: if use_exact { "exact" } else { "approximate" },
        codes: codes(source),
        reason,
        exact_seconds: exact,
        approximate_seconds: approximate,
        seconds: None,
        recall: use_exact.then_some(1.0),
    }
}

/// How one query call is answered. Made for every call, so it allocates nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryDecision {
    pub exact: bool,
    queries: usize,
    exact_seconds: f64,
    walk_seconds: f64,
    seconds: Option<f64>,
    /// The recall on a sample of the queries, where lists of near rows have answered.
    lists: Option<f64>,
}

/// Decides for `queries` queries of pool width `ef`. `prepared`: the caller asked for the search index by
/// itself, so its building is not held against it.
pub(crate) fn query(
    source: Source<'_>,
    options: &Options,
    queries: usize,
    ef: usize,
    candidates: usize,
    prepared: bool,
) -> QueryDecision {
    let costs = Costs::of(source, options);
    // A single call need not pay for an index that only many calls would earn back; a batch must.
    let build = if prepared || queries < 1_000 { 0.0 } else { costs.search_build(candidates) };
    let (exact_seconds, walk_seconds) = (costs.scan(queries), costs.walk(queries, ef) + build);
    let exact = match options.algorithm {
        _ if !source.metric.walks() => true,
        Algorithm::Auto => exact_seconds <= walk_seconds,
        Algorithm::Exact => true,
        Algorithm::Hnsw => false,
    };
    QueryDecision { exact, queries, exact_seconds, walk_seconds, seconds: None, lists: None }
}

impl QueryDecision {
    /// The call has been answered in so many seconds.
    pub fn took(self, seconds: f64) -> QueryDecision {
        QueryDecision { seconds: Some(seconds), ..self }
    }

    /// Lists of near rows have answered instead.
    pub fn by_lists(self, recall: f64) -> QueryDecision {
        QueryDecision { exact: false, lists: Some(recall), ..self }
    }

    /// Long enough by either way for a sample of the queries to be worth its time.
    pub fn is_long(self) -> bool {
        self.exact_seconds.min(self.walk_seconds) > 0.05
    }

    /// The decision for people.
    pub fn describe(self, source: Source<'_>, options: &Options) -> Choice {
        let reason = match options.algorithm {
            _ if !source.metric.walks() => no_walk(source),
            Algorithm::Auto => format!(
                "{} {}: about {} against all {} rows, {} for walks",
                self.queries,
                if self.queries == 1 { "query" } else { "queries" },
                seconds(self.exact_seconds),
                source.rows.len(),
                seconds(self.walk_seconds),
            ),
            Algorithm::Exact | Algorithm::Hnsw => "asked for".to_string(),
        };
        Choice {
            algorithm: match self.lists {
                Some(_) => "clusters",
                None if self.exact => "exact",
                None => "hnsw",
            },
            codes: match options.quantization {
                _ if self.lists.is_some() => "u8",
                Some(kind) if !self.exact => kind.name(),
                _ if self.exact && self.queries >= MIN_BATCH => codes(source),
                _ => "f32",
            },
            reason,
            exact_seconds: self.exact_seconds,
            approximate_seconds: self.walk_seconds,
            seconds: self.seconds,
            recall: self.lists.or(self.exact.then_some(1.0)),
        }
    }
}

fn seconds(value: f64) -> String {
    match value {
        v if v < 1e-3 => format!("{:.0} us", v * 1e6),
        v if v < 1.0 => format!("{:.0} ms", v * 1e3),
        v => format!("{v:.1} s"),
    }
}
