//! Times the products of an index over a raw little-endian f32 file, recall beside each.
//!
//!     cargo run --release -p hnsw-core --example measure -- FILE DIM [algorithm] [threads] [n] [k]

mod support;

use hnsw_core::{Algorithm, Control, Index, Metric, MetricParams, Options, Query, Rows};
use std::time::Instant;
use support::{Phases, copy, cpu_seconds, hits};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).map_or(default, |a| a.parse().expect("a number"));
    let dim = number(1, 0);
    let bytes = std::fs::read(&args[0]).expect("a readable file");
    let n = number(4, usize::MAX).min(bytes.len() / 4 / dim);
    let k = number(5, 15);
    let mut rows = Rows::zeroed(n, dim).unwrap();
    rows.write_bytes(0, &bytes[..n * dim * 4]).unwrap();
    let mut sample = Rows::zeroed(2000.min(n), dim).unwrap();
    sample.write_bytes(0, &bytes[..sample.len() * dim * 4]).unwrap();

    let metric = Metric::resolve("euclidean", MetricParams::default(), dim).unwrap();
    let algorithm = Algorithm::parse(args.get(2).map_or("auto", String::as_str)).unwrap();
    let options = Options {
        algorithm,
        n_neighbors: k,
        m: 17,
        ef_construction: 480,
        n_iters: 16,
        threads: number(3, 2),
        ..Options::new(metric)
    };
    let exact = Options { algorithm: Algorithm::Exact, ..options.clone() };
    let started = Instant::now();
    let index = Index::new(rows, options).unwrap();
    println!("new                {:8.3} s", started.elapsed().as_secs_f64());

    let mut truth_rows = Rows::zeroed(n, dim).unwrap();
    truth_rows.write_bytes(0, &bytes[..n * dim * 4]).unwrap();
    let truth =
        Index::new(truth_rows, exact).unwrap().query(copy(&sample), Query { k, ef: k }, Control::none()).unwrap();

    let phases = Phases::start();
    let report = |progress: hnsw_core::Progress| phases.report(progress);
    let never = std::sync::atomic::AtomicBool::new(false);
    let control = Control::new(&never, &report);
    let (started, worked) = (Instant::now(), cpu_seconds());
    let graph = index.neighbor_graph(control).unwrap();
    let (seconds, worked_for) = (started.elapsed().as_secs_f64(), cpu_seconds() - worked);
    let found = (0..sample.len()).map(|i| hits(graph.row(i).1, truth.row(i).1)).sum::<usize>();
    let (recall, worked) = (found as f64 / (sample.len() * k) as f64, worked_for);
    println!("neighbour graph    {seconds:8.3} s  {worked:8.2} s on cores  recall {recall:.4}");
    println!("{:#?}", index.plan().neighbor_graph);

    if args.get(6).is_some() {
        let started = Instant::now();
        index.prepare(control).unwrap();
        println!("prepare            {:8.3} s", started.elapsed().as_secs_f64());
        for ef in [15, 30, 60, 120, 240] {
            let started = Instant::now();
            let found = index.query(copy(&sample), Query { k, ef }, Control::none()).unwrap();
            let seconds = started.elapsed().as_secs_f64();
            let hits = (0..sample.len()).map(|i| hits(found.row(i).1, truth.row(i).1)).sum::<usize>();
            let recall = hits as f64 / (sample.len() * k) as f64;
            println!("query ef {ef:4}      {:8.0} QPS  recall {recall:.4}", sample.len() as f64 / seconds);
        }
    }
    println!("{:#?}", index.stats());
}
