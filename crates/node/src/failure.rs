//! Errors of the core as JavaScript sees them: an `Error` with a stable `code`.

use crate::guard::guarded;
use hnsw_core::Error;

/// One of the codes that every language shares.
#[derive(Debug, Clone, Copy)]
pub struct Code(pub &'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// Result of a call that throws.
pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// The JavaScript error for `error`.
pub fn thrown(error: Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.to_string())
}

/// Runs `work` on the calling thread, guarded.
pub fn throwing<T>(work: impl FnOnce() -> hnsw_core::Result<T>) -> Result<T> {
    guarded(work).map_err(thrown)
}

/// For an object whose content has been taken or freed.
pub fn closed(what: &str) -> napi::Error<Code> {
    napi::Error::new(Code("ERR_CLOSED"), format!("the {what} is closed"))
}

/// For a failure of Node itself.
pub fn internal(error: impl std::fmt::Display) -> napi::Error<Code> {
    napi::Error::new(Code("ERR_INTERNAL"), error.to_string())
}
