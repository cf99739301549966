//! Tiles of sparse rows: products of one row with 32 others side by side, from which distances follow by a rule.
//!
//! Columns are numbered anew where there are very many, because panels hold a number for each.

use super::tiles::Tiles;
use super::{BLOCK, Source};
use crate::metric::{Centre, Coefficient};
use crate::parallel;
use crate::points::{SparseRow, SparseRows};
use hnsw_kernels::{Counts, Kernels, SparsePanel};
use std::ops::Range;

/// Rows of a panel.
pub(crate) const PANEL: usize = SparsePanel::ROWS;
/// Most columns that are not numbered anew: half a megabyte for a panel's numbers.
const DIRECT: usize = 1 << 17;
/// Norms beyond this could overflow in a product; such rows go to the pair functions.
const MAX_NORM: f32 = 1e30;
/// Roundings of a product of n entries, of two norms and of their sums, in units of EPSILON: see
/// [`Kernels::sparse_dots`].
const ROUNDINGS: f32 = 8.0;

/// One side of sparse products: rows, their columns as panels number them, squared norms.
pub(crate) struct SparseSide<'a> {
    rows: &'a SparseRows,
    numbers: Option<Numbers>,
    /// Stand for the values where only columns count.
    ones: Option<Vec<f32>>,
    norms: Vec<f32>,
    max_norm: f32,
    longest: usize,
}

/// New numbers for columns.
struct Numbers {
    /// Those that have one, ascending.
    columns: Vec<u32>,
    /// The number of every entry's column. A column without one gets the number behind the last.
    of_entries: Vec<u32>,
}

impl Numbers {
    fn of(columns: Vec<u32>, rows: &SparseRows) -> Numbers {
        let number = |c: &u32| columns.binary_search(c).unwrap_or(columns.len()) as u32;
        Numbers { of_entries: rows.parts().1.iter().map(number).collect(), columns }
    }
}

impl<'a> SparseSide<'a> {
    /// `None` where norms are too large for products. `sets`: every value counts as 1. O(entries · log(entries)).
    pub fn of(rows: &'a SparseRows, sets: bool, kernels: &'static Kernels, threads: usize) -> Option<SparseSide<'a>> {
        let columns = (rows.dim() >= DIRECT).then(|| {
            let mut columns = rows.parts().1.to_vec();
            columns.sort_unstable();
            columns.dedup();
            columns
        });
        Self::numbered(rows, sets, columns, kernels, threads)
    }

    /// Other rows with the column numbers of `self`, for products with it.
    pub fn beside<'b>(
        &self,
        rows: &'b SparseRows,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<SparseSide<'b>> {
        let columns = self.numbers.as_ref().map(|numbers| numbers.columns.clone());
        SparseSide::numbered(rows, self.ones.is_some(), columns, kernels, threads)
    }

    fn numbered(
        rows: &'a SparseRows,
        sets: bool,
        columns: Option<Vec<u32>>,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<SparseSide<'a>> {
        let longest = rows.parts().0.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let numbers = columns.map(|columns| Numbers::of(columns, rows));
        let ones = sets.then(|| vec![1.0; longest]);
        let mut side = SparseSide { rows, numbers, ones, norms: Vec::new(), max_norm: 0.0, longest };
        side.norms = side.squares(kernels, threads);
        side.max_norm = side.norms.iter().copied().fold(0.0, f32::max);
        (side.max_norm < MAX_NORM).then_some(side)
    }

    /// Squared norms by the kernel of the products, so that the distance between equal rows is exactly 0.
    fn squares(&self, kernels: &'static Kernels, threads: usize) -> Vec<f32> {
        // Which columns they are is of no importance to the product of a row with itself.
        let places: Vec<u32> = (0..self.longest as u32).collect();
        let mut norms = vec![0.0f32; self.rows.len()];
        let panel = || Panel::new(self.longest.max(1));
        parallel::chunks_mut(threads, &mut norms, PANEL, panel, |panel, start, part| {
            let row = |i: usize| {
                let values = self.row(start + i).values;
                SparseRow { indices: &places[..values.len()], values }
            };
            panel.fill((0..part.len()).map(row));
            part.iter_mut().enumerate().for_each(|(i, norm)| *norm = panel.dots(kernels, row(i))[i]);
            true
        });
        norms
    }

    /// Squared norms.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// A panel for rows of this side.
    pub fn panel(&self) -> Panel {
        // One more for the mark of empty rows, or for columns without a number.
        Panel::new(1 + self.numbers.as_ref().map_or(self.rows.dim(), |numbers| numbers.columns.len()))
    }

    /// Row `i` as panels see it.
    #[inline]
    pub fn row(&self, i: usize) -> SparseRow<'_> {
        let SparseRow { mut indices, mut values } = self.rows.row(i);
        if let Some(numbers) = &self.numbers {
            let start = self.rows.parts().0[i];
            indices = &numbers.of_entries[start..start + values.len()];
        }
        if let Some(ones) = &self.ones {
            values = &ones[..values.len()];
        }
        SparseRow { indices, values }
    }
}

/// Up to 32 rows, side by side.
pub(crate) struct Panel(SparsePanel);

impl Panel {
    fn new(columns: usize) -> Panel {
        Panel(SparsePanel::new(columns).expect("memory for the numbers of the columns"))
    }

    /// Replaces its rows.
    pub fn fill<'a>(&mut self, rows: impl Iterator<Item = SparseRow<'a>>) {
        self.0.clear();
        rows.for_each(|row| self.0.push(row.indices, row.values).expect("memory for 32 rows"));
    }

    /// Products of `row` with each of its rows.
    #[inline]
    pub fn dots(&self, kernels: &'static Kernels, row: SparseRow<'_>) -> [f32; PANEL] {
        let mut out = [0.0; PANEL];
        kernels.sparse_dots(&self.0, row.indices, row.values, &mut out);
        out
    }
}

/// Two sides of sparse products, by panels of B.
#[derive(Clone, Copy)]
struct Products<'a> {
    kernels: &'static Kernels,
    a: &'a SparseSide<'a>,
    b: &'a SparseSide<'a>,
}

impl Products<'_> {
    fn panels(&self) -> Vec<Panel> {
        (0..BLOCK / PANEL).map(|_| self.b.panel()).collect()
    }

    fn pack(&self, b: Range<usize>, panels: &mut [Panel]) {
        for (start, panel) in b.clone().step_by(PANEL).zip(panels) {
            panel.fill((start..(start + PANEL).min(b.end)).map(|i| self.b.row(i)));
        }
    }

    /// Products of the rows `a` with the packed ones, `len` of them.
    fn fill(&self, a: Range<usize>, len: usize, panels: &[Panel], out: &mut [f32], ld: usize) {
        for (at, panel) in panels.iter().enumerate().take(len.div_ceil(PANEL)) {
            for (i, cells) in a.clone().zip(out.chunks_mut(ld)) {
                cells[at * PANEL..][..PANEL].copy_from_slice(&panel.dots(self.kernels, self.a.row(i)));
            }
        }
    }
}

/// Squared distances between sparse rows with a known error, rechecked later.
pub(crate) struct SparseTiles<'a>(Products<'a>);

impl<'a> SparseTiles<'a> {
    pub fn new(kernels: &'static Kernels, a: &'a SparseSide<'a>, b: &'a SparseSide<'a>) -> SparseTiles<'a> {
        SparseTiles(Products { kernels, a, b })
    }
}

impl Tiles for SparseTiles<'_> {
    type Value = f32;
    type Scratch = Vec<Panel>;

    fn a_len(&self) -> usize {
        self.0.a.rows.len()
    }
    fn b_len(&self) -> usize {
        self.0.b.rows.len()
    }
    fn scratch(&self) -> Vec<Panel> {
        self.0.panels()
    }
    fn pack(&self, b: Range<usize>, panels: &mut Vec<Panel>) {
        self.0.pack(b, panels);
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, panels: &mut Vec<Panel>, out: &mut [f32], ld: usize) {
        self.0.fill(a, b.len(), panels, out, ld);
    }
    fn scan(&self, cells: &[f32], a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        let (na, nb) = (self.0.a.norms[a], &self.0.b.norms[b.clone()]);
        self.0.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        // Rounding may push a squared distance below zero.
        ((self.0.a.norms[a] + self.0.b.norms[b]) - 2.0 * cell).max(0.0)
    }
    fn error_bound(&self, a: usize) -> f32 {
        let Products { a: of, b: others, .. } = self.0;
        let longest = of.longest.max(others.longest) as f32;
        2.0 * f32::EPSILON * (1.01 * longest + ROUNDINGS) * (of.norms[a] + others.max_norm)
    }
}

/// How a proxy follows from a product.
pub(crate) enum Rule {
    /// As a squared distance.
    Distance,
    /// By the numbers of columns that two sets share and do not share; final, counts are whole numbers.
    Sets(Coefficient, f64),
    /// By correlation: the centres of A, of B, and the number of columns.
    Centred([Vec<Centre>; 2], f64),
}

impl Rule {
    /// The rule of `source` for two sides, where one is known; sides of sets are of ones.
    pub fn of(source: Source<'_>, a: &SparseRows, b: &SparseRows) -> Option<Rule> {
        let centres = |rows: &SparseRows| {
            let dim = rows.dim() as f64;
            (0..rows.len()).map(|i| Centre::of(rows.row(i), dim)).collect::<Vec<Centre>>()
        };
        match source.pair().of_sets() {
            _ if source.products() => Some(Rule::Distance),
            Some((of, dim)) => Some(Rule::Sets(of, dim)),
            None if source.metric.centres() => Some(Rule::Centred([centres(a), centres(b)], b.dim() as f64)),
            None => None,
        }
    }

    /// Whether values count as 1.
    pub fn sets(&self) -> bool {
        matches!(self, Rule::Sets(..))
    }

    /// The proxy of row `a` of the one side and `b` of the other, from their squared norms and their product.
    #[inline]
    pub fn proxy(&self, [a, b]: [usize; 2], [na, nb]: [f32; 2], dot: f32) -> f32 {
        match self {
            // Rounding may push a squared distance below zero.
            Rule::Distance => ((na + nb) - 2.0 * dot).max(0.0),
            Rule::Sets(of, dim) => {
                let counts = Counts { both: dot as u32, only_a: (na - dot) as u32, only_b: (nb - dot) as u32 };
                of(counts, *dim)
            }
            Rule::Centred([of_a, of_b], dim) => of_a[a].proxy(of_b[b], f64::from(dot), *dim),
        }
    }
}

/// Proxies that are computed cell by cell.
pub(crate) struct RuleTiles<'a> {
    products: Products<'a>,
    rule: &'a Rule,
    stretch: f32,
}

impl<'a> RuleTiles<'a> {
    /// Both sides must be as the rule wants them.
    pub fn new(
        kernels: &'static Kernels,
        a: &'a SparseSide<'a>,
        b: &'a SparseSide<'a>,
        rule: &'a Rule,
    ) -> RuleTiles<'a> {
        let stretch = match rule {
            Rule::Centred([_, of_b], _) => {
                of_b.iter().zip(&b.norms).map(|(of, &norm)| of.stretch(norm)).fold(1.0, f32::max)
            }
            _ => 1.0,
        };
        RuleTiles { products: Products { kernels, a, b }, rule, stretch }
    }
}

impl Tiles for RuleTiles<'_> {
    type Value = f32;
    type Scratch = Vec<Panel>;

    fn a_len(&self) -> usize {
        self.products.a.rows.len()
    }
    fn b_len(&self) -> usize {
        self.products.b.rows.len()
    }
    fn scratch(&self) -> Vec<Panel> {
        self.products.panels()
    }
    fn pack(&self, b: Range<usize>, panels: &mut Vec<Panel>) {
        self.products.pack(b, panels);
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, panels: &mut Vec<Panel>, out: &mut [f32], ld: usize) {
        let Products { a: of, b: others, .. } = self.products;
        self.products.fill(a.clone(), b.len(), panels, out, ld);
        for (i, cells) in a.zip(out.chunks_mut(ld)) {
            for (j, cell) in b.clone().zip(cells) {
                *cell = self.rule.proxy([i, j], [of.norms[i], others.norms[j]], *cell);
            }
        }
    }
    fn scan(&self, cells: &[f32], _a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        self.products.kernels.scan_f32(&cells[..b.len()], row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, _a: usize, _b: usize) -> f32 {
        cell
    }
    fn error_bound(&self, a: usize) -> f32 {
        let Rule::Centred([of_a, _], _) = self.rule else { return 0.0 };
        let Products { a: of, b: others, .. } = self.products;
        let longest = of.longest.max(others.longest) as f32;
        let stretch = of_a[a].stretch(of.norms[a]) * self.stretch;
        4.0 * f32::EPSILON * (1.01 * longest + ROUNDINGS) * stretch
    }
}
