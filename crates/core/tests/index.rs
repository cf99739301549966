//! The index as its callers see it.

mod support;

use hnsw_core::{
    Algorithm, Changes, Control, Error, Index, Metric, MetricParams, Neighbors, Options, Query, Rows, SparseRows,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Auto, Algorithm::Exact, Algorithm::Hnsw];

/// Seeded uniform values in [0, 1).
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut unit = support::uniform(seed);
    (0..count).map(|_| unit()).collect()
}

fn rows(n: usize, dim: usize, seed: u64) -> Rows {
    Rows::from_slice(&values(n * dim, seed), dim).unwrap()
}

fn metric(name: &str, dim: usize) -> Metric {
    Metric::resolve(name, MetricParams::default(), dim).unwrap()
}

fn options(algorithm: Algorithm, dim: usize) -> Options {
    Options { algorithm, n_neighbors: 10, m: 8, ..Options::new(metric("euclidean", dim)) }
}

fn index(n: usize, dim: usize, algorithm: Algorithm) -> Index {
    Index::new(rows(n, dim, 1), options(algorithm, dim)).unwrap()
}

type Call<'a> = dyn Fn(Control<'_>) -> Result<(), Error> + 'a;

/// Share of the distances of `found` that are within the k-th of `truth`.
fn recall(found: &Neighbors, truth: &Neighbors) -> f64 {
    let within = |row: usize| {
        let worst = truth.row(row).1[truth.k - 1];
        found.row(row).1.iter().filter(|&&d| d <= worst).count()
    };
    (0..truth.rows).map(within).sum::<usize>() as f64 / truth.distances.len() as f64
}

#[test]
fn every_row_is_its_own_first_neighbour() {
    for algorithm in ALGORITHMS {
        let graph = index(700, 6, algorithm).neighbor_graph(Control::none()).unwrap();
        for row in 0..700 {
            let (ids, distances) = graph.row(row);
            assert_eq!((ids[0], distances[0]), (row as i32, 0.0));
            assert!(distances.is_sorted() && ids[1..].iter().all(|&id| id != row as i32 && id >= 0));
        }
    }
}

#[test]
fn approximate_products_come_close_to_exact_ones() {
    let exact = index(3000, 8, Algorithm::Exact);
    let walked = index(3000, 8, Algorithm::Hnsw);
    let graphs = [&exact, &walked].map(|index| index.neighbor_graph(Control::none()).unwrap());
    assert!(recall(&graphs[1], &graphs[0]) >= 0.99);
    let query = Query { k: 10, ef: 100 };
    let answers = [&exact, &walked].map(|index| index.query(rows(200, 8, 2), query, Control::none()).unwrap());
    assert!(recall(&answers[1], &answers[0]) >= 0.99);
    let stats = walked.stats();
    assert_eq!((stats.unreachable, stats.search_builds, stats.graph_builds), (0, 1, 1));
    assert!(stats.distances < 200 * 3000, "{stats:?}");
}

#[test]
fn no_neighbours_asked_for_or_none_left_give_empty_or_padded_rows() {
    for algorithm in ALGORITHMS {
        let index = index(5, 3, algorithm);
        let none = index.query(rows(4, 3, 2), Query { k: 0, ef: 10 }, Control::none()).unwrap();
        assert_eq!((none.rows, none.k, none.indices.len()), (4, 0, 0));
        let padded = index.query(rows(2, 3, 2), Query { k: 8, ef: 1 }, Control::none()).unwrap();
        let (ids, distances) = padded.row(1);
        assert!(ids[..5].iter().all(|&id| id >= 0) && ids[5..] == [-1; 3], "{ids:?}");
        assert!(distances[4].is_finite() && distances[5..].iter().all(|d| *d == f32::INFINITY));
        let graph = index.neighbor_graph(Control::none()).unwrap();
        assert_eq!(graph.row(2).0[5..], [-1; 5]);
    }
}

#[test]
fn one_row_is_an_index() {
    for algorithm in ALGORITHMS {
        let index = index(1, 4, algorithm);
        assert_eq!(index.neighbor_graph(Control::none()).unwrap().row(0).0[..2], [0, -1]);
        index.prepare(Control::none()).unwrap();
        let found = index.query(rows(1, 4, 3), Query { k: 2, ef: 10 }, Control::none()).unwrap();
        assert_eq!(found.indices, [0, -1]);
    }
}

#[test]
fn rows_of_zeros_are_at_cosine_distance_one_from_everything() {
    for algorithm in ALGORITHMS {
        let mut data = values(400 * 4, 3);
        [5, 6, 399].into_iter().for_each(|row| data[row * 4..row * 4 + 4].fill(0.0));
        let metric = metric("cosine", 4);
        let options = Options { metric, ..options(algorithm, 4) };
        let index = Index::new(Rows::from_slice(&data, 4).unwrap(), options).unwrap();
        let graph = index.neighbor_graph(Control::none()).unwrap();
        assert_eq!(graph.row(6).0[..4], [6, 0, 1, 2]);
        assert_eq!(graph.row(6).1[..3], [0.0, 1.0, 1.0]);
        let zero = Rows::zeroed(1, 4).unwrap();
        let found = index.query(zero, Query { k: 3, ef: 9 }, Control::none()).unwrap();
        assert_eq!((found.row(0).0, found.row(0).1), (&[0, 1, 2][..], &[1.0; 3][..]));
    }
}

#[test]
fn sparse_rows_of_zeros_are_at_zero_from_each_other_and_at_one_from_all_others() {
    for algorithm in ALGORITHMS {
        let mut rows = SparseRows::with_capacity(300, 70, 900).unwrap();
        let columns = |i: u32| [i % 23, 23 + i % 19, 42 + i % 28];
        for i in 0..300 {
            let entries: &[u32] = if [7, 200].contains(&i) { &[] } else { &columns(i) };
            rows.push(&[entries.len() as u32], entries, &[0.3, 0.7, 0.1][..entries.len()]).unwrap();
        }
        let index = Index::new(rows, Options { metric: metric("cosine", 70), ..options(algorithm, 70) }).unwrap();
        let graph = index.neighbor_graph(Control::none()).unwrap();
        assert_eq!((&graph.row(200).0[..4], &graph.row(200).1[..4]), (&[200, 7, 0, 1][..], &[0.0, 0.0, 1.0, 1.0][..]));
        let mut zero = SparseRows::with_capacity(1, 70, 0).unwrap();
        zero.push(&[0], &[], &[]).unwrap();
        let found = index.query(zero, Query { k: 4, ef: 9 }, Control::none()).unwrap();
        assert_eq!((found.row(0).0, found.row(0).1), (&[7, 200, 0, 1][..], &[0.0, 0.0, 1.0, 1.0][..]));
    }
}

#[test]
fn threads_change_nothing() {
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let run = |threads| {
            let index = Index::new(rows(2500, 7, 1), Options { threads, ..options(algorithm, 7) }).unwrap();
            let graph = index.neighbor_graph(Control::none()).unwrap();
            let found = index.query(rows(300, 7, 2), Query { k: 10, ef: 50 }, Control::none()).unwrap();
            (graph, found)
        };
        assert_eq!(run(1), run(4));
    }
}

#[test]
fn wide_rows_linked_by_sketches_are_all_found_and_threads_change_nothing() {
    // 64 columns that hang on 6 numbers; every 1000th row is a copy of the first.
    let along = values(6 * 9000, 3);
    let basis = values(6 * 64, 4);
    let row = |i: usize| &along[6 * if i.is_multiple_of(1000) { 0 } else { i }..][..6];
    let column = |i: usize, j: usize| row(i).iter().zip(&basis[6 * j..]).map(|(a, b)| a * b).sum::<f32>();
    let all: Vec<f32> = (0..9000).flat_map(|i| (0..64).map(move |j| (i, j))).map(|(i, j)| column(i, j)).collect();
    let (kept, asked) = all.split_at(64 * 8500);
    let of = |algorithm, threads| {
        let options = Options { threads, ..options(algorithm, 64) };
        let index = Index::new(Rows::from_slice(kept, 64).unwrap(), options).unwrap();
        index.prepare(Control::none()).unwrap();
        index
    };
    let ask = |index: &Index| {
        let queries = Rows::from_slice(asked, 64).unwrap();
        index.query(queries, Query { k: 10, ef: 40 }, Control::none()).unwrap()
    };
    let [one, three] = [1, 3].map(|threads| of(Algorithm::Hnsw, threads));
    let found = ask(&one);
    assert_eq!(one.plan().query.codes, "u8 sketch");
    assert_eq!(one.stats().unreachable, 0);
    assert_eq!(found, ask(&three));
    let links = |index: &Index| (index.stats().mean_degree, index.stats().distances, index.stats().hops);
    assert_eq!(links(&one), links(&three));
    let recall = recall(&found, &ask(&of(Algorithm::Exact, 2)));
    assert!(recall >= 0.98, "{recall}");
}

#[test]
fn appended_rows_are_found_and_the_graph_is_not_stale() {
    for algorithm in ALGORITHMS {
        let index = index(600, 5, algorithm);
        index.neighbor_graph(Control::none()).unwrap();
        index.prepare(Control::none()).unwrap();
        for round in 0..5 {
            index.update(Changes::fresh(rows(120, 5, 10 + round)), Control::none()).unwrap();
        }
        assert_eq!(index.len(), 1200);
        let found = index.query(rows(120, 5, 14), Query { k: 1, ef: 50 }, Control::none()).unwrap();
        assert_eq!(found.indices, (1080..1200).collect::<Vec<i32>>());
        assert_eq!(index.neighbor_graph(Control::none()).unwrap().rows, 1200);
        assert_eq!(index.stats().unreachable, 0);
    }
}

#[test]
fn a_refused_update_changes_nothing() {
    let index = index(300, 5, Algorithm::Hnsw);
    index.prepare(Control::none()).unwrap();
    let before = index.stats();
    assert_eq!(
        index.update(Changes::fresh(rows(3, 4, 1)), Control::none()).unwrap_err().code(),
        "ERR_DIMENSION_MISMATCH"
    );
    let stop = AtomicBool::new(true);
    let cancelled = index.update(Changes::fresh(rows(30, 5, 2)), Control::new(&stop, &|_| {}));
    assert_eq!(cancelled.unwrap_err(), Error::Cancelled);
    for (ids, count, code) in
        [(vec![300], 1, "ERR_UNKNOWN_ID"), (vec![1, 2], 1, "ERR_INVALID_ARGUMENT"), (vec![], 0, "ERR_EMPTY_INDEX")]
    {
        let refused = index.update(Changes::replaced(ids, rows(count, 5, 3)), Control::none()).unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let both = Changes { fresh: Some(rows(30, 5, 3).into()), ..Changes::replaced(vec![7], rows(1, 5, 4)) };
    assert_eq!(index.update(both, Control::new(&stop, &|_| {})).unwrap_err(), Error::Cancelled);
    let row = index.query(rows(1, 5, 4), Query { k: 1, ef: 100 }, Control::none()).unwrap();
    assert!(row.distances[0] > 0.0, "a row of a refused update is there");
    let before = hnsw_core::Stats {
        searches: before.searches + 1,
        distances: index.stats().distances,
        hops: index.stats().hops,
        ..before
    };
    // Room that was made for the rows may stay.
    assert_eq!(hnsw_core::Stats { rows_bytes: before.rows_bytes, ..index.stats() }, before);
}

#[test]
fn every_long_call_can_be_cancelled_midway() {
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = index(5000, 24, algorithm);
        let calls: [(&str, &Call<'_>); 3] = [
            ("neighbor_graph", &|c| index.neighbor_graph(c).map(|_| ())),
            ("query", &|c| index.query(rows(3000, 24, 2), Query { k: 10, ef: 300 }, c).map(|_| ())),
            ("update", &|c| index.update(Changes::fresh(rows(2000, 24, 3)), c).map(|_| ())),
        ];
        for (name, call) in calls {
            if name == "update" {
                index.prepare(Control::none()).unwrap();
            }
            let (stop, reports) = (AtomicBool::new(false), AtomicU64::new(0));
            let report = |_| stop.store(reports.fetch_add(1, Ordering::Relaxed) >= 2, Ordering::Relaxed);
            let outcome = call(Control::new(&stop, &report));
            // An update of an index without a graph is a copy, over before anyone could cancel it.
            let instant = name == "update" && algorithm == Algorithm::Exact;
            assert_eq!(outcome.is_err(), !instant, "{name}, {algorithm:?}");
        }
    }
}

#[test]
fn progress_never_goes_back_within_a_phase() {
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(rows(5000, 8, 1), Options { threads: 1, ..options(algorithm, 8) }).unwrap();
        let calls: [(&str, &Call<'_>); 3] = [
            ("neighbor_graph", &|c| index.neighbor_graph(c).map(|_| ())),
            ("query", &|c| index.query(rows(40_000, 8, 2), Query { k: 3, ef: 10 }, c).map(|_| ())),
            ("update", &|c| index.update(Changes::fresh(rows(1000, 8, 3)), c).map(|_| ())),
        ];
        for (name, call) in calls {
            let ended: Mutex<Vec<hnsw_core::Progress>> = Mutex::default();
            let report = |p: hnsw_core::Progress| {
                let mut ended = ended.lock().unwrap();
                assert!(p.done <= p.total, "{name}: {p:?}");
                match ended.last_mut() {
                    Some(last) if last.phase == p.phase => {
                        assert!(last.done <= p.done, "{name}: {last:?}, then {p:?}");
                        *last = p;
                    }
                    _ => {
                        assert!(ended.iter().all(|e| e.phase != p.phase), "{name}: {p:?} again after {ended:?}");
                        ended.push(p);
                    }
                }
            };
            call(Control::new(&AtomicBool::new(false), &report)).unwrap();
            assert!(name == "update" || !ended.into_inner().unwrap().is_empty(), "{name}, {algorithm:?}");
        }
    }
}

#[test]
fn many_threads_share_one_index() {
    let index = index(2000, 6, Algorithm::Hnsw);
    let query = Query { k: 5, ef: 40 };
    let alone = index.query(rows(50, 6, 9), query, Control::none()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(index.query(rows(50, 6, 9), query, Control::none()).unwrap(), alone));
        }
    });
    assert_eq!(index.stats().search_builds, 1);
}

#[test]
fn a_cancelled_build_gives_no_index() {
    let stop = AtomicBool::new(true);
    for name in ["euclidean", "cosine"] {
        let options = Options::new(metric(name, 24));
        let built = Index::build(rows(3000, 24, 1), options, Control::new(&stop, &|_| {}));
        assert_eq!(built.err(), Some(Error::Cancelled), "{name}");
    }
}

#[test]
fn refuses_what_it_cannot_do_by_code() {
    let code = |result: Result<Index, Error>| result.err().map(|e| e.code());
    assert_eq!(code(Index::new(Rows::zeroed(0, 3).unwrap(), options(Algorithm::Auto, 3))), Some("ERR_EMPTY_INDEX"));
    let bad = Options { n_neighbors: 0, ..options(Algorithm::Auto, 3) };
    assert_eq!(code(Index::new(rows(3, 3, 1), bad)), Some("ERR_INVALID_ARGUMENT"));
    let wrong = index(5, 3, Algorithm::Auto).query(rows(1, 4, 1), Query { k: 1, ef: 1 }, Control::none());
    assert_eq!(wrong.unwrap_err().code(), "ERR_DIMENSION_MISMATCH");
    assert_eq!(Rows::zeroed(1, 0).err().map(|e| e.code()), Some("ERR_INVALID_ARGUMENT"));
}
