//! Rows, balls and their oracle: distances to all rows, from an exact query.

#![allow(dead_code, reason = "each of the tests uses some of it")]

use hnsw_core::{Algorithm, Balls, Control, Index, Metric, MetricParams, Neighbors, Options, Points, Query, Rows};

pub fn options(name: &str, dim: usize, algorithm: Algorithm) -> Options {
    let metric = Metric::resolve(name, MetricParams::default(), dim).unwrap();
    Options { algorithm, n_neighbors: 10, ..Options::new(metric) }
}

pub fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut unit = crate::support::uniform(seed);
    (0..count).map(|_| unit()).collect()
}

pub fn rows(values: &[f32], dim: usize) -> Rows {
    Rows::from_slice(values, dim).unwrap()
}

/// All distances of each query, by an index that compares all rows.
pub fn all(index: &Index, queries: impl Into<Points>) -> Neighbors {
    let query = Query { k: index.len(), ef: 1 };
    index.query(queries, query, Control::none()).unwrap()
}

/// Ids within `radius`, nearest first.
pub fn truth(all: &Neighbors, query: usize, radius: f32) -> Vec<(i32, f32)> {
    let (ids, distances) = all.row(query);
    let mut near: Vec<(i32, f32)> = ids.iter().copied().zip(distances.iter().copied()).collect();
    near.retain(|&(_, distance)| distance <= radius);
    near
}

pub fn found(balls: &Balls, query: usize) -> Vec<(i32, f32)> {
    let (ids, distances) = balls.row(query);
    ids.iter().copied().zip(distances.iter().copied()).collect()
}

/// The middle of the distances of the `hits`-th nearest.
pub fn radius_of(all: &Neighbors, hits: usize) -> f32 {
    let mut each: Vec<f32> = (0..all.rows).map(|query| all.row(query).1[hits.max(1) - 1]).collect();
    each.sort_by(f32::total_cmp);
    if hits == 0 { each[0] * 0.5 } else { each[each.len() / 2] }
}
