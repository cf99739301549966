use hnsw_kernels::{Counts, Kernels, PairKernel, minkowski};

use crate::support::Random;

const LONGEST: usize = 300;
/// Slices start this many values after an allocation, so most are not aligned to a vector.
const OFFSETS: [usize; 4] = [0, 1, 3, 7];

type Reference = fn(&[f32], &[f32]) -> f64;

fn l2sq(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum()
}

fn ip(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn l1(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs()).sum()
}

fn linf(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs()).fold(0.0, f64::max)
}

fn hamming(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).filter(|(x, y)| x != y).count() as f64
}

fn canberra(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b).map(|(x, y)| (f64::from(*x), f64::from(*y)));
    pairs.filter(|(x, y)| *x != 0.0 || *y != 0.0).map(|(x, y)| (x - y).abs() / (x.abs() + y.abs())).sum()
}

fn braycurtis(a: &[f32], b: &[f32]) -> f64 {
    let total: f64 = a.iter().zip(b).map(|(x, y)| (f64::from(*x) + f64::from(*y)).abs()).sum();
    if total == 0.0 { 0.0 } else { l1(a, b) / total }
}

fn kernels(k: &Kernels) -> [(&'static str, PairKernel, Reference); 7] {
    [
        ("l2sq", k.l2sq, l2sq),
        ("ip", k.ip, ip),
        ("l1", k.l1, l1),
        ("linf", k.linf, linf),
        ("hamming", k.hamming, hamming),
        ("canberra", k.canberra, canberra),
        ("braycurtis", k.braycurtis, braycurtis),
    ]
}

/// Calls `f(kernel, reference, label, q, rows)` for every set, kernel, length and offset.
fn for_all(
    make: fn(&mut Random, usize) -> Vec<f32>,
    mut f: impl FnMut(PairKernel, Reference, &str, &[f32], [&[f32]; 4]),
) {
    let mut random = Random(1);
    let stride = LONGEST + 11;
    for k in Kernels::available() {
        for len in 0..=LONGEST {
            let data = make(&mut random, 5 * stride);
            for offset in OFFSETS {
                let row = |i: usize| &data[i * stride + offset..i * stride + offset + len];
                for (name, kernel, reference) in kernels(k) {
                    let label = format!("{} {name} length {len} offset {offset}", k.label());
                    f(kernel, reference, &label, row(0), [row(1), row(2), row(3), row(4)]);
                }
            }
        }
    }
}

#[test]
fn integer_rows_give_the_exact_value() {
    for_all(Random::integers, |kernel, reference, label, q, [row, ..]| {
        let (seen, exact) = (f64::from(kernel.one(q, row)), reference(q, row));
        // Ratios are rounded; everything else is an integer.
        let rounding = if label.contains("canberra") || label.contains("braycurtis") { 1e-5 * exact } else { 0.0 };
        assert!((seen - exact).abs() <= rounding, "{label}: {seen}, exact {exact}");
    });
}

#[test]
fn real_rows_stay_within_the_rounding_bound() {
    for_all(Random::reals, |kernel, reference, label, q, [row, ..]| {
        // At most `length` additions of terms below 4, each term rounded twice.
        let mut bound = (q.len() * (q.len() + 2) * 4) as f64 * f64::from(f32::EPSILON) / 2.0;
        if label.contains("braycurtis") {
            // A ratio of two such sums.
            let total: f64 = q.iter().zip(row).map(|(x, y)| f64::from(x + y).abs()).sum();
            bound *= (1.0 + reference(q, row)) / total.max(f64::MIN_POSITIVE);
        }
        let (seen, exact) = (f64::from(kernel.one(q, row)), reference(q, row));
        assert!((seen - exact).abs() <= bound, "{label}: {seen}, exact {exact}");
    });
}

#[test]
fn four_is_bit_for_bit_one() {
    for_all(Random::reals, |kernel, _, label, q, rows| {
        let one = rows.map(|row| kernel.one(q, row).to_bits());
        assert_eq!(kernel.four(q, rows).map(f32::to_bits), one, "{label}");
    });
}

#[test]
fn exchanging_the_rows_changes_no_bit() {
    for_all(Random::reals, |kernel, _, label, q, [row, ..]| {
        assert_eq!(kernel.one(q, row).to_bits(), kernel.one(row, q).to_bits(), "{label}");
    });
}

#[test]
fn zeros_appended_to_both_rows_change_no_bit() {
    for_all(Random::reals, |kernel, _, label, q, [row, ..]| {
        let pad = |x: &[f32]| [x, &[0.0; 64][..64 - x.len() % 16]].concat();
        let padded = kernel.one(&pad(q), &pad(row));
        assert_eq!(kernel.one(q, row).to_bits(), padded.to_bits(), "{label}");
    });
}

#[test]
fn hamming_tells_the_smallest_difference_and_not_the_sign_of_zero() {
    for k in Kernels::available() {
        let (mut a, mut b) = ([1.0f32; 40], [1.0f32; 40]);
        b[17] = 1.0 + f32::EPSILON;
        (a[39], b[39]) = (0.0, -0.0);
        assert_eq!(k.hamming.one(&a, &b), 1.0, "{}", k.label());
    }
}

#[test]
fn ratios_are_zero_where_nothing_is_there_to_divide_by() {
    for k in Kernels::available() {
        let (a, b) = ([0.0f32; 40], [-0.0f32; 40]);
        assert_eq!(k.canberra.one(&a, &b).to_bits(), 0, "{}", k.label());
        assert_eq!(k.braycurtis.one(&a, &b).to_bits(), 0, "{}", k.label());
        // Opposite rows: sums of zero under a distance that is not.
        assert_eq!(k.braycurtis.one(&[3.0; 40], &[-3.0; 40]).to_bits(), 0, "{}", k.label());
        // The smallest value there is still differs from zero by all of itself.
        assert_eq!(k.canberra.one(&[f32::from_bits(1); 40], &b), 40.0, "{}", k.label());
        assert_eq!(k.braycurtis.one(&[f32::from_bits(1); 40], &b), 1.0, "{}", k.label());
    }
}

/// Mostly zeros of both signs, and values whose products vanish.
fn sparse(random: &mut Random, n: usize) -> Vec<f32> {
    (0..n).map(|_| [0.0, -0.0, 0.0, 1e-30, -2.0, f32::MAX][random.below(6) as usize]).collect()
}

fn counts(a: &[f32], b: &[f32]) -> Counts {
    let count = |f: fn(bool, bool) -> bool| a.iter().zip(b).filter(|(x, y)| f(**x != 0.0, **y != 0.0)).count() as u32;
    Counts { both: count(|x, y| x && y), only_a: count(|x, y| x && !y), only_b: count(|x, y| !x && y) }
}

#[test]
fn counts_are_those_of_a_plain_loop() {
    let mut random = Random(3);
    for k in Kernels::available() {
        for len in 0..=LONGEST {
            let offset = OFFSETS[len % 4];
            let rows: [Vec<f32>; 5] = std::array::from_fn(|_| sparse(&mut random, offset + len));
            let [q, a, b, c, d] = rows.each_ref().map(|row| &row[offset..]);
            let want = [a, b, c, d].map(|row| counts(q, row));
            assert_eq!([a, b, c, d].map(|row| k.counts.one(q, row)), want, "{} length {len}", k.label());
            assert_eq!(k.counts.four(q, [a, b, c, d]), want, "{} length {len}", k.label());
        }
    }
}

#[test]
fn minkowski_is_the_root_of_the_sum_of_powers() {
    let mut random = Random(2);
    for len in 0..=LONGEST {
        let (a, b) = (random.reals(len), random.reals(len));
        for p in [0.5, 1.0, 1.5, 2.0, 3.0] {
            let terms = a.iter().zip(&b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs().powf(f64::from(p)));
            let exact = terms.sum::<f64>().powf(1.0 / f64::from(p));
            let seen = minkowski(&a, &b, p);
            assert!((f64::from(seen) - exact).abs() <= 1e-4 * exact, "length {len} p {p}: {seen}, exact {exact}");
            assert_eq!(seen.to_bits(), minkowski(&b, &a, p).to_bits());
        }
    }
    for p in [100.0, 1e6] {
        assert!((minkowski(&[1e-3, 2e-3], &[0.0, 0.0], p) - 2e-3).abs() < 2e-5, "p {p}");
        assert!((minkowski(&[1e30, 2e30], &[0.0, 0.0], p) - 2e30).abs() < 2e28, "p {p}");
    }
    assert_eq!(minkowski(&[], &[], 3.0).to_bits(), 0.0f32.to_bits());
}

#[test]
fn refuses_rows_of_different_lengths() {
    let (a, b) = ([0.0; 8], [0.0; 9]);
    for k in Kernels::available() {
        for (name, kernel, _) in kernels(k) {
            assert!(std::panic::catch_unwind(|| kernel.one(&a, &b)).is_err(), "{name}");
            assert!(std::panic::catch_unwind(|| kernel.four(&a, [&a, &a, &a, &b])).is_err(), "{name}");
        }
    }
    assert!(std::panic::catch_unwind(|| minkowski(&a, &b, 3.0)).is_err());
}
