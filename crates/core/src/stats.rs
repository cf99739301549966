//! Counters and sizes of an index.

use std::sync::atomic::{AtomicU64, Ordering};

/// Work counted since the index was made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub searches: AtomicU64,
    pub distances: AtomicU64,
    pub hops: AtomicU64,
    pub graph_builds: AtomicU64,
    pub search_builds: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

/// A snapshot of an index. Sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Number of rows.
    pub rows: usize,
    /// Rows that there have been and are not any more.
    pub deleted: usize,
    /// Columns.
    pub dim: usize,
    /// Rows in f32, with their padding, and their ids where these are not their numbers.
    pub rows_bytes: usize,
    /// Rows as bytes, where that loses nothing.
    pub codes_bytes: usize,
    /// Links of the search index.
    pub links_bytes: usize,
    /// The neighbour graph.
    pub graph_bytes: usize,
    /// True once the neighbour graph has been made and no update has made it stale.
    pub graph_ready: bool,
    /// True once the search index has been built.
    pub search_ready: bool,
    /// Levels of the search index, 0 while it is not built.
    pub levels: usize,
    /// Mean number of links on level 0.
    pub mean_degree: f64,
    /// Rows that no walk from the entry point reaches; 0 is an invariant.
    pub unreachable: usize,
    /// Rows that had to be linked by the repair to keep that invariant, in the last build or append.
    pub repaired: usize,
    /// Rows that came, went or became others since the search index was built.
    pub inserts_since_build: usize,
    /// Queries answered.
    pub searches: u64,
    /// Distances computed for queries.
    pub distances: u64,
    /// Rows expanded by walks.
    pub hops: u64,
    /// Neighbour graphs made.
    pub graph_builds: u64,
    /// Search indexes built.
    pub search_builds: u64,
}
