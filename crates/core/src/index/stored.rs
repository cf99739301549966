//! An index on a shelf: rows and links stay where they lie, and what has not been used has not been read.
//!
//! ```text
//!   Check::Now        all sections, rows, links and neighbours are checked before there is an index
//!   Check::WhenUsed   header, table, options and shapes at once; rows by the first call; links and neighbours by the
//!                     first call that wants them
//! ```

use super::linking::Linking;
use super::persist::{refused, rows_and_options, taken_graph};
use super::state::State;
use super::{Index, Search, exact_codes};
use crate::control::Control;
use crate::error::Result;
use crate::format::container::Container;
use crate::format::{Kind, points, products};
use crate::gate::{First, Gate, Watch};
use crate::neighbors::Neighbors;
use crate::shelf::Shelf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// When what is stored is compared with its checksums, and with what an index must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Before there is an index.
    Now,
    /// Each part by the first call that needs it, which fails with `CorruptFile` where it is wrong.
    WhenUsed,
}

/// Where products lie that have not been asked for.
pub(super) struct Stored {
    pub shelf: Arc<dyn Shelf>,
    pub graph: bool,
    pub search: bool,
}

impl Index {
    /// The index of a container with rows. Dense rows, bits and links are used where they lie, until an update copies
    /// them. O(bytes) with [`Check::Now`], else O(sections).
    ///
    /// Errors: `CorruptFile` (also for a dump without rows), `UnsupportedVersion`, `OutOfMemory`, `Cancelled`.
    pub fn open(shelf: Arc<dyn Shelf>, threads: usize, check: Check, control: Control<'_>) -> Result<Index> {
        let container = match check {
            Check::Now => Container::on_shelf(&shelf, threads, control)?,
            Check::WhenUsed => Container::unchecked(&shelf, control)?,
        };
        let (rows, options) = rows_and_options(&container, threads)?;
        Index::check_own(&rows, &options).map_err(refused)?;
        let watch = watch(&shelf);
        let ids = points::read_ids(&container, rows.len())?;
        if check == Check::Now {
            points::check(&container, &rows)?;
            let codes = exact_codes(&rows, &options.metric, threads, control)?;
            let index = Index::of_state(
                Gate::new(State::new(rows, ids, Linking::of(&options), Some(codes))).watched(watch),
                options,
            );
            index.take_products(&container, &*index.state.read(control)?)?;
            return Ok(index);
        }
        container.check_front()?;
        products::check_shapes(&container, rows.len(), options.n_neighbors, options.m)?;
        let info = products::read_search_info(&container)?;
        let first = first_use(shelf.clone(), options.metric.clone(), threads);
        let (graph, search) = (container.has(Kind::GraphInfo), info.is_some());
        drop(container);
        let mut state = State::new(rows, ids, Linking::of(&options), None);
        state.stored = Some(Arc::new(Stored { shelf, graph, search }));
        state.inserts.store(info.as_ref().map_or(0, |info| info.inserts), Ordering::Relaxed);
        let index = Index::of_state(Gate::new(state).watched(watch).beginning_with(first), options);
        index.prepared.store(info.is_some_and(|info| info.prepared), Ordering::Relaxed);
        Ok(index)
    }

    /// The neighbour graph where one is stored.
    pub(super) fn stored_graph(&self, state: &State, control: Control<'_>) -> Result<Option<Neighbors>> {
        let Some(stored) = state.stored.as_ref().filter(|stored| stored.graph) else { return Ok(None) };
        let container = Container::unchecked(&stored.shelf, control)?.on_threads(self.options.threads);
        let graph = products::read_graph(&container, state.rows.len(), self.options.n_neighbors)?;
        Ok(graph.map(|graph| taken_graph(graph, state)))
    }

    /// The search index where one is stored.
    pub(super) fn stored_search(&self, state: &State, control: Control<'_>) -> Result<Option<Search>> {
        let Some(stored) = state.stored.as_ref().filter(|stored| stored.search) else { return Ok(None) };
        let container = Container::unchecked(&stored.shelf, control)?.on_threads(self.options.threads);
        let search = products::read_search(&container, state.rows.len(), state.linking().m)?;
        Ok(search.map(|search| self.taken_search(search, state)))
    }

    /// Reads the products that are stored and have not been asked for.
    pub(super) fn take_stored(&self, state: &State, control: Control<'_>) -> Result<()> {
        let Some(stored) = &state.stored else { return Ok(()) };
        if stored.graph && state.graph.get().is_none() {
            let graph = self.stored_graph(state, control)?;
            state.graph.set(graph.map(Arc::new));
        }
        if stored.search && state.search.get().is_none() {
            let search = self.stored_search(state, control)?;
            state.search.set(search.map(Arc::new));
        }
        Ok(())
    }
}

/// Agrees for as long as the shelf holds what it held; and when nobody needs the shelf any more.
fn watch(shelf: &Arc<dyn Shelf>) -> Watch {
    let shelf = Arc::downgrade(shelf);
    Box::new(move || shelf.upgrade().map_or(Ok(()), |shelf| shelf.unchanged()))
}

/// Looks at the rows, which nobody has yet.
fn first_use(shelf: Arc<dyn Shelf>, metric: crate::metric::Metric, threads: usize) -> First<State> {
    Box::new(move |state, control| {
        let container = Container::unchecked(&shelf, control)?.on_threads(threads);
        points::check(&container, &state.rows)?;
        state.set_codes(exact_codes(&state.rows, &metric, threads, control)?);
        Ok(())
    })
}
