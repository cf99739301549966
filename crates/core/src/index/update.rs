//! Updates: all of the change or none of it.

use super::{Data, Index, Measured, Search};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Source;
use crate::graph;
use crate::points::Points;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Appending more than this share of the rows drops the search index: a bulk build is cheaper.
const APPEND_SHARE: usize = 2;

impl Index {
    /// Appends rows as ids n, n+1, ...: all of them or, on error, none. Waits for running calls.
    ///
    /// Errors: `DimensionMismatch`, `EmptyIndex` for 0 rows, `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn append(&self, fresh: impl Into<Points>, control: Control<'_>) -> Result<()> {
        let mut fresh = fresh.into();
        if fresh.is_empty() {
            return Err(Error::EmptyIndex);
        }
        self.check_like(&fresh)?;
        self.options.metric.transform(&mut fresh, self.options.threads, control)?;
        let mut data = self.data.write(control)?;
        let before = data.rows.len();
        if before + fresh.len() > crate::points::MAX_ROWS {
            return Err(Error::invalid("rows", before + fresh.len(), format!("at most {}", crate::points::MAX_ROWS)));
        }
        let mut guard = Rollback { data: &mut data, before, done: false };
        guard.data.rows.append(&fresh)?;
        let search = self.appended_search(&guard.data.rows, before, control)?;
        let coded = match &mut guard.data.codes {
            Some(codes) => match fresh.dense() {
                Some(fresh) => codes.append(fresh, self.options.threads, control)?,
                None => false,
            },
            None => true,
        };
        guard.done = true;
        drop(guard);
        if !coded {
            data.codes = None;
        }
        self.inserts.fetch_add(fresh.len(), Ordering::Relaxed);
        self.len.store(data.rows.len(), Ordering::Relaxed);
        self.search.set(search.map(Arc::new));
        self.graph.set(None);
        *self.measured.lock().unwrap_or_else(|e| e.into_inner()) = Measured::default();
        Ok(())
    }

    /// The search index with the new rows in it, or none where there was none or a new one is cheaper.
    fn appended_search(&self, rows: &Points, before: usize, control: Control<'_>) -> Result<Option<Search>> {
        let Some(old) = self.search.get().filter(|_| (rows.len() - before) <= before / APPEND_SHARE) else {
            return Ok(None);
        };
        let mut graph = old.graph.clone();
        let source = Source { rows, codes: None, metric: &self.options.metric, kernels: self.kernels };
        let repaired = graph::append::append(&mut graph, source, &self.options, control)?;
        Ok(Some(Search { graph, repaired }))
    }
}

/// Takes appended rows away again unless the append was completed.
struct Rollback<'a> {
    data: &'a mut Data,
    before: usize,
    done: bool,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.data.rows.truncate(self.before);
            if let Some(codes) = &mut self.data.codes {
                codes.truncate(self.before);
            }
        }
    }
}
