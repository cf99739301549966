//! What all forms of rows promise.

use super::*;
use crate::testing::{dense, sparse, uniform};

fn values(points: &Points) -> Vec<Vec<(u32, u32)>> {
    let of = |i| match points.row(i) {
        RowRef::Dense(row) => (0..).zip(row.iter().map(|v| v.to_bits())).filter(|&(_, v)| v != 0).collect(),
        RowRef::Sparse(row) => row.indices.iter().copied().zip(row.values.iter().map(|v| v.to_bits())).collect(),
        RowRef::Bits(row) => (0..).zip(row.iter().map(|&v| u32::from(v))).filter(|&(_, v)| v != 0).collect(),
    };
    (0..points.len()).map(of).collect()
}

fn bits(n: usize, dim: usize, first: u8) -> Points {
    let mut rows = BitRows::zeroed(n, dim).unwrap();
    let bytes: Vec<u8> = (0..n * dim).map(|i| (i * 37) as u8 ^ first).collect();
    rows.write(0, &bytes).unwrap();
    rows.into()
}

#[test]
fn every_form_is_cut_grown_and_replaced_alike() {
    let forms: [fn(usize, u64) -> Points; 3] =
        [|n, seed| uniform(n, 7, seed), |n, seed| sparse(n, 30, 4, seed).into(), |n, seed| bits(n, 9, seed as u8)];
    for make in forms {
        let (rows, other, fresh) = (make(120, 1), make(5, 2), make(4, 3));
        let (before, others, more) = (values(&rows), values(&other), values(&fresh));
        assert_eq!(values(&rows.subset(&[7, 3, 7]).unwrap()), [7, 3, 7].map(|i: usize| before[i].clone()));

        let kept: Vec<u32> = (0..120).filter(|row| row % 7 != 2).collect();
        let places = [0, 3, 4, 60, 101];
        let edit = Edit { kept: &kept, replaced: Some((&places, &other)), fresh: Some(&fresh) };
        let mut expected: Vec<_> = kept.iter().map(|&row| before[row as usize].clone()).collect();
        places.iter().zip(&others).for_each(|(&place, other)| expected[place as usize] = other.clone());
        expected.extend(more);
        assert_eq!(values(&rows.edited(&edit, 2).unwrap()), expected);
        let all: Vec<u32> = (0..120).collect();
        assert_eq!(values(&rows.edited(&Edit { kept: &all, replaced: None, fresh: None }, 2).unwrap()), before);
    }
}

#[test]
fn sparse_rows_are_sorted_summed_and_freed_of_zeros() {
    let mut rows = SparseRows::with_capacity(3, 10, 4).unwrap();
    rows.push(&[4, 0, 2], &[7, 2, 7, 3, 1, 1], &[1.0, 5.0, 2.0, 0.0, 1.5, -1.5]).unwrap();
    assert_eq!((rows.row(0).indices, rows.row(0).values), (&[2, 7][..], &[5.0, 3.0][..]));
    assert_eq!((rows.row(1).indices.len(), rows.row(2).indices.len(), rows.missing()), (0, 0, 0));
    rows.mark_empty().unwrap();
    assert_eq!(rows.row(2).indices, [10]);
}

#[test]
fn refuses_sparse_rows_that_break_their_promises_and_keeps_none_of_them() {
    let mut rows = SparseRows::with_capacity(2, 10, 4).unwrap();
    let code = |result: Result<()>| result.unwrap_err().code();
    assert_eq!(code(rows.push(&[1, 1], &[3, 10], &[1.0, 1.0])), "ERR_INVALID_ARGUMENT");
    assert_eq!(code(rows.push(&[1, 1], &[3, 4], &[1.0, f32::NAN])), "ERR_NON_FINITE");
    assert_eq!(code(rows.push(&[1, 2], &[3, 4, 4], &[1.0, 3e38, 3e38])), "ERR_NON_FINITE");
    assert_eq!(code(rows.push(&[3], &[3, 4], &[1.0, 1.0])), "ERR_INVALID_ARGUMENT");
    assert_eq!(code(rows.push(&[0, 0, 0], &[], &[])), "ERR_INVALID_ARGUMENT");
    assert_eq!(code(rows.push_bytes(&[1], &[0; 3], &[0; 4])), "ERR_INVALID_ARGUMENT");
    assert_eq!((rows.len(), rows.nnz()), (0, 0));
    assert_eq!(SparseRows::with_capacity(1, 0, 0).err().map(|e| e.code()), Some("ERR_INVALID_ARGUMENT"));
}

#[test]
fn bytes_at_odd_addresses_give_the_same_sparse_rows() {
    let mut rows = SparseRows::with_capacity(1, 300, 2).unwrap();
    let indices: Vec<u8> = [0u8].into_iter().chain(7u32.to_le_bytes()).chain(299u32.to_le_bytes()).collect();
    let values: Vec<u8> = [0u8].into_iter().chain(0.5f32.to_le_bytes()).chain((-2f32).to_le_bytes()).collect();
    rows.push_bytes(&[2], &indices[1..], &values[1..]).unwrap();
    assert_eq!((rows.row(0).indices, rows.row(0).values), (&[7, 299][..], &[0.5, -2.0][..]));
}

#[test]
fn packed_bits_refuse_partial_rows_and_rows_beyond_the_end() {
    let mut rows = BitRows::zeroed(2, 3).unwrap();
    assert_eq!(rows.write(0, &[1; 4]).unwrap_err().code(), "ERR_DIMENSION_MISMATCH");
    assert_eq!(rows.write(1, &[1; 6]).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
    assert_eq!(dense(&[1.0], 1).form().name(), "dense");
}
