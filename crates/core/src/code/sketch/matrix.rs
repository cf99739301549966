//! Products of whole matrices, and rows made orthogonal.

use crate::error::Result;
use crate::parallel;
use crate::points::Rows;
use hnsw_kernels::{Kernels, Packed};

/// Inner products of the rows of `a` with those of `b`: `a x b`.
pub(super) fn product(a: &Rows, b: &Rows, threads: usize) -> Result<Rows> {
    let kernels = Kernels::detect();
    let mut packed = Packed::default();
    kernels.pack_f32(b.block(0..b.len()), &mut packed);
    let mut out = Rows::zeroed(a.len(), b.len())?;
    let (cells, stride) = out.raw_mut();
    // The rows' padding has room for what a tile writes behind its last column.
    parallel::chunks_mut(
        threads,
        cells,
        32 * stride,
        || (),
        |(), start, part| {
            let first = start / stride;
            kernels.dot_tile_f32(a.block(first..first + part.len() / stride), &packed, part, stride);
            true
        },
    );
    for i in 0..a.len() {
        out.raw_row_mut(i)[b.len()..].fill(0.0);
    }
    Ok(out)
}

/// Makes rows orthogonal and of length 1; what depends on the rows before it becomes zero.
pub(super) fn orthonormalise(rows: &mut Rows) {
    let ip = Kernels::detect().ip;
    for i in 0..rows.len() {
        let before = rows.row(i).iter().map(|v| v * v).sum::<f32>();
        // Twice is enough (Giraud, Langou, Rozložník 2005).
        for _ in 0..2 {
            for j in 0..i {
                let share = ip.one(rows.row(i), rows.row(j));
                let (stride, all) = (rows.raw_row_mut(0).len(), rows.raw_mut().0);
                let (done, rest) = all.split_at_mut(i * stride);
                let axis = &done[j * stride..(j + 1) * stride];
                rest[..stride].iter_mut().zip(axis).for_each(|(value, along)| *value -= share * along);
            }
        }
        let square = rows.row(i).iter().map(|v| v * v).sum::<f32>();
        let factor = if square > before * 1e-10 && square > f32::MIN_POSITIVE { 1.0 / square.sqrt() } else { 0.0 };
        rows.raw_row_mut(i).iter_mut().for_each(|value| *value *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rng;

    fn rows(n: usize, dim: usize, seed: u64) -> Rows {
        let mut rng = Rng::new(seed);
        Rows::from_slice(&(0..n * dim).map(|_| rng.normal()).collect::<Vec<_>>(), dim).unwrap()
    }

    #[test]
    fn products_are_those_of_all_pairs_of_rows() {
        let (a, b) = (rows(70, 19, 1), rows(37, 19, 2));
        let found = product(&a, &b, 2).unwrap();
        for (i, j) in (0..70).flat_map(|i| (0..37).map(move |j| (i, j))) {
            let expected: f32 = a.row(i).iter().zip(b.row(j)).map(|(x, y)| x * y).sum();
            assert!((found.row(i)[j] - expected).abs() < 1e-4, "{i}, {j}: {}, expected {expected}", found.row(i)[j]);
        }
    }

    #[test]
    fn rows_become_orthogonal_and_those_that_depend_on_others_zero() {
        let mut axes = rows(9, 12, 3);
        let sum: Vec<f32> = axes.row(2).iter().zip(axes.row(4)).map(|(x, y)| x + y).collect();
        axes.raw_row_mut(6)[..12].copy_from_slice(&sum[..12]);
        orthonormalise(&mut axes);
        for (i, j) in (0..9).flat_map(|i| (0..9).map(move |j| (i, j))) {
            let expected = if i == j && i != 6 { 1.0 } else { 0.0 };
            let found: f32 = axes.row(i).iter().zip(axes.row(j)).map(|(x, y)| x * y).sum();
            assert!((found - expected).abs() < 1e-5, "{i}, {j}: {found}, expected {expected}");
        }
    }
}
