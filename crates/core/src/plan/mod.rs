//! The cost model: which side makes a product, and why.
//!
//! Decisions depend on rows, width, codes, instruction set, threads and the call's own size, never on
//! which calls came before (an explicit `prepare` excepted), so that equal calls give equal answers.
//! A wrong guess costs time, never correctness.
//!
//! ```text
//!   rates   seconds of one core for pieces of work, by instruction set
//!   costs   the work of an index in such pieces
//! ```

mod costs;
mod rates;

use crate::exact::{MIN_BATCH, Source};
use crate::knn::{Reached, RunOn};
use crate::options::{Algorithm, Options, Query};
use crate::radius::Within;
use costs::Costs;

/// An exact graph is worth this much more time than an approximate one.
const EXACT_BONUS: f64 = 1.15;

/// What was picked for one product.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// `exact`, `approximate` (neighbour graph) or `hnsw` (queries).
    pub algorithm: &'static str,
    /// Form of the rows that the work runs on: `f32`, `u8` where that loses nothing, a filter before the rows
    /// (`u8 filter`, `bf16 filter`). What the model expects, and once an exact product has been made, what it ran on.
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

    /// What was planned, and what came of it.
    pub(crate) fn made(mut self, reached: Reached, asked: Algorithm) -> Choice {
        if reached.exact && !self.is_exact() {
            // A sample said that all pairs are cheaper, or that nothing else reaches the recall that is asked for.
            self.reason += "; all pairs were compared after all";
            // A side that was asked for keeps its name.
            self.algorithm = if asked == Algorithm::Auto { "exact" } else { self.algorithm };
        }
        self.codes = reached.on.map_or(self.codes, RunOn::name);
        self.recall = Some(reached.recall);
        self
    }
}

fn no_walk(source: Source<'_>) -> String {
    format!("no walk finds near rows under {}: all rows are looked at", source.metric.info().name)
}

/// How the neighbour graph with `k` other rows per row is made.
pub(crate) fn graph(source: Source<'_>, options: &Options, k: usize) -> Choice {
    let costs = Costs::of(source, options);
    let (exact, approximate) = (costs.exact_graph(k), costs.approximate_graph(k));
    let use_exact = match options.algorithm {
        _ if !source.metric.walks() => true,
        Algorithm::Auto if options.graph_recall >= 1.0 => true,
        Algorithm::Auto => exact <= EXACT_BONUS * approximate || k + 1 >= source.rows.len(),
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
            costs.way.name(),
            seconds(approximate),
        ),
        Algorithm::Exact | Algorithm::Hnsw => "asked for".to_string(),
    };
    Choice {
        algorithm: if use_exact { "exact" } else { "approximate" },
        codes: costs.way.name(),
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
    /// What a comparison with all rows ran on, or what the lists are made of.
    on: Option<RunOn>,
}

/// How radius searches are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RadiusDecision {
    /// All rows are compared for every query.
    pub exact: bool,
    /// Rows that a walk may expand for a query before all rows are compared for it.
    pub budget: usize,
}

/// Rows that a walk expands to find that there is nothing in a ball.
const EMPTY_BALL: f64 = 48.0;
/// Share of a comparison with all rows that a walk in vain may cost.
const IN_VAIN: f64 = 0.5;

/// Decides for radius searches around `queries` queries; what is in a ball is not known yet. `prepared` and `candidates` as
/// for [`query`].
pub(crate) fn radius(
    source: Source<'_>,
    options: &Options,
    queries: usize,
    within: &Within,
    matching: Option<usize>,
    candidates: usize,
    prepared: bool,
) -> RadiusDecision {
    let costs = Costs::of(source, options);
    let queries = queries.max(1);
    let build = if prepared || queries < 1_000 { 0.0 } else { costs.search_build(candidates) };
    let scan = matching.map_or_else(|| costs.scan(queries, 10), |rows| costs.scan_among(rows, queries, 10));
    let walks = EMPTY_BALL * costs.hop() * queries as f64 + build;
    let exact = match options.algorithm {
        _ if !source.metric.walks() || within.exact || within.min_recall >= 1.0 => true,
        Algorithm::Auto => scan <= walks,
        Algorithm::Exact => true,
        Algorithm::Hnsw => false,
    };
    let worth = (IN_VAIN * scan / queries as f64 / costs.hop()).max(2.0 * EMPTY_BALL) as usize;
    RadiusDecision { exact, budget: if options.algorithm == Algorithm::Auto { worth } else { usize::MAX } }
}

/// Decides for `queries` queries. `prepared`: the caller asked for the search index by
/// itself, so its building is not held against it.
pub(crate) fn query(
    source: Source<'_>,
    options: &Options,
    queries: usize,
    query: Query,
    candidates: usize,
    prepared: bool,
) -> QueryDecision {
    let costs = Costs::of(source, options);
    // A single call need not pay for an index that only many calls would earn back; a batch must.
    let build = if prepared || queries < 1_000 { 0.0 } else { costs.search_build(candidates) };
    let (exact_seconds, walk_seconds) =
        (costs.scan(queries, query.k), costs.walk(queries, query.ef.max(query.k)) + build);
    let exact = match options.algorithm {
        _ if !source.metric.walks() => true,
        Algorithm::Auto => exact_seconds <= walk_seconds,
        Algorithm::Exact => true,
        Algorithm::Hnsw => false,
    };
    QueryDecision { exact, queries, exact_seconds, walk_seconds, seconds: None, lists: None, on: None }
}

/// How queries among some of the rows are answered.
pub(crate) struct Among {
    /// Rows that may be returned.
    pub matching: usize,
    pub queries: usize,
    /// Width of a walk that meets enough of them.
    pub ef: usize,
    pub k: usize,
}

impl Among {
    /// Whether walks are cheaper than comparing all rows that match. They may have to be compared after a walk.
    pub fn walks(&self, source: Source<'_>, options: &Options) -> bool {
        let costs = Costs::of(source, options);
        let wide = 4 * self.ef > source.rows.len();
        match options.algorithm {
            _ if !source.metric.walks() || self.matching <= self.k => false,
            Algorithm::Exact => false,
            Algorithm::Hnsw => !wide,
            Algorithm::Auto => {
                !wide && costs.walk(self.queries, self.ef) < costs.scan_among(self.matching, self.queries, self.k)
            }
        }
    }
}

impl QueryDecision {
    /// The call has been answered in so many seconds.
    pub fn took(self, seconds: f64) -> QueryDecision {
        QueryDecision { seconds: Some(seconds), ..self }
    }

    /// Lists of near rows, made of `on`, have answered instead.
    pub fn by_lists(self, recall: f64, on: RunOn) -> QueryDecision {
        QueryDecision { exact: false, lists: Some(recall), on: Some(on), ..self }
    }

    /// All rows have been compared, as `on`.
    pub fn by_scan(self, on: RunOn) -> QueryDecision {
        QueryDecision { on: Some(on), ..self }
    }

    /// Long enough by either way for a sample of the queries to be worth its time.
    pub fn is_long(self) -> bool {
        self.exact_seconds.min(self.walk_seconds) > 0.05
    }

    /// The decision for people. `walks_on`: what walks run on.
    pub fn describe(self, source: Source<'_>, options: &Options, walks_on: &'static str) -> Choice {
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
            codes: match self.on {
                Some(on) => on.name(),
                None if !self.exact => walks_on,
                None if self.queries < MIN_BATCH && source.short_codes().is_none() => "f32",
                None => rates::Way::of(source).name(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_told_and_a_side_that_was_asked_for_keeps_its_name() {
        let planned = |algorithm| Choice {
            algorithm,
            codes: "u8 filter",
            reason: "because".to_string(),
            exact_seconds: 2.0,
            approximate_seconds: 1.0,
            seconds: None,
            recall: None,
        };
        let fell_back = "because; all pairs were compared after all";
        let (sampled, all_pairs) = (Reached::sampled(0.993), Reached::EXACT.on(RunOn::HalfFilter));
        for (plan, asked, reached, expected) in [
            ("approximate", Algorithm::Auto, sampled, ("approximate", "u8 filter", "because", 0.993)),
            ("approximate", Algorithm::Auto, sampled.on(RunOn::Rows), ("approximate", "f32", "because", 0.993)),
            ("approximate", Algorithm::Auto, all_pairs, ("exact", "bf16 filter", fell_back, 1.0)),
            ("approximate", Algorithm::Hnsw, all_pairs, ("approximate", "bf16 filter", fell_back, 1.0)),
            ("exact", Algorithm::Auto, all_pairs, ("exact", "bf16 filter", "because", 1.0)),
        ] {
            let made = planned(plan).made(reached, asked);
            let told = (made.algorithm, made.codes, made.reason.as_str(), made.recall.unwrap());
            assert_eq!(told, expected, "{plan}, {asked:?}, {reached:?}");
        }
    }
}
