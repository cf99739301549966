//! An index on a shelf: rows and links stay where they lie, and what has not been used has not been read.
//!
//! ```text
//!   Check::Now        all sections, rows, links and neighbours are checked before there is an index
//!   Check::WhenUsed   header, table, options and shapes at once; rows by the first call; links and neighbours by the
//!                     first call that wants them
//! ```

use super::coarse::Coarse;
use super::persist::{refused, rows_and_options};
use super::{Data, Index, Search, exact_codes};
use crate::control::Control;
use crate::error::Result;
use crate::format::container::Container;
use crate::format::{Kind, points, products};
use crate::gate::{First, Gate, Watch};
use crate::neighbors::Neighbors;
use crate::points::Points;
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
            Check::Now => Container::on_shelf(&shelf, control)?,
            Check::WhenUsed => Container::unchecked(&shelf, control)?,
        };
        let (rows, options) = rows_and_options(&container, threads)?;
        Index::check_own(&rows, &options).map_err(refused)?;
        let (coarse, watch) = (Coarse::default(), watch(&shelf));
        if check == Check::Now {
            points::check(&container, &rows)?;
            let codes = exact_codes(&rows, &options.metric, threads, control)?;
            let index = Index::of_data(Gate::new(Data { rows, codes, coarse }).watched(watch), options);
            index.take_products(&container, &index.data.read(control)?.rows, control)?;
            return Ok(index);
        }
        container.check_front()?;
        products::check_shapes(&container, rows.len(), options.n_neighbors, options.m)?;
        let info = products::read_search_info(&container)?;
        let first = first_use(shelf.clone(), options.metric.clone(), threads);
        let data = Gate::new(Data { rows, codes: None, coarse }).watched(watch).beginning_with(first);
        let index = Index::of_data(data, options);
        let (graph, search) = (container.has(Kind::GraphInfo), info.is_some());
        if let Some(info) = info {
            index.inserts.store(info.inserts, Ordering::Relaxed);
            index.prepared.store(info.prepared, Ordering::Relaxed);
        }
        drop(container);
        *index.stored.lock().unwrap_or_else(|e| e.into_inner()) = Some(Arc::new(Stored { shelf, graph, search }));
        index.stats();
        Ok(index)
    }

    pub(super) fn stored(&self) -> Option<Arc<Stored>> {
        self.stored.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// The neighbour graph where one is stored.
    pub(super) fn stored_graph(&self, control: Control<'_>) -> Result<Option<Neighbors>> {
        let Some(stored) = self.stored().filter(|stored| stored.graph) else { return Ok(None) };
        let container = Container::unchecked(&stored.shelf, control)?;
        let graph = products::read_graph(&container, self.len(), self.options.n_neighbors)?;
        Ok(graph.map(|graph| self.taken_graph(graph)))
    }

    /// The search index where one is stored.
    pub(super) fn stored_search(&self, rows: &Points, control: Control<'_>) -> Result<Option<Search>> {
        let Some(stored) = self.stored().filter(|stored| stored.search) else { return Ok(None) };
        let container = Container::unchecked(&stored.shelf, control)?;
        let search = products::read_search(&container, self.len(), self.options.m)?;
        search.map(|search| self.taken_search(search, rows, control)).transpose()
    }

    /// Reads the products that are stored and have not been asked for.
    pub(super) fn take_stored(&self, rows: &Points, control: Control<'_>) -> Result<()> {
        let Some(stored) = self.stored() else { return Ok(()) };
        if stored.graph && self.graph.get().is_none() {
            let graph = self.stored_graph(control)?;
            self.graph.set(graph.map(Arc::new));
        }
        if stored.search && self.search.get().is_none() {
            let search = self.stored_search(rows, control)?;
            self.search.set(search.map(Arc::new));
        }
        Ok(())
    }

    /// Before rows change: nothing is read from the shelf any more.
    pub(super) fn leave_shelf(&self, rows: &mut Points, control: Control<'_>) -> Result<()> {
        self.take_stored(rows, control)?;
        rows.own()?;
        *self.stored.lock().unwrap_or_else(|e| e.into_inner()) = None;
        Ok(())
    }
}

/// Agrees for as long as the shelf holds what it held; and when nobody needs the shelf any more.
fn watch(shelf: &Arc<dyn Shelf>) -> Watch {
    let shelf = Arc::downgrade(shelf);
    Box::new(move || shelf.upgrade().map_or(Ok(()), |shelf| shelf.unchanged()))
}

/// Looks at the rows, which nobody has yet.
fn first_use(shelf: Arc<dyn Shelf>, metric: crate::metric::Metric, threads: usize) -> First<Data> {
    Box::new(move |data, control| {
        let container = Container::unchecked(&shelf, control)?;
        points::check(&container, &data.rows)?;
        data.codes = exact_codes(&data.rows, &metric, threads, control)?;
        Ok(())
    })
}
