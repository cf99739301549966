//! Indexes from files.

use crate::mapped::Mapped;
use crate::{corrupt, failed};
use hnsw_core::{Buffer, Check, Control, Index, Result, Shelf, Verification, check_beginning};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Bytes read between two looks at the caller's cancel.
const CHUNK: usize = 1 << 22;
/// Bytes that tell whether the rest is worth reading.
const BEGINNING: usize = 32;

/// What is checked, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Each part by the first call that needs it.
    WhenUsed,
    /// All sections, rows, links and neighbours before there is an index.
    Sections,
    /// The same, and the digest of the whole.
    Full,
}

/// How a file is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Use the file where it lies, instead of reading it into memory.
    pub mmap: bool,
    /// What is checked, and when.
    pub verify: Verify,
    /// Threads of each call.
    pub threads: usize,
}

/// The index in a file, with what had been made of its rows. O(bytes), or O(sections) where it is mapped and checked when used.
///
/// Errors: `File`, `CorruptFile`, `UnsupportedVersion`, `OutOfMemory`, `Cancelled`.
pub fn load(path: &Path, how: Load, control: Control<'_>) -> Result<Index> {
    let shelf = shelf_of(path, how.mmap, control)?;
    if how.verify == Verify::Full {
        let found = Verification::of_bytes(shelf.bytes(), control.quiet())?;
        if let Some(problem) = found.problems.first() {
            return Err(corrupt(problem));
        }
    }
    let check = if how.verify == Verify::WhenUsed { Check::WhenUsed } else { Check::Now };
    Index::open(shelf, how.threads, check, control)
}

/// What is wrong with a file, whatever it is. O(bytes).
///
/// Errors: `File`, `OutOfMemory`, `Cancelled`; what is wrong with the bytes is in what is returned.
pub fn verify(path: &Path, control: Control<'_>) -> Result<Verification> {
    let (mut file, len) = open(path)?;
    let mut bytes = Buffer::zeroed(size_of(len, path)?)?;
    fill(&mut file, bytes.as_mut_slice(), path, control)?;
    Verification::of_bytes(bytes.bytes(), control)
}

fn shelf_of(path: &Path, mmap: bool, control: Control<'_>) -> Result<Arc<dyn Shelf>> {
    let (mut file, len) = open(path)?;
    let mut beginning = [0; BEGINNING];
    let beginning = &mut beginning[..BEGINNING.min(len as usize)];
    fill(&mut file, beginning, path, Control::none())?;
    // A file that asks for more memory than it has bytes gets none.
    check_beginning(beginning, size_of(len, path)?)?;
    if mmap {
        return Ok(Arc::new(Mapped::of(file, len, path)?));
    }
    let mut bytes = Buffer::zeroed(size_of(len, path)?)?;
    let (front, rest) = bytes.as_mut_slice().split_at_mut(beginning.len());
    front.copy_from_slice(beginning);
    fill(&mut file, rest, path, control)?;
    Ok(Arc::new(bytes))
}

fn size_of(len: u64, path: &Path) -> Result<usize> {
    usize::try_from(len).map_err(|_| failed(path, format!("{len} bytes are more than this machine can address")))
}

/// A regular file and its length. A pipe is not waited for.
fn open(path: &Path) -> Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path).map_err(|error| failed(path, error))?;
    let found = file.metadata().map_err(|error| failed(path, error))?;
    if found.is_file() { Ok((file, found.len())) } else { Err(failed(path, "is no regular file")) }
}

fn fill(file: &mut File, bytes: &mut [u8], path: &Path, control: Control<'_>) -> Result<()> {
    let phase = control.phase("reading", bytes.len() as u64);
    let whole = bytes.len();
    for (i, part) in bytes.chunks_mut(CHUNK).enumerate() {
        phase.check()?;
        file.read_exact(part).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                corrupt(format!("{whole} bytes, but it ends before {}", i * CHUNK + part.len()))
            }
            _ => failed(path, error),
        })?;
        phase.advance(part.len() as u64);
    }
    Ok(())
}
