use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_kernels::{Kernels, MatRef, Packed, U8_MAX_DIM, dot_error_factor};

use crate::support::Random;

/// Written into results beforehand, to see what a kernel touches.
const GUARD: f32 = -1234.5;
const GUARD_I32: i32 = -987_654;

/// (rows of A, rows of B, dim): all small shapes around the register tiles, and a few large ones.
fn shapes() -> Vec<(usize, usize, usize)> {
    let mut shapes = vec![(0, 0, 0), (0, 5, 3), (5, 0, 3), (3, 3, 0), (257, 70, 60), (30, 300, 300), (26, 33, 1030)];
    for m in 1..=29 {
        shapes.push((m, 5 + m, 9));
    }
    for n in 1..=50 {
        shapes.push((7, n, 35));
    }
    for dim in 0..=300 {
        shapes.push((13, 19, dim));
    }
    shapes
}

/// Result columns a kernel may write.
fn padded(cols: usize) -> usize {
    cols.next_multiple_of(16)
}

fn product_f32(k: &Kernels, a: MatRef<f32>, b: MatRef<f32>, packed: &mut Packed<f32>) -> Vec<f32> {
    k.pack_f32(b, packed);
    let ld = padded(b.rows()) + 3;
    let mut out = vec![GUARD; a.rows() * ld];
    k.dot_tile_f32(a, packed, &mut out, ld);
    for row in out.chunks(ld) {
        assert_eq!(row[padded(b.rows())..], [GUARD; 3], "{} wrote beyond the padding", k.label());
    }
    out.chunks(ld).flat_map(|row| &row[..b.rows()]).copied().collect()
}

fn product_u8(k: &Kernels, a: MatRef<u8>, b: MatRef<u8>, packed: &mut Packed<u8>) -> Vec<i32> {
    k.pack_u8(b, packed);
    let ld = padded(b.rows()) + 3;
    let mut out = vec![GUARD_I32; a.rows() * ld];
    k.dot_tile_u8(a, packed, &mut out, ld);
    for row in out.chunks(ld) {
        assert_eq!(row[padded(b.rows())..], [GUARD_I32; 3], "{} wrote beyond the padding", k.label());
    }
    out.chunks(ld).flat_map(|row| &row[..b.rows()]).copied().collect()
}

/// `<a_i, b_j>` and `sum |a_k b_k|` in f64, row by row.
fn exact(a: MatRef<f32>, b: MatRef<f32>) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.rows() {
            let terms = a.row(i).iter().zip(b.row(j)).map(|(x, y)| f64::from(*x) * f64::from(*y));
            out.push(terms.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs())));
        }
    }
    out
}

#[test]
fn f32_tiles_of_integers_are_exact() {
    let mut random = Random(11);
    for k in Kernels::available() {
        let mut packed = Packed::new();
        for (m, n, dim) in shapes() {
            for (offset, extra) in [(0, 0), (1, 5), (3, 16)] {
                let stride = dim + extra;
                let (a, b) = (random.integers(offset + m * stride), random.integers(offset + n * stride));
                let a = MatRef::new(&a[offset..], m, dim, stride);
                let b = MatRef::new(&b[offset..], n, dim, stride);
                let seen = product_f32(k, a, b, &mut packed);
                let want: Vec<f32> = exact(a, b).iter().map(|x| x.0 as f32).collect();
                assert_eq!(seen, want, "{} {m} x {n} x {dim}", k.label());
            }
        }
    }
}

#[test]
fn f32_tiles_keep_the_promised_error_bound() {
    let mut random = Random(12);
    for k in Kernels::available() {
        for (m, n, dim) in [(13, 40, 3), (13, 40, 784), (5, 17, 4000)] {
            let (a, b) = (random.reals(m * dim), random.reals(n * dim));
            let (a, b) = (MatRef::new(&a, m, dim, dim), MatRef::new(&b, n, dim, dim));
            let seen = product_f32(k, a, b, &mut Packed::new());
            for (seen, (exact, magnitude)) in seen.iter().zip(exact(a, b)) {
                let bound = f64::from(dot_error_factor(dim)) * magnitude;
                assert!((f64::from(*seen) - exact).abs() <= bound, "{} dim {dim}: {seen}, exact {exact}", k.label());
            }
        }
    }
}

#[test]
fn f32_value_depends_on_the_two_rows_only() {
    let mut random = Random(13);
    let (m, n) = (41, 75);
    for k in Kernels::available() {
        for dim in [5, 100, 784] {
            let (a, b) = (random.reals(m * dim), random.reals(n * dim));
            let (a, b) = (MatRef::new(&a, m, dim, dim), MatRef::new(&b, n, dim, dim));
            let all = product_f32(k, a, b, &mut Packed::new());
            let exchanged = product_f32(k, b, a, &mut Packed::new());
            for i in 0..m {
                let row = product_f32(k, MatRef::new(a.row(i), 1, dim, dim), b, &mut Packed::new());
                for j in 0..n {
                    let bits = all[i * n + j].to_bits();
                    assert_eq!(bits, exchanged[j * m + i].to_bits(), "{} dim {dim} exchanged", k.label());
                    assert_eq!(bits, row[j].to_bits(), "{} dim {dim} alone", k.label());
                }
            }
        }
    }
}

#[test]
fn u8_tiles_are_exact() {
    let mut random = Random(14);
    for k in Kernels::available() {
        let mut packed = Packed::new();
        for (m, n, dim) in shapes() {
            for (offset, extra) in [(0, 0), (1, 5)] {
                let stride = dim + extra;
                let (a, b) = (random.bytes(offset + m * stride), random.bytes(offset + n * stride));
                let a = MatRef::new(&a[offset..], m, dim, stride);
                let b = MatRef::new(&b[offset..], n, dim, stride);
                let seen = product_u8(k, a, b, &mut packed);
                let mut want = Vec::new();
                for i in 0..m {
                    want.extend((0..n).map(|j| {
                        a.row(i).iter().zip(b.row(j)).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>()
                    }));
                }
                assert_eq!(seen, want, "{} {m} x {n} x {dim}", k.label());
            }
        }
    }
}

#[test]
fn u8_tiles_hold_the_largest_sum() {
    let row = vec![255u8; U8_MAX_DIM];
    let mat = MatRef::new(&row, 1, U8_MAX_DIM, U8_MAX_DIM);
    for k in Kernels::available() {
        let seen = product_u8(k, mat, mat, &mut Packed::new());
        assert_eq!(seen, [255 * 255 * U8_MAX_DIM as i32], "{}", k.label());
    }
}

#[test]
fn packing_again_into_a_grown_buffer_allocates_nothing() {
    let data = vec![1.0; 100 * 64];
    for k in Kernels::available() {
        let mut packed = Packed::new();
        k.pack_f32(MatRef::new(&data, 100, 64, 64), &mut packed);
        let held = packed.bytes();
        assert!(held >= 100 * 64 * 4);
        k.pack_f32(MatRef::new(&data, 10, 3, 64), &mut packed);
        assert_eq!((packed.bytes(), packed.rows(), packed.dim()), (held, 10, 3), "{}", k.label());
        k.pack_f32(MatRef::new(&data, 100, 64, 64), &mut packed);
        assert_eq!((packed.bytes(), packed.rows(), packed.dim()), (held, 100, 64));
    }
}

#[test]
fn refuses_shapes_that_do_not_fit() {
    let data = [0.0f32; 64];
    assert!(catch_unwind(|| MatRef::new(&data, 1, 5, 4)).is_err(), "stride below dim");
    assert!(catch_unwind(|| MatRef::new(&data, 9, 7, 8)).is_err(), "data too short");
    assert!(catch_unwind(|| MatRef::new(&data, usize::MAX, 8, 8)).is_err(), "size overflows");
    assert!(catch_unwind(|| MatRef::<f32>::new(&[], usize::MAX, 0, 0)).is_err(), "row count overflows");
    let mat = MatRef::new(&data, 4, 7, 8);
    for k in Kernels::available() {
        let mut packed = Packed::new();
        let fails = |packed: &Packed<f32>, dim: usize, out: usize, ld: usize| {
            let (a, mut out) = (MatRef::new(&data, 4, dim, 8), vec![0.0; out]);
            catch_unwind(AssertUnwindSafe(|| k.dot_tile_f32(a, packed, &mut out, ld))).is_err()
        };
        assert!(fails(&packed, 7, 64, 16), "nothing packed");
        k.pack_f32(mat, &mut packed);
        assert!(!fails(&packed, 7, 64, 16), "fits");
        assert!(fails(&packed, 6, 64, 16), "other width");
        assert!(fails(&packed, 7, 64, 15), "ld below 16");
        assert!(fails(&packed, 7, 63, 16), "result too short");
        for other in Kernels::available().iter().filter(|o| o.isa != k.isa) {
            other.pack_f32(mat, &mut packed);
            assert!(fails(&packed, 7, 64, 16), "packed by another set");
        }
    }
}
