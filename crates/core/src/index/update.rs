//! Updates: all of the change or none of it. The next state is made beside the one in use, and put in its place.

use super::state::{Former, State};
use super::walked::{WalkCodes, WalkedOn};
use super::{Index, Search};
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Source;
use crate::graph::between::{ByRows, BySketch};
use crate::graph::{self, Graph};
use crate::points::{Edit, MAX_ROWS, Points};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where at least one row in so many is new, other than before or gone, the search index is dropped: a bulk build
/// is cheaper than so many insertions.
const REBUILD_SHARE: usize = 2;

/// Where one row in so many has changed since the search index was built, new sketches are made: the widest directions may
/// be others.
const NEW_SKETCH: usize = 2;

/// What an update does, in this order.
#[derive(Default)]
pub struct Changes {
    /// Ids of rows that go. One that is named twice goes once.
    pub removed: Vec<u32>,
    /// Ids of rows that stay and what comes in their places; of a repeated id the last row counts.
    pub replaced: Option<(Vec<u32>, Points)>,
    /// Rows that get the next ids.
    pub fresh: Option<Points>,
}

impl Changes {
    /// Takes rows out.
    pub fn removed(ids: Vec<u32>) -> Changes {
        Changes { removed: ids, ..Changes::default() }
    }

    /// Appends rows.
    pub fn fresh(rows: impl Into<Points>) -> Changes {
        Changes { fresh: Some(rows.into()), ..Changes::default() }
    }

    /// Puts rows in the places of those of `ids`.
    pub fn replaced(ids: Vec<u32>, rows: impl Into<Points>) -> Changes {
        Changes { replaced: Some((ids, rows.into())), ..Changes::default() }
    }
}

/// An update in slots. What is replaced or gone is told by slots of the state before it, what is changed by those after it.
pub(super) struct Slots {
    /// Ascending, distinct.
    pub gone: Vec<u32>,
    /// Ascending, distinct, none of `gone`.
    pub replaced: Vec<u32>,
    /// All others, replaced ones among them.
    pub kept: Vec<u32>,
    /// The replaced ones afterwards.
    pub places: Vec<u32>,
    pub fresh: usize,
}

impl Slots {
    fn of(before: usize, gone: Vec<u32>, replaced: Vec<u32>, fresh: usize) -> Slots {
        let is_gone = |slot: &u32| gone.binary_search(slot).is_ok();
        let kept = (0..before as u32).filter(|slot| !is_gone(slot)).collect();
        let shifted = |&slot: &u32| slot - gone.partition_point(|&lower| lower < slot) as u32;
        let places = replaced.iter().map(shifted).collect();
        Slots { kept, places, gone, replaced, fresh }
    }

    /// Rows that come, go or become others.
    pub fn changed(&self) -> usize {
        self.gone.len() + self.replaced.len() + self.fresh
    }

    /// Rows afterwards.
    pub fn after(&self) -> usize {
        self.kept.len() + self.fresh
    }

    /// Slots afterwards of rows that are new or other than before, ascending.
    pub fn renewed(&self) -> impl Iterator<Item = u32> {
        self.places.iter().copied().chain(self.kept.len() as u32..self.after() as u32)
    }
}

impl Index {
    /// Takes rows out, replaces rows, then appends rows: all of it or, on error, nothing. Calls that run meanwhile see the
    /// rows as they were, calls that come after it as they are then. Updates wait for each other. The ids of the appended
    /// rows: no id is ever given twice.
    ///
    /// The search index is patched, or dropped where a new one is cheaper; the neighbour graph is
    /// brought up to date, or made anew where that is cheaper, when next asked for. While an update is at work there are two
    /// copies of the rows and links. O(n) to copy, O(log n) a changed row to link.
    ///
    /// Errors: `DimensionMismatch`, `EmptyIndex` for 0 rows given or left, `UnknownId` (also for an id that is to be taken out
    /// and replaced), `InvalidArgument` (numbers of ids and rows that differ, too many rows, rows of another form),
    /// `OutOfMemory`, `Cancelled`.
    pub fn update(&self, changes: Changes, control: Control<'_>) -> Result<Range<u32>> {
        let Changes { removed, replaced, fresh } = changes;
        let replaced = replaced.map(|(ids, rows)| self.checked_replacement(ids, rows, control)).transpose()?;
        let fresh = fresh.map(|rows| self.checked_rows(rows, control)).transpose()?;
        let turn = self.state.write(control)?;
        let before = &*turn.before;
        let added = before.ids.next()..before.ids.next().saturating_add(fresh.as_ref().map_or(0, Points::len) as u32);
        if removed.is_empty() && replaced.is_none() && fresh.is_none() {
            return Ok(added);
        }
        let (ids, others) = replaced.unzip();
        let slots = slots(before, removed, ids.unwrap_or_default(), fresh.as_ref().map_or(0, Points::len))?;
        self.take_stored(before, control)?;
        let edit = Edit {
            kept: &slots.kept,
            replaced: others.as_ref().map(|others| (&slots.places[..], others)),
            fresh: fresh.as_ref(),
        };
        let rows = before.rows.edited(&edit, self.options.threads)?;
        let codes = self.edited_codes(before.codes(), &edit, control)?;
        let coarse = self.edited_codes(before.coarse.get(), &edit, control)?;
        let mut next = State::after(before, rows, codes, coarse, &slots);
        if let Some(search) = self.patched_search(before, &next.rows, &slots, &edit, control)? {
            next.search.set(Some(Arc::new(search)));
        }
        next.inserts = (before.inserts.load(Ordering::Relaxed) + slots.changed()).into();
        next.set_former(Former::after(before, &slots)?);
        control.check()?;
        turn.put(next);
        Ok(added)
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

    /// The codes of the rows of `edit`, or `None` where the rows have none or would lose them.
    fn edited_codes(
        &self,
        codes: Option<&ByteCodes>,
        edit: &Edit<'_>,
        control: Control<'_>,
    ) -> Result<Option<ByteCodes>> {
        let Some(codes) = codes else { return Ok(None) };
        let threads = self.options.threads;
        let mut new = [None, None];
        for (new, rows) in new.iter_mut().zip([edit.replaced.map(|(_, others)| others), edit.fresh]) {
            if let Some(rows) = rows.and_then(Points::dense) {
                let Some(coded) = codes.of_others(rows, threads, control)? else { return Ok(None) };
                *new = Some(coded);
            }
        }
        let places = edit.replaced.map_or(&[][..], |(places, _)| places);
        codes.subset(edit.kept, threads)?.changed(places, new).map(Some)
    }

    /// The search index of the new rows, or none where there was none or a new one is cheaper.
    fn patched_search(
        &self,
        before: &State,
        rows: &Points,
        slots: &Slots,
        edit: &Edit<'_>,
        control: Control<'_>,
    ) -> Result<Option<Search>> {
        let worth = |old: &Arc<Search>| slots.changed() <= old.graph.len() / REBUILD_SHARE;
        let Some(old) = before.search.get().filter(worth) else { return Ok(None) };
        let walked_on = self.codes_of(before, &old, control)?;
        let lost: Vec<u32> = merged(&slots.gone, &slots.replaced);
        let mut graph =
            if lost.is_empty() { old.graph.clone() } else { self.without(before, &old, &lost, &slots.gone, control)? };
        let options = &*self.options_with(old.linking());
        let linked = self.linked(rows)?;
        let source = self.link_source(self.plain_source(rows), linked.as_ref());
        let all_changed = before.inserts.load(Ordering::Relaxed) + slots.changed();
        let sketch = match walked_on {
            Some(WalkCodes::Sketches(sketch, _)) if all_changed <= rows.len() / NEW_SKETCH => {
                Some(sketch.edited(edit, options.threads, control)?)
            }
            _ => self.sketch(rows, control)?,
        };
        let by_sketch = sketch.as_ref().filter(|_| linked.is_none());
        let next_id = before.ids.next();
        let repaired = graph::insert::update(&mut graph, source, by_sketch, &slots.places, next_id, options, control)?;
        let codes = self.walk_codes_by(sketch, rows, &graph, control)?;
        Ok(Some(Search::new(graph, options.ef_construction, repaired, WalkedOn::made(codes))))
    }

    /// The links of `old` that do not lead to the rows `lost`, and others in their places; without the rows `gone`.
    fn without(&self, before: &State, old: &Search, lost: &[u32], gone: &[u32], control: Control<'_>) -> Result<Graph> {
        let threads = self.options.threads;
        if let Some(WalkCodes::Sketches(sketch, _)) = self.codes_of(before, old, control)? {
            let between = BySketch { dot: self.kernels.u8_dot, sketch };
            return graph::patch::without(&old.graph, &between, lost, gone, threads, control);
        }
        let linked = self.linked(&before.rows)?;
        let source = self.link_source(self.plain_source(&before.rows), linked.as_ref());
        let between = ByRows { pair: source.pair(), rows: source.rows };
        graph::patch::without(&old.graph, &between, lost, gone, threads, control)
    }

    /// Rows without codes.
    fn plain_source<'a>(&'a self, rows: &'a Points) -> Source<'a> {
        Source { rows, codes: None, coarse: None, metric: &self.options.metric, kernels: self.kernels }
    }
}

/// An update by the slots of the ids that it names.
fn slots(before: &State, removed: Vec<u32>, replaced: Vec<u32>, fresh: usize) -> Result<Slots> {
    let mut gone = before.slots_of(&removed)?;
    gone.sort_unstable();
    gone.dedup();
    let places = before.slots_of(&replaced)?;
    if let Some(slot) = places.iter().find(|slot| gone.binary_search(slot).is_ok()) {
        return Err(before.unknown(before.ids.of(*slot)));
    }
    let slots = Slots::of(before.rows.len(), gone, places, fresh);
    if slots.after() == 0 {
        return Err(Error::EmptyIndex);
    }
    let ids = before.ids.next() as usize + fresh;
    if ids > MAX_ROWS {
        return Err(Error::invalid("rows", ids, format!("at most {MAX_ROWS} in the life of an index")));
    }
    Ok(slots)
}

/// Two ascending lists as one.
fn merged(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut all: Vec<u32> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all
}
