//! Updates: all of the change or none of it.

use super::{Data, Former, Index, Measured, Search};
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Source;
use crate::graph;
use crate::points::{MAX_ROWS, Points, Undo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where at least one row in so many is new or other than before, the search index is dropped: a bulk build
/// is cheaper than so many insertions.
const REBUILD_SHARE: usize = 2;

/// What an update does, in this order.
#[derive(Default)]
pub struct Changes {
    /// Ids of rows and what comes in their places; of a repeated id the last row counts.
    pub replaced: Option<(Vec<u32>, Points)>,
    /// Rows that become n, n+1, ...
    pub fresh: Option<Points>,
}

impl Changes {
    /// Appends rows.
    pub fn fresh(rows: impl Into<Points>) -> Changes {
        Changes { fresh: Some(rows.into()), ..Changes::default() }
    }

    /// Puts rows in the places of those of `ids`.
    pub fn replaced(ids: Vec<u32>, rows: impl Into<Points>) -> Changes {
        Changes { replaced: Some((ids, rows.into())), ..Changes::default() }
    }
}

impl Index {
    /// Replaces rows, then appends rows: all of it or, on error, nothing. Waits for running calls.
    ///
    /// The search index is patched, O(log n) a row, or dropped where a new one is cheaper; the neighbour graph is
    /// brought up to date, or made anew where that is cheaper, when next asked for.
    ///
    /// Errors: `DimensionMismatch`, `EmptyIndex` for 0 rows, `UnknownId`, `InvalidArgument` (numbers of ids and rows
    /// that differ, too many rows, rows of another form), `OutOfMemory`, `Cancelled`.
    pub fn update(&self, changes: Changes, control: Control<'_>) -> Result<()> {
        let Changes { replaced, fresh } = changes;
        let replaced = replaced.map(|(ids, rows)| self.checked_replacement(ids, rows, control)).transpose()?;
        let fresh = fresh.map(|rows| self.checked_rows(rows, control)).transpose()?;
        if replaced.is_none() && fresh.is_none() {
            return Ok(());
        }
        let mut data = self.data.write(control)?;
        let before = data.rows.len();
        let (ids, others) = replaced.unzip();
        let ids = ids.unwrap_or_default();
        if let Some(id) = ids.last().filter(|&&id| id as usize >= before) {
            return Err(Error::UnknownId { seen: *id, len: before });
        }
        let total = before + fresh.as_ref().map_or(0, Points::len);
        if total > MAX_ROWS {
            return Err(Error::invalid("rows", total, format!("at most {MAX_ROWS}")));
        }
        self.leave_shelf(&mut data.rows, control)?;
        let changed = ids.len() + total - before;
        let Data { rows, codes, coarse } = &mut *data;
        let new_rows = [others.as_ref(), fresh.as_ref()];
        let new_codes = self.new_codes(codes.as_ref(), new_rows, control)?;
        let new_coarse = self.new_codes(coarse.get(), new_rows, control)?;
        let mut guard = Rollback { rows, before, undo: None, done: false };
        if let Some(others) = others {
            guard.undo = Some(guard.rows.replace(&ids, others)?);
        }
        if let Some(fresh) = &fresh {
            guard.rows.append(fresh)?;
        }
        let search = self.patched_search(guard.rows, &ids, changed, control)?;
        guard.done = true;
        drop(guard);
        *codes = codes.take().zip(new_codes).and_then(|(codes, new)| codes.changed(&ids, new).ok());
        coarse.change(&ids, new_coarse);
        self.inserts.fetch_add(changed, Ordering::Relaxed);
        self.len.store(total, Ordering::Relaxed);
        self.search.set(search.map(Arc::new));
        self.keep_former(ids.iter().copied().chain(before as u32..total as u32));
        self.graph.set(None);
        self.lists.set(None);
        *self.measured.lock().unwrap_or_else(|e| e.into_inner()) = Measured::default();
        Ok(())
    }

    /// Remembers an exact graph, and what has changed since it was made.
    fn keep_former(&self, changed: impl Iterator<Item = u32>) {
        let exact =
            self.measured.lock().unwrap_or_else(|e| e.into_inner()).reached.is_some_and(|reached| reached.exact);
        let mut former = self.former.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(graph) = self.graph.get() {
            *former = exact.then(|| Former { graph, changed: BTreeSet::new() });
        }
        if let Some(former) = former.as_mut() {
            former.changed.extend(changed);
        }
    }

    /// Rows ready to be stored.
    fn checked_rows(&self, mut rows: Points, control: Control<'_>) -> Result<Points> {
        if rows.is_empty() {
            return Err(Error::EmptyIndex);
        }
        self.check_like(&rows)?;
        self.options.metric.transform(&mut rows, self.options.threads, control)?;
        Ok(rows)
    }

    /// Ids ascending, each once, with the rows that belong to them.
    fn checked_replacement(&self, ids: Vec<u32>, rows: Points, control: Control<'_>) -> Result<(Vec<u32>, Points)> {
        if ids.len() != rows.len() {
            let allowed = format!("{}, one for each row", rows.len());
            return Err(Error::invalid("number of ids of replaced rows", ids.len(), allowed));
        }
        let rows = self.checked_rows(rows, control)?;
        let last: BTreeMap<u32, u32> = ids.iter().copied().zip(0..).collect();
        if last.values().copied().eq(0..ids.len() as u32) {
            return Ok((ids, rows));
        }
        let picked: Vec<u32> = last.values().copied().collect();
        Ok((last.into_keys().collect(), rows.subset(&picked)?))
    }

    /// Codes of replacing and of fresh rows, or `None` where the rows have no codes or would lose them.
    fn new_codes(
        &self,
        codes: Option<&ByteCodes>,
        rows: [Option<&Points>; 2],
        control: Control<'_>,
    ) -> Result<Option<[Option<ByteCodes>; 2]>> {
        let Some(codes) = codes else { return Ok(None) };
        let mut new = [None, None];
        for (new, rows) in new.iter_mut().zip(rows) {
            if let Some(rows) = rows.and_then(Points::dense) {
                let Some(coded) = codes.of_others(rows, self.options.threads, control)? else { return Ok(None) };
                *new = Some(coded);
            }
        }
        Ok(Some(new))
    }

    /// The search index of the new rows, or none where there was none or a new one is cheaper.
    fn patched_search(
        &self,
        rows: &Points,
        replaced: &[u32],
        changed: usize,
        control: Control<'_>,
    ) -> Result<Option<Search>> {
        let Some(old) = self.search.get().filter(|old| changed <= old.graph.len() / REBUILD_SHARE) else {
            return Ok(None);
        };
        let mut graph = old.graph.clone();
        let linked = self.linked(rows)?;
        let plain = Source { rows, codes: None, coarse: None, metric: &self.options.metric, kernels: self.kernels };
        let source = self.link_source(plain, linked.as_ref());
        let repaired = graph::insert::update(&mut graph, source, replaced, &self.options, control)?;
        let codes = self.walk_codes(rows, &graph, control)?;
        Ok(Some(Search::new(graph, repaired, codes)))
    }
}

/// Takes the changes of rows back unless the update was completed.
struct Rollback<'a> {
    rows: &'a mut Points,
    before: usize,
    undo: Option<Undo>,
    done: bool,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.rows.truncate(self.before);
            if let Some(undo) = self.undo.take() {
                self.rows.undo(undo);
            }
        }
    }
}
