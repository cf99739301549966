//! Tiles of sparse rows: products by posting lists.
//!
//! The rows of a block of columns are turned round: for each column of the data that occurs in them, the rows
//! that hold it. A row of the other side walks through its own columns and adds to the products of all rows on
//! their lists, so work is done only where both rows have a value.

use super::BLOCK;
use super::tiles::Tiles;
use crate::parallel;
use crate::points::SparseRows;
use hnsw_kernels::Kernels;
use std::ops::Range;

/// Rounding of a product to f32, of two norms, and of their sum with it; the sums themselves are in f64.
const ERROR_FACTOR: f32 = 8.0 / 16_777_216.0;
/// Norms beyond this could overflow; such rows go to the pair functions.
const MAX_NORM: f32 = 1e30;

/// One side of sparse products: rows and their squared norms.
pub(crate) struct SparseSide<'a> {
    rows: &'a SparseRows,
    norms: Vec<f32>,
    max_norm: f32,
}

impl<'a> SparseSide<'a> {
    /// `None` where norms are too large for products.
    pub fn of(rows: &'a SparseRows, threads: usize) -> Option<SparseSide<'a>> {
        let mut norms = vec![0.0f32; rows.len()];
        parallel::chunks_mut(
            threads,
            &mut norms,
            1024,
            || (),
            |(), start, part| {
                for (i, norm) in part.iter_mut().enumerate() {
                    // In the order of the products, so that the distance between equal rows is exactly 0.
                    *norm = rows.row(start + i).values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() as f32;
                }
                true
            },
        );
        let max_norm = norms.iter().copied().fold(0.0, f32::max);
        (max_norm < MAX_NORM).then_some(SparseSide { rows, norms, max_norm })
    }
}

/// Squared distances between sparse rows with a known error, rechecked later.
pub(crate) struct SparseTiles<'a> {
    pub kernels: &'static Kernels,
    pub a: &'a SparseSide<'a>,
    pub b: &'a SparseSide<'a>,
}

/// The columns of a block of rows, turned round.
#[derive(Default)]
pub(crate) struct Postings {
    /// (column, row in the block, value), ascending.
    entries: Vec<(u32, u32, f32)>,
    /// Hash table with open addressing: column, and its first entry.
    slots: Vec<(u32, u32)>,
    sums: Vec<f64>,
}

/// A slot without a column; no column has this number.
const FREE: u32 = u32::MAX;

impl Postings {
    fn turn(&mut self, rows: &SparseRows, range: Range<usize>) {
        self.entries.clear();
        for (id, i) in range.zip(0..) {
            let row = rows.row(id);
            self.entries.extend(row.indices.iter().zip(row.values).map(|(&column, &value)| (column, i, value)));
        }
        self.entries.sort_unstable_by_key(|&(column, row, _)| (column, row));
        let columns = self.entries.chunk_by(|x, y| x.0 == y.0).count();
        self.slots.clear();
        self.slots.resize((2 * columns).next_power_of_two().max(2), (FREE, 0));
        let mut at = 0u32;
        for list in self.entries.chunk_by(|x, y| x.0 == y.0) {
            let slot = slot_of(&self.slots, list[0].0);
            self.slots[slot] = (list[0].0, at);
            at += list.len() as u32;
        }
    }

    /// Entries of a column.
    #[inline]
    fn of(&self, column: u32) -> &[(u32, u32, f32)] {
        let (found, start) = self.slots[slot_of(&self.slots, column)];
        if found != column {
            return &[];
        }
        let rest = &self.entries[start as usize..];
        let len = rest.iter().take_while(|entry| entry.0 == column).count();
        &rest[..len]
    }
}

/// The slot that holds `column`, or the free one where it would be. Half of the slots are free.
#[inline]
fn slot_of(slots: &[(u32, u32)], column: u32) -> usize {
    let mask = slots.len() - 1;
    let mut slot = (column.wrapping_mul(0x9e37_79b1) >> 7) as usize & mask;
    while slots[slot].0 != FREE && slots[slot].0 != column {
        slot = (slot + 1) & mask;
    }
    slot
}

impl Tiles for SparseTiles<'_> {
    type Value = f32;
    type Scratch = Postings;

    fn a_len(&self) -> usize {
        self.a.rows.len()
    }
    fn b_len(&self) -> usize {
        self.b.rows.len()
    }
    fn scratch(&self) -> Postings {
        Postings { sums: vec![0.0; BLOCK], ..Postings::default() }
    }
    fn pack(&self, b: Range<usize>, scratch: &mut Postings) {
        scratch.turn(self.b.rows, b);
    }
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut Postings, out: &mut [f32], ld: usize) {
        let mut sums = std::mem::take(&mut scratch.sums);
        for (i, cells) in a.zip(out.chunks_mut(ld)) {
            sums.fill(0.0);
            let row = self.a.rows.row(i);
            for (&column, &value) in row.indices.iter().zip(row.values) {
                for &(_, j, other) in scratch.of(column) {
                    sums[j as usize] += f64::from(value) * f64::from(other);
                }
            }
            cells[..b.len()].iter_mut().zip(&sums).for_each(|(cell, &sum)| *cell = sum as f32);
        }
        scratch.sums = sums;
    }
    fn scan(&self, cells: &[f32], a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        let (na, nb) = (self.a.norms[a], &self.b.norms[b.clone()]);
        self.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        // Rounding may push a squared distance below zero.
        ((self.a.norms[a] + self.b.norms[b]) - 2.0 * cell).max(0.0)
    }
    fn error_bound(&self, a: usize) -> f32 {
        ERROR_FACTOR * (self.a.norms[a] + self.b.max_norm)
    }
}
