//! An index as bytes: versioned, checksummed, never trusted when they come back.
//!
//! ```text
//!   table       header and table of sections
//!   container   sections being read
//!   write       sections being written
//!   fields      numbers and strings inside a section
//!   options     what the index was made with, as a section
//!   points      rows, as sections
//!   products    neighbour graph and search index, as sections
//! ```
//!
//! A dump, or file, holds the options, the rows and whatever products exist. One *without rows* keeps the rows'
//! checksums: it can be attached to an index of the very same rows and options, and to no other.
//! What may not enter: the file system, and any decision about what an index is.

pub(crate) mod container;
mod fields;
pub(crate) mod options;
pub(crate) mod points;
pub(crate) mod products;
pub(crate) mod table;
pub(crate) mod write;

pub use table::check_beginning;
pub use write::Sink;

/// Sections by number. Numbers are never used again for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Options = 1,
    /// Dense rows or packed bits, with their padding.
    Rows = 2,
    RowStarts = 3,
    RowColumns = 4,
    RowValues = 5,
    GraphInfo = 6,
    GraphIndices = 7,
    GraphDistances = 8,
    SearchInfo = 9,
    Levels = 10,
    BaseLinks = 11,
    UpperLinks = 12,
    /// What the caller keeps with the index.
    Caller = 13,
    /// What the program that wrote the dump adds for itself. Never looked at.
    Attachment = 14,
    /// Ids of the rows, where rows have been deleted.
    Ids = 15,
    /// Which sketches walks run on.
    Sketch = 16,
}

impl Kind {
    pub const ALL: [Kind; 16] = [
        Kind::Options,
        Kind::Rows,
        Kind::RowStarts,
        Kind::RowColumns,
        Kind::RowValues,
        Kind::GraphInfo,
        Kind::GraphIndices,
        Kind::GraphDistances,
        Kind::SearchInfo,
        Kind::Levels,
        Kind::BaseLinks,
        Kind::UpperLinks,
        Kind::Caller,
        Kind::Attachment,
        Kind::Ids,
        Kind::Sketch,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Options => "options",
            Kind::Rows => "rows",
            Kind::RowStarts => "row starts",
            Kind::RowColumns => "row columns",
            Kind::RowValues => "row values",
            Kind::GraphInfo => "graph info",
            Kind::GraphIndices => "graph indices",
            Kind::GraphDistances => "graph distances",
            Kind::SearchInfo => "search info",
            Kind::Levels => "levels",
            Kind::BaseLinks => "base links",
            Kind::UpperLinks => "upper links",
            Kind::Caller => "caller",
            Kind::Attachment => "attachment",
            Kind::Ids => "ids",
            Kind::Sketch => "sketch",
        }
    }
}

#[cfg(test)]
mod tests;
