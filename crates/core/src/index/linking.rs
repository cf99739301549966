//! How the search index is linked: as the options say, until it is built anew with others.

use super::Index;
use super::state::State;
use crate::control::Control;
use crate::error::Result;
use crate::options::Options;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a search index is linked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linking {
    /// Links per row and upper level; level 0 has twice as many.
    pub m: usize,
    /// Candidates looked at before links are chosen.
    pub ef_construction: usize,
}

impl Linking {
    pub(super) fn of(options: &Options) -> Linking {
        Linking { m: options.m, ef_construction: options.ef_construction }
    }
}

impl Index {
    /// What the search index is linked by, or will be.
    pub fn linking(&self) -> Linking {
        self.state.peek().linking()
    }

    /// The options with what the search index of `state` is linked by.
    pub(super) fn options_of(&self, state: &State) -> Cow<'_, Options> {
        self.options_with(state.linking())
    }

    pub(super) fn options_with(&self, linking: Linking) -> Cow<'_, Options> {
        if linking == Linking::of(&self.options) {
            return Cow::Borrowed(&self.options);
        }
        let Linking { m, ef_construction } = linking;
        Cow::Owned(Options { m, ef_construction, ..self.options.clone() })
    }

    /// Builds the search index anew, with other links where `m` or `ef_construction` are given: what many updates have worn
    /// is as after a first build. Ids, filters and the neighbour graph stay valid; calls that run meanwhile walk the index
    /// that was there, calls that come after it the new one; updates wait. On error or cancel nothing has changed. O(n log n).
    ///
    /// Errors: `InvalidArgument`, `OutOfMemory`, `Cancelled`.
    pub fn rebuild(&self, m: Option<usize>, ef_construction: Option<usize>, control: Control<'_>) -> Result<()> {
        let turn = self.state.write(control)?;
        let state = &*turn.before;
        let before = state.linking();
        let linking =
            Linking { m: m.unwrap_or(before.m), ef_construction: ef_construction.unwrap_or(before.ef_construction) };
        let options = self.options_with(linking);
        options.check()?;
        let search = match self.options.metric.walks() {
            true => Some(Arc::new(self.make_search(state, &options, control)?)),
            // All rows are compared whatever the links.
            false => None,
        };
        control.check()?;
        state.set_linking(linking);
        state.search.set(search);
        state.inserts.store(0, Ordering::Relaxed);
        Ok(())
    }
}
