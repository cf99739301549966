//! Times single queries through the core alone, one after the other: what a binding adds is what it takes beyond this.
//!
//!     cargo run --release -p hnsw-core --example latency -- FILE DIM [rows] [k] [ef]
//!
//! FILE holds raw little-endian f32 rows; the queries are its first 1 000. Prints one line of JSON, microseconds of
//! a query: the best and the median of 15 rounds.

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};
use std::time::Instant;

const QUERIES: usize = 1000;
const ROUNDS: usize = 15;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).map_or(default, |a| a.parse().expect("a number"));
    let dim = number(1, 0);
    let bytes = std::fs::read(&args[0]).expect("a readable file");
    let n = number(2, usize::MAX).min(bytes.len() / 4 / dim);
    let values: Vec<f32> =
        bytes[..n * dim * 4].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let metric = Metric::resolve("euclidean", MetricParams::default(), dim).unwrap();
    let options = Options { algorithm: Algorithm::Hnsw, threads: 1, ..Options::new(metric) };
    let index = Index::new(Rows::from_slice(&values, dim).unwrap(), options).unwrap();
    index.prepare(Control::none()).unwrap();

    let query = Query { k: number(3, 10), ef: number(4, 40) };
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(&index, &values, dim, query)).collect();
    rounds.sort_by(f64::total_cmp);
    println!("{{\"rows\":{n},\"dim\":{dim},\"best_us\":{:.2},\"median_us\":{:.2}}}", rounds[0], rounds[ROUNDS / 2]);
}

/// Mean microseconds of a query.
fn round(index: &Index, values: &[f32], dim: usize, query: Query) -> f64 {
    let started = Instant::now();
    for row in values.chunks_exact(dim).take(QUERIES) {
        let found = index.query(Rows::from_slice(row, dim).unwrap(), query, Control::none()).unwrap();
        assert_eq!(found.indices.len(), query.k);
    }
    started.elapsed().as_secs_f64() * 1e6 / values.chunks_exact(dim).len().min(QUERIES) as f64
}
