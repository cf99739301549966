//! The radius that holds about so many rows.

use super::Index;
use super::filtered::Matches;
use super::state::State;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::options::Query;
use crate::points::Points;
use crate::radius::{Balls, Targeted, Within};
use std::ops::RangeInclusive;

/// Walks for a radius are so many times as wide as the target.
const WIDTH: usize = 2;
/// Least width of such a walk.
const LEAST_WIDTH: usize = 100;

impl Index {
    /// The radius within which about `target` rows are of the query, one row, and these rows. `tolerance`: by which share of the
    /// target their number may be off. `start` is tried first; then the distance of the `target`-th nearest row, larger or
    /// smaller, and where rows at that same distance are too many, the next smaller one. `max_results` of `within` is of no account.
    ///
    /// Errors: `InvalidArgument` for a target of 0 or of more rows than there are, a tolerance outside 0..=1, more or less than one
    /// query; those of [`Index::radius_search`].
    pub fn search_with_target_count(
        &self,
        query: impl Into<Points>,
        target: usize,
        tolerance: f64,
        start: Option<f32>,
        within: &Within,
        control: Control<'_>,
    ) -> Result<Targeted> {
        let query = query.into();
        if query.len() != 1 {
            return Err(Error::invalid("number of queries", query.len(), "1"));
        }
        let state = self.state.read(control)?;
        let matches = within.filter.map(|filter| Matches::of(filter, &state));
        let len = matches.as_ref().map_or(state.rows.len(), Matches::len);
        if !(1..=len).contains(&target) {
            let which = if matches.is_some() { "that match" } else { "of the index" };
            return Err(Error::invalid("target", target, format!("1..={len}, the rows {which}")));
        }
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(Error::invalid("tolerance", tolerance, "0..=1"));
        }
        let off = (target as f64 * tolerance) as usize;
        let wanted = target - off..=target + off;
        let (state, query, matches) = (&*state, &query, matches.as_ref());
        let mut search = Attempts { index: self, state, query, wanted, within, matches, searches: 0, control };
        if let Some(first) = start.map(|radius| search.at(radius)).transpose()?
            && first.reached
        {
            return Ok(first);
        }
        let radius = search.farthest(target)?;
        let all = search.at(radius)?;
        let farther = all.balls.distances.iter().copied().filter(|&distance| distance != radius);
        // Sorted or not, by the order of the metric.
        let next = if self.options.metric.similarity() { farther.reduce(f32::min) } else { farther.reduce(f32::max) };
        match next {
            Some(radius) if !all.reached => {
                let fewer = search.at(radius)?;
                let cut = |of: &Targeted| of.balls.told.truncated == [1];
                let off = |of: &Targeted| if cut(of) { usize::MAX } else { of.balls.indices.len().abs_diff(target) };
                let best = if fewer.reached || off(&fewer) < off(&all) { fewer } else { all };
                Ok(Targeted { searches: search.searches, ..best })
            }
            _ => Ok(all),
        }
    }
}

/// Searches at one radius after another.
struct Attempts<'a> {
    index: &'a Index,
    state: &'a State,
    query: &'a Points,
    wanted: RangeInclusive<usize>,
    within: &'a Within<'a>,
    matches: Option<&'a Matches>,
    searches: usize,
    control: Control<'a>,
}

impl Attempts<'_> {
    fn at(&mut self, radius: f32) -> Result<Targeted> {
        self.searches += 1;
        // All of it, where that is what equal distances leave.
        let first = Within { max_results: *self.wanted.end(), ..*self.within };
        let balls = self.search(radius, &first)?;
        let truncated = balls.told.truncated == [1];
        let reached = !truncated && self.wanted.contains(&balls.indices.len());
        Ok(Targeted { radius, balls, reached, searches: self.searches })
    }

    fn search(&self, radius: f32, within: &Within) -> Result<Balls> {
        self.index.radius_on(self.state, self.query.subset(&[0])?, &[radius], within, self.control)
    }

    /// Distance of the `target`-th nearest row.
    fn farthest(&mut self, target: usize) -> Result<f32> {
        self.searches += 1;
        let ef = (WIDTH * target).max(LEAST_WIDTH).max(self.within.ef);
        let near = Query { k: target, ef };
        let near = self.index.query_on(self.state, self.query.subset(&[0])?, near, self.matches, self.control)?;
        Ok(near.distances[target - 1])
    }
}
