//! Lists of rows, lists of their means, and so on: how a row finds its near lists without meeting all.

use super::lists::Lists;
use super::near::{Near, Wanted};
use super::space::{Cell, Cells, Space};
use super::tree::{Partition, partition};
use crate::control::{Control, Phase};
use crate::error::Result;
use crate::exact::tiles::Value;
use crate::parallel;
use crate::random::draw;
use hnsw_kernels::Kernels;

/// Rows of a list, about (measured: with 64 a graph costs up to a tenth more).
const LIST: usize = 112;
/// Most rows of a list: longer ones, of rows that are alike, are cut anywhere.
pub(super) const MOST: usize = 4 * LIST;
/// Lists of means in which a row's nearest mean is looked for.
const HOME: usize = 8;
/// Stream of the draws.
const STREAM: u64 = 0x6c69_7374;
/// Means that need no lists of their own.
const FLAT: usize = 96;

/// `levels[0]` are lists of rows, `levels[i + 1]` lists of the means of `levels[i]`; the last one is flat.
pub(crate) struct Chain<C: Cell> {
    kernels: &'static Kernels,
    levels: Vec<Lists<C>>,
}

/// How many near lists are looked at on each level of a chain but the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Widths(pub Vec<usize>);

impl<C: Cell> Chain<C> {
    /// O(n·√n) products, O(n) memory: a packed copy of the rows.
    pub fn of(
        kernels: &'static Kernels,
        space: &impl Space<C>,
        seed: u64,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Self> {
        let tree = partition(kernels, space, LIST, draw(seed, STREAM, 0), threads, control)?;
        let lists = Lists::by(tree, false, kernels, space, threads, control)?;
        let chain = Chain::above(lists, kernels, seed, threads, control)?;
        // A tree sends some rows to a list that is not their nearest, which they would look for in vain.
        let near = Widths(std::iter::once(1).chain((1..chain.depth()).map(|_| HOME)).collect());
        let query = Query { rows: space, same: false, widths: &near, threads };
        let homes = chain.wanted(&query, &control.quiet().phase("lists", 0))?;
        let by_home = Partition::by_home(homes.order, |row| homes.lists[row as usize], MOST);
        drop(chain);
        let lists = Lists::by(by_home, true, kernels, space, threads, control)?;
        Chain::above(lists, kernels, seed, threads, control)
    }

    /// `lists`, and lists of their means.
    fn above(
        lists: Lists<C>,
        kernels: &'static Kernels,
        seed: u64,
        threads: usize,
        control: Control<'_>,
    ) -> Result<Self> {
        let mut levels = vec![lists];
        loop {
            let last = &levels[levels.len() - 1];
            let (centres, count) = (last.centres(), last.count());
            if count <= FLAT {
                let flat = Lists::flat(kernels, centres);
                levels.push(flat);
                return Ok(Chain { kernels, levels });
            }
            let seed = draw(seed, STREAM, levels.len() as u64);
            let lists = Lists::of(kernels, centres, count.isqrt(), seed, threads, control)?;
            levels.push(lists);
        }
    }

    /// Lists of rows.
    #[cfg(test)]
    pub fn lists(&self) -> &Lists<C> {
        &self.levels[0]
    }

    /// Levels whose near lists are counted.
    fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    /// Products that a row needs for its near lists and their rows.
    pub fn products(&self, widths: &Widths) -> f64 {
        let levels = self.levels.iter().zip(&widths.0).map(|(lists, &width)| lists.looked_at(width));
        levels.sum::<f64>() + self.levels[self.depth()].len() as f64
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.levels.iter().map(Lists::bytes).sum()
    }

    /// Times that a search goes over its rows: once a level.
    pub fn phases(&self) -> u64 {
        self.levels.len() as u64
    }

    /// Hands each row's `keep` nearest to `sink`, as [`Near::each`].
    pub fn each<S: Space<C>, T: Send, W>(
        &self,
        query: &Query<'_, S>,
        keep: usize,
        slots: Vec<T>,
        phase: &Phase<'_>,
        state: impl Fn() -> W + Sync,
        sink: impl Fn(&mut W, &mut T, u32, &mut dyn Iterator<Item = (C::Value, u32)>) + Sync,
    ) -> Result<()> {
        let wanted = self.wanted(query, phase)?;
        self.near(0, query, query.same).each(&wanted, keep, slots, phase, state, sink)
    }

    /// The near lists of each row.
    fn wanted<S: Space<C>>(&self, query: &Query<'_, S>, phase: &Phase<'_>) -> Result<Wanted> {
        let mut wanted = Wanted::first(query.rows.len());
        for level in (0..self.depth()).rev() {
            wanted = self.near(level + 1, query, false).wanted(&wanted, query.widths.0[level], phase)?;
        }
        Ok(wanted)
    }

    fn near<'a, S>(&'a self, level: usize, query: &Query<'a, S>, same: bool) -> Near<'a, C, S> {
        let Query { rows, threads, .. } = *query;
        Near { kernels: self.kernels, lists: &self.levels[level], rows, same, threads }
    }

    /// For each of `rows` and each of its `targets` (members of the chain, by row): how many lists of each level are
    /// nearer than the target's, the highest level last.
    pub fn ranks(
        &self,
        rows: &Cells<C>,
        targets: &[Vec<u32>],
        threads: usize,
        control: Control<'_>,
    ) -> Result<Vec<Vec<usize>>> {
        let homes: Vec<Vec<u32>> = self.levels[..self.depth()].iter().map(Lists::homes).collect();
        let ranks = parallel::map(
            threads,
            rows.len(),
            || (Vec::new(), Cells::new(rows.width())),
            |(values, own), row| {
                own.gather(rows, &[row as u32]);
                let mut homes_of: Vec<u32> = targets[row].clone();
                let mut ranks = vec![Vec::new(); homes_of.len()];
                for (level, homes) in homes.iter().enumerate() {
                    self.values(level + 1, own, values);
                    for (home, ranks) in homes_of.iter_mut().zip(&mut ranks) {
                        *home = homes[*home as usize];
                        let target = (values[*home as usize], *home);
                        let nearer = |&(list, &value): &(u32, &C::Value)| (value, list) < target;
                        ranks.push((0..).zip(values.iter()).filter(nearer).count());
                    }
                }
                ranks
            },
            control,
        )?;
        Ok(ranks.into_iter().flatten().collect())
    }

    /// Values of one row against all members of a level, by member.
    fn values(&self, level: usize, row: &Cells<C>, values: &mut Vec<C::Value>) {
        let lists = &self.levels[level];
        values.clear();
        values.resize(lists.len(), C::Value::ZERO);
        let mut cells = Vec::new();
        for list in 0..lists.count() {
            let (members, norms) = (lists.members(list), lists.norms(list));
            let ld = members.len().next_multiple_of(16);
            cells.resize(cells.len().max(ld), C::Value::ZERO);
            C::dots(self.kernels, row.all(), lists.packed(list), &mut cells, ld);
            for ((&member, &norm), &dot) in members.iter().zip(norms).zip(&cells) {
                values[member as usize] = C::value(row.norms()[0], norm, dot);
            }
        }
    }

    /// The least widths at which `share` of the ranks lie within; a quarter of what may be missed is left to
    /// the levels above the first.
    pub fn widths(&self, ranks: &[Vec<usize>], share: f64) -> Widths {
        let mut missed = ((1.0 - share) * ranks.len() as f64) as usize;
        let mut left: Vec<&Vec<usize>> = ranks.iter().collect();
        let mut widths = vec![1; self.depth()];
        for level in (0..self.depth()).rev() {
            let allowed = if level == 0 { missed } else { missed / 4 };
            left.sort_unstable_by_key(|ranks| ranks[level]);
            let kept = left.len().saturating_sub(allowed);
            let width = left[..kept].last().map_or(1, |ranks| ranks[level] + 1);
            let before = left.len();
            left.retain(|ranks| ranks[level] < width);
            missed -= before - left.len();
            // Read off the rows that it is judged by, a width suits them better than others (measured: without more, 0.997
            // of all rows' neighbours are found where the sample tells 0.999).
            widths[level] = (width + width / 3 + 1).min(self.levels[level].count());
        }
        Widths(widths)
    }
}

/// Rows that look for neighbours.
pub(crate) struct Query<'a, S> {
    pub rows: &'a S,
    /// They are the rows of the chain, and none is its own neighbour.
    pub same: bool,
    pub widths: &'a Widths,
    pub threads: usize,
}
