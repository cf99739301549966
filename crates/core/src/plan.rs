//! The cost model: which side makes a product, and why.
//!
//! Decisions depend on rows, width, codes, instruction set, threads and the call's own size, never on
//! which calls came before (an explicit `prepare` excepted), so that equal calls give equal answers.

use crate::options::Algorithm;

/// What was picked for one product.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// `exact`, `approximate` (neighbour graph) or `hnsw` (queries).
    pub algorithm: &'static str,
    /// Form of the rows that the work runs on: `f32`, or `u8` where that loses nothing.
    pub codes: &'static str,
    /// One sentence for people.
    pub reason: String,
    /// Seconds the model expects for the exact and the other side.
    pub exact_seconds: f64,
    pub approximate_seconds: f64,
    /// Seconds it took, once it has run.
    pub seconds: Option<f64>,
    /// Recall measured on a sample, once an approximate product exists; 1 for exact ones.
    pub recall: Option<f64>,
}

/// What an index does for its two products.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub neighbor_graph: Choice,
    /// For a single query; large batches are decided per call.
    pub query: Choice,
    /// Instruction set in use.
    pub kernels: String,
    pub algorithm: Algorithm,
}
