//! Radius search under every kind of metric and over every form of rows.

#[path = "support/balls.rs"]
mod balls;
mod support;

use balls::{all, found, options, radius_of, rows, truth, values};
use hnsw_core::{Algorithm, BitRows, Control, Index, Points, SparseRows, Within};

const NONE: fn() -> Control<'static> = Control::none;

#[test]
fn all_ways_find_what_is_within_the_radius_under_every_kind_of_metric() {
    let (n, dim, q) = (900, 7, 40);
    let data = values(n * dim, 3);
    let asked = values(q * dim, 4);
    for name in ["euclidean", "manhattan", "cosine", "correlation", "canberra", "tsss", "hellinger", "braycurtis"] {
        let exact = Index::new(rows(&data, dim), options(name, dim, Algorithm::Exact)).unwrap();
        let all = all(&exact, rows(&asked, dim));
        for algorithm in [Algorithm::Exact, Algorithm::Auto, Algorithm::Hnsw] {
            let index = Index::new(rows(&data, dim), options(name, dim, algorithm)).unwrap();
            for (count, few) in [(q, false), (3, true)] {
                let radius = radius_of(&all, 30);
                let queries = rows(&asked[..count * dim], dim);
                let balls = index.radius_search(queries, &vec![radius; count], &Within::default(), NONE()).unwrap();
                assert_eq!(balls.rows(), count);
                for query in 0..count {
                    let (seen, expected) = (found(&balls, query), truth(&all, query, radius));
                    let title = format!("{name}, {algorithm:?}, {few}, query {query}");
                    assert!(seen.iter().all(|hit| expected.contains(hit)), "{title}: {seen:?} {expected:?}");
                    assert!(
                        seen.len() as f64 >= 0.95 * expected.len() as f64,
                        "{title}: {} of {}",
                        seen.len(),
                        expected.len()
                    );
                    if balls.told.exact[query] == 1 {
                        assert_eq!(seen, expected, "{title}");
                    }
                    assert_eq!(balls.told.truncated[query], 0);
                    let largest = balls.told.largest[query];
                    assert!(seen.last().map_or(largest.is_nan(), |last| last.1 == largest), "{title}");
                }
            }
        }
    }
}

#[test]
fn the_largest_radius_holds_all_rows() {
    let (n, dim) = (700, 5);
    let mut data = values(n * dim, 12);
    // Opposite of the first row, and a row without a direction.
    for column in 0..dim {
        data[dim + column] = -data[column];
        data[2 * dim + column] = 0.0;
    }
    for (name, radius) in [("cosine", 2.0), ("dot", 1.0), ("correlation", 2.0), ("euclidean", f32::INFINITY)] {
        for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
            let index = Index::new(rows(&data, dim), options(name, dim, algorithm)).unwrap();
            let balls =
                index.radius_search(rows(&data[..3 * dim], dim), &[radius; 3], &Within::default(), NONE()).unwrap();
            assert_eq!(balls.offsets, [0, 700, 1400, 2100], "{name} {algorithm:?}");
        }
    }
}

#[test]
fn rows_without_a_direction_are_at_one_from_all() {
    let (n, dim) = (300, 4);
    let mut data = values(n * dim, 13);
    data[8 * dim..10 * dim].fill(0.0);
    let index = Index::new(rows(&data, dim), options("cosine", dim, Algorithm::Auto)).unwrap();
    let near =
        index.radius_search_by_id(&[8, 8], &[0.99, 1.0], &Within { max_results: 50, ..Within::default() }, NONE());
    let near = near.unwrap();
    assert_eq!((near.offsets.as_slice(), near.told.truncated.as_slice()), (&[0, 0, 50][..], &[0, 1][..]));
    assert!(near.distances.iter().all(|&distance| distance == 1.0));

    let mut sparse = SparseRows::with_capacity(n, dim, n * dim).unwrap();
    for row in data.chunks(dim) {
        let columns: Vec<u32> = (0..dim as u32).filter(|&column| row[column as usize] != 0.0).collect();
        let kept: Vec<f32> = columns.iter().map(|&column| row[column as usize]).collect();
        sparse.push(&[columns.len() as u32], &columns, &kept).unwrap();
    }
    let index = Index::new(sparse, options("cosine", dim, Algorithm::Auto)).unwrap();
    let near = index.radius_search_by_id(&[9], &[0.5], &Within::default(), NONE()).unwrap();
    assert_eq!(found(&near, 0), [(8, 0.0), (9, 0.0)]);
    let counts =
        index.estimate_count(Points::from(SparseRows::with_capacity(0, dim, 0).unwrap()), &[], 10, None, NONE());
    assert!(counts.unwrap().is_empty());
}

#[test]
fn a_radius_below_zero_is_for_metrics_that_go_below_zero() {
    let (n, dim, q) = (6_000, 12, 50);
    let centred: Vec<f32> = values(n * dim, 14).iter().map(|value| value - 0.5).collect();
    let asked: Vec<f32> = values(q * dim, 15).iter().map(|value| value - 0.5).collect();
    let exact = Index::new(rows(&centred, dim), options("inner_product", dim, Algorithm::Exact)).unwrap();
    let walked = Index::new(rows(&centred, dim), options("inner_product", dim, Algorithm::Hnsw)).unwrap();
    let all = all(&exact, rows(&asked, dim));
    for hits in [1, 10, 100] {
        let radius = radius_of(&all, hits);
        assert!(radius < 0.0);
        let balls = walked.radius_search(rows(&asked, dim), &vec![radius; q], &Within::default(), NONE()).unwrap();
        let short = (0..q).filter(|&query| {
            let expected = truth(&all, query, radius);
            let seen = found(&balls, query);
            assert!(seen.iter().all(|hit| expected.contains(hit)));
            (seen.len() as f64) < 0.95 * expected.len() as f64
        });
        assert!(short.count() <= 1, "{hits}");
    }
    let none =
        walked.radius_search(rows(&asked[..dim], dim), &[0.0], &Within { max_results: n, ..Within::default() }, NONE());
    assert_eq!(none.unwrap().indices.len(), n);
    let refused = Index::new(rows(&centred, dim), options("euclidean", dim, Algorithm::Auto)).unwrap();
    let error = refused.radius_search(rows(&asked[..dim], dim), &[-0.5], &Within::default(), NONE()).unwrap_err();
    assert_eq!(error.to_string(), "radius is -0.5, allowed: a number from 0");
}

#[test]
fn a_similarity_is_within_where_it_is_at_least_as_large() {
    let (n, dim) = (200, 4);
    let data = values(n * dim, 16);
    let index = Index::new(rows(&data, dim), options("true_angular", dim, Algorithm::Auto)).unwrap();
    let all = all(&index, rows(&data[..dim], dim));
    let radius = all.row(0).1[20];
    let balls = index.radius_search(rows(&data[..dim], dim), &[radius], &Within::default(), NONE()).unwrap();
    assert_eq!(balls.row(0).1, &all.row(0).1[..21]);
    assert_eq!(balls.told.largest, [radius]);
}

#[test]
fn sparse_rows_and_bits_are_searched_too() {
    let (n, dim, q) = (3_000, 60, 30);
    let sparse = |count: usize, seed: u64| {
        let mut unit = support::uniform(seed);
        let mut rows = SparseRows::with_capacity(count, dim, count * dim).unwrap();
        for _ in 0..count {
            let columns: Vec<u32> = (0..dim as u32).filter(|_| unit() < 0.1).collect();
            let kept: Vec<f32> = columns.iter().map(|_| unit() + 0.1).collect();
            rows.push(&[columns.len() as u32], &columns, &kept).unwrap();
        }
        rows
    };
    for name in ["euclidean", "jaccard"] {
        let exact = Index::new(sparse(n, 17), options(name, dim, Algorithm::Exact)).unwrap();
        let walked = Index::new(sparse(n, 17), options(name, dim, Algorithm::Hnsw)).unwrap();
        check_forms(&exact, &walked, || sparse(q, 18).into(), q, name);
    }
    let bytes = 16;
    let bits = |count: usize, seed: u64| {
        let mut unit = support::uniform(seed);
        let content: Vec<u8> = (0..count * bytes).map(|_| (unit() * 256.0) as u8).collect();
        let mut rows = BitRows::zeroed(count, bytes).unwrap();
        rows.write(0, &content).unwrap();
        rows
    };
    let exact = Index::new(bits(n, 19), options("bit_hamming", bytes, Algorithm::Exact)).unwrap();
    let walked = Index::new(bits(n, 19), options("bit_hamming", bytes, Algorithm::Hnsw)).unwrap();
    check_forms(&exact, &walked, || bits(q, 20).into(), q, "bit_hamming");
}

fn check_forms(exact: &Index, walked: &Index, queries: impl Fn() -> Points, q: usize, title: &str) {
    let all = all(exact, queries());
    for hits in [1, 10, 100] {
        let radius = radius_of(&all, hits);
        let [balls, told] = [walked, exact]
            .map(|index| index.radius_search(queries(), &vec![radius; q], &Within::default(), NONE()).unwrap());
        for query in 0..q {
            let expected = truth(&all, query, radius);
            assert!(found(&balls, query).iter().all(|hit| expected.contains(hit)), "{title}");
            // Ties beyond what is kept may be others than those of the oracle.
            if expected.len() <= 1_000 {
                assert_eq!(found(&told, query), expected, "{title}");
                let seen = found(&balls, query).len();
                assert!(seen as f64 >= 0.9 * expected.len() as f64, "{title}, {hits}: {seen} of {}", expected.len());
            }
        }
    }
}
