//! Every way of computing tiles against a plain f64 double loop.

use super::*;
use crate::testing::{Rng, uniform};

/// Brute force: ids by (f32 pair proxy, id).
fn oracle(source: Source<'_>, queries: &Rows, same: bool, k: usize) -> Vec<Vec<u32>> {
    let pair = source.metric.pair(source.kernels);
    (0..queries.len())
        .map(|q| {
            let mut all: Vec<(f32, u32)> = (0..source.rows.len())
                .filter(|&j| !(same && j == q))
                .map(|j| (pair.one(queries.row(q), source.rows.row(j)), j as u32))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.into_iter().take(k).map(|(_, id)| id).collect()
        })
        .collect()
}

fn ids(knn: &Knn) -> Vec<Vec<u32>> {
    (0..knn.rows()).map(|row| knn.row(row).map(|(id, _)| id).collect()).collect()
}

/// Runs graph and batch in every instruction set, 1 and 3 threads, and compares with the oracle.
fn check(title: &str, mut rows: Rows, name: &str, k: usize) {
    let metric = Metric::resolve(name, None).unwrap();
    metric.transform().apply(&mut rows, 1, Control::none()).unwrap();
    let codes = if metric.transform() == crate::metric::transform::Transform::None {
        ByteCodes::of(&rows, 1, Control::none()).unwrap()
    } else {
        None
    };
    for kernels in Kernels::available() {
        let source = Source { rows: &rows, codes: codes.as_ref(), metric, kernels };
        let expected = oracle(source, &rows, true, k);
        for threads in [1, 3] {
            let found = graph(source, k, threads, Control::none()).unwrap();
            assert_eq!(ids(&found), expected, "{title}, {name}, graph, {:?}, {threads} threads", kernels.isa);
        }
        let expected = oracle(source, &rows, false, k);
        let found = batch(source, &rows, codes.as_ref(), k, 2, Control::none()).unwrap();
        assert_eq!(ids(&found), expected, "{title}, {name}, batch, {:?}", kernels.isa);
    }
}

#[test]
fn all_metrics_equal_brute_force() {
    for name in ["euclidean", "sqeuclidean", "manhattan", "chebyshev", "cosine", "correlation", "hamming"] {
        check("uniform 700 x 19", uniform(700, 19, 1), name, 9);
    }
}

#[test]
fn integer_rows_equal_brute_force() {
    let mut rng = Rng::new(2);
    let values: Vec<f32> = (0..900 * 33).map(|_| (rng.below(200) as f32) - 50.0).collect();
    check("integers with an offset", Rows::from_slice(&values, 33).unwrap(), "euclidean", 15);
    let ties: Vec<f32> = (0..900 * 4).map(|_| rng.below(3) as f32).collect();
    check("integers with many ties", Rows::from_slice(&ties, 4).unwrap(), "euclidean", 15);
}

#[test]
fn rows_far_from_the_origin_equal_brute_force() {
    let mut rng = Rng::new(3);
    let values: Vec<f32> = (0..600 * 24).map(|_| 1.0e5 + rng.unit()).collect();
    check("offset 1e5", Rows::from_slice(&values, 24).unwrap(), "euclidean", 10);
}

#[test]
fn mixed_scales_equal_brute_force() {
    let mut rng = Rng::new(4);
    let values: Vec<f32> = (0..600 * 24).map(|i| rng.unit() * 10f32.powi(i / 24 % 7 * 2 - 6)).collect();
    check("scales 1e-6 to 1e6", Rows::from_slice(&values, 24).unwrap(), "euclidean", 10);
}

#[test]
fn values_too_large_for_products_equal_brute_force() {
    let mut rng = Rng::new(5);
    let values: Vec<f32> = (0..300 * 8).map(|_| rng.unit() * 1e18).collect();
    check("values of 1e18", Rows::from_slice(&values, 8).unwrap(), "euclidean", 5);
}

#[test]
fn duplicates_are_found_in_order_of_id() {
    let base = uniform(40, 7, 6);
    let values: Vec<f32> = (0..600).flat_map(|i| base.row(i % 40)[..7].to_vec()).collect();
    check("15-fold duplicates", Rows::from_slice(&values, 7).unwrap(), "euclidean", 20);
}

#[test]
fn fewer_rows_than_neighbours_leave_cells_empty() {
    for n in [1, 2, 3] {
        check("few rows", uniform(n, 5, 7), "euclidean", 10);
    }
}

#[test]
fn a_cancel_stops_the_tiles() {
    let rows = uniform(2000, 64, 8);
    let metric = Metric::resolve("euclidean", None).unwrap();
    let source = Source { rows: &rows, codes: None, metric, kernels: Kernels::detect() };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tiles = std::sync::atomic::AtomicU64::new(0);
    let report = |progress: crate::Progress| {
        tiles.store(progress.done, std::sync::atomic::Ordering::Relaxed);
        stop.store(progress.done >= 3, std::sync::atomic::Ordering::Relaxed);
    };
    assert_eq!(graph(source, 5, 1, Control::new(&stop, &report)).unwrap_err().code(), "ERR_CANCELLED");
    assert_eq!(tiles.into_inner(), 3);
}
