//! Files that earlier releases wrote load for ever, and answer as they did.

mod support;

use hnsw_core::{
    Algorithm, BitRows, Changes, Control, Index, Metric, MetricParams, Neighbors, Options, Points, Query, Rows,
    SparseRows,
};
use hnsw_files::{load, verify};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::*;

/// The numbers of `test/files/make.mjs`.
fn numbers(len: usize, seed: u32) -> Vec<f32> {
    let number = |i: usize| (i as u32 + 1).wrapping_mul(2_654_435_761u32.wrapping_add(2 * seed)) >> 24;
    (0..len).map(|i| number(i) as f32 / 64.0).collect()
}

fn rows(name: &str, n: usize, seed: u32) -> Points {
    match name {
        "sparse" => {
            let at = numbers(2 * n, seed);
            let mut rows = SparseRows::with_capacity(n, 600, 2 * n).unwrap();
            for pair in at.chunks(2) {
                let columns = [(64.0 * pair[0]) as u32, 300 + (64.0 * pair[1]) as u32];
                rows.push(&[2], &columns, &[pair[0] + 1.0, pair[1] + 1.0]).unwrap();
            }
            rows.into()
        }
        "bits" => {
            let mut rows = BitRows::zeroed(n, 3).unwrap();
            rows.write(0, &numbers(3 * n, seed).iter().map(|v| (64.0 * v) as u8).collect::<Vec<_>>()).unwrap();
            rows.into()
        }
        _ => Rows::from_slice(&numbers(5 * n, seed), 5).unwrap().into(),
    }
}

fn assert_same(found: &Neighbors, expected: &Value, what: &str) {
    let list = |name: &str| expected[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
    let ids: Vec<f64> = found.indices.iter().map(|&id| f64::from(id)).collect();
    assert_eq!(ids, list("indices"), "{what}");
    // Kernels of other instruction sets add in another order.
    let near =
        found.distances.iter().zip(list("distances")).all(|(&a, b)| (f64::from(a) - b).abs() <= 1e-5 * b.max(1.0));
    assert!(near, "{what}: {:?}", found.distances);
}

/// A list of integers; what older files do not have is `or`.
fn integers(list: &Value, or: impl Iterator<Item = u32>) -> Vec<u32> {
    list.as_array().map_or_else(|| or.collect(), |list| list.iter().map(|v| v.as_u64().unwrap() as u32).collect())
}

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/files")
}

fn folders() -> Vec<PathBuf> {
    let folders = fs::read_dir(stored()).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.join("answers.json").exists()).collect()
}

#[test]
fn files_of_every_version_load_and_answer_as_they_did() {
    assert!(folders().len() >= 3);
    for folder in folders() {
        let answers: Value = serde_json::from_str(&fs::read_to_string(folder.join("answers.json")).unwrap()).unwrap();
        for (name, expected) in answers.as_object().unwrap() {
            let path = folder.join(format!("{name}.hnsw"));
            assert_eq!(verify(&path, Control::none()).unwrap().problems, Vec::<String>::new(), "{path:?}");
            for how in every_way() {
                let what = format!("{path:?} {how:?}");
                let index = load(&path, how, Control::none()).unwrap();
                let size = expected["size"].as_u64().unwrap() as u32;
                assert_eq!(index.len(), size as usize);
                assert_eq!(index.ids(), integers(&expected["ids"], 0..size), "{what}");
                assert_eq!(u64::from(index.next_id()), expected["nextId"].as_u64().unwrap_or(size.into()), "{what}");
                let found = index.query(rows(name, 6, 3), Query { k: 5, ef: 30 }, Control::none()).unwrap();
                assert_same(&found, &expected["found"], &what);
                assert_same(&index.neighbor_graph(Control::none()).unwrap(), &expected["graph"], &what);
                assert_eq!((index.stats().graph_builds, index.stats().search_builds), (0, 0), "{what}");
            }
            attach(&path, &folder.join(format!("{name}-products.hnsw")), expected);
        }
    }
}

/// Products alone find their rows.
fn attach(whole: &Path, products: &Path, expected: &Value) {
    let with_rows = load(whole, IN_MEMORY, Control::none()).unwrap();
    let bare = {
        let bytes = with_rows.dump(true, Control::none()).unwrap();
        let index = Index::restore(&bytes, 1, Control::none()).unwrap();
        assert_eq!(index.len(), with_rows.len());
        index
    };
    bare.attach(&fs::read(products).unwrap(), Control::none()).unwrap();
    assert_same(&bare.neighbor_graph(Control::none()).unwrap(), &expected["graph"], &format!("{products:?}"));
    let found = verify(products, Control::none()).unwrap();
    assert_eq!((found.problems, found.rows), (vec![], None));
}

#[test]
fn ids_with_gaps_are_kept_and_none_is_given_twice() {
    let path = stored().join("version-2-ids/deleted.hnsw");
    for how in every_way() {
        let index = load(&path, how, Control::none()).unwrap();
        assert!(index.len() == 90 && index.next_id() == 98);
        let at_front = index.query(rows("deleted", 1, 1), Query { k: 3, ef: 30 }, Control::none()).unwrap();
        assert!(!at_front.indices.contains(&0), "the deleted row is found: {how:?}");
        let changes = Changes { removed: vec![1], ..Changes::fresh(rows("deleted", 2, 9)) };
        index.update(changes, Control::none()).unwrap();
        assert_eq!((index.ids()[..2].to_vec(), index.ids()[89..].to_vec()), (vec![2, 3], vec![98, 99]));
        assert_eq!(index.verify(Control::none()).unwrap().problems, Vec::<String>::new());
        assert_eq!(index.stats().search_builds, 0);
    }
}

#[test]
fn stored_directions_of_sketches_are_walked_by() {
    let folder = stored().join("sketch");
    let found: Value = serde_json::from_str(&fs::read_to_string(folder.join("found.json")).unwrap()).unwrap();
    let of = |n: usize, seed: u32| -> Points { Rows::from_slice(&numbers(17 * n, seed), 17).unwrap().into() };
    let options = Options {
        algorithm: Algorithm::Hnsw,
        n_neighbors: 4,
        m: 2,
        ef_construction: 40,
        max_candidates: 20,
        n_iters: 5,
        graph_recall: 0.9,
        seed: 7,
        ..Options::new(Metric::resolve("euclidean", MetricParams::default(), 17).unwrap())
    };
    let index = Index::new(of(4096, 1), options).unwrap();
    let products = fs::read(folder.join("products.hnsw")).unwrap();
    index.attach(&products, Control::none()).unwrap();
    let again = index.query(of(6, 3), Query { k: 5, ef: 30 }, Control::none()).unwrap();
    assert_same(&again, &found, "sketch");
    assert_eq!(index.stats().search_builds, 0);
    let directions = |bytes: &[u8]| {
        let (_, _, at, len) = sections(bytes).into_iter().find(|&(_, kind, ..)| kind == 16).unwrap();
        bytes[at..at + len].to_vec()
    };
    assert_eq!(directions(&index.dump(true, Control::none()).unwrap()), directions(&products));
}
