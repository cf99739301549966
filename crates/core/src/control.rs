//! How a caller watches and stops a long call.
//!
//! Workers look at the flag between small pieces of work (a tile, a row, a batch of queries), so a
//! cancel is seen within milliseconds. Progress is monotone within a phase and may be reported from
//! any worker thread.

use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One report: `done` of `total` units of `phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for people.
    pub phase: &'static str,
    /// Units done, never falling within a phase.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// The caller's side of a running call.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    cancelled: &'a AtomicBool,
    report: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Control<'a> {
    /// `report` is called from worker threads, at most about a thousand times a phase; it must be quick.
    pub fn new(cancelled: &'a AtomicBool, report: &'a (dyn Fn(Progress) + Sync)) -> Self {
        Control { cancelled, report }
    }

    /// Neither progress nor cancel.
    pub fn none() -> Control<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Control { cancelled: &NEVER, report: &|_| {} }
    }

    /// The same cancel without reports: for steps of a phase that the caller counts itself.
    pub fn quiet(&self) -> Control<'a> {
        Control { cancelled: self.cancelled, report: &|_| {} }
    }

    /// True once the caller has asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once the caller has asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Starts a phase of `total` units. A call starts each phase once, so that `done` never falls.
    pub fn phase(&self, phase: &'static str, total: u64) -> Phase<'a> {
        (self.report)(Progress { phase, done: 0, total });
        Phase { control: *self, phase, total, done: AtomicU64::new(0), step: (total / 500).max(1) }
    }
}

/// A phase of a running call, shared by its workers.
pub struct Phase<'a> {
    control: Control<'a>,
    phase: &'static str,
    total: u64,
    done: AtomicU64,
    step: u64,
}

impl Phase<'_> {
    /// `Err(Cancelled)` once the caller has asked to stop.
    pub fn check(&self) -> Result<()> {
        self.control.check()
    }

    /// Counts `units` as done; true when the worker should stop.
    pub fn advance(&self, units: u64) -> bool {
        let before = self.done.fetch_add(units, Ordering::Relaxed);
        let done = (before + units).min(self.total);
        if done / self.step != before / self.step || done == self.total {
            (self.control.report)(Progress { phase: self.phase, done, total: self.total });
        }
        self.control.is_cancelled()
    }
}

impl Drop for Phase<'_> {
    /// A phase that needed less than its total is complete all the same.
    fn drop(&mut self) {
        let done = *self.done.get_mut();
        if done < self.total && !self.control.is_cancelled() {
            (self.control.report)(Progress { phase: self.phase, done: self.total, total: self.total });
        }
    }
}
