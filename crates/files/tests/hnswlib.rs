//! Index files of hnswlib 0.8.0, made by test/files/hnswlib/make.py.

mod support;

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};
use hnsw_files::{Header, Source, import_hnswlib};
use std::fs;
use std::path::{Path, PathBuf};
use support::Folder;

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/files/hnswlib").join(name)
}

fn rows(n: usize, seed: u64) -> Vec<f32> {
    let number = |i: u64| (((i + 1) * (2_654_435_761 + 2 * seed)) % (1 << 32)) >> 24;
    (0..6 * n as u64).map(|i| number(i) as f32 / 64.0).collect()
}

/// From the file and from its bytes, which must come to the same.
fn import(path: &Path, metric: &str) -> hnsw_core::Result<(Index, Vec<u64>)> {
    let of_file = import_from(path.into(), metric);
    if let Ok(bytes) = fs::read(path) {
        match (&of_file, import_from(bytes[..].into(), metric)) {
            (Ok((index, labels)), Ok((again, same))) => {
                assert_eq!(*labels, same);
                let dump = |index: &Index| index.dump(true, Control::none()).unwrap();
                assert_eq!(dump(index), dump(&again));
            }
            (Err(error), Err(again)) => assert_eq!(error.to_string(), again.to_string()),
            _ => panic!("one of file and bytes is refused, {path:?}"),
        }
    }
    of_file
}

fn import_from(source: Source<'_>, metric: &str) -> hnsw_core::Result<(Index, Vec<u64>)> {
    let options = |header: &Header| {
        let metric = Metric::resolve(metric, MetricParams::default(), header.dim)?;
        Ok(Options { algorithm: Algorithm::Hnsw, ..Options::new(metric) })
    };
    import_hnswlib(source, options, Control::none())
}

#[test]
fn rows_labels_and_links_come_over_and_find_what_is_near() {
    for (file, metric) in [("l2.bin", "sqeuclidean"), ("cosine.bin", "cosine"), ("ip.bin", "inner_product")] {
        let (index, labels) = import(&stored(file), metric).unwrap();
        assert_eq!(labels, (0..200).map(|i| 1000 + 3 * i).collect::<Vec<u64>>());
        let stats = index.stats();
        assert!(stats.search_ready && stats.levels > 1 && stats.mean_degree > 2.0, "{file}: {stats:?}");
        assert_eq!((stats.search_builds, stats.unreachable, index.options().m), (0, 0, 5));
        assert_eq!(index.options().ef_construction, 60);
        let exact = Options {
            algorithm: Algorithm::Exact,
            ..Options::new(Metric::resolve(metric, MetricParams::default(), 6).unwrap())
        };
        let exact = Index::new(Rows::from_slice(&rows(200, 1), 6).unwrap(), exact).unwrap();
        let query = Query { k: 10, ef: 60 };
        let ask =
            |index: &Index| index.query(Rows::from_slice(&rows(20, 7), 6).unwrap(), query, Control::none()).unwrap();
        let (found, truth) = (ask(&index), ask(&exact));
        let hits = (0..20).map(|i| found.row(i).0.iter().filter(|id| truth.row(i).0.contains(id)).count());
        assert!(hits.sum::<usize>() >= 190, "{file}");
        assert_eq!(index.verify(Control::none()).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn deleted_rows_are_left_out() {
    let (index, labels) = import(&stored("deleted.bin"), "sqeuclidean").unwrap();
    assert_eq!((index.len(), labels.len()), (198, 198));
    assert!(!labels.contains(&1003) && !labels.contains(&1300));
    let found =
        index.query(Rows::from_slice(&rows(200, 1)[6..12], 6).unwrap(), Query { k: 1, ef: 50 }, Control::none());
    assert!(found.unwrap().distances[0] > 0.0, "the deleted row itself is gone");
}

#[test]
fn a_file_that_lies_is_refused() {
    let folder = Folder::new();
    let path = folder.join("liar.bin");
    let good = fs::read(stored("l2.bin")).unwrap();
    let row = u64::from_le_bytes(good[24..32].try_into().unwrap()) as usize;
    let refused = |name: &str, bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let code = import(&path, "sqeuclidean").err().map(|error| error.code());
        assert_eq!(code, Some("ERR_CORRUPT_FILE"), "{name}");
    };
    for len in (0..200).chain([96 + row, 96 + 200 * row - 1, 96 + 200 * row, good.len() - 1]) {
        refused(&format!("{len} bytes"), &good[..len]);
    }
    refused("a byte more", &[&good[..], &[0]].concat());
    let with = |at: usize, value: u64, len: usize| {
        let mut bytes = good.clone();
        bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        bytes
    };
    refused("16 GB of rows in 90 bytes", &with(16, 1 << 28, 8)[..90]);
    for (name, at, value, len) in [
        ("rows beyond the file", 16, 1 << 40, 8),
        ("rows whose product wraps", 16, u64::MAX / 8, 8),
        ("rows of no bytes", 24, 0, 8),
        ("rows that wrap", 24, u64::MAX, 8),
        ("a label in the values", 32, 40, 8),
        ("a label that wraps", 32, u64::MAX - 7, 8),
        ("values elsewhere", 40, 0, 8),
        ("an entry beyond the rows", 52, 200, 4),
        ("no links", 72, 0, 8),
        ("links that wrap", 72, 1 << 61, 8),
        ("other links above", 56, 9, 8),
        ("more links than places", 96, 11, 2),
        ("a link beyond the rows", 100, 5000, 4),
        ("a link to the row itself", 100, 0, 4),
        ("a value that is no number", 96 + 44, 0x7fc0_0000, 4),
        ("upper links of half a level", 96 + 200 * row, 7, 4),
        ("upper links beyond the file", 96 + 200 * row, 24 << 20, 4),
    ] {
        let bytes = with(at, value, len);
        fs::write(&path, &bytes).unwrap();
        let code = import(&path, "sqeuclidean").err().map(|error| error.code());
        let expected = if name.contains("no number") { "ERR_NON_FINITE" } else { "ERR_CORRUPT_FILE" };
        assert_eq!(code, Some(expected), "{name}");
    }
    assert_eq!(import(&folder.join("nothing"), "sqeuclidean").err().unwrap().code(), "ERR_FILE");
}
