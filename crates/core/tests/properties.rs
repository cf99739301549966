//! Properties over generated rows, options and sequences of updates.

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Query, Rows};
use proptest::prelude::*;

/// Metrics that [`oracle`] knows; all others are held to golden values.
const METRICS: [&str; 7] = ["euclidean", "sqeuclidean", "manhattan", "chebyshev", "cosine", "correlation", "hamming"];

fn metric(name: &str, dim: usize) -> Metric {
    Metric::resolve(name, MetricParams::default(), dim).unwrap()
}

/// Rows with many ties and copies (small integers), or without (halves of thousandths).
fn matrix(max_rows: usize) -> impl Strategy<Value = (usize, Vec<f32>)> {
    (1..=max_rows, 1..=20usize, any::<bool>()).prop_flat_map(|(n, dim, coarse)| {
        let value = if coarse { (-2i32..3).prop_map(|v| v as f32).boxed() } else { (-5e3f32..5e3).boxed() };
        (Just(dim), prop::collection::vec(value, n * dim))
    })
}

/// Distances of a query to all rows, ascending, by a plain f64 loop.
fn oracle(name: &str, query: &[f32], values: &[f32]) -> Vec<f64> {
    let dim = query.len();
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let angle = |a: &[f64], b: &[f64]| match (norm(a), norm(b)) {
        (x, y) if x == 0.0 && y == 0.0 => f64::from(u8::from(name == "cosine")),
        (x, y) if x == 0.0 || y == 0.0 => 1.0,
        (x, y) => 1.0 - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (x * y),
    };
    let centered = |v: &[f64]| {
        let constant = v.iter().all(|&x| x == v[0]);
        let mean = if constant { v[0] } else { v.iter().sum::<f64>() / v.len() as f64 };
        v.iter().map(|x| x - mean).collect::<Vec<f64>>()
    };
    let wide = |v: &[f32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let q = wide(query);
    let mut all: Vec<f64> = values
        .chunks(dim)
        .map(|row| {
            let r = wide(row);
            let diff = q.iter().zip(&r).map(|(a, b)| (a - b).abs());
            match name {
                "sqeuclidean" => diff.map(|d| d * d).sum(),
                "manhattan" => diff.sum(),
                "chebyshev" => diff.fold(0.0, f64::max),
                "hamming" => diff.filter(|&d| d != 0.0).count() as f64 / dim as f64,
                "cosine" => angle(&q, &r),
                "correlation" => angle(&centered(&q), &centered(&r)),
                _ => diff.map(|d| d * d).sum::<f64>().sqrt(),
            }
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn exact_distances_are_those_of_a_plain_loop((dim, values) in matrix(300), name in prop::sample::select(&METRICS[..]), threads in 1..4usize) {
        let options = Options {
            algorithm: Algorithm::Exact,
            n_neighbors: 8,
            threads,
            ..Options::new(metric(name, dim))
        };
        let index = Index::new(Rows::from_slice(&values, dim).unwrap(), options).unwrap();
        let graph = index.neighbor_graph(Control::none()).unwrap();
        for row in 0..index.len() {
            let own = &values[row * dim..(row + 1) * dim];
            let mut others = values.clone();
            others.drain(row * dim..(row + 1) * dim);
            let expected = oracle(name, own, &others);
            prop_assert_eq!(graph.row(row).1[0], 0.0);
            for (seen, expected) in graph.row(row).1[1..].iter().zip(&expected) {
                let scale = expected.abs().max(1.0);
                prop_assert!((f64::from(*seen) - expected).abs() <= 2e-5 * scale, "{name}, row {row}: {seen}, {expected}");
            }
        }
    }

    #[test]
    fn every_row_is_found_after_any_sequence_of_replacements(
        (dim, mut values) in matrix(300),
        rounds in prop::collection::vec((0.0f64..0.5, any::<u64>()), 1..4),
        seed in any::<u64>(),
    ) {
        let n = values.len() / dim;
        let options = Options { algorithm: Algorithm::Hnsw, m: 6, seed, ..Options::new(metric("euclidean", dim)) };
        let index = Index::new(Rows::from_slice(&values, dim).unwrap(), options).unwrap();
        for (share, draw) in rounds {
            index.prepare(Control::none()).unwrap();
            let ids: Vec<u32> = (0..(share * n as f64) as u64).map(|i| (draw.wrapping_mul(2 * i + 1) % n as u64) as u32).collect();
            let new: Vec<f32> = ids.iter().enumerate().flat_map(|(i, &id)| {
                let moved = (i % 5) as f32 - 2.0;
                values[id as usize * dim..(id as usize + 1) * dim].iter().map(move |v| v + moved).collect::<Vec<f32>>()
            }).collect();
            for (i, &id) in ids.iter().enumerate() {
                values[id as usize * dim..(id as usize + 1) * dim].copy_from_slice(&new[i * dim..(i + 1) * dim]);
            }
            if !ids.is_empty() {
                index.update(Changes::replaced(ids, Rows::from_slice(&new, dim).unwrap()), Control::none()).unwrap();
            }
        }
        index.prepare(Control::none()).unwrap();
        prop_assert_eq!(index.stats().unreachable, 0);
        let found = index.query(Rows::from_slice(&values, dim).unwrap(), Query { k: 1, ef: 200 }, Control::none()).unwrap();
        let misses = found.distances.iter().filter(|&&d| d != 0.0).count();
        prop_assert!(misses * 100 <= n, "{misses} of {n} rows do not find themselves or a copy");
    }

    #[test]
    fn every_row_is_found_after_any_sequence_of_appends(
        (dim, values) in matrix(400),
        cuts in prop::collection::vec(0.0f64..1.0, 0..4),
        seed in any::<u64>(),
    ) {
        let n = values.len() / dim;
        let mut ends: Vec<usize> = cuts.iter().map(|c| (c * n as f64) as usize).filter(|&e| e > 0).chain([n]).collect();
        ends.sort_unstable();
        ends.dedup();
        let part = |from: usize, to: usize| Rows::from_slice(&values[from * dim..to * dim], dim).unwrap();
        let options = Options {
            algorithm: Algorithm::Hnsw,
            m: 6,
            seed,
            ..Options::new(metric("euclidean", dim))
        };
        let index = Index::new(part(0, ends[0]), options).unwrap();
        for pair in ends.windows(2) {
            index.prepare(Control::none()).unwrap();
            index.update(Changes::fresh(part(pair[0], pair[1])), Control::none()).unwrap();
        }
        index.prepare(Control::none()).unwrap();
        let stats = index.stats();
        prop_assert_eq!((stats.rows, stats.unreachable), (n, 0));
        let found = index.query(part(0, n), Query { k: 1, ef: 200 }, Control::none()).unwrap();
        let misses = found.distances.iter().filter(|&&d| d != 0.0).count();
        prop_assert!(misses * 100 <= n, "{misses} of {n} rows do not find themselves or a copy");
    }
}
