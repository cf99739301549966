//! Exact neighbours of a few rows, to plan and to measure a table by.

use crate::control::Control;
use crate::error::Result;
use crate::exact::{self, Source};
use crate::options::Options;
use crate::random::draw;

/// Rows of the sample: with 15 neighbours each the recall is known to about 0.001.
const ROWS: usize = 400;
/// Stream of the draws.
const STREAM: u64 = 0x7361_6d70_6c65;

/// Rows and their neighbours.
pub(crate) struct Sample<'a> {
    source: Source<'a>,
    ids: Vec<u32>,
    neighbours: Vec<Vec<u32>>,
    /// The proxy of each row's k-th nearest other row.
    farthest: Vec<f32>,
    k: usize,
}

impl<'a> Sample<'a> {
    /// O(400·n) distances.
    pub fn of(source: Source<'a>, options: &Options, k: usize, control: Control<'_>) -> Result<Sample<'a>> {
        let n = source.rows.len();
        let mut ids: Vec<u32> =
            (0..ROWS.min(n) as u64).map(|i| (draw(options.seed, STREAM, i) % n as u64) as u32).collect();
        ids.sort_unstable();
        ids.dedup();
        let queries = source.rows.subset(&ids)?;
        let codes = source.codes_of(&queries, options.threads, control)?;
        // One more than k: the row finds itself, at 0, or a copy in its place, at 0 as well.
        let (exact, _) = exact::batch(source, &queries, codes.as_ref(), (k + 1).min(n), options.threads, control)?;
        let k = k.min(n - 1);
        let farthest = (0..ids.len()).map(|i| exact.row(i).next_back().map_or(f32::INFINITY, |(_, p)| p)).collect();
        let others = |(i, &own)| exact.row(i).map(|(id, _)| id).filter(move |&id| id != own).take(k).collect();
        let neighbours = ids.iter().enumerate().map(others).collect();
        Ok(Sample { source, ids, neighbours, farthest, k })
    }

    /// The sampled rows, ascending.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The `k` nearest others of each.
    pub fn neighbours(&self) -> &[Vec<u32>] {
        &self.neighbours
    }

    /// Share of the sample's k nearest that the first k of a table hold, by distance; `ids` are a row's.
    pub fn recall<'t>(&self, ids: impl Fn(usize) -> &'t [u32]) -> f64 {
        let pair = self.source.pair();
        let (mut hits, mut total) = (0, 0);
        for (&row, &farthest) in self.ids.iter().zip(&self.farthest) {
            let own = self.source.rows.row(row as usize);
            let others = ids(row as usize).iter().filter(|&&id| id != crate::knn::EMPTY);
            let near = others.filter(|&&id| pair.one(own, self.source.rows.row(id as usize)) <= farthest).count();
            hits += near.min(self.k);
            total += self.k;
        }
        if total == 0 { 1.0 } else { f64::from(hits as u32) / f64::from(total as u32) }
    }
}
