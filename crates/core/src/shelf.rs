//! Bytes of a stored index that stay where they are, so that its parts can be read there: a file in memory, or mapped.
//!
//! What may not enter: how they came there.

use crate::error::Result;
use crate::points::aligned::Aligned;

/// Bytes that several parts of an index share.
///
/// # Safety
///
/// `bytes` gives the same address and length on every call, and what lies there stays readable as long as the value
/// lives. No safe code changes it.
pub unsafe trait Shelf: Send + Sync + 'static {
    /// All of them.
    fn bytes(&self) -> &[u8];

    /// Looked at before every call that may read them. Errors: `CorruptFile` where they are no longer what they were.
    fn unchanged(&self) -> Result<()> {
        Ok(())
    }
}

/// Zeros at a 64-byte address, to be filled; then a [`Shelf`].
pub struct Buffer(Aligned<u8>);

impl Buffer {
    /// `len` zeros, or `OutOfMemory`.
    pub fn zeroed(len: usize) -> Result<Buffer> {
        Aligned::zeroed(len).map(Buffer)
    }

    /// The bytes, to be filled.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }
}

// SAFETY: the memory is the buffer's own, and without `&mut` nothing changes it.
unsafe impl Shelf for Buffer {
    fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}
