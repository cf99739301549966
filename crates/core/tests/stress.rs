//! Calls that run while an index changes: each sees the rows of one state, before or after an update, never between.

mod support;

use hnsw_core::{Algorithm, Changes, Control, Index, Metric, MetricParams, Options, Query, Rows, Within};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

const DIM: usize = 4;
const ROWS: usize = 300;
const UPDATES: usize = 60;

/// The row of each id.
type State = BTreeMap<u32, Vec<f32>>;

/// All states that the index goes through: each update deletes, replaces and appends some rows.
fn states() -> Vec<State> {
    let mut unit = support::uniform(5);
    let mut row = || (0..DIM).map(|_| unit()).collect::<Vec<f32>>();
    let mut states: Vec<State> = vec![(0..ROWS as u32).map(|id| (id, row())).collect()];
    for update in 0..UPDATES {
        let mut next = states[update].clone();
        removed(&next, update).iter().for_each(|id| _ = next.remove(id));
        replaced(&next, update).into_iter().for_each(|id| _ = next.insert(id, row()));
        let fresh = fresh(update);
        fresh.for_each(|id| _ = next.insert(id, row()));
        states.push(next);
    }
    states
}

fn removed(state: &State, update: usize) -> Vec<u32> {
    state.keys().copied().skip(update % 5).step_by(60).collect()
}

fn replaced(state: &State, update: usize) -> Vec<u32> {
    state.keys().copied().skip(update % 7).step_by(40).collect()
}

/// As many as go.
fn fresh(update: usize) -> Range<u32> {
    let first = ROWS as u32 + 5 * update as u32;
    first..first + 5
}

fn changes(states: &[State], update: usize) -> Changes {
    let (before, after) = (&states[update], &states[update + 1]);
    let mut left = before.clone();
    let removed = removed(before, update);
    removed.iter().for_each(|id| _ = left.remove(id));
    let places = replaced(&left, update);
    let of = |ids: &mut dyn Iterator<Item = u32>| {
        let values: Vec<f32> = ids.flat_map(|id| after[&id].clone()).collect();
        Rows::from_slice(&values, DIM).unwrap()
    };
    let others = of(&mut places.iter().copied());
    Changes { removed, replaced: Some((places, others.into())), fresh: Some(of(&mut fresh(update)).into()) }
}

/// The state whose rows these are, by the largest id, which no other state has as its largest.
fn state_of(states: &[State], ids: impl Iterator<Item = i32>) -> (usize, &State) {
    let largest = ids.max().unwrap() as usize;
    let number = if largest < ROWS { 0 } else { (largest - ROWS) / 5 + 1 };
    (number, &states[number])
}

fn stressed(algorithm: Algorithm) {
    let states = states();
    let metric = Metric::resolve("euclidean", MetricParams::default(), DIM).unwrap();
    let first: Vec<f32> = states[0].values().flatten().copied().collect();
    let options = Options { algorithm, n_neighbors: 6, m: 8, threads: 1, ..Options::new(metric) };
    let index = Index::new(Rows::from_slice(&first, DIM).unwrap(), options).unwrap();
    index.prepare(Control::none()).unwrap();
    let (done, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let query = [0.5f32; DIM];
    let distance = |row: &[f32]| row.iter().map(|v| (v - 0.5).powi(2)).sum::<f32>().sqrt();
    // The rows of a whole state, each at its own distance; states do not go back.
    let check = |ids: &[i32], distances: &[f32], at_least: usize| {
        let (number, state) = state_of(&states, ids.iter().copied());
        assert!(number >= at_least, "state {number} after {at_least}");
        assert_eq!(ids.len(), state.len());
        for (id, told) in ids.iter().zip(distances) {
            assert!((distance(&state[&(*id as u32)]) - told).abs() < 1e-5, "row {id} in state {number}");
        }
        seen.fetch_add(1, Ordering::Relaxed);
    };
    let running = || done.load(Ordering::Acquire) < UPDATES;
    let everything = Within { max_results: ROWS, min_recall: 1.0, ..Within::default() };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for update in 0..UPDATES {
                // Some of the updates are applied while the others look.
                while update == UPDATES / 2 && seen.load(Ordering::Relaxed) == 0 {
                    std::thread::yield_now();
                }
                let ids = index.update(changes(&states, update), Control::none()).unwrap();
                assert_eq!(ids, fresh(update));
                done.store(update + 1, Ordering::Release);
            }
        });
        scope.spawn(|| {
            while running() {
                let before = done.load(Ordering::Acquire);
                let rows = Rows::from_slice(&query, DIM).unwrap();
                let found = index.query(rows, Query { k: ROWS, ef: ROWS }, Control::none()).unwrap();
                check(&found.indices, &found.distances, before);
            }
        });
        scope.spawn(|| {
            while running() {
                let before = done.load(Ordering::Acquire);
                let rows = Rows::from_slice(&query, DIM).unwrap();
                let found = index.radius_search(rows, &[10.0], &everything, Control::none()).unwrap();
                check(&found.indices, &found.distances, before);
            }
        });
        scope.spawn(|| {
            while running() {
                let graph = index.neighbor_graph(Control::none()).unwrap();
                let own: Vec<i32> = graph.indices.iter().step_by(6).copied().collect();
                let (_, state) = state_of(&states, own.iter().copied());
                assert!(own.iter().map(|&id| id as u32).eq(state.keys().copied()));
                assert!(graph.indices.iter().all(|&id| state.contains_key(&(id as u32))));
                assert_eq!((index.stats().unreachable, index.plan().algorithm), (0, algorithm));
            }
        });
    });
    assert!(seen.into_inner() > 0);
    let last: Vec<u32> = states[UPDATES].keys().copied().collect();
    assert_eq!(index.ids(), last);
}

#[test]
fn walks_see_one_state_each_while_rows_go_and_come() {
    stressed(Algorithm::Hnsw);
}

#[test]
fn comparisons_with_all_rows_see_one_state_each_while_rows_go_and_come() {
    stressed(Algorithm::Exact);
}
