//! Rows that go: never seen again, while what stays is found as well as in a fresh index.

mod support;

use hnsw_core::{
    Algorithm, Changes, Control, Index, Metric, MetricParams, Neighbors, Options, Points, Query, Rows, Within,
};
use std::collections::BTreeMap;

const DIM: usize = 16;
const EVERYTHING: Within = Within { max_results: 1 << 24, min_recall: 1.0, ..WITHIN };
const WITHIN: Within = Within {
    max_results: 1000,
    min_recall: 0.95,
    sort: true,
    expansion_factor: 1.2,
    ef: 0,
    exact: false,
    filter: None,
};

fn options(algorithm: Algorithm) -> Options {
    let metric = Metric::resolve("euclidean", MetricParams::default(), DIM).unwrap();
    Options { algorithm, n_neighbors: 10, m: 12, threads: 2, ..Options::new(metric) }
}

/// Uniform rows, or rows in clusters.
fn values(n: usize, clusters: usize, seed: u64) -> Vec<f32> {
    let mut unit = support::uniform(seed);
    let row = |i: usize, unit: &mut dyn FnMut() -> f32| -> Vec<f32> {
        let cluster = if clusters == 0 { 0 } else { 1 + i % clusters };
        (0..DIM).map(|j| (cluster * (7 + 3 * j) % 13) as f32 * 0.5 + unit()).collect()
    };
    (0..n).flat_map(|i| row(i, &mut unit)).collect()
}

fn rows(values: &[f32]) -> Rows {
    Rows::from_slice(values, DIM).unwrap()
}

/// What an index must hold: the row of each id.
#[derive(Clone, Default)]
struct Model {
    rows: BTreeMap<u32, Vec<f32>>,
    next: u32,
}

impl Model {
    fn of(values: &[f32]) -> Model {
        let mut model = Model::default();
        model.append(values);
        model
    }

    fn append(&mut self, values: &[f32]) {
        for row in values.chunks(DIM) {
            self.rows.insert(self.next, row.to_vec());
            self.next += 1;
        }
    }

    fn ids(&self) -> Vec<u32> {
        self.rows.keys().copied().collect()
    }

    fn values(&self) -> Vec<f32> {
        self.rows.values().flatten().copied().collect()
    }

    /// Some ids, spread over all.
    fn some(&self, count: usize, seed: usize) -> Vec<u32> {
        let (ids, step) = (self.ids(), self.rows.len() / count);
        (0..count).map(|i| ids[(i * step + seed % step) % ids.len()]).collect()
    }
}

/// Distances are those of the rows that the ids name; the share of the `k` nearest that is found.
fn checked(found: &Neighbors, queries: &[f32], model: &Model) -> f64 {
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
    let mut hits = 0;
    for (q, query) in queries.chunks(DIM).enumerate() {
        let mut all: Vec<f32> = model.rows.values().map(|row| distance(row, query)).collect();
        all.sort_by(f32::total_cmp);
        let (ids, distances) = found.row(q);
        for (&id, &told) in ids.iter().zip(distances) {
            let row = model.rows.get(&(id as u32)).unwrap_or_else(|| panic!("{id} is no row"));
            assert!((distance(row, query) - told).abs() < 1e-4);
            hits += usize::from(told <= all[found.k - 1] * 1.00001);
        }
    }
    hits as f64 / found.indices.len() as f64
}

fn ask(index: &Index, queries: &[f32], ef: usize) -> Neighbors {
    index.query(rows(queries), Query { k: 10, ef }, Control::none()).unwrap()
}

/// Ten rounds that exchange or replace a tenth, beside a fresh build.
fn rounds(clusters: usize, round: impl Fn(&mut Model, &Index, usize)) {
    let first = values(5000, clusters, 1);
    let (mut model, index) = (Model::of(&first), Index::new(rows(&first), options(Algorithm::Hnsw)).unwrap());
    index.prepare(Control::none()).unwrap();
    for seed in 0..10 {
        round(&mut model, &index, seed);
    }
    let stats = index.stats();
    assert_eq!((stats.search_builds, stats.unreachable, stats.rows), (1, 0, 5000));
    assert_eq!(index.ids(), model.ids());
    let fresh = Index::new(rows(&model.values()), options(Algorithm::Hnsw)).unwrap();
    fresh.prepare(Control::none()).unwrap();
    let queries = values(200, clusters, 77);
    let renamed = Model::of(&model.values());
    let found = checked(&ask(&index, &queries, 32), &queries, &model);
    let built = checked(&ask(&fresh, &queries, 32), &queries, &renamed);
    assert!(found >= built - 0.01, "{found} after ten rounds, {built} of a fresh build");
    let (held, needed) = (stats.rows_bytes + stats.links_bytes, {
        let fresh = fresh.stats();
        fresh.rows_bytes + fresh.links_bytes
    });
    assert!(held as f64 <= 1.1 * needed as f64, "{held} bytes, {needed} of a fresh build");
}

fn exchange(model: &mut Model, index: &Index, seed: usize) {
    let (gone, fresh) = (model.some(500, seed), values(500, 20, seed as u64 + 100));
    index.update(Changes::removed(gone.clone()), Control::none()).unwrap();
    let ids = index.update(Changes::fresh(rows(&fresh)), Control::none()).unwrap();
    assert_eq!(ids, model.next..model.next + 500);
    gone.iter().for_each(|id| _ = model.rows.remove(id));
    model.append(&fresh);
}

#[test]
fn ten_exchanges_of_a_tenth_keep_recall_reach_and_memory_of_a_fresh_build() {
    rounds(20, exchange);
    rounds(0, |model, index, seed| {
        let (gone, fresh) = (model.some(500, seed), values(500, 0, seed as u64 + 100));
        let changes = Changes { removed: gone.clone(), fresh: Some(rows(&fresh).into()), replaced: None };
        index.update(changes, Control::none()).unwrap();
        gone.iter().for_each(|id| _ = model.rows.remove(id));
        model.append(&fresh);
    });
}

#[test]
fn ten_replacements_of_a_tenth_keep_recall_reach_and_memory_of_a_fresh_build() {
    rounds(20, |model, index, seed| {
        let (ids, others) = (model.some(500, seed), values(500, 20, seed as u64 + 200));
        index.update(Changes::replaced(ids.clone(), rows(&others)), Control::none()).unwrap();
        for (id, row) in ids.into_iter().zip(others.chunks(DIM)) {
            model.rows.insert(id, row.to_vec());
        }
    });
}

#[test]
fn whole_clusters_go_and_the_others_are_found_as_before() {
    let first = values(3000, 20, 1);
    let (mut model, index) = (Model::of(&first), Index::new(rows(&first), options(Algorithm::Hnsw)).unwrap());
    index.prepare(Control::none()).unwrap();
    for clusters in [0..4, 4..8, 8..11] {
        let gone: Vec<u32> = model.ids().into_iter().filter(|id| clusters.contains(&(*id as usize % 20))).collect();
        index.update(Changes::removed(gone.clone()), Control::none()).unwrap();
        gone.iter().for_each(|id| _ = model.rows.remove(id));
    }
    assert_eq!((index.stats().unreachable, index.stats().deleted), (0, 1650));
    let queries = values(100, 20, 5);
    let fresh = Index::new(rows(&model.values()), options(Algorithm::Hnsw)).unwrap();
    let found = checked(&ask(&index, &queries, 64), &queries, &model);
    let built = checked(&ask(&fresh, &queries, 64), &queries, &Model::of(&model.values()));
    assert!(found >= built - 0.01, "{found} without the clusters, {built} of a fresh build");
}

#[test]
fn a_deleted_row_is_in_no_answer_of_any_call() {
    let first = values(2000, 10, 3);
    let (mut model, gone) = (Model::of(&first), (0..2000).step_by(7).collect::<Vec<u32>>());
    gone.iter().for_each(|id| _ = model.rows.remove(id));
    let is_row = |id: &i32| model.rows.contains_key(&(*id as u32));
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw, Algorithm::Auto] {
        let index = Index::new(rows(&first), options(algorithm)).unwrap();
        index.neighbor_graph(Control::none()).unwrap();
        index.prepare(Control::none()).unwrap();
        index.update(Changes::removed(gone.clone()), Control::none()).unwrap();
        let of_gone: Vec<f32> = gone.iter().flat_map(|&id| first[id as usize * DIM..][..DIM].to_vec()).collect();
        assert!(checked(&ask(&index, &of_gone, 64), &of_gone, &model) >= 0.97);
        let graph = index.neighbor_graph(Control::none()).unwrap();
        let own: Vec<i32> = graph.indices.iter().step_by(10).copied().collect();
        assert_eq!(own, model.ids().iter().map(|&id| id as i32).collect::<Vec<_>>());
        assert!(checked(&graph, &model.values(), &model) >= 0.99);
        let radii = vec![1e6; 3];
        let balls = index.radius_search(rows(&of_gone[..3 * DIM]), &radii, &EVERYTHING, Control::none()).unwrap();
        assert_eq!(balls.indices.len(), 3 * model.rows.len());
        assert!(balls.indices.iter().all(is_row));
        let error = index.radius_search_by_id(&[1, 7], &[1.0, 1.0], &WITHIN, Control::none()).err().unwrap();
        assert_eq!(error.code(), "ERR_UNKNOWN_ID");
        let some = index.radius_search_by_id(&[1, 8], &[1.0, 1.0], &WITHIN, Control::none()).unwrap();
        assert_eq!((some.indices[0], some.indices[some.offsets[1] as usize]), (1, 8));
        let count =
            index.search_with_target_count(rows(&first[..DIM]), 20, 0.2, None, &WITHIN, Control::none()).unwrap();
        assert!(count.balls.indices.iter().all(is_row));
        assert!(!index.contains(7) && index.contains(8) && index.ids() == model.ids());
    }
}

#[test]
fn what_cannot_be_deleted_is_told_and_nothing_is_done() {
    let first = values(50, 0, 4);
    let index = Index::new(rows(&first), options(Algorithm::Auto)).unwrap();
    index.update(Changes::removed(vec![3, 3, 9]), Control::none()).unwrap();
    let update = |changes| index.update(changes, Control::none()).map_err(|error| error.code());
    assert_eq!(update(Changes::removed(vec![1, 3])), Err("ERR_UNKNOWN_ID"));
    assert_eq!(update(Changes::removed(vec![50])), Err("ERR_UNKNOWN_ID"));
    assert_eq!(update(Changes::removed(index.ids())), Err("ERR_EMPTY_INDEX"));
    let both = Changes { removed: vec![5], replaced: Some((vec![5], rows(&first[..DIM]).into())), fresh: None };
    assert_eq!(update(both), Err("ERR_UNKNOWN_ID"));
    assert_eq!((index.len(), index.stats().deleted), (48, 2));
    assert_eq!(update(Changes { removed: index.ids(), fresh: Some(rows(&first).into()), replaced: None }), Ok(50..100));
    assert_eq!(index.ids(), (50..100).collect::<Vec<u32>>());
}

#[test]
fn ids_outlive_dumps_and_dumps_of_other_ids_are_refused() {
    let first = values(1500, 5, 6);
    let index = Index::new(rows(&first), options(Algorithm::Hnsw)).unwrap();
    index.prepare(Control::none()).unwrap();
    index.update(Changes::removed((100..300).collect()), Control::none()).unwrap();
    index.neighbor_graph(Control::none()).unwrap();
    let restored = Index::restore(&index.dump(true, Control::none()).unwrap(), 2, Control::none()).unwrap();
    let queries = values(50, 5, 7);
    assert_eq!((restored.ids(), ask(&restored, &queries, 40)), (index.ids(), ask(&index, &queries, 40)));
    assert_eq!(restored.neighbor_graph(Control::none()).unwrap(), index.neighbor_graph(Control::none()).unwrap());
    assert_eq!(restored.update(Changes::fresh(rows(&first[..DIM])), Control::none()).unwrap(), 1500..1501);

    let stayed: Vec<f32> = [&first[..100 * DIM], &first[300 * DIM..]].concat();
    let other = Index::new(rows(&stayed), options(Algorithm::Hnsw)).unwrap();
    let dumps = [&index, &other].map(|index| index.dump(false, Control::none()).unwrap());
    for (index, dump) in [(&other, &dumps[0]), (&index, &dumps[1])] {
        assert_eq!(index.attach(dump, Control::none()).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
    }
}

#[test]
fn few_deletions_patch_the_neighbour_graph_and_the_plan_tells() {
    let first = values(6000, 20, 8);
    for algorithm in [Algorithm::Exact, Algorithm::Hnsw] {
        let index = Index::new(rows(&first), options(algorithm)).unwrap();
        index.neighbor_graph(Control::none()).unwrap();
        let mut model = Model::of(&first);
        for (seed, gone) in [vec![5, 900, 4242], vec![6, 77]].into_iter().enumerate() {
            let (place, fresh) = (model.some(3, 11 + seed), values(4, 20, 30 + seed as u64));
            let others = values(3, 20, 40 + seed as u64);
            let replaced = Some((place.clone(), rows(&others).into()));
            let changes = Changes { removed: gone.clone(), replaced, fresh: Some(rows(&fresh).into()) };
            index.update(changes, Control::none()).unwrap();
            gone.iter().for_each(|id| _ = model.rows.remove(id));
            place.into_iter().zip(others.chunks(DIM)).for_each(|(id, row)| _ = model.rows.insert(id, row.to_vec()));
            model.append(&fresh);
        }
        let graph = index.neighbor_graph(Control::none()).unwrap();
        let reason = index.plan().neighbor_graph.reason;
        assert!(reason.ends_with("brought up to date from the graph before the last updates"), "{reason}");
        let recall = checked(&graph, &model.values(), &model);
        assert!(recall >= if algorithm == Algorithm::Exact { 1.0 } else { 0.99 }, "{recall}");
    }
}

#[test]
fn other_forms_of_rows_go_as_well() {
    let mut unit = support::uniform(9);
    let mut bits = hnsw_core::BitRows::zeroed(600, 8).unwrap();
    bits.write(0, &(0..4800).map(|_| (unit() * 255.0) as u8).collect::<Vec<_>>()).unwrap();
    let metric = Metric::resolve("bit_hamming", MetricParams::default(), 8).unwrap();
    let index = Index::new(Points::from(bits), Options { m: 8, threads: 1, ..Options::new(metric) }).unwrap();
    index.prepare(Control::none()).unwrap();
    index.update(Changes::removed((0..600).filter(|id| id % 3 == 0).collect()), Control::none()).unwrap();
    assert_eq!(index.len(), 400);
    let graph = index.neighbor_graph(Control::none()).unwrap();
    assert!(graph.indices.iter().all(|id| id % 3 != 0));
    assert!(graph.indices.iter().step_by(graph.k).zip(index.ids()).all(|(&own, id)| own == id as i32));
}
