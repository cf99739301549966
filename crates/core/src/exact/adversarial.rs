//! Data made to break bounds, against double-precision brute force: every way of product tiles, with and without
//! the filter's own choice of what to keep.

use super::recheck::Aim;
use super::tiles::{ByteTiles, FloatSide, FloatTiles, HalfTiles};
use super::ways::{ORDERED, half_products, ordered, proven, rechecked};
use super::*;
use crate::code::Halves;
use crate::testing::{Rng, dense, metric};

/// A name, the rows, their width.
type Case = (String, Vec<f32>, usize);
/// The value in a row and column.
type Value = dyn FnMut(&mut Rng, usize, usize) -> f32;

fn cases() -> Vec<Case> {
    let mut rng = Rng::new(11);
    let mut cases: Vec<Case> = Vec::new();
    for dim in [1, 2, 15, 16, 17, 63, 100, 129, 784, 1700] {
        let n = if dim > 500 { 150 } else { 330 };
        cases.push((format!("normal, {dim} columns"), (0..n * dim).map(|_| rng.normal()).collect(), dim));
    }
    let mut add = |name: &str, dim: usize, mut value: Box<Value>| {
        let values = (0..400 * dim).map(|at| value(&mut rng, at / dim, at % dim)).collect();
        cases.push((name.to_string(), values, dim));
    };
    add("offset of a million", 24, Box::new(|rng, _, _| 1e6 + rng.unit()));
    add("tiny differences", 24, Box::new(|rng, _, j| 1000.0 + j as f32 + 1e-3 * rng.normal()));
    add("columns of scales 1e-8 to 1e8", 17, Box::new(|rng, _, j| rng.normal() * 10f32.powi(j as i32 - 8)));
    add("rows of scales 1e-6 to 1e6", 24, Box::new(|rng, i, _| rng.normal() * 10f32.powi((i % 13) as i32 - 6)));
    add("one column far out", 24, Box::new(|rng, _, j| rng.normal() * if j == 3 { 1e5 } else { 1.0 }));
    add("a few rows far out", 24, Box::new(|rng, i, _| rng.normal() * if i % 97 == 5 { 1e6 } else { 1.0 }));
    add("one huge row", 8, Box::new(|rng, i, _| if i == 7 { 1e19 } else { rng.normal() }));
    add("constant columns", 24, Box::new(|rng, _, j| if j % 3 == 0 { rng.normal() } else { 77.7 }));
    add("all rows equal", 9, Box::new(|_, _, j| j as f32 + 0.5));
    add("duplicates", 9, Box::new(|_, i, j| ((i % 40 * 31 + j * 7) % 23) as f32 + 0.25));
    add("denormal values", 12, Box::new(|rng, _, _| rng.normal() * 1e-41));
    add("squares that underflow", 12, Box::new(|rng, _, _| rng.normal() * 1e-21));
    add("squares at the end of f32", 12, Box::new(|rng, _, _| rng.normal() * 3e18));
    add("squares that overflow", 12, Box::new(|rng, _, _| rng.normal() * 1e25));
    add("bytes and a half", 24, Box::new(|rng, _, _| rng.below(200) as f32 + 0.5));
    add("two clusters far apart", 24, Box::new(|rng, i, _| rng.normal() + if i % 2 == 0 { 0.0 } else { 1e4 }));
    add("rows of lognormal scales", 24, Box::new(lognormal()));
    add("uniform noise", 24, Box::new(|rng, _, _| rng.unit()));
    add("a few huge norms", 24, Box::new(|rng, i, _| rng.normal() * if i % 131 == 9 { 1e12 } else { 1.0 }));
    add("rank 6 in 48 columns", 48, Box::new(low_rank()));
    add("a line", 16, Box::new(|_, i, j| i as f32 * 1e-3 + (j as f32)));
    cases
}

/// Normal rows, each of a scale of its own: a few are far longer than most.
fn lognormal() -> impl FnMut(&mut Rng, usize, usize) -> f32 {
    let mut scale = 1.0;
    move |rng, _, j| {
        if j == 0 {
            scale = (1.5 * rng.normal()).exp();
        }
        rng.normal() * scale
    }
}

/// Normal rows of 6 dimensions on skew axes.
fn low_rank() -> impl FnMut(&mut Rng, usize, usize) -> f32 {
    let mut at = [0.0f32; 6];
    move |rng, _, j| {
        if j == 0 {
            at = std::array::from_fn(|_| rng.normal());
        }
        (0..6).map(|axis| at[axis] * ((j * 7 + axis * 13) as f32).sin()).sum()
    }
}

/// The proxies of the `k` nearest others of each row: f32 pair distances, and squared distances in f64.
fn truth(source: Source<'_>, k: usize) -> [Vec<Vec<f64>>; 2] {
    let (pair, n) = (source.pair(), source.rows.len());
    let row = |i: usize| &source.rows.dense().unwrap().row(i)[..source.rows.dim()];
    let wide = |i: usize, j: usize| {
        row(i).iter().zip(row(j)).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum::<f64>()
    };
    let narrow = |i: usize, j: usize| f64::from(pair.one(source.rows.row(i), source.rows.row(j)));
    let nearest = |of: &dyn Fn(usize, usize) -> f64| {
        let one = |i: usize| {
            let mut all: Vec<f64> = (0..n).filter(|&j| j != i).map(|j| of(i, j)).collect();
            all.sort_by(f64::total_cmp);
            all.truncate(k);
            all
        };
        (0..n).map(one).collect()
    };
    [nearest(&narrow), nearest(&wide)]
}

fn compare(title: &str, found: &Knn, [narrow, wide]: &[Vec<Vec<f64>>; 2], dim: usize) {
    for row in 0..found.rows() {
        let proxies: Vec<f64> = found.row(row).map(|(_, proxy)| f64::from(proxy)).collect();
        assert_eq!(proxies, narrow[row], "{title}, row {row}: not the nearest in f32");
        for (found, truth) in proxies.iter().zip(&wide[row]) {
            let slack = truth * f64::from(hnsw_kernels::dot_error_factor(dim)) + 1e-43;
            let overflow = *truth > 1e38;
            assert!(overflow || (found - truth).abs() <= slack, "{title}, row {row}: {found} for {truth}");
        }
    }
}

#[test]
fn products_equal_double_precision_on_hard_data() {
    let k = 10;
    for (name, values, dim) in cases() {
        let rows = dense(&values, dim);
        let metric = metric("sqeuclidean", dim);
        let codes = ByteCodes::coarse(rows.dense().unwrap(), 2, Control::none()).unwrap().unwrap();
        for kernels in Kernels::available() {
            let source = Source { rows: &rows, codes: None, coarse: Some(&codes), metric, kernels };
            let truth = truth(source, k);
            let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
            let title = format!("{name}, {}", kernels.label());
            for threads in [1, 3] {
                let (found, _) = graph(source, k, threads, Control::none()).unwrap();
                compare(&format!("{title}, as chosen, {threads} threads"), &found, &truth, dim);
            }
            // Without slack nearly every row needs the second pass.
            for (slack, threads) in [(0, 3), (7, 1)] {
                let aim = Aim { k, slack, again: u64::MAX };
                let tiles = ByteTiles::new(kernels, &codes, &codes);
                let found = rechecked(&tiles, k, slack, &sides, threads, Control::none()).unwrap();
                compare(&format!("{title}, filter, slack {slack}"), &found, &truth, dim);
                let order = order::near(kernels, &codes, 64, threads, Control::none()).unwrap();
                let moved = codes.subset(&order, threads).unwrap();
                let both = [&tiles, &ByteTiles::new(kernels, &moved, &moved)];
                let found = ordered(both, order.clone(), true, aim, &sides, threads, Control::none()).unwrap().unwrap();
                compare(&format!("{title}, ordered, slack {slack}"), &found, &truth, dim);
                if let Some(halves) = Halves::of(rows.dense().unwrap(), kernels, threads, Control::none()).unwrap() {
                    let tiles = HalfTiles::new(kernels, &halves, &halves);
                    let moved = halves.subset(&order, threads).unwrap();
                    let both = [&tiles, &HalfTiles::new(kernels, &moved, &moved)];
                    let found = ordered(both, order, true, aim, &sides, threads, Control::none()).unwrap().unwrap();
                    compare(&format!("{title}, bf16 ordered, slack {slack}"), &found, &truth, dim);
                    let found = rechecked(&tiles, k, slack, &sides, threads, Control::none()).unwrap();
                    compare(&format!("{title}, bf16, slack {slack}"), &found, &truth, dim);
                }
                if let Some(side) = FloatSide::of(rows.dense().unwrap(), kernels, threads) {
                    let tiles = FloatTiles::new(kernels, &side, &side);
                    let found = rechecked(&tiles, k, slack, &sides, threads, Control::none()).unwrap();
                    compare(&format!("{title}, floats, slack {slack}"), &found, &truth, dim);
                }
            }
        }
    }
}

#[test]
fn many_blocks_in_order_equal_double_precision() {
    let mut rng = Rng::new(14);
    let n = ORDERED + 300;
    let values: Vec<f32> = (0..n)
        .flat_map(|i| (0..12).map(|_| rng.normal() * if i % 500 == 3 { 100.0 } else { 1.0 }).collect::<Vec<_>>())
        .collect();
    let integers: Vec<f32> = (0..n * 6).map(|_| rng.below(7) as f32).collect();
    for (title, values, dim) in [("normal, some far out", values, 12), ("integers with many ties", integers, 6)] {
        let rows = dense(&values, dim);
        let metric = metric("sqeuclidean", dim);
        let exact = ByteCodes::of(rows.dense().unwrap(), 2, Control::none()).unwrap();
        let codes = match exact {
            Some(codes) => codes,
            None => ByteCodes::coarse(rows.dense().unwrap(), 2, Control::none()).unwrap().unwrap(),
        };
        let kernels = Kernels::detect();
        let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
        let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
        let truth = truth(source, 9);
        let mut first = None;
        for threads in [1, 3] {
            let order = order::near(kernels, &codes, BLOCK, threads, Control::none()).unwrap();
            let moved = codes.subset(&order, threads).unwrap();
            let both = [&ByteTiles::new(kernels, &codes, &codes), &ByteTiles::new(kernels, &moved, &moved)];
            let aim = Aim { k: 9, slack: 40, again: u64::MAX };
            let found = ordered(both, order, !codes.is_exact(), aim, &sides, threads, Control::none());
            let found = found.unwrap().expect("a second pass without a limit");
            compare(&format!("{title}, {threads} threads"), &found, &truth, dim);
            assert_eq!(first.get_or_insert_with(|| found.clone()).ids, found.ids, "{title}, {threads} threads");
        }
    }
}

#[test]
fn halves_tell_rows_of_many_dimensions_apart() {
    let (mut rng, n) = (Rng::new(15), ORDERED + 100);
    let values: Vec<f32> = (0..n * 64).map(|_| rng.normal().powi(3)).collect();
    let rows = dense(&values, 64);
    let metric = metric("sqeuclidean", 64);
    let codes = ByteCodes::coarse(rows.dense().unwrap(), 2, Control::none()).unwrap().unwrap();
    for kernels in Kernels::available() {
        let source = Source { rows: &rows, codes: None, coarse: Some(&codes), metric, kernels };
        let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
        let both = [rows.dense().unwrap(); 2];
        let found = half_products(source, both, 10, &sides, 2, Control::none()).unwrap();
        assert_eq!(found.is_some(), kernels.has_bf16_tile(), "{}", kernels.label());
        if let Some(found) = found {
            compare(&kernels.label(), &found, &truth(source, 10), 64);
        }
    }
}

#[test]
fn queries_unlike_the_rows_get_their_nearest() {
    let mut rng = Rng::new(12);
    let values: Vec<f32> = (0..500 * 20).map(|_| rng.below(256) as f32).collect();
    let rows = dense(&values, 20);
    let exact = ByteCodes::of(rows.dense().unwrap(), 1, Control::none()).unwrap().unwrap();
    let coarse = ByteCodes::coarse(rows.dense().unwrap(), 1, Control::none()).unwrap().unwrap();
    for scale in [0.0, 1e-3, 1.0, 300.0, 1e12] {
        let queries: Vec<f32> = (0..64 * 20).map(|_| 255.0 * scale * rng.unit()).collect();
        let queries = dense(&queries, 20);
        for kernels in Kernels::available() {
            for codes in [&exact, &coarse] {
                let metric = metric("euclidean", 20);
                let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
                let source = source.beside(&rows, Some(codes));
                let beside = source.codes_of(&queries, 1, Control::none()).unwrap();
                let (found, _) = batch(source, &queries, beside.as_ref(), 7, 2, Control::none()).unwrap();
                let pair = source.pair();
                for q in 0..64 {
                    let mut all: Vec<f32> = (0..500).map(|j| pair.one(queries.row(q), rows.row(j))).collect();
                    all.sort_by(f32::total_cmp);
                    let found: Vec<f32> = found.row(q).map(|(_, proxy)| proxy).collect();
                    assert_eq!(found, all[..7], "scale {scale}, query {q}, {}", kernels.label());
                }
            }
        }
    }
}

#[test]
fn float_tiles_prove_rows_of_any_norms_with_few_pair_distances() {
    let (mut rng, n, dim) = (Rng::new(16), 2000, 64);
    let mut lognormal = lognormal();
    let tails: Vec<f32> = (0..n * dim).map(|at| lognormal(&mut rng, at / dim, at % dim)).collect();
    let noise: Vec<f32> = (0..n * dim).map(|_| rng.unit()).collect();
    let huge = (0..n * dim).map(|at| rng.normal() * if at / dim % 400 == 7 { 1e9 } else { 1.0 }).collect();
    // Rows far out cannot tell the others apart in f32.
    for (title, values, far) in [("lognormal scales", tails, 0), ("uniform noise", noise, 0), ("huge norms", huge, 5)] {
        let rows = dense(&values, dim);
        let metric = metric("sqeuclidean", dim);
        for kernels in Kernels::available() {
            let source = Source { rows: &rows, codes: None, coarse: None, metric, kernels };
            let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
            let side = FloatSide::of(rows.dense().unwrap(), kernels, 2).unwrap();
            // One pair distance for ten rows: a handful of rows without a proof may compare their k nearest.
            let aim = Aim { k: 10, slack: SLACK, again: (n / 10 + far * n) as u64 };
            let found = proven(&FloatTiles::new(kernels, &side, &side), aim, &sides, 2, Control::none()).unwrap();
            let title = format!("{title}, {}", kernels.label());
            compare(&title, &found.expect(&title), &truth(source, 10), dim);
        }
    }
}

#[test]
fn a_way_that_proves_too_little_gives_up_and_the_next_answers() {
    let (mut rng, n, dim) = (Rng::new(17), 1500, 32);
    let mut lognormal = lognormal();
    let values: Vec<f32> = (0..n * dim).map(|at| lognormal(&mut rng, at / dim, at % dim)).collect();
    let rows = dense(&values, dim);
    let codes = ByteCodes::coarse(rows.dense().unwrap(), 2, Control::none()).unwrap().unwrap();
    let (kernels, metric) = (Kernels::detect(), metric("sqeuclidean", dim));
    let source = Source { rows: &rows, codes: None, coarse: Some(&codes), metric, kernels };
    let sides = Sides { a: &rows, b: &rows, pair: source.pair(), same: true, limits: None };
    let tiles = ByteTiles::new(kernels, &codes, &codes);
    let aim = Aim { k: 10, slack: 0, again: n as u64 };
    assert!(proven(&tiles, aim, &sides, 2, Control::none()).unwrap().is_none());
    compare("graph", &graph(source, 10, 2, Control::none()).unwrap().0, &truth(source, 10), dim);
}
