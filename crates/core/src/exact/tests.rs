//! Every way of computing tiles against a plain f64 double loop.

use super::*;
use crate::testing::{Rng, dense, metric, sparse, uniform};

/// Brute force: ids by (f32 pair proxy, id).
fn oracle(source: Source<'_>, queries: &Points, same: bool, k: usize) -> Vec<Vec<u32>> {
    let pair = source.pair();
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

/// What is within a limit is found and nothing of it is missing, whatever tiles serve the metric.
fn check_limits(title: &str, mut rows: Points, name: &str) {
    let metric = metric(name, rows.dim());
    metric.transform(&mut rows, 1, Control::none()).unwrap();
    let queries = rows.part(0..40).unwrap().unwrap();
    for kernels in Kernels::available() {
        let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
        let pair = source.pair();
        let all = |query: usize| -> Vec<(f32, u32)> {
            let proxy = |id: u32| pair.one(queries.row(query), rows.row(id as usize));
            let mut all: Vec<(f32, u32)> = (0..rows.len() as u32).map(|id| (proxy(id), id)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all
        };
        // The limit is a distance that occurs: none, one, some or more than `keep` rows are within it.
        let limits: Vec<f32> =
            (0..40).map(|query| if query % 8 == 7 { -9e9 } else { all(query)[query * 7 % 200].0 }).collect();
        for (few, keep) in [(40, 100), (40, rows.len()), (3, 100)] {
            let part = queries.part(0..few).unwrap();
            let part = part.as_ref().unwrap_or(&queries);
            let limits = &limits[..few];
            let (found, _) = within(source, part, None, Some(limits), keep, 2, Control::none()).unwrap();
            for (query, &limit) in limits.iter().enumerate() {
                let near = |hit: &(u32, f32)| hit.1 <= limit;
                let seen: Vec<u32> = found.row(query).take_while(near).map(|(id, _)| id).collect();
                let there = all(query).into_iter().filter(|hit| hit.0 <= limit).take(keep);
                let expected: Vec<u32> = there.map(|(_, id)| id).collect();
                assert_eq!(seen, expected, "{title}, {name}, {:?}, query {query} of {few}", kernels.isa);
            }
        }
    }
}

#[test]
fn a_limit_leaves_out_what_is_above_it_and_nothing_else() {
    for name in ["euclidean", "cosine", "manhattan", "canberra", "inner_product", "jaccard", "tsss", "hamming"] {
        check_limits("uniform", uniform(900, 13, 31), name);
    }
    for name in ["euclidean", "jaccard", "correlation", "manhattan"] {
        check_limits("sparse", sparse(700, 90, 6, 32).into(), name);
    }
    let mut rng = Rng::new(33);
    let whole: Vec<f32> = (0..900 * 9).map(|_| rng.below(40) as f32).collect();
    check_limits("integers", dense(&whole, 9), "euclidean");
}

/// Runs graph and batch in every instruction set, 1 and 3 threads, and compares with the oracle.
fn check(title: &str, mut rows: Points, name: &str, k: usize) {
    let metric = metric(name, rows.dim());
    metric.transform(&mut rows, 1, Control::none()).unwrap();
    let codes = rows
        .dense()
        .filter(|_| metric.keeps_values())
        .and_then(|rows| ByteCodes::of(rows, 1, Control::none()).unwrap());
    for kernels in Kernels::available() {
        let source = Source { rows: &rows, codes: codes.as_ref(), coarse: None, metric, kernels };
        let expected = oracle(source, &rows, true, k);
        for threads in [1, 3] {
            let (found, _) = graph(source, k, threads, Control::none()).unwrap();
            assert_eq!(ids(&found), expected, "{title}, {name}, graph, {:?}, {threads} threads", kernels.isa);
        }
        let expected = oracle(source, &rows, false, k);
        let (found, _) = batch(source, &rows, codes.as_ref(), k, 2, Control::none()).unwrap();
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
    check("integers with an offset", dense(&values, 33), "euclidean", 15);
    let ties: Vec<f32> = (0..900 * 4).map(|_| rng.below(3) as f32).collect();
    check("integers with many ties", dense(&ties, 4), "euclidean", 15);
}

#[test]
fn rows_far_from_the_origin_equal_brute_force() {
    let mut rng = Rng::new(3);
    let values: Vec<f32> = (0..600 * 24).map(|_| 1.0e5 + rng.unit()).collect();
    check("offset 1e5", dense(&values, 24), "euclidean", 10);
}

#[test]
fn mixed_scales_equal_brute_force() {
    let mut rng = Rng::new(4);
    let values: Vec<f32> = (0..600 * 24).map(|i| rng.unit() * 10f32.powi(i / 24 % 7 * 2 - 6)).collect();
    check("scales 1e-6 to 1e6", dense(&values, 24), "euclidean", 10);
}

#[test]
fn values_too_large_for_products_equal_brute_force() {
    let mut rng = Rng::new(5);
    let values: Vec<f32> = (0..300 * 8).map(|_| rng.unit() * 1e18).collect();
    check("values of 1e18", dense(&values, 8), "euclidean", 5);
}

#[test]
fn duplicates_are_found_in_order_of_id() {
    let base = uniform(40, 7, 6);
    let copied: Vec<u32> = (0..600).map(|i| i % 40).collect();
    check("15-fold duplicates", base.subset(&copied).unwrap(), "euclidean", 20);
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
    let source =
        Source { rows: &rows, codes: None, coarse: None, metric: metric("euclidean", 64), kernels: Kernels::detect() };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tiles = std::sync::atomic::AtomicU64::new(0);
    let report = |progress: crate::Progress| {
        tiles.store(progress.done, std::sync::atomic::Ordering::Relaxed);
        stop.store(progress.done >= 3, std::sync::atomic::Ordering::Relaxed);
    };
    assert_eq!(graph(source, 5, 1, Control::new(&stop, &report)).unwrap_err().code(), "ERR_CANCELLED");
    assert_eq!(tiles.into_inner(), 3);
}

#[test]
fn sparse_rows_equal_brute_force() {
    for (dim, every) in [(40, 3), (3000, 100)] {
        for name in ["euclidean", "cosine", "jaccard", "russellrao", "correlation"] {
            check("sparse", sparse(600, dim, every, 9).into(), name, 9);
        }
    }
}

#[test]
fn sparse_products_are_those_of_dense_rows() {
    let rows = sparse(300, 50, 4, 10);
    let values: Vec<f32> = (0..300)
        .flat_map(|i| {
            let row = rows.row(i);
            let mut values = vec![0.0; 50];
            row.indices.iter().zip(row.values).for_each(|(&column, &value)| values[column as usize] = value);
            values
        })
        .collect();
    for name in ["euclidean", "cosine"] {
        let metric = metric(name, 50);
        let found = [sparse(300, 50, 4, 10).into(), dense(&values, 50)].map(|mut rows: Points| {
            metric.transform(&mut rows, 1, Control::none()).unwrap();
            let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels: Kernels::detect() };
            graph(source, 7, 2, Control::none()).unwrap().0
        });
        for (a, b) in found[0].proxies.iter().zip(&found[1].proxies) {
            assert!((a - b).abs() <= 1e-5, "{name}: {a} and {b}");
        }
    }
}
