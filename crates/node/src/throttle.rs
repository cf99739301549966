//! Thins progress out: the core may report a thousand times a phase, people read ten times a second.
//!
//! Workers report in any order, so what comes late is dropped: `done` never falls within a phase. The
//! first and the last report of a phase always pass.

use hnsw_core::Progress;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shortest time between two passing reports of one phase.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// What has passed so far.
#[derive(Default)]
pub struct Throttle {
    last: Mutex<Option<(Instant, Progress)>>,
}

impl Throttle {
    /// Hands `progress` to `pass` if it is due, at the time `now`.
    ///
    /// `pass` runs under the lock, so that reports leave in the order in which they were let through.
    pub fn offer(&self, progress: Progress, now: Instant, pass: impl FnOnce(Progress)) {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.is_none_or(|(at, before)| is_due(before, progress, now.duration_since(at))) {
            *last = Some((now, progress));
            pass(progress);
        }
    }
}

fn is_due(before: Progress, now: Progress, waited: Duration) -> bool {
    if now.done == 0 || now.phase != before.phase || now.total != before.total {
        return true;
    }
    now.done > before.done && (now.done == now.total || waited >= INTERVAL)
}
