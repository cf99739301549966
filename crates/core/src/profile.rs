//! What queries did, for those who ask.

use crate::knn::RunOn;
use crate::options::Algorithm;
use std::sync::atomic::{AtomicU32, Ordering};

/// The work of a call, query by query, and where its time went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// `exact` or `hnsw`.
    pub way: &'static str,
    /// The codes that it ran on.
    pub on: &'static str,
    /// Levels that walks went through; 0 where all rows were compared.
    pub levels: usize,
    /// Rows met, for each query.
    pub visited: Vec<u32>,
    /// Distances computed: of codes to meet rows, of rows themselves to order what was found.
    pub distances: Vec<u32>,
    /// Rows expanded.
    pub hops: Vec<u32>,
    /// What was ready before: search index, codes, the measure of an effort.
    pub ready_ms: f64,
    /// The queries, made ready for the metric.
    pub transform_ms: f64,
    /// The search itself.
    pub search_ms: f64,
}

impl Profile {
    /// All rows are compared.
    pub(crate) fn name_exact(&mut self) {
        (self.way, self.on, self.levels) = (Algorithm::Exact.name(), RunOn::Rows.name(), 0);
    }
}

/// Counts of each query, from all threads.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    visited: Vec<AtomicU32>,
    distances: Vec<AtomicU32>,
    hops: Vec<AtomicU32>,
}

impl Tally {
    /// For so many queries.
    pub fn of(queries: usize) -> Tally {
        let zeros = || (0..queries).map(|_| AtomicU32::new(0)).collect();
        Tally { visited: zeros(), distances: zeros(), hops: zeros() }
    }

    /// Adds to the counts of one query.
    pub fn add(&self, query: usize, [visited, distances, hops]: [u64; 3]) {
        let add = |to: &AtomicU32, amount: u64| {
            to.fetch_add(u32::try_from(amount).unwrap_or(u32::MAX), Ordering::Relaxed);
        };
        add(&self.visited[query], visited);
        add(&self.distances[query], distances);
        add(&self.hops[query], hops);
    }

    /// The counts: visited, distances, hops.
    pub fn into_counts(self) -> [Vec<u32>; 3] {
        [self.visited, self.distances, self.hops].map(|all| all.into_iter().map(AtomicU32::into_inner).collect())
    }
}
