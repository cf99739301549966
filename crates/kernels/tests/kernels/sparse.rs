use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_kernels::{Kernels, SparsePanel};

use crate::support::Random;

/// Columns, ascending, and values.
type Row = (Vec<u32>, Vec<f32>);

/// A row that holds each of `dim` columns with a chance of one in `rarity`.
fn row(random: &mut Random, dim: usize, rarity: u64, value: fn(&mut Random) -> f32) -> Row {
    let columns: Vec<u32> = (0..dim as u32).filter(|_| random.below(rarity) == 0).collect();
    let values = columns.iter().map(|_| value(random)).collect();
    (columns, values)
}

fn integer(random: &mut Random) -> f32 {
    random.below(9) as f32 - 4.0
}

fn panel(dim: usize, rows: &[Row]) -> SparsePanel {
    let mut panel = SparsePanel::new(dim).unwrap();
    rows.iter().for_each(|(columns, values)| panel.push(columns, values).unwrap());
    panel
}

fn dots(k: &Kernels, panel: &SparsePanel, (columns, values): &Row) -> [f32; SparsePanel::ROWS] {
    let mut out = [f32::NAN; SparsePanel::ROWS];
    k.sparse_dots(panel, columns, values, &mut out);
    out
}

/// `<a, b>` and `sum |a_k b_k|` by search.
fn exact((columns, values): &Row, b: &Row) -> (f64, f64) {
    let terms = columns.iter().zip(values).filter_map(|(column, x)| {
        let at = b.0.binary_search(column).ok()?;
        Some(f64::from(*x) * f64::from(b.1[at]))
    });
    terms.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs()))
}

#[test]
fn integer_rows_give_the_exact_products_and_zero_beyond_the_last() {
    let mut random = Random(51);
    for k in Kernels::available() {
        for (dim, rarity) in [(0, 1), (1, 1), (40, 2), (3000, 30)] {
            for n in [0, 1, 7, SparsePanel::ROWS] {
                let rows: Vec<Row> = (0..n).map(|_| row(&mut random, dim, rarity, integer)).collect();
                let (panel, q) = (panel(dim, &rows), row(&mut random, dim, rarity, integer));
                let mut want = [0.0; SparsePanel::ROWS];
                rows.iter().zip(&mut want).for_each(|(r, out)| *out = exact(&q, r).0 as f32);
                assert_eq!(dots(k, &panel, &q), want, "{} dim {dim} rows {n}", k.label());
            }
        }
    }
}

#[test]
fn real_rows_stay_within_the_rounding_bound_and_exchanging_them_changes_nothing() {
    let mut random = Random(52);
    let rows: Vec<Row> = (0..SparsePanel::ROWS).map(|_| row(&mut random, 2000, 10, Random::real)).collect();
    for k in Kernels::available() {
        let panel = panel(2000, &rows);
        let all: Vec<_> = rows.iter().map(|row| dots(k, &panel, row)).collect();
        for i in 0..rows.len() {
            for j in 0..rows.len() {
                let (exact, magnitude) = exact(&rows[i], &rows[j]);
                let bound = 1.01 * rows[i].0.len() as f64 * f64::from(f32::EPSILON) * magnitude;
                assert!((f64::from(all[i][j]) - exact).abs() <= bound, "{} rows {i} {j}", k.label());
                assert_eq!(all[i][j], all[j][i], "{} rows {i} {j}", k.label());
            }
        }
    }
}

#[test]
fn a_cleared_panel_is_as_good_as_new_and_keeps_its_memory() {
    let mut random = Random(53);
    let rows: Vec<Row> = (0..SparsePanel::ROWS).map(|_| row(&mut random, 500, 5, integer)).collect();
    let mut used = panel(500, &rows);
    let held = used.bytes();
    used.clear();
    assert_eq!(used.rows(), 0);
    used.push(&rows[3].0, &rows[3].1).unwrap();
    assert_eq!((used.rows(), used.bytes()), (1, held));
    let k = Kernels::detect();
    assert_eq!(dots(k, &used, &rows[7]), dots(k, &panel(500, &rows[3..4]), &rows[7]));
}

#[test]
fn refuses_what_does_not_fit() {
    let mut full = panel(10, &vec![(vec![1, 9], vec![1.0, 2.0]); SparsePanel::ROWS]);
    assert!(catch_unwind(AssertUnwindSafe(|| full.push(&[1], &[1.0]))).is_err(), "one row too many");
    let mut empty = SparsePanel::new(10).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| empty.push(&[10], &[1.0]))).is_err(), "column too large");
    assert!(catch_unwind(AssertUnwindSafe(|| empty.push(&[1, 2], &[1.0]))).is_err(), "lengths differ");
    for k in Kernels::available() {
        for (columns, values) in [(vec![10], vec![1.0]), (vec![u32::MAX], vec![1.0]), (vec![1, 2], vec![1.0])] {
            assert!(catch_unwind(|| dots(k, &full, &(columns.clone(), values))).is_err(), "{} {columns:?}", k.label());
        }
    }
}
