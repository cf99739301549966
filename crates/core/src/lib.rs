//! The core of hnsw-bridge: rows, metrics, exact and approximate neighbour graphs, the search index.
//!
//! What may not enter: JavaScript, sockets, files, printing. Threads stay in [`parallel`], behind the
//! feature `threads`. Doors ([`Index`], [`rows::Rows`], [`options::Options`]) check their input and
//! answer with [`Error`]; everything behind them assumes valid input.
#![warn(missing_docs)]
#![allow(missing_docs, reason = "fields say their meaning by name; doors are documented")]

mod approx;
mod code;
pub mod control;
pub mod error;
mod exact;
mod gate;
mod graph;
mod index;
mod knn;
mod lazy;
pub mod metric;
pub mod neighbors;
pub mod options;
pub mod parallel;
pub mod plan;
mod random;
pub mod rows;
mod search;
pub mod stats;
#[cfg(test)]
mod testing;

pub use control::{Control, Phase, Progress};
pub use error::{Error, Result};
pub use hnsw_kernels as kernels;
pub use index::Index;
pub use metric::{METRICS, Metric, MetricInfo};
pub use neighbors::Neighbors;
pub use options::{Algorithm, Options, Query};
pub use plan::{Choice, Plan};
pub use rows::Rows;
pub use stats::Stats;
