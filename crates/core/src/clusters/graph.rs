//! The approximate neighbour graph.

use super::aim;
use super::chain::{Chain, Query};
use super::effort::Known;
use super::space::{Cell, Cells, Space};
use crate::approx::Sample;
use crate::code::ByteCodes;
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::Source;
use crate::exact::tiles::FloatSide;
use crate::knn::Knn;
use crate::neighbors::Neighbor;
use crate::options::Options;
use crate::points::Points;

/// What lists can do for a graph.
pub(crate) enum Found {
    /// The graph, and its recall on the sample.
    Graph(Knn, f64),
    /// All pairs are cheaper.
    AllPairs,
    /// The rows are none for products.
    Unfit,
}

/// The `k` nearest other rows of every row, proxies being f32 pair distances.
pub(crate) fn graph(source: Source<'_>, options: &Options, k: usize, control: Control<'_>) -> Result<Found> {
    let Some(rows) = source.rows.dense().filter(|_| source.products()) else { return Ok(Found::Unfit) };
    let sample = Sample::of(source, options, k, control.quiet())?;
    let aim = aim(options.graph_recall);
    let made;
    let codes = match source.fast_codes() {
        None if source.wants_coarse() => {
            made = ByteCodes::coarse(rows, options.threads, control)?;
            made.as_ref()
        }
        codes => codes,
    };
    if let Some(codes) = codes {
        let of_codes = Graph { source, space: codes, exact: codes.is_exact(), sample: &sample, aim, options, k };
        match of_codes.make(control)? {
            Found::Unfit => {}
            found => return Ok(found),
        }
    }
    match FloatSide::of(rows, source.kernels, options.threads) {
        Some(side) => {
            Graph { source, space: &side, exact: false, sample: &sample, aim, options, k }.make(control.quiet())
        }
        None => Ok(Found::Unfit),
    }
}

/// As [`graph`], by the values of `space` alone, of which f32 must hold all: proxies are such values. At least about
/// `share` of what the space holds near is found; `None` where all pairs are cheaper.
pub(crate) fn table(
    source: Source<'_>,
    space: &impl Space<u8>,
    share: f64,
    options: &Options,
    k: usize,
    control: Control<'_>,
) -> Result<Option<Knn>> {
    let sample = Sample::of(source, options, k, control.quiet())?;
    let made = Graph { source, space, exact: true, sample: &sample, aim: share, options, k }.fill(control)?;
    Ok(made.ok())
}

/// A graph by way of a space.
struct Graph<'a, S> {
    source: Source<'a>,
    space: &'a S,
    /// Values in the space are the rows' proxies.
    exact: bool,
    sample: &'a Sample<'a>,
    /// The share of the sample's neighbours to be found.
    aim: f64,
    options: &'a Options,
    k: usize,
}

impl<S> Graph<'_, S> {
    fn make<C: Cell>(&self, control: Control<'_>) -> Result<Found>
    where
        S: Space<C>,
    {
        let knn = match self.fill(control)? {
            Ok(knn) => knn,
            Err(found) => return Ok(found),
        };
        let recall = self.sample.recall(|row| &knn.ids[row * self.k..(row + 1) * self.k]);
        Ok(Found::Graph(knn, recall))
    }

    /// The table, or why there is none.
    fn fill<C: Cell>(&self, control: Control<'_>) -> Result<std::result::Result<Knn, Found>>
    where
        S: Space<C>,
    {
        let (n, threads) = (self.space.len(), self.options.threads);
        let kernels = self.source.kernels;
        let chain = Chain::of(kernels, self.space, self.options.seed, threads, control)?;
        let known = Known {
            rows: Cells::of(self.space, self.sample.ids().iter().copied()),
            neighbours: self.sample.neighbours(),
            ids: Some(self.sample.ids()),
            k: self.k,
            aim: self.aim,
            all: n as f64 / 2.0,
            threads,
        };
        let Some(effort) = known.effort(&chain, self.exact, control)? else { return Ok(Err(Found::Unfit)) };
        if effort.all_pairs {
            return Ok(Err(Found::AllPairs));
        }
        let query = Query { rows: self.space, same: true, widths: &effort.widths, threads };
        let phase = control.phase("near lists", chain.phases() * n as u64);
        let keep = effort.keep.min(n - 1);
        let finish = Finish { source: self.source, own: self.source.rows, k: self.k, keep, exact: self.exact };
        finish.fill(&chain, &query, &phase).map(Ok)
    }
}

/// How the candidates of a chain become neighbours.
pub(super) struct Finish<'a> {
    pub source: Source<'a>,
    /// The rows of the query.
    pub own: &'a Points,
    pub k: usize,
    /// Candidates that are compared by pair distances; `k` where values of the space are such.
    pub keep: usize,
    pub exact: bool,
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
            Vec::new,
            |found: &mut Vec<Neighbor>, (ids, proxies), row, nearest| {
                found.clear();
                let mut settled = self.exact;
                for (value, id) in nearest {
                    let proxy = C::settled(value);
                    settled &= proxy.is_some();
                    found.push(Neighbor { proxy: proxy.unwrap_or(0.0), id });
                }
                if !settled {
                    self.compare(row, found);
                }
                for ((neighbor, id), proxy) in found.iter().zip(ids.iter_mut()).zip(proxies.iter_mut()) {
                    (*id, *proxy) = (neighbor.id, neighbor.proxy);
                }
            },
        )?;
        Ok(knn)
    }

    /// Puts pair distances to `row` into what was found, and sorts it.
    fn compare(&self, row: u32, found: &mut [Neighbor]) {
        let (pair, rows, own) = (self.source.pair(), self.source.rows, self.own.row(row as usize));
        let (fours, rest) = found.as_chunks_mut::<4>();
        for four in fours {
            let proxies = pair.four(own, four.map(|other| rows.row(other.id as usize)));
            four.iter_mut().zip(proxies).for_each(|(other, proxy)| other.proxy = proxy);
        }
        rest.iter_mut().for_each(|other| other.proxy = pair.one(own, rows.row(other.id as usize)));
        found.sort_unstable();
    }
}
