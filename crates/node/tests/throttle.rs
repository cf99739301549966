//! What of the binding needs no Node: taken in as source, because the crate itself only links inside Node.

#[path = "../src/throttle.rs"]
mod throttle;

use hnsw_core::Progress;
use std::time::{Duration, Instant};
use throttle::{INTERVAL, Throttle};

fn at(phase: &'static str, done: u64, total: u64) -> Progress {
    Progress { phase, done, total }
}

/// What passes of `reports`, each with its time.
fn passing(reports: &[(Progress, Duration)]) -> Vec<u64> {
    let (throttle, start) = (Throttle::default(), Instant::now());
    let mut passed = Vec::new();
    for (progress, after) in reports {
        throttle.offer(*progress, start + *after, |p| passed.push(p.done));
    }
    passed
}

#[test]
fn first_and_last_of_a_phase_always_pass() {
    let zero = Duration::ZERO;
    let reports = [(at("a", 0, 9), zero), (at("a", 9, 9), zero), (at("b", 0, 5), zero), (at("b", 5, 5), zero)];
    assert_eq!(passing(&reports), [0, 9, 0, 5]);
}

#[test]
fn between_them_one_passes_per_interval() {
    let step = INTERVAL / 2;
    let reports: Vec<_> = (0..=6).map(|i| (at("a", i, 100), step * i as u32)).collect();
    assert_eq!(passing(&reports), [0, 2, 4, 6]);
}

#[test]
fn late_reports_are_dropped() {
    let reports = [
        (at("a", 0, 9), Duration::ZERO),
        (at("a", 6, 9), INTERVAL),
        (at("a", 5, 9), INTERVAL * 3),
        (at("a", 9, 9), INTERVAL * 4),
        (at("a", 8, 9), INTERVAL * 6),
        (at("a", 9, 9), INTERVAL * 8),
    ];
    assert_eq!(passing(&reports), [0, 6, 9]);
}

#[test]
fn a_phase_may_come_again() {
    let reports = [(at("a", 0, 2), Duration::ZERO), (at("a", 2, 2), Duration::ZERO), (at("a", 0, 2), Duration::ZERO)];
    assert_eq!(passing(&reports), [0, 2, 0]);
}
