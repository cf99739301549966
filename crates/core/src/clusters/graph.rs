//! The approximate neighbour graph.

use super::aim;
use super::basis::Clusters;
use super::chain::{Chain, Query};
use super::effort::{Known, all_pairs};
use super::finish::Finish;
use super::space::{Cell, Cells, Space};
use crate::approx::Sample;
use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::exact::Source;
use crate::exact::tiles::FloatSide;
use crate::knn::{Knn, RunOn};
use crate::options::Options;

/// What lists can do for a graph.
pub(crate) enum Found {
    /// The graph, its recall on the sample, and what the lists were made of.
    Graph(Knn, f64, RunOn),
    /// All pairs are cheaper.
    AllPairs,
    /// The rows are none for products.
    Unfit,
}

/// The `k` nearest other rows of every row, proxies being f32 pair distances. `clusters`: those of the rows, where
/// they have been made.
pub(crate) fn graph(
    source: Source<'_>,
    clusters: Option<&Clusters>,
    options: &Options,
    k: usize,
    control: Control<'_>,
) -> Result<Found> {
    let Some(rows) = source.rows.dense().filter(|_| source.products()) else { return Ok(Found::Unfit) };
    let sample = Sample::of(source, options, k, control.quiet())?;
    // Rows of a part of an index come without coarse codes.
    let made;
    let source = match source.fast_codes() {
        None if source.wants_coarse() => {
            made = ByteCodes::coarse(rows, options.threads, control)?;
            Source { coarse: made.as_ref(), ..source }
        }
        _ => source,
    };
    let work = Work { source, sample: &sample, share: aim(options.graph_recall), options, k };
    if let Some(clusters) = clusters {
        match work.graph_by(clusters, control)? {
            Found::Unfit => {}
            found => return Ok(found),
        }
    }
    let codes = match clusters {
        Some(clusters) if !clusters.are_sketched() => None,
        _ => Clusters::of_codes(source, options.seed, options.threads, control)?,
    };
    if let Some(codes) = codes {
        match work.graph_by(&codes, control)? {
            Found::Unfit => {}
            found => return Ok(found),
        }
    }
    let Some(side) = FloatSide::of(rows, source.kernels, options.threads) else { return Ok(Found::Unfit) };
    let chain = Chain::of(source.kernels, &side, options.seed, options.threads, control)?;
    work.graph(&side, RunOn::Rows, &chain, control)
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
    let chain = Chain::of(source.kernels, space, options.seed, options.threads, control)?;
    let made = Work { source, sample: &sample, share, options, k }.fill(space, true, &chain, control)?;
    Ok(made.ok())
}

/// A graph to be made by lists.
struct Work<'a> {
    source: Source<'a>,
    sample: &'a Sample<'a>,
    /// The share of the sample's neighbours to be found.
    share: f64,
    options: &'a Options,
    k: usize,
}

impl Work<'_> {
    fn graph_by(&self, clusters: &Clusters, control: Control<'_>) -> Result<Found> {
        match clusters.space(self.source) {
            Some((space, on)) => self.graph(&space, on, clusters.chain(), control),
            None => Ok(Found::Unfit),
        }
    }

    /// `on`: what the space is made of.
    fn graph<C: Cell>(
        &self,
        space: &impl Space<C>,
        on: RunOn,
        chain: &Chain<C>,
        control: Control<'_>,
    ) -> Result<Found> {
        let knn = match self.fill(space, on == RunOn::Bytes, chain, control)? {
            Ok(knn) => knn,
            Err(found) => return Ok(found),
        };
        let recall = self.sample.recall(|row| &knn.ids[row * self.k..(row + 1) * self.k]);
        Ok(Found::Graph(knn, recall, on))
    }

    /// The table, or why there is none. `exact`: values in the space are the rows' proxies.
    fn fill<C: Cell>(
        &self,
        space: &impl Space<C>,
        exact: bool,
        chain: &Chain<C>,
        control: Control<'_>,
    ) -> Result<std::result::Result<Knn, Found>> {
        let (n, threads) = (space.len(), self.options.threads);
        let known = Known {
            rows: Cells::of(space, self.sample.ids().iter().copied()),
            neighbours: self.sample.neighbours(),
            ids: Some(self.sample.ids()),
            k: self.k,
            aim: self.share,
            all_pairs: all_pairs(self.source, space.width()),
            threads,
        };
        let Some(effort) = known.effort(chain, exact, control)? else { return Ok(Err(Found::Unfit)) };
        if effort.all_pairs {
            return Ok(Err(Found::AllPairs));
        }
        let query = Query { rows: space, same: true, widths: &effort.widths, threads };
        let phase = control.phase("near lists", chain.phases() * n as u64);
        let keep = effort.keep.min(n - 1);
        let Source { rows: own, codes, .. } = self.source;
        Finish { source: self.source, own, codes, k: self.k, keep, exact }.fill(chain, &query, &phase).map(Ok)
    }
}
