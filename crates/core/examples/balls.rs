//! Times radius searches beside a comparison with all rows, for balls of more and more rows; recall beside each.
//!
//!     cargo run --release -p hnsw-core --example balls -- ROWS DIM [auto|hnsw] [metric]     rows near a plane of 12 dimensions
//!     cargo run --release -p hnsw-core --example balls -- FILE DIM [auto|hnsw] [metric]     raw little-endian f32
//!
//! The last 200 rows are the queries, one call each.

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows, Within};
use std::time::Instant;

const QUERIES: usize = 200;
/// Columns of the plane.
const PLANE: usize = 12;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dim: usize = args[1].parse().expect("a number of columns");
    let algorithm = Algorithm::parse(args.get(2).map_or("auto", String::as_str)).unwrap();
    let name = args.get(3).map_or("euclidean", String::as_str);
    let values = match args[0].parse::<usize>() {
        Ok(rows) => plane(rows + QUERIES, dim),
        Err(_) => std::fs::read(&args[0])
            .unwrap()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
    };
    let n = values.len() / dim - QUERIES;
    let (rows, queries) = values.split_at(n * dim);
    let metric = Metric::resolve(name, MetricParams::default(), dim).unwrap();
    let options = Options { algorithm, threads: 1, ..Options::new(metric) };
    let index = Index::new(Rows::from_slice(rows, dim).unwrap(), options).unwrap();
    let started = Instant::now();
    index.prepare(Control::none()).unwrap();
    let linked = started.elapsed();
    index.prepare_radius(Control::none()).unwrap();
    println!("{:.2?} for links, {:.2?} to calibrate", linked, started.elapsed() - linked);
    let asked = || Rows::from_slice(queries, dim).unwrap();
    let near = index.query(asked(), Query { k: 1_001.min(n), ef: 2_000 }, Control::none()).unwrap();
    println!("  hits  median hits  walk us  scan us  ratio    visited  by walk  truncated  worst recall  mean recall");
    for hits in [0, 1, 10, 100, 1_000] {
        let mut each: Vec<f32> = (0..QUERIES).map(|query| near.row(query).1[hits.max(1) - 1]).collect();
        each.sort_by(f32::total_cmp);
        let radius = if hits == 0 { each[0] * 0.5 } else { each[QUERIES / 2] };
        let (walks, walked) = timed(&index, queries, dim, radius, &Within::default());
        let (scans, scanned) = timed(&index, queries, dim, radius, &Within { exact: true, ..Within::default() });
        let share = |query: usize| {
            let (all, found): (usize, usize) = (scanned[query].0, walked[query].0);
            if all == 0 { 1.0 } else { found as f64 / all as f64 }
        };
        let worst = (0..QUERIES).map(share).fold(1.0, f64::min);
        let mean = (0..QUERIES).map(share).sum::<f64>() / QUERIES as f64;
        let mut counts: Vec<usize> = scanned.iter().map(|of| of.0).collect();
        counts.sort_unstable();
        let visited = walked.iter().map(|of| of.1 as f64).sum::<f64>() / QUERIES as f64;
        let by_walk = walked.iter().filter(|of| !of.2).count();
        let cut = scanned.iter().filter(|of| of.3).count();
        println!(
            "{hits:6} {:12} {walks:8.1} {scans:8.1} {:6.1} {visited:10.0} {by_walk:8} {cut:10} {worst:13.4} {mean:12.4}",
            counts[QUERIES / 2],
            scans / walks
        );
    }
}

/// Microseconds of the middle query, and for each hits, visited, whether all rows were compared, truncated.
fn timed(
    index: &Index,
    queries: &[f32],
    dim: usize,
    radius: f32,
    within: &Within,
) -> (f64, Vec<(usize, i32, bool, bool)>) {
    let mut times = Vec::new();
    let mut told = Vec::new();
    for query in queries.chunks(dim) {
        let rows = Rows::from_slice(query, dim).unwrap();
        let started = Instant::now();
        let found = index.radius_search(rows, &[radius], within, Control::none()).unwrap();
        times.push(started.elapsed().as_secs_f64() * 1e6);
        told.push((found.indices.len(), found.told.visited[0], found.told.exact[0] == 1, found.told.truncated[0] == 1));
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], told)
}

/// Rows near a plane, with noise beside it.
fn plane(rows: usize, dim: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut unit = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let axes: Vec<f32> = (0..PLANE * dim).map(|_| unit()).collect();
    let mut values = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let at: Vec<f32> = (0..PLANE).map(|_| unit() + unit() + unit()).collect();
        for column in 0..dim {
            let on = (0..PLANE).map(|axis| at[axis] * axes[axis * dim + column]).sum::<f32>();
            values.push(on + 0.02 * unit());
        }
    }
    values
}
