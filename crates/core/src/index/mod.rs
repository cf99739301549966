//! The index: rows, and the two products made from them when first needed.
//!
//! Locks, in the order they are taken: the gate around the rows (shared by everything but updates), then
//! a product's own. A product is always of the rows as they are: updates change both under the gate.

mod balls;
mod coarse;
mod foreign;
mod linked;
mod listed;
mod persist;
mod products;
mod query;
mod radius;
mod report;
mod stored;
mod target;
mod update;
mod verify;

pub use foreign::ForeignLinks;
pub use stored::Check;
pub use update::Changes;
pub use verify::{Links, SectionState, Verification};

use crate::clusters::Clusters;
use crate::code::{ByteCodes, Quantized, Sketch};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Source;
use crate::gate::Gate;
use crate::graph::Graph;
use crate::knn::Reached;
use crate::lazy::Lazy;
use crate::metric::Metric;
use crate::neighbors::Neighbors;
use crate::options::Options;
use crate::plan::QueryDecision;
use crate::points::{Form, Points};
use crate::search::anchors::Anchors;
use crate::search::effort::Calibrated;
use crate::search::twins::Twins;
use crate::search::walk::ScratchPool;
use crate::stats::Counters;
use coarse::Coarse;
use hnsw_kernels::Kernels;
use report::Said;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use stored::Stored;

/// What the last build of the neighbour graph took and reached.
#[derive(Default, Clone)]
struct Measured {
    seconds: Option<f64>,
    reached: Option<Reached>,
}

/// An exact neighbour graph from before the last updates, and the rows that they changed.
#[derive(Clone)]
struct Former {
    graph: Arc<Neighbors>,
    changed: BTreeSet<u32>,
}

/// A set of rows that answers "which rows are nearest". Shared freely between threads.
pub struct Index {
    options: Options,
    kernels: &'static Kernels,
    data: Gate<Data>,
    graph: Lazy<Neighbors>,
    search: Lazy<Search>,
    /// Lists for large batches; `None` inside where rows have no codes for them.
    lists: Lazy<Option<Clusters>>,
    prepared: AtomicBool,
    inserts: AtomicUsize,
    scratches: ScratchPool,
    counters: Counters,
    measured: Mutex<Measured>,
    former: Mutex<Option<Former>>,
    last_query: Mutex<Option<QueryDecision>>,
    dim: usize,
    form: Form,
    len: AtomicUsize,
    /// Where products may be read that have not been asked for yet.
    stored: Mutex<Option<Arc<Stored>>>,
    /// What [`Index::stats`] and [`Index::plan`] said last: what they say while an update is at work.
    said: Mutex<Said>,
}

/// Rows as stored: transformed for the metric, and as bytes: where that loses nothing from the start, else
/// when first wanted.
struct Data {
    rows: Points,
    codes: Option<ByteCodes>,
    coarse: Coarse,
}

/// The search index and what its repair had to do. Never changed: an update puts another in its place.
struct Search {
    graph: Graph,
    repaired: usize,
    /// What walks run on, if not the rows.
    codes: Option<WalkCodes>,
    /// Made by the first who asks.
    wiring: OnceLock<Wiring>,
    /// Rows that are equal; made by the first radius search.
    twins: Lazy<Twins>,
    /// What radius walks reach, by the bits of their slack.
    efforts: Mutex<Vec<(u32, Arc<Calibrated>)>>,
}

/// What a look at all links tells.
#[derive(Clone, Copy)]
struct Wiring {
    mean_degree: f64,
    unreachable: usize,
}

impl Search {
    fn new(graph: Graph, repaired: usize, codes: Option<WalkCodes>) -> Search {
        Search { graph, repaired, codes, wiring: OnceLock::new(), twins: Lazy::default(), efforts: Mutex::default() }
    }
}

/// Codes that walks run on.
enum WalkCodes {
    Quantized(Quantized),
    Sketches(Sketch, Anchors),
}

impl Index {
    /// [`Index::build`] that cannot be cancelled.
    pub fn new(rows: impl Into<Points>, options: Options) -> Result<Index> {
        Index::build(rows, options, Control::none())
    }

    /// Takes the rows, transformed in place for the metric. O(n·dim); nothing is searched or linked yet.
    ///
    /// Errors: `EmptyIndex`, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn build(rows: impl Into<Points>, options: Options, control: Control<'_>) -> Result<Index> {
        options.check()?;
        let mut rows = rows.into();
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        options.metric.check_rows(rows.form(), rows.dim())?;
        options.metric.transform(&mut rows, options.threads, control)?;
        Index::of_stored(rows, options, control)
    }

    /// An index of rows that have been transformed for the metric.
    fn of_stored(rows: Points, options: Options, control: Control<'_>) -> Result<Index> {
        Index::check_own(&rows, &options)?;
        let codes = exact_codes(&rows, &options.metric, options.threads, control)?;
        Ok(Index::of_data(Gate::new(Data { rows, codes, coarse: Coarse::default() }), options))
    }

    /// An index of rows behind their gate.
    fn of_data(data: Gate<Data>, options: Options) -> Index {
        let (dim, form, len) = {
            let Data { rows, .. } = &*data.peek().expect("nobody else has this gate yet");
            (rows.dim(), rows.form(), AtomicUsize::new(rows.len()))
        };
        let index = Index {
            kernels: Kernels::detect(),
            dim,
            form,
            len,
            said: Mutex::default(),
            stored: Mutex::default(),
            data,
            graph: Lazy::default(),
            search: Lazy::default(),
            lists: Lazy::default(),
            prepared: AtomicBool::new(false),
            inserts: AtomicUsize::new(0),
            scratches: ScratchPool::default(),
            counters: Counters::default(),
            measured: Mutex::default(),
            former: Mutex::default(),
            last_query: Mutex::default(),
            options,
        };
        index.stats();
        index.plan();
        index
    }

    /// `InvalidArgument` or `EmptyIndex` where there is no index of such rows with such options.
    fn check_own(rows: &Points, options: &Options) -> Result<()> {
        options.check()?;
        options.metric.check_rows(rows.form(), rows.dim())?;
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        options.check_quantization(rows.form())
    }

    fn source<'a>(&'a self, data: &'a Data) -> Source<'a> {
        Source {
            rows: &data.rows,
            codes: data.codes.as_ref(),
            coarse: data.coarse.get(),
            metric: &self.options.metric,
            kernels: self.kernels,
        }
    }

    /// [`Index::source`] with coarse codes, made now where they are of use and missing. O(n·dim) the first time.
    fn coded<'a>(&'a self, data: &'a Data, control: Control<'_>) -> Result<Source<'a>> {
        let source = self.source(data);
        match data.rows.dense() {
            Some(rows) if source.wants_coarse() => {
                let coarse = data.coarse.get_or_make(rows, self.options.threads, control)?;
                Ok(Source { coarse, ..source })
            }
            _ => Ok(source),
        }
    }

    /// As given.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Always false: an index has at least one row.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How the rows are stored; queries have the same form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Columns of rows and queries.
    pub fn dim(&self) -> usize {
        self.dim
    }
}

/// Bytes in the place of `rows`, where they lose nothing. O(n·dim), often much less.
fn exact_codes(rows: &Points, metric: &Metric, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
    match rows.dense() {
        Some(rows) if metric.keeps_values() && metric.products(Form::Dense) => ByteCodes::of(rows, threads, control),
        _ => Ok(None),
    }
}
