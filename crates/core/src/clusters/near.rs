//! The nearest members of the lists that each row wants.
//!
//! Rows are worked in blocks of rows that want much the same lists. A block meets each list once: those of
//! its rows that want the list are gathered and multiplied with it, what passes a row's threshold is kept.
//! Blocks share nothing, so the result does not depend on threads.

use super::lists::Lists;
use super::space::{Cell, Cells, Space};
use crate::control::Phase;
use crate::error::Result;
use crate::exact::selection::Selection;
use crate::exact::tiles::Value;
use crate::knn::EMPTY;
use crate::parallel;
use hnsw_kernels::{Hit, Kernels, TileScan};

/// Rows of a block.
const BLOCK: usize = 256;
/// Rows whose products are computed together: a multiple of what register tiles are high.
const STRIP: usize = 96;

/// The lists that each row wants, nearest first: at most `width` a row, [`EMPTY`] behind them.
pub(crate) struct Wanted {
    width: usize,
    pub lists: Vec<u32>,
    /// All rows, those that want one list most side by side.
    pub order: Vec<u32>,
}

impl Wanted {
    /// The first list, for `n` rows.
    pub fn first(n: usize) -> Wanted {
        Wanted { width: 1, lists: vec![0; n], order: (0..n as u32).collect() }
    }

    fn of(&self, row: u32) -> &[u32] {
        let lists = &self.lists[row as usize * self.width..][..self.width];
        &lists[..lists.partition_point(|&list| list != EMPTY)]
    }

    /// Sorts the rows by the list that they want most, of `count` lists in all.
    fn sort(&mut self, count: usize) {
        let firsts = || self.lists.iter().step_by(self.width);
        let mut next = vec![0usize; count];
        firsts().for_each(|&list| next[list as usize] += 1);
        let mut start = 0;
        next.iter_mut().for_each(|next| start += std::mem::replace(next, start));
        self.order.resize(start, 0);
        for (row, &list) in (0..).zip(firsts()) {
            self.order[next[list as usize]] = row;
            next[list as usize] += 1;
        }
    }
}

/// What is searched, and for which rows.
pub(crate) struct Near<'a, C: Cell, S> {
    pub kernels: &'static Kernels,
    pub lists: &'a Lists<C>,
    pub rows: &'a S,
    /// The rows are those of the lists, and none is its own neighbour.
    pub same: bool,
    pub threads: usize,
}

impl<C: Cell, S: Space<C>> Near<'_, C, S> {
    /// Hands each row's `keep` nearest to `sink(state, slot, row, nearest)`, ascending by (value, id); `slots` are by
    /// row. O(rows · wanted members) products.
    pub fn each<T: Send, W>(
        &self,
        wanted: &Wanted,
        keep: usize,
        slots: Vec<T>,
        phase: &Phase<'_>,
        state: impl Fn() -> W + Sync,
        sink: impl Fn(&mut W, &mut T, u32, &mut dyn Iterator<Item = (C::Value, u32)>) + Sync,
    ) -> Result<()> {
        let mut slots: Vec<Option<T>> = slots.into_iter().map(Some).collect();
        let mut work: Vec<(u32, T)> =
            wanted.order.iter().filter_map(|&row| slots[row as usize].take().map(|slot| (row, slot))).collect();
        drop(slots);
        parallel::chunks_mut(
            self.threads,
            &mut work,
            BLOCK,
            || (Worker::new(self.rows.width(), self.lists.count()), state()),
            |(worker, state), _, part| {
                let mut selection = Selection::new(part.len(), keep);
                if !worker.block(self, wanted, part.iter().map(|&(row, _)| row), &mut selection, phase) {
                    return false;
                }
                for (i, (row, slot)) in part.iter_mut().enumerate() {
                    sink(state, slot, *row, &mut selection.finish(i));
                }
                !phase.advance(part.len() as u64)
            },
        );
        phase.check()
    }

    /// The `keep` nearest of each row, as lists that it wants in turn.
    pub fn wanted(&self, wanted: &Wanted, keep: usize, phase: &Phase<'_>) -> Result<Wanted> {
        let mut found = Wanted { width: keep, lists: vec![EMPTY; self.rows.len() * keep], order: Vec::new() };
        let slots = found.lists.chunks_mut(keep).collect();
        self.each(
            wanted,
            keep,
            slots,
            phase,
            || (),
            |(), slot: &mut &mut [u32], _, nearest| {
                slot.iter_mut().zip(nearest).for_each(|(slot, (_, list))| *slot = list);
            },
        )?;
        found.sort(self.lists.len());
        Ok(found)
    }
}

/// Buffers of one worker.
struct Worker<C: Cell> {
    block: Cells<C>,
    gathered: Cells<C>,
    ids: Vec<u32>,
    wants: Wants,
    cells: Vec<C::Value>,
    thresholds: Vec<C::Value>,
    hits: Vec<Hit<C::Value>>,
}

impl<C: Cell> Worker<C> {
    fn new(width: usize, lists: usize) -> Self {
        Worker {
            block: Cells::new(width),
            gathered: Cells::new(width),
            ids: Vec::with_capacity(BLOCK),
            wants: Wants::new(lists),
            cells: Vec::new(),
            thresholds: Vec::new(),
            hits: Vec::new(),
        }
    }

    /// Offers the rows of a block all members of the lists that they want; false where cancelled.
    fn block<S: Space<C>>(
        &mut self,
        near: &Near<'_, C, S>,
        wanted: &Wanted,
        rows: impl Iterator<Item = u32>,
        selection: &mut Selection<C::Value>,
        phase: &Phase<'_>,
    ) -> bool {
        self.ids.clear();
        self.ids.extend(rows);
        self.block.refill(near.rows, self.ids.iter().copied());
        self.wants.turn(wanted, &self.ids);
        for at in 0..self.wants.lists.len() {
            let list = self.wants.lists[at];
            for start in self.wants.range(list).step_by(STRIP) {
                let strip = start..(start + STRIP).min(self.wants.range(list).end);
                let rows = &self.wants.rows[strip];
                self.gathered.gather(&self.block, rows);
                let (members, norms) = (near.lists.members(list as usize), near.lists.norms(list as usize));
                let ld = members.len().next_multiple_of(16);
                self.cells.resize(self.cells.len().max(STRIP * ld), C::Value::ZERO);
                C::dots(near.kernels, self.gathered.all(), near.lists.packed(list as usize), &mut self.cells, ld);
                self.thresholds.clear();
                self.thresholds.extend(rows.iter().map(|&row| selection.thresholds()[row as usize]));
                let tile = TileScan {
                    acc: &self.cells,
                    ld,
                    row_norms: self.gathered.norms(),
                    column_norms: norms,
                    row_thresholds: &self.thresholds,
                    column_thresholds: None,
                };
                self.hits.clear();
                C::scan(near.kernels, &tile, &mut self.hits);
                for hit in &self.hits {
                    let (row, id) = (rows[hit.row as usize], members[hit.column as usize]);
                    if !(near.same && id == self.ids[row as usize]) {
                        selection.push(row as usize, hit.value, id);
                    }
                }
            }
            if phase.check().is_err() {
                return false;
            }
        }
        true
    }
}

/// The wants of a block, by list.
struct Wants {
    /// Lists that some row wants, those that most want first: they are near, and close thresholds early.
    lists: Vec<u32>,
    /// Rows of the block, list by list.
    rows: Vec<u32>,
    /// Per list, how many want it; all 0 between blocks.
    counts: Vec<u32>,
    /// Per list, where its rows end.
    ends: Vec<u32>,
}

impl Wants {
    fn new(lists: usize) -> Self {
        Wants { lists: Vec::new(), rows: Vec::new(), counts: vec![0; lists], ends: vec![0; lists] }
    }

    fn turn(&mut self, wanted: &Wanted, ids: &[u32]) {
        let Wants { lists, rows, counts, ends } = self;
        lists.drain(..).for_each(|list| counts[list as usize] = 0);
        for &list in ids.iter().flat_map(|&id| wanted.of(id)) {
            if counts[list as usize] == 0 {
                lists.push(list);
            }
            counts[list as usize] += 1;
        }
        lists.sort_unstable_by_key(|&list| (std::cmp::Reverse(counts[list as usize]), list));
        let mut start = 0;
        for &list in lists.iter() {
            ends[list as usize] = start;
            start += counts[list as usize];
        }
        rows.clear();
        rows.resize(start as usize, 0);
        for (row, &id) in (0..).zip(ids) {
            for &list in wanted.of(id) {
                let end = &mut ends[list as usize];
                rows[*end as usize] = row;
                *end += 1;
            }
        }
    }

    fn range(&self, list: u32) -> std::ops::Range<usize> {
        let end = self.ends[list as usize] as usize;
        end - self.counts[list as usize] as usize..end
    }
}
