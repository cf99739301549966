//! Seconds until a large mapped file has answered: `cargo run --release -p hnsw-files --example mapped -- <rows> <columns> [folder]`.
//! By default 1 000 000 x 256: 1.2 GB. The links lead to the rows beside a row and to rows drawn by chance: they are made in no
//! time, and are read and checked as any others, but what they find is not near. Run it again after dropping the page cache to
//! see what the disk takes.

use hnsw_core::{Algorithm, Control, ForeignLinks, Index, Metric, MetricParams, Options, Query, Rows};
use hnsw_files::{Load, Verify, load, save};
use std::path::PathBuf;
use std::time::Instant;

const M: usize = 16;

fn main() -> hnsw_core::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, otherwise: usize| args.get(i).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (rows, dim) = (number(0, 1_000_000), number(1, 256));
    let path = PathBuf::from(args.get(2).map_or("/tmp", String::as_str)).join("mapped.hnsw");
    let threads = made(rows, dim, &path)?;
    for verify in [Verify::WhenUsed, Verify::Sections, Verify::Full] {
        for _ in 0..3 {
            let started = Instant::now();
            let index = load(&path, Load { mmap: true, verify, threads }, Control::none())?;
            let open = started.elapsed().as_secs_f64();
            let query = Rows::from_slice(&vec![0.5; dim], dim)?;
            index.query(query, Query { k: 10, ef: 100 }, Control::none())?;
            println!("{open:9.4} s to open, {:9.4} s to the first answer  {verify:?}", started.elapsed().as_secs_f64());
        }
    }
    let _ = std::fs::remove_file(&path);
    Ok(())
}

/// Puts an index into a file; the threads it uses.
fn made(rows: usize, dim: usize, path: &std::path::Path) -> hnsw_core::Result<usize> {
    let values = (0..rows * dim).map(|i| (mixed(i as u64) >> 40) as f32 / (1u64 << 24) as f32).collect::<Vec<_>>();
    let metric = Metric::resolve("sqeuclidean", MetricParams::default(), dim)?;
    let options = Options { algorithm: Algorithm::Hnsw, m: M, ..Options::new(metric) };
    let threads = options.threads;
    let index = Index::with_links(Rows::from_slice(&values, dim)?, links(rows), options, Control::none())?;
    drop(values);
    let bytes = save(&index, path, Control::none())?;
    println!("{:.2} GB: {rows} rows of {dim}, m {M}", bytes as f64 / 1e9);
    Ok(threads)
}

fn links(rows: usize) -> ForeignLinks {
    let mut base = Vec::with_capacity(rows * 2 * M);
    for row in 0..rows {
        let mut own = vec![((row + 1) % rows) as u32, ((row + rows - 1) % rows) as u32];
        for i in 0..M as u64 {
            let link = (mixed(row as u64 * 31 + i) % rows as u64) as u32;
            if link as usize != row && !own.contains(&link) {
                own.push(link);
            }
        }
        own.resize(2 * M, u32::MAX);
        base.extend(own);
    }
    ForeignLinks { levels: vec![0; rows], base, upper: Vec::new(), entry: 0 }
}

/// Well mixed bits, the same every time (splitmix64).
fn mixed(i: u64) -> u64 {
    let x = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
