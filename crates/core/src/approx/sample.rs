//! Exact neighbours of a few rows, to measure a table by.

use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::options::Options;
use crate::random::draw;

/// Rows of the sample: with 15 neighbours each the recall is known to about 0.002.
const ROWS: usize = 256;
/// Stream of the draws.
const STREAM: u64 = 0x7361_6d70_6c65;

pub(super) struct Sample<'a> {
    source: Source<'a>,
    /// Row, and the proxy of its k-th nearest other row.
    rows: Vec<(usize, f32)>,
    k: usize,
}

impl<'a> Sample<'a> {
    /// O(256·n) distances.
    pub fn of(source: Source<'a>, options: &Options, k: usize, control: Control<'_>) -> Result<Sample<'a>> {
        let n = source.rows.len();
        let mut picked: Vec<usize> =
            (0..ROWS.min(n) as u64).map(|i| (draw(options.seed, STREAM, i) % n as u64) as usize).collect();
        picked.sort_unstable();
        picked.dedup();
        let ids: Vec<u32> = picked.iter().map(|&row| row as u32).collect();
        let queries = source.rows.subset(&ids)?;
        // One more than k: the row finds itself, at 0, or a copy in its place, at 0 as well.
        let exact = exact::batch(source, &queries, None, (k + 1).min(n), options.threads, control)?;
        let farthest = |row| exact.row(row).next_back().map_or(f32::INFINITY, |(_, proxy)| proxy);
        Ok(Sample { source, rows: picked.into_iter().enumerate().map(|(i, row)| (row, farthest(i))).collect(), k })
    }

    /// Share of the sample's k nearest that the first k of a table hold, by distance; `ids` are a row's.
    pub fn recall<'t>(&self, ids: impl Fn(usize) -> &'t [u32]) -> f64 {
        let pair = self.source.pair();
        let k = self.k.min(self.source.rows.len() - 1);
        let (mut hits, mut total) = (0, 0);
        for &(row, farthest) in &self.rows {
            let own = self.source.rows.row(row);
            let others = ids(row).iter().filter(|&&id| id != crate::knn::EMPTY);
            let near = others.filter(|&&id| pair.one(own, self.source.rows.row(id as usize)) <= farthest).count();
            hits += near.min(k);
            total += k;
        }
        if total == 0 { 1.0 } else { f64::from(hits as u32) / f64::from(total as u32) }
    }
}
