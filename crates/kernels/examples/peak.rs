//! Prints what each kernel set reaches on one core of this machine: G operations per second of the
//! tiles (a multiply and an add count as two), ns per pair of the distances.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hnsw_kernels::{Kernels, MatRef, Packed};

const ROWS: usize = 512;
/// Spent on each figure.
const SLICE: Duration = Duration::from_millis(15);

fn main() {
    println!("{}", Kernels::features());
    for k in Kernels::available() {
        for dim in [784, 128] {
            tiles(k, dim);
        }
        pairs(k);
        scans(k);
    }
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

fn tiles(k: &Kernels, dim: usize) {
    let stride = dim.next_multiple_of(64);
    let ops = 2.0 * (ROWS * ROWS * dim) as f64 / 1e9;
    let f: Vec<f32> = (0..2 * ROWS * stride).map(|i| (i % 251) as f32 / 251.0).collect();
    let (a, b) = f.split_at(ROWS * stride);
    let (a, b) = (MatRef::new(a, ROWS, dim, stride), MatRef::new(b, ROWS, dim, stride));
    let (mut packed, mut out) = (Packed::new(), vec![0.0; ROWS * ROWS]);
    let pack = best(|| k.pack_f32(b, &mut packed));
    let dot = best(|| k.dot_tile_f32(a, black_box(&packed), &mut out, ROWS));
    report(k, "f32", dim, ops, dot, pack);

    let u: Vec<u8> = (0..2 * ROWS * stride).map(|i| (i % 251) as u8).collect();
    let (a, b) = u.split_at(ROWS * stride);
    let (a, b) = (MatRef::new(a, ROWS, dim, stride), MatRef::new(b, ROWS, dim, stride));
    let (mut packed, mut out) = (Packed::new(), vec![0; ROWS * ROWS]);
    let pack = best(|| k.pack_u8(b, &mut packed));
    let dot = best(|| k.dot_tile_u8(a, black_box(&packed), &mut out, ROWS));
    report(k, "u8", dim, ops, dot, pack);
}

fn report(k: &Kernels, what: &str, dim: usize, ops: f64, dot: f64, pack: f64) {
    println!(
        "{:12} {what:>3} tile {ROWS}x{ROWS}x{dim:<4} {:8.1} Gop/s   packing B adds {:4.1} %",
        k.label(),
        ops / dot,
        100.0 * pack / dot
    );
}

fn pairs(k: &Kernels) {
    for dim in [16, 128, 784] {
        let rows: Vec<f32> = (0..5 * dim + 16).map(|i| (i % 17) as f32).collect();
        let rows = &rows[rows.as_ptr().align_offset(64)..];
        let row = |i: usize| &rows[i * dim..(i + 1) * dim];
        print!("{:12} pairs of {dim:<4} ns", k.label());
        for (name, p) in [("l2sq", k.l2sq), ("ip", k.ip), ("l1", k.l1), ("linf", k.linf), ("hamming", k.hamming)] {
            let one = best(|| {
                for _ in 0..1000 {
                    black_box(p.one(black_box(row(0)), row(1)));
                }
            });
            let four = best(|| {
                for _ in 0..250 {
                    black_box(p.four(black_box(row(0)), [row(1), row(2), row(3), row(4)]));
                }
            });
            print!("  {name} {:.1}/{:.1}", one * 1e6, four * 1e6);
        }
        println!("  (one/four)");
    }
}

fn scans(k: &Kernels) {
    let (acc, nb, col) = (vec![1.0; ROWS], vec![5.0; ROWS], vec![0.5; ROWS]);
    let mut hits = Vec::new();
    let s = best(|| {
        for _ in 0..100 {
            k.scan_l2_f32(black_box(&acc), 1.0, &nb, 0.1, Some(&col), &mut hits);
        }
    });
    println!("{:12} scan_l2_f32 {:.3} ns per column", k.label(), s * 1e7 / ROWS as f64);
}
