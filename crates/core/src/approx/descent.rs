//! Rounds over a table: what is near a row's neighbours is offered to the row.
//!
//! A round gathers, per row, the rows that are its neighbours or have it as a neighbour, new ones and
//! known ones, at most `cap` of each, drawn by a seeded priority. All pairs of two new ones and of a new
//! and a known one are computed and offered to both ends.

use super::local::Local;
use super::table::{Entry, Table};
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::knn::EMPTY;
use crate::options::Options;
use crate::parallel;
use crate::random::draw;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Offers are found against one state of the table for so many rows, or a sixteenth of all, then merged.
const BLOCK: usize = 4096;
/// Parts of the table that offers are sorted into, each merged by one thread.
const PARTS: usize = 64;
/// Candidates of a kind per row (measured: more cost more than they find).
const CAP: usize = 24;

/// Row `to` may want row `id`.
struct Offer {
    to: u32,
    id: u32,
    proxy: f32,
}

/// Rounds over one table.
pub(super) struct Descent<'a, L: Local> {
    local: &'a L,
    table: &'a mut Table,
    threads: usize,
    seed: u64,
    cap: usize,
}

impl<'a, L: Local> Descent<'a, L> {
    pub fn new(local: &'a L, table: &'a mut Table, options: &Options, attempt: u64) -> Self {
        let cap = (CAP << attempt).min(options.max_candidates.max(2));
        Descent { local, table, threads: options.threads, seed: draw(options.seed, 0x6465_7363, attempt), cap }
    }

    pub fn table(&self) -> &Table {
        self.table
    }

    /// One round; returns the number of cells that changed.
    pub fn round(&mut self, round: u64, phase: &Phase<'_>, control: Control<'_>) -> Result<usize> {
        let n = self.table.rows();
        let seed = draw(self.seed, round, 0);
        let new = Candidates::gather(self.table, true, self.cap, seed, self.threads, control)?;
        let old = Candidates::gather(self.table, false, self.cap, seed, self.threads, control)?;
        self.mark_compared(&new);
        control.check()?;
        let mut changes = 0;
        let block = BLOCK.max(n.div_ceil(16));
        for start in (0..n).step_by(block) {
            let rows = start..(start + block).min(n);
            let offers = self.offers(&new, &old, rows.clone(), control);
            control.check()?;
            changes += self.merge(&offers, control);
            phase.advance(rows.len() as u64);
        }
        control.check().map(|()| changes)
    }

    /// A row's own new neighbours count as known once they are among its candidates.
    fn mark_compared(&mut self, new: &Candidates) {
        parallel::chunks_mut(
            self.threads,
            &mut self.table.entries(),
            1024,
            || (),
            |(), start, part| {
                for (offset, entry) in part.iter_mut().enumerate() {
                    entry.mark_compared(new.of(start + offset));
                }
                true
            },
        );
    }

    /// The offers that a block of rows makes, sorted into parts of the table.
    fn offers(
        &self,
        new: &Candidates,
        old: &Candidates,
        rows: Range<usize>,
        control: Control<'_>,
    ) -> Vec<Vec<Vec<Offer>>> {
        let all = Mutex::new(Vec::new());
        let next = AtomicUsize::new(rows.start);
        let part = self.part_len();
        parallel::workers(self.threads, |_| {
            let mut parts: Vec<Vec<Offer>> = (0..PARTS).map(|_| Vec::new()).collect();
            let mut join = Join { ids: Vec::new(), proxies: Vec::new(), scratch: self.local.scratch() };
            loop {
                let start = next.fetch_add(16, Ordering::Relaxed);
                if start >= rows.end || control.is_cancelled() {
                    break;
                }
                for row in start..(start + 16).min(rows.end) {
                    join.row(self.local, self.table, new.of(row), old.of(row), |offer| {
                        parts[offer.to as usize / part].push(offer);
                    });
                }
            }
            all.lock().unwrap_or_else(|e| e.into_inner()).push(parts);
        });
        all.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    fn part_len(&self) -> usize {
        self.table.rows().div_ceil(PARTS)
    }

    fn merge(&mut self, offers: &[Vec<Vec<Offer>>], control: Control<'_>) -> usize {
        let changes = AtomicUsize::new(0);
        let part_len = self.part_len();
        let mut entries: Vec<Entry<'_>> = self.table.entries();
        parallel::chunks_mut(
            self.threads,
            &mut entries,
            part_len,
            || (),
            |(), start, part| {
                let taken = |offer: &&Offer| part[offer.to as usize - start].offer(offer.id, offer.proxy);
                let count = offers.iter().flat_map(|worker| &worker[start / part_len]).filter(taken).count();
                changes.fetch_add(count, Ordering::Relaxed);
                !control.is_cancelled()
            },
        );
        changes.into_inner()
    }
}

/// Buffers of one worker.
struct Join<S> {
    ids: Vec<u32>,
    proxies: Vec<f32>,
    scratch: S,
}

impl<S> Join<S> {
    fn row<L: Local<Scratch = S>>(
        &mut self,
        local: &L,
        table: &Table,
        new: &[u32],
        old: &[u32],
        mut offer: impl FnMut(Offer),
    ) {
        if new.is_empty() {
            return;
        }
        self.ids.clear();
        self.ids.extend_from_slice(new);
        self.ids.extend(old.iter().filter(|id| !new.contains(id)));
        local.proxies(&self.ids, new.len(), &mut self.scratch, &mut self.proxies);
        for (i, (&a, proxies)) in new.iter().zip(self.proxies.chunks(self.ids.len())).enumerate() {
            let worst = table.worst(a);
            for (&b, &proxy) in self.ids[i + 1..].iter().zip(&proxies[i + 1..]) {
                if proxy <= worst {
                    offer(Offer { to: a, id: b, proxy });
                }
                if proxy <= table.worst(b) {
                    offer(Offer { to: b, id: a, proxy });
                }
            }
        }
    }
}

/// Per row, the rows to compare with each other.
struct Candidates {
    starts: Vec<usize>,
    counts: Vec<u32>,
    ids: Vec<u32>,
}

impl Candidates {
    /// Neighbours of a kind and their reverse, at most `cap` a row by lowest priority, no row twice.
    fn gather(
        table: &Table,
        fresh: bool,
        cap: usize,
        seed: u64,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Candidates> {
        let n = table.rows();
        let links = |row: usize| {
            let cells = table.ids(row).iter().zip(table.fresh(row));
            cells.filter(move |&(&id, &new)| id != EMPTY && new == fresh).map(|(&id, _)| id)
        };
        let mut starts = vec![0usize; n + 1];
        each_row(n, control, |row| {
            for id in links(row) {
                starts[row + 1] += 1;
                starts[id as usize + 1] += 1;
            }
        })?;
        (0..n).for_each(|row| starts[row + 1] += starts[row]);
        let mut next = starts.clone();
        let mut ids = vec![0u32; starts[n]];
        let mut put = |row: usize, id: u32| {
            ids[next[row]] = id;
            next[row] += 1;
        };
        each_row(n, control, |row| {
            for id in links(row) {
                put(row, id);
                put(id as usize, row as u32);
            }
        })?;
        let counts = thin(&mut ids, &starts, cap, seed, threads, control);
        control.check().map(|()| Candidates { starts, counts, ids })
    }

    fn of(&self, row: usize) -> &[u32] {
        &self.ids[self.starts[row]..self.starts[row] + self.counts[row] as usize]
    }
}

/// `body` for every row, on this thread, stopped by a cancel.
fn each_row(n: usize, control: Control<'_>, mut body: impl FnMut(usize)) -> Result<()> {
    for start in (0..n).step_by(BLOCK) {
        control.check()?;
        (start..(start + BLOCK).min(n)).for_each(&mut body);
    }
    Ok(())
}

/// Keeps at most `cap` of each row's ids at the front of its range; returns how many.
fn thin(ids: &mut [u32], starts: &[usize], cap: usize, seed: u64, threads: usize, control: Control<'_>) -> Vec<u32> {
    let mut counts = vec![0u32; starts.len() - 1];
    let pieces: Vec<Range<usize>> = starts.windows(2).map(|pair| pair[0]..pair[1]).collect();
    let mut rows: Vec<(&mut [u32], &mut u32)> =
        super::partition::cut(ids, &pieces).into_iter().zip(counts.iter_mut()).collect();
    parallel::chunks_mut(threads, &mut rows, 256, Vec::new, |drawn: &mut Vec<(u64, u32)>, start, part| {
        for (offset, (ids, count)) in part.iter_mut().enumerate() {
            let row = (start + offset) as u64;
            drawn.clear();
            drawn.extend(ids.iter().map(|&id| (draw(seed, row, u64::from(id)), id)));
            // Equal ids have equal draws, so copies end up side by side.
            drawn.sort_unstable();
            drawn.dedup();
            drawn.truncate(cap);
            ids.iter_mut().zip(drawn.iter()).for_each(|(slot, &(_, id))| *slot = id);
            **count = drawn.len() as u32;
        }
        !control.is_cancelled()
    });
    counts
}
