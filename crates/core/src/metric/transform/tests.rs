//! What transforms do to rows beyond what golden distances show.

use super::*;
use crate::points::RowRef;

fn dense(transform: &Transform, values: &[f32], dim: usize) -> Result<Vec<f32>> {
    let mut points = Points::from(Rows::from_slice(values, dim)?);
    transform.apply(&mut points, 2, Control::none())?;
    let row = |i: usize| match points.row(i) {
        RowRef::Dense(row) => row[..dim].to_vec(),
        _ => unreachable!("dense rows stay dense"),
    };
    Ok((0..points.len()).flat_map(row).collect())
}

fn refusal(transform: &Transform, values: &[f32], dim: usize) -> String {
    let error = dense(transform, values, dim).unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
    error.to_string()
}

#[test]
fn equal_values_share_their_mean_rank() {
    let mut values = [3.0, -0.0, 5.0, 0.0, 3.0, 3.0];
    direction::rank(&mut values, &mut Vec::new());
    assert_eq!(values, [4.0, 1.5, 6.0, 1.5, 4.0, 4.0]);
}

#[test]
fn the_first_refused_row_is_named_whatever_the_threads() {
    let mut values = vec![1.0; 40_000 * 2];
    for row in [39_999, 17_001, 23_456] {
        values[2 * row + 1] = -0.5;
    }
    for transform in [Transform::RootShares, Transform::Smoothed, Transform::Shares] {
        let seen = refusal(&transform, &values, 2);
        assert!(seen.contains("-0.5 (row 17001, column 1)"), "{transform:?}: {seen}");
    }
}

#[test]
fn sparse_rows_are_refused_by_their_column() {
    let mut rows = SparseRows::with_capacity(2, 1000, 3).unwrap();
    rows.push(&[1, 2], &[3, 5, 977], &[1.0, 1.0, -2.0]).unwrap();
    let error = Transform::RootShares.apply(&mut rows.into(), 1, Control::none()).unwrap_err();
    assert!(error.to_string().contains("-2 (row 1, column 977)"), "{error}");
}

#[test]
fn refuses_rows_without_mass_where_mass_is_moved() {
    assert!(refusal(&Transform::Shares, &[1.0, 1.0, 0.0, 0.0], 2).contains("0 (row 1)"));
    assert!(refusal(&Transform::Distribution { open: true }, &[1.0, 1.0, 1.0, -1.0], 2).contains("0 (row 1)"));
    assert_eq!(dense(&Transform::Distribution { open: true }, &[0.0; 3], 3).unwrap(), [0.0; 3]);
}

#[test]
fn shares_of_negative_rows_are_positive() {
    assert_eq!(dense(&Transform::Shares, &[-1.0, -3.0], 2).unwrap(), [0.25, 0.75]);
}

#[test]
fn distributions_end_at_one() {
    let seen = dense(&Transform::Distribution { open: false }, &[0.1, 0.2, 0.7, 0.0], 4).unwrap();
    assert_eq!(seen[2..], [1.0, 1.0]);
    assert_eq!(dense(&Transform::Distribution { open: true }, &[1.0, 3.0], 2).unwrap(), [0.25, 0.0]);
}

#[test]
fn smoothed_shares_are_never_zero() {
    assert!(dense(&Transform::Smoothed, &[0.0, 3e38, 0.0, 0.0], 2).unwrap().iter().all(|&v| v > 0.0));
}

#[test]
fn refuses_rows_that_leave_float32() {
    let factors = Transform::Columns([1.0, 1e10].into());
    assert!(refusal(&factors, &[1.0, 1.0, 1.0, 1e30], 2).contains("(row 1, column 1)"));
}

#[test]
fn roots_of_matrices_give_back_their_form() {
    // Full rank, rank 1 and rank 0; the second is not symmetric, its symmetric part is all ones.
    for v in [[4.0, 1.0, 1.0, 3.0], [1.0, 2.0, 0.0, 1.0], [0.0; 4]] {
        let root = Transform::Linear(Arc::new(Linear::root_of(&v, 2).unwrap()));
        for x in [[1.0, 0.0], [0.0, 1.0], [2.0, -3.0]] {
            let y = dense(&root, &x, 2).unwrap();
            let form = v[0] * x[0] * x[0] + (v[1] + v[2]) * x[0] * x[1] + v[3] * x[1] * x[1];
            assert!((y[0] * y[0] + y[1] * y[1] - form).abs() < 1e-5, "{v:?} at {x:?}");
        }
    }
}

#[test]
fn refuses_forms_that_are_negative_somewhere() {
    for v in [[1.0, 2.0, 2.0, 1.0], [-1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]] {
        assert_eq!(Linear::root_of(&v, 2).unwrap_err().code(), "ERR_INVALID_ARGUMENT", "{v:?}");
    }
}
