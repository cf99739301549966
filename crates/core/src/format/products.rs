//! The two products as sections.

use super::Kind;
use super::container::{Container, corrupt, words};
use super::fields::{Reader, Writer};
use super::write::{Content, Section};
use crate::code::Directions;
use crate::error::Result;
use crate::graph::Graph;
use crate::knn::{Reached, RunOn};
use crate::neighbors::{MISSING, Neighbors};

/// The neighbour graph and what is known of its making.
pub(crate) struct StoredGraph {
    pub neighbors: Neighbors,
    pub seconds: Option<f64>,
    pub reached: Option<Reached>,
}

/// Sections of a neighbour graph.
pub(crate) fn graph_sections(graph: &Neighbors, seconds: Option<f64>, reached: Option<Reached>) -> Vec<Section<'_>> {
    let mut info = Writer::default();
    info.size(graph.rows).size(graph.k).number(seconds).number(reached.map(|reached| reached.recall));
    info.u64(u64::from(reached.is_some_and(|reached| reached.exact)));
    info.u64(reached.and_then(|reached| reached.on).map_or(0, RunOn::number));
    vec![
        Section::new(Kind::GraphInfo, Content::Own(info.0)),
        Section::new(Kind::GraphIndices, Content::I32(&graph.indices)),
        Section::new(Kind::GraphDistances, Content::F32(&graph.distances)),
    ]
}

/// The neighbour graph of a container, checked to be one of `rows` rows with `k` columns.
pub(crate) fn read_graph(container: &Container<'_>, rows: usize, k: usize) -> Result<Option<StoredGraph>> {
    let Some(info) = container.get(Kind::GraphInfo)? else { return Ok(None) };
    let mut info = Reader::new(info);
    let shape = (info.size()?, info.size()?);
    let (seconds, recall) = (info.number()?, info.number()?);
    // Dumps made before these were told apart end here.
    let exact = !info.is_empty() && info.u64()? == 1;
    let on = if info.is_empty() { None } else { run_on(info.u64()?)? };
    info.end()?;
    let reached = recall.map(|recall| Reached { recall, exact, on });
    let indices = words(container.need(Kind::GraphIndices)?, i32::from_le_bytes)?;
    let distances = words(container.need(Kind::GraphDistances)?, f32::from_le_bytes)?;
    let cells = rows.checked_mul(k);
    if shape != (rows, k) || cells != Some(indices.len()) || cells != Some(distances.len()) {
        return Err(corrupt(format!("a neighbour graph of {} x {}, not {rows} x {k}", shape.0, shape.1)));
    }
    if let Some(id) = indices.iter().find(|&&id| id < MISSING || (id >= 0 && id as usize >= rows)) {
        return Err(corrupt(format!("neighbour {id} of {rows} rows")));
    }
    if distances.iter().any(|distance| distance.is_nan()) {
        return Err(corrupt("a distance that is not a number"));
    }
    Ok(Some(StoredGraph { neighbors: Neighbors { rows, k, indices, distances }, seconds, reached }))
}

/// 0 where it is not known.
fn run_on(number: u64) -> Result<Option<RunOn>> {
    let on = RunOn::ALL.into_iter().find(|on| on.number() == number);
    match on {
        None if number > 0 => Err(corrupt(format!("codes of number {number}, of {}", RunOn::ALL.len()))),
        on => Ok(on),
    }
}

/// What is stored of a search index besides its links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchInfo {
    pub m: usize,
    pub entry: usize,
    pub repaired: usize,
    pub inserts: usize,
    /// Queries are not charged for its building.
    pub prepared: bool,
}

/// A stored search index.
pub(crate) struct StoredSearch {
    pub graph: Graph,
    pub info: SearchInfo,
    /// Which sketches walks run on, `None` inside where they run on none; `None` where that is not known.
    pub sketched: Option<Option<Directions>>,
}

/// Sections of a search index.
pub(crate) fn search_sections(graph: &Graph, repaired: usize, inserts: usize, prepared: bool) -> Vec<Section<'_>> {
    let mut info = Writer::default();
    info.size(graph.m()).size(graph.entry() as usize).size(repaired).size(inserts).u64(u64::from(prepared));
    let (levels, base, upper) = graph.parts();
    vec![
        Section::new(Kind::SearchInfo, Content::Own(info.0)),
        Section::new(Kind::Levels, Content::Bytes(levels)),
        Section::new(Kind::BaseLinks, Content::U32(base)),
        Section::new(Kind::UpperLinks, Content::U32(upper)),
    ]
}

/// The section that says which sketches walks run on: see [`StoredSearch::sketched`].
pub(crate) fn sketch_section(sketched: &Option<Directions>) -> Section<'static> {
    let mut fields = Writer::default();
    fields.size(sketched.as_ref().map_or(0, |known| known.bytes));
    if let Some(Directions { scale, mean, axes, .. }) = sketched {
        fields.number(Some(f64::from(*scale))).values(Some(mean)).values(Some(axes));
    }
    Section::new(Kind::Sketch, Content::Own(fields.0))
}

fn read_sketch(container: &Container<'_>) -> Result<Option<Option<Directions>>> {
    let Some(bytes) = container.get(Kind::Sketch)? else { return Ok(None) };
    let mut fields = Reader::new(bytes);
    let bytes = fields.size()?;
    if bytes == 0 {
        return fields.end().map(|()| Some(None));
    }
    let scale = fields.number()?.unwrap_or_default() as f32;
    let (mean, axes) = (fields.values()?.unwrap_or_default(), fields.values()?.unwrap_or_default());
    fields.end()?;
    Ok(Some(Some(Directions { bytes, scale, mean, axes })))
}

/// What is known of a container's search index. O(1).
pub(crate) fn read_search_info(container: &Container<'_>) -> Result<Option<SearchInfo>> {
    let Some(info) = container.get(Kind::SearchInfo)? else { return Ok(None) };
    let mut info = Reader::new(info);
    let (m, entry, repaired, inserts) = (info.size()?, info.size()?, info.size()?, info.size()?);
    // Dumps of version 1 end here.
    let prepared = !info.is_empty() && info.u64()? == 1;
    info.end()?;
    Ok(Some(SearchInfo { m, entry, repaired, inserts, prepared }))
}

/// The search index of a container, checked to be one of `rows` rows with `m` links: no link leads outside.
pub(crate) fn read_search(container: &Container<'_>, rows: usize, m: usize) -> Result<Option<StoredSearch>> {
    let Some(info) = read_search_info(container)? else { return Ok(None) };
    let levels = container.need(Kind::Levels)?;
    if info.m != m || levels.len() != rows {
        return Err(corrupt(format!("links of {} rows with m {}, not of {rows} with {m}", levels.len(), info.m)));
    }
    container.check(Kind::BaseLinks)?;
    container.check(Kind::UpperLinks)?;
    let (base, upper) = (container.numbers(Kind::BaseLinks)?, container.numbers(Kind::UpperLinks)?);
    let graph = Graph::from_parts(container.threads(), m, levels, base, upper, info.entry).map_err(corrupt)?;
    Ok(Some(StoredSearch { graph, info, sketched: read_sketch(container)? }))
}

/// Whether the products' sections are as long as they must be for `rows` rows. O(1): nothing is read.
pub(crate) fn check_shapes(container: &Container<'_>, rows: usize, k: usize, m: usize) -> Result<()> {
    let cells = rows.checked_mul(k).and_then(|cells| cells.checked_mul(4));
    let base = rows.checked_mul(8 * m);
    let needed = [
        (Kind::GraphInfo, Kind::GraphIndices, cells),
        (Kind::GraphInfo, Kind::GraphDistances, cells),
        (Kind::SearchInfo, Kind::Levels, Some(rows)),
        (Kind::SearchInfo, Kind::BaseLinks, base),
    ];
    for (of, kind, bytes) in needed.into_iter().filter(|&(of, ..)| container.has(of)) {
        let seen = container.length(kind)?;
        if Some(seen) != bytes {
            let (of, kind) = (of.name(), kind.name());
            return Err(corrupt(format!("{kind} of {seen} bytes, but the {of} of {rows} rows needs {bytes:?}")));
        }
    }
    Ok(())
}
