//! Prints what each kernel set reaches on one core of this machine: G operations per second of the
//! tiles (a multiply and an add count as two), ns per pair of the distances.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hnsw_kernels::{Bf16, ByteKernel, Kernels, MatRef, Packed, PairKernel, SparsePanel};

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
        bytes(k);
        sparse(k);
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

    let h: Vec<Bf16> = f.iter().map(|&x| Bf16::from_f32(x)).collect();
    let (a, b) = h.split_at(ROWS * stride);
    let (a, b) = (MatRef::new(a, ROWS, dim, stride), MatRef::new(b, ROWS, dim, stride));
    let (mut packed, mut out) = (Packed::new(), vec![0.0; ROWS * ROWS]);
    let pack = best(|| k.pack_bf16(b, &mut packed));
    let dot = best(|| k.dot_tile_bf16(a, black_box(&packed), &mut out, ROWS));
    report(k, "bf16", dim, ops, dot, pack);

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
        let pair = |name, p: PairKernel| rate(name, |a, b| p.one(a, b), |q, r| p.four(q, r), row);
        pair("l2sq", k.l2sq);
        pair("ip", k.ip);
        pair("l1", k.l1);
        pair("linf", k.linf);
        pair("hamming", k.hamming);
        pair("canberra", k.canberra);
        pair("braycurtis", k.braycurtis);
        rate("counts", |a, b| k.counts.one(a, b), |q, r| k.counts.four(q, r), row);
        println!("  (one/four)");
    }
}

fn bytes(k: &Kernels) {
    for len in [64, 128, 832] {
        let rows: Vec<u8> = (0..5 * len + 64).map(|i| (i % 251) as u8).collect();
        let rows = &rows[rows.as_ptr().align_offset(64)..];
        let row = |i: usize| &rows[i * len..(i + 1) * len];
        print!("{:12} bytes of {len:<4} ns", k.label());
        let pair = |name, p: ByteKernel<u32>| rate(name, |a, b| p.one(a, b), |q, r| p.four(q, r), row);
        pair("bit_hamming", k.bit_hamming);
        rate("bit_and_or", |a, b| k.bit_and_or.one(a, b), |q, r| k.bit_and_or.four(q, r), row);
        pair("u8_l2sq", k.u8_l2sq);
        pair("u8_dot", k.u8_dot);
        rate("i8_dot", |a, b| k.i8_dot.one(a, b), |q, r| k.i8_dot.four(q, r), row);
        pair("u4_l2sq", k.u4_l2sq);
        println!("  (one/four)");
    }
}

/// Prints ns per pair, alone and in fours.
fn rate<'a, E: 'a, T>(
    name: &str,
    one: impl Fn(&[E], &[E]) -> T,
    four: impl Fn(&[E], [&[E]; 4]) -> [T; 4],
    row: impl Fn(usize) -> &'a [E],
) {
    let alone = best(|| {
        for _ in 0..1000 {
            black_box(one(black_box(row(0)), row(1)));
        }
    });
    let fours = best(|| {
        for _ in 0..250 {
            black_box(four(black_box(row(0)), [row(1), row(2), row(3), row(4)]));
        }
    });
    print!("  {name} {:.1}/{:.1}", alone * 1e6, fours * 1e6);
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
