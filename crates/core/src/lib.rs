//! The core of hnsw-bridge: rows, metrics, exact and approximate neighbour graphs, the search index.
//!
//! What may not enter: JavaScript, sockets, files, printing. Threads stay in `parallel`, behind the
//! feature `threads`. Doors ([`Index`], [`Points`], [`Options`]) check their input and
//! answer with [`Error`]; everything behind them assumes valid input.
#![warn(missing_docs)]

mod approx;
mod clusters;
mod code;
mod control;
mod error;
mod exact;
mod filter;
mod format;
mod gate;
mod graph;
mod ids;
mod index;
mod knn;
mod lazy;
mod metric;
mod neighbors;
mod options;
mod parallel;
mod plan;
mod points;
mod profile;
mod radius;
mod random;
mod search;
mod shelf;
mod stats;
#[cfg(test)]
mod testing;

pub use control::{Control, Phase, Progress};
pub use error::{Error, Result};
pub use filter::Filter;
pub use format::{Sink, check_beginning};
pub use hnsw_kernels as kernels;
pub use index::{
    Answer, Ask, Changes, Check, Effort, ForeignLinks, Index, Linking, Links, SectionState, SelfRecall, Verification,
};
pub use metric::{Kind, METRICS, Metric, MetricInfo, MetricParams, REFUSED};
pub use neighbors::{MISSING, Neighbors};
pub use options::{Algorithm, GRAPH_RECALL, MAX_K, MAX_M, Options, Quantization, Query};
pub use parallel::available_threads;
pub use plan::{Choice, Plan};
pub use points::{BitRows, Form, MAX_DIM, MAX_ROWS, MAX_SPARSE_DIM, Points, Rows, SparseRows};
pub use profile::Profile;
pub use radius::{Balls, Estimate, Targeted, Told, Within};
pub use shelf::{Buffer, Shelf};
pub use stats::Stats;
