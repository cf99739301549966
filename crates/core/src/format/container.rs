//! The container: a header, a table of sections, the sections.
//!
//! ```text
//!   0    magic      "HNSWBRDG"
//!   8    version    u32
//!   12   sections   u32
//!   16   length     u64, of the whole
//!   24   checksum   u32, CRC-32 of bytes 0..24 and of the table
//!   28   zero       u32
//!   32   table      sections x { kind u32, checksum u32, offset u64, length u64, zero u64 }
//!        ...        zeros up to a multiple of 64
//!        section    at a multiple of 64, zeros behind it
//! ```
//!
//! All numbers are little-endian. A section at offset 0 was left out: its length and checksum still say what
//! it was. Every byte is covered by a checksum or must be zero, so that no change goes unnoticed.

use super::Kind;
use crate::control::Control;
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"HNSWBRDG";
/// The version that is written; all versions from 1 on are read.
pub(crate) const VERSION: u32 = 1;
const HEADER: usize = 32;
const ENTRY: usize = 32;
const ALIGN: usize = 64;
/// More sections than any version has.
const MAX_SECTIONS: usize = 1024;
/// Bytes converted at a time.
const CHUNK: usize = 1 << 16;

/// Numbers of a section to be written.
pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    Own(Vec<u8>),
    F32(&'a [f32]),
    U32(&'a [u32]),
    I32(&'a [i32]),
    /// Written as u64.
    Sizes(&'a [usize]),
}

impl Content<'_> {
    fn len(&self) -> usize {
        match self {
            Content::Bytes(bytes) => bytes.len(),
            Content::Own(bytes) => bytes.len(),
            Content::F32(values) => 4 * values.len(),
            Content::U32(values) => 4 * values.len(),
            Content::I32(values) => 4 * values.len(),
            Content::Sizes(values) => 8 * values.len(),
        }
    }

    /// Hands out the bytes piece by piece.
    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Content::Bytes(bytes) => bytes.chunks(CHUNK).try_for_each(take),
            Content::Own(bytes) => take(bytes),
            Content::F32(values) => converted(values, |value| value.to_le_bytes(), take),
            Content::U32(values) => converted(values, |value| value.to_le_bytes(), take),
            Content::I32(values) => converted(values, |value| value.to_le_bytes(), take),
            Content::Sizes(values) => converted(values, |value| (value as u64).to_le_bytes(), take),
        }
    }
}

fn converted<T: Copy, const N: usize>(
    values: &[T],
    bytes_of: impl Fn(T) -> [u8; N],
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0u8; CHUNK.min(values.len() * N)];
    for part in values.chunks(CHUNK / N) {
        let bytes = &mut buffer[..part.len() * N];
        bytes.chunks_exact_mut(N).zip(part).for_each(|(slot, &value)| slot.copy_from_slice(&bytes_of(value)));
        take(bytes)?;
    }
    Ok(())
}

/// A section to be written, or to be left out with its checksum.
pub(crate) struct Section<'a> {
    pub kind: Kind,
    pub data: Content<'a>,
    pub included: bool,
}

impl<'a> Section<'a> {
    pub fn new(kind: Kind, data: Content<'a>) -> Section<'a> {
        Section { kind, data, included: true }
    }
}

/// The container of `sections`. One pass over the data.
///
/// Errors: `OutOfMemory`, `Cancelled`.
pub(crate) fn write(sections: &[Section<'_>], control: Control<'_>) -> Result<Vec<u8>> {
    let start = (HEADER + ENTRY * sections.len()).next_multiple_of(ALIGN);
    let included = sections.iter().filter(|section| section.included);
    let total = included.fold(start, |end, section| end + section.data.len().next_multiple_of(ALIGN));
    let mut out = Vec::new();
    out.try_reserve_exact(total).map_err(|_| Error::OutOfMemory { bytes: total })?;
    out.resize(start, 0);
    let mut table = Vec::with_capacity(ENTRY * sections.len());
    for section in sections {
        let mut checksum = crc32fast::Hasher::new();
        let offset = if section.included { out.len() } else { 0 };
        section.data.each(|bytes| {
            checksum.update(bytes);
            if section.included {
                out.extend_from_slice(bytes);
            }
            control.check()
        })?;
        out.resize(out.len().next_multiple_of(ALIGN), 0);
        table.extend((section.kind as u32).to_le_bytes());
        table.extend(checksum.finalize().to_le_bytes());
        [offset, section.data.len(), 0].iter().for_each(|&v| table.extend((v as u64).to_le_bytes()));
    }
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&(sections.len() as u32).to_le_bytes());
    out[16..24].copy_from_slice(&(total as u64).to_le_bytes());
    let checksum = checksum_of(&[&out[..24], &table]);
    out[24..28].copy_from_slice(&checksum.to_le_bytes());
    out[HEADER..HEADER + table.len()].copy_from_slice(&table);
    Ok(out)
}

fn checksum_of(parts: &[&[u8]]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    checksum.finalize()
}

/// A section as the table describes it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    kind: u32,
    checksum: u32,
    offset: usize,
    len: usize,
}

/// A container whose bytes have all been checked.
pub(crate) struct Container<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

impl<'a> Container<'a> {
    /// Checks lengths, places, and every checksum. O(bytes).
    ///
    /// Errors: `CorruptFile`, `UnsupportedVersion`, `Cancelled`.
    pub fn open(bytes: &'a [u8], control: Control<'_>) -> Result<Container<'a>> {
        if bytes.len() < HEADER || &bytes[..8] != MAGIC {
            return Err(corrupt("it does not begin as an index does"));
        }
        let version = u32_at(bytes, 8);
        if version == 0 || version > VERSION {
            return Err(Error::UnsupportedVersion { seen: version, allowed: format!("1..={VERSION}") });
        }
        let count = u32_at(bytes, 12) as usize;
        let len = u64_at(bytes, 16);
        if len != bytes.len() as u64 {
            return Err(corrupt(format!("{} bytes, but {len} were written", bytes.len())));
        }
        let table = bytes.get(HEADER..HEADER + ENTRY * count.min(MAX_SECTIONS + 1));
        let table = table.filter(|_| count <= MAX_SECTIONS).ok_or_else(|| corrupt(format!("{count} sections")))?;
        if checksum_of(&[&bytes[..24], table]) != u32_at(bytes, 24) || u32_at(bytes, 28) != 0 {
            return Err(corrupt("the header's checksum is wrong"));
        }
        let container = Container { bytes, entries: table.chunks_exact(ENTRY).map(Entry::of).collect::<Result<_>>()? };
        container.check(HEADER + ENTRY * count, control)?;
        Ok(container)
    }

    /// Sections lie one behind the other with zeros between them, and hold what their checksums say.
    fn check(&self, mut end: usize, control: Control<'_>) -> Result<()> {
        for (i, entry) in self.entries.iter().enumerate() {
            if self.entries[..i].iter().any(|other| other.kind == entry.kind) {
                return Err(corrupt(format!("section {} twice", entry.kind)));
            }
            if entry.offset == 0 {
                continue;
            }
            let start = end.next_multiple_of(ALIGN);
            let place = entry.offset == start && entry.len <= self.bytes.len().saturating_sub(start);
            if !place {
                return Err(corrupt(format!("section {} lies at {}", entry.kind, entry.offset)));
            }
            self.check_zeros(end..start)?;
            end = start + entry.len;
            let mut checksum = crc32fast::Hasher::new();
            for part in self.bytes[start..end].chunks(CHUNK) {
                control.check()?;
                checksum.update(part);
            }
            if checksum.finalize() != entry.checksum {
                return Err(corrupt(format!("the checksum of section {} is wrong", entry.kind)));
            }
        }
        if end.next_multiple_of(ALIGN) != self.bytes.len() {
            return Err(corrupt("bytes behind the last section"));
        }
        self.check_zeros(end..self.bytes.len())
    }

    fn check_zeros(&self, range: std::ops::Range<usize>) -> Result<()> {
        if self.bytes[range].iter().all(|&byte| byte == 0) { Ok(()) } else { Err(corrupt("padding is not zero")) }
    }

    fn entry(&self, kind: Kind) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == kind as u32)
    }

    /// The bytes of a section, `None` where there is none or it was left out.
    pub fn get(&self, kind: Kind) -> Option<&'a [u8]> {
        let entry = self.entry(kind).filter(|entry| entry.offset != 0)?;
        Some(&self.bytes[entry.offset..entry.offset + entry.len])
    }

    /// The bytes of a section that must be there.
    pub fn need(&self, kind: Kind) -> Result<&'a [u8]> {
        self.get(kind).ok_or_else(|| corrupt(format!("section {} is missing", kind as u32)))
    }

    /// Whether this container has, or once had, the very section.
    pub fn describes(&self, section: &Section<'_>) -> Result<bool> {
        let mut checksum = crc32fast::Hasher::new();
        section.data.each(|bytes| {
            checksum.update(bytes);
            Ok(())
        })?;
        let checksum = checksum.finalize();
        let same = |entry: &Entry| entry.len == section.data.len() && entry.checksum == checksum;
        Ok(self.entry(section.kind).is_some_and(same))
    }
}

impl Entry {
    fn of(bytes: &[u8]) -> Result<Entry> {
        let size = |at| usize::try_from(u64_at(bytes, at)).map_err(|_| corrupt("a section beyond all memory"));
        if u64_at(bytes, 24) != 0 {
            return Err(corrupt("the table holds what this version does not know"));
        }
        Ok(Entry { kind: u32_at(bytes, 0), checksum: u32_at(bytes, 4), offset: size(8)?, len: size(16)? })
    }
}

/// Shorthand for bytes that are not what they should be.
pub(crate) fn corrupt(what: impl Into<String>) -> Error {
    Error::CorruptFile { what: what.into() }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
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
