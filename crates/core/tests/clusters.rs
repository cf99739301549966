//! Rows in clusters with nothing between them: walks get from one to another.

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Neighbors, Options, Query, Rows};

mod support;

const ROWS: usize = 10_000;
const QUERIES: usize = 1000;
const DIM: usize = 64;
const CLUSTERS: usize = 50;
/// Directions in which the rows of a cluster differ.
const INTRINSIC: usize = 16;

/// Rows of the mixture from the `first` on, `count` of them.
fn mixture(first: usize, count: usize) -> Rows {
    let mut uniform = support::uniform(7);
    let mut normal = move || ((0..6).map(|_| uniform()).sum::<f32>() - 3.0) * std::f32::consts::SQRT_2;
    let centres: Vec<f32> = (0..CLUSTERS * DIM).map(|_| normal()).collect();
    let bases: Vec<f32> = (0..CLUSTERS * INTRINSIC * DIM).map(|_| normal() / 4.0).collect();
    let mut all = Vec::with_capacity((first + count) * DIM);
    for row in 0..first + count {
        let cluster = row * 31 % CLUSTERS;
        let inner: Vec<f32> = (0..INTRINSIC).map(|_| normal()).collect();
        for column in 0..DIM {
            let of = |k: usize| bases[(cluster * INTRINSIC + k) * DIM + column];
            let along: f32 = inner.iter().enumerate().map(|(k, v)| v * of(k)).sum();
            all.push(centres[cluster * DIM + column] + along + 0.05 * normal());
        }
    }
    Rows::from_slice(&all[first * DIM..], DIM).unwrap()
}

fn index(metric: &str, algorithm: Algorithm) -> Index {
    let metric = Metric::resolve(metric, MetricParams::default(), DIM).unwrap();
    Index::new(mixture(0, ROWS), Options { algorithm, m: 16, ..Options::new(metric) }).unwrap()
}

/// Queries that miss every one of their neighbours.
fn lost(index: &Index, exact: &Index) -> usize {
    let asked = |index: &Index| -> Neighbors {
        index.query(mixture(ROWS, QUERIES), Query { k: 10, ef: 32 }, Control::none()).unwrap()
    };
    let (found, truth) = (asked(index), asked(exact));
    (0..QUERIES).filter(|&row| !truth.row(row).0.iter().any(|id| found.row(row).0.contains(id))).count()
}

#[test]
fn no_query_is_caught_in_the_wrong_cluster() {
    // By sketches, and by the rows.
    for metric in ["euclidean", "manhattan"] {
        let (index, exact) = (index(metric, Algorithm::Hnsw), index(metric, Algorithm::Exact));
        assert_eq!(lost(&index, &exact), 0, "{metric}");
        for part in 0..3 {
            // Some of every cluster.
            let gone: Vec<u32> = (0..ROWS as u32).filter(|id| (id / 50) % 10 == part).collect();
            for index in [&index, &exact] {
                index.update(Changes::removed(gone.clone()), Control::none()).unwrap();
                let fresh = mixture(ROWS + QUERIES + gone.len() * part as usize, gone.len());
                index.update(Changes::fresh(fresh), Control::none()).unwrap();
            }
            let lost = lost(&index, &exact);
            assert!(lost <= QUERIES / 500, "{metric}, {part}: {lost}");
        }
    }
}
