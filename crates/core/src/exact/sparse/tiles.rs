//! Tiles of sparse products: squared distances, found by their norms, and proxies computed cell by cell.

use super::rule::Rule;
use super::side::{PANEL, Panel, SparseSide};
use crate::exact::BLOCK;
use crate::exact::tiles::Tiles;
use hnsw_kernels::Kernels;
use std::ops::Range;

/// Roundings of a product of n entries, of two norms and of their sums, in units of EPSILON: see
/// [`Kernels::sparse_dots`].
const ROUNDINGS: f32 = 8.0;

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
        let (na, nb) = (self.0.a.of.norms[a], &self.0.b.of.norms[b.clone()]);
        self.0.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        // Rounding may push a squared distance below zero.
        ((self.0.a.of.norms[a] + self.0.b.of.norms[b]) - 2.0 * cell).max(0.0)
    }
    fn error_bound(&self, a: usize) -> f32 {
        let Products { a: own, b: others, .. } = self.0;
        let longest = own.of.longest.max(others.of.longest) as f32;
        2.0 * f32::EPSILON * (1.01 * longest + ROUNDINGS) * (own.of.norms[a] + others.of.max_norm)
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
                of_b.iter().zip(&b.of.norms).map(|(of, &norm)| of.stretch(norm)).fold(1.0, f32::max)
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
        let Products { a: own, b: others, .. } = self.products;
        self.products.fill(a.clone(), b.len(), panels, out, ld);
        for (i, cells) in a.zip(out.chunks_mut(ld)) {
            for (j, cell) in b.clone().zip(cells) {
                *cell = self.rule.proxy([i, j], [own.of.norms[i], others.of.norms[j]], *cell);
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
        let Products { a: own, b: others, .. } = self.products;
        let longest = own.of.longest.max(others.of.longest) as f32;
        let stretch = of_a[a].stretch(own.of.norms[a]) * self.stretch;
        4.0 * f32::EPSILON * (1.01 * longest + ROUNDINGS) * stretch
    }
}
