//! The index: rows, and the two products made from them when first needed.
//!
//! Locks, in the order they are taken: the gate around the rows (shared by everything but updates), then
//! a product's own. A product is always of the rows as they are: updates change both under the gate.

use crate::approx;
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::{self, Source};
use crate::gate::Gate;
use crate::graph::{self, Graph};
use crate::knn::Knn;
use crate::lazy::Lazy;
use crate::metric::transform::Transform;
use crate::neighbors::Neighbors;
use crate::options::{Options, Query};
use crate::plan::{self, Choice, Plan};
use crate::rows::Rows;
use crate::search::batch::{Batch, search};
use crate::search::walk::ScratchPool;
use crate::stats::{Counters, Stats};
use hnsw_kernels::Kernels;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Queries of one exact batch; more are answered batch by batch to bound memory.
const MAX_BATCH: usize = 32_768;
/// Appending more than this share of the rows drops the search index: a bulk build is cheaper.
const APPEND_SHARE: usize = 2;

/// Pool width of the query that [`Index::plan`] describes: k = 10 or 15 at usual effort.
const TYPICAL_EF: usize = 64;

/// A set of rows that answers "which rows are nearest". Shared freely between threads.
pub struct Index {
    options: Options,
    kernels: &'static Kernels,
    data: Gate<Data>,
    graph: Lazy<Neighbors>,
    search: Lazy<Search>,
    prepared: AtomicBool,
    inserts: AtomicUsize,
    scratches: ScratchPool,
    counters: Counters,
    measured: Mutex<Measured>,
}

/// Rows as stored: transformed for the metric, and as bytes where that loses nothing.
struct Data {
    rows: Rows,
    codes: Option<ByteCodes>,
}

/// The search index and what its repair had to do.
struct Search {
    graph: Graph,
    repaired: usize,
}

/// What the last build of the neighbour graph took and reached.
#[derive(Default, Clone)]
struct Measured {
    seconds: Option<f64>,
    recall: Option<f64>,
}

impl Index {
    /// Takes the rows, transformed in place for the metric. O(n·dim); nothing is built yet.
    ///
    /// Errors: `EmptyIndex`, `InvalidArgument`, `OutOfMemory`.
    pub fn new(mut rows: Rows, options: Options) -> Result<Index> {
        options.check()?;
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        options.metric.transform().apply(&mut rows, options.threads);
        let codes = match options.metric.transform() {
            Transform::None => ByteCodes::of(&rows, options.threads)?,
            Transform::Unit | Transform::CenteredUnit => None,
        };
        Ok(Index {
            kernels: Kernels::detect(),
            data: Gate::new(Data { rows, codes }),
            graph: Lazy::default(),
            search: Lazy::default(),
            prepared: AtomicBool::new(false),
            inserts: AtomicUsize::new(0),
            scratches: ScratchPool::default(),
            counters: Counters::default(),
            measured: Mutex::default(),
            options,
        })
    }

    fn source<'a>(&self, data: &'a Data) -> Source<'a> {
        Source { rows: &data.rows, codes: data.codes.as_ref(), metric: self.options.metric, kernels: self.kernels }
    }

    /// All rows against all rows: `n x n_neighbors`, column 0 is the row itself at distance 0, the others
    /// ascend by (distance, id). Made once, kept until an update. O(n²/2) distances where exact,
    /// about O(n log n) where approximate.
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn neighbor_graph(&self, control: Control<'_>) -> Result<Arc<Neighbors>> {
        let data = self.data.read(control)?;
        self.graph.get_or_make(control, || self.make_graph(&data, control))
    }

    fn make_graph(&self, data: &Data, control: Control<'_>) -> Result<Neighbors> {
        let source = self.source(data);
        let k = self.options.n_neighbors - 1;
        let started = Instant::now();
        let choice = plan::graph(source, &self.options, k);
        let (knn, recall) = self.nearest(source, k, &choice, control)?;
        let (n, dim) = (data.rows.len(), data.rows.dim());
        let mut graph = knn.into_graph(n, self.options.n_neighbors, self.options.metric, dim)?;
        for row in self.equidistant(&data.rows) {
            graph.set_equidistant(row, Some(row), n);
        }
        Counters::add(&self.counters.graph_builds, 1);
        *self.measured.lock().unwrap_or_else(|e| e.into_inner()) =
            Measured { seconds: Some(started.elapsed().as_secs_f64()), recall: Some(recall) };
        Ok(graph)
    }

    /// The `k` nearest other rows of all rows, and the recall reached (measured on a sample if not exact).
    fn nearest(&self, source: Source<'_>, k: usize, choice: &Choice, control: Control<'_>) -> Result<(Knn, f64)> {
        if choice.is_exact() {
            return Ok((exact::graph(source, k, self.options.threads, control)?, 1.0));
        }
        approx::graph(source, &self.options, k, control)
    }

    /// The `k` nearest rows of each query. `queries` are transformed in place.
    ///
    /// Errors: `DimensionMismatch`, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn query(&self, mut queries: Rows, query: Query, control: Control<'_>) -> Result<Neighbors> {
        query.check()?;
        let data = self.data.read(control)?;
        if queries.dim() != data.rows.dim() {
            return Err(Error::DimensionMismatch { seen: queries.dim(), expected: data.rows.dim() });
        }
        let mut out = Neighbors::missing(queries.len(), query.k)?;
        if out.indices.is_empty() {
            return Ok(out);
        }
        self.options.metric.transform().apply(&mut queries, self.options.threads);
        Counters::add(&self.counters.searches, queries.len() as u64);
        if self.query_choice(&data, queries.len(), query).is_exact() {
            self.scan(&data, &queries, query, &mut out, control)?;
        } else {
            self.walk(&data, &queries, query, &mut out, control)?;
        }
        for row in self.equidistant(&queries) {
            out.set_equidistant(row, None, data.rows.len());
        }
        Ok(out)
    }

    /// Rows to which every row is equally far.
    fn equidistant<'a>(&self, rows: &'a Rows) -> impl Iterator<Item = usize> + use<'a> {
        let transform = self.options.metric.transform();
        let count = if transform == Transform::Unit { rows.len() } else { 0 };
        (0..count).filter(move |&row| transform.is_equidistant(rows.row(row), rows.dim()))
    }

    fn query_choice(&self, data: &Data, queries: usize, query: Query) -> Choice {
        let prepared = self.prepared.load(Ordering::Relaxed);
        let candidates = graph::bulk::candidates(&self.options);
        plan::query(self.source(data), &self.options, queries, query.ef.max(query.k), candidates, prepared)
    }

    fn scan(&self, data: &Data, queries: &Rows, query: Query, out: &mut Neighbors, control: Control<'_>) -> Result<()> {
        let source = self.source(data);
        let k = query.k.min(data.rows.len());
        Counters::add(&self.counters.distances, (queries.len() * data.rows.len()) as u64);
        for first in (0..queries.len()).step_by(MAX_BATCH) {
            let part = queries.part(first..(first + MAX_BATCH).min(queries.len()))?;
            let part = part.as_ref().unwrap_or(queries);
            let codes = match &data.codes {
                Some(codes) if source.byte_tiles() => codes.of_others(part, self.options.threads)?,
                _ => None,
            };
            let threads = self.threads_for(part.len() * data.rows.len() * data.rows.width());
            let knn = exact::batch(source, part, codes.as_ref(), k, threads, control)?;
            knn.write_to(out, first, self.options.metric, data.rows.dim());
        }
        Ok(())
    }

    fn walk(&self, data: &Data, queries: &Rows, query: Query, out: &mut Neighbors, control: Control<'_>) -> Result<()> {
        let index = self.search_index(data, control)?;
        let batch = Batch {
            graph: &index.graph,
            rows: &data.rows,
            pair: self.options.metric.pair(self.kernels),
            queries,
            k: query.k.min(data.rows.len()),
            ef: query.ef.max(query.k).min(data.rows.len()),
            threads: self.threads_for(queries.len() * query.ef.max(query.k) * 16 * data.rows.width()),
        };
        let knn = search(&batch, &self.scratches, &self.counters, control)?;
        knn.write_to(out, 0, self.options.metric, data.rows.dim());
        Ok(())
    }

    /// Starting a thread costs some 20 us: small work stays on the caller's.
    fn threads_for(&self, terms: usize) -> usize {
        self.options.threads.min(terms / 2_000_000 + 1)
    }

    fn search_index(&self, data: &Data, control: Control<'_>) -> Result<Arc<Search>> {
        self.search.get_or_make(control, || {
            let source = self.source(data);
            let nearest = |source: Source<'_>, k| {
                self.nearest(source, k, &plan::graph(source, &self.options, k), control).map(|(knn, _)| knn)
            };
            let base = nearest(source, graph::bulk::candidates(&self.options))?;
            let of_part = |part: &Rows, k| nearest(Source { rows: part, codes: None, ..source }, k);
            let built = graph::bulk::build(source, &self.options, &base, of_part, control)?;
            Counters::add(&self.counters.search_builds, 1);
            self.inserts.store(0, Ordering::Relaxed);
            Ok(Search { graph: built.graph, repaired: built.repaired })
        })
    }

    /// Appends rows as ids n, n+1, ...: all of them or, on error, none. Waits for running calls.
    ///
    /// Errors: `DimensionMismatch`, `EmptyIndex` for 0 rows, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn append(&self, mut fresh: Rows, control: Control<'_>) -> Result<()> {
        if fresh.is_empty() {
            return Err(Error::EmptyIndex);
        }
        if fresh.dim() != self.dim() {
            return Err(Error::DimensionMismatch { seen: fresh.dim(), expected: self.dim() });
        }
        self.options.metric.transform().apply(&mut fresh, self.options.threads);
        let mut data = self.data.write(control)?;
        let before = data.rows.len();
        if before + fresh.len() > crate::rows::MAX_ROWS {
            return Err(Error::invalid("rows", before + fresh.len(), format!("at most {}", crate::rows::MAX_ROWS)));
        }
        let mut guard = Rollback { data: &mut data, before, done: false };
        guard.data.rows.append(&fresh)?;
        let search = self.appended_search(&guard.data.rows, before, control)?;
        let coded = match &mut guard.data.codes {
            Some(codes) => codes.append(&fresh, self.options.threads)?,
            None => true,
        };
        guard.done = true;
        drop(guard);
        if !coded {
            data.codes = None;
        }
        self.inserts.fetch_add(fresh.len(), Ordering::Relaxed);
        self.search.set(search.map(Arc::new));
        self.graph.set(None);
        *self.measured.lock().unwrap_or_else(|e| e.into_inner()) = Measured::default();
        Ok(())
    }

    /// The search index with the new rows in it, or none where there was none or a new one is cheaper.
    fn appended_search(&self, rows: &Rows, before: usize, control: Control<'_>) -> Result<Option<Search>> {
        let Some(old) = self.search.get().filter(|_| (rows.len() - before) <= before / APPEND_SHARE) else {
            return Ok(None);
        };
        let mut graph = old.graph.clone();
        let source = Source { rows, codes: None, metric: self.options.metric, kernels: self.kernels };
        let repaired = graph::append::append(&mut graph, source, &self.options, control)?;
        Ok(Some(Search { graph, repaired }))
    }

    /// Builds the search index now instead of at the first query that wants it. From then on queries are
    /// not charged for its building, so more of them walk.
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn prepare(&self, control: Control<'_>) -> Result<()> {
        let data = self.data.read(control)?;
        let one = Query { k: 1, ef: 1 };
        // Where even single queries scan all rows there is nothing to prepare.
        let needed = !self.query_choice(&data, 1, one).is_exact();
        if needed {
            self.search_index(&data, control)?;
        }
        self.prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What is done for the two products, and why.
    pub fn plan(&self) -> Plan {
        let query = Query { k: 10, ef: TYPICAL_EF };
        let data = self.data.peek();
        let measured = self.measured.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let mut graph = plan::graph(self.source(&data), &self.options, self.options.n_neighbors - 1);
        graph.seconds = measured.seconds;
        graph.recall = measured.recall.or(graph.recall);
        Plan {
            neighbor_graph: graph,
            query: self.query_choice(&data, 1, query),
            kernels: Kernels::features(),
            algorithm: self.options.algorithm,
        }
    }

    /// Sizes and counters. Counting unreachable rows is O(links).
    pub fn stats(&self) -> Stats {
        let data = self.data.peek();
        let mut stats = Stats {
            rows: data.rows.len(),
            dim: data.rows.dim(),
            rows_bytes: data.rows.bytes(),
            codes_bytes: data.codes.as_ref().map_or(0, ByteCodes::bytes),
            graph_bytes: self.graph.get().map_or(0, |graph| graph.indices.len() * 8),
            graph_ready: self.graph.get().is_some(),
            inserts_since_build: self.inserts.load(Ordering::Relaxed),
            searches: self.counters.searches.load(Ordering::Relaxed),
            distances: self.counters.distances.load(Ordering::Relaxed),
            hops: self.counters.hops.load(Ordering::Relaxed),
            graph_builds: self.counters.graph_builds.load(Ordering::Relaxed),
            search_builds: self.counters.search_builds.load(Ordering::Relaxed),
            ..Stats::default()
        };
        if let Some(search) = self.search.get() {
            search.describe(&mut stats);
        }
        stats
    }

    /// As given.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.data.peek().rows.len()
    }

    /// Always false: an index has at least one row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns of rows and queries.
    pub fn dim(&self) -> usize {
        self.data.peek().rows.dim()
    }
}

impl Search {
    fn describe(&self, stats: &mut Stats) {
        let graph = &self.graph;
        let links: usize = (0..graph.len() as u32).map(|id| graph.links(id, 0).len()).sum();
        stats.search_ready = true;
        stats.links_bytes = graph.bytes();
        stats.levels = usize::from(graph.top()) + 1;
        stats.mean_degree = links as f64 / graph.len() as f64;
        stats.unreachable = graph::reach::unreachable(graph);
        stats.repaired = self.repaired;
    }
}

/// Takes appended rows away again unless the append was completed.
struct Rollback<'a> {
    data: &'a mut Data,
    before: usize,
    done: bool,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.data.rows.truncate(self.before);
            if let Some(codes) = &mut self.data.codes {
                codes.truncate(self.before);
            }
        }
    }
}
