//! Radii for a number of rows, and numbers of rows for a radius.

#[path = "support/balls.rs"]
mod balls;
mod support;

use balls::{options, rows, values};
use hnsw_core::{Algorithm, Control, Index, Within};

const NONE: fn() -> Control<'static> = Control::none;

#[test]
fn the_radius_for_a_number_of_rows_grows_and_shrinks() {
    let (n, dim) = (5_000, 6);
    let data = values(n * dim, 24);
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(rows(&data, dim), options("euclidean", dim, algorithm)).unwrap();
        for target in [1, 10, 100, 1_000, n] {
            for start in [None, Some(1e-6), Some(100.0)] {
                let query = rows(&values(dim, 25), dim);
                let targeted = index.search_with_target_count(query, target, 0.2, start, &Within::default(), NONE());
                let targeted = targeted.unwrap();
                let count = targeted.balls.indices.len();
                assert!(
                    targeted.reached && count.abs_diff(target) * 5 <= target,
                    "{algorithm:?}: {count} for {target}"
                );
                assert!(targeted.balls.distances.iter().all(|&distance| distance <= targeted.radius));
            }
        }
        // Where the start is right, nothing else is searched.
        let query = || rows(&values(dim, 26), dim);
        let radius = index.search_with_target_count(query(), 50, 0.2, None, &Within::default(), NONE()).unwrap().radius;
        let again = index.search_with_target_count(query(), 50, 0.2, Some(radius), &Within::default(), NONE()).unwrap();
        assert_eq!(again.searches, 1);
    }
    // All rows the same: no radius holds ten of them.
    let same = Index::new(rows(&[1.0; 300], 3), options("euclidean", 3, Algorithm::Auto)).unwrap();
    let targeted =
        same.search_with_target_count(rows(&[1.0; 3], 3), 10, 0.2, None, &Within::default(), NONE()).unwrap();
    assert!(!targeted.reached && targeted.radius == 0.0);
}

#[test]
fn estimates_hold_the_true_number_nearly_always() {
    let (n, dim, q) = (20_000, 4, 100);
    let (data, asked) = (values(n * dim, 27), values(q * dim, 28));
    let index = Index::new(rows(&data, dim), options("euclidean", dim, Algorithm::Exact)).unwrap();
    let radii = vec![0.35; q];
    let within = Within { max_results: n, ..Within::default() };
    let balls = index.radius_search(rows(&asked, dim), &radii, &within, NONE()).unwrap();
    let estimates = index.estimate_count(rows(&asked, dim), &radii, 1_000, None, NONE()).unwrap();
    let holds = (0..q).filter(|&query| {
        let (estimate, count) = (estimates[query], balls.row(query).0.len() as f64);
        estimate.low <= count && count <= estimate.high
    });
    let holds = holds.count();
    assert!(holds >= 85, "{holds} of {q}");
    let exact = index.estimate_count(rows(&asked, dim), &radii, n, None, NONE()).unwrap();
    for (query, estimate) in exact.iter().enumerate() {
        let count = balls.row(query).0.len() as f64;
        assert_eq!((estimate.count, estimate.low, estimate.high), (count, count, count));
    }
}
