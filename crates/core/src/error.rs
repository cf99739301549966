//! What can go wrong at the core's doors, and the stable code of each case.
//!
//! The codes are the same strings in TypeScript, on the wire and in Python. A message says what was
//! wrong, the value seen and what is allowed; nobody may parse it, the code is the interface.

use std::fmt;

/// Result of every fallible call of the core.
pub type Result<T> = std::result::Result<T, Error>;

/// A refused or interrupted call. The index is as it was before the call.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "fields hold what the message shows: the name, the value seen, what is allowed")]
pub enum Error {
    /// A parameter outside its range.
    InvalidArgument { name: &'static str, seen: String, allowed: String },
    /// Rows or queries of another width than promised.
    DimensionMismatch { seen: usize, expected: usize },
    /// NaN or infinity in the input.
    NonFinite { row: usize, column: usize, value: f32 },
    /// The id of a row that the index does not have.
    UnknownId { seen: u32, len: usize },
    /// A metric name that the table does not have.
    UnknownMetric { seen: String },
    /// An index needs at least one row.
    EmptyIndex,
    /// The allocator refused.
    OutOfMemory { bytes: usize },
    /// The caller cancelled.
    Cancelled,
    /// Bytes that are no index, or no longer.
    CorruptFile { what: String },
    /// Bytes of a version that this code does not know.
    UnsupportedVersion { seen: u32, allowed: String },
    /// The system could not read or write a file.
    File { path: String, what: String },
    /// A broken invariant of ours.
    Internal { message: String },
}

impl Error {
    /// The stable code, equal in every language.
    pub fn code(&self) -> &'static str {
        match self {
            Error::InvalidArgument { .. } => "ERR_INVALID_ARGUMENT",
            Error::DimensionMismatch { .. } => "ERR_DIMENSION_MISMATCH",
            Error::NonFinite { .. } => "ERR_NON_FINITE",
            Error::UnknownId { .. } => "ERR_UNKNOWN_ID",
            Error::UnknownMetric { .. } => "ERR_UNKNOWN_METRIC",
            Error::EmptyIndex => "ERR_EMPTY_INDEX",
            Error::OutOfMemory { .. } => "ERR_OUT_OF_MEMORY",
            Error::Cancelled => "ERR_CANCELLED",
            Error::CorruptFile { .. } => "ERR_CORRUPT_FILE",
            Error::UnsupportedVersion { .. } => "ERR_UNSUPPORTED_VERSION",
            Error::File { .. } => "ERR_FILE",
            Error::Internal { .. } => "ERR_INTERNAL",
        }
    }

    /// Shorthand for a parameter outside its range.
    pub fn invalid(name: &'static str, seen: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Error::InvalidArgument { name, seen: seen.to_string(), allowed: allowed.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidArgument { name, seen, allowed } => {
                write!(f, "{name} is {seen}, allowed: {allowed}")
            }
            Error::DimensionMismatch { seen, expected } => {
                write!(f, "rows have {seen} columns, expected {expected}")
            }
            Error::NonFinite { row, column, value } => {
                write!(f, "value {value} in row {row}, column {column}; allowed: finite float32")
            }
            Error::UnknownId { seen, len } => write!(f, "no row has the id {seen}, allowed: 0..{len}"),
            Error::UnknownMetric { seen } => {
                write!(f, "unknown metric {seen:?}, allowed: {}", crate::metric::names().join(", "))
            }
            Error::EmptyIndex => write!(f, "0 rows, allowed: at least 1"),
            Error::OutOfMemory { bytes } => write!(f, "could not allocate {bytes} bytes"),
            Error::Cancelled => write!(f, "cancelled by the caller"),
            Error::CorruptFile { what } => write!(f, "these bytes are not an index: {what}"),
            Error::UnsupportedVersion { seen, allowed } => {
                write!(f, "an index of format version {seen}, allowed: {allowed}")
            }
            Error::File { path, what } => write!(f, "{path}: {what}"),
            Error::Internal { message } => write!(f, "internal error: {message}"),
        }
    }
}

impl std::error::Error for Error {}
