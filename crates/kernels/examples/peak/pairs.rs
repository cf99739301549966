//! Distances of pairs: ns per pair, alone and in fours.

use std::hint::black_box;

use hnsw_kernels::{ByteKernel, Kernels, PairKernel};

use crate::best;

/// ns per pair: alone, four at a time.
pub type Rates = (f64, f64);

pub fn of_values(p: PairKernel, dim: usize) -> Rates {
    rates(&Five::values(dim), |a, b| p.one(a, b), |q, r| p.four(q, r))
}

pub fn of_bytes<T>(p: ByteKernel<T>, len: usize) -> Rates {
    rates(&Five::bytes(len), |a, b| p.one(a, b), |q, r| p.four(q, r))
}

pub fn print(k: &Kernels) {
    for dim in [16, 128, 784] {
        print!("{:12} pairs of {dim:<4} ns", k.label());
        let show = |name, p| show(name, of_values(p, dim));
        show("l2sq", k.l2sq);
        show("ip", k.ip);
        show("l1", k.l1);
        show("linf", k.linf);
        show("hamming", k.hamming);
        show("canberra", k.canberra);
        show("braycurtis", k.braycurtis);
        println!("  (one/four)");
    }
    for len in [64, 128, 832] {
        print!("{:12} bytes of {len:<4} ns", k.label());
        show("bit_hamming", of_bytes(k.bit_hamming, len));
        show("bit_and_or", of_bytes(k.bit_and_or, len));
        show("u8_l2sq", of_bytes(k.u8_l2sq, len));
        show("u8_dot", of_bytes(k.u8_dot, len));
        show("i8_dot", of_bytes(k.i8_dot, len));
        show("u4_l2sq", of_bytes(k.u4_l2sq, len));
        println!("  (one/four)");
    }
}

fn show(name: &str, (alone, fours): Rates) {
    print!("  {name} {alone:.1}/{fours:.1}");
}

/// Five rows that start at a cache line.
struct Five<T> {
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl Five<f32> {
    fn values(len: usize) -> Self {
        Self::new((0..5 * len + 16).map(|i| (i % 17) as f32).collect(), len)
    }
}

impl Five<u8> {
    fn bytes(len: usize) -> Self {
        Self::new((0..5 * len + 64).map(|i| (i % 251) as u8).collect(), len)
    }
}

impl<T> Five<T> {
    fn new(values: Vec<T>, len: usize) -> Self {
        let start = values.as_ptr().align_offset(64);
        Self { values, start, len }
    }

    fn row(&self, i: usize) -> &[T] {
        &self.values[self.start + i * self.len..][..self.len]
    }
}

fn rates<E, T>(rows: &Five<E>, one: impl Fn(&[E], &[E]) -> T, four: impl Fn(&[E], [&[E]; 4]) -> [T; 4]) -> Rates {
    let row = |i| rows.row(i);
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
    (alone * 1e6, fours * 1e6)
}
