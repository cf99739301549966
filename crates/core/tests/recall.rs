//! What an index says of its own recall, against brute force.

mod support;

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Query, Rows};

const DIM: usize = 16;

fn index(n: usize, algorithm: Algorithm) -> Index {
    let mut unit = support::uniform(3);
    let values: Vec<f32> = (0..n * DIM).map(|_| unit()).collect();
    let metric = Metric::resolve("euclidean", MetricParams::default(), DIM).unwrap();
    let options = Options { algorithm, n_neighbors: 11, m: 8, threads: 2, ..Options::new(metric) };
    Index::new(Rows::from_slice(&values, DIM).unwrap(), options).unwrap()
}

#[test]
fn what_it_says_of_all_rows_is_what_queries_of_all_rows_find() {
    let (index, truth) = (index(3000, Algorithm::Hnsw), index(3000, Algorithm::Exact));
    let mut unit = support::uniform(3);
    let values: Vec<f32> = (0..3000 * DIM).map(|_| unit()).collect();
    for ef in [11, 40, 200] {
        let said = index.recall(3000, Query { k: 10, ef }, Control::none()).unwrap();
        let graph = truth.neighbor_graph(Control::none()).unwrap();
        let rows = Rows::from_slice(&values, DIM).unwrap();
        let found = index.query(rows, Query { k: 11, ef }, Control::none()).unwrap();
        let hits = |row: usize| {
            let (ids, distances) = found.row(row);
            let others = ids.iter().zip(distances).filter(|&(&id, _)| id != row as i32).take(10);
            others.filter(|&(_, distance)| *distance <= graph.row(row).1[10]).count()
        };
        let recall = (0..3000).map(hits).sum::<usize>() as f64 / 30_000.0;
        assert!((said.recall - recall).abs() < 1e-9, "{said:?}, {recall} found");
        let of_all = said.recall;
        assert_eq!((said.low, said.high, said.exact, said.ef), (of_all, of_all, false, ef.max(11)));
    }
    let [few, many] = [11, 200].map(|ef| index.recall(500, Query { k: 10, ef }, Control::none()).unwrap());
    assert!(few.recall < many.recall && few.distance_error > many.distance_error, "{few:?} {many:?}");
    assert!(few.low < few.recall && few.recall < few.high, "{few:?}");
}

#[test]
fn an_exact_index_has_all_and_wrong_questions_are_refused() {
    let index = index(400, Algorithm::Exact);
    let said = index.recall(100, Query { k: 10, ef: 10 }, Control::none()).unwrap();
    assert_eq!((said.recall, said.low, said.exact, said.distance_error), (1.0, 1.0, true, Some(0.0)));
    for (sample, k) in [(0, 10), (10, 0), (10, 400)] {
        let error = index.recall(sample, Query { k, ef: 10 }, Control::none()).unwrap_err();
        assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
    }
    index.update(Changes::removed((0..350).collect()), Control::none()).unwrap();
    assert_eq!(index.recall(100, Query { k: 10, ef: 10 }, Control::none()).unwrap().sample, 50);
}
