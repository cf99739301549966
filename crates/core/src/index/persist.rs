//! Dumps of an index, and indexes from dumps.

use super::{Data, Index, Measured, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::format::Kind;
use crate::format::container::{Container, Content, Section, corrupt, write};
use crate::format::options::Shape;
use crate::format::{options, points, products};
use crate::points::Points;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Index {
    /// The index as bytes: options, products that exist, and with `rows` the rows themselves. Without them the
    /// bytes can only be attached to an index of the very same rows and options. O(bytes).
    ///
    /// Errors: `OutOfMemory`, `Cancelled`.
    pub fn dump(&self, rows: bool, control: Control<'_>) -> Result<Vec<u8>> {
        let data = self.data.read(control)?;
        let (graph, search) = (self.graph.get(), self.search.get());
        let mut sections = self.own_sections(&data, rows);
        sections.push(Section::new(Kind::Caller, Content::Bytes(&self.options.caller)));
        let measured = self.measured.lock().unwrap_or_else(|e| e.into_inner()).clone();
        if let Some(graph) = &graph {
            sections.extend(products::graph_sections(graph, measured.seconds, measured.reached));
        }
        if let Some(search) = &search {
            let inserts = self.inserts.load(Ordering::Relaxed);
            sections.extend(products::search_sections(&search.graph, search.repaired, inserts));
        }
        write(&sections, control)
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
        let (options, shape) = options::read(&container, threads)?;
        if container.get(Kind::Rows).is_none() && container.get(Kind::RowStarts).is_none() {
            return Err(corrupt("it was dumped without its rows, for an index that has them"));
        }
        let rows = points::read(&container, shape)?;
        let refused = |error| match error {
            Error::OutOfMemory { .. } | Error::Cancelled => error,
            other => Error::CorruptFile { what: other.to_string() },
        };
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
        for section in self.own_sections(&data, false) {
            if !container.describes(&section)? {
                let seen = "of other rows or options";
                return Err(Error::invalid("dump", seen, "one of an index with the same rows and options"));
            }
        }
        self.take_products(&container, &data.rows, control)
    }

    /// All of the products or, on error, none.
    fn take_products(&self, container: &Container<'_>, rows: &Points, control: Control<'_>) -> Result<()> {
        let len = rows.len();
        let graph = products::read_graph(container, len, self.options.n_neighbors)?;
        let search = products::read_search(container, len, self.options.m)?;
        if let Some(graph) = graph.filter(|_| self.graph.get().is_none()) {
            *self.measured.lock().unwrap_or_else(|e| e.into_inner()) =
                Measured { seconds: graph.seconds, reached: graph.reached };
            self.graph.set(Some(Arc::new(graph.neighbors)));
        }
        if let Some(search) = search.filter(|_| self.search.get().is_none()) {
            let codes = self.walk_codes(rows, &search.graph, control)?;
            self.inserts.store(search.inserts, Ordering::Relaxed);
            self.search.set(Some(Arc::new(Search::new(search.graph, search.repaired, codes))));
        }
        Ok(())
    }
}
