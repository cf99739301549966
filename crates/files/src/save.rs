//! An index into a file: written beside its place, made durable, then put there in one step. Whoever opens the path sees the
//! old file or the new one, also when the machine stops in between; a mapping of the old file keeps the old file.

use crate::failed;
use hnsw_core::{Control, Index, Result, Sink};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes handed to the system at a time.
const BUFFER: usize = 1 << 20;
/// Names of temporary files that may be taken, left by processes that were killed.
const TRIES: usize = 100;

/// Writes the index with its rows and what has been made of them to `path`, which may be there already; a symbolic link is
/// followed. Returns the file's length. O(bytes).
///
/// Errors: `File`, `Cancelled`, `CorruptFile` of an index that lies in a damaged file; the path is as it was then.
pub fn save(index: &Index, path: &Path, control: Control<'_>) -> Result<u64> {
    let place = place_of(path)?;
    let (temporary, file) = Temporary::beside(&place).map_err(|error| failed(path, error))?;
    let mut out = Out { path, file: BufWriter::with_capacity(BUFFER, file), len: 0 };
    index.write_to(&mut out, control)?;
    control.check()?;
    let len = out.len;
    let file = out.file.into_inner().map_err(|error| failed(path, error.error()))?;
    file.sync_all().map_err(|error| failed(path, error))?;
    drop(file);
    temporary.put_at(&place).map_err(|error| failed(path, error))?;
    Ok(len)
}

/// Where the file is to be: behind links, and nothing but a regular file may be there now.
fn place_of(path: &Path) -> Result<PathBuf> {
    let place = match fs::canonicalize(path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path.to_path_buf()),
        Err(error) => return Err(failed(path, error)),
    };
    let kind = fs::metadata(&place).map_err(|error| failed(path, error))?;
    if kind.is_file() { Ok(place) } else { Err(failed(path, "is no regular file")) }
}

struct Out<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    len: u64,
}

impl Sink for Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| failed(self.path, error))
    }

    fn put_front(&mut self, bytes: &[u8]) -> Result<()> {
        let to_front = self.file.seek(SeekFrom::Start(0));
        to_front.and_then(|_| self.file.write_all(bytes)).map_err(|error| failed(self.path, error))
    }
}

/// A file that is removed unless it is put in its place.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn beside(place: &Path) -> io::Result<(Temporary, File)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = place.file_name().ok_or_else(|| io::Error::other("names no file"))?;
        for _ in 0..TRIES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut own = std::ffi::OsString::from(".");
            own.push(name);
            own.push(format!(".{}-{number}.tmp", std::process::id()));
            let path = place.with_file_name(own);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let temporary = Temporary(Some(path));
                    // The new file may be read and written by whom the old one could be.
                    if let Ok(old) = fs::metadata(place) {
                        file.set_permissions(old.permissions())?;
                    }
                    return Ok((temporary, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no name is free for a temporary file beside it"))
    }

    fn put_at(mut self, place: &Path) -> io::Result<()> {
        if let Some(path) = &self.0 {
            fs::rename(path, place)?;
            self.0 = None;
        }
        sync_directory(place)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes the new name durable; only systems of the Unix kind have a way to ask for it.
#[cfg(unix)]
fn sync_directory(place: &Path) -> io::Result<()> {
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(parent).and_then(|directory| directory.sync_all()) {
        // Some file systems do not know it for directories.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_directory(_place: &Path) -> io::Result<()> {
    Ok(())
}
