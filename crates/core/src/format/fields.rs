//! Numbers and strings inside a section, one behind the other.

use super::container::{corrupt, words};
use crate::error::Result;

/// Writes fields.
#[derive(Default)]
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn u64(&mut self, value: u64) -> &mut Writer {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn size(&mut self, value: usize) -> &mut Writer {
        self.u64(value as u64)
    }

    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.size(text.len());
        self.0.extend(text.as_bytes());
        self
    }

    /// A number that may be missing.
    pub fn number(&mut self, value: Option<f64>) -> &mut Writer {
        self.u64(u64::from(value.is_some())).u64(value.unwrap_or(0.0).to_bits())
    }

    /// Values that may be missing.
    pub fn values(&mut self, values: Option<&[f32]>) -> &mut Writer {
        self.u64(u64::from(values.is_some())).size(values.map_or(0, <[f32]>::len));
        values.iter().copied().flatten().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }
}

/// Reads fields; whatever is cut short or out of range is `CorruptFile`.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(|| corrupt("a section is cut short"))?;
        self.0 = rest;
        Ok(head)
    }

    pub fn u64(&mut self) -> Result<u64> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    pub fn size(&mut self) -> Result<usize> {
        usize::try_from(self.u64()?).map_err(|_| corrupt("a size beyond all memory"))
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let len = self.size()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| corrupt("a text is not UTF-8"))
    }

    pub fn number(&mut self) -> Result<Option<f64>> {
        let (there, bits) = (self.u64()?, self.u64()?);
        Ok((there == 1).then_some(f64::from_bits(bits)))
    }

    pub fn values(&mut self) -> Result<Option<Vec<f32>>> {
        let (there, len) = (self.u64()?, self.size()?);
        let bytes = self.take(len.checked_mul(4).ok_or_else(|| corrupt("too many values"))?)?;
        Ok(if there == 1 { Some(words(bytes, f32::from_le_bytes)?) } else { None })
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(corrupt("a section is too long")) }
    }
}
