//! The wall between a bug of ours and the caller's process.

use hnsw_core::{Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic in it becomes `Error::Internal` with the panic's text.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Whatever the closure touched is either dropped with it or behind a lock that panics poison.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Error::Internal { message: text_of(&*panic) }))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic without a text").to_string()
}
