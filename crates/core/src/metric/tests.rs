//! Laws that every pair function keeps, on stored rows. Golden distances are in crates/core/tests/metrics.rs, where an
//! index gives them.

use super::*;
use crate::points::{BitRows, Rows, SparseRows};
use crate::testing::{Rng, metric};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const DIM: usize = 21;
const FORMS: [Form; 3] = [Form::Dense, Form::Sparse, Form::Bits];

/// Every metric of the table for rows of `dim` columns; those with parameters also with some.
fn metrics(dim: usize) -> Vec<Metric> {
    let steps = || Some((0..dim).map(|i| 0.5 + i as f32).collect::<Vec<f32>>());
    let circle = |k: usize| (k / dim).abs_diff(k % dim).min(dim - (k / dim).abs_diff(k % dim)) as f32;
    let diagonal = |k: usize| if k / dim == k % dim { 1.0 + (k % dim) as f32 } else { 0.25 };
    let with = |p: Option<f64>, name: &str| match name {
        "wminkowski" => MetricParams { p, w: steps(), ..MetricParams::default() },
        "seuclidean" => MetricParams { sigma: steps(), ..MetricParams::default() },
        "mahalanobis" => MetricParams { vinv: Some((0..dim * dim).map(diagonal).collect()), ..MetricParams::default() },
        "kantorovich" => MetricParams { cost: Some((0..dim * dim).map(circle).collect()), ..MetricParams::default() },
        _ => MetricParams { p, ..MetricParams::default() },
    };
    let mut out = Vec::new();
    for info in METRICS.iter().filter(|info| info.name != "haversine" || dim == 2) {
        out.push(Metric::resolve(info.name, MetricParams::default(), dim).unwrap());
        for p in [1.0, 2.0, 2.5].into_iter().filter(|_| !info.params.is_empty()) {
            out.push(Metric::resolve(info.name, with(Some(p), info.name), dim).unwrap());
        }
    }
    out
}

fn points(rows: &[Vec<f32>], form: Form) -> Points {
    let dim = rows[0].len();
    match form {
        Form::Dense => Rows::from_slice(&rows.concat(), dim).unwrap().into(),
        Form::Sparse => {
            let mut out = SparseRows::with_capacity(rows.len(), dim, rows.len() * dim).unwrap();
            for row in rows {
                out.push(&[dim as u32], &(0..dim as u32).collect::<Vec<_>>(), row).unwrap();
            }
            out.into()
        }
        Form::Bits => {
            let mut out = BitRows::zeroed(rows.len(), dim).unwrap();
            out.write(0, &rows.concat().iter().map(|v| v.to_bits() as u8).collect::<Vec<_>>()).unwrap();
            out.into()
        }
    }
}

/// The rows as stored, unless the metric refuses them.
fn stored(metric: &Metric, rows: &[Vec<f32>], form: Form) -> Option<Points> {
    let mut points = points(rows, form);
    match metric.transform(&mut points, 1, crate::Control::none()) {
        Ok(()) => Some(points),
        Err(error) => {
            assert_eq!(error.code(), "ERR_INVALID_ARGUMENT", "{}: {error}", metric.info().name);
            None
        }
    }
}

/// Checks `law(title, pair function, finish, rows)` for every metric, form and instruction set.
fn for_all(rows: &[Vec<f32>], law: impl Fn(&str, Pair<'_>, &Metric, &Points)) {
    for (number, metric) in metrics(rows[0].len()).iter().enumerate() {
        for form in FORMS.into_iter().filter(|&form| metric.supports(form)) {
            let Some(points) = stored(metric, rows, form) else { continue };
            for kernels in Kernels::available() {
                let (name, p) = (metric.info().name, metric.params().p);
                let title = format!("{name} {p:?} {number} {} {}", form.name(), kernels.label().replace(' ', ""));
                law(&title, metric.pair(kernels, form), metric, &points);
            }
        }
    }
}

/// Five rows with zeros in a third of the columns; `sign` 0: none below zero.
fn random_rows(seed: u64, dim: usize, sign: f32) -> Vec<Vec<f32>> {
    let mut rng = Rng::new(seed);
    let mut value = || {
        let v = rng.normal();
        if rng.below(3) == 0 { 0.0 } else { v.abs() - sign * 0.8 }
    };
    (0..5).map(|_| (0..dim).map(|_| value()).collect()).collect()
}

fn random_sets() -> Vec<Vec<Vec<f32>>> {
    let rows = |seed| [random_rows(seed, DIM, 0.0), random_rows(seed, DIM, 1.0), random_rows(seed, 2, 1.0)];
    (0..6).flat_map(rows).collect()
}

#[test]
fn four_are_four_times_one() {
    for rows in random_sets() {
        for_all(&rows, |title, pair, _, points| {
            let a = points.row(0);
            let others = [1, 2, 3, 4].map(|i| points.row(i));
            let one = others.map(|b| pair.one(a, b).to_bits());
            assert_eq!(pair.four(a, others).map(f32::to_bits), one, "{title}");
        });
    }
}

#[test]
fn both_ways_round_are_the_same_bits() {
    for rows in random_sets() {
        for_all(&rows, |title, pair, _, points| {
            for (i, j) in [(0, 1), (2, 3), (1, 4)] {
                let (a, b) = (points.row(i), points.row(j));
                assert_eq!(pair.one(a, b).to_bits(), pair.one(b, a).to_bits(), "{title}: rows {i} and {j}");
            }
        });
    }
}

#[test]
fn instruction_sets_agree() {
    for rows in random_sets() {
        let scalar = std::cell::RefCell::new(std::collections::HashMap::new());
        for_all(&rows, |title, pair, metric, points| {
            let seen = metric.finish(pair.one(points.row(0), points.row(1)));
            let key = title.rsplit_once(' ').unwrap().0.to_string();
            let first = *scalar.borrow_mut().entry(key).or_insert(seen);
            assert!(
                seen == first || (seen - first).abs() <= 1e-5 * first.abs().max(1.0),
                "{title}: {seen}, not {first}"
            );
        });
    }
}

#[test]
fn equal_rows_are_at_zero() {
    let exceptions = ["inner_product", "true_angular"];
    for rows in random_sets() {
        let twice = [rows[0].clone(), rows[0].clone()];
        for_all(&twice, |title, pair, metric, points| {
            if !exceptions.contains(&metric.info().name) {
                let seen = metric.finish(pair.one(points.row(0), points.row(1)));
                assert_eq!(seen, 0.0, "{title}");
            }
        });
    }
}

#[test]
fn every_metric_compares_the_forms_it_lists() {
    for metric in metrics(DIM).iter().chain(&metrics(2)) {
        let has = |form| match form {
            Form::Dense => metric.measure.dense.is_some(),
            Form::Sparse => metric.measure.sparse.is_some(),
            Form::Bits => metric.measure.bits.is_some(),
        };
        assert!(metric.info().forms.iter().all(|&form| has(form)), "{}", metric.info().name);
    }
}

#[test]
fn no_name_is_given_twice() {
    let mut names = names();
    names.extend(REFUSED.iter().map(|(name, _)| *name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn distance(name: &str, a: &[f32], b: &[f32]) -> f32 {
    let metric = Metric::resolve(name, MetricParams::default(), a.len()).unwrap();
    let points = stored(&metric, &[a.to_vec(), b.to_vec()], Form::Dense).unwrap();
    metric.finish(metric.pair(Kernels::detect(), Form::Dense).one(points.row(0), points.row(1)))
}

#[test]
fn correlation_of_two_constant_rows_is_zero_and_of_one_is_one() {
    assert_eq!(distance("correlation", &[0.1; 7], &[3.0; 7]), 0.0);
    assert_eq!(distance("correlation", &[0.1; 7], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]), 1.0);
}

#[test]
fn near_duplicates_never_get_negative_cosines() {
    let d = distance("cosine", &[1.0, 1.0], &[1.0, 1.000_000_1]);
    assert!((0.0..1e-13).contains(&d), "{d}");
}

#[test]
fn huge_and_tiny_rows_keep_their_direction() {
    assert!(distance("cosine", &[3e38, 3e38], &[1e-40, 1e-40]) < 1e-6);
    assert!(distance("hellinger", &[3e38, 3e38], &[1e-40, 1e-40]) < 1e-6);
}

#[test]
fn huge_values_of_both_signs_have_distances() {
    let (a, b) = ([3e38, -3e38, 1.0], [-3e38, 3e38, 1.0]);
    assert_eq!(distance("canberra", &a, &b), 2.0);
    assert_eq!(
        distance("braycurtis", &a, &[3e38, 3e38, 1.0]),
        distance("braycurtis", &[3.0, -3.0, 0.0], &[3.0, 3.0, 0.0])
    );
    assert_eq!(distance("inner_product", &a, &[3e38, 3e38, 5.0]), -5.0);
}

/// Any finite value, the extremes among them.
fn finite() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -2.0f32..2.0,
        2 => Just(0.0f32),
        1 => prop_oneof![Just(f32::MAX), Just(f32::MIN), Just(f32::MIN_POSITIVE), Just(1e-45f32), Just(-0.0f32)],
        1 => any::<f32>().prop_map(|v| if v.is_finite() { v } else { 1.0 }),
    ]
}

/// Rows of any finite values, and of none below zero.
fn finite_rows() -> impl Strategy<Value = Vec<Vec<f32>>> {
    let rows = |dim: usize| prop::collection::vec(prop::collection::vec(finite(), dim), 2);
    prop_oneof![rows(2), rows(5), rows(17)].prop_flat_map(|rows| {
        let positive = rows.iter().map(|row| row.iter().map(|v| v.abs()).collect()).collect();
        prop_oneof![Just(rows), Just(positive)]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finite_rows_never_give_nan(rows in finite_rows()) {
        for_all(&rows, |title, pair, metric, points| {
            for (i, j) in [(0, 1), (0, 0), (1, 1)] {
                let proxy = pair.one(points.row(i), points.row(j));
                assert!(!proxy.is_nan(), "{title}: proxy of {rows:?}");
                assert!(!metric.finish(proxy).is_nan(), "{title}: distance of {rows:?}");
            }
        });
    }
}

#[test]
fn a_radius_reaches_the_rows_at_that_distance_and_none_beyond() {
    for of in metrics(2) {
        let info = of.info();
        for proxy in [-3.0f32, -0.7, -1e-20, 0.0, 1e-30, 0.3, 0.5, 1.0, 1.7, 2.0, 3.9] {
            let distance = of.finish(proxy);
            if distance.is_nan() || distance.is_infinite() {
                continue;
            }
            let reach = of.reach(distance);
            assert!(proxy <= reach, "{}: {proxy} at {distance}, but {reach}", info.name);
            let beyond = of.finish(reach.next_up());
            let farther = if of.similarity() { beyond < distance } else { beyond > distance };
            assert!(reach == f32::INFINITY || farther || beyond.is_nan(), "{}: {reach}", info.name);
        }
        assert_eq!(of.reach(f32::INFINITY) == f32::INFINITY, !of.similarity(), "{}", info.name);
    }
    assert_eq!(metric("cosine", 2).reach(2.0), f32::INFINITY);
    assert_eq!(metric("euclidean", 2).reach(0.0), 0.0);
    assert_eq!(metric("euclidean", 2).widened(2.0, 1.5, 9.0), 3.0);
    assert_eq!(metric("inner_product", 2).widened(-2.0, 1.5, 9.0), 2.5);
}
