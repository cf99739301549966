//! An index as bytes: versioned, checksummed, never trusted when they come back.
//!
//! ```text
//!   container   header, table of sections, their checksums
//!   fields      numbers and strings inside a section
//!   options     what the index was made with, as a section
//!   points      rows, as sections
//!   products    neighbour graph and search index, as sections
//! ```
//!
//! A dump holds the options, the rows and whatever products exist. A dump *without rows* keeps the rows'
//! checksums: it can be attached to an index of the very same rows and options, and to no other.
//! What may not enter: files, and any decision about what an index is.

pub(crate) mod container;
mod fields;
pub(crate) mod options;
pub(crate) mod points;
pub(crate) mod products;

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
}

#[cfg(test)]
mod tests;
