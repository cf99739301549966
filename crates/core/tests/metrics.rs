//! Every metric against PyNNDescent's values (test/golden/metrics.json), through an index: the distance between a
//! pair of rows is what a query with one finds in an index of the other, and what the graph of the two shows.

use hnsw_core::{
    BitRows, Control, Error, Form, Index, METRICS, Metric, MetricParams, Options, Points, Query, REFUSED, Rows,
    SparseRows,
};
use serde_json::Value;

const TOLERANCE: f64 = 1e-5;

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    let flat = |v: &Value| match v {
        Value::Array(values) => values.iter().map(|v| v.as_f64().unwrap() as f32).collect(),
        single => vec![single.as_f64().unwrap() as f32],
    };
    list(value).iter().flat_map(flat).collect()
}

fn params(given: &Value) -> MetricParams {
    let matrix = |name: &str| given.get(name).map(floats);
    let p = given.get("p").and_then(Value::as_f64);
    MetricParams { p, w: matrix("w"), sigma: matrix("sigma"), vinv: matrix("vinv"), cost: matrix("cost") }
}

fn points(rows: &[Vec<f32>], form: Form) -> Points {
    let dim = rows[0].len();
    match form {
        Form::Dense => Rows::from_slice(&rows.concat(), dim).unwrap().into(),
        Form::Bits => {
            let mut packed = BitRows::zeroed(rows.len(), dim).unwrap();
            packed.write(0, &rows.concat().iter().map(|&v| v as u8).collect::<Vec<_>>()).unwrap();
            packed.into()
        }
        Form::Sparse => {
            let mut sparse = SparseRows::with_capacity(rows.len(), dim, rows.len() * dim).unwrap();
            for row in rows {
                let (columns, values): (Vec<u32>, Vec<f32>) = (0..).zip(row).filter(|(_, v)| **v != 0.0).unzip();
                sparse.push(&[columns.len() as u32], &columns, &values).unwrap();
            }
            sparse.into()
        }
    }
}

/// What a query with the first row finds in an index of the second, the other way round, and what the graph of
/// both shows.
fn distances(name: &str, params: &Value, pair: &[Vec<f32>], form: Form) -> Result<[f32; 3], Error> {
    let metric = Metric::resolve(name, self::params(params), pair[0].len())?;
    let options = || Options { n_neighbors: 2, threads: 1, ..Options::new(metric.clone()) };
    let query = |of: usize| {
        let index = Index::new(points(&pair[1 - of..2 - of], form), options())?;
        index.query(points(&pair[of..=of], form), Query { k: 1, ef: 10 }, Control::none())
    };
    let graph = Index::new(points(pair, form), options())?.neighbor_graph(Control::none())?;
    assert_eq!(graph.indices, [0, 1, 1, 0], "{name}");
    assert_eq!(graph.distances[1].to_bits(), graph.distances[3].to_bits(), "{name}: not symmetric");
    Ok([query(0)?.distances[0], query(1)?.distances[0], graph.distances[1]])
}

/// A case of the table: a metric by one of its names, a pair, and what is expected of it.
struct Case<'a> {
    title: String,
    key: &'a str,
    name: &'a str,
    params: &'a Value,
    pair: Vec<Vec<f32>>,
    form: Form,
    expected: Value,
}

fn vector<'a>(golden: &'a Value, entry: &Value, key: &str) -> &'a Value {
    let kind = &golden["vectors"][word(&entry["rows"])];
    kind.get(key).unwrap_or(&golden["vectors"][key])
}

fn pair(rows: &Value) -> Vec<Vec<f32>> {
    list(rows).iter().map(floats).collect()
}

/// What is expected of a form, by pair: our decisions before upstream's values; of cosine the whole range.
fn expected(entry: &Value, form: Form) -> Value {
    let mut values = match form {
        Form::Sparse => entry["sparse"].clone(),
        _ => entry["values"].clone(),
    };
    if let Some(core) = entry.get("core").and_then(Value::as_object) {
        for (key, value) in core.iter().filter(|(key, _)| form == Form::Dense || *key != "00") {
            values[key] = value.clone();
        }
    }
    for (key, value) in entry["ours"].as_object().unwrap() {
        values[key] = value.clone();
    }
    values
}

fn cases<'a>(golden: &'a Value, entry: &'a Value, form: Form) -> Vec<Case<'a>> {
    let expected = expected(entry, form);
    let case = |name: &'a str, key: &'a str, number: usize, params, rows: &Value, expected: &Value| Case {
        title: format!("{name} ({}) {key} {number} {}", form.name(), entry["params"]),
        key,
        name,
        params,
        pair: pair(rows),
        form,
        expected: expected.clone(),
    };
    let names = std::iter::once(&entry["name"]).chain(list(&entry["aliases"])).map(word);
    let mut out = Vec::new();
    for name in names {
        // Keys live as long as the table: those of `values` name all pairs of an entry.
        for key in entry["values"].as_object().unwrap().keys() {
            let (rows, value) = (vector(golden, entry, key), &expected[key]);
            if key != "random" {
                out.push(case(name, key, 0, &entry["params"], rows, value));
                continue;
            }
            for (i, (rows, value)) in list(rows).iter().zip(list(value)).enumerate() {
                out.push(case(name, key, i, &entry["random_params"], rows, value));
            }
        }
    }
    out
}

fn check(case: &Case<'_>) {
    let seen = distances(case.name, case.params, &case.pair, case.form);
    match (&case.expected, seen) {
        (Value::Number(expected), Ok(seen)) => {
            let expected = expected.as_f64().unwrap();
            let near = |d: f32| (f64::from(d) - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
            assert!(seen.into_iter().all(near), "{}: {seen:?}, expected {expected}", case.title);
        }
        (Value::String(text), Ok(seen)) => {
            assert!(text == "inf" && seen == [f32::INFINITY; 3], "{}: {seen:?}, expected {text}", case.title);
        }
        (Value::String(code), Err(error)) => assert_eq!(error.code(), code, "{}: {error}", case.title),
        (expected, seen) => panic!("{}: {seen:?}, expected {expected}", case.title),
    }
}

fn form_of(entry: &Value) -> Form {
    if word(&entry["rows"]) == "bits" { Form::Bits } else { Form::Dense }
}

#[test]
fn every_name_gives_the_golden_distances() {
    let golden = golden();
    let entries = list(&golden["metrics"]).iter();
    let all: Vec<Case<'_>> = entries.flat_map(|entry| cases(&golden, entry, form_of(entry))).collect();
    assert!(all.len() > 600, "{} cases", all.len());
    all.iter().for_each(check);
}

#[test]
fn sparse_rows_give_the_golden_distances() {
    let golden = golden();
    let entries = list(&golden["metrics"]).iter().filter(|entry| !entry["sparse"].is_null());
    let all: Vec<Case<'_>> = entries.flat_map(|entry| cases(&golden, entry, Form::Sparse)).collect();
    assert!(all.len() > 400, "{} cases", all.len());
    all.iter().for_each(check);
}

#[test]
fn sparse_rows_give_dense_distances() {
    let golden = golden();
    // Listed differences: smoothing of the columns held alone, and rows of zeros under cosine.
    let listed = |name: &str, key: &str| match key {
        "x0" => matches!(name, "jensen-shannon" | "symmetric-kl"),
        "00" => name == "cosine",
        _ => false,
    };
    for entry in list(&golden["metrics"]).iter().filter(|entry| !entry["sparse"].is_null()) {
        for case in cases(&golden, entry, Form::Dense) {
            if listed(word(&entry["name"]), case.key) {
                continue;
            }
            let of = |form| distances(case.name, case.params, &case.pair, form).map_err(|e| e.code());
            match (of(Form::Dense), of(Form::Sparse)) {
                (Ok([dense, ..]), Ok([sparse, ..])) => {
                    assert!((dense - sparse).abs() <= 1e-5 * dense.max(1.0), "{}: {dense} and {sparse}", case.title);
                }
                (dense, sparse) => assert_eq!(dense, sparse, "{}", case.title),
            }
        }
    }
}

#[test]
fn the_table_has_every_name_of_pynndescent() {
    let golden = golden();
    let refused: Vec<&str> = REFUSED.iter().map(|(name, _)| *name).collect();
    let rejected: Vec<&str> = golden["rejected"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(refused.iter().all(|name| rejected.contains(name)) && refused.len() == rejected.len());
    for name in refused {
        let error = Metric::resolve(name, MetricParams::default(), 2).unwrap_err();
        assert!(error.code() == "ERR_INVALID_ARGUMENT" && error.to_string().contains(name), "{error}");
    }
    for name in ["dense", "sparse", "proxy"].into_iter().flat_map(|kind| list(&golden["names"][kind])).map(word) {
        if !rejected.contains(&name) {
            Metric::resolve(name, MetricParams::default(), 2).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn the_table_says_what_pynndescent_says() {
    let golden = golden();
    let has = |list_of: &Value, name: &str| list(list_of).iter().any(|v| v == name);
    for info in METRICS.iter().filter(|info| has(&golden["names"]["dense"], info.name)) {
        assert_eq!(info.angular, has(&golden["angular"], info.name), "{}", info.name);
        let sparse = info.forms.contains(&Form::Sparse);
        assert_eq!(sparse, has(&golden["names"]["sparse"], info.name), "{}", info.name);
        for (kind, names) in golden["quantized"].as_object().unwrap() {
            assert_eq!(info.quantizations.contains(&kind.as_str()), has(names, info.name), "{kind} {}", info.name);
        }
    }
}

#[test]
fn unsupported_forms_are_refused_by_name() {
    for info in METRICS {
        let dim = 2;
        for form in [Form::Dense, Form::Sparse, Form::Bits] {
            let metric = Metric::resolve(info.name, MetricParams::default(), dim).unwrap();
            assert_eq!(metric.supports(form), info.forms.contains(&form));
            let built = Index::new(points(&[vec![1.0, 2.0]], form), Options::new(metric));
            match built {
                Ok(_) => assert!(info.forms.contains(&form), "{}", info.name),
                Err(error) => {
                    assert!(!info.forms.contains(&form), "{}: {error}", info.name);
                    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
                    assert!(error.to_string().contains(info.name), "{error}");
                }
            }
        }
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let cases = [
        ("euclidean", MetricParams { p: Some(3.0), ..MetricParams::default() }),
        ("minkowski", MetricParams { p: Some(0.0), ..MetricParams::default() }),
        ("minkowski", MetricParams { p: Some(f64::NAN), ..MetricParams::default() }),
        ("circular_kantorovich", MetricParams { p: Some(0.5), ..MetricParams::default() }),
        ("wminkowski", MetricParams { w: Some(vec![1.0]), ..MetricParams::default() }),
        ("wminkowski", MetricParams { w: Some(vec![1.0, -1.0]), ..MetricParams::default() }),
        ("seuclidean", MetricParams { sigma: Some(vec![1.0, 0.0]), ..MetricParams::default() }),
        ("mahalanobis", MetricParams { vinv: Some(vec![1.0; 3]), ..MetricParams::default() }),
        ("mahalanobis", MetricParams { vinv: Some(vec![1.0, 2.0, 2.0, 1.0]), ..MetricParams::default() }),
        ("kantorovich", MetricParams { cost: Some(vec![0.0, 1.0, 2.0, 0.0]), ..MetricParams::default() }),
        ("kantorovich", MetricParams { cost: Some(vec![0.0, -1.0, -1.0, 0.0]), ..MetricParams::default() }),
        ("kantorovich", MetricParams { cost: Some(vec![0.0, f32::INFINITY, 1.0, 0.0]), ..MetricParams::default() }),
    ];
    for (name, params) in cases {
        let error = Metric::resolve(name, params.clone(), 2).unwrap_err();
        assert_eq!(error.code(), "ERR_INVALID_ARGUMENT", "{name} {params:?}: {error}");
    }
    assert_eq!(Metric::resolve("haversine", MetricParams::default(), 3).unwrap_err().code(), "ERR_DIMENSION_MISMATCH");
    assert_eq!(Metric::resolve("nosuch", MetricParams::default(), 3).unwrap_err().code(), "ERR_UNKNOWN_METRIC");
}

#[test]
fn weights_and_powers_combine() {
    let rows = [vec![1.0, 5.0, 2.0], vec![4.0, 5.5, 0.0]];
    let of = |p: f64, w: Vec<f32>| {
        let params = serde_json::json!({ "p": p, "w": w });
        distances("wminkowski", &params, &rows, Form::Dense).unwrap()[0]
    };
    assert!((of(1.0, vec![2.0, 1.0, 0.0]) - 6.5).abs() < 1e-5);
    assert!((of(2.0, vec![1.0, 0.0, 4.0]) - 5.0).abs() < 1e-5);
    let metric = Metric::resolve(
        "wminkowski",
        MetricParams { p: Some(f64::INFINITY), w: Some(vec![0.0, 9.0, 9.0]), ..MetricParams::default() },
        3,
    );
    let index = Index::new(points(&rows, Form::Dense), Options::new(metric.unwrap())).unwrap();
    assert_eq!(index.neighbor_graph(Control::none()).unwrap().distances[1], 2.0);
}

#[test]
fn hamming_counts_are_whole_numbers() {
    let rows = [vec![1.0, 2.0, 0.0, 3.0], vec![2.0, 0.0, 0.0, 4.0]];
    for form in [Form::Dense, Form::Sparse] {
        assert_eq!(distances("hammingCount", &Value::Null, &rows, form).unwrap(), [3.0; 3]);
    }
}

#[test]
fn opposite_places_are_right_to_a_millionth() {
    let half = std::f32::consts::PI;
    for (lat, lon) in [(0.3f32, 0.4f32), (-1.2, 2.9), (1.5, 3.0)] {
        let rows = [vec![lat, lon], vec![-lat, lon - half]];
        for seen in distances("haversine", &Value::Null, &rows, Form::Dense).unwrap() {
            assert!((seen - half).abs() < 1e-6, "{seen}");
        }
    }
}

#[path = "../examples/metrics-doc/text.rs"]
mod text;

#[test]
fn generated_files_are_current() {
    for (path, expected) in text::files() {
        let at = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        let seen = std::fs::read_to_string(at).unwrap_or_default();
        assert!(seen == expected, "{path} is not current: cargo run -p hnsw-core --example metrics-doc");
    }
}
