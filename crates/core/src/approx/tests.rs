//! Recall against brute force, and equality over threads.

use super::*;
use crate::exact;
use crate::points::Points;
use crate::testing::{Rng, clustered, dense, metric, sparse, uniform};
use hnsw_kernels::Kernels;

fn run_on(title: &str, rows: &mut Points, name: &str, k: usize, floor: f64) {
    let metric = metric(name, rows.dim());
    metric.transform(rows, 1, Control::none()).unwrap();
    let codes = rows.dense().and_then(|rows| crate::code::ByteCodes::of(rows, 1, Control::none()).unwrap());
    let source = Source { rows, codes: codes.as_ref(), coarse: None, metric, kernels: Kernels::detect() };
    let (truth, _) = exact::graph(source, k, 2, Control::none()).unwrap();
    let of = |threads| {
        let options = Options { threads, ..Options::new(metric.clone()) };
        super::graph(source, None, &options, k, Control::none()).unwrap()
    };
    let (found, estimate) = of(1);
    assert_eq!(found, of(3).0, "{title}, {name}: threads");
    let (mut hits, mut total) = (0, 0);
    for row in 0..rows.len() {
        let farthest = truth.row(row).next_back().map_or(0.0, |(_, proxy)| proxy);
        hits += found.row(row).filter(|&(_, proxy)| proxy <= farthest).count();
        total += truth.row(row).count();
        assert!(found.row(row).all(|(id, _)| id as usize != row));
    }
    let recall = hits as f64 / total.max(1) as f64;
    assert!(recall >= floor, "{title}, {name}: {recall}");
    assert!((recall - estimate.recall).abs() < 0.02, "{title}, {name}: {recall}, estimated {estimate:?}");
}

#[test]
fn all_metrics_reach_the_target() {
    for name in ["euclidean", "cosine", "manhattan", "correlation"] {
        run_on("uniform 3000 x 10", &mut uniform(3000, 10, 1), name, 14, 0.985);
    }
    run_on("sparse", &mut sparse(1000, 60, 8, 5).into(), "euclidean", 14, 0.98);
}

#[test]
fn clusters_and_integers_reach_the_target() {
    run_on("clusters", &mut clustered(4000, 24, 40, 2), "euclidean", 14, 0.99);
    let mut rng = Rng::new(3);
    let values: Vec<f32> = (0..3000 * 12).map(|_| rng.below(16) as f32).collect();
    run_on("integers", &mut dense(&values, 12), "euclidean", 14, 0.985);
}

#[test]
fn few_rows_and_many_copies_are_no_trouble() {
    for n in [2, 3, 100] {
        run_on("few rows", &mut uniform(n, 4, 4), "euclidean", 14, 0.99);
    }
    let values: Vec<f32> = (0..2000).flat_map(|i| [(i / 500) as f32 * 0.5, 1.5]).collect();
    run_on("500-fold copies", &mut dense(&values, 2), "euclidean", 14, 0.99);
}

#[test]
fn where_rounds_end_below_the_least_recall_all_pairs_are_compared() {
    // Noise in many dimensions: hardly any two rows have neighbours in common.
    let rows = uniform(3000, 100, 5);
    let metric = metric("manhattan", 100);
    let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels: Kernels::detect() };
    let (truth, _) = exact::graph(source, 10, 2, Control::none()).unwrap();
    for (graph_recall, exact) in [(0.5, false), (1.0, true)] {
        let options = Options { threads: 2, n_iters: 1, graph_recall, ..Options::new(metric.clone()) };
        let (found, reached) = super::graph(source, None, &options, 10, Control::none()).unwrap();
        assert_eq!(reached.exact, exact, "{reached:?} of {graph_recall}");
        assert!(reached.recall >= graph_recall, "{reached:?} of {graph_recall}");
        assert_eq!(found == truth, exact, "{graph_recall}");
    }
}
