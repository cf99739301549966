//! An index that changes against one that is built from the same rows.

mod support;

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Points, Query, Rows, SparseRows};

const DIM: usize = 12;

/// Seeded rows in 20 clusters.
fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut unit = support::uniform(seed);
    (0..n)
        .flat_map(|i| (0..DIM).map(|j| ((i % 20 * 7 + j * 3) % 11) as f32 * 0.4 + unit()).collect::<Vec<f32>>())
        .collect()
}

fn rows(values: &[f32]) -> Rows {
    Rows::from_slice(values, DIM).unwrap()
}

fn options(algorithm: Algorithm) -> Options {
    let metric = Metric::resolve("euclidean", MetricParams::default(), DIM).unwrap();
    Options { algorithm, n_neighbors: 15, m: 8, threads: 2, ..Options::new(metric) }
}

/// Share of the 10 nearest rows found, and distances computed, for 300 queries.
fn recall(index: &Index, all: &[f32]) -> (f64, u64) {
    let queries = values(300, 99);
    let exact = Index::new(rows(all), options(Algorithm::Exact)).unwrap();
    let query = Query { k: 10, ef: 32 };
    let truth = exact.query(rows(&queries), query, Control::none()).unwrap();
    let before = index.stats().distances;
    let found = index.query(rows(&queries), query, Control::none()).unwrap();
    let hits: usize = (0..300).map(|q| found.row(q).1.iter().filter(|d| **d <= truth.row(q).1[9]).count()).sum();
    (hits as f64 / 3000.0, index.stats().distances - before)
}

/// Changes the rows, and says how.
type Round = fn(&mut Vec<f32>, u64) -> Changes;

/// Applies the same changes to a walked index; compares it with a fresh one.
fn check(first: usize, rounds: &[Round]) {
    let mut all = values(first, 1);
    let index = Index::new(rows(&all), options(Algorithm::Hnsw)).unwrap();
    index.prepare(Control::none()).unwrap();
    for (round, change) in (2..).zip(rounds) {
        index.neighbor_graph(Control::none()).unwrap();
        index.update(change(&mut all, round), Control::none()).unwrap();
        assert!(!index.stats().graph_ready, "a stale graph");
    }
    let stats = index.stats();
    assert_eq!((stats.search_builds, stats.unreachable, stats.rows), (1, 0, all.len() / DIM));
    let fresh = Index::new(rows(&all), options(Algorithm::Hnsw)).unwrap();
    let ((changed, work), (built, fresh_work)) = (recall(&index, &all), recall(&fresh, &all));
    assert!(changed >= built - 0.01, "recall {changed} after updates, {built} of a fresh build");
    assert!(work <= fresh_work * 5 / 4, "{work} distances after updates, {fresh_work} in a fresh build");
    let exact = Index::new(rows(&all), options(Algorithm::Exact)).unwrap();
    let graphs = [&index, &exact].map(|index| index.neighbor_graph(Control::none()).unwrap());
    let close = graphs[0].distances.iter().zip(&graphs[1].distances).filter(|(a, b)| a <= b).count();
    assert!(close as f64 >= 0.99 * graphs[0].distances.len() as f64, "graph: {close} of {}", graphs[0].distances.len());
}

fn append(all: &mut Vec<f32>, seed: u64) -> Changes {
    let fresh = values(all.len() / DIM / 5, seed);
    all.extend(&fresh);
    Changes::fresh(rows(&fresh))
}

#[allow(clippy::ptr_arg, reason = "a `Round`, as `append` is")]
fn replace(all: &mut Vec<f32>, seed: u64) -> Changes {
    let n = all.len() / DIM;
    let others = values(n / 10, seed);
    let ids: Vec<u32> = (0..n / 10).map(|i| ((i * 10 + seed as usize) % n) as u32).collect();
    for (row, &id) in others.chunks(DIM).zip(&ids) {
        all[id as usize * DIM..][..DIM].copy_from_slice(row);
    }
    Changes::replaced(ids, rows(&others))
}

#[test]
fn five_appends_of_a_fifth_keep_the_recall_of_a_fresh_build() {
    check(2000, &[append as Round; 5]);
}

#[test]
fn five_replacements_of_a_tenth_keep_the_recall_of_a_fresh_build() {
    check(4000, &[replace as Round; 5]);
}

#[test]
fn replacements_and_appends_take_turns() {
    check(2500, &[replace, append, replace, append]);
}

#[test]
fn updates_do_not_depend_on_threads() {
    let answers = [1, 3].map(|threads| {
        let mut all = values(1500, 1);
        let index = Index::new(rows(&all), Options { threads, ..options(Algorithm::Hnsw) }).unwrap();
        index.prepare(Control::none()).unwrap();
        index.update(replace(&mut all, 5), Control::none()).unwrap();
        index.update(append(&mut all, 6), Control::none()).unwrap();
        index.query(rows(&values(200, 7)), Query { k: 10, ef: 20 }, Control::none()).unwrap()
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn the_last_of_equal_ids_counts_and_the_old_rows_are_gone() {
    let all = values(500, 1);
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(rows(&all), options(algorithm)).unwrap();
        index.prepare(Control::none()).unwrap();
        let others = values(3, 8);
        index.update(Changes::replaced(vec![9, 4, 9], rows(&others)), Control::none()).unwrap();
        let one = Query { k: 1, ef: 100 };
        let found = index.query(rows(&others), one, Control::none()).unwrap();
        assert_eq!((&found.indices[1..], &found.distances[1..]), (&[4, 9][..], &[0.0, 0.0][..]));
        assert!(found.distances[0] > 0.0);
        let old = index.query(rows(&all[9 * DIM..10 * DIM]), one, Control::none()).unwrap();
        assert!(old.indices[0] != 9 && old.distances[0] > 0.0);
    }
}

#[test]
fn integer_rows_keep_exact_answers_when_others_join_them() {
    let whole: Vec<f32> = values(300, 1).iter().map(|v| (v * 10.0).round()).collect();
    let index = Index::new(rows(&whole), options(Algorithm::Exact)).unwrap();
    let codes = index.stats().codes_bytes;
    assert!(codes > 0);
    index.update(Changes::replaced(vec![3], rows(&whole[..DIM])), Control::none()).unwrap();
    assert_eq!(index.stats().codes_bytes, codes);
    index.update(Changes::replaced(vec![4], rows(&[0.25; DIM])), Control::none()).unwrap();
    assert_eq!(index.stats().codes_bytes, 0);
    let graph = index.neighbor_graph(Control::none()).unwrap();
    assert_eq!((graph.row(0).0[1], graph.row(0).1[1]), (3, 0.0));
}

#[test]
fn sparse_rows_are_appended_and_replaced() {
    let metric = Metric::resolve("cosine", MetricParams::default(), 1_000_000).unwrap();
    let some = |n: u32, step: u32| {
        let mut rows = SparseRows::with_capacity(n as usize, 1_000_000, n as usize * 3).unwrap();
        (0..n).for_each(|i| rows.push(&[3], &[i * step, i * step + 1, 999_999], &[1.0, 2.0, 0.5]).unwrap());
        rows
    };
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(some(400, 7), Options { algorithm, ..Options::new(metric.clone()) }).unwrap();
        index.prepare(Control::none()).unwrap();
        let changes = Changes { fresh: Some(some(5, 11).into()), ..Changes::replaced(vec![3, 70], some(2, 13)) };
        index.update(changes, Control::none()).unwrap();
        let found = index.query(some(2, 13), Query { k: 1, ef: 400 }, Control::none()).unwrap();
        assert_eq!((index.len(), found.distances), (405, vec![0.0, 0.0]));
        assert_eq!(index.query(some(3, 11), Query { k: 1, ef: 50 }, Control::none()).unwrap().indices[2], 402);
    }
}

#[test]
fn an_exact_graph_is_renewed_to_what_a_new_one_would_be() {
    type Make = fn(usize, u64) -> Points;
    let whole: Make = |n, seed| rows(&values(n, seed).iter().map(|v| (v * 9.0).round()).collect::<Vec<_>>()).into();
    let plain: Make = |n, seed| rows(&values(n, seed)).into();
    let sparse: Make = |n, seed| {
        let mut out = SparseRows::with_capacity(n, DIM, n * DIM).unwrap();
        for row in values(n, seed).chunks(DIM) {
            let held: Vec<u32> = (0..DIM as u32).filter(|&j| row[j as usize] > 1.2).collect();
            let values: Vec<f32> = held.iter().map(|&j| row[j as usize]).collect();
            out.push(&[held.len() as u32], &held, &values).unwrap();
        }
        out.into()
    };
    for (make, name) in
        [(plain, "euclidean"), (plain, "cosine"), (whole, "euclidean"), (plain, "manhattan"), (sparse, "cosine")]
    {
        let metric = Metric::resolve(name, MetricParams::default(), DIM).unwrap();
        let with = |n, seed| {
            Index::new(make(n, seed), Options { metric: metric.clone(), ..options(Algorithm::Exact) }).unwrap()
        };
        let index = with(1500, 1);
        index.neighbor_graph(Control::none()).unwrap();
        let phases = std::sync::Mutex::new(Vec::new());
        let report = |p: hnsw_core::Progress| phases.lock().unwrap().push(p.phase);
        index
            .update(
                Changes { fresh: Some(make(90, 5)), ..Changes::replaced(vec![3, 700], make(2, 6)) },
                Control::none(),
            )
            .unwrap();
        index.update(Changes::replaced(vec![1510, 4], make(2, 7)), Control::none()).unwrap();
        let renewed = index.neighbor_graph(Control::new(&std::sync::atomic::AtomicBool::new(false), &report)).unwrap();
        assert!(
            phases.lock().unwrap().iter().all(|&phase| phase == "renew graph"),
            "{name}: {:?}",
            phases.lock().unwrap()
        );

        let fresh = with(1500, 1);
        fresh
            .update(
                Changes { fresh: Some(make(90, 5)), ..Changes::replaced(vec![3, 700], make(2, 6)) },
                Control::none(),
            )
            .unwrap();
        fresh.update(Changes::replaced(vec![1510, 4], make(2, 7)), Control::none()).unwrap();
        assert_eq!(renewed, fresh.neighbor_graph(Control::none()).unwrap(), "{name}");
    }
}

/// Rows of zeros and values of at least 0, as dense and as sparse rows.
fn two_forms(values: &[f32]) -> [Points; 2] {
    let mut sparse = SparseRows::with_capacity(values.len() / DIM, 1 << 18, values.len()).unwrap();
    for row in values.chunks(DIM) {
        let held: Vec<usize> = (0..DIM).filter(|&column| row[column] != 0.0).collect();
        let columns: Vec<u32> = held.iter().map(|&column| column as u32 * 20_011).collect();
        let held: Vec<f32> = held.iter().map(|&column| row[column]).collect();
        sparse.push(&[held.len() as u32], &columns, &held).unwrap();
    }
    [rows(values).into(), sparse.into()]
}

#[test]
fn what_batches_keep_of_the_rows_is_renewed_by_updates() {
    let part = |n: usize, seed: u64| -> Vec<f32> {
        values(n, seed).into_iter().map(|v| if v < 1.5 { 0.0 } else { v * 10.0 }).collect()
    };
    let (queries, first, later, fresh) = (part(40, 5), part(300, 6), part(20, 7), part(90, 8));
    let mut all = first.clone();
    all[60 * DIM..80 * DIM].copy_from_slice(&later);
    all.extend(&fresh);
    for name in ["euclidean", "cosine", "manhattan", "braycurtis", "canberra", "jaccard", "dice"] {
        for form in 0..2 {
            let form = |values: &[f32]| two_forms(values).into_iter().nth(form).unwrap();
            let index_of = |values: &[f32]| {
                let (rows, threads) = (form(values), 2);
                let metric = Metric::resolve(name, MetricParams::default(), rows.dim()).unwrap();
                let options = Options { algorithm: Algorithm::Exact, threads, ..Options::new(metric) };
                Index::new(rows, options).unwrap()
            };
            let ask = |index: &Index| {
                let found = index.query(form(&queries), Query { k: 7, ef: 7 }, Control::none()).unwrap();
                (found.indices, found.distances)
            };
            let changed = index_of(&first);
            let before = ask(&changed);
            assert_eq!(before, ask(&changed), "{name}: asked twice");
            let replaced = Some(((60..80).collect(), form(&later)));
            changed
                .update(Changes { replaced, fresh: Some(form(&fresh)), ..Changes::default() }, Control::none())
                .unwrap();
            let after = ask(&changed);
            assert_eq!(after, ask(&index_of(&all)), "{name}: after an update");
            assert_ne!(before, after, "{name}: the update brought nothing nearer");
        }
    }
}
