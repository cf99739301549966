//! Graphs and batches by panels against double loops in f64, on rows made to be difficult.

use crate::control::Control;
use crate::exact::{Source, batch, graph};
use crate::knn::Knn;
use crate::points::{BitRows, Points};
use crate::testing::{Rng, dense, metric};
use hnsw_kernels::Kernels;

const SUMS: [&str; 5] = ["manhattan", "chebyshev", "canberra", "braycurtis", "hamming"];
const SETS: [&str; 8] =
    ["jaccard", "dice", "matching", "rogerstanimoto", "russellrao", "sokalsneath", "kulsinski", "yule"];
const BITS: [&str; 2] = ["bit_hamming", "bit_jaccard"];

/// The metric in f64, up to what does not reorder.
fn exact(name: &str, a: &[f64], b: &[f64]) -> f64 {
    let sum = |term: fn(f64, f64) -> f64| a.iter().zip(b).map(|(&x, &y)| term(x, y)).sum::<f64>();
    let (both, a_only) = (sum(|x, y| f64::from(x != 0.0 && y != 0.0)), sum(|x, y| f64::from(x != 0.0 && y == 0.0)));
    let (b_only, dim) = (sum(|x, y| f64::from(x == 0.0 && y != 0.0)), a.len() as f64);
    let one = a_only + b_only;
    let ratio = |part: f64, whole: f64| if part == 0.0 { 0.0 } else { part / whole };
    match name {
        "manhattan" => sum(|x, y| (x - y).abs()),
        "chebyshev" => a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max),
        "canberra" => sum(|x, y| if x == 0.0 && y == 0.0 { 0.0 } else { (x - y).abs() / (x.abs() + y.abs()) }),
        "braycurtis" => {
            let total = sum(|x, y| (x + y).abs());
            if total == 0.0 { 0.0 } else { sum(|x, y| (x - y).abs()) / total }
        }
        "hamming" => sum(|x, y| f64::from(x != y)),
        "bit_hamming" => one,
        "jaccard" => ratio(one, both + one),
        "bit_jaccard" => {
            if both + one == 0.0 {
                -1.0
            } else {
                -both / (both + one)
            }
        }
        "dice" => ratio(one, 2.0 * both + one),
        "matching" => one / dim,
        "rogerstanimoto" => 2.0 * one / (dim + one),
        "russellrao" => {
            if one == 0.0 {
                0.0
            } else {
                (dim - both) / dim
            }
        }
        "sokalsneath" => ratio(one, 0.5 * both + one),
        "kulsinski" => {
            if one == 0.0 {
                0.0
            } else {
                (one - both + dim) / (one + dim)
            }
        }
        "yule" => ratio(2.0 * a_only * b_only, both * (dim - both - one) + a_only * b_only),
        _ => unreachable!("{name}"),
    }
}

/// Every neighbour found is as near as the one of its rank in f64, up to the rounding of f32, in order, once each,
/// and never the row itself.
fn near(title: &str, found: &Knn, distances: impl Fn(usize) -> Vec<f64>, same: bool, roundings: f64) {
    for row in 0..found.rows() {
        let all = distances(row);
        let mut sorted: Vec<f64> = (0..all.len()).filter(|&j| !(same && j == row)).map(|j| all[j]).collect();
        sorted.sort_by(f64::total_cmp);
        let cells: Vec<(u32, f32)> = found.row(row).filter(|cell| cell.0 != u32::MAX).collect();
        assert_eq!(cells.len(), found.k.min(sorted.len()), "{title}: row {row}");
        assert!(cells.windows(2).all(|pair| (pair[0].1, pair[0].0) < (pair[1].1, pair[1].0)), "{title}: {cells:?}");
        for (&(id, proxy), &truth) in cells.iter().zip(&sorted) {
            assert!(!(same && id as usize == row), "{title}: row {row} is its own neighbour");
            let slack = roundings * f64::from(f32::EPSILON) * truth.abs() + f64::from(f32::MIN_POSITIVE);
            let seen = all[id as usize];
            assert!(seen <= truth + slack, "{title}: row {row} has {id} at {seen}, {truth} is nearer");
            let given = f64::from(proxy);
            assert!((given - seen).abs() <= slack || !given.is_finite(), "{title}: {given} for {seen}");
        }
    }
}

/// All kernel sets, graphs by 1 and 3 threads, batches by 2; equal bits for every number of threads.
fn check(title: &str, name: &str, rows: &Points, values: &[Vec<f64>], k: usize) {
    let metric = metric(name, rows.dim());
    let roundings = 8.0 * (values[0].len() as f64 + 16.0);
    let truth: Vec<Vec<f64>> = values.iter().map(|a| values.iter().map(|b| exact(name, a, b)).collect()).collect();
    for kernels in Kernels::available() {
        let source = Source { rows, codes: None, coarse: None, metric, kernels };
        let title = format!("{title}, {name}, {}", kernels.label());
        let found = [1, 3].map(|threads| graph(source, k, threads, Control::none()).unwrap().0);
        assert_eq!(found[0].ids, found[1].ids, "{title}");
        assert_eq!(found[0].proxies, found[1].proxies, "{title}");
        near(&title, &found[0], |row| truth[row].clone(), true, roundings);
        let (found, _) = batch(source, rows, None, k.min(rows.len()), 2, Control::none()).unwrap();
        near(&title, &found, |row| truth[row].clone(), false, roundings);
    }
}

fn values(n: usize, dim: usize, mut draw: impl FnMut(usize, usize) -> f32) -> Vec<f32> {
    (0..n * dim).map(|at| draw(at / dim, at % dim)).collect()
}

fn check_dense(title: &str, values: &[f32], dim: usize, names: &[&str]) {
    let rows = dense(values, dim);
    let wide: Vec<Vec<f64>> = values.chunks(dim).map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect();
    names.iter().for_each(|name| check(title, name, &rows, &wide, 7));
}

#[test]
fn sums_of_any_width() {
    let mut rng = Rng::new(1);
    for dim in [1, 2, 15, 17, 64, 100, 300] {
        check_dense("normal", &values(300, dim, |_, _| rng.normal()), dim, &SUMS);
        check_dense("at least 0", &values(300, dim, |_, _| rng.unit()), dim, &SUMS);
    }
    check_dense("wide", &values(60, 1700, |_, _| rng.normal()), 1700, &SUMS);
}

#[test]
fn sums_of_whole_numbers_with_many_ties() {
    let mut rng = Rng::new(2);
    for most in [2, 5, 256] {
        check_dense("whole numbers", &values(520, 20, |_, _| rng.below(most) as f32), 20, &SUMS);
        check_dense("whole numbers of both signs", &values(270, 9, |_, _| rng.below(most) as f32 - 1.0), 9, &SUMS);
    }
    check_dense("whole numbers beyond exact sums", &values(270, 30, |_, _| (rng.below(1 << 24)) as f32), 30, &SUMS);
}

#[test]
fn sums_of_rows_far_from_the_origin_and_hardly_apart() {
    let mut rng = Rng::new(3);
    check_dense("offset 1e5", &values(300, 24, |_, _| 1.0e5 + rng.unit()), 24, &SUMS);
    let base: Vec<f32> = (0..40).map(|_| rng.normal()).collect();
    let apart = values(300, 40, |_, column| f32::from_bits(base[column].to_bits() + rng.below(3) as u32));
    check_dense("last bits differ", &apart, 40, &SUMS);
}

#[test]
fn sums_of_mixed_scales() {
    let mut rng = Rng::new(4);
    let rows = values(300, 24, |row, _| rng.normal() * 10f32.powi(row as i32 % 7 * 3 - 9));
    check_dense("rows of all scales", &rows, 24, &SUMS);
    let columns = values(300, 24, |_, column| rng.normal() * 10f32.powi(column as i32 % 9 * 4 - 16));
    check_dense("columns of all scales", &columns, 24, &SUMS);
    let outliers = values(300, 24, |row, column| rng.unit() + if row % 97 == 3 || column == 5 { 1e6 } else { 0.0 });
    check_dense("outliers", &outliers, 24, &SUMS);
}

#[test]
fn sums_at_the_edges_of_f32() {
    let mut rng = Rng::new(5);
    let sums = ["manhattan", "chebyshev", "hamming"];
    check_dense("denormal", &values(270, 20, |_, _| rng.normal() * 1e-42), 20, &sums);
    check_dense("huge", &values(270, 20, |_, _| rng.normal() * 1e36), 20, &SUMS);
    check_dense("too huge for quotients", &values(270, 20, |_, _| (rng.unit() - 0.5) * 3e37), 20, &SUMS);
}

#[test]
fn rows_that_are_equal_or_zero_or_few() {
    let mut rng = Rng::new(6);
    let base = values(30, 11, |_, _| rng.normal());
    check_dense("20 of each", &values(600, 11, |row, column| base[row % 30 * 11 + column]), 11, &SUMS);
    check_dense(
        "mostly zero",
        &values(300, 11, |row, column| if row % 4 == 0 { base[column] } else { 0.0 }),
        11,
        &SUMS,
    );
    check_dense(
        "constant columns",
        &values(300, 11, |row, column| if column == 0 { row as f32 } else { 3.5 }),
        11,
        &SUMS,
    );
    for n in [1, 2, 3, 20] {
        check_dense("few rows", &base[..n * 11], 11, &SUMS);
        check_dense("few rows", &base[..n * 11], 11, &SETS);
    }
}

#[test]
fn sets_of_columns() {
    let mut rng = Rng::new(7);
    for (dim, every) in [(1, 2), (7, 2), (33, 3), (100, 9), (520, 2)] {
        let drawn = values(300, dim, |row, _| if row % 50 == 9 || rng.below(every) > 0 { 0.0 } else { rng.normal() });
        check_dense("sets", &drawn, dim, &SETS);
    }
    check_dense("full sets", &values(280, 12, |_, _| 1.0 + rng.unit()), 12, &SETS);
}

#[test]
fn packed_bits() {
    let mut rng = Rng::new(8);
    for (dim, share) in [(1, 0), (5, 0), (64, 0), (98, 1), (130, 2)] {
        let mut draw = || (0..=share).fold(255u8, |byte, _| byte & rng.next() as u8);
        let bytes: Vec<u8> = (0..300 * dim).map(|at| if at / dim % 60 == 7 { 0 } else { draw() }).collect();
        let mut rows = BitRows::zeroed(300, dim).unwrap();
        rows.write(0, &bytes).unwrap();
        let bits = |row: &[u8]| row.iter().flat_map(|byte| (0..8).map(move |i| f64::from(byte >> i & 1))).collect();
        let wide: Vec<Vec<f64>> = bytes.chunks(dim).map(bits).collect();
        let rows = Points::from(rows);
        BITS.iter().for_each(|name| check("bits", name, &rows, &wide, 7));
    }
}
