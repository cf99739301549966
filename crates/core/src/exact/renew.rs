//! The graph of rows of which some have changed, from the graph before: only what can differ is computed.
//!
//! A row is looked at in full where it changed itself or where a row that changed or went was among its nearest. All
//! others keep their nearest, unless a changed row is now nearer: they are compared with the changed rows alone.
//! Of an exact graph the result is that of [`super::graph`], bit for bit.

use super::{Source, batch};
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::knn::{Knn, RunOn};
use crate::neighbors::{Neighbor, Neighbors};

/// Queries of one batch.
const STEP: usize = 8192;
/// Renewing must compute less than this share of the cells of a new graph, which uses each cell twice.
const WORTH: f64 = 0.8;

/// What is wanted, and what it may cost.
pub(crate) struct Renewal {
    /// Neighbours of a row.
    pub k: usize,
    /// What the cheapest new graph takes, as a share of an exact one.
    pub worth: f64,
    pub threads: usize,
}

/// The `k` nearest other rows of every row; `old` was so before the rows `changed` (ascending; those from
/// `old.rows` on are new) became what they are, and others, missing among its neighbours now, went. `None` where a new graph
/// is cheaper; else beside it the dearest of what batches ran on. Rows that are not looked at in full miss what they missed.
pub(crate) fn renew(
    source: Source<'_>,
    old: &Neighbors,
    changed: &[u32],
    Renewal { k, worth, threads }: Renewal,
    control: Control<'_>,
) -> Result<Option<(Knn, RunOn)>> {
    let n = source.rows.len();
    let mut marks = vec![false; n];
    changed.iter().for_each(|&id| marks[id as usize] = true);
    let lost = |row: usize| old.row(row).0[1..].iter().any(|&id| id < 0 || marks[id as usize]);
    let (anew, kept): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&row| marks[row as usize] || lost(row as usize));
    let cells = anew.len() as f64 * n as f64 + kept.len() as f64 * changed.len() as f64;
    if cells > worth * WORTH * (n as f64).powi(2) / 2.0 {
        return Ok(None);
    }
    let mut out = Knn::empty(n, k)?;
    let phase = control.phase("renew graph", n as u64);
    let work = Work { source, threads, control: control.quiet(), phase: &phase };
    let of_anew = work.each(&anew, source, k + 1, |row, found| {
        let others = found.filter(|other| other.id != row);
        put(&mut out, row, others.take(k));
    })?;
    let (pair, others) = (source.pair(), source.rows.subset(changed)?);
    let codes = source.codes_of(&others, threads, control)?;
    let beside = source.beside(&others, codes.as_ref());
    let mut all: Vec<Neighbor> = Vec::new();
    let of_kept = work.each(&kept, beside, k, |row, found| {
        let own = source.rows.row(row as usize);
        all.clear();
        all.extend(found.map(|new| Neighbor { id: changed[new.id as usize], ..new }));
        all.extend(
            old.row(row as usize).0[1..]
                .iter()
                .map(|&id| Neighbor { proxy: pair.one(own, source.rows.row(id as usize)), id: id as u32 }),
        );
        all.sort_unstable();
        put(&mut out, row, all.iter().copied().take(k));
    })?;
    control.check().map(|()| Some((out, of_anew.max(of_kept))))
}

fn put(out: &mut Knn, row: u32, found: impl Iterator<Item = Neighbor>) {
    let start = row as usize * out.k;
    for (cell, neighbor) in (start..start + out.k).zip(found) {
        (out.ids[cell], out.proxies[cell]) = (neighbor.id, neighbor.proxy);
    }
}

struct Work<'a> {
    source: Source<'a>,
    threads: usize,
    control: Control<'a>,
    phase: &'a Phase<'a>,
}

impl Work<'_> {
    /// Hands out the nearest rows of `beside` for each of the rows `ids`; what found them.
    fn each(
        &self,
        ids: &[u32],
        beside: Source<'_>,
        k: usize,
        mut take: impl FnMut(u32, &mut dyn Iterator<Item = Neighbor>),
    ) -> Result<RunOn> {
        let mut dearest = RunOn::Bytes;
        for ids in ids.chunks(STEP) {
            let queries = self.source.rows.subset(ids)?;
            let codes = self.source.codes_of(&queries, self.threads, self.control)?;
            let (found, on) =
                batch(beside, &queries, codes.as_ref(), k.min(beside.rows.len()), self.threads, self.control)?;
            dearest = dearest.max(on);
            for (i, &row) in ids.iter().enumerate() {
                take(row, &mut found.row(i).map(|(id, proxy)| Neighbor { proxy, id }));
            }
            self.phase.advance(ids.len() as u64);
        }
        Ok(dearest)
    }
}
