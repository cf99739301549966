//! Containers being read: bytes, or what lies on a shelf, of which nothing is believed.
//!
//! Sections are compared with their checksums when the container is opened, or each when it is first asked for.

use super::Kind;
use super::table::{DIGEST, Entry, Table, digest_of};
use super::write::Section;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::parallel;
use crate::points::aligned::{Aligned, Plain};
use crate::shelf::Shelf;
use std::ops::Range;
use std::sync::Arc;

/// Bytes compared at a time.
const CHUNK: usize = 1 << 18;
/// Bytes that a thread compares before it looks whether it is still wanted.
const PIECE: usize = 1 << 22;

/// A container whose header is right.
pub(crate) struct Container<'a> {
    bytes: &'a [u8],
    /// Where the bytes lie, if their parts may be used there.
    shelf: Option<&'a Arc<dyn Shelf>>,
    table: Table,
    /// Sections have been compared with their checksums.
    checked: bool,
    threads: usize,
    control: Control<'a>,
}

impl<'a> Container<'a> {
    /// Checks lengths, places, and every checksum. O(bytes).
    ///
    /// Errors: `CorruptFile`, `UnsupportedVersion`, `Cancelled`.
    pub fn open(bytes: &'a [u8], threads: usize, control: Control<'a>) -> Result<Container<'a>> {
        Container::plain(bytes, control)?.on_threads(threads).checked()
    }

    /// As [`Container::open`], for parts that may stay where they are.
    pub fn on_shelf(shelf: &'a Arc<dyn Shelf>, threads: usize, control: Control<'a>) -> Result<Container<'a>> {
        Container::unchecked(shelf, control)?.on_threads(threads).checked()
    }

    /// As [`Container::on_shelf`], but each section is checked when it is asked for. O(sections).
    pub fn unchecked(shelf: &'a Arc<dyn Shelf>, control: Control<'a>) -> Result<Container<'a>> {
        Ok(Container { shelf: Some(shelf), ..Container::plain(shelf.bytes(), control)? })
    }

    /// Header and table alone. O(sections).
    pub fn plain(bytes: &'a [u8], control: Control<'a>) -> Result<Container<'a>> {
        let table = Table::read(bytes, bytes.len())?;
        Ok(Container { bytes, shelf: None, table, checked: false, threads: 1, control })
    }

    /// Checks with so many threads; one otherwise.
    pub fn on_threads(self, threads: usize) -> Container<'a> {
        Container { threads, ..self }
    }

    /// Threads to check with.
    pub fn threads(&self) -> usize {
        self.threads
    }

    fn checked(self) -> Result<Container<'a>> {
        let phase = self.control.phase("checking", self.bytes.len() as u64);
        self.check_front()?;
        for entry in &self.table.entries {
            self.check_section(entry)?;
            phase.advance(entry.place().len() as u64);
        }
        Ok(Container { checked: true, ..self })
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The zeros behind the table.
    pub fn check_front(&self) -> Result<()> {
        self.check_zeros(Table::padding(self.table.end), "behind the table")
    }

    /// A section holds what its checksum says, with zeros behind it. O(bytes).
    pub fn check_section(&self, entry: &Entry) -> Result<()> {
        if entry.offset == 0 {
            return Ok(());
        }
        if checksum(&self.bytes[entry.place()], self.threads, self.control)? != entry.checksum {
            return Err(corrupt(format!("the checksum of {} is wrong", entry.name())));
        }
        self.check_zeros(Table::padding(entry.place().end), &format!("behind {}", entry.name()))
    }

    fn check_zeros(&self, range: Range<usize>, place: &str) -> Result<()> {
        match self.bytes[range].iter().any(|&byte| byte != 0) {
            true => Err(corrupt(format!("padding {place} is not zero"))),
            false => Ok(()),
        }
    }

    /// Whether the digest is that of the bytes; true where the version has none. O(bytes).
    pub fn digest_fits(&self) -> Result<bool> {
        let Some(written) = self.table.digest else { return Ok(true) };
        let mut digest = blake3::Hasher::new();
        for part in self.bytes[self.table.body()..].chunks(CHUNK) {
            self.control.check()?;
            digest.update(part);
        }
        let seen: [u8; DIGEST] = digest_of(self.bytes, &self.table, digest);
        Ok(seen == written)
    }

    fn entry(&self, kind: Kind) -> Option<&Entry> {
        self.table.entries.iter().find(|entry| entry.kind == kind as u32)
    }

    fn included(&self, kind: Kind) -> Option<&Entry> {
        self.entry(kind).filter(|entry| entry.offset != 0)
    }

    fn needed(&self, kind: Kind) -> Result<&Entry> {
        self.included(kind).ok_or_else(|| corrupt(format!("section {} ({}) is missing", kind as u32, kind.name())))
    }

    /// Whether the section is there. O(1).
    pub fn has(&self, kind: Kind) -> bool {
        self.included(kind).is_some()
    }

    /// Bytes of a section that must be there. O(1).
    pub fn length(&self, kind: Kind) -> Result<usize> {
        self.needed(kind).map(|entry| entry.len)
    }

    /// The bytes of a section, `None` where there is none or it was left out. O(bytes) where it has not been checked.
    pub fn get(&self, kind: Kind) -> Result<Option<&'a [u8]>> {
        let Some(entry) = self.included(kind) else { return Ok(None) };
        if !self.checked {
            self.check_section(entry)?;
        }
        Ok(Some(&self.bytes[entry.place()]))
    }

    /// The bytes of a section that must be there.
    pub fn need(&self, kind: Kind) -> Result<&'a [u8]> {
        self.needed(kind)?;
        Ok(self.get(kind)?.unwrap_or_default())
    }

    /// The bytes of a section that must be there, whatever they are. O(1).
    pub fn raw(&self, kind: Kind) -> Result<&'a [u8]> {
        Ok(&self.bytes[self.needed(kind)?.place()])
    }

    /// Checks a section that must be there, unless that has been done.
    pub fn check(&self, kind: Kind) -> Result<()> {
        self.need(kind).map(|_| ())
    }

    /// The numbers of a section that must be there, where they lie if they may be used there, else copied. They have not
    /// been compared with their checksum unless the container's have been, or [`Container::check`] does it.
    pub fn numbers<T: Stored>(&self, kind: Kind) -> Result<Aligned<T>> {
        let place = self.needed(kind)?.place();
        if let Some(there) = self.shelf.and_then(|shelf| Aligned::shelved(shelf, place.clone())) {
            return Ok(there);
        }
        if !place.len().is_multiple_of(size_of::<T>()) {
            return Err(corrupt(format!("{} bytes, not a multiple of {}", place.len(), size_of::<T>())));
        }
        let mut out = Aligned::zeroed(place.len() / size_of::<T>())?;
        T::copy(&self.bytes[place], out.as_mut_slice());
        Ok(out)
    }

    /// Whether this container has, or once had, the very section.
    pub fn describes(&self, section: &Section<'_>) -> Result<bool> {
        let checksum = section.data.checksum()?;
        let same = |entry: &Entry| entry.len == section.data.len() && entry.checksum == checksum;
        Ok(self.entry(section.kind).is_some_and(same))
    }
}

/// CRC-32 of `bytes`. O(bytes).
fn checksum(bytes: &[u8], threads: usize, control: Control<'_>) -> Result<u32> {
    let mut parts = vec![crc32fast::Hasher::new(); bytes.len().div_ceil(PIECE)];
    parallel::chunks_mut(
        threads,
        &mut parts,
        1,
        || (),
        |(), piece, checksum| {
            let start = piece * PIECE;
            checksum[0].update(&bytes[start..bytes.len().min(start + PIECE)]);
            !control.is_cancelled()
        },
    );
    control.check()?;
    let mut whole = crc32fast::Hasher::new();
    parts.iter().for_each(|part| whole.combine(part));
    Ok(whole.finalize())
}

/// Numbers as sections hold them.
pub(crate) trait Stored: Plain {
    /// From as many little-endian bytes as `out` needs.
    fn copy(bytes: &[u8], out: &mut [Self]);
}

impl Stored for u8 {
    fn copy(bytes: &[u8], out: &mut [u8]) {
        out.copy_from_slice(bytes);
    }
}

impl Stored for u32 {
    fn copy(bytes: &[u8], out: &mut [u32]) {
        let words = bytes.as_chunks::<4>().0;
        out.iter_mut().zip(words).for_each(|(slot, &word)| *slot = u32::from_le_bytes(word));
    }
}

impl Stored for f32 {
    fn copy(bytes: &[u8], out: &mut [f32]) {
        let words = bytes.as_chunks::<4>().0;
        out.iter_mut().zip(words).for_each(|(slot, &word)| *slot = f32::from_le_bytes(word));
    }
}

/// Shorthand for bytes that are not what they should be.
pub(crate) fn corrupt(what: impl Into<String>) -> Error {
    Error::CorruptFile { what: what.into() }
}

/// `values` of four bytes each; `CorruptFile` where bytes are left over.
pub(crate) fn words<T>(bytes: &[u8], of: impl Fn([u8; 4]) -> T) -> Result<Vec<T>> {
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(corrupt(format!("{} bytes, not a multiple of 4", bytes.len())));
    }
    let mut out = Vec::new();
    out.try_reserve_exact(words.len()).map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
    out.extend(words.iter().map(|&word| of(word)));
    Ok(out)
}
