//! What each kernel set reaches on one core of this machine: G operations per second of the tiles (a
//! multiply and an add count as two) beside what the instructions could do, ns per pair of the
//! distances.
//!
//! `cargo run --release -p hnsw-kernels --example peak` prints it for people; with `--json` one object
//! goes to standard output:
//!
//! ```text
//! {"features": "...", "sets": [{"label": "avx2",
//!    "peak_gops": {"f32": 1.0, "bf16": null, "u8": 1.0},
//!    "tile_gops": {"f32": {"128": 1.0, "784": 1.0, "1600": 1.0}, "bf16": null, "u8": {...}},
//!    "pair_ns": {"l2sq": {"128": 1.0, "784": 1.0}, "ip": {...}, "l1": {...}, "u8_dot": {...}},
//!    "scan_ns": 1.0}]}
//! ```
//!
//! `null` stands where a set has no such instruction or its tile would be no faster than that of f32.

mod instructions;
mod pairs;

use std::hint::black_box;
use std::time::{Duration, Instant};

use hnsw_kernels::{Bf16, Element, Kernels, MatRef, Packed, PairKernel, SparsePanel};
use serde_json::{Map, Value, json};

/// Rows of both sides of a tile: as in the engine, and a call is short beside what else may run.
const ROWS: usize = 256;
/// Spent on each figure.
const SLICE: Duration = Duration::from_millis(20);
/// Widths of the tiles.
const DIMS: [usize; 3] = [128, 784, 1600];

fn main() {
    if std::env::args().any(|argument| argument == "--json") {
        let sets: Vec<Value> = Kernels::available().into_iter().map(measured).collect();
        println!("{:#}", json!({ "features": Kernels::features(), "sets": sets }));
        return;
    }
    println!("{}", Kernels::features());
    for k in Kernels::available() {
        let peaks = instructions::of(k);
        for (name, tile, peak) in
            [("f32", f32_tile as Tile, peaks.f32), ("bf16", bf16_tile, peaks.bf16), ("u8", u8_tile, peaks.u8)]
        {
            for dim in DIMS {
                let (dot, pack) = tile(k, dim);
                let share =
                    peak.map_or_else(String::new, |peak| format!("   {:3.0} % of {peak:.0}", 100.0 * dot / peak));
                let (set, shape) = (k.label(), format!("{ROWS}x{ROWS}x{dim}"));
                println!(
                    "{set:12} {name:>4} tile {shape:12} {dot:8.1} Gop/s, packing B adds {:4.1} %{share}",
                    100.0 * pack
                );
            }
        }
        pairs::print(k);
        sparse(k);
        println!("{:12} scan_l2_f32 {:.3} ns per column", k.label(), scan_ns(k));
    }
}

/// The figures of one set, as the comment of this file says.
fn measured(k: &'static Kernels) -> Value {
    let peaks = instructions::of(k);
    let tiles = |tile: Tile| -> Value {
        let rates: Map<String, Value> = DIMS.iter().map(|&dim| (dim.to_string(), json!(tile(k, dim).0))).collect();
        rates.into()
    };
    let pair = |p: PairKernel| by_length([128, 784], |dim| pairs::of_values(p, dim));
    let u8_dot = by_length([128, 832], |len| pairs::of_bytes(k.u8_dot, len));
    json!({
        "label": k.label(),
        "peak_gops": { "f32": peaks.f32, "bf16": peaks.bf16, "u8": peaks.u8 },
        "tile_gops": {
            "f32": tiles(f32_tile),
            "bf16": k.has_bf16_tile().then(|| tiles(bf16_tile)),
            "u8": k.has_u8_tile().then(|| tiles(u8_tile)),
        },
        "pair_ns": { "l2sq": pair(k.l2sq), "ip": pair(k.ip), "l1": pair(k.l1), "u8_dot": u8_dot },
        "scan_ns": scan_ns(k),
    })
}

/// ns per pair, four at a time, for each length.
fn by_length(lengths: [usize; 2], ns: impl Fn(usize) -> pairs::Rates) -> Value {
    let all: Map<String, Value> = lengths.iter().map(|&n| (n.to_string(), json!(ns(n).1))).collect();
    all.into()
}

/// Best seconds of one call, over `SLICE`.
fn best(mut f: impl FnMut()) -> f64 {
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < SLICE {
        let t = Instant::now();
        f();
        best = best.min(t.elapsed().as_secs_f64());
    }
    best
}

/// G operations per second of a product of `ROWS` x `ROWS` x `dim`, and the time of packing B by that of
/// the product.
type Tile = fn(&Kernels, usize) -> (f64, f64);

fn f32_tile(k: &Kernels, dim: usize) -> (f64, f64) {
    let value = |i: usize| (i % 251) as f32 / 251.0;
    tile(dim, value, 0.0, |b, packed| k.pack_f32(b, packed), |a, b, out| k.dot_tile_f32(a, b, out, ROWS))
}

fn bf16_tile(k: &Kernels, dim: usize) -> (f64, f64) {
    let value = |i: usize| Bf16::from_f32((i % 251) as f32 / 251.0);
    tile(dim, value, 0.0, |b, packed| k.pack_bf16(b, packed), |a, b, out| k.dot_tile_bf16(a, b, out, ROWS))
}

fn u8_tile(k: &Kernels, dim: usize) -> (f64, f64) {
    tile(dim, |i| i as u8, 0, |b, packed| k.pack_u8(b, packed), |a, b, out| k.dot_tile_u8(a, b, out, ROWS))
}

fn tile<T: Element, S: Copy>(
    dim: usize,
    value: impl Fn(usize) -> T,
    zero: S,
    pack: impl Fn(MatRef<T>, &mut Packed<T>),
    dot: impl Fn(MatRef<T>, &Packed<T>, &mut [S]),
) -> (f64, f64) {
    // Rows start at cache lines, as the engine keeps them.
    let stride = dim.next_multiple_of(64 / size_of::<T>());
    let values: Vec<T> = (0..2 * ROWS * stride + 64).map(value).collect();
    let values = &values[values.as_ptr().align_offset(64)..];
    let (a, b) = values.split_at(ROWS * stride);
    let (a, b) = (MatRef::new(a, ROWS, dim, stride), MatRef::new(b, ROWS, dim, stride));
    let (mut packed, mut out) = (Packed::new(), vec![zero; ROWS * ROWS]);
    let packing = best(|| pack(b, &mut packed));
    let product = best(|| dot(a, black_box(&packed), &mut out));
    (2.0 * (ROWS * ROWS * dim) as f64 / 1e9 / product, packing / product)
}

/// Rows of 64 of 20 000 columns, the first ones more often, against a panel of such rows.
fn sparse(k: &Kernels) {
    let (dim, nnz) = (20_000, 64);
    let row = |r: usize| -> (Vec<u32>, Vec<f32>) {
        let share = |i: usize| (i * 32 + r * 7 % 32) as f64 / (nnz * 32) as f64;
        ((0..nnz).map(|i| (share(i).powi(3) * dim as f64) as u32 + i as u32).collect(), vec![1.0; nnz])
    };
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let mut panel = SparsePanel::new(dim + nnz).expect("memory");
    let pack = best(|| {
        panel.clear();
        rows[..SparsePanel::ROWS].iter().for_each(|(columns, values)| panel.push(columns, values).expect("memory"));
    });
    let mut out = [0.0; SparsePanel::ROWS];
    let dots =
        best(|| rows.iter().for_each(|(columns, values)| k.sparse_dots(black_box(&panel), columns, values, &mut out)));
    let pairs = (ROWS * SparsePanel::ROWS) as f64;
    println!(
        "{:12} sparse_dots {:.3} ns per entry and pair, panel made in {:.1} us",
        k.label(),
        dots * 1e9 / (pairs * nnz as f64),
        pack * 1e6
    );
}

/// ns per column of a threshold scan that finds nothing.
fn scan_ns(k: &Kernels) -> f64 {
    let (acc, nb, col) = (vec![1.0; ROWS], vec![5.0; ROWS], vec![0.5; ROWS]);
    let mut hits = Vec::new();
    let s = best(|| {
        for _ in 0..100 {
            k.scan_l2_f32(black_box(&acc), 1.0, &nb, 0.1, Some(&col), &mut hits);
        }
    });
    s * 1e7 / ROWS as f64
}
