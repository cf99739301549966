//! Seconds to build, save, load, map and verify an index of random rows: `cargo run --release -p hnsw-files --example timing --
//! <rows> <columns> [folder]`. Each file is read from the page cache; the first line says how large it is.

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};
use hnsw_files::{Load, Verify, load, save, verify};
use std::path::PathBuf;
use std::time::Instant;

fn main() -> hnsw_core::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, otherwise: usize| args.get(i).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (rows, dim) = (number(0, 200_000), number(1, 128));
    let path = PathBuf::from(args.get(2).map_or("/tmp", String::as_str)).join("timing.hnsw");
    let values: Vec<f32> = (0..rows * dim).map(|i| uniform(i as u64)).collect();
    let metric = Metric::resolve("sqeuclidean", MetricParams::default(), dim)?;
    let options = Options { algorithm: Algorithm::Hnsw, m: 16, ef_construction: 200, ..Options::new(metric) };
    let threads = options.threads;
    let index = timed("build and prepare", || {
        let index = Index::new(Rows::from_slice(&values, dim)?, options)?;
        index.prepare(Control::none())?;
        Ok(index)
    })?;
    let queries = || Rows::from_slice(&values[..10 * dim], dim);
    let ask = |index: &Index| index.query(queries()?, Query { k: 10, ef: 100 }, Control::none());
    let expected = ask(&index)?;
    let bytes = timed("save", || save(&index, &path, Control::none()))?;
    drop(index);
    println!("{:.1} MB", bytes as f64 / 1e6);
    for (mmap, check) in [false, true]
        .into_iter()
        .flat_map(|m| [Verify::WhenUsed, Verify::Sections, Verify::Full].map(|check| (m, check)))
    {
        let how = Load { mmap, verify: check, threads };
        let what = format!("{} {check:?}", if mmap { "map" } else { "load" });
        for _ in 0..3 {
            let again = timed(&what, || load(&path, how, Control::none()))?;
            assert_eq!(timed("    ten queries", || ask(&again))?, expected);
        }
    }
    let found = timed("verify", || verify(&path, Control::none()))?;
    assert!(found.problems.is_empty());
    let _ = std::fs::remove_file(&path);
    Ok(())
}

fn timed<T>(what: &str, work: impl FnOnce() -> hnsw_core::Result<T>) -> hnsw_core::Result<T> {
    let started = Instant::now();
    let done = work();
    println!("{:9.4} s  {what}", started.elapsed().as_secs_f64());
    done
}

/// From 0 to 1, the same every time (splitmix64).
fn uniform(i: u64) -> f32 {
    let x = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ x >> 31) >> 40) as f32 / (1u64 << 24) as f32
}
