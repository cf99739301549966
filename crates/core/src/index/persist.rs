//! Dumps of an index, and indexes from dumps.

use super::{Data, Index, Measured, Search};
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
        let data = self.data.read(control)?;
        self.take_stored(&data.rows, control)?;
        let (graph, search) = (self.graph.get(), self.search.get());
        let mut sections = self.own_sections(&data, rows);
        sections.push(Section::new(Kind::Caller, Content::Bytes(&self.options.caller)));
        let measured = self.measured.lock().unwrap_or_else(|e| e.into_inner()).clone();
        if let Some(graph) = &graph {
            sections.extend(products::graph_sections(graph, measured.seconds, measured.reached));
        }
        if let Some(search) = &search {
            let (inserts, prepared) = (self.inserts.load(Ordering::Relaxed), self.prepared.load(Ordering::Relaxed));
            sections.extend(products::search_sections(&search.graph, search.repaired, inserts, prepared));
        }
        if !attachment.is_empty() {
            sections.push(Section::new(Kind::Attachment, Content::Bytes(attachment)));
        }
        write(&sections)
    }

    /// Options and rows: what makes an index the one it is.
    fn own_sections<'a>(&self, data: &'a Data, rows: bool) -> Vec<Section<'a>> {
        let points = &data.rows;
        let spare = points.dense().is_some_and(|rows| rows.spare());
        let shape = Shape { form: points.form(), len: points.len(), dim: points.dim(), spare };
        std::iter::once(options::section(&self.options, shape)).chain(points::sections(points, rows)).collect()
    }

    /// An index from a dump that has its rows. Every byte is checked, nothing is trusted: links and neighbours
    /// lead to rows, values are finite. O(bytes).
    ///
    /// Errors: `CorruptFile` (also for a dump without rows), `UnsupportedVersion`, `OutOfMemory`, `Cancelled`.
    pub fn restore(bytes: &[u8], threads: usize, control: Control<'_>) -> Result<Index> {
        let container = Container::open(bytes, control)?;
        let (rows, options) = rows_and_options(&container, threads)?;
        points::check(&container, &rows)?;
        let index = Index::of_stored(rows, options, control).map_err(refused)?;
        index.take_products(&container, &index.data.read(control)?.rows, control)?;
        Ok(index)
    }

    /// Takes the products of a dump of the very same rows and options, so that they need not be made again.
    /// Products that are there already stay. O(bytes).
    ///
    /// Errors: `InvalidArgument` for a dump of other rows or options, `CorruptFile`, `UnsupportedVersion`,
    /// `OutOfMemory`, `Cancelled`.
    pub fn attach(&self, bytes: &[u8], control: Control<'_>) -> Result<()> {
        let container = Container::open(bytes, control)?;
        let data = self.data.read(control)?;
        self.take_stored(&data.rows, control)?;
        for section in self.own_sections(&data, false) {
            if !container.describes(&section)? {
                let seen = "of other rows or options";
                return Err(Error::invalid("dump", seen, "one of an index with the same rows and options"));
            }
        }
        self.take_products(&container, &data.rows, control)
    }

    /// All of the products or, on error, none.
    pub(super) fn take_products(&self, container: &Container<'_>, rows: &Points, control: Control<'_>) -> Result<()> {
        let len = rows.len();
        let graph = products::read_graph(container, len, self.options.n_neighbors)?;
        let search = products::read_search(container, len, self.options.m)?;
        let search = match search.filter(|_| self.search.get().is_none()) {
            Some(search) => Some(self.taken_search(search, rows, control)?),
            None => None,
        };
        if let Some(graph) = graph.filter(|_| self.graph.get().is_none()) {
            self.graph.set(Some(Arc::new(self.taken_graph(graph))));
        }
        if let Some(search) = search {
            self.search.set(Some(Arc::new(search)));
        }
        Ok(())
    }

    /// Remembers what is known of the making of a stored graph.
    pub(super) fn taken_graph(&self, graph: StoredGraph) -> Neighbors {
        *self.measured.lock().unwrap_or_else(|e| e.into_inner()) =
            Measured { seconds: graph.seconds, reached: graph.reached };
        graph.neighbors
    }

    /// A stored search index with what walks run on.
    pub(super) fn taken_search(&self, search: StoredSearch, rows: &Points, control: Control<'_>) -> Result<Search> {
        let codes = self.walk_codes(rows, &search.graph, control)?;
        self.inserts.store(search.info.inserts, Ordering::Relaxed);
        self.prepared.fetch_or(search.info.prepared, Ordering::Relaxed);
        Ok(Search::new(search.graph, search.info.repaired, codes))
    }
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
