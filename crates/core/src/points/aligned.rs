//! A growable buffer of plain numbers at 64-byte addresses, zero-filled.
//!
//! One of the crate's few places with `unsafe`. Invariant: `ptr` lies at a 64-byte address inside the block
//! that `block` owns, with `capacity` elements of `T` behind it, all initialised (the memory is zeroed when it
//! is taken, and `T` is a plain number for which zero bytes are a value).
//!
//! The block itself asks for no more than the allocator's own alignment: only then do allocators hand out
//! fresh zero pages without writing to them, and a large buffer costs nothing until it is filled. Large buffers ask
//! for huge pages before they are touched: filling them takes a page fault in 512, and random reads find their
//! addresses in the translation cache.

use crate::error::{Error, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Bytes of a cache line, and of the widest vector register.
pub const ALIGN: usize = 64;
/// What every allocator gives anyway.
const BLOCK_ALIGN: usize = 16;

/// Numbers whose all-zero bytes are a valid value and that need no drop.
pub trait Plain: Copy + Send + Sync + 'static {}
impl Plain for f32 {}
impl Plain for u8 {}
impl Plain for u32 {}

/// A zero-filled, 64-byte aligned buffer of `len` numbers.
pub struct Aligned<T: Plain> {
    block: NonNull<u8>,
    ptr: NonNull<T>,
    len: usize,
    capacity: usize,
}

// SAFETY: the buffer owns its memory exclusively and `T` is Send + Sync.
unsafe impl<T: Plain> Send for Aligned<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Plain> Sync for Aligned<T> {}

impl<T: Plain> Aligned<T> {
    /// `len` zeros, or `OutOfMemory`.
    pub fn zeroed(len: usize) -> Result<Self> {
        let (block, ptr) = allocate(len)?;
        Ok(Aligned { block, ptr, len, capacity: len })
    }

    /// Grows (with zeros) or shrinks to `len`. Growing past the capacity copies; on failure nothing changes.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        if len > self.capacity {
            let capacity = len.max(self.capacity + self.capacity / 2);
            let mut grown = Aligned::zeroed(capacity)?;
            grown.len = len;
            grown.as_mut_slice()[..self.len].copy_from_slice(self.as_slice());
            *self = grown;
            return Ok(());
        }
        let before = self.len;
        self.len = len;
        if len > before {
            // Elements behind a former shrink may hold old values.
            let zero = zero_of::<T>();
            self.as_mut_slice()[before..].fill(zero);
        }
        Ok(())
    }

    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `len <= capacity` initialised elements are owned by `self` (type invariant).
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> usize {
        self.capacity * size_of::<T>()
    }
}

fn zero_of<T: Plain>() -> T {
    // SAFETY: `Plain` promises that all-zero bytes are a value of `T`.
    unsafe { std::mem::zeroed() }
}

fn layout<T>(capacity: usize) -> Option<Layout> {
    let bytes = capacity.checked_mul(size_of::<T>())?.checked_add(ALIGN)?;
    Layout::from_size_align(bytes, BLOCK_ALIGN).ok()
}

fn allocate<T: Plain>(capacity: usize) -> Result<(NonNull<u8>, NonNull<T>)> {
    let failed = Error::OutOfMemory { bytes: capacity.saturating_mul(size_of::<T>()) };
    let layout = layout::<T>(capacity).ok_or(failed.clone())?;
    // SAFETY: the layout has a non-zero size.
    let raw = unsafe { alloc_zeroed(layout) };
    let block = NonNull::new(raw).ok_or(failed)?;
    advise_huge(block, layout.size());
    // SAFETY: the next multiple of ALIGN is less than ALIGN bytes ahead, and the block has ALIGN bytes to spare.
    let ptr = unsafe { block.add(block.align_offset(ALIGN)) };
    Ok((block, ptr.cast()))
}

/// Asks for huge pages for the whole pages of a block. A hint: where it is refused nothing changes.
#[cfg(target_os = "linux")]
fn advise_huge(block: NonNull<u8>, bytes: usize) {
    /// Less than two huge pages stays on ordinary ones.
    const HUGE: usize = 4 << 20;
    /// Whole pages whatever their size.
    const PAGE: usize = 64 << 10;
    if bytes < HUGE {
        return;
    }
    let ahead = block.align_offset(PAGE);
    // SAFETY: the pages lie inside the block (`ahead < PAGE`, `bytes >= HUGE > PAGE`, the end is rounded down), and this
    // advice changes neither their contents nor what may be done with them.
    unsafe {
        libc::madvise(block.as_ptr().add(ahead).cast(), (bytes - ahead) / PAGE * PAGE, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_block: NonNull<u8>, _bytes: usize) {}

impl<T: Plain> Drop for Aligned<T> {
    fn drop(&mut self) {
        if let Some(layout) = layout::<T>(self.capacity) {
            // SAFETY: `block` came from `alloc_zeroed` with this very layout.
            unsafe { dealloc(self.block.as_ptr(), layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_zeros_and_keeps_values() {
        let mut buffer = Aligned::<f32>::zeroed(3).unwrap();
        buffer.as_mut_slice().copy_from_slice(&[1.0, 2.0, 3.0]);
        buffer.resize(100).unwrap();
        assert_eq!(&buffer.as_slice()[..4], &[1.0, 2.0, 3.0, 0.0]);
        buffer.resize(1).unwrap();
        buffer.resize(3).unwrap();
        assert_eq!(buffer.as_slice(), &[1.0, 0.0, 0.0]);
        assert_eq!(buffer.as_slice().as_ptr() as usize % ALIGN, 0);
    }

    #[test]
    fn large_buffers_are_zeros_at_aligned_addresses_too() {
        let mut buffer = Aligned::<u32>::zeroed(3 << 20).unwrap();
        assert!(buffer.as_slice().iter().all(|&v| v == 0));
        buffer.as_mut_slice()[(3 << 20) - 1] = 7;
        buffer.resize(5 << 20).unwrap();
        assert_eq!((buffer.as_slice()[(3 << 20) - 1], buffer.as_slice()[(5 << 20) - 1]), (7, 0));
        assert_eq!(buffer.as_slice().as_ptr() as usize % ALIGN, 0);
    }

    #[test]
    fn refuses_what_cannot_be_had() {
        assert!(matches!(Aligned::<f32>::zeroed(usize::MAX / 2), Err(Error::OutOfMemory { .. })));
    }
}
