//! Times walks over a raw little-endian f32 file: queries a second beside their recall, for a sweep of widths.
//!
//!     cargo run --release -p hnsw-core --example walks -- ROWS QUERIES DIM [threads] [k] [metric] [dump]
//!
//! `dump`: a file that the search index is kept in between runs.

mod support;

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};
use std::time::Instant;
use support::{Phases, copy, hits};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).map_or(default, |a| a.parse().expect("a number"));
    let (dim, threads, k) = (number(2, 0), number(3, 1), number(4, 10));
    let name = args.get(5).map_or("euclidean", String::as_str);
    let (rows, queries) = (read(&args[0], dim), read(&args[1], dim));
    let n = rows.len();
    let exact = Options { algorithm: Algorithm::Exact, threads: 2, ..options(name, dim, n, threads) };
    let truth =
        Index::new(copy(&rows), exact).unwrap().query(copy(&queries), Query { k, ef: k }, Control::none()).unwrap();

    let kept = args.get(6).and_then(|path| std::fs::read(path).ok());
    let index = Index::new(rows, options(name, dim, n, threads)).unwrap();
    if let Some(bytes) = &kept {
        index.attach(bytes, Control::none()).unwrap();
    }
    let phases = Phases::start();
    let report = |progress: hnsw_core::Progress| phases.report(progress);
    let never = std::sync::atomic::AtomicBool::new(false);
    let (started, worked) = (Instant::now(), seconds());
    index.prepare(Control::new(&never, &report)).unwrap();
    println!("    until the end         {:8.3} s", phases.0.lock().unwrap().1.elapsed().as_secs_f64());
    println!("prepare {:.3} s, {:.3} s on a core by this thread", started.elapsed().as_secs_f64(), seconds() - worked);
    if let (Some(path), None) = (args.get(6), &kept) {
        std::fs::write(path, index.dump(false, Control::none()).unwrap()).unwrap();
    }
    let count = queries.len() as f64;
    for ef in [10, 15, 20, 30, 40, 60, 80, 100, 140, 200, 300] {
        let before = index.stats();
        let mut best = f64::INFINITY;
        let mut recall = 0.0;
        for _ in 0..5 {
            let asked = copy(&queries);
            let started = seconds();
            let found = index.query(asked, Query { k, ef }, Control::none()).unwrap();
            best = best.min(seconds() - started);
            let hits: usize = (0..queries.len()).map(|i| hits(found.row(i).1, truth.row(i).1)).sum();
            recall = hits as f64 / (count * k as f64);
        }
        let after = index.stats();
        let each = |a: u64, b: u64| (a - b) as f64 / count / 5.0;
        println!(
            "ef {ef:4}  recall {recall:.4}  {:8.0} QPS  {:6.1} distances {:5.1} hops",
            count / best,
            each(after.distances, before.distances),
            each(after.hops, before.hops),
        );
        if recall > 0.998 {
            break;
        }
    }
    println!("{:#?}", index.stats());
}

/// Time of this thread on a core, so that other processes do not count.
fn seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// What the wrapper makes of umap-learn's defaults for so many rows.
fn options(name: &str, dim: usize, n: usize, threads: usize) -> Options {
    let trees = (5 + ((n as f64).sqrt() / 20.0).round() as usize).min(64);
    let iterations = ((n as f64).log2().round() as usize).max(5);
    Options {
        algorithm: Algorithm::Hnsw,
        n_neighbors: 15,
        m: trees.clamp(8, 64),
        ef_construction: (iterations * 30).clamp(200, 800),
        n_iters: iterations,
        threads,
        ..Options::new(Metric::resolve(name, MetricParams::default(), dim).unwrap())
    }
}

fn read(path: &str, dim: usize) -> Rows {
    let bytes = std::fs::read(path).expect("a readable file");
    let mut rows = Rows::zeroed(bytes.len() / 4 / dim, dim).unwrap();
    rows.write_bytes(0, &bytes).unwrap();
    rows
}
