//! The index: rows, and the two products made from them when first needed.
//!
//! What is made of rows lies beside them in one state, which updates replace as a whole: see `state`.

mod ask;
mod balls;
mod coarse;
mod filtered;
mod foreign;
mod linked;
mod linking;
mod listed;
mod measure;
mod persist;
mod products;
mod query;
mod radius;
mod report;
mod state;
mod stored;
mod target;
mod update;
mod verify;
mod walked;

pub use ask::{Answer, Ask, Effort};
pub use foreign::ForeignLinks;
pub use linking::Linking;
pub use measure::SelfRecall;
pub use stored::Check;
pub use update::Changes;
pub use verify::{Links, SectionState, Verification};

use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Source;
use crate::gate::Gate;
use crate::graph::Graph;
use crate::ids::Ids;
use crate::lazy::{Keyed, Lazy};
use crate::metric::Metric;
use crate::options::Options;
use crate::plan::QueryDecision;
use crate::points::{Form, Points};
use crate::search::adaptive::Adapted;
use crate::search::effort::Calibrated;
use crate::search::twins::Twins;
use crate::search::walk::ScratchPool;
use crate::stats::Counters;
use hnsw_kernels::Kernels;
use state::State;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};
use walked::WalkedOn;

/// A set of rows that answers "which rows are nearest". Shared freely between threads.
pub struct Index {
    options: Options,
    kernels: &'static Kernels,
    state: Gate<State>,
    prepared: AtomicBool,
    scratches: ScratchPool,
    counters: Counters,
    last_query: Mutex<Option<QueryDecision>>,
    dim: usize,
    form: Form,
}

/// The search index and what its repair had to do. Never changed: an update puts another in its place.
struct Search {
    graph: Graph,
    ef_construction: usize,
    repaired: usize,
    /// What walks run on, if not the rows.
    codes: WalkedOn,
    /// Made by the first who asks.
    wiring: OnceLock<Wiring>,
    /// Rows that are equal; made by the first radius search.
    twins: Lazy<Twins>,
    /// What radius walks reach, by the bits of their slack.
    efforts: Keyed<u32, Calibrated>,
    /// What walks reach that end by a distance, by the number of neighbours.
    adapted: Keyed<usize, Adapted>,
}

/// What a look at all links tells.
struct Wiring {
    level_rows: Vec<usize>,
    degrees: Vec<usize>,
    unreachable: usize,
}

impl Search {
    fn new(graph: Graph, ef_construction: usize, repaired: usize, codes: WalkedOn) -> Search {
        let wiring = OnceLock::new();
        let (twins, efforts, adapted) = (Lazy::default(), Keyed::default(), Keyed::default());
        Search { graph, ef_construction, repaired, codes, wiring, twins, efforts, adapted }
    }
}

impl Search {
    fn linking(&self) -> Linking {
        Linking { m: self.graph.m(), ef_construction: self.ef_construction }
    }
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
        Index::build_named(rows, None, options, control)
    }

    /// As [`Index::build`], for rows that outlived another index: with `names` their ids, one for each row, ascending, and the
    /// id that the next row will get.
    ///
    /// Errors: as there; `InvalidArgument` for ids that are not so.
    pub fn build_named(
        rows: impl Into<Points>,
        names: Option<(Vec<u32>, u32)>,
        options: Options,
        control: Control<'_>,
    ) -> Result<Index> {
        options.check()?;
        let mut rows = rows.into();
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        options.metric.check_rows(rows.form(), rows.dim())?;
        let ids = named(rows.len(), names)?;
        options.metric.transform(&mut rows, options.threads, control)?;
        Index::of_stored(rows, ids, options, control)
    }

    /// An index of rows that have been transformed for the metric.
    fn of_stored(rows: Points, ids: Ids, options: Options, control: Control<'_>) -> Result<Index> {
        Index::check_own(&rows, &options)?;
        let codes = exact_codes(&rows, &options.metric, options.threads, control)?;
        let state = State::new(rows, ids, Linking::of(&options), Some(codes));
        Ok(Index::of_state(Gate::new(state), options))
    }

    /// An index of rows behind their gate.
    fn of_state(state: Gate<State>, options: Options) -> Index {
        let (dim, form) = {
            let rows = &state.peek().rows;
            (rows.dim(), rows.form())
        };
        Index {
            kernels: Kernels::detect(),
            dim,
            form,
            state,
            prepared: AtomicBool::new(false),
            scratches: ScratchPool::default(),
            counters: Counters::default(),
            last_query: Mutex::default(),
            options,
        }
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

    fn source<'a>(&'a self, state: &'a State) -> Source<'a> {
        Source {
            rows: &state.rows,
            codes: state.codes(),
            coarse: state.coarse.get(),
            metric: &self.options.metric,
            kernels: self.kernels,
        }
    }

    /// [`Index::source`] with coarse codes, made now where they are of use and missing. O(n·dim) the first time.
    fn coded<'a>(&'a self, state: &'a State, control: Control<'_>) -> Result<Source<'a>> {
        let source = self.source(state);
        match state.rows.dense() {
            Some(rows) if source.wants_coarse() => {
                let coarse = state.coarse.get_or_make(rows, self.options.threads, control)?;
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
        self.state.peek().rows.len()
    }

    /// The id of each row, ascending: the numbers from 0 until rows are deleted. O(n).
    pub fn ids(&self) -> Vec<u32> {
        let ids = &self.state.peek().ids;
        (0..ids.len() as u32).map(|slot| ids.of(slot)).collect()
    }

    /// Whether a row has this id. O(log n).
    pub fn contains(&self, id: u32) -> bool {
        self.state.peek().ids.slot(id).is_some()
    }

    /// What the next row will get.
    pub fn next_id(&self) -> u32 {
        self.state.peek().ids.next()
    }

    /// Rows that there have been and are not any more.
    pub fn removed(&self) -> usize {
        let ids = &self.state.peek().ids;
        ids.next() as usize - ids.len()
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

fn named(rows: usize, names: Option<(Vec<u32>, u32)>) -> Result<Ids> {
    let Some((ids, next)) = names else { return Ok(Ids::first(rows)) };
    let seen = ids.len();
    let ids = if seen == rows { Ids::from_parts(ids, next) } else { None };
    ids.ok_or_else(|| {
        let allowed = format!("{rows}, ascending, all below the next id, {next}");
        Error::invalid("ids", format!("{seen} ids"), allowed)
    })
}

/// Bytes in the place of `rows`, where they lose nothing. O(n·dim), often much less.
fn exact_codes(rows: &Points, metric: &Metric, threads: usize, control: Control<'_>) -> Result<Option<ByteCodes>> {
    match rows.dense() {
        Some(rows) if metric.keeps_values() && metric.products(Form::Dense) => ByteCodes::of(rows, threads, control),
        _ => Ok(None),
    }
}
