use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_kernels::{Hit, TileScan};

use crate::support::{Random, sets};

/// What a plain loop finds, by row and column.
fn found<T: Copy>(tile: &TileScan<T>, distance: fn(T, T, T) -> T, passes: fn(T, T) -> bool) -> Vec<Hit<T>> {
    let mut hits = Vec::new();
    for (i, &na) in tile.row_norms.iter().enumerate() {
        for (j, &nb) in tile.column_norms.iter().enumerate() {
            let value = distance(na, nb, tile.acc[i * tile.ld + j]);
            let column = tile.column_thresholds.is_some_and(|thresholds| passes(value, thresholds[j]));
            if column || passes(value, tile.row_thresholds[i]) {
                hits.push(Hit { row: i as u32, column: j as u32, value });
            }
        }
    }
    hits
}

fn in_order<T>(mut hits: Vec<Hit<T>>) -> Vec<Hit<T>> {
    hits.sort_by_key(|hit| (hit.row, hit.column));
    hits
}

/// Small tiles of all remainders of rows and columns, and a few large ones.
fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let small =
        (0..=9).flat_map(|rows| (0..=70).step_by(if rows < 4 { 1 } else { 3 }).map(move |columns| (rows, columns)));
    small.chain([(4, 300), (33, 256), (1, 1000)])
}

#[test]
fn f32_tiles_give_what_a_plain_loop_finds() {
    let mut random = Random(81);
    for (rows, columns) in shapes() {
        let ld = columns + rows % 3;
        let (acc, norms) = (random.reals(rows * ld + columns), random.reals(rows));
        let (column_norms, wanted) = (random.reals(columns), random.reals(columns));
        for threshold in [-2.5, 0.0, f32::NEG_INFINITY, f32::INFINITY] {
            for column_thresholds in [None, Some(&wanted[..])] {
                let tile = TileScan {
                    acc: &acc,
                    ld,
                    row_norms: &norms,
                    column_norms: &column_norms,
                    row_thresholds: &vec![threshold; rows],
                    column_thresholds,
                };
                let want = found(&tile, |na, nb, acc| (na + nb) - 2.0 * acc, |d, threshold| d <= threshold);
                for k in sets() {
                    let mut hits = Vec::new();
                    k.scan_tile_l2_f32(&tile, &mut hits);
                    assert_eq!(in_order(hits), want, "{} {rows} x {columns}", k.label());
                }
            }
        }
    }
}

#[test]
fn i32_tiles_give_what_a_plain_loop_finds_though_sums_wrap() {
    let mut random = Random(82);
    for (rows, columns) in shapes() {
        let ld = columns + rows % 3;
        // Norms whose sum is beyond an i32, products near half of it.
        let mut large = |n: usize| -> Vec<i32> { (0..n).map(|_| i32::MAX - random.below(1000) as i32).collect() };
        let (acc, norms, column_norms) = (large(rows * ld + columns), large(rows), large(columns));
        let mut wanted = |n: usize| -> Vec<i32> { (0..n).map(|_| random.below(3000) as i32 - 1500).collect() };
        let (row_thresholds, columns_want) = (wanted(rows), wanted(columns));
        for column_thresholds in [None, Some(&columns_want[..])] {
            let tile = TileScan {
                acc: &acc,
                ld,
                row_norms: &norms,
                column_norms: &column_norms,
                row_thresholds: &row_thresholds,
                column_thresholds,
            };
            let distance = |na, nb, acc| (i64::from(na) + i64::from(nb) - 2 * i64::from(acc)) as i32;
            let want = found(&tile, distance, |d, threshold| d <= threshold);
            for k in sets() {
                let mut hits = Vec::new();
                k.scan_tile_l2_i32(&tile, &mut hits);
                assert_eq!(in_order(hits), want, "{} {rows} x {columns}", k.label());
            }
        }
    }
}

#[test]
fn distances_that_are_not_numbers_fail_and_hits_are_appended() {
    let tile = TileScan {
        acc: &[f32::NAN, f32::INFINITY, 0.0],
        ld: 3,
        row_norms: &[f32::INFINITY],
        column_norms: &[0.0, 0.0, 0.0],
        row_thresholds: &[f32::INFINITY],
        column_thresholds: None,
    };
    for k in sets() {
        let before = Hit { row: 7, column: 7, value: 7.0 };
        let mut hits = vec![before];
        k.scan_tile_l2_f32(&tile, &mut hits);
        assert_eq!(hits, [before, Hit { row: 0, column: 2, value: f32::INFINITY }], "{}", k.label());
    }
}

#[test]
fn refuses_lengths_that_do_not_match() {
    let values = [0; 64];
    for k in sets() {
        let fails = |acc: usize, ld: usize, thresholds: usize, columns_want: usize| {
            let tile = TileScan {
                acc: &values[..acc],
                ld,
                row_norms: &values[..3],
                column_norms: &values[..5],
                row_thresholds: &values[..thresholds],
                column_thresholds: Some(&values[..columns_want]),
            };
            catch_unwind(AssertUnwindSafe(|| k.scan_tile_l2_i32(&tile, &mut Vec::new()))).is_err()
        };
        assert!(!fails(17, 6, 3, 5), "fits");
        assert!(fails(16, 6, 3, 5), "cells too short");
        assert!(fails(64, 4, 3, 5), "ld below the columns");
        assert!(fails(64, usize::MAX, 3, 5), "cells overflow");
        assert!(fails(64, 6, 2, 5), "row thresholds");
        assert!(fails(64, 6, 3, 4), "column thresholds");
    }
}
