//! Radius search as its callers see it. The oracle: distances to all rows, from an exact query.

#[path = "support/balls.rs"]
mod balls;
mod support;

use balls::{all, found, options, radius_of, rows, truth, values};
use hnsw_core::{Algorithm, Balls, Changes, Control, Error, Index, Options, Rows, Within};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

const NONE: fn() -> Control<'static> = Control::none;

/// Without what depends on the clock.
fn timeless(mut balls: Balls) -> Balls {
    balls.told.ms.clear();
    // No number equals itself where there is none.
    balls.told.largest.iter_mut().filter(|largest| largest.is_nan()).for_each(|largest| *largest = -1.0);
    balls
}

#[test]
fn walks_keep_their_promise_on_uniform_rows_from_empty_balls_to_a_thousand_hits() {
    let (n, dim, q) = (10_000, 16, 200);
    let data = values(n * dim, 5);
    let asked = values(q * dim, 6);
    let exact = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Exact)).unwrap();
    let walked = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let all = all(&exact, rows(&asked, dim));
    let mut by_walks = 0;
    let mut smaller: Option<Balls> = None;
    for hits in [0, 1, 10, 100, 1_000] {
        let radius = radius_of(&all, hits);
        let within = Within { max_results: 2_000, ..Within::default() };
        let balls = walked.radius_search(rows(&asked, dim), &vec![radius; q], &within, NONE()).unwrap();
        let mut short = 0;
        for query in 0..q {
            let expected = truth(&all, query, radius);
            let seen = found(&balls, query);
            let there: BTreeSet<(i32, u32)> = expected.iter().map(|hit| (hit.0, hit.1.to_bits())).collect();
            assert!(seen.iter().all(|hit| there.contains(&(hit.0, hit.1.to_bits()))));
            short += usize::from((seen.len() as f64) < 0.95 * expected.len().min(2_000) as f64);
        }
        assert!(short <= q / 100, "{short} of {q} balls of {hits} hits");
        by_walks += balls.told.exact.iter().filter(|&&exact| exact == 0).count();
        if let Some(smaller) = &smaller {
            let missing = |query: usize| {
                let large: BTreeSet<i32> = balls.row(query).0.iter().copied().collect();
                smaller.row(query).0.iter().filter(|id| !large.contains(id)).count()
            };
            let lost: usize = (0..q).map(missing).sum();
            assert!(lost * 100 <= smaller.indices.len(), "{lost} of {}", smaller.indices.len());
        }
        smaller = Some(balls);
    }
    assert!(by_walks > 2 * q, "{by_walks} of {} balls by walks", 5 * q);
}

#[test]
fn an_empty_ball_is_left_early() {
    let (n, dim, q) = (20_000, 12, 50);
    let index = Index::new(rows(&values(n * dim, 7), dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let balls = index.radius_search(rows(&values(q * dim, 8), dim), &[1e-3; 50], &Within::default(), NONE()).unwrap();
    assert!(balls.indices.is_empty() && balls.told.largest.iter().all(|largest| largest.is_nan()));
    assert!(balls.told.visited.iter().all(|&visited| (visited as usize) < n / 4), "{:?}", balls.told.visited);
}

#[test]
fn of_more_rows_than_asked_for_the_nearest_are_kept_and_truncated_tells() {
    let (n, dim, q) = (4_000, 8, 60);
    let (data, asked) = (values(n * dim, 9), values(q * dim, 10));
    let exact = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Exact)).unwrap();
    let all = all(&exact, rows(&asked, dim));
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(rows(&data, dim), options("euclidean", dim, algorithm)).unwrap();
        for hits in [10, 100, 400] {
            // Some queries have more, some exactly as many, some fewer.
            let radii: Vec<f32> = (0..q).map(|query| all.row(query).1[hits - 2 + query % 3]).collect();
            let within = Within { max_results: hits, ..Within::default() };
            let balls = index.radius_search(rows(&asked, dim), &radii, &within, NONE()).unwrap();
            let mut kept = 0.0;
            for (query, &radius) in radii.iter().enumerate() {
                let expected = truth(&all, query, radius);
                assert_eq!(balls.told.truncated[query] == 1, expected.len() > hits, "{algorithm:?} {hits} {query}");
                let nearest: BTreeSet<i32> = expected.iter().take(hits).map(|hit| hit.0).collect();
                let seen = found(&balls, query);
                assert!(seen.len() <= hits);
                kept += seen.iter().filter(|hit| nearest.contains(&hit.0)).count() as f64 / nearest.len() as f64;
            }
            assert!(kept / q as f64 >= 0.99, "{algorithm:?} {hits}: {kept}");
        }
    }
}

#[test]
fn every_copy_of_a_query_is_found() {
    let (dim, copies) = (6, 300);
    let mut data = values(3_000 * dim, 11);
    // Three rows many times over, spread among the others, and a lone pair.
    for (of, at) in (0..3 * copies).map(|i| (i % 3, 10 + 3 * i)) {
        let row: Vec<f32> = data[of * dim..(of + 1) * dim].to_vec();
        data[at * dim..(at + 1) * dim].copy_from_slice(&row);
    }
    let index = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let queries: Vec<f32> = data[..3 * dim].to_vec();
    for radius in [0.0, 1e-4, 0.05] {
        let balls = index.radius_search(rows(&queries, dim), &[radius; 3], &Within::default(), NONE()).unwrap();
        let by_id = index.radius_search_by_id(&[0, 1, 2], &[radius; 3], &Within::default(), NONE()).unwrap();
        assert_eq!(timeless(balls.clone()), timeless(by_id));
        for query in 0..3 {
            let zeros = balls.row(query).1.iter().filter(|&&distance| distance == 0.0).count();
            assert_eq!(zeros, copies + 1, "radius {radius}, query {query}");
        }
    }
}

#[test]
fn threads_and_company_do_not_change_a_byte() {
    let (n, dim, q) = (5_000, 10, 90);
    let (data, asked) = (values(n * dim, 18), values(q * dim, 19));
    let radii: Vec<f32> = (0..q).map(|query| 0.2 + 0.004 * query as f32).collect();
    for algorithm in [Algorithm::Hnsw, Algorithm::Exact] {
        let answers: Vec<Balls> = [1, 3]
            .map(|threads| {
                let options = Options { threads, ..options("euclidean", dim, algorithm) };
                let index = Index::new(rows(&data, dim), options).unwrap();
                timeless(index.radius_search(rows(&asked, dim), &radii, &Within::default(), NONE()).unwrap())
            })
            .into();
        assert_eq!(answers[0], answers[1]);
        let index = Index::new(rows(&data, dim), options("euclidean", dim, algorithm)).unwrap();
        let one = index.radius_search(rows(&asked[..dim], dim), &radii[..1], &Within::default(), NONE()).unwrap();
        assert_eq!(one.row(0), answers[0].row(0));
    }
}

#[test]
fn unsorted_results_are_by_id() {
    let (n, dim) = (1_000, 4);
    let index = Index::new(rows(&values(n * dim, 20), dim), options("euclidean", dim, Algorithm::Auto)).unwrap();
    let search = |sort| index.radius_search_by_id(&[7], &[0.3], &Within { sort, ..Within::default() }, NONE()).unwrap();
    let (sorted, plain) = (search(true), search(false));
    assert!(sorted.distances.is_sorted() && plain.indices.is_sorted() && plain.indices.len() > 5);
    assert_eq!(sorted.indices[0], 7);
    let by_id: BTreeSet<(i32, u32)> = found(&sorted, 0).iter().map(|hit| (hit.0, hit.1.to_bits())).collect();
    assert_eq!(
        by_id.into_iter().collect::<Vec<_>>(),
        found(&plain, 0).iter().map(|h| (h.0, h.1.to_bits())).collect::<Vec<_>>()
    );
}

#[test]
fn updates_are_seen_by_the_next_search() {
    let (n, dim) = (4_000, 8);
    let index = Index::new(rows(&values(n * dim, 21), dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let far = vec![9.0; dim];
    let search = || index.radius_search(rows(&far, dim), &[0.5], &Within::default(), NONE()).unwrap();
    assert!(search().indices.is_empty());
    index.update(Changes::fresh(rows(&far, dim)), NONE()).unwrap();
    assert_eq!(search().indices, [n as i32]);
    index
        .update(Changes::replaced(vec![3, n as u32], rows(&[far.clone(), vec![0.5; dim]].concat(), dim)), NONE())
        .unwrap();
    assert_eq!(search().indices, [3]);
}

#[test]
fn what_cannot_be_answered_is_refused_by_name() {
    let (n, dim) = (50, 3);
    let index = Index::new(rows(&values(n * dim, 22), dim), options("euclidean", dim, Algorithm::Auto)).unwrap();
    let one = || rows(&[0.1; 3], 3);
    let search =
        |radii: &[f32], within: Within| index.radius_search(one(), radii, &within, NONE()).unwrap_err().to_string();
    let usual = Within::default();
    assert!(search(&[], usual).starts_with("number of radii is 0"));
    assert!(search(&[f32::NAN], usual).starts_with("radius is NaN"));
    assert!(search(&[1.0], Within { max_results: 0, ..usual }).starts_with("max_results is 0"));
    assert!(search(&[1.0], Within { min_recall: 1.5, ..usual }).starts_with("min_recall is 1.5"));
    assert!(search(&[1.0], Within { expansion_factor: 0.9, ..usual }).starts_with("expansion_factor is 0.9"));
    let unknown = index.radius_search_by_id(&[50], &[1.0], &usual, NONE()).unwrap_err();
    assert_eq!(unknown, Error::UnknownId { seen: 50, len: 50 });
    let wide = index.radius_search(rows(&[0.0; 4], 4), &[1.0], &usual, NONE()).unwrap_err();
    assert_eq!(wide, Error::DimensionMismatch { seen: 4, expected: 3 });
    let target = |target| index.search_with_target_count(one(), target, 0.2, None, &usual, NONE());
    assert_eq!(target(51).unwrap_err().to_string(), "target is 51, allowed: 1..=50, the rows of the index");
    assert_eq!(target(0).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
    let none = index.radius_search(Rows::zeroed(0, 3).unwrap(), &[], &usual, NONE()).unwrap();
    assert_eq!((none.rows(), none.offsets), (0, vec![0]));
}

#[test]
fn a_cancelled_search_ends() {
    let (n, dim) = (3_000, 8);
    let index = Index::new(rows(&values(n * dim, 23), dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let stop = AtomicBool::new(true);
    let control = Control::new(&stop, &|_| {});
    let ended = index.radius_search(rows(&[0.1; 8], dim), &[1.0], &Within::default(), control);
    assert_eq!(ended.unwrap_err(), Error::Cancelled);
    assert!(index.radius_search(rows(&[0.1; 8], dim), &[1.0], &Within::default(), NONE()).is_ok());
}

#[test]
fn more_recall_is_never_less_and_all_of_it_compares_all_rows() {
    let (n, dim, q) = (6_000, 24, 60);
    let (data, asked) = (values(n * dim, 29), values(q * dim, 30));
    let index = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Hnsw)).unwrap();
    let exact = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Exact)).unwrap();
    let radius = radius_of(&all(&exact, rows(&asked, dim)), 20);
    let search = |min_recall| {
        let within = Within { min_recall, ..Within::default() };
        index.radius_search(rows(&asked, dim), &vec![radius; q], &within, NONE()).unwrap()
    };
    let (some, most, whole) = (search(0.5), search(0.95), search(1.0));
    assert!(some.indices.len() <= most.indices.len() && most.indices.len() <= whole.indices.len());
    assert!(whole.told.exact.iter().all(|&exact| exact == 1));
    let visited = |balls: &Balls| balls.told.visited.iter().map(|&visited| i64::from(visited)).sum::<i64>();
    assert!(visited(&some) <= visited(&most), "{} {}", visited(&some), visited(&most));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_finds_rows_of_the_ball_with_their_distances_and_no_others(
        (dim, data) in (1..=6usize).prop_flat_map(|dim| {
            let value = prop_oneof![(-2i32..3).prop_map(|v| v as f32), -5f32..5.0];
            (Just(dim), prop::collection::vec(value, dim..300 * dim))
        }),
        name in prop::sample::select(&["euclidean", "manhattan", "cosine", "chebyshev"][..]),
        radius in prop_oneof![Just(0.0f32), 0.0f32..6.0],
        most in prop_oneof![Just(1_000usize), 1..20usize],
    ) {
        let n = data.len() / dim;
        let data = &data[..n * dim];
        let within = Within { max_results: most, ..Within::default() };
        let [walked, exact] = [Algorithm::Hnsw, Algorithm::Exact].map(|algorithm| {
            let index = Index::new(rows(data, dim), options(name, dim, algorithm)).unwrap();
            index.radius_search(rows(data, dim), &vec![radius; n], &within, NONE()).unwrap()
        });
        let unlimited = Index::new(rows(data, dim), options(name, dim, Algorithm::Exact)).unwrap();
        let whole = unlimited
            .radius_search(rows(data, dim), &vec![radius; n], &Within { max_results: n, ..within }, NONE())
            .unwrap();
        for row in 0..n {
            let all: BTreeSet<(i32, u32)> = found(&whole, row).iter().map(|hit| (hit.0, hit.1.to_bits())).collect();
            prop_assert_eq!(found(&exact, row), found(&whole, row)[..most.min(all.len())].to_vec());
            prop_assert!(found(&walked, row).iter().all(|hit| all.contains(&(hit.0, hit.1.to_bits()))));
            prop_assert_eq!(exact.told.truncated[row] == 1, all.len() > most);
        }
    }
}
