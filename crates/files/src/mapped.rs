//! A file as memory: what is not looked at is not read.
//!
//! One of the crate's few places with `unsafe`. What lies in a mapping belongs to the file, and other processes may change
//! it. What that can do, and what keeps it from happening:
//!
//! - A saved index is never changed in place: [`crate::save`] puts a new file where the old one was, and the mapping keeps
//!   the old one.
//! - Before every call the file's length and time of change are compared with those at the opening; a file that was cut or
//!   written to is `CorruptFile` from then on, and nothing of it is read.
//! - A shared lock is held where the system has locks; programs that lock before they write are kept out.
//! - Values that change while a call runs give wrong answers or `Internal`, never memory of others: all that is read from
//!   them is compared with the bounds of its array before it is used.
//! - A file that is *cut* while a call runs ends the process (SIGBUS): the pages are gone, and there is nothing to answer with.
//!   Files that others may cut are to be loaded without mapping.

use crate::{corrupt, failed};
use hnsw_core::{Result, Shelf};
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

/// A file mapped privately and read-only.
pub(crate) struct Mapped {
    map: Mmap,
    file: File,
    len: u64,
    changed: Option<SystemTime>,
}

impl Mapped {
    /// Maps `file`, of `len` bytes. Errors: `File`, also on machines of another byte order than the format's.
    pub fn of(file: File, len: u64, path: &Path) -> Result<Mapped> {
        if cfg!(target_endian = "big") {
            return Err(failed(path, "a big-endian machine cannot map it; load it without mapping"));
        }
        // Programs that do not lock are not kept out; neither is anyone where there are no locks.
        let _ = file.try_lock_shared();
        let size =
            usize::try_from(len).map_err(|_| failed(path, "is larger than this machine's memory can address"))?;
        // SAFETY: the mapping is private and only read. That others may change the file under it is what this module's
        // comment is about; no value read from it is a pointer, or used as an index before it was compared.
        let map = unsafe { MmapOptions::new().len(size).map_copy_read_only(&file) };
        let map = map.map_err(|error| failed(path, error))?;
        let changed = file.metadata().and_then(|now| now.modified()).ok();
        Ok(Mapped { map, file, len, changed })
    }
}

// SAFETY: a mapping keeps its address and length until it is dropped; its pages stay readable as long as the file is not
// cut, see above.
unsafe impl Shelf for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn unchanged(&self) -> Result<()> {
        let now =
            self.file.metadata().map_err(|error| corrupt(format!("the mapped file cannot be looked at: {error}")))?;
        if now.len() != self.len {
            return Err(corrupt(format!("the mapped file has {} bytes, it had {}", now.len(), self.len)));
        }
        if now.modified().ok() != self.changed {
            return Err(corrupt("the mapped file was written to after it had been opened"));
        }
        Ok(())
    }
}
