//! Dumps of an index, and indexes from dumps.

use super::linking::Linking;
use super::state::{Measured, State};
use super::walked::WalkedOn;
use super::{Index, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::format::Sink;
use crate::format::container::{Container, corrupt};
use crate::format::options::Shape;
use crate::format::products::{StoredGraph, StoredSearch};
use crate::format::write::{Content, Section, length, write};
use crate::format::{Kind, options, points, products};
use crate::neighbors::Neighbors;
use crate::points::Points;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Index {
    /// The index as bytes: options, products that exist, and with `rows` the rows themselves. Without them the
    /// bytes can only be attached to an index of the very same rows and options. O(bytes).
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn dump(&self, rows: bool, control: Control<'_>) -> Result<Vec<u8>> {
        self.dump_with(rows, &[], control)
    }

    /// As [`Index::dump`], with a section of the caller's own where `attachment` is not empty. The index does not keep it.
    pub fn dump_with(&self, rows: bool, attachment: &[u8], control: Control<'_>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.written(rows, attachment, control, |sections| {
            let bytes = length(sections);
            out.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
            write(sections, &mut out, control)
        })?;
        Ok(out)
    }

    /// Writes what [`Index::dump`] gives, with the rows, into `sink`. O(bytes).
    ///
    /// Errors: those of the sink, `Cancelled`.
    pub fn write_to(&self, sink: &mut dyn Sink, control: Control<'_>) -> Result<()> {
        self.written(true, &[], control, |sections| write(sections, sink, control))
    }

    fn written(
        &self,
        rows: bool,
        attachment: &[u8],
        control: Control<'_>,
        write: impl FnOnce(&[Section<'_>]) -> Result<()>,
    ) -> Result<()> {
        let state = self.state.read(control)?;
        self.take_stored(&state, control)?;
        let (graph, search) = (state.graph.get(), state.search.get());
        let linking = search.as_ref().map_or_else(|| state.linking(), |search| search.linking());
        let mut sections = self.own_sections(&state, linking, rows);
        sections.push(Section::new(Kind::Caller, Content::Bytes(&self.options.caller)));
        let measured = state.measured();
        if let Some(graph) = &graph {
            sections.extend(products::graph_sections(graph, measured.seconds, measured.reached));
        }
        if let Some(search) = &search {
            let (inserts, prepared) = (state.inserts.load(Ordering::Relaxed), self.prepared.load(Ordering::Relaxed));
            sections.extend(products::search_sections(&search.graph, search.repaired, inserts, prepared));
            sections.extend(search.codes.sketched().as_ref().map(products::sketch_section));
        }
        if !attachment.is_empty() {
            sections.push(Section::new(Kind::Attachment, Content::Bytes(attachment)));
        }
        write(&sections)
    }

    /// Options and rows: what makes an index the one it is.
    fn own_sections<'a>(&self, state: &'a State, linking: Linking, rows: bool) -> Vec<Section<'a>> {
        let points = &state.rows;
        let spare = points.dense().is_some_and(|rows| rows.spare());
        let shape = Shape { form: points.form(), len: points.len(), dim: points.dim(), spare };
        let sections =
            std::iter::once(options::section(&self.options_with(linking), shape)).chain(points::sections(points, rows));
        sections.chain(points::ids_section(&state.ids)).collect()
    }

    /// An index from a dump that has its rows. Every byte is checked, nothing is trusted: links and neighbours
    /// lead to rows, values are finite. O(bytes).
    ///
    /// Errors: `CorruptFile` (also for a dump without rows), `UnsupportedVersion`, `OutOfMemory`, `Cancelled`.
    pub fn restore(bytes: &[u8], threads: usize, control: Control<'_>) -> Result<Index> {
        let container = Container::open(bytes, threads, control)?;
        let (rows, options) = rows_and_options(&container, threads)?;
        points::check(&container, &rows)?;
        let ids = points::read_ids(&container, rows.len())?;
        let index = Index::of_stored(rows, ids, options, control).map_err(refused)?;
        index.take_products(&container, &*index.state.read(control)?)?;
        Ok(index)
    }

    /// Takes the products of a dump of the very same rows and options, so that they need not be made again.
    /// Products that are there already stay. O(bytes).
    ///
    /// Errors: `InvalidArgument` for a dump of other rows or options, `CorruptFile`, `UnsupportedVersion`,
    /// `OutOfMemory`, `Cancelled`.
    pub fn attach(&self, bytes: &[u8], control: Control<'_>) -> Result<()> {
        let container = Container::open(bytes, self.options.threads, control)?;
        let state = self.state.read(control)?;
        self.take_stored(&state, control)?;
        let ids_alike = container.has(Kind::Ids) == state.ids.parts().is_some();
        for section in self.own_sections(&state, state.linking(), false) {
            if !ids_alike || !container.describes(&section)? {
                let seen = "of other rows or options";
                return Err(Error::invalid("dump", seen, "one of an index with the same rows and options"));
            }
        }
        self.take_products(&container, &state)
    }

    /// All of the products or, on error, none.
    pub(super) fn take_products(&self, container: &Container<'_>, state: &State) -> Result<()> {
        let len = state.rows.len();
        let graph = products::read_graph(container, len, self.options.n_neighbors)?;
        let search = products::read_search(container, len, state.linking().m)?;
        let search = search.filter(|_| state.search.get().is_none()).map(|search| self.taken_search(search, state));
        if let Some(graph) = graph.filter(|_| state.graph.get().is_none()) {
            state.graph.set(Some(Arc::new(taken_graph(graph, state))));
        }
        if let Some(search) = search {
            state.search.set(Some(Arc::new(search)));
        }
        Ok(())
    }

    /// A stored search index. What walks run on is made by the first walk.
    pub(super) fn taken_search(&self, search: StoredSearch, state: &State) -> Search {
        state.inserts.store(search.info.inserts, Ordering::Relaxed);
        self.prepared.fetch_or(search.info.prepared, Ordering::Relaxed);
        Search::new(
            search.graph,
            state.linking().ef_construction,
            search.info.repaired,
            WalkedOn::later(search.sketched),
        )
    }
}

/// Remembers what is known of the making of a stored graph.
pub(super) fn taken_graph(graph: StoredGraph, state: &State) -> Neighbors {
    state.set_measured(Measured { seconds: graph.seconds, reached: graph.reached, renewed: false });
    graph.neighbors
}

/// What a container says the rows and the options are; dense rows and bits have not been looked at.
pub(super) fn rows_and_options(container: &Container<'_>, threads: usize) -> Result<(Points, crate::options::Options)> {
    let (options, shape) = options::read(container, threads)?;
    if !container.has(Kind::Rows) && !container.has(Kind::RowStarts) {
        return Err(corrupt("it was dumped without its rows, for an index that has them"));
    }
    Ok((points::read(container, shape)?, options))
}

/// What is wrong with stored rows or options is wrong with the file.
pub(super) fn refused(error: Error) -> Error {
    match error {
        Error::OutOfMemory { .. } | Error::Cancelled => error,
        other => Error::CorruptFile { what: other.to_string() },
    }
}
