//! Containers being written, in one pass over the data.

use super::Kind;
use super::table::{ALIGN, Entry, body_behind, front};
use crate::control::Control;
use crate::error::{Error, Result};

/// Bytes converted at a time.
const CHUNK: usize = 1 << 16;

/// Where a container goes: bytes from the front to the back, and then the front itself.
pub trait Sink {
    /// More bytes at the end.
    fn put(&mut self, bytes: &[u8]) -> Result<()>;
    /// Takes the place of as many bytes at the beginning, which were zeros until then.
    fn put_front(&mut self, bytes: &[u8]) -> Result<()>;
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.try_reserve(bytes.len()).map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn put_front(&mut self, bytes: &[u8]) -> Result<()> {
        self[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

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
    pub fn len(&self) -> usize {
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

    pub fn checksum(&self) -> Result<u32> {
        let mut checksum = crc32fast::Hasher::new();
        self.each(|bytes| {
            checksum.update(bytes);
            Ok(())
        })?;
        Ok(checksum.finalize())
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

/// Bytes of the container of `sections`.
pub(crate) fn length(sections: &[Section<'_>]) -> usize {
    let included = sections.iter().filter(|section| section.included);
    included.fold(body_behind(sections.len()), |end, section| end + section.data.len().next_multiple_of(ALIGN))
}

/// Writes the container of `sections`, which is [`length`] bytes long.
///
/// Errors: those of the sink, `Cancelled`.
pub(crate) fn write(sections: &[Section<'_>], sink: &mut dyn Sink, control: Control<'_>) -> Result<()> {
    let (body, total) = (body_behind(sections.len()), length(sections));
    let phase = control.phase("writing", total as u64);
    let zeros = [0; ALIGN];
    (0..body / ALIGN).try_for_each(|_| sink.put(&zeros))?;
    let (mut at, mut digest, mut entries) = (body, blake3::Hasher::new(), Vec::with_capacity(sections.len()));
    for Section { kind, data, included } in sections {
        let mut checksum = crc32fast::Hasher::new();
        data.each(|bytes| {
            checksum.update(bytes);
            if *included {
                digest.update(bytes);
                sink.put(bytes)?;
                phase.advance(bytes.len() as u64);
            }
            control.check()
        })?;
        let offset = if *included { at } else { 0 };
        entries.push(Entry { kind: *kind as u32, checksum: checksum.finalize(), offset, len: data.len() });
        if *included {
            let padding = &zeros[..(at + data.len()).next_multiple_of(ALIGN) - (at + data.len())];
            digest.update(padding);
            sink.put(padding)?;
            at += data.len() + padding.len();
        }
    }
    sink.put_front(&front(&entries, total, digest))
}
