//! Efforts by their outcome, and reports of the work, as callers see them. The oracle: an index that compares all rows.

mod support;

use hnsw_core::{
    Algorithm, Ask, Control, Effort, Error, Filter, Index, Metric, MetricParams, Neighbors, Options, Query, Rows,
};

const NONE: fn() -> Control<'static> = Control::none;
const K: usize = 10;

/// Clusters of very different density: some queries are easy, others are not.
fn values(count: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut centre = support::uniform(99);
    let centres: Vec<f32> = (0..40 * dim).map(|_| 4.0 * centre()).collect();
    let mut unit = support::uniform(seed);
    let mut out = Vec::with_capacity(count * dim);
    for _ in 0..count {
        let cluster = (unit() * 40.0) as usize % 40;
        let spread = 0.05 + 0.05 * cluster as f32;
        out.extend((0..dim).map(|column| centres[cluster * dim + column] + spread * (unit() - 0.5)));
    }
    out
}

fn index(data: &[f32], dim: usize, name: &str, algorithm: Algorithm) -> Index {
    let metric = Metric::resolve(name, MetricParams::default(), dim).unwrap();
    let options = Options { algorithm, n_neighbors: 10, m: 8, ..Options::new(metric) };
    Index::new(Rows::from_slice(data, dim).unwrap(), options).unwrap()
}

fn ask(effort: Effort) -> Ask<'static> {
    Ask { k: K, effort, filter: None, profile: true }
}

fn recall(found: &Neighbors, truth: &Neighbors) -> f64 {
    let hits = |row: usize| {
        let last = truth.row(row).1[K - 1];
        found.row(row).1.iter().filter(|&&distance| distance <= last).count()
    };
    (0..truth.rows).map(hits).sum::<usize>() as f64 / (truth.rows * K) as f64
}

#[test]
fn a_recall_that_is_asked_for_is_kept_on_new_queries_and_more_of_it_takes_more_work() {
    for (dim, name) in [(48, "euclidean"), (8, "euclidean"), (48, "cosine"), (8, "manhattan"), (24, "inner_product")] {
        let (data, asked) = (values(12_000, dim, 1), values(400, dim, 2));
        let queries = || Rows::from_slice(&asked, dim).unwrap();
        let walked = index(&data, dim, name, Algorithm::Hnsw);
        let exact = index(&data, dim, name, Algorithm::Exact);
        let truth = exact.query(queries(), Query { k: K, ef: 1 }, NONE()).unwrap();
        let mut before = 0;
        for wanted in [0.8, 0.95, 0.98] {
            let answer = walked.ask(queries(), &ask(Effort::Recall(wanted)), NONE()).unwrap();
            let reached = recall(&answer.neighbors, &truth);
            assert!(reached >= wanted, "{name}, {dim}: {reached} of {wanted}");
            let profile = answer.profile.unwrap();
            let work: u64 = profile.distances.iter().map(|&count| u64::from(count)).sum();
            assert!(work >= before, "{name}, {dim}: {work} after {before}");
            before = work;
            assert!(answer.widths.is_empty());
        }
        let answer = walked.ask(queries(), &ask(Effort::Recall(1.0)), NONE()).unwrap();
        assert_eq!(answer.neighbors.distances, truth.distances, "{name}, {dim}");
        assert_eq!(answer.profile.unwrap().way, "exact");
    }
}

#[test]
fn easy_queries_take_less_than_hard_ones() {
    let (dim, n) = (48, 12_000);
    let data = values(n, dim, 3);
    let walked = index(&data, dim, "euclidean", Algorithm::Hnsw);
    let answer =
        walked.ask(Rows::from_slice(&values(300, dim, 4), dim).unwrap(), &ask(Effort::Recall(0.95)), NONE()).unwrap();
    let mut hops = answer.profile.unwrap().hops;
    hops.sort_unstable();
    assert!(hops[290] > hops[10] + hops[10] / 2, "{hops:?}");
}

#[test]
fn widths_are_tried_until_the_nearest_is_near_enough() {
    let (dim, n) = (8, 6_000);
    let data = values(n, dim, 5);
    let asked = [&data[..20 * dim], &vec![50.0; 5 * dim][..]].concat();
    let walked = index(&data, dim, "euclidean", Algorithm::Hnsw);
    let steps = Effort::Steps { widths: vec![16, 32, 64], until: 0.5 };
    let answer = walked.ask(Rows::from_slice(&asked, dim).unwrap(), &ask(steps), NONE()).unwrap();
    // Rows find themselves; what is far from all rows tries everything.
    assert_eq!(answer.widths[..20], [16; 20]);
    assert_eq!(answer.widths[20..], [64; 5]);
    let wide = walked.query(Rows::from_slice(&asked, dim).unwrap(), Query { k: K, ef: 64 }, NONE()).unwrap();
    assert_eq!(answer.neighbors.row(22), wide.row(22));
    let narrow = walked.query(Rows::from_slice(&asked, dim).unwrap(), Query { k: K, ef: 16 }, NONE()).unwrap();
    assert_eq!(answer.neighbors.row(3), narrow.row(3));
    let profile = answer.profile.unwrap();
    assert!(profile.hops[22] > 2 * profile.hops[3], "{:?}", profile.hops);
}

#[test]
fn a_profile_counts_what_the_index_counts_and_changes_no_answer() {
    let (dim, n) = (48, 9_000);
    let data = values(n, dim, 6);
    let queries = || Rows::from_slice(&data[..50 * dim], dim).unwrap();
    for algorithm in [Algorithm::Hnsw, Algorithm::Exact] {
        let index = index(&data, dim, "euclidean", algorithm);
        let plain = index.query(queries(), Query { k: K, ef: 40 }, NONE()).unwrap();
        let before = index.stats();
        let answer = index.ask(queries(), &ask(Effort::Width(40)), NONE()).unwrap();
        let after = index.stats();
        assert_eq!(answer.neighbors, plain);
        let profile = answer.profile.unwrap();
        let sum = |of: &[u32]| of.iter().map(|&count| u64::from(count)).sum::<u64>();
        assert_eq!(sum(&profile.distances), after.distances - before.distances);
        assert_eq!(sum(&profile.hops), after.hops - before.hops);
        assert_eq!((profile.way, profile.visited.len()), (algorithm.name(), 50));
        assert!(profile.visited.iter().zip(&profile.distances).all(|(met, all)| met <= all && *met > 0));
        assert_eq!(profile.levels > 0, algorithm == Algorithm::Hnsw);
        assert!(profile.search_ms > 0.0 && profile.transform_ms >= 0.0 && profile.ready_ms >= 0.0);
        let quiet = index.ask(queries(), &Ask { profile: false, ..ask(Effort::Width(40)) }, NONE()).unwrap();
        assert_eq!((quiet.neighbors, quiet.profile), (plain, None));
    }
}

#[test]
fn filters_hold_under_every_effort() {
    let (dim, n) = (48, 9_000);
    let data = values(n, dim, 7);
    let index = index(&data, dim, "euclidean", Algorithm::Auto);
    let queries = || Rows::from_slice(&data[..30 * dim], dim).unwrap();
    let few = Filter::of_ids(&(0..n as u32).step_by(700).collect::<Vec<_>>());
    let many = Filter::of_ids(&(0..n as u32).step_by(2).collect::<Vec<_>>());
    for filter in [&few, &many, &Filter::of_ids(&[])] {
        let efforts = [
            Effort::Width(64),
            Effort::Recall(0.9),
            Effort::Recall(0.99),
            Effort::Steps { widths: vec![32], until: 0.0 },
        ];
        for effort in efforts {
            let answer = index.ask(queries(), &Ask { filter: Some(filter), ..ask(effort) }, NONE()).unwrap();
            let matching = (0..n as u32).filter(|&id| filter.has(id)).count().min(K);
            for row in 0..30 {
                let (ids, _) = answer.neighbors.row(row);
                assert!(ids[..matching].iter().all(|&id| filter.has(id as u32)), "{ids:?}");
                assert!(ids[matching..].iter().all(|&id| id == -1));
            }
        }
    }
}

#[test]
fn what_no_query_can_do_is_refused_by_name() {
    let data = values(50, 4, 8);
    let index = index(&data, 4, "euclidean", Algorithm::Auto);
    let refused = |effort: Effort| match index.ask(Rows::from_slice(&data[..4], 4).unwrap(), &ask(effort), NONE()) {
        Err(Error::InvalidArgument { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Effort::Recall(1.5)), "min_recall");
    assert_eq!(refused(Effort::Recall(f64::NAN)), "min_recall");
    assert_eq!(refused(Effort::Steps { widths: vec![], until: 1.0 }), "ef_steps");
    assert_eq!(refused(Effort::Steps { widths: vec![64, 32], until: 1.0 }), "ef_steps");
    assert_eq!(refused(Effort::Steps { widths: vec![32], until: f32::NAN }), "until");
}
