//! Indexes in files.
//!
//! ```text
//!   save      a file that is there as a whole or not at all
//!   load      a file in memory, or mapped
//!   mapped    what lies in a file that others may change
//!   hnswlib   index files of hnswlib
//! ```
//!
//! What may not enter: what the bytes of an index mean (`hnsw_core` knows that), and the readers of rows that callers have
//! in their own languages.
#![warn(missing_docs)]

mod hnswlib;
mod load;
mod mapped;
mod save;

pub use hnswlib::{Header, Source, import_hnswlib};
pub use load::{Load, Verify, load, verify};
pub use save::save;

use hnsw_core::Error;
use std::path::Path;

/// What the system said of a file.
fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::File { path: path.display().to_string(), what: error.to_string() }
}

/// Bytes that are no index.
fn corrupt(what: impl Into<String>) -> Error {
    Error::CorruptFile { what: what.into() }
}
