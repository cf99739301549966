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
    /// Other forms of the rows: bytes, sketches, digests of equal rows.
    pub codes_bytes: usize,
    /// Links of the search index: those of level 0 and those above.
    pub links_bytes: usize,
    /// Of these, links of upper levels, and which levels rows are on.
    pub upper_bytes: usize,
    /// What rows and links take by the formula n (4 d + 8 m L): values of 4 bytes, and up to 2 m links of 4 bytes on each of the
    /// L levels that a row is on, in the mean; 0 while there is no search index, and for rows that are not dense.
    pub formula_bytes: usize,
    /// The neighbour graph.
    pub graph_bytes: usize,
    /// True once the neighbour graph has been made and no update has made it stale.
    pub graph_ready: bool,
    /// True once the search index has been built.
    pub search_ready: bool,
    /// Levels of the search index, 0 while it is not built.
    pub levels: usize,
    /// Rows on each level, from 0.
    pub level_rows: Vec<usize>,
    /// Links per row and upper level of the search index, or of the one that will be built.
    pub m: usize,
    /// Effort of its build.
    pub ef_construction: usize,
    /// Mean number of links on level 0.
    pub mean_degree: f64,
    /// Rows by their number of links on level 0, from none to 2 m.
    pub degrees: Vec<usize>,
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
