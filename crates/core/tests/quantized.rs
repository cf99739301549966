//! Walks on codes: what they find is compared by the rows themselves.

mod support;

use hnsw_core::{
    Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Quantization, Query, Rows, SparseRows,
};

const DIM: usize = 48;

/// Seeded rows around 30 centres; `whole`: zeros and ones.
fn rows(n: usize, seed: u64, whole: bool) -> Rows {
    let mut unit = support::uniform(seed);
    let centre = |i: usize, j: usize| ((i % 30 * 31 + j * 17) % 23) as f32 / 23.0;
    let values: Vec<f32> = (0..n * DIM)
        .map(|at| centre(at / DIM, at % DIM) + unit())
        .map(|value| if whole { f32::from(value > 1.1) } else { value })
        .collect();
    Rows::from_slice(&values, DIM).unwrap()
}

fn options(name: &str, quantization: Option<Quantization>) -> Options {
    let metric = Metric::resolve(name, MetricParams::default(), DIM).unwrap();
    let algorithm = if quantization.is_some() { Algorithm::Hnsw } else { Algorithm::Exact };
    Options { algorithm, quantization, n_neighbors: 10, m: 12, threads: 2, ..Options::new(metric) }
}

fn recall(name: &str, quantization: Quantization, whole: bool) -> f64 {
    let query = Query { k: 10, ef: 60 };
    let exact = Index::new(rows(3000, 1, whole), options(name, None)).unwrap();
    let coded = Index::new(rows(3000, 1, whole), options(name, Some(quantization))).unwrap();
    let [truth, found] =
        [&exact, &coded].map(|index| index.query(rows(200, 2, whole), query, Control::none()).unwrap());
    assert!(coded.stats().codes_bytes >= 3000 * DIM / 8);
    assert_eq!(coded.plan().query.codes, quantization.name());
    let by_id: std::collections::HashMap<(usize, i32), f32> = (0..200)
        .flat_map(|q| truth.row(q).0.iter().zip(truth.row(q).1).map(move |(&id, &d)| ((q, id), d)).collect::<Vec<_>>())
        .collect();
    let mut hits = 0;
    for q in 0..200 {
        let (ids, distances) = found.row(q);
        assert!(distances.is_sorted(), "{distances:?}");
        hits += distances.iter().filter(|&&d| d <= truth.row(q).1[9]).count();
        for (id, distance) in ids.iter().zip(distances) {
            let expected = by_id.get(&(q, *id));
            assert!(expected.is_none_or(|e| (e - distance).abs() <= 1e-6), "{name}: {distance}, expected {expected:?}");
        }
    }
    hits as f64 / 2000.0
}

#[test]
fn finer_codes_find_more_and_distances_are_always_those_of_the_rows() {
    for (quantization, floor) in
        [(Quantization::Uint8, 0.99), (Quantization::Uint4, 0.98), (Quantization::Binary, 0.95)]
    {
        for name in ["euclidean", "cosine", "dot"] {
            let recall = recall(name, quantization, false);
            assert!(recall >= floor, "{name}, {quantization:?}: {recall}");
        }
    }
    for name in ["cosine", "direct_cosine", "dot"] {
        let recall = recall(name, Quantization::Int8, false);
        assert!(recall >= 0.98, "{name}, int8: {recall}");
    }
    for name in ["hamming", "jaccard"] {
        let recall = recall(name, Quantization::Binary, true);
        assert!(recall >= 0.95, "{name}, binary: {recall}");
    }
}

#[test]
fn codes_follow_updates_and_come_back_from_a_dump() {
    let index = Index::new(rows(2000, 1, false), options("euclidean", Some(Quantization::Uint8))).unwrap();
    index.prepare(Control::none()).unwrap();
    let changes =
        Changes { fresh: Some(rows(50, 3, false).into()), ..Changes::replaced(vec![7, 9], rows(2, 4, false)) };
    index.update(changes, Control::none()).unwrap();
    let one = Query { k: 1, ef: 60 };
    assert_eq!(index.query(rows(2, 4, false), one, Control::none()).unwrap().indices, [7, 9]);
    assert_eq!(index.query(rows(50, 3, false), one, Control::none()).unwrap().distances, [0.0; 50]);
    let again = Index::restore(&index.dump(true, Control::none()).unwrap(), 1, Control::none()).unwrap();
    assert_eq!(
        again.query(rows(9, 5, false), one, Control::none()),
        index.query(rows(9, 5, false), one, Control::none())
    );
    // Codes are made again by the first walk that runs on them.
    assert!((1..=index.stats().codes_bytes).contains(&again.stats().codes_bytes));
}

#[test]
fn refuses_codes_that_a_metric_or_a_form_has_not() {
    let code = |index: hnsw_core::Result<Index>| index.err().map(|error| error.code());
    let refused =
        [("manhattan", Quantization::Binary), ("euclidean", Quantization::Int8), ("hamming", Quantization::Uint8)];
    for (name, quantization) in refused {
        assert_eq!(
            code(Index::new(rows(5, 1, false), options(name, Some(quantization)))),
            Some("ERR_INVALID_ARGUMENT")
        );
    }
    let sparse =
        SparseRows::with_capacity(1, DIM, 0).map(|mut rows| rows.push(&[0], &[], &[]).map(|()| rows)).unwrap().unwrap();
    assert_eq!(code(Index::new(sparse, options("cosine", Some(Quantization::Uint8)))), Some("ERR_INVALID_ARGUMENT"));
    assert_eq!(Quantization::parse("uint2").unwrap_err().code(), "ERR_INVALID_ARGUMENT");
}
