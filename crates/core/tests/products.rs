//! Largest inner products: no distance, found by walks nevertheless.

mod support;

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Query, Rows};

const DIM: usize = 24;

/// Seeded rows around 40 centres, of very different lengths.
fn rows(n: usize, seed: u64) -> Rows {
    let mut unit = support::uniform(seed);
    let centre = |i: usize, j: usize| ((i % 40 * 31 + j * 17) % 23) as f32 / 11.5 - 1.0;
    let values: Vec<f32> =
        (0..n * DIM).map(|at| (centre(at / DIM, at % DIM) + unit() - 0.5) * (1.0 + (at / DIM % 7) as f32)).collect();
    Rows::from_slice(&values, DIM).unwrap()
}

fn options(algorithm: Algorithm) -> Options {
    let metric = Metric::resolve("inner_product", MetricParams::default(), DIM).unwrap();
    Options { algorithm, n_neighbors: 11, m: 8, threads: 2, ..Options::new(metric) }
}

fn index(n: usize, algorithm: Algorithm) -> Index {
    Index::new(rows(n, 1), options(algorithm)).unwrap()
}

#[test]
fn walks_find_the_largest_products_also_after_updates() {
    let query = Query { k: 10, ef: 60 };
    let [exact, walked] = [Algorithm::Exact, Algorithm::Hnsw].map(|algorithm| index(4000, algorithm));
    walked.prepare(Control::none()).unwrap();
    for round in 0..2 {
        let [truth, found] = [&exact, &walked].map(|index| index.query(rows(300, 2), query, Control::none()).unwrap());
        let hits: usize = (0..300).map(|q| found.row(q).1.iter().filter(|&&d| d <= truth.row(q).1[9]).count()).sum();
        assert!(hits >= 2850, "round {round}: {hits} of 3000");
        for index in [&exact, &walked] {
            let changes =
                Changes { fresh: Some(rows(400, 5).into()), ..Changes::replaced((0..300).collect(), rows(300, 6)) };
            index.update(changes, Control::none()).unwrap();
        }
    }
}

#[test]
fn graphs_of_walks_come_close_to_exact_ones_and_say_how_close() {
    let [exact, walked] = [Algorithm::Exact, Algorithm::Hnsw].map(|algorithm| index(3000, algorithm));
    let [truth, found] = [&exact, &walked].map(|index| index.neighbor_graph(Control::none()).unwrap());
    assert_eq!(walked.plan().neighbor_graph.reason, "asked for", "all pairs were not needed");
    let within = |row: usize| found.row(row).1[1..].iter().filter(|&&d| d <= truth.row(row).1[10]).count();
    let recall = (0..3000).map(within).sum::<usize>() as f64 / 30_000.0;
    assert!(recall >= 0.97, "{recall}");
    let told = walked.plan().neighbor_graph.recall.unwrap();
    assert!((told - recall).abs() < 0.02, "{told}, {recall}");
    assert!((0..3000).all(|row| found.row(row).0[0] == row as i32 && found.row(row).1[1..].is_sorted()));
}

#[test]
fn where_walks_miss_the_least_recall_all_pairs_are_compared() {
    let [exact, walked] = [Algorithm::Exact, Algorithm::Hnsw].map(|algorithm| {
        // Noise, and few links.
        let mut unit = support::uniform(3);
        let rows = Rows::from_slice(&(0..4000 * DIM).map(|_| unit() - 0.5).collect::<Vec<_>>(), DIM).unwrap();
        Index::new(rows, Options { m: 4, graph_recall: 1.0, ..options(algorithm) }).unwrap()
    });
    let [truth, found] = [&exact, &walked].map(|index| index.neighbor_graph(Control::none()).unwrap());
    assert_eq!(found, truth);
    let plan = walked.plan().neighbor_graph;
    assert_eq!((plan.algorithm, plan.recall), ("approximate", Some(1.0)));
    assert!(plan.reason.ends_with("all pairs were compared after all"), "{}", plan.reason);
}
