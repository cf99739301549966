//! Golden values (of stored pairs; all-zero rows under cosine are settled by the index): A = [1,2,0,3] vs [2,0,0,4]; bin = [1,1,0,1] vs [1,0,0,1]; x vs zeros; both zeros; x vs -x.

use super::*;
use crate::points::Rows;

fn resolve(name: &str, p: Option<f64>, dim: usize) -> Result<Metric> {
    Metric::resolve(name, MetricParams { p, ..MetricParams::default() }, dim)
}

fn distance(name: &str, p: Option<f64>, a: &[f32], b: &[f32]) -> f32 {
    let metric = resolve(name, p, a.len()).unwrap();
    let mut rows = Points::from(Rows::from_slice(&[a, b].concat(), a.len()).unwrap());
    metric.transform(&mut rows, 1, crate::Control::none()).unwrap();
    Kernels::available()
        .into_iter()
        .map(|kernels| metric.finish(metric.pair(kernels, Form::Dense).one(rows.row(0), rows.row(1))))
        .reduce(|x, y| {
            assert!((x - y).abs() <= 1e-5, "{name}: instruction sets disagree: {x} and {y}");
            x
        })
        .unwrap()
}

#[test]
fn golden_values_hold() {
    const X: [f32; 4] = [1.0, 2.0, 0.0, 3.0];
    const NEG: [f32; 4] = [-1.0, -2.0, 0.0, -3.0];
    const ZERO: [f32; 4] = [0.0; 4];
    let table: &[(&str, Option<f64>, [f32; 5])] = &[
        ("euclidean", None, [2.449_49, 1.0, 3.741657, 0.0, 7.483315]),
        ("sqeuclidean", None, [6.0, 1.0, 14.0, 0.0, 56.0]),
        ("manhattan", None, [4.0, 1.0, 6.0, 0.0, 12.0]),
        ("chebyshev", None, [2.0, 1.0, 3.0, 0.0, 6.0]),
        ("minkowski", Some(3.0), [2.154435, 1.0, 3.301927, 0.0, 6.603854]),
        ("cosine", None, [0.163340, 0.183503, 1.0, 0.0, 2.0]),
        ("correlation", None, [0.325800, 0.422650, 1.0, 0.0, 2.0]),
        ("hamming", None, [0.75, 0.25, 0.75, 0.0, 0.75]),
    ];
    for &(name, p, expected) in table {
        let seen = [
            distance(name, p, &X, &[2.0, 0.0, 0.0, 4.0]),
            distance(name, p, &[1.0, 1.0, 0.0, 1.0], &[1.0, 0.0, 0.0, 1.0]),
            distance(name, p, &X, &ZERO),
            distance(name, p, &ZERO, &ZERO),
            distance(name, p, &X, &NEG),
        ];
        for (s, e) in seen.iter().zip(expected) {
            assert!((s - e).abs() <= 1e-5, "{name}: {seen:?}, expected {expected:?}");
        }
    }
}

#[test]
fn every_alias_is_the_same_metric() {
    for info in METRICS {
        for alias in info.aliases {
            assert_eq!(resolve(alias, None, 4).unwrap().info(), info);
        }
    }
}

#[test]
fn correlation_of_two_constant_rows_is_zero_and_of_one_is_one() {
    assert_eq!(distance("correlation", None, &[0.1; 7], &[3.0; 7]), 0.0);
    assert_eq!(distance("correlation", None, &[0.1; 7], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]), 1.0);
}

#[test]
fn near_duplicates_never_get_negative_cosines() {
    let d = distance("cosine", None, &[1.0, 1.0], &[1.0, 1.000_000_1]);
    assert!((0.0..1e-13).contains(&d), "{d}");
}

#[test]
fn huge_and_tiny_rows_keep_their_direction() {
    assert!(distance("cosine", None, &[3e38, 3e38], &[1e-40, 1e-40]) < 1e-6);
}

#[test]
fn refuses_unknown_names_and_bad_powers() {
    assert_eq!(resolve("nosuch", None, 4).unwrap_err().code(), "ERR_UNKNOWN_METRIC");
    assert_eq!(resolve("minkowski", Some(0.0), 4).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
    assert_eq!(resolve("euclidean", Some(2.0), 4).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
}
