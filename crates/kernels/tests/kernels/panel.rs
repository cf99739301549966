//! Tiles of sums that are no products, against f64 and against the pair kernels.

// Cells and rows are met by number.
#![allow(clippy::needless_range_loop)]

use hnsw_kernels::{Kernels, MatRef, Packed, PanelKernel, panel_error_factor};

use crate::support::Random;

/// Shapes around the register tiles: rows, columns, width.
const SHAPES: [(usize, usize, usize); 9] = [
    (0, 5, 4),
    (1, 1, 1),
    (3, 17, 7),
    (5, 33, 16),
    (12, 32, 64),
    (13, 31, 100),
    (64, 256, 19),
    (25, 50, 784),
    (9, 40, 1100),
];
const LD: usize = 256;

/// All cells of `kernel` for rows with `gap` unused values behind each.
fn cells<C: Copy + Default>(
    k: &Kernels,
    kernel: PanelKernel<f32, C>,
    a: &[f32],
    b: &[f32],
    [n, cols, dim]: [usize; 3],
) -> Vec<Vec<C>> {
    let mut packed = Packed::new();
    k.pack_f32(MatRef::new(b, cols, dim, dim + 3), &mut packed);
    let mut out = vec![C::default(); n * LD];
    kernel.tile(MatRef::new(a, n, dim, dim + 3), &packed, &mut out, LD);
    out.chunks(LD).map(|row| row[..cols].to_vec()).collect()
}

fn row(values: &[f32], i: usize, dim: usize) -> &[f32] {
    &values[i * (dim + 3)..][..dim]
}

fn sum64(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| term(f64::from(x), f64::from(y))).sum()
}

fn share(x: f64, y: f64) -> f64 {
    if x == 0.0 && y == 0.0 { 0.0 } else { (x - y).abs() / (x.abs() + y.abs()) }
}

#[test]
fn sums_are_within_their_bound_and_symmetric() {
    let mut random = Random(1);
    for (n, cols, dim) in SHAPES {
        let [a, b] = [n, cols].map(|rows| random.reals(rows * (dim + 3)));
        for k in Kernels::available() {
            type Term = fn(f64, f64) -> f64;
            let kernels: [(&str, PanelKernel<f32, f32>, Term); 3] = [
                ("l1", k.panels.l1, |x, y| (x - y).abs()),
                ("abs_sum", k.panels.abs_sum, |x, y| (x + y).abs()),
                ("canberra", k.panels.canberra, share),
            ];
            for (name, kernel, term) in kernels {
                let found = cells(k, kernel, &a, &b, [n, cols, dim]);
                let turned = cells(k, kernel, &b, &a, [cols, n, dim]);
                for i in 0..n {
                    for j in 0..cols {
                        let exact = sum64(row(&a, i, dim), row(&b, j, dim), term);
                        let error = (f64::from(found[i][j]) - exact).abs();
                        let bound = f64::from(panel_error_factor(dim)) * exact;
                        assert!(error <= bound, "{} {name} {n}x{cols}x{dim}: {error} of {exact}", k.label());
                        assert_eq!(found[i][j].to_bits(), turned[j][i].to_bits(), "{} {name}", k.label());
                    }
                }
            }
        }
    }
}

#[test]
fn maxima_and_counts_are_those_of_the_pair_kernels() {
    let mut random = Random(2);
    for (n, cols, dim) in SHAPES {
        for integers in [false, true] {
            let draw = |random: &mut Random, rows: usize| {
                let len = rows * (dim + 3);
                if integers { random.integers(len) } else { random.reals(len) }
            };
            let (a, b) = (draw(&mut random, n), draw(&mut random, cols));
            for k in Kernels::available() {
                for (name, kernel, pair) in [("linf", k.panels.linf, k.linf), ("hamming", k.panels.hamming, k.hamming)]
                {
                    let found = cells(k, kernel, &a, &b, [n, cols, dim]);
                    for i in 0..n {
                        for j in 0..cols {
                            let expected = pair.one(row(&a, i, dim), row(&b, j, dim));
                            assert_eq!(found[i][j], expected, "{} {name} {n}x{cols}x{dim}", k.label());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn common_bits_are_counted() {
    let mut random = Random(3);
    for (n, cols, dim) in SHAPES {
        let [a, b] = [n, cols].map(|rows| random.bytes(rows * (dim + 3)));
        let byte_row = |values: &[u8], i: usize| values[i * (dim + 3)..][..dim].to_vec();
        for k in Kernels::available() {
            let mut packed = Packed::new();
            k.pack_bytes(MatRef::new(&b, cols, dim, dim + 3), &mut packed);
            let mut out = vec![0; n * LD];
            k.panels.bit_and.tile(MatRef::new(&a, n, dim, dim + 3), &packed, &mut out, LD);
            for i in 0..n {
                for j in 0..cols {
                    let pairs = byte_row(&a, i).into_iter().zip(byte_row(&b, j));
                    let expected: u32 = pairs.map(|(x, y)| (x & y).count_ones()).sum();
                    assert_eq!(out[i * LD + j].cast_unsigned(), expected, "{} {n}x{cols}x{dim}", k.label());
                }
            }
        }
    }
}

#[test]
fn columns_that_are_zero_in_both_rows_add_nothing() {
    for k in Kernels::available() {
        let found = cells(k, k.panels.canberra, &[0.0, 1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 0.0, 0.0], [1, 1, 2]);
        assert_eq!(found, [[1.0]], "{}", k.label());
    }
}
