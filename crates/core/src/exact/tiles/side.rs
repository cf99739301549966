//! Dense rows as float products see them: measured from a point near their middle, with squared norms from there.

use crate::code::middle;
use crate::points::{Derived, Rows};
use hnsw_kernels::{Kernels, MatRef, Packed};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

/// Norms beyond this could overflow in a product; such rows go to the pair kernels.
const MAX_NORM: f32 = 1e30;
/// Rows whose norms are computed together.
const GROUP: usize = 16;
/// Rows are moved to their mean where that makes the mean squared norm this much smaller.
const CENTER_GAIN: f64 = 4.0;

/// One side of float products: rows, the point they are measured from, squared norms from there.
pub(crate) struct FloatSide<'a> {
    rows: &'a Rows,
    of: Arc<Measured>,
}

/// The point that rows are measured from, and their squared norms from there.
struct Measured {
    center: Option<Vec<f32>>,
    norms: Vec<f32>,
    max_norm: f32,
}

impl Derived for Measured {
    fn bytes(&self) -> usize {
        (self.norms.capacity() + self.center.as_ref().map_or(0, Vec::capacity)) * size_of::<f32>()
    }
}

impl<'a> FloatSide<'a> {
    /// Measures `rows` from their mean where that pays: products of rows far from the origin cancel.
    /// `None` where norms are too large for products.
    pub fn of(rows: &'a Rows, kernels: &'static Kernels, threads: usize) -> Option<FloatSide<'a>> {
        Self::checked(rows, Arc::new(Measured::of(rows, kernels, threads)))
    }

    /// As [`FloatSide::of`], measured once and kept with the rows.
    pub fn kept(rows: &'a Rows, kernels: &'static Kernels, threads: usize) -> Option<FloatSide<'a>> {
        let key = std::ptr::from_ref(kernels).addr();
        let Ok(of) = rows.kept().get_or_make(key, || Ok::<_, Infallible>(Measured::of(rows, kernels, threads)));
        Self::checked(rows, of)
    }

    /// `rows` measured from the point of `other`.
    pub fn beside(
        rows: &'a Rows,
        other: &FloatSide<'_>,
        kernels: &'static Kernels,
        threads: usize,
    ) -> Option<FloatSide<'a>> {
        Self::checked(rows, Arc::new(Measured::from(rows, other.of.center.clone(), kernels, threads)))
    }

    fn checked(rows: &'a Rows, of: Arc<Measured>) -> Option<FloatSide<'a>> {
        (of.max_norm < MAX_NORM).then_some(FloatSide { rows, of })
    }

    /// Squared norms of the rows as measured.
    pub fn norms(&self) -> &[f32] {
        &self.of.norms
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Adds a row as the products see it.
    pub fn extend(&self, id: usize, out: &mut Vec<f32>) {
        extend(self.rows.row(id), self.of.center.as_deref(), out);
    }

    /// Rows `range` as the products see them; `copy` holds them where they have to be moved.
    pub(super) fn view<'b>(&'b self, range: Range<usize>, copy: &'b mut Vec<f32>) -> MatRef<'b, f32> {
        view(self.rows, self.of.center.as_deref(), range, copy)
    }
}

impl Measured {
    fn of(rows: &Rows, kernels: &'static Kernels, threads: usize) -> Measured {
        let mean = middle(rows);
        let raw = (0..rows.len()).map(|i| dot64(rows.row(i), rows.row(i))).sum::<f64>() / rows.len().max(1) as f64;
        let spread = raw - dot64(&mean, &mean);
        let center = (raw > CENTER_GAIN * spread.max(0.0)).then_some(mean);
        Self::from(rows, center, kernels, threads)
    }

    fn from(rows: &Rows, center: Option<Vec<f32>>, kernels: &'static Kernels, threads: usize) -> Measured {
        let mut norms = vec![0.0f32; rows.len()];
        let scratch = || (Vec::new(), Packed::default(), [0.0f32; GROUP * GROUP]);
        crate::parallel::chunks_mut(threads, &mut norms, GROUP, scratch, |(copy, packed, cells), start, part| {
            // By the tile kernel itself, so that the distance between equal rows is exactly 0.
            let group = view(rows, center.as_deref(), start..start + part.len(), copy);
            kernels.pack_f32(group, packed);
            kernels.dot_tile_f32(group, packed, cells, GROUP);
            part.iter_mut().enumerate().for_each(|(i, norm)| *norm = cells[i * GROUP + i]);
            true
        });
        let max_norm = norms.iter().copied().fold(0.0, f32::max);
        Measured { center, norms, max_norm }
    }
}

fn extend(row: &[f32], center: Option<&[f32]>, out: &mut Vec<f32>) {
    match center {
        Some(center) => out.extend(row.iter().zip(center).map(|(v, c)| v - c)),
        None => out.extend_from_slice(row),
    }
}

fn view<'b>(rows: &'b Rows, center: Option<&[f32]>, range: Range<usize>, copy: &'b mut Vec<f32>) -> MatRef<'b, f32> {
    if center.is_none() {
        return rows.block(range);
    }
    copy.clear();
    range.clone().for_each(|id| extend(rows.row(id), center, copy));
    MatRef::new(copy, range.len(), rows.width(), rows.width())
}

fn dot64(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}
