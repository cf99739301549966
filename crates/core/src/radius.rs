//! Radius search as callers see it: what they ask for, and what they get.

use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::options::MAX_K;

/// What a radius search is asked for, besides queries and radii.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// Most rows of a result; of more the nearest are kept.
    pub max_results: usize,
    /// Least share of the rows of a ball that a walk must find, 0 to 1. At 1 all rows are compared.
    pub min_recall: f64,
    /// Nearest first; otherwise by id.
    pub sort: bool,
    /// How much larger than the ball a walk's own is, at least 1. Smaller ones find less for the same work.
    pub expansion_factor: f32,
    /// Least width of walks; what `min_recall` needs is used where it is more.
    pub ef: usize,
    /// Compares all rows, whatever that takes.
    pub exact: bool,
    /// The rows that may be returned, where not all may.
    pub filter: Option<&'a Filter>,
}

/// Widest slack that is taken.
const MAX_EXPANSION: f32 = 100.0;

impl Default for Within<'_> {
    fn default() -> Self {
        let (max_results, min_recall, expansion_factor) = (1_000, 0.95, 1.2);
        Within { max_results, min_recall, sort: true, expansion_factor, ef: 0, exact: false, filter: None }
    }
}

impl Within<'_> {
    /// `InvalidArgument` naming the first field outside its range.
    pub fn check(&self) -> Result<()> {
        if !(1..=MAX_K).contains(&self.max_results) {
            return Err(Error::invalid("max_results", self.max_results, format!("1..={MAX_K}")));
        }
        if !(0.0..=1.0).contains(&self.min_recall) {
            return Err(Error::invalid("min_recall", self.min_recall, "0..=1"));
        }
        if !(1.0..=MAX_EXPANSION).contains(&self.expansion_factor) {
            return Err(Error::invalid("expansion_factor", self.expansion_factor, format!("1..={MAX_EXPANSION}")));
        }
        if self.ef > MAX_K {
            return Err(Error::invalid("ef", self.ef, format!("0..={MAX_K}")));
        }
        Ok(())
    }
}

/// The rows within a distance of each query. Row `i` of the result lies at `offsets[i]..offsets[i + 1]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Balls {
    /// One more than queries, ascending from 0.
    pub offsets: Vec<i32>,
    /// Ids.
    pub indices: Vec<i32>,
    /// Distances of the index's metric.
    pub distances: Vec<f32>,
    /// What became of each query.
    pub told: Told,
}

/// A value for each query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Rows compared.
    pub visited: Vec<i32>,
    /// Rows met in the ball and the slack around it; where all rows were compared, in the ball, at most one more than asked for.
    pub candidates: Vec<i32>,
    /// Distance of the farthest row of the result, NaN where it has none.
    pub largest: Vec<f32>,
    /// 1 where more rows qualify than were asked for.
    pub truncated: Vec<u8>,
    /// 1 where all rows were compared.
    pub exact: Vec<u8>,
    /// Time; of queries that were answered together, the share of each.
    pub ms: Vec<f32>,
}

impl Balls {
    /// Number of queries.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Ids and distances for one query.
    pub fn row(&self, row: usize) -> (&[i32], &[f32]) {
        let cells = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        (&self.indices[cells.clone()], &self.distances[cells])
    }
}

/// How many rows are within a distance of a query, from a uniform sample of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// The sample's share of all rows.
    pub count: f64,
    /// In 95 of 100 samples the true number is at least this ...
    pub low: f64,
    /// ... and at most this.
    pub high: f64,
}

impl Estimate {
    /// From `hits` of a sample of `sample` of `n` rows: Wilson's interval, narrowed for a sample that is a large part
    /// of the rows, and never at odds with what was seen.
    pub(crate) fn of(hits: usize, sample: usize, n: usize) -> Estimate {
        const Z: f64 = 1.959_964;
        if sample == n {
            return Estimate { count: hits as f64, low: hits as f64, high: hits as f64 };
        }
        let (found, missed, n) = (hits as f64, (sample - hits) as f64, n as f64);
        let size = sample as f64;
        // Of a sample without putting back only the rows outside it are uncertain.
        let rest = (n - size) / (n - 1.0).max(1.0);
        let z2 = Z * Z * rest;
        let (share, all) = (found / size, found * n / size);
        let middle = (share + z2 / (2.0 * size)) / (1.0 + z2 / size);
        let half = (z2 * (share * (1.0 - share) / size + z2 / (4.0 * size * size))).sqrt() / (1.0 + z2 / size);
        Estimate {
            count: all,
            low: ((middle - half) * n).floor().min(all).max(found),
            high: ((middle + half) * n).ceil().max(all).min(n - missed),
        }
    }
}

/// The radius that holds about so many rows, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Targeted {
    /// The radius.
    pub radius: f32,
    /// The rows within it: one query's.
    pub balls: Balls,
    /// Whether their number is as near the target as was asked. Equal distances may leave no such radius.
    pub reached: bool,
    /// Searches that it took.
    pub searches: usize,
}

#[cfg(test)]
mod tests {
    use super::Estimate;

    #[test]
    fn an_interval_holds_the_estimate_and_is_a_point_where_all_rows_were_seen() {
        for (hits, sample, n) in [(0, 100, 1_000), (3, 100, 1_000), (100, 100, 1_000), (50, 100, 101)] {
            let Estimate { count, low, high } = Estimate::of(hits, sample, n);
            assert!(low <= count && count <= high && low >= hits as f64, "{low} {count} {high}");
            assert!(high <= (n - (sample - hits)) as f64, "{high}");
        }
        assert_eq!(Estimate::of(7, 50, 50), Estimate { count: 7.0, low: 7.0, high: 7.0 });
        let none = Estimate::of(0, 1_000, 100_000);
        assert!(none.count == 0.0 && none.high > 300.0 && none.high < 500.0, "{none:?}");
    }
}
