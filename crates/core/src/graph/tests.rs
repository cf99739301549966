//! The graph as searches see it: recall, reachability, equality over threads, appends.

use super::bulk::{Base, build, candidates};
use super::insert::update;
use super::links::Graph;
use super::reach::unreachable;
use crate::control::Control;
use crate::exact::{self, Source};
use crate::options::Options;
use crate::points::{Points, RowRef};
use crate::search::rules::{Accept, Everything, PoolExpanded, Stop};
use crate::search::scorer::RowScorer;
use crate::search::walk::{FromAbove, Scratch, descend, set_out_by};
use crate::testing::{Rng, clustered, metric, uniform};
use hnsw_kernels::Kernels;

fn source(rows: &Points) -> Source<'_> {
    Source { rows, codes: None, coarse: None, metric: metric("euclidean", rows.dim()), kernels: Kernels::detect() }
}

fn options(threads: usize, dim: usize) -> Options {
    Options { m: 8, threads, ..Options::new(metric("euclidean", dim).clone()) }
}

fn built(rows: &Points, threads: usize) -> Graph {
    let options = options(threads, rows.dim());
    let nearest = |part: &Points, k: usize| exact::graph(source(part), k, threads, Control::none()).map(|(knn, _)| knn);
    let base = Base { table: nearest(rows, candidates(&options)).unwrap(), by_sketch: false, sketch: None };
    build(source(rows), &options, &base, nearest, Control::none()).unwrap().graph
}

/// Share of true neighbours found for every 7th row as a query, by distance.
fn recall(graph: &Graph, rows: &Points, k: usize, ef: usize) -> f64 {
    let source = source(rows);
    let pair = source.pair();
    let mut scratch = Scratch::new(rows.len());
    let (mut hits, mut total) = (0, 0);
    for q in (0..rows.len()).step_by(7) {
        let scorer = RowScorer { pair, rows, query: rows.row(q) };
        descend(graph, &scorer, 0, ef, &mut scratch);
        let mut all: Vec<f32> = (0..rows.len()).map(|j| pair.one(rows.row(q), rows.row(j))).collect();
        all.sort_by(f32::total_cmp);
        hits += scratch.pool.iter().take(k).filter(|n| n.proxy <= all[k.min(all.len()) - 1]).count();
        total += k.min(all.len());
    }
    hits as f64 / total as f64
}

/// The invariants of [`Graph`], and that every row is reached on every level.
fn check(graph: &Graph) {
    assert_eq!(unreachable(graph), 0);
    for level in 0..=graph.top() {
        for id in graph.members(level) {
            let links = graph.links(id, level);
            let mut sorted = links.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), links.len(), "a link twice");
            assert!(links.iter().all(|&l| l != id && graph.level(l) >= level), "row {id}, level {level}: {links:?}");
        }
    }
}

#[test]
fn any_number_of_rows_is_reachable_and_found() {
    for n in [1, 2, 3, 100, 2000] {
        let rows = uniform(n, 8, n as u64);
        let graph = built(&rows, 2);
        check(&graph);
        let recall = recall(&graph, &rows, 10, 100);
        assert!(recall >= 0.98, "{n} rows: {recall}");
    }
}

#[test]
fn sorted_clusters_are_reachable_and_found() {
    for clusters in [2, 30, 400] {
        let rows = clustered(4000, 12, clusters, 5);
        let graph = built(&rows, 2);
        check(&graph);
        let recall = recall(&graph, &rows, 10, 100);
        assert!(recall >= 0.98, "{clusters} clusters: {recall}");
    }
}

#[test]
fn copies_of_rows_are_reachable_and_found() {
    let base = uniform(60, 6, 9);
    let copied: Vec<u32> = (0..3000).map(|i| i / 50).collect();
    let rows = base.subset(&copied).unwrap();
    let graph = built(&rows, 2);
    check(&graph);
    let recall = recall(&graph, &rows, 10, 100);
    assert!(recall >= 0.95, "{recall}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let rows = clustered(3000, 10, 20, 6);
    assert_eq!(built(&rows, 1), built(&rows, 3));
}

#[test]
fn appended_rows_are_reachable_and_found_whatever_the_threads() {
    for (title, all) in [("uniform", uniform(2500, 8, 10)), ("sorted clusters", clustered(2500, 8, 25, 11))] {
        let first = 300;
        let part = all.part(0..first).unwrap().unwrap();
        let grown: Vec<Graph> = [1, 3]
            .iter()
            .map(|&threads| {
                let mut graph = built(&part, threads);
                update(&mut graph, source(&all), None, &[], first as u32, &options(threads, 8), Control::none())
                    .unwrap();
                graph
            })
            .collect();
        assert_eq!(grown[0], grown[1]);
        check(&grown[0]);
        let recall = recall(&grown[0], &all, 10, 100);
        assert!(recall >= 0.97, "{title}: {recall}");
    }
}

#[test]
fn an_accept_rule_filters_and_a_stop_rule_ends_on_the_same_loop() {
    struct Budget(usize);
    impl Stop for Budget {
        fn ends(&mut self, _: crate::neighbors::Neighbor, _: &crate::search::pool::Pool) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 == 0
        }
    }
    struct Even;
    impl Accept for Even {
        const EVERYTHING: bool = false;
        fn accepts(&self, id: u32) -> bool {
            id.is_multiple_of(2)
        }
    }
    let rows = uniform(2000, 6, 12);
    let graph = built(&rows, 1);
    let mut rng = Rng::new(13);
    let query: Vec<f32> = (0..16).map(|i| if i < 6 { rng.unit() } else { 0.0 }).collect();
    let pair = source(&rows).pair();
    let scorer = RowScorer { pair, rows: &rows, query: RowRef::Dense(&query) };
    let origin = FromAbove(&scorer);
    let mut scratch = Scratch::new(rows.len());

    set_out_by(&graph, &scorer, &origin, 200, &mut PoolExpanded, &Even, &mut scratch);
    let mut even: Vec<(f32, u32)> = (0..2000).step_by(2).map(|id| (scorer_one(&scorer, id), id)).collect();
    even.sort_by(|a, b| a.0.total_cmp(&b.0));
    let found: Vec<u32> = scratch.accepted.iter().take(10).map(|n| n.id).collect();
    assert_eq!(found, even[..10].iter().map(|&(_, id)| id).collect::<Vec<_>>());

    scratch.take_counts();
    set_out_by(&graph, &scorer, &origin, 200, &mut Budget(5), &Everything, &mut scratch);
    let short = scratch.take_counts();
    set_out_by(&graph, &scorer, &origin, 200, &mut PoolExpanded, &Everything, &mut scratch);
    assert!(short.1 * 4 < scratch.take_counts().1, "{short:?}");
}

fn scorer_one(scorer: &RowScorer<'_>, id: u32) -> f32 {
    crate::search::scorer::Scorer::one(scorer, id)
}
