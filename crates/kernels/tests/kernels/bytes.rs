use std::fmt::Debug;
use std::panic::catch_unwind;

use hnsw_kernels::{ByteKernel, Kernels};

use crate::support::Random;

/// Rows of up to this many bytes, at these offsets from an allocation.
const LONGEST: usize = 1024;
const OFFSETS: [usize; 4] = [0, 1, 3, 7];

type Reference<T> = fn(&[u8], &[u8]) -> T;

fn pairs<'a>(a: &'a [u8], b: &'a [u8]) -> impl Iterator<Item = (u8, u8)> + 'a {
    a.iter().copied().zip(b.iter().copied())
}

fn bit_hamming(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b).map(|(x, y)| (x ^ y).count_ones()).sum()
}

fn bit_and_or(a: &[u8], b: &[u8]) -> (u32, u32) {
    (pairs(a, b).map(|(x, y)| (x & y).count_ones()).sum(), pairs(a, b).map(|(x, y)| (x | y).count_ones()).sum())
}

fn u8_l2sq(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
}

fn u8_dot(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b).map(|(x, y)| u32::from(x) * u32::from(y)).sum()
}

fn i8_dot(a: &[u8], b: &[u8]) -> i32 {
    pairs(a, b).map(|(x, y)| i32::from(x.cast_signed()) * i32::from(y.cast_signed())).sum()
}

fn u4_l2sq(a: &[u8], b: &[u8]) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    pairs(a, b).map(|(x, y)| square(x & 15, y & 15) + square(x >> 4, y >> 4)).sum()
}

/// What is true of each kernel of bytes, with its reference.
trait Claim {
    fn check<T: Copy + PartialEq + Debug>(&mut self, name: &str, kernel: ByteKernel<T>, reference: Reference<T>);
}

fn for_all(k: &Kernels, claim: &mut impl Claim) {
    claim.check("bit_hamming", k.bit_hamming, bit_hamming);
    claim.check("bit_and_or", k.bit_and_or, bit_and_or);
    claim.check("u8_l2sq", k.u8_l2sq, u8_l2sq);
    claim.check("u8_dot", k.u8_dot, u8_dot);
    claim.check("i8_dot", k.i8_dot, i8_dot);
    claim.check("u4_l2sq", k.u4_l2sq, u4_l2sq);
}

/// Five rows of `len` bytes, some of extreme bytes only.
fn rows(random: &mut Random, len: usize) -> [Vec<u8>; 5] {
    std::array::from_fn(|i| {
        let bytes = random.bytes(len);
        if i % 2 == 0 { bytes } else { bytes.iter().map(|b| [0, 127, 128, 255][usize::from(b % 4)]).collect() }
    })
}

struct PlainLoop<'a>(&'a [Vec<u8>; 5], String);

impl Claim for PlainLoop<'_> {
    fn check<T: Copy + PartialEq + Debug>(&mut self, name: &str, kernel: ByteKernel<T>, reference: Reference<T>) {
        for offset in OFFSETS {
            let [q, a, b, c, d] = self.0.each_ref().map(|row| &row[offset..row.len() - 7 + offset]);
            let want = [a, b, c, d].map(|row| reference(q, row));
            let label = format!("{name} {} length {} offset {offset}", self.1, q.len());
            assert_eq!([a, b, c, d].map(|row| kernel.one(q, row)), want, "{label}");
            assert_eq!([a, b, c, d].map(|row| kernel.one(row, q)), want, "{label} exchanged");
            assert_eq!(kernel.four(q, [a, b, c, d]), want, "{label} four");
        }
    }
}

#[test]
fn every_length_and_address_gives_what_a_plain_loop_gives() {
    let mut random = Random(41);
    for k in Kernels::available() {
        for len in (0..=LONGEST).step_by(64) {
            for_all(k, &mut PlainLoop(&rows(&mut random, len + 7), k.label()));
        }
    }
}

struct ZeroPadding<'a>(&'a [Vec<u8>; 5]);

impl Claim for ZeroPadding<'_> {
    fn check<T: Copy + PartialEq + Debug>(&mut self, name: &str, kernel: ByteKernel<T>, _reference: Reference<T>) {
        let [q, row, ..] = self.0;
        let pad = |row: &[u8]| [row, &[0; 192]].concat();
        assert_eq!(kernel.one(&pad(q), &pad(row)), kernel.one(q, row), "{name} length {}", q.len());
    }
}

#[test]
fn zeros_appended_to_both_rows_change_nothing() {
    let mut random = Random(42);
    for k in Kernels::available() {
        for len in [0, 64, 256, 320] {
            for_all(k, &mut ZeroPadding(&rows(&mut random, len)));
        }
    }
}

struct Longest;

impl Claim for Longest {
    fn check<T: Copy + PartialEq + Debug>(&mut self, name: &str, kernel: ByteKernel<T>, reference: Reference<T>) {
        // The extreme terms of every kernel.
        for (a, b) in [(255, 255), (255, 0), (128, 128), (128, 127)] {
            // Long enough for all but bits; those of half bytes are the largest with 255 and 0 only.
            let n = kernel.longest().min(if (a, b) == (255, 0) { 10 << 20 } else { 1 << 17 });
            let (a, b) = (vec![a; n], vec![b; n]);
            assert_eq!(kernel.one(&a, &b), reference(&a, &b), "{name}");
        }
        if kernel.longest() <= 10 << 20 {
            let long = vec![0; kernel.longest() + 64];
            assert!(catch_unwind(|| kernel.one(&long, &long)).is_err(), "{name}");
        }
    }
}

#[test]
fn the_longest_rows_do_not_overflow_and_longer_ones_are_refused() {
    for k in Kernels::available() {
        for_all(k, &mut Longest);
    }
}

struct Refusals;

impl Claim for Refusals {
    fn check<T: Copy + PartialEq + Debug>(&mut self, name: &str, kernel: ByteKernel<T>, _reference: Reference<T>) {
        let (row, longer, odd) = ([0; 64], [0; 128], [0; 63]);
        assert!(catch_unwind(|| kernel.one(&row, &longer)).is_err(), "{name}: lengths differ");
        assert!(catch_unwind(|| kernel.one(&odd, &odd)).is_err(), "{name}: no multiple of 64");
        assert!(catch_unwind(|| kernel.four(&row, [&row, &row, &row, &longer])).is_err(), "{name}: lengths differ");
    }
}

#[test]
fn refuses_lengths_that_do_not_fit() {
    for k in Kernels::available() {
        for_all(k, &mut Refusals);
    }
}
