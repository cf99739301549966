//! The rows of an index as they are between two updates, and all that is made of them.
//!
//! A call takes the state once and works on it to its end; an update makes another state and puts it in the place. So a
//! call sees all of an update or nothing, and never waits for one.

use super::Search;
use super::coarse::Coarse;
use super::linking::Linking;
use super::stored::Stored;
use super::update::Slots;
use crate::clusters::Clusters;
use crate::code::ByteCodes;
use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::knn::Reached;
use crate::lazy::Lazy;
use crate::neighbors::{MISSING, Neighbors};
use crate::points::Points;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Rows as stored: transformed for the metric, and as bytes: where that loses nothing from the start, else
/// when first wanted; products when first asked for.
pub(super) struct State {
    pub rows: Points,
    pub ids: Ids,
    /// Bytes that lose nothing, where rows have some. Of rows that nobody has looked at yet, unset.
    codes: OnceLock<Option<ByteCodes>>,
    pub coarse: Coarse,
    pub graph: Lazy<Neighbors>,
    pub search: Lazy<Search>,
    /// Lists for large batches; `None` inside where rows have no codes for them.
    pub lists: Lazy<Option<Clusters>>,
    /// Of a search index that is yet to be built.
    linking: Mutex<Linking>,
    measured: Mutex<Measured>,
    former: Mutex<Option<Former>>,
    /// Rows that came, went or became others since the search index was built.
    pub inserts: AtomicUsize,
    /// Rows that few queries at a time have read.
    pub read: AtomicUsize,
    /// Where products may be read that have not been asked for yet.
    pub stored: Option<Arc<Stored>>,
}

/// What the last build of the neighbour graph took and reached.
#[derive(Default, Clone)]
pub(super) struct Measured {
    pub seconds: Option<f64>,
    pub reached: Option<Reached>,
    /// It was brought up to date from the graph before.
    pub renewed: bool,
}

/// A neighbour graph from before the last updates, and the rows that they changed.
#[derive(Clone)]
pub(super) struct Former {
    pub graph: Arc<Neighbors>,
    pub changed: BTreeSet<u32>,
    pub reached: Reached,
}

impl State {
    /// Rows that nothing has been made of. `codes`: see [`State::set_codes`].
    pub fn new(rows: Points, ids: Ids, linking: Linking, codes: Option<Option<ByteCodes>>) -> State {
        State {
            rows,
            ids,
            codes: codes.map_or_else(OnceLock::new, OnceLock::from),
            coarse: Coarse::default(),
            graph: Lazy::default(),
            search: Lazy::default(),
            lists: Lazy::default(),
            linking: Mutex::new(linking),
            measured: Mutex::default(),
            former: Mutex::default(),
            inserts: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            stored: None,
        }
    }

    /// The rows after an update of `before`; of what was made of them nothing yet but codes.
    pub fn after(
        before: &State,
        rows: Points,
        codes: Option<ByteCodes>,
        coarse: Option<ByteCodes>,
        slots: &Slots,
    ) -> State {
        let ids = before.ids.changed(&slots.gone, slots.fresh);
        State { coarse: Coarse::of(coarse), ..State::new(rows, ids, before.linking(), Some(codes)) }
    }

    /// The slots of ids, in their order. Errors: `UnknownId`.
    pub fn slots_of(&self, ids: &[u32]) -> Result<Vec<u32>> {
        ids.iter().map(|&id| self.ids.slot(id).ok_or_else(|| self.unknown(id))).collect()
    }

    /// No row has this id.
    pub fn unknown(&self, seen: u32) -> Error {
        Error::UnknownId { seen, len: self.ids.next() as usize }
    }

    /// Rows of a result as the caller knows them; missing ones stay so.
    pub fn name_rows(&self, indices: &mut [i32]) {
        if !self.ids.are_slots() {
            let rows = indices.iter_mut().filter(|slot| **slot >= 0);
            rows.for_each(|slot| *slot = self.ids.of(*slot as u32) as i32);
        }
    }

    /// Bytes in the place of the rows, where they lose nothing.
    pub fn codes(&self) -> Option<&ByteCodes> {
        self.codes.get()?.as_ref()
    }

    /// What [`State::codes`] are, once the rows have been looked at. The first to say so counts.
    pub fn set_codes(&self, codes: Option<ByteCodes>) {
        self.codes.get_or_init(|| codes);
    }

    /// Bytes of the lists, where there are some.
    pub fn lists_bytes(&self) -> usize {
        self.lists.get().as_deref().and_then(Option::as_ref).map_or(0, Clusters::bytes)
    }

    /// What the search index is linked by, or will be.
    pub fn linking(&self) -> Linking {
        match self.search.get() {
            Some(search) => search.linking(),
            None => *self.linking.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    pub fn set_linking(&self, linking: Linking) {
        *self.linking.lock().unwrap_or_else(PoisonError::into_inner) = linking;
    }

    pub fn measured(&self) -> Measured {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_measured(&self, measured: Measured) {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }

    pub fn former(&self) -> Option<Former> {
        self.former.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_former(&self, former: Option<Former>) {
        *self.former.lock().unwrap_or_else(PoisonError::into_inner) = former;
    }
}

impl Former {
    /// The last graph of the rows before an update, in the slots after it; `None` where there was none.
    pub fn after(before: &State, slots: &Slots) -> Result<Option<Former>> {
        let last = match before.graph.get() {
            Some(graph) => before.measured().reached.map(|reached| Former { graph, changed: BTreeSet::new(), reached }),
            None => before.former(),
        };
        let Some(last) = last else { return Ok(None) };
        if slots.gone.is_empty() {
            return Ok(Some(Former { changed: last.changed.into_iter().chain(slots.renewed()).collect(), ..last }));
        }
        let mut moved = vec![MISSING; before.rows.len()];
        slots.kept.iter().zip(0..).for_each(|(&slot, place)| moved[slot as usize] = place);
        let place = |slot: i32| if slot < 0 { MISSING } else { moved[slot as usize] };
        let stayed = slots.kept.iter().filter(|&&slot| (slot as usize) < last.graph.rows);
        let mut graph = Neighbors::missing(0, last.graph.k)?;
        for (indices, distances) in stayed.map(|&slot| last.graph.row(slot as usize)) {
            graph.rows += 1;
            graph.indices.extend(indices.iter().map(|&slot| place(slot)));
            graph.distances.extend(distances);
        }
        let changed = last.changed.iter().map(|&slot| place(slot as i32)).filter(|&slot| slot >= 0);
        let changed = changed.map(|slot| slot as u32).chain(slots.renewed()).collect();
        Ok(Some(Former { graph: Arc::new(graph), changed, reached: last.reached }))
    }
}
