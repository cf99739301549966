//! What is wrong with an index, part by part: of one in use, and of stored bytes that may be none.

use super::Index;
use super::persist::rows_and_options;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::format::container::Container;
use crate::format::{Kind, points, products};
pub use crate::graph::audit::Links;
use crate::graph::audit::audit;
use crate::neighbors::{MISSING, Neighbors};

/// A section of a stored index.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionState {
    /// Number and name.
    pub name: String,
    /// Its first byte; 0 where it was left out.
    pub offset: usize,
    /// Its length.
    pub bytes: usize,
    /// Its bytes, and the zeros behind it, are those that were written.
    pub sound: bool,
}

/// What a look at everything found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verification {
    /// What is wrong, in words; empty where nothing is.
    pub problems: Vec<String>,
    /// Rows, where that much can be read.
    pub rows: Option<usize>,
    /// Version of the format, of an index that is stored.
    pub version: Option<u32>,
    /// Whether the bytes as a whole have the digest that was written; `None` where there is none.
    pub digest: Option<bool>,
    /// Sections, of an index that is stored.
    pub sections: Vec<SectionState>,
    /// The links of the search index, where there is one.
    pub links: Option<Links>,
}

impl Verification {
    /// Notes what went wrong; what stops the look ends it.
    fn note<T>(&mut self, seen: Result<T>) -> Result<Option<T>> {
        match seen {
            Ok(value) => Ok(Some(value)),
            Err(error @ (Error::Cancelled | Error::OutOfMemory { .. })) => Err(error),
            Err(Error::CorruptFile { what }) => {
                if !self.problems.contains(&what) {
                    self.problems.push(what);
                }
                Ok(None)
            }
            Err(other) => {
                self.problems.push(other.to_string());
                Ok(None)
            }
        }
    }

    fn note_sections(&mut self, container: &Container<'_>) -> Result<()> {
        self.version = Some(container.table().version);
        self.note(container.check_front())?;
        for entry in &container.table().entries {
            let sound = self.note(container.check_section(entry))?.is_some();
            self.sections.push(SectionState { name: entry.name(), offset: entry.offset, bytes: entry.len, sound });
        }
        self.digest = container.table().digest.map(|_| container.digest_fits()).transpose()?;
        if self.digest == Some(false) {
            self.problems.push("the digest of the whole is wrong".into());
        }
        Ok(())
    }

    fn note_links(&mut self, links: Links) {
        for (count, what) in [(links.out_of_range, "links lead nowhere"), (links.unreachable, "rows cannot be reached")]
        {
            if count > 0 {
                self.problems.push(format!("{count} {what}"));
            }
        }
        self.links = Some(links);
    }

    /// Looks at all of a container: header, sections, digest, and what the sections hold. O(bytes).
    ///
    /// Errors: `Cancelled`, `OutOfMemory`. Whatever is wrong with the bytes is in what is returned.
    pub fn of_bytes(bytes: &[u8], control: Control<'_>) -> Result<Verification> {
        let mut out = Verification::default();
        let Some(container) = out.note(Container::plain(bytes, control))? else { return Ok(out) };
        out.note_sections(&container)?;
        if !container.has(Kind::Rows) && !container.has(Kind::RowStarts) {
            // Products alone: there is nothing to hold them against.
            return Ok(out);
        }
        let Some((rows, options)) = out.note(rows_and_options(&container, 1))? else { return Ok(out) };
        out.rows = Some(rows.len());
        let rows_fit = points::check(&container, &rows).and_then(|()| Index::check_own(&rows, &options));
        out.note_once(rows_fit)?;
        out.note_once(points::read_ids(&container, rows.len()).map(|_| ()))?;
        let graph = products::read_graph(&container, rows.len(), options.n_neighbors).map(|_| ());
        out.note_once(graph)?;
        let search = products::read_search(&container, rows.len(), options.m).map(|_| ());
        out.note_once(search)?;
        if let Ok(Some(info)) = products::read_search_info(&container)
            && info.m == options.m
            && products::check_shapes(&container, rows.len(), options.n_neighbors, options.m).is_ok()
        {
            let raw =
                (container.raw(Kind::Levels), container.numbers(Kind::BaseLinks), container.numbers(Kind::UpperLinks));
            if let (Ok(levels), Ok(base), Ok(upper)) = raw {
                out.note_links(audit(info.m, (levels, base.as_slice(), upper.as_slice()), info.entry, control)?);
            }
        }
        Ok(out)
    }

    /// As [`Verification::note`], for what has been said already where its section is damaged.
    fn note_once(&mut self, seen: Result<()>) -> Result<()> {
        if let Err(Error::CorruptFile { what }) = &seen
            && self.problems.contains(what)
        {
            return Ok(());
        }
        self.note(seen).map(|_| ())
    }
}

impl Index {
    /// Looks at everything: the file that the index lies in, if it does, its rows, links and neighbours. O(bytes).
    ///
    /// Errors: `Cancelled`, `OutOfMemory`. Whatever is wrong is in what is returned.
    pub fn verify(&self, control: Control<'_>) -> Result<Verification> {
        let phase = control.phase("verifying", 4);
        let mut out = Verification { rows: Some(self.len()), ..Verification::default() };
        if let Some(stored) = self.state.peek().stored.clone() {
            match stored.shelf.unchanged() {
                Ok(()) => {
                    if let Some(container) = out.note(Container::plain(stored.shelf.bytes(), control))? {
                        out.note_sections(&container)?;
                    }
                }
                Err(error) => {
                    // What has been cut off cannot be looked at.
                    out.note::<()>(Err(error))?;
                    return Ok(out);
                }
            }
        }
        phase.advance(1);
        let entered = self.state.read(control);
        if let Err(error @ Error::CorruptFile { .. }) = entered {
            out.note_once(Err(error))?;
            return Ok(out);
        }
        let state = entered?;
        out.note_once(state.rows.check_stored(self.options.threads))?;
        phase.advance(1);
        out.note_once(self.take_stored(&state, control))?;
        if let Some(search) = state.search.get() {
            let graph = &search.graph;
            out.note_links(audit(graph.m(), graph.parts(), graph.entry() as usize, control)?);
        }
        phase.advance(1);
        if let Some(graph) = state.graph.get() {
            out.note_once(check_neighbors(&graph, state.rows.len()))?;
        }
        Ok(out)
    }
}

/// Neighbours are rows, or are missing.
fn check_neighbors(graph: &Neighbors, rows: usize) -> Result<()> {
    let is_row = |&&id: &&i32| id == MISSING || (id >= 0 && (id as usize) < rows);
    match graph.indices.iter().find(|id| !is_row(id)) {
        Some(id) => Err(Error::CorruptFile { what: format!("neighbour {id} of {rows} rows") }),
        None => Ok(()),
    }
}
