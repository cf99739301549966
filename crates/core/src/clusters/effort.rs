//! How much a search by lists has to look at, read off rows whose neighbours are known.

use super::chain::{Chain, Query, Widths};
use super::space::{Cell, Cells};
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;

/// Candidates beyond `2 k` among which neighbours are looked for where codes lose something.
const MOST_SLACK: usize = 112;
/// Products of lists cost about so many of all pairs, which need no gathering (measured); where codes lose something, all
/// pairs need a proof, lists none.
const DETOUR: [f64; 2] = [0.8, 1.6];
/// Columns in the time of which a product is looked at, whatever its length.
const LOOK: f64 = 32.0;

/// How many products a row, of rows of `width` bytes, cost as much as all pairs of the source do.
pub(super) fn all_pairs(source: Source<'_>, width: usize) -> f64 {
    let longer = (source.rows.width() as f64 + LOOK) / (width as f64 + LOOK);
    source.rows.len() as f64 / 2.0 * longer / DETOUR[usize::from(source.byte_tiles())]
}

/// Rows with known neighbours.
pub(super) struct Known<'a, C: Cell> {
    pub rows: Cells<C>,
    /// The `k` nearest of each.
    pub neighbours: &'a [Vec<u32>],
    /// Which member of the chain each row is, if they are such.
    pub ids: Option<&'a [u32]>,
    pub k: usize,
    /// The share of the neighbours to be found.
    pub aim: f64,
    /// From how many products a row on all pairs are the cheaper way.
    pub all_pairs: f64,
    pub threads: usize,
}

/// What to look at.
pub(super) struct Effort {
    pub widths: Widths,
    /// Candidates that are compared by pair distances.
    pub keep: usize,
    /// Products a row.
    pub products: f64,
    /// All pairs are the cheaper way.
    pub all_pairs: bool,
}

impl<C: Cell> Known<'_, C> {
    /// The least effort that finds what is to be found. `None` where values of the space tell too little of which
    /// candidates are near; `exact` values tell all. O(known · (lists + looked at)).
    pub fn effort(&self, chain: &Chain<C>, exact: bool, control: Control<'_>) -> Result<Option<Effort>> {
        let ranks = chain.ranks(&self.rows, self.neighbours, self.threads, control)?;
        let widths = chain.widths(&ranks, self.aim);
        let products = chain.products(&widths);
        let all_pairs = products >= self.all_pairs;
        let keep = if exact || all_pairs { Some(self.k) } else { self.keep(chain, &widths, control)? };
        Ok(keep.map(|keep| Effort { widths, keep, products, all_pairs }))
    }

    /// How many candidates must be kept: where the neighbours stand in what is found, by values of the space.
    fn keep(&self, chain: &Chain<C>, widths: &Widths, control: Control<'_>) -> Result<Option<usize>> {
        let query = Query { rows: &self.rows, same: false, widths, threads: self.threads };
        let most = 2 * self.k + MOST_SLACK;
        let phase = control.quiet().phase("sample", 0);
        let mut places: Vec<Vec<usize>> = self.neighbours.iter().map(|near| vec![usize::MAX; near.len()]).collect();
        let slots = places.iter_mut().collect();
        chain.each(
            &query,
            most + 1,
            slots,
            &phase,
            || (),
            |(), places: &mut &mut Vec<usize>, row, nearest| {
                let own = self.ids.map(|ids| ids[row as usize]);
                for (place, (_, id)) in nearest.filter(|&(_, id)| Some(id) != own).enumerate() {
                    if let Some(at) = self.neighbours[row as usize].iter().position(|&neighbour| neighbour == id) {
                        places[at] = place;
                    }
                }
            },
        )?;
        let mut places: Vec<usize> = places.into_iter().flatten().collect();
        places.sort_unstable();
        // Lists miss some on their own; codes may miss half as many.
        let missed = (1.5 * (1.0 - self.aim) * places.len() as f64) as usize;
        let last = places[..places.len() - missed.min(places.len())].last().copied().unwrap_or(0);
        Ok((last < most).then(|| (last + 1 + last / 3).max(self.k + self.k / 4 + 2)))
    }
}
