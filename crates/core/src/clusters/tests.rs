//! What lists find, against all pairs; what they are, whatever the rows.

use super::chain::{Chain, MOST, Query, Widths};
use super::space::{Cells, Space};
use super::*;
use crate::code::ByteCodes;
use crate::control::Control;
use crate::exact::{self, Source};
use crate::knn::Knn;
use crate::metric::Metric;
use crate::options::Options;
use crate::points::Points;
use crate::testing::{Rng, clustered, dense, metric, uniform};
use hnsw_kernels::Kernels;

fn codes_of(rows: &Points) -> ByteCodes {
    let rows = rows.dense().unwrap();
    let exact = ByteCodes::of(rows, 2, Control::none()).unwrap();
    exact.unwrap_or_else(|| ByteCodes::coarse(rows, 2, Control::none()).unwrap().unwrap())
}

fn source<'a>(rows: &'a Points, codes: &'a ByteCodes, metric: &'a Metric, kernels: &'static Kernels) -> Source<'a> {
    let (codes, coarse) = if codes.is_exact() { (Some(codes), None) } else { (None, Some(codes)) };
    Source { rows, codes, coarse, metric, kernels }
}

/// Low-rank rows: `dim` columns that hang on `rank` numbers, as most data do.
fn low_rank(n: usize, dim: usize, rank: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    let basis: Vec<f32> = (0..rank * dim).map(|_| rng.normal()).collect();
    let row = |rng: &mut Rng| {
        let parts: Vec<f32> = (0..rank).map(|_| rng.normal()).collect();
        let column = |j: usize| parts.iter().zip(basis[j..].iter().step_by(dim)).map(|(p, b)| p * b).sum::<f32>();
        (0..dim).map(column).collect::<Vec<_>>()
    };
    (0..n).flat_map(|_| row(&mut rng)).collect()
}

fn recall(found: &Knn, truth: &Knn) -> f64 {
    let (mut hits, mut total) = (0, 0);
    for row in 0..truth.rows() {
        let farthest = truth.row(row).next_back().map_or(0.0, |(_, proxy)| proxy);
        hits += found.row(row).filter(|&(_, proxy)| proxy <= farthest).count();
        total += truth.row(row).count();
    }
    hits as f64 / total as f64
}

/// The graph by lists, if they are the cheaper way; checked for recall, distances and threads.
fn graph_of(title: &str, rows: &Points, kernels: &'static Kernels, k: usize) -> bool {
    let metric = metric("euclidean", rows.dim());
    let codes = codes_of(rows);
    let source = source(rows, &codes, metric, kernels);
    let of = |threads| {
        let options = Options { threads, ..Options::new(metric.clone()) };
        let clusters = Clusters::of(source, options.seed, threads, Control::none()).unwrap();
        graph(source, clusters.as_ref(), &options, k, Control::none()).unwrap()
    };
    let Found::Graph(found, estimate, _) = of(1) else { return false };
    let Found::Graph(again, ..) = of(3) else { panic!("{title}: another way with other threads") };
    assert_eq!(found, again, "{title}: threads");
    let (truth, _) = exact::graph(source, k, 2, Control::none()).unwrap();
    let recall = recall(&found, &truth);
    assert!(recall >= 0.99, "{title}: {recall}");
    assert!((recall - estimate).abs() < 0.01, "{title}: {recall}, estimated {estimate}");
    for row in (0..rows.len()).step_by(97) {
        for (id, proxy) in found.row(row) {
            assert_eq!(proxy, source.pair().one(rows.row(row), rows.row(id as usize)), "{title}: a pair distance");
        }
    }
    true
}

#[test]
fn graphs_of_low_rank_rows_come_from_lists_under_all_kernels() {
    let floats = dense(&low_rank(6000, 24, 5, 1), 24);
    let whole: Vec<f32> =
        low_rank(6000, 24, 5, 2).iter().map(|v| (v * 12.0 + 128.0).round().clamp(0.0, 255.0)).collect();
    let whole = dense(&whole, 24);
    for kernels in Kernels::available() {
        assert!(graph_of("floats", &floats, kernels, 10), "{}", kernels.label());
        assert!(graph_of("integers", &whole, kernels, 10), "{}", kernels.label());
    }
}

/// Low-rank rows wide enough for sketches, as floats and as whole numbers.
fn wide_rows(n: usize, seed: u64) -> [(&'static str, Vec<f32>); 2] {
    let floats = low_rank(n, 160, 8, seed);
    let whole = floats.iter().map(|v| (v * 12.0 + 128.0).round().clamp(0.0, 255.0)).collect();
    [("floats", floats), ("integers", whole)]
}

#[test]
fn graphs_of_wide_rows_come_from_lists_of_sketches() {
    for (title, values) in wide_rows(6000, 6) {
        let rows = dense(&values, 160);
        let codes = codes_of(&rows);
        let source = source(&rows, &codes, metric("euclidean", 160), Kernels::detect());
        let clusters = Clusters::of(source, 1, 2, Control::none()).unwrap().unwrap();
        let (space, on) = clusters.space(source).unwrap();
        assert!(space.width() < 160 && on == crate::knn::RunOn::Sketches, "{title}");
        assert!(graph_of(title, &rows, Kernels::detect(), 12), "{title}");
    }
}

#[test]
fn batches_by_sketches_find_what_is_wished() {
    for (title, values) in wide_rows(8000, 8) {
        let (rows, queries) = (dense(&values[..7000 * 160], 160), dense(&values[7000 * 160..], 160));
        let codes = codes_of(&rows);
        let source = source(&rows, &codes, metric("euclidean", 160), Kernels::detect());
        let clusters = Clusters::of(source, 1, 2, Control::none()).unwrap().unwrap();
        let wish = Wish { k: 10, recall: 0.99, seed: 3, threads: 2 };
        let answer = batch(source, &clusters, &queries, &wish, Control::none()).unwrap().unwrap();
        let (truth, _) = exact::batch(source, &queries, None, 10, 2, Control::none()).unwrap();
        let recall = recall(&answer.knn, &truth);
        assert!(recall >= 0.99 && (recall - answer.recall).abs() < 0.01, "{title}: {recall}, {}", answer.recall);
        for row in 0..queries.len() {
            for (id, proxy) in answer.knn.row(row) {
                let pair = source.pair().one(queries.row(row), rows.row(id as usize));
                assert_eq!(proxy, pair, "{title}: a pair distance");
            }
        }
    }
}

#[test]
fn codes_too_coarse_for_tight_clusters_give_way_to_the_rows() {
    let rows = clustered(8000, 16, 20, 5);
    assert!(graph_of("clusters", &rows, Kernels::detect(), 12));
}

#[test]
fn rows_without_structure_go_to_all_pairs() {
    assert!(!graph_of("noise", &uniform(3000, 60, 7), Kernels::detect(), 10));
}

#[test]
fn tables_hold_the_share_asked_for_by_values_of_the_space() {
    let whole: Vec<f32> =
        low_rank(6000, 24, 5, 3).iter().map(|v| (v * 12.0 + 128.0).round().clamp(0.0, 255.0)).collect();
    let rows = dense(&whole, 24);
    let (metric, codes) = (metric("euclidean", 24), codes_of(&rows));
    let source = source(&rows, &codes, metric, Kernels::detect());
    let of = |threads, share| {
        let options = Options { threads, ..Options::new(metric.clone()) };
        table(source, &codes, share, &options, 10, Control::none()).unwrap().unwrap()
    };
    let (truth, _) = exact::graph(source, 10, 2, Control::none()).unwrap();
    for share in [0.9, 0.99] {
        let found = of(1, share);
        assert_eq!(found, of(3, share), "threads");
        let recall = recall(&found, &truth);
        assert!(recall >= share - 0.01, "{recall} of {share}");
        // The codes are exact, so their values are the pair distances.
        let pair = |row: usize, id: u32| source.pair().one(rows.row(row), rows.row(id as usize));
        assert!((0..6000).all(|row| found.row(row).all(|(id, proxy)| proxy == pair(row, id))));
    }
}

#[test]
fn there_is_no_table_where_all_pairs_are_cheaper() {
    let rows = uniform(3000, 60, 7);
    let (metric, codes) = (metric("euclidean", 60), codes_of(&rows));
    let source = source(&rows, &codes, metric, Kernels::detect());
    let options = Options::new(metric.clone());
    assert!(table(source, &codes, 0.95, &options, 10, Control::none()).unwrap().is_none());
}

#[test]
fn lists_hold_every_row_once_and_stay_short_whatever_the_rows() {
    let mut rng = Rng::new(9);
    let copies: Vec<f32> = (0..5000 * 4).map(|i| (i / 4 % 3) as f32).collect();
    let far: Vec<f32> = (0..5000 * 4).map(|i| if i / 4 == 77 { 1e6 } else { rng.unit() }).collect();
    let scales: Vec<f32> = (0..5000 * 4).map(|i| rng.unit() * 2f32.powi(i / 4 % 40)).collect();
    for (title, values) in [("copies", copies), ("one far row", far), ("many scales", scales)] {
        let rows = dense(&values, 4);
        let codes = codes_of(&rows);
        let chain = Chain::of(Kernels::detect(), &codes, 1, 2, Control::none()).unwrap();
        let lists = chain.lists();
        let mut seen: Vec<u32> = (0..lists.count()).flat_map(|list| lists.members(list).to_vec()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..5000), "{title}");
        assert!((0..lists.count()).all(|list| (1..=MOST).contains(&lists.members(list).len())), "{title}");
    }
}

#[test]
fn the_rank_of_a_list_is_where_a_row_meets_it() {
    let rows = dense(&low_rank(4000, 8, 3, 4), 8);
    let codes = codes_of(&rows);
    let chain = Chain::of(Kernels::detect(), &codes, 1, 2, Control::none()).unwrap();
    let some: Vec<u32> = (0..4000).step_by(400).collect();
    let targets: Vec<Vec<u32>> = some.iter().map(|&id| vec![id, (id + 1) % 4000]).collect();
    let cells = Cells::of(&codes, some.iter().copied());
    let ranks = chain.ranks(&cells, &targets, 2, Control::none()).unwrap();
    for (i, rank) in ranks.iter().enumerate() {
        let found = |widths: Vec<usize>| {
            let query = Query { rows: &cells, same: false, widths: &Widths(widths), threads: 1 };
            let phase = Control::none().phase("test", 0);
            let mut met = vec![Vec::new(); cells.len()];
            chain
                .each(
                    &query,
                    4000,
                    met.iter_mut().collect(),
                    &phase,
                    || (),
                    |(), met: &mut &mut Vec<u32>, _, near| {
                        met.extend(near.map(|(_, id)| id));
                    },
                )
                .unwrap();
            met[i / 2].contains(&targets[i / 2][i % 2])
        };
        assert!(found(rank.iter().map(|rank| rank + 1).collect()), "{rank:?}");
        // Above the first level a list has several homes that lead to it only where widths are equal.
        if rank[0] > 0 {
            let all = rank[1..].iter().map(|_| usize::MAX >> 32);
            assert!(!found(std::iter::once(rank[0]).chain(all.map(|_| 4000)).collect()), "{rank:?}");
        }
    }
}

#[test]
fn batches_find_what_is_wished_and_say_so() {
    let values = low_rank(12_000, 24, 5, 11);
    let (rows, queries) = (dense(&values[..10_000 * 24], 24), dense(&values[10_000 * 24..], 24));
    let metric = metric("euclidean", 24);
    let codes = codes_of(&rows);
    for kernels in Kernels::available() {
        let source = source(&rows, &codes, metric, kernels);
        let Some(clusters) = Clusters::of(source, 3, 2, Control::none()).unwrap() else {
            assert!(!kernels.has_u8_tile(), "{}", kernels.label());
            continue;
        };
        let of = |threads| {
            let wish = Wish { k: 10, recall: 0.99, seed: 3, threads };
            batch(source, &clusters, &queries, &wish, Control::none()).unwrap().unwrap()
        };
        let (answer, again) = (of(1), of(3));
        assert_eq!(answer.knn, again.knn, "{}: threads", kernels.label());
        let beside = source.codes_of(&queries, 1, Control::none()).unwrap();
        let (truth, _) = exact::batch(source, &queries, beside.as_ref(), 10, 2, Control::none()).unwrap();
        let recall = recall(&answer.knn, &truth);
        assert!(recall >= 0.99 && (recall - answer.recall).abs() < 0.01, "{recall}, {}", answer.recall);
        assert!(answer.distances < 2000 * 10_000, "{} products", answer.distances);
    }
}

#[test]
fn batches_of_rows_without_structure_and_small_ones_go_elsewhere() {
    let (rows, queries) = (uniform(4000, 60, 1), uniform(1000, 60, 2));
    let (codes, metric) = (codes_of(&rows), metric("euclidean", 60));
    let source = source(&rows, &codes, metric, Kernels::detect());
    let Some(clusters) = Clusters::of(source, 3, 2, Control::none()).unwrap() else { return };
    let wish = Wish { k: 10, recall: 0.99, seed: 3, threads: 2 };
    assert!(batch(source, &clusters, &queries, &wish, Control::none()).unwrap().is_none());
    let few = queries.part(0..100).unwrap().unwrap();
    assert!(batch(source, &clusters, &few, &wish, Control::none()).unwrap().is_none());
}
