//! The only place that starts threads.
//!
//! Each call gets its own scoped threads: a long build never delays a query that arrives meanwhile
//! (the operating system shares the cores between them), and nothing outlives its call. Results never
//! depend on which worker does what: callers hand out fixed blocks and write to disjoint places or
//! into order-independent sets.

use crate::control::Control;
use crate::error::Result;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of cores this process may use.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// Runs `work(worker)` on `threads` workers, the caller being worker 0.
pub fn workers(threads: usize, work: impl Fn(usize) + Sync) {
    #[cfg(feature = "threads")]
    if threads > 1 {
        std::thread::scope(|scope| {
            let work = &work;
            for worker in 1..threads {
                // A thread that cannot be started only costs speed: the others take its blocks.
                let _ = std::thread::Builder::new().spawn_scoped(scope, move || work(worker));
            }
            work(0);
        });
        return;
    }
    let _ = threads;
    work(0);
}

/// Splits `0..n` into blocks of `block` and hands them to the workers as they get free.
/// `body` returns false to stop early.
pub fn blocks<S>(
    threads: usize,
    n: usize,
    block: usize,
    scratch: impl Fn() -> S + Sync,
    body: impl Fn(&mut S, Range<usize>) -> bool + Sync,
) {
    let block = block.max(1);
    let count = n.div_ceil(block);
    let next = AtomicUsize::new(0);
    workers(threads.min(count).max(1), |_| {
        let mut state = scratch();
        loop {
            let b = next.fetch_add(1, Ordering::Relaxed);
            if b >= count {
                break;
            }
            if !body(&mut state, b * block..((b + 1) * block).min(n)) {
                next.store(count, Ordering::Relaxed);
                break;
            }
        }
    });
}

/// Hands out disjoint mutable chunks of `items` (of `chunk` elements) to the workers as they get free.
pub fn chunks_mut<T: Send, S>(
    threads: usize,
    items: &mut [T],
    chunk: usize,
    scratch: impl Fn() -> S + Sync,
    body: impl Fn(&mut S, usize, &mut [T]) -> bool + Sync,
) {
    let chunk = chunk.max(1);
    let count = items.len().div_ceil(chunk);
    let queue = std::sync::Mutex::new(items.chunks_mut(chunk).enumerate());
    workers(threads.min(count).max(1), |_| {
        let mut state = scratch();
        loop {
            let item = queue.lock().unwrap_or_else(|e| e.into_inner()).next();
            let Some((index, slice)) = item else { break };
            if !body(&mut state, index * chunk, slice) {
                // Later chunks are handed out but dropped.
                while queue.lock().unwrap_or_else(|e| e.into_inner()).next().is_some() {}
                break;
            }
        }
    });
}

/// Rows gathered at a time.
const GATHERED: usize = 1024;

/// Copies what `row` gives for each of `ids` to the beginning of a place of `stride` elements of its own.
pub(crate) fn gather<'a, T: Copy + Send + 'a>(
    threads: usize,
    out: &mut [T],
    stride: usize,
    ids: &[u32],
    row: impl Fn(u32) -> &'a [T] + Sync,
) {
    debug_assert_eq!(out.len(), ids.len() * stride);
    chunks_mut(
        threads,
        out,
        GATHERED * stride,
        || (),
        |(), start, part| {
            for (place, &id) in part.chunks_exact_mut(stride).zip(&ids[start / stride..]) {
                let row = row(id);
                place[..row.len()].copy_from_slice(row);
            }
            true
        },
    );
}

/// The error of the first block of `0..n` that has one, whatever worker found it.
pub(crate) fn check<E: Send>(
    threads: usize,
    n: usize,
    block: usize,
    body: impl Fn(Range<usize>) -> std::result::Result<(), E> + Sync,
) -> std::result::Result<(), E> {
    let first = std::sync::Mutex::new(None);
    // Blocks are handed out in order: those before one that fails have been begun, and end.
    blocks(
        threads,
        n,
        block,
        || (),
        |(), range| {
            let start = range.start;
            let Err(error) = body(range) else { return true };
            let mut first = first.lock().unwrap_or_else(|e| e.into_inner());
            if first.as_ref().is_none_or(|&(at, _)| start < at) {
                *first = Some((start, error));
            }
            false
        },
    );
    first.into_inner().unwrap_or_else(|e| e.into_inner()).map_or(Ok(()), |(_, error)| Err(error))
}

/// Items of each worker's piece in [`map`].
const PIECE: usize = 16;

/// `body` of `0..n`, results in order; `Err(Cancelled)` where the caller stopped it.
pub(crate) fn map<T: Send + Clone + Default, S>(
    threads: usize,
    n: usize,
    scratch: impl Fn() -> S + Sync,
    body: impl Fn(&mut S, usize) -> T + Sync,
    control: Control<'_>,
) -> Result<Vec<T>> {
    let mut out = vec![T::default(); n];
    chunks_mut(threads, &mut out, PIECE, scratch, |state, start, part| {
        part.iter_mut().enumerate().for_each(|(i, slot)| *slot = body(state, start + i));
        !control.is_cancelled()
    });
    control.check().map(|()| out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_done_once() {
        for threads in [1, 2, 5] {
            let mut seen = vec![0u32; 1003];
            chunks_mut(
                threads,
                &mut seen,
                10,
                || (),
                |_, start, part| {
                    for (offset, item) in part.iter_mut().enumerate() {
                        *item += (start + offset) as u32 + 1;
                    }
                    true
                },
            );
            assert!(seen.iter().enumerate().all(|(i, &v)| v == i as u32 + 1));
        }
    }

    #[test]
    fn the_first_error_is_told_whoever_finds_it() {
        for threads in [1, 2, 5] {
            let wrong =
                |range: Range<usize>| range.into_iter().find(|i| [310, 77, 900].contains(i)).map_or(Ok(()), Err);
            assert_eq!(check(threads, 1000, 10, wrong), Err(77));
            assert_eq!(check(threads, 70, 10, wrong), Ok(()));
        }
    }

    #[test]
    fn a_false_stops_the_rest() {
        let count = AtomicUsize::new(0);
        blocks(1, 100, 1, || (), |_, _| count.fetch_add(1, Ordering::Relaxed) < 4);
        assert_eq!(count.into_inner(), 5);
    }
}
