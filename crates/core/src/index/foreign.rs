//! An index whose links another engine has chosen.

use super::walked::WalkedOn;
use super::{Index, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::graph::{Graph, reach};
use crate::options::Options;
use crate::points::Points;
use crate::points::aligned::Aligned;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A graph of hierarchical links as others hold it.
pub struct ForeignLinks {
    /// The highest level of each row.
    pub levels: Vec<u8>,
    /// Links of level 0: for each row `2 m` places, those behind the last link `u32::MAX`.
    pub base: Vec<u32>,
    /// Links of levels 1 and up, row after row and level after level: `m` places each.
    pub upper: Vec<u32>,
    /// Where walks begin: a row of the highest level.
    pub entry: usize,
}

impl Index {
    /// As [`Index::build`], with links that are there already. They are checked, and rows that they leave stranded are linked.
    /// O(n·dim + links).
    ///
    /// Errors: those of [`Index::build`]; `CorruptFile` for links that lead nowhere, to their own row, or to a row that is not
    /// on their level.
    pub fn with_links(
        rows: impl Into<Points>,
        links: ForeignLinks,
        options: Options,
        control: Control<'_>,
    ) -> Result<Index> {
        let index = Index::build(rows, options, control)?;
        let ForeignLinks { levels, base, upper, entry } = links;
        if levels.len() != index.len() {
            return Err(Error::CorruptFile { what: format!("links of {} rows for {}", levels.len(), index.len()) });
        }
        let (base, upper) = (Aligned::copied(&base)?, Aligned::copied(&upper)?);
        let graph = Graph::from_parts(index.options.threads, index.options.m, &levels, base, upper, entry);
        let mut graph = graph.map_err(|what| Error::CorruptFile { what })?;
        let state = index.state.read(control)?;
        let search = {
            let linked = index.linked(&state.rows)?;
            let source = index.link_source(index.source(&state), linked.as_ref());
            let repaired = reach::repair(&mut graph, source.rows, source.pair(), control)?;
            Search::new(graph, index.options.ef_construction, repaired, WalkedOn::later(None))
        };
        state.search.set(Some(Arc::new(search)));
        index.prepared.store(true, Ordering::Relaxed);
        Ok(index)
    }
}
