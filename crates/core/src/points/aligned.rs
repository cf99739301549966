//! A growable buffer of plain numbers at 64-byte addresses, zero-filled.
//!
//! One of the crate's few places with `unsafe`. Invariant: `ptr` lies at a 64-byte address inside the memory
//! that `owner` keeps, with `capacity` elements of `T` behind it, all initialised (the memory is zeroed when it
//! is taken, and `T` is a plain number for which any bytes are a value). Memory of a block is this buffer's alone;
//! memory on a shelf is only ever read, until [`Aligned::own`] copies it.
//!
//! The block itself asks for no more than the allocator's own alignment: only then do allocators hand out
//! fresh zero pages without writing to them, and a large buffer costs nothing until it is filled. Large buffers ask
//! for huge pages before they are touched: filling them takes a page fault in 512, and random reads find their
//! addresses in the translation cache.

use crate::error::{Error, Result};
use crate::shelf::Shelf;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// Bytes of a cache line, and of the widest vector register.
pub const ALIGN: usize = 64;
/// What every allocator gives anyway.
const BLOCK_ALIGN: usize = 16;

/// Numbers of which any bytes are a valid value and that need no drop.
pub trait Plain: Copy + Send + Sync + 'static {}
impl Plain for f32 {}
impl Plain for u8 {}
impl Plain for u32 {}

/// A zero-filled, 64-byte aligned buffer of `len` numbers, or a part of a [`Shelf`].
pub struct Aligned<T: Plain> {
    owner: Owner,
    ptr: NonNull<T>,
    len: usize,
    capacity: usize,
}

/// Whose memory it is.
enum Owner {
    /// The allocator's; freed with the buffer.
    Block(NonNull<u8>),
    /// Someone else's, which stays as long as it is held.
    Shelf(#[allow(dead_code, reason = "held, not looked at")] Arc<dyn Shelf>),
}

// SAFETY: the buffer owns its memory exclusively or shares memory that is only read; `T` is Send + Sync.
unsafe impl<T: Plain> Send for Aligned<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Plain> Sync for Aligned<T> {}

impl<T: Plain> Aligned<T> {
    /// `len` zeros, or `OutOfMemory`.
    pub fn zeroed(len: usize) -> Result<Self> {
        let (block, ptr) = allocate(len)?;
        Ok(Aligned { owner: Owner::Block(block), ptr, len, capacity: len })
    }

    /// A copy of `values`, or `OutOfMemory`.
    pub fn copied(values: &[T]) -> Result<Self> {
        let mut copy = Aligned::zeroed(values.len())?;
        copy.as_mut_slice().copy_from_slice(values);
        Ok(copy)
    }

    /// The numbers at the bytes `range` of `shelf`, where they are. `None` where they do not lie at a 64-byte address, are
    /// no whole numbers, or are written in another byte order than this machine's.
    pub fn shelved(shelf: &Arc<dyn Shelf>, range: Range<usize>) -> Option<Self> {
        let bytes = shelf.bytes().get(range)?;
        let whole = bytes.len().is_multiple_of(size_of::<T>());
        if cfg!(target_endian = "big") || !whole || !bytes.as_ptr().addr().is_multiple_of(ALIGN) {
            return None;
        }
        let len = bytes.len() / size_of::<T>();
        let ptr = NonNull::from(bytes).cast();
        Some(Aligned { owner: Owner::Shelf(shelf.clone()), ptr, len, capacity: len })
    }

    /// Copies what lies on a shelf into memory of its own: from then on it can be changed. O(1) where it is so already.
    pub fn own(&mut self) -> Result<()> {
        if let Owner::Shelf(_) = self.owner {
            *self = Aligned::copied(self.as_slice())?;
        }
        Ok(())
    }

    /// Grows (with zeros) or shrinks to `len`. Growing past the capacity copies; on failure nothing changes.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        self.own()?;
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

    /// Makes room for `capacity` numbers, and no more: growing up to there copies nothing.
    pub fn reserve_exact(&mut self, capacity: usize) -> Result<()> {
        if capacity > self.capacity {
            let mut grown = Aligned::zeroed(capacity)?;
            grown.len = self.len;
            grown.as_mut_slice().copy_from_slice(self.as_slice());
            *self = grown;
        }
        Ok(())
    }

    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `len <= capacity` initialised elements are kept by `self` (type invariant).
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The numbers, to be changed. Those on a shelf must have been made its own before.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        assert!(matches!(self.owner, Owner::Block(_)), "a change of memory that is shared");
        // SAFETY: as above; the block is `self`'s alone, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// Bytes held.
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
        if let (Owner::Block(block), Some(layout)) = (&self.owner, layout::<T>(self.capacity)) {
            // SAFETY: `block` came from `alloc_zeroed` with this very layout.
            unsafe { dealloc(block.as_ptr(), layout) }
        }
    }
}

/// A copy in memory of its own; ends the process where there is none, as a `Vec` does.
impl<T: Plain> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let layout = layout::<T>(self.len).unwrap_or(Layout::new::<T>());
        Aligned::copied(self.as_slice()).unwrap_or_else(|_| handle_alloc_error(layout))
    }
}

impl<T: Plain + PartialEq> PartialEq for Aligned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shelf::Buffer;

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
    fn what_lies_on_a_shelf_is_read_there_and_copied_before_it_changes() {
        let mut buffer = Buffer::zeroed(256).unwrap();
        buffer.as_mut_slice()[64..68].copy_from_slice(&7u32.to_le_bytes());
        let shelf: Arc<dyn Shelf> = Arc::new(buffer);
        let there = shelf.bytes()[64..].as_ptr();
        let mut words = Aligned::<u32>::shelved(&shelf, 64..128).unwrap();
        assert_eq!((words.as_slice().as_ptr().cast(), &words.as_slice()[..2]), (there, &[7, 0][..]));
        assert_eq!(words.clone(), words);
        words.own().unwrap();
        words.as_mut_slice()[0] = 9;
        words.resize(40).unwrap();
        assert_eq!((words.as_slice()[0], shelf.bytes()[64]), (9, 7));
        for range in [4..64, 64..67, 192..260] {
            assert!(Aligned::<u32>::shelved(&shelf, range).is_none());
        }
    }

    #[test]
    fn refuses_what_cannot_be_had() {
        assert!(matches!(Aligned::<f32>::zeroed(usize::MAX / 2), Err(Error::OutOfMemory { .. })));
    }
}
