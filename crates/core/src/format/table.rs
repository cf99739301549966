//! The header and the table of sections. docs/file-format.md specifies both.
//!
//! ```text
//!             version 1          version 2
//!   0         magic              magic             "HNSWBRDG"
//!   8         version            version           u32
//!   12        sections           sections          u32
//!   16        length             length            u64, of the whole
//!   24        checksum           checksum          u32, CRC-32 of the header without itself and the zeros, and of the table
//!   28        zeros              zeros             u32
//!   32        table              digest            32 bytes, BLAKE3 of the sections, then of bytes 0..24, then of the table
//!   64                           table             sections x { kind u32, checksum u32, offset u64, length u64, zeros u64 }
//! ```
//!
//! All numbers are little-endian. Sections lie behind the table in its order, each at a multiple of 64 with zeros before it. A
//! section at offset 0 was left out: its length and checksum still say what it was. Every byte is covered by a checksum or
//! must be zero, so that no change goes unnoticed.

use super::Kind;
use super::container::corrupt;
use crate::error::{Error, Result};
use std::ops::Range;

const MAGIC: &[u8; 8] = b"HNSWBRDG";
/// The version that is written; all versions from 1 on are read.
pub(crate) const VERSION: u32 = 2;
/// Bytes in front of the table.
const HEADER: usize = 64;
const HEADER_1: usize = 32;
const ENTRY: usize = 32;
pub(crate) const ALIGN: usize = 64;
/// More sections than any version has.
const MAX_SECTIONS: usize = 1024;
/// Bytes of the digest of the whole.
pub(crate) const DIGEST: usize = 32;
/// What every version begins with, up to the length of the whole.
pub(crate) const BEGINNING: usize = 24;

/// A section as the table describes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub kind: u32,
    pub checksum: u32,
    /// 0 where it was left out.
    pub offset: usize,
    pub len: usize,
}

impl Entry {
    fn of(bytes: &[u8]) -> Result<Entry> {
        let size = |at| usize::try_from(u64_at(bytes, at)).map_err(|_| corrupt("a section beyond all memory"));
        if u64_at(bytes, 24) != 0 {
            return Err(corrupt("the table holds what this version does not know"));
        }
        Ok(Entry { kind: u32_at(bytes, 0), checksum: u32_at(bytes, 4), offset: size(8)?, len: size(16)? })
    }

    /// Its bytes; none where it was left out.
    pub fn place(&self) -> Range<usize> {
        if self.offset == 0 { 0..0 } else { self.offset..self.offset + self.len }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        Kind::ALL
            .into_iter()
            .find(|&kind| kind as u32 == self.kind)
            .map_or_else(|| format!("section {}", self.kind), |kind| format!("section {} ({})", self.kind, kind.name()))
    }
}

/// A header that has been checked, and the table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub version: u32,
    /// Of the whole.
    pub len: usize,
    /// First byte behind the table.
    pub end: usize,
    pub entries: Vec<Entry>,
    /// What version 2 says of the whole.
    pub digest: Option<[u8; DIGEST]>,
}

impl Table {
    /// The table at the front of a container of `len` bytes, of which `bytes` may be the beginning only.
    /// O(sections).
    ///
    /// Errors: `CorruptFile`, `UnsupportedVersion`.
    pub fn read(bytes: &[u8], len: usize) -> Result<Table> {
        let (version, count) = beginning(bytes, len)?;
        let header = header_of(version);
        let end = header + ENTRY * count;
        let front = bytes.get(..end).ok_or_else(|| corrupt(format!("{len} bytes are too few for {count} sections")))?;
        if checksum(front, header) != u32_at(front, 24) || u32_at(front, 28) != 0 {
            return Err(corrupt("the header's checksum is wrong"));
        }
        let entries: Vec<Entry> = front[header..].chunks_exact(ENTRY).map(Entry::of).collect::<Result<_>>()?;
        let digest = (version > 1).then(|| front[32..32 + DIGEST].try_into().expect("as many bytes"));
        let table = Table { version, len, end, entries, digest };
        table.check_places()?;
        Ok(table)
    }

    /// Sections lie one behind the other, up to the end of the whole, each kind once.
    fn check_places(&self) -> Result<()> {
        let mut end = self.end;
        for (i, entry) in self.entries.iter().enumerate() {
            if self.entries[..i].iter().any(|other| other.kind == entry.kind) {
                return Err(corrupt(format!("{} twice", entry.name())));
            }
            if entry.offset == 0 {
                continue;
            }
            let start = end.next_multiple_of(ALIGN);
            if entry.offset != start || start > self.len || entry.len > self.len - start {
                let (name, Entry { offset, len, .. }) = (entry.name(), entry);
                return Err(corrupt(format!("{name} of {len} bytes lies at {offset}, not at {start} of {}", self.len)));
            }
            end = start + entry.len;
        }
        if end.checked_next_multiple_of(ALIGN) != Some(self.len) {
            return Err(corrupt(format!("{} bytes, but the last section ends at {end}", self.len)));
        }
        Ok(())
    }

    /// The zeros behind what ends at `end`.
    pub fn padding(end: usize) -> Range<usize> {
        end..end.next_multiple_of(ALIGN)
    }

    /// Where the digest begins: at the first section.
    pub fn body(&self) -> usize {
        self.end.next_multiple_of(ALIGN)
    }
}

/// Whether a file of `len` bytes that begins with these may be an index: before memory is taken for it. O(1).
///
/// Errors: `CorruptFile`, `UnsupportedVersion`.
pub fn check_beginning(bytes: &[u8], len: usize) -> Result<()> {
    beginning(bytes, len).map(|_| ())
}

/// Version and number of sections.
fn beginning(bytes: &[u8], len: usize) -> Result<(u32, usize)> {
    if bytes.len() < HEADER_1 || &bytes[..8] != MAGIC {
        return Err(corrupt("it does not begin as an index does"));
    }
    let version = u32_at(bytes, 8);
    if version == 0 || version > VERSION {
        return Err(Error::UnsupportedVersion { seen: version, allowed: format!("1..={VERSION}") });
    }
    let (count, written) = (u32_at(bytes, 12) as usize, u64_at(bytes, 16));
    if written != len as u64 {
        return Err(corrupt(format!("{len} bytes, but {written} were written")));
    }
    if count > MAX_SECTIONS {
        return Err(corrupt(format!("{count} sections, allowed: at most {MAX_SECTIONS}")));
    }
    Ok((version, count))
}

fn header_of(version: u32) -> usize {
    if version == 1 { HEADER_1 } else { HEADER }
}

/// Of a header and its table, but for the checksum itself and the zeros behind it.
fn checksum(front: &[u8], header: usize) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    [&front[..24], &front[32..header], &front[header..]].iter().for_each(|part| checksum.update(part));
    checksum.finalize()
}

/// Where sections begin behind a table of `count` in the version that is written.
pub(crate) fn body_behind(count: usize) -> usize {
    (HEADER + ENTRY * count).next_multiple_of(ALIGN)
}

/// Header and table of the version that is written, with the zeros behind them. `digest` has seen the sections.
pub(crate) fn front(entries: &[Entry], len: usize, mut digest: blake3::Hasher) -> Vec<u8> {
    let mut out = vec![0; body_behind(entries.len())];
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&(entries.len() as u32).to_le_bytes());
    out[16..24].copy_from_slice(&(len as u64).to_le_bytes());
    for (slot, entry) in out[HEADER..].chunks_exact_mut(ENTRY).zip(entries) {
        slot[..4].copy_from_slice(&entry.kind.to_le_bytes());
        slot[4..8].copy_from_slice(&entry.checksum.to_le_bytes());
        slot[8..16].copy_from_slice(&(entry.offset as u64).to_le_bytes());
        slot[16..24].copy_from_slice(&(entry.len as u64).to_le_bytes());
    }
    let end = HEADER + ENTRY * entries.len();
    digest.update(&out[..BEGINNING]).update(&out[HEADER..end]);
    out[32..32 + DIGEST].copy_from_slice(digest.finalize().as_bytes());
    let checksum = checksum(&out[..end], HEADER);
    out[24..28].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// The digest of a container of version 2, whose `body` the hasher has seen.
pub(crate) fn digest_of(bytes: &[u8], table: &Table, mut digest: blake3::Hasher) -> [u8; DIGEST] {
    digest.update(&bytes[..BEGINNING]).update(&bytes[HEADER..table.end]);
    *digest.finalize().as_bytes()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
