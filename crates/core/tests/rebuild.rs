//! A search index that is built anew, with other links or as a first build would.

mod support;

use hnsw_core::{
    Algorithm, Changes, Control, Error, Filter, Index, Linking, Metric, MetricParams, Options, Query, Rows,
};
use std::sync::atomic::{AtomicBool, Ordering};

const NONE: fn() -> Control<'static> = Control::none;
const DIM: usize = 12;

fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut unit = support::uniform(seed);
    (0..count * DIM).map(|_| unit()).collect()
}

fn rows(count: usize, seed: u64) -> Rows {
    Rows::from_slice(&values(count, seed), DIM).unwrap()
}

fn index(count: usize, m: usize) -> Index {
    let metric = Metric::resolve("euclidean", MetricParams::default(), DIM).unwrap();
    let options = Options { algorithm: Algorithm::Hnsw, n_neighbors: 10, m, ..Options::new(metric) };
    Index::new(rows(count, 1), options).unwrap()
}

fn answers(index: &Index) -> hnsw_core::Neighbors {
    index.query(rows(60, 2), Query { k: 10, ef: 40 }, NONE()).unwrap()
}

#[test]
fn other_links_are_those_of_an_index_that_was_built_with_them() {
    let (changed, fresh) = (index(3_000, 6), index(3_000, 20));
    changed.prepare(NONE()).unwrap();
    changed.rebuild(Some(20), None, NONE()).unwrap();
    assert_eq!(changed.linking(), Linking { m: 20, ef_construction: 200 });
    assert_eq!(answers(&changed), answers(&fresh));
    let (stats, other) = (changed.stats(), fresh.stats());
    assert_eq!((stats.m, stats.degrees.len(), stats.search_builds), (20, 41, 2));
    assert_eq!((stats.degrees, stats.level_rows), (other.degrees, other.level_rows));
    // Dumps tell it, and so do updates and indexes that were never built before.
    let again = Index::restore(&changed.dump(true, NONE()).unwrap(), 2, NONE()).unwrap();
    assert_eq!((again.linking().m, answers(&again)), (20, answers(&fresh)));
    changed.update(Changes::fresh(rows(100, 3)), NONE()).unwrap();
    assert_eq!((changed.linking().m, changed.stats().m), (20, 20));
    let unbuilt = index(3_000, 6);
    unbuilt.rebuild(Some(20), Some(90), NONE()).unwrap();
    assert_eq!(unbuilt.linking(), Linking { m: 20, ef_construction: 90 });
}

#[test]
fn what_updates_have_worn_is_as_new_and_ids_and_filters_stay() {
    let index = index(3_000, 8);
    index.prepare(NONE()).unwrap();
    index.update(Changes::removed((0..600).collect()), NONE()).unwrap();
    index.update(Changes::fresh(rows(300, 4)), NONE()).unwrap();
    assert_eq!(index.stats().inserts_since_build, 900);
    let (ids, graph) = (index.ids(), index.neighbor_graph(NONE()).unwrap());
    let filter = Filter::of_ids(&(0..3_300).step_by(3).collect::<Vec<_>>());
    index.rebuild(None, None, NONE()).unwrap();
    assert_eq!((index.ids(), index.stats().inserts_since_build, index.stats().unreachable), (ids, 0, 0));
    assert_eq!(index.neighbor_graph(NONE()).unwrap(), graph);
    let found = index.query_among(rows(20, 5), Query { k: 5, ef: 40 }, &filter, NONE()).unwrap();
    assert!(found.indices.iter().all(|&id| id >= 600 && id % 3 == 0), "{:?}", found.indices);
}

#[test]
fn a_rebuild_that_is_refused_or_cancelled_changes_nothing_and_progress_is_told() {
    let index = index(3_000, 8);
    index.prepare(NONE()).unwrap();
    let before = answers(&index);
    assert!(matches!(index.rebuild(Some(1), None, NONE()), Err(Error::InvalidArgument { name: "m", .. })));
    assert!(matches!(
        index.rebuild(None, Some(0), NONE()),
        Err(Error::InvalidArgument { name: "ef_construction", .. })
    ));
    let stop = AtomicBool::new(false);
    let phases = std::sync::Mutex::new(Vec::new());
    let report = |progress: hnsw_core::Progress| {
        phases.lock().unwrap().push(progress.phase);
        stop.store(true, Ordering::Relaxed);
    };
    assert!(matches!(index.rebuild(Some(16), None, Control::new(&stop, &report)), Err(Error::Cancelled)));
    assert_eq!((index.linking().m, answers(&index)), (8, before));
    assert!(!phases.into_inner().unwrap().is_empty());
}

#[test]
fn queries_go_on_while_it_is_built() {
    let index = index(4_000, 8);
    index.prepare(NONE()).unwrap();
    let done = AtomicBool::new(false);
    let (narrow, wide) = (answers(&index), {
        let other = self::index(4_000, 24);
        answers(&other)
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let seen = answers(&index);
                assert!(seen == narrow || seen == wide);
            }
        });
        index.rebuild(Some(24), None, NONE()).unwrap();
        index.rebuild(Some(8), None, NONE()).unwrap();
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(answers(&index), narrow);
}

#[test]
fn sizes_are_told_by_part_beside_the_formula() {
    let index = index(5_000, 8);
    index.prepare(NONE()).unwrap();
    let stats = index.stats();
    assert_eq!(stats.degrees.iter().sum::<usize>(), 5_000);
    assert_eq!(stats.level_rows[0], 5_000);
    assert!(stats.level_rows.is_sorted_by(|a, b| a >= b) && stats.level_rows.len() == stats.levels);
    assert!(stats.upper_bytes > 0 && stats.upper_bytes < stats.links_bytes);
    let mean = stats.degrees.iter().enumerate().map(|(links, rows)| links * rows).sum::<usize>() as f64 / 5_000.0;
    assert_eq!(stats.mean_degree, mean);
    let on_levels: usize = stats.level_rows.iter().sum();
    assert_eq!(stats.formula_bytes, 5_000 * 4 * DIM + 8 * 8 * on_levels);
    // Rows are padded to a cache line, upper levels have half the links of the formula.
    let own = (stats.rows_bytes + stats.links_bytes) as f64 / stats.formula_bytes as f64;
    assert!((0.9..1.3).contains(&own), "{own}");
}
