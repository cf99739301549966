//! Queries among some of the rows, against brute force.

mod support;

use hnsw_core::{Algorithm, Changes, Control, Filter, Index, Metric, MetricParams, Options, Query, Rows, Within};

const N: usize = 10_000;
const CLUSTERS: usize = 20;

/// Rows in clusters; row i is in cluster i % 20.
fn values(n: usize, dim: usize, seed: u64) -> Vec<f32> {
    let (mut unit, mut place) = (support::uniform(seed), support::uniform(7));
    let centres: Vec<f32> = (0..CLUSTERS * dim).map(|_| 3.0 * place()).collect();
    (0..n).flat_map(|i| (0..dim).map(|j| centres[i % CLUSTERS * dim + j] + unit()).collect::<Vec<f32>>()).collect()
}

fn index(dim: usize, algorithm: Algorithm) -> Index {
    let metric = Metric::resolve("euclidean", MetricParams::default(), dim).unwrap();
    let options = Options { algorithm, n_neighbors: 10, m: 16, threads: 2, ..Options::new(metric) };
    let index = Index::new(Rows::from_slice(&values(N, dim, 1), dim).unwrap(), options).unwrap();
    index.prepare(Control::none()).unwrap();
    index
}

/// Recall@10 among the rows of `ids`; every answer is one of them, at its own distance, and there are as many as there can be.
fn recall(index: &Index, dim: usize, ids: &[u32], queries: &[f32]) -> f64 {
    let rows = values(N, dim, 1);
    let distance = |id: u32, query: &[f32]| {
        let row = &rows[id as usize * dim..][..dim];
        row.iter().zip(query).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    };
    let asked = Rows::from_slice(queries, dim).unwrap();
    let filter = Filter::of_ids(ids);
    let found = index.query_among(asked, Query { k: 10, ef: 60 }, &filter, Control::none()).unwrap();
    let (mut hits, there) = (0, ids.len().min(10));
    for (q, query) in queries.chunks(dim).enumerate() {
        let mut all: Vec<f32> = ids.iter().map(|&id| distance(id, query)).collect();
        all.sort_by(f32::total_cmp);
        let (indices, distances) = found.row(q);
        assert!(indices[..there].iter().all(|&id| id >= 0 && filter.has(id as u32)), "{indices:?}");
        assert!(indices[there..].iter().all(|&id| id == -1) && distances.is_sorted());
        for (&id, &told) in indices.iter().zip(distances).take(there) {
            assert!((distance(id as u32, query) - told).abs() < 1e-3);
            hits += usize::from(told <= all[there - 1] * 1.00001);
        }
    }
    hits as f64 / (there * queries.len() / dim) as f64
}

/// About that share of the rows: any, and those of few clusters, which most queries are far from.
fn filters(per_10_000: u32) -> [Vec<u32>; 2] {
    let mut unit = support::uniform(u64::from(per_10_000));
    let any = (0..N as u32).filter(|_| unit() * 1e4 < per_10_000 as f32).collect();
    let of_clusters = (0..N as u32).filter(|id| id / 20 * 20 < N as u32 && (id % 20) * 500 < per_10_000);
    let of_clusters: Vec<u32> = of_clusters.take((N as u32 * per_10_000 / 10_000).max(1) as usize).collect();
    [any, of_clusters]
}

#[test]
fn ten_nearest_of_what_matches_are_found_at_every_selectivity() {
    for (dim, algorithm) in
        [(16, Algorithm::Auto), (16, Algorithm::Hnsw), (72, Algorithm::Hnsw), (72, Algorithm::Exact)]
    {
        let index = index(dim, algorithm);
        for per_10_000 in [5000, 500, 50, 5] {
            for (kind, ids) in ["any rows", "rows of few clusters"].into_iter().zip(filters(per_10_000)) {
                for queries in [1, 60] {
                    let recall = recall(&index, dim, &ids, &values(queries, dim, 9));
                    let what =
                        format!("{dim} columns, {algorithm:?}, {per_10_000} of 10 000, {kind}, {queries} queries");
                    assert!(recall >= 0.95, "{what}: {recall}");
                    assert!(algorithm != Algorithm::Exact || recall == 1.0, "{what}: {recall}");
                }
            }
        }
    }
}

#[test]
fn half_of_the_rows_are_walked_through_and_few_are_compared() {
    let index = index(16, Algorithm::Hnsw);
    let work = |ids: &[u32]| {
        let before = index.stats();
        recall(&index, 16, ids, &values(20, 16, 5));
        let after = index.stats();
        (after.distances - before.distances, after.hops - before.hops)
    };
    let [half, _] = filters(5000);
    let (distances, hops) = work(&half);
    assert!(hops > 0 && distances < 20 * half.len() as u64 / 2, "{distances} distances, {hops} hops");
    assert_eq!(work(&[5, 77, 9000]), (60, 0));
}

#[test]
fn nothing_matches_few_match_and_all_match() {
    let index = index(16, Algorithm::Exact);
    let queries = values(30, 16, 3);
    let ask = |filter: &Filter| {
        let rows = Rows::from_slice(&queries, 16).unwrap();
        index.query_among(rows, Query { k: 10, ef: 60 }, filter, Control::none()).unwrap()
    };
    assert!(ask(&Filter::default()).indices.iter().all(|&id| id == -1));
    assert!(ask(&Filter::of_ids(&[2_000_000])).distances.iter().all(|d| d.is_infinite()));
    assert_eq!(ask(&Filter::of_bits(vec![0b10])).row(4).0[..2], [1, -1]);
    let plain = index.query(Rows::from_slice(&queries, 16).unwrap(), Query { k: 10, ef: 60 }, Control::none()).unwrap();
    assert_eq!(ask(&Filter::of_bits(vec![255; N / 8])), plain);
    index.update(Changes::removed((0..5000).collect()), Control::none()).unwrap();
    let found = ask(&Filter::of_ids(&(4990..5005).collect::<Vec<u32>>()));
    assert!(found.indices.chunks(10).all(|ids| ids[..5].iter().all(|id| (5000..5005).contains(id)) && ids[5] == -1));
}

#[test]
fn balls_hold_what_matches_and_targets_and_counts_are_of_it() {
    for (dim, algorithm) in [(16, Algorithm::Hnsw), (48, Algorithm::Hnsw), (16, Algorithm::Exact)] {
        let (index, exact) = (index(dim, algorithm), self::index(dim, Algorithm::Exact));
        let queries = values(40, dim, 11);
        let asked = || Rows::from_slice(&queries, dim).unwrap();
        for per_10_000 in [5000, 500, 5] {
            for ids in filters(per_10_000) {
                let filter = Filter::of_ids(&ids);
                let near = exact.query_among(asked(), Query { k: 40, ef: 1 }, &filter, Control::none()).unwrap();
                let all: Vec<f32> = near.distances.iter().copied().filter(|distance| distance.is_finite()).collect();
                let radius = all[all.len() / 3];
                let within = Within { filter: Some(&filter), ..Within::default() };
                for count in [40, 3] {
                    let some = Rows::from_slice(&queries[..count * dim], dim).unwrap();
                    let balls = index.radius_search(some, &vec![radius; count], &within, Control::none()).unwrap();
                    for query in 0..count {
                        let (ids, distances) = balls.row(query);
                        assert!(ids.iter().all(|&id| filter.has(id as u32)) && distances.iter().all(|&d| d <= radius));
                        let there = near.row(query).1.iter().filter(|&&distance| distance <= radius).count();
                        assert!(ids.len() as f64 >= 0.95 * there as f64, "{} of {there}", ids.len());
                        assert_eq!(balls.told.truncated[query] == 1, ids.len() == 1_000);
                    }
                }
                let few = Within { max_results: 2, ..within };
                let balls = index.radius_search(asked(), &[radius; 40], &few, Control::none()).unwrap();
                for query in 0..40 {
                    let there = near.row(query).1.iter().filter(|&&distance| distance <= radius).count();
                    assert_eq!(balls.told.truncated[query] == 1, there > 2);
                    assert_eq!(balls.row(query).0.len(), there.min(2));
                }
                let counts = index.estimate_count(asked(), &[radius; 40], N, Some(&filter), Control::none()).unwrap();
                for (query, count) in counts.iter().enumerate() {
                    let there = near.row(query).1.iter().filter(|&&distance| distance <= radius).count();
                    assert!(there == 40 || count.count == there as f64, "{count:?} of {there}");
                }
                let target = ids.len().min(7);
                let one = Rows::from_slice(&queries[..dim], dim).unwrap();
                let found = index.search_with_target_count(one, target, 0.2, None, &within, Control::none()).unwrap();
                assert!(found.reached && found.balls.indices.iter().all(|&id| filter.has(id as u32)), "{found:?}");
            }
        }
        let none = Filter::default();
        let within = Within { filter: Some(&none), ..Within::default() };
        let balls = index.radius_search(asked(), &[f32::INFINITY; 40], &within, Control::none()).unwrap();
        assert!(balls.indices.is_empty() && balls.told.truncated.iter().all(|&cut| cut == 0));
        let one = Rows::from_slice(&queries[..dim], dim).unwrap();
        let refused = index.search_with_target_count(one, 1, 0.2, None, &within, Control::none()).unwrap_err();
        assert_eq!(refused.code(), "ERR_INVALID_ARGUMENT");
    }
}
