//! Seconds of each phase of updates: a tenth of seeded rows deleted, as many appended, as many replaced.
//!
//! cargo run --release -p hnsw-core --example updates -- [rows] [columns]

mod support;

use hnsw_core::{Changes, Control, Index, Metric, MetricParams, Options, Progress, Query, Rows};
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use support::Phases;

/// Directions in which the rows of a cluster differ.
const INTRINSIC: usize = 16;

/// The first of them meets memory that nobody has used yet.
const REPEATS: usize = 3;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let (n, dim) = (numbers.next().unwrap_or(200_000), numbers.next().unwrap_or(128));
    let all = mixture(n + n / 10, dim);
    let rows = |range: std::ops::Range<usize>| Rows::from_slice(&all[range.start * dim..range.end * dim], dim).unwrap();
    let metric = Metric::resolve("euclidean", MetricParams::default(), dim).unwrap();
    let options = Options { n_neighbors: 10, m: 16, ef_construction: 400, ..Options::new(metric) };
    let index = Index::new(rows(0..n), options).unwrap();
    timed("build", |control| index.prepare(control).unwrap());
    let tenth = |which: u32| (0..n as u32).filter(|id| drawn(*id) % 10 == which).collect();
    let (gone, places): (Vec<u32>, Vec<u32>) = (tenth(3), tenth(7));
    timed("delete", |control| _ = index.update(Changes::removed(gone), control).unwrap());
    timed("append", |control| _ = index.update(Changes::fresh(rows(n..n + n / 10)), control).unwrap());

    for _ in 0..REPEATS {
        let (places, others) = (places.clone(), rows(0..places.len()));
        timed("replace", |control| _ = index.update(Changes::replaced(places, others), control).unwrap());
    }
    index.query(rows(0..10), Query { k: 10, ef: 64 }, Control::none()).unwrap();
    println!("{:?}", index.stats());
}

/// Rows all over the place: most others lose a link with these.
fn drawn(id: u32) -> u32 {
    (id + 1).wrapping_mul(0x9e37_79b9).rotate_left(16).wrapping_mul(0x85eb_ca6b) >> 8
}

fn timed(what: &str, work: impl FnOnce(Control<'_>)) {
    let (start, phases) = (Instant::now(), Phases::start());
    work(Control::new(&AtomicBool::new(false), &|progress: Progress| phases.report(progress)));
    println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
}

/// Rows in 50 clusters, each with a few directions of its own, and a little noise.
fn mixture(n: usize, dim: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut normal = || {
        (0..4).fold(0.0, |sum: f32, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            sum + (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        }) * 1.7
    };
    let clusters = 50;
    let centres: Vec<f32> = (0..clusters * dim).map(|_| normal()).collect();
    let bases: Vec<f32> = (0..clusters * INTRINSIC * dim).map(|_| normal() / 4.0).collect();
    let mut all = Vec::with_capacity(n * dim);
    for i in 0..n {
        let cluster = i % clusters;
        let inner: Vec<f32> = (0..INTRINSIC).map(|_| normal()).collect();
        all.extend((0..dim).map(|j| {
            let along: f32 =
                inner.iter().enumerate().map(|(k, v)| v * bases[(cluster * INTRINSIC + k) * dim + j]).sum();
            centres[cluster * dim + j] + along + 0.05 * normal()
        }));
    }
    all
}
