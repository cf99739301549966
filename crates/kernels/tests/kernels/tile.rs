use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_kernels::{Bf16, Kernels, MatRef, Packed, U8_MAX_DIM, bf16_dot_error_factor, dot_error_factor};

use crate::support::{Random, sets};

/// Written into results beforehand, to see what a kernel touches.
const GUARD: f32 = -1234.5;
const GUARD_I32: i32 = -987_654;

/// (rows of A, rows of B, dim): all small shapes around the register tiles, and a few large ones.
fn shapes() -> Vec<(usize, usize, usize)> {
    let mut shapes = vec![
        (0, 0, 0),
        (0, 5, 3),
        (5, 0, 3),
        (3, 3, 0),
        (257, 70, 60),
        (30, 300, 300),
        (26, 33, 1030),
        (33, 40, 2100),
        (49, 65, 4200),
    ];
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

fn product_bf16(k: &Kernels, a: MatRef<Bf16>, b: MatRef<Bf16>, packed: &mut Packed<Bf16>) -> Vec<f32> {
    k.pack_bf16(b, packed);
    let ld = padded(b.rows()) + 3;
    let mut out = vec![GUARD; a.rows() * ld];
    k.dot_tile_bf16(a, packed, &mut out, ld);
    for row in out.chunks(ld) {
        assert_eq!(row[padded(b.rows())..], [GUARD; 3], "{} wrote beyond the padding", k.label());
    }
    out.chunks(ld).flat_map(|row| &row[..b.rows()]).copied().collect()
}

fn rounded(x: &[f32]) -> Vec<Bf16> {
    let mut out = vec![Bf16::default(); x.len()];
    Kernels::detect().to_bf16(x, &mut out);
    out
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
fn exact<T: Copy + Into<Exact>>(a: MatRef<T>, b: MatRef<T>) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.rows() {
            let terms = a.row(i).iter().zip(b.row(j)).map(|(x, y)| (*x).into().0 * (*y).into().0);
            out.push(terms.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs())));
        }
    }
    out
}

/// A value of a row in f64.
struct Exact(f64);

impl From<f32> for Exact {
    fn from(x: f32) -> Self {
        Self(x.into())
    }
}

impl From<Bf16> for Exact {
    fn from(x: Bf16) -> Self {
        Self(x.to_f32().into())
    }
}

#[test]
fn f32_tiles_of_integers_are_exact() {
    let mut random = Random(11);
    for k in sets() {
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
    for k in sets() {
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
    for k in sets() {
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
fn bf16_tiles_of_integers_are_exact() {
    let mut random = Random(15);
    for k in sets() {
        let mut packed = Packed::new();
        for (m, n, dim) in shapes() {
            for (offset, extra) in [(0, 0), (1, 5), (3, 16)] {
                let stride = dim + extra;
                let a = rounded(&random.integers(offset + m * stride));
                let b = rounded(&random.integers(offset + n * stride));
                let a = MatRef::new(&a[offset..], m, dim, stride);
                let b = MatRef::new(&b[offset..], n, dim, stride);
                let seen = product_bf16(k, a, b, &mut packed);
                let want: Vec<f32> = exact(a, b).iter().map(|x| x.0 as f32).collect();
                assert_eq!(seen, want, "{} {m} x {n} x {dim}", k.label());
            }
        }
    }
}

#[test]
fn bf16_tiles_keep_the_promised_error_bound_and_exchanging_the_rows_changes_nothing() {
    let mut random = Random(16);
    for k in sets() {
        for (m, n, dim) in [(13, 40, 3), (40, 13, 129), (13, 40, 784), (5, 17, 4001)] {
            // Of one sign, so that roundings add up, then of both.
            for offset in [1.5, 0.0] {
                let mut side = |rows: usize| {
                    let reals: Vec<f32> = random.reals(rows * dim).iter().map(|x| x + offset).collect();
                    rounded(&reals)
                };
                let (a, b) = (side(m), side(n));
                let (a, b) = (MatRef::new(&a, m, dim, dim), MatRef::new(&b, n, dim, dim));
                let seen = product_bf16(k, a, b, &mut Packed::new());
                for (seen, (exact, magnitude)) in seen.iter().zip(exact(a, b)) {
                    let bound = f64::from(bf16_dot_error_factor(dim)) * magnitude;
                    assert!((f64::from(*seen) - exact).abs() <= bound, "{} dim {dim}: {seen} {exact}", k.label());
                }
                let exchanged = product_bf16(k, b, a, &mut Packed::new());
                for i in 0..m {
                    for j in 0..n {
                        let (ij, ji) = (seen[i * n + j], exchanged[j * m + i]);
                        assert_eq!(ij.to_bits(), ji.to_bits(), "{} dim {dim} rows {i} {j}", k.label());
                    }
                }
            }
        }
    }
}

#[test]
fn bf16_tiles_lose_no_more_than_promised_where_products_underflow() {
    let tiny = [f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1e-20, -1e-20, 1e-19, 2e-38, 1.0, 0.0];
    let row = rounded(&tiny);
    let mat = MatRef::new(&row, tiny.len(), 1, 1);
    for k in sets() {
        for (seen, (exact, magnitude)) in product_bf16(k, mat, mat, &mut Packed::new()).iter().zip(exact(mat, mat)) {
            let bound = f64::from(bf16_dot_error_factor(1)) * magnitude + f64::exp2(-125.0);
            assert!((f64::from(*seen) - exact).abs() <= bound, "{}: {seen:e} {exact:e}", k.label());
        }
    }
}

#[test]
fn bf16_values_are_the_nearest_with_ties_to_even() {
    let mut random = Random(17);
    let mut x: Vec<f32> = (0..10_000).map(|_| f32::from_bits(random.next() as u32)).collect();
    // Ties, neighbours of ties, the largest, the smallest normal and subnormal values.
    for bits in [0x3F80_8000, 0x3F81_8000, 0x3F80_7FFF, 0x3F80_8001, 0x7F7F_7FFF, 0x7F7F_8000, 0x7F80_0000_u32] {
        x.extend([bits, bits | 1 << 31].map(f32::from_bits));
    }
    x.extend([0.0, -0.0, f32::MIN_POSITIVE, 1e-39, -1e-45, f32::NAN]);
    for k in sets() {
        let mut out = vec![Bf16::default(); x.len()];
        k.to_bf16(&x, &mut out);
        for (&x, &seen) in x.iter().zip(&out) {
            assert_eq!(seen, Bf16::from_f32(x), "{} {x:e}", k.label());
            let seen = seen.to_f32();
            if x.is_nan() {
                assert!(seen.is_nan());
            } else if x.abs() < f32::MIN_POSITIVE {
                assert_eq!(seen.to_bits(), 0.0f32.copysign(x).to_bits(), "{x:e}");
            } else {
                let around = [-1, 1].map(|step| {
                    let bits = (seen.to_bits() >> 16).wrapping_add_signed(step);
                    f64::from(Bf16::from_bits(bits as u16).to_f32())
                });
                let distance = |y: f64| (y - f64::from(x)).abs();
                for other in around.into_iter().filter(|y| y.is_finite()) {
                    let (here, there) = (distance(seen.into()), distance(other));
                    let even = seen.to_bits() >> 16 & 1 == 0;
                    assert!(seen.is_infinite() || here < there || (here == there && even), "{x:e} {seen:e}");
                }
            }
        }
    }
    assert_eq!(Bf16::from_f32(f32::MAX).to_f32(), f32::INFINITY);
    assert_eq!(Bf16::from_f32(f32::from_bits(0x7F7F_7FFF)).to_bits(), 0x7F7F);
}

#[test]
fn u8_tiles_are_exact() {
    let mut random = Random(14);
    for k in sets() {
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
    for k in sets() {
        let seen = product_u8(k, mat, mat, &mut Packed::new());
        assert_eq!(seen, [255 * 255 * U8_MAX_DIM as i32], "{}", k.label());
    }
}

#[test]
fn packing_again_into_a_grown_buffer_allocates_nothing() {
    let data = vec![1.0; 100 * 64];
    for k in sets() {
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
    for k in sets() {
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
        for other in sets().iter().filter(|o| o.isa != k.isa) {
            other.pack_f32(mat, &mut packed);
            assert!(fails(&packed, 7, 64, 16), "packed by another set");
        }
    }
}
