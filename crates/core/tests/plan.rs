//! What an index says of what it did.

mod support;

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};

fn rows(n: usize, dim: usize, seed: u64) -> Rows {
    let mut unit = support::uniform(seed);
    Rows::from_slice(&(0..n * dim).map(|_| unit()).collect::<Vec<_>>(), dim).unwrap()
}

fn index(n: usize, dim: usize, algorithm: Algorithm) -> Index {
    let metric = Metric::resolve("euclidean", MetricParams::default(), dim).unwrap();
    Index::new(rows(n, dim, 1), Options { algorithm, n_neighbors: 10, m: 8, ..Options::new(metric) }).unwrap()
}

#[test]
fn the_plan_tells_of_the_last_query_call() {
    let index = index(2000, 16, Algorithm::Auto);
    assert!(index.plan().query.reason.starts_with("1 query:"));
    index.query(rows(5000, 16, 2), Query { k: 10, ef: 60 }, Control::none()).unwrap();
    assert!(index.plan().query.reason.starts_with("5000 queries:"), "{}", index.plan().query.reason);
}

#[test]
fn a_forced_graph_for_which_all_pairs_were_compared_says_so() {
    // So few rows that a graph of anything less is no gain.
    let index = index(200, 8, Algorithm::Hnsw);
    let planned = index.plan().neighbor_graph;
    assert_eq!((planned.algorithm, planned.reason.as_str(), planned.recall), ("approximate", "asked for", None));
    index.neighbor_graph(Control::none()).unwrap();
    let made = index.plan().neighbor_graph;
    let reason = "asked for; all pairs were compared after all";
    assert_eq!((made.algorithm, made.reason.as_str(), made.recall), ("approximate", reason, Some(1.0)));
    assert!(made.seconds.is_some());
}

#[test]
fn a_dump_keeps_what_a_graph_ran_on() {
    // A cloud of many dimensions: bytes hardly tell its rows apart.
    let index = index(1500, 64, Algorithm::Exact);
    index.neighbor_graph(Control::none()).unwrap();
    let dump = index.dump(true, Control::none()).unwrap();
    let restored = Index::restore(&dump, index.options().threads, Control::none()).unwrap();
    assert_eq!(restored.plan().neighbor_graph, index.plan().neighbor_graph);
}
