//! From what lists find to neighbours: candidates are compared by what their distances are made of.

use super::chain::{Chain, Query};
use super::space::{Cell, Space};
use crate::code::{ByteCodes, EXACT_SQUARES};
use crate::control::Phase;
use crate::error::Result;
use crate::exact::Source;
use crate::knn::Knn;
use crate::neighbors::Neighbor;
use crate::points::Points;
use crate::search::scorer::{ByteScorer, RowScorer, Scorer};

/// How the candidates of a chain become neighbours.
pub(super) struct Finish<'a> {
    pub source: Source<'a>,
    /// The rows of the query.
    pub own: &'a Points,
    /// Codes that stand for them exactly, beside those of the source.
    pub codes: Option<&'a ByteCodes>,
    pub k: usize,
    /// Candidates that are compared; `k` where values of the space are pair distances.
    pub keep: usize,
    pub exact: bool,
}

/// Candidates of one row, and buffers to compare them in.
#[derive(Default)]
struct Candidates {
    found: Vec<Neighbor>,
    ids: Vec<u32>,
    proxies: Vec<f32>,
}

impl Finish<'_> {
    /// The `k` nearest of each row of `query`.
    pub fn fill<C: Cell, S: Space<C>>(&self, chain: &Chain<C>, query: &Query<'_, S>, phase: &Phase<'_>) -> Result<Knn> {
        let mut knn = Knn::empty(query.rows.len(), self.k)?;
        let slots = knn.ids.chunks_mut(self.k).zip(knn.proxies.chunks_mut(self.k)).collect();
        chain.each(
            query,
            self.keep,
            slots,
            phase,
            Candidates::default,
            |candidates: &mut Candidates, (ids, proxies), row, nearest| {
                let found = &mut candidates.found;
                found.clear();
                let mut settled = self.exact;
                for (value, id) in nearest {
                    let proxy = C::settled(value);
                    settled &= proxy.is_some();
                    found.push(Neighbor { proxy: proxy.unwrap_or(0.0), id });
                }
                if !settled {
                    self.compare(row as usize, candidates);
                }
                for ((neighbor, id), proxy) in candidates.found.iter().zip(ids.iter_mut()).zip(proxies.iter_mut()) {
                    (*id, *proxy) = (neighbor.id, neighbor.proxy);
                }
            },
        )?;
        Ok(knn)
    }

    /// Puts pair distances to `row` into what was found, and sorts it. Exact codes give the same in fewer bytes, as
    /// long as f32 holds their sums.
    fn compare(&self, row: usize, candidates: &mut Candidates) {
        let Candidates { found, ids, proxies } = candidates;
        ids.clear();
        ids.extend(found.iter().map(|candidate| candidate.id));
        let by_codes = self.source.codes.zip(self.codes).map(|(codes, own)| ByteScorer {
            dot: self.source.kernels.u8_dot,
            codes,
            query: own.padded(row),
            norm: own.norms()[row],
        });
        let by_rows = RowScorer { pair: self.source.pair(), rows: self.source.rows, query: self.own.row(row) };
        match by_codes {
            Some(by_codes) => {
                by_codes.score(ids, proxies);
                if proxies.iter().any(|&proxy| proxy >= EXACT_SQUARES as f32) {
                    by_rows.score(ids, proxies);
                }
            }
            None => by_rows.score(ids, proxies),
        }
        found.iter_mut().zip(proxies.iter()).for_each(|(candidate, &proxy)| candidate.proxy = proxy);
        found.sort_unstable();
    }
}
