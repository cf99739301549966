//! The links of all rows.
//!
//! ```text
//!   base    | row 0: 2m ids | row 1: 2m ids | ...        level 0, flat, EMPTY behind the last link
//!   upper   | row 3, level 1: m ids | row 3, level 2: m ids | row 8, level 1: m ids | ...
//! ```
//!
//! Invariants: every link of level l leads to a row that is on level l; no row links to itself; no
//! link twice.

use crate::error::{Error, Result};
use crate::knn::EMPTY;
use crate::parallel;
use crate::points::aligned::Aligned;

/// Rows checked at a time.
const BLOCK: usize = 4096;

/// Levels and links; what walks walk on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graph {
    m: usize,
    levels: Vec<u8>,
    base: Aligned<u32>,
    upper: Aligned<u32>,
    /// First block of `m` links of each row in `upper`.
    upper_start: Vec<u32>,
    entry: u32,
}

impl Graph {
    /// Rows on their levels, without links.
    pub fn unlinked(m: usize, levels: impl Iterator<Item = u8>) -> Result<Graph> {
        let (base, upper) = (Aligned::zeroed(0)?, Aligned::zeroed(0)?);
        let mut graph = Graph { m, levels: Vec::new(), base, upper, upper_start: Vec::new(), entry: EMPTY };
        graph.push_rows(levels)?;
        Ok(graph)
    }

    /// Adds rows without links. The entry moves to the first row of the highest level.
    pub fn push_rows(&mut self, levels: impl Iterator<Item = u8>) -> Result<()> {
        let upper = self.push_levels(levels)?;
        grow(&mut self.upper, upper)?;
        let base = self.levels.len() * self.degree(0);
        grow(&mut self.base, base)
    }

    /// Makes room for more rows, and no more.
    pub fn reserve(&mut self, levels: impl Iterator<Item = u8>) -> Result<()> {
        let (rows, blocks) = levels.fold((0, 0), |(rows, blocks), level| (rows + 1, blocks + usize::from(level)));
        self.levels.reserve_exact(rows);
        self.upper_start.reserve_exact(rows);
        self.upper.reserve_exact(self.upper.as_slice().len() + blocks * self.m)?;
        self.base.reserve_exact(self.base.as_slice().len() + rows * self.degree(0))
    }

    /// The levels of more rows, without places for links; how many links of upper levels there are then.
    fn push_levels(&mut self, levels: impl Iterator<Item = u8>) -> Result<usize> {
        let mut blocks = self.upper.as_slice().len() / self.m;
        for level in levels {
            let start = u32::try_from(blocks).map_err(|_| Error::OutOfMemory { bytes: usize::MAX })?;
            let id = self.levels.len() as u32;
            self.levels.push(level);
            self.upper_start.push(start);
            blocks += usize::from(level);
            if self.entry == EMPTY || level > self.levels[self.entry as usize] {
                self.entry = id;
            }
        }
        blocks.checked_mul(self.m).ok_or(Error::OutOfMemory { bytes: usize::MAX })
    }

    /// Makes the first row of the highest level the entry.
    pub fn choose_entry(&mut self) {
        self.choose_entry_among(|_| true);
    }

    /// As [`Graph::choose_entry`], of the rows that `may` be it; some row must.
    pub fn choose_entry_among(&mut self, may: impl Fn(u32) -> bool) {
        let highest = |best: u32, id: u32| {
            if best == EMPTY || self.levels[id as usize] > self.levels[best as usize] { id } else { best }
        };
        self.entry = (0..self.levels.len() as u32).filter(|&id| may(id)).fold(EMPTY, highest);
    }

    /// Makes one of `ids` the entry if it is on a higher level.
    pub fn raise_entry(&mut self, ids: &[u32]) {
        let higher = |best: u32, &id: &u32| if self.level(id) > self.level(best) { id } else { best };
        self.entry = ids.iter().fold(self.entry, higher);
    }

    /// Takes a row without links from the levels above `level`. Its places there stay until [`Graph::close_gaps`].
    pub fn lower(&mut self, id: u32, level: u8) {
        let own = &mut self.levels[id as usize];
        *own = level.min(*own);
    }

    /// Leaves no places between those of upper levels that no row uses: files have none. O(upper links) where there are some.
    pub fn close_gaps(&mut self) -> Result<()> {
        let blocks: usize = self.levels.iter().map(|&level| usize::from(level)).sum();
        if self.upper.as_slice().len() == blocks * self.m {
            return Ok(());
        }
        let mut upper = Aligned::zeroed(blocks * self.m)?;
        let mut start = 0;
        for (&level, own) in self.levels.iter().zip(&mut self.upper_start) {
            let len = usize::from(level) * self.m;
            let from = *own as usize * self.m;
            upper.as_mut_slice()[start..start + len].copy_from_slice(&self.upper.as_slice()[from..from + len]);
            *own = (start / self.m) as u32;
            start += len;
        }
        self.upper = upper;
        Ok(())
    }

    /// The graph without the rows `gone` (ascending, distinct), which no link leads to and the entry is none of; the rows
    /// behind them move up. O(links).
    pub fn compacted(&self, gone: &[u32]) -> Result<Graph> {
        let mut moved = vec![EMPTY; self.len()];
        let mut left = gone.iter().peekable();
        let mut kept = Vec::with_capacity(self.len() - gone.len());
        for id in 0..self.len() as u32 {
            if left.next_if_eq(&&id).is_none() {
                moved[id as usize] = kept.len() as u32;
                kept.push(id);
            }
        }
        let place = |link: &u32| if *link == EMPTY { EMPTY } else { moved[*link as usize] };
        let mut out = Graph::unlinked(self.m, kept.iter().map(|&id| self.level(id)))?;
        out.entry = moved[self.entry as usize];
        for (&from, to) in kept.iter().zip(0..) {
            for level in 0..=self.level(from) {
                let (old, new) = (self.cells(from, level), out.cells(to, level));
                let array = if level == 0 { &mut out.base } else { &mut out.upper };
                let cells = array.as_mut_slice()[new].iter_mut();
                cells.zip(&self.array(level)[old]).for_each(|(cell, link)| *cell = place(link));
            }
        }
        debug_assert!(out.entry != EMPTY);
        Ok(out)
    }

    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Where walks begin.
    pub fn entry(&self) -> u32 {
        self.entry
    }

    /// The highest level.
    pub fn top(&self) -> u8 {
        self.levels[self.entry as usize]
    }

    pub fn level(&self, id: u32) -> u8 {
        self.levels[id as usize]
    }

    /// Rows on `level`, ascending.
    pub fn members(&self, level: u8) -> impl Iterator<Item = u32> + '_ {
        (0..self.levels.len() as u32).filter(move |&id| self.levels[id as usize] >= level)
    }

    /// Most links of a row on `level`.
    pub fn degree(&self, level: u8) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }

    pub fn m(&self) -> usize {
        self.m
    }

    #[inline]
    fn cells(&self, id: u32, level: u8) -> std::ops::Range<usize> {
        if level == 0 {
            let start = id as usize * 2 * self.m;
            return start..start + 2 * self.m;
        }
        debug_assert!(level <= self.levels[id as usize]);
        let start = (self.upper_start[id as usize] as usize + usize::from(level) - 1) * self.m;
        start..start + self.m
    }

    fn array(&self, level: u8) -> &[u32] {
        if level == 0 { self.base.as_slice() } else { self.upper.as_slice() }
    }

    /// The links of a row on `level`.
    #[inline]
    pub fn links(&self, id: u32, level: u8) -> &[u32] {
        let cells = &self.array(level)[self.cells(id, level)];
        let filled = cells.iter().position(|&link| link == EMPTY).unwrap_or(cells.len());
        &cells[..filled]
    }

    /// Asks for the links of a row ahead of their use.
    #[inline]
    pub fn prefetch(&self, id: u32, level: u8) {
        hnsw_kernels::prefetch(&self.array(level)[self.cells(id, level)]);
    }

    /// Replaces the links of a row on `level`.
    pub fn set_links(&mut self, id: u32, level: u8, links: impl Iterator<Item = u32>) {
        let cells = self.cells(id, level);
        let array = if level == 0 { &mut self.base } else { &mut self.upper };
        let cells = &mut array.as_mut_slice()[cells];
        cells.fill(EMPTY);
        cells.iter_mut().zip(links).for_each(|(cell, link)| *cell = link);
    }

    /// Gives rows of upper levels their links there on level 0 too, as far as there is room. Rows in clusters may have no near
    /// row in another one, so that walks of level 0 that are in the wrong one find nothing of theirs, however wide they are;
    /// one row in `m` leads them out. O(upper links).
    pub fn make_hubs(&mut self) {
        let mut all = Vec::new();
        for id in 0..self.levels.len() as u32 {
            let own = self.level(id);
            if own > 0 {
                all.clear();
                all.extend_from_slice(self.links(id, 0));
                for &link in (1..=own).flat_map(|level| self.links(id, level)) {
                    if !all.contains(&link) {
                        all.push(link);
                    }
                }
                self.set_links(id, 0, all.iter().copied());
            }
        }
    }

    /// The arrays themselves: levels, links of level 0, links above.
    pub fn parts(&self) -> (&[u8], &[u32], &[u32]) {
        (&self.levels, self.base.as_slice(), self.upper.as_slice())
    }

    /// A graph from the arrays of [`Graph::parts`]; what breaks an invariant is told.
    pub fn from_parts(
        threads: usize,
        m: usize,
        levels: &[u8],
        base: Aligned<u32>,
        upper: Aligned<u32>,
        entry: usize,
    ) -> std::result::Result<Graph, String> {
        let mut graph = Graph::unlinked(m, std::iter::empty()).map_err(|error| error.to_string())?;
        let above = graph.push_levels(levels.iter().copied()).map_err(|error| error.to_string())?;
        let (seen, needed) =
            ((base.as_slice().len(), upper.as_slice().len()), (levels.len().saturating_mul(2 * m), above));
        if seen != needed {
            return Err(format!("{} and {} links, not {} and {}", seen.0, seen.1, needed.0, needed.1));
        }
        let top = levels.iter().copied().max();
        if levels.get(entry).copied() != top || top.is_none() {
            return Err(format!("row {entry} is not where walks can begin"));
        }
        (graph.base, graph.upper, graph.entry) = (base, upper, entry as u32);
        parallel::check(threads, graph.len(), BLOCK, |rows| {
            rows.map(|id| id as u32).try_for_each(|id| {
                let above = (1..=graph.level(id)).try_for_each(|level| graph.check_links(id, level));
                // Every row is on level 0: nothing has to be looked up, and only what is wrong is looked at again.
                if graph.base_fits(id) { above } else { graph.check_links(id, 0).and(above) }
            })
        })?;
        Ok(graph)
    }

    /// Whether [`Graph::check_links`] finds nothing wrong on level 0, without a branch.
    fn base_fits(&self, id: u32) -> bool {
        let cells = &self.base.as_slice()[self.cells(id, 0)];
        let rows = self.levels.len() as u32;
        let fit = cells.iter().fold(true, |fit, &link| fit & ((link < rows) & (link != id) | (link == EMPTY)));
        cells.windows(2).fold(fit, |fit, pair| fit & ((pair[0] != EMPTY) | (pair[1] == EMPTY)))
    }

    fn check_links(&self, id: u32, level: u8) -> std::result::Result<(), String> {
        let links = self.links(id, level);
        let behind = &self.array(level)[self.cells(id, level)][links.len()..];
        let fits = |&link: &u32| link != id && self.levels.get(link as usize).is_some_and(|&other| other >= level);
        match links.iter().find(|link| !fits(link)) {
            Some(link) => Err(format!("row {id} has a link to {link} on level {level}")),
            None if behind.iter().any(|&link| link != EMPTY) => Err(format!("row {id} has links behind its last")),
            None => Ok(()),
        }
    }

    /// Bytes held by what is not level 0.
    pub fn upper_bytes(&self) -> usize {
        self.levels.capacity() + self.upper.bytes() + 4 * self.upper_start.capacity()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.upper_bytes()
    }
}

/// Empty places up to `len` in all.
fn grow(links: &mut Aligned<u32>, len: usize) -> Result<()> {
    let before = links.as_slice().len();
    links.resize(len)?;
    links.as_mut_slice()[before.min(len)..].fill(EMPTY);
    Ok(())
}
