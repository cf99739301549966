use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_kernels::{Kernels, all_finite, prefetch};

use crate::support::Random;

const LONGEST: usize = 300;

/// The columns below `n` for which `hit` holds.
fn columns(n: usize, hit: impl Fn(usize) -> bool) -> Vec<u32> {
    (0..n).filter(|&j| hit(j)).map(|j| j as u32).collect()
}

#[test]
fn f32_scans_find_what_a_plain_loop_finds() {
    let mut random = Random(21);
    for k in Kernels::available() {
        let mut hits = Vec::new();
        for n in 0..=LONGEST {
            let offset = n % 3;
            let (acc, nb, col) = (random.reals(n + 5), random.reals(n + 2), random.reals(n + 2));
            let (acc, nb, col) = (&acc[offset..], &nb[offset..n + offset.min(2)], &col[offset..n + offset.min(2)]);
            let (n, na) = (nb.len(), random.real());
            let acc = &acc[..n + 1];
            let d = |j: usize| (na + nb[j]) - 2.0 * acc[j];
            // A threshold that is met exactly by some column, and ones that few or many columns meet.
            let met = if n == 0 { 0.0 } else { d(n / 2) };
            for row in [met, -2.5, 2.0, f32::NEG_INFINITY, f32::INFINITY] {
                hits.clear();
                k.scan_l2_f32(acc, na, nb, row, Some(col), &mut hits);
                assert_eq!(hits, columns(n, |j| d(j) <= row || d(j) <= col[j]), "{} n {n}", k.label());
                hits.clear();
                k.scan_l2_f32(acc, na, nb, row, None, &mut hits);
                assert_eq!(hits, columns(n, |j| d(j) <= row), "{} n {n} row only", k.label());
                hits.clear();
                k.scan_f32(nb, row, Some(col), &mut hits);
                assert_eq!(hits, columns(n, |j| nb[j] <= row || nb[j] <= col[j]), "{} n {n} plain", k.label());
                hits.clear();
                k.scan_f32(nb, row, None, &mut hits);
                assert_eq!(hits, columns(n, |j| nb[j] <= row), "{} n {n} plain, row only", k.label());
            }
        }
    }
}

#[test]
fn i32_scans_find_what_a_plain_loop_finds() {
    let mut random = Random(22);
    for k in Kernels::available() {
        let mut hits = Vec::new();
        for n in 0..=LONGEST {
            let mut values = |span: u64| -> Vec<i32> { (0..n).map(|_| random.below(span) as i32).collect() };
            let (acc, nb, col) = (values(1000), values(2000), values(1000));
            let na = 900;
            let d = |j: usize| na + nb[j] - 2 * acc[j];
            for row in [-500, 0, 700, i32::MIN, i32::MAX] {
                hits.clear();
                k.scan_l2_i32(&acc, na, &nb, row, Some(&col), &mut hits);
                assert_eq!(hits, columns(n, |j| d(j) <= row || d(j) <= col[j]), "{} n {n}", k.label());
                hits.clear();
                k.scan_l2_i32(&acc, na, &nb, row, None, &mut hits);
                assert_eq!(hits, columns(n, |j| d(j) <= row), "{} n {n} row only", k.label());
            }
        }
    }
}

#[test]
fn i32_scan_is_right_when_only_the_distance_fits() {
    // Norms and product of two rows of 33 000 bytes of 255: na + nb and 2 * acc overflow, d is 0.
    let norm = 255 * 255 * 33_000;
    for k in Kernels::available() {
        for n in [1, 20, 100] {
            let mut hits = Vec::new();
            k.scan_l2_i32(&vec![norm; n], norm, &vec![norm; n], 0, None, &mut hits);
            assert_eq!(hits.len(), n, "{}", k.label());
            k.scan_l2_i32(&vec![norm; n], norm, &vec![norm; n], -1, None, &mut hits);
            assert_eq!(hits.len(), n, "{}", k.label());
        }
    }
}

#[test]
fn scans_append_to_what_is_there() {
    for k in Kernels::available() {
        let mut hits = vec![7];
        k.scan_f32(&[0.0, 2.0, 1.0], 1.0, None, &mut hits);
        assert_eq!(hits, [7, 0, 2], "{}", k.label());
    }
}

#[test]
fn first_non_finite_value_is_found_wherever_it_is() {
    for k in Kernels::available() {
        for n in 0..=LONGEST {
            let mut x = vec![f32::MAX; n + 3];
            let clean = &x[n % 3..n % 3 + n];
            assert_eq!(k.all_finite(clean), None, "{} length {n}", k.label());
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for at in [0, n / 2, n.saturating_sub(1)] {
                    if at < n {
                        let start = n % 3;
                        (x[start + at], x[start + n - 1]) = (bad, bad);
                        let found = k.all_finite(&x[start..start + n]);
                        assert_eq!(found, Some(at), "{} length {n} {bad}", k.label());
                        (x[start + at], x[start + n - 1]) = (-0.0, f32::MIN_POSITIVE);
                    }
                }
            }
        }
    }
    assert_eq!(all_finite(&[1.0, f32::NAN]), Some(1));
}

#[test]
fn refuses_lengths_that_do_not_match() {
    let mut hits = Vec::new();
    for k in Kernels::available() {
        let mut fails = |acc: &[f32], nb: &[f32], col: Option<&[f32]>| {
            catch_unwind(AssertUnwindSafe(|| k.scan_l2_f32(acc, 0.0, nb, -1.0, col, &mut hits))).is_err()
        };
        assert!(fails(&[0.0; 3], &[0.0; 4], None), "sums too short");
        assert!(fails(&[0.0; 4], &[0.0; 4], Some(&[0.0; 5])), "thresholds too long");
        assert!(!fails(&[0.0; 5], &[0.0; 4], Some(&[-1.0; 4])), "sums may be longer");
    }
}

#[test]
fn prefetch_takes_any_row() {
    let row = [1.0f32; 100];
    for n in 0..100 {
        prefetch(&row[n..]);
    }
    assert_eq!(row, [1.0; 100]);
}
