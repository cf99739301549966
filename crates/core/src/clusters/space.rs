//! What products are made of: rows as bytes or floats, and points between them in the same form.
//!
//! Nothing here knows lists. A value is the squared euclidean distance in the space: of codes in i32, or
//! of rows in f32.

use crate::code::{ByteCodes, EXACT_SQUARES, squared_norm};
use crate::exact::tiles::{FloatSide, Value};
use hnsw_kernels::{Element, Hit, Kernels, MatRef, Packed, TileScan};
use std::ops::Range;

/// A column of a row as products see it, and the kernels for it.
pub(crate) trait Cell: Element + Default + Send + Sync + 'static {
    type Value: Value;

    fn pack(kernels: &Kernels, rows: MatRef<'_, Self>, out: &mut Packed<Self>);
    /// `out[i * ld + j] = <a_i, b_j>`.
    fn dots(kernels: &Kernels, a: MatRef<'_, Self>, b: &Packed<Self>, out: &mut [Self::Value], ld: usize);
    /// Cells of a tile of products whose value is at or below their row's threshold.
    fn scan(kernels: &Kernels, tile: &TileScan<'_, Self::Value>, hits: &mut Vec<Hit<Self::Value>>);
    /// The value of two rows from their squared norms and their product.
    fn value(a: Self::Value, b: Self::Value, dot: Self::Value) -> Self::Value;
    /// The pair distance that a value stands for where the space loses nothing and sums in f32 round nowhere.
    fn settled(value: Self::Value) -> Option<f32>;
    /// Squared norm of a row.
    fn norm(row: &[Self]) -> Self::Value;
    /// `sums / count` in this form.
    fn mean(sums: &[f32], count: usize, out: &mut Vec<Self>);
    /// Adds a row to `sums`.
    fn add_to(row: &[Self], sums: &mut [f32]);
}

impl Cell for u8 {
    type Value = i32;

    fn pack(kernels: &Kernels, rows: MatRef<'_, u8>, out: &mut Packed<u8>) {
        kernels.pack_u8(rows, out);
    }
    fn dots(kernels: &Kernels, a: MatRef<'_, u8>, b: &Packed<u8>, out: &mut [i32], ld: usize) {
        kernels.dot_tile_u8(a, b, out, ld);
    }
    fn scan(kernels: &Kernels, tile: &TileScan<'_, i32>, hits: &mut Vec<Hit<i32>>) {
        kernels.scan_tile_l2_i32(tile, hits);
    }
    #[inline]
    fn value(a: i32, b: i32, dot: i32) -> i32 {
        (a + b) - 2 * dot
    }
    fn settled(value: i32) -> Option<f32> {
        (value < EXACT_SQUARES).then_some(value as f32)
    }
    fn norm(row: &[u8]) -> i32 {
        squared_norm(row)
    }
    fn mean(sums: &[f32], count: usize, out: &mut Vec<u8>) {
        out.extend(sums.iter().map(|&sum| (sum / count as f32).round() as u8));
    }
    fn add_to(row: &[u8], sums: &mut [f32]) {
        sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f32::from(v));
    }
}

impl Cell for f32 {
    type Value = f32;

    fn pack(kernels: &Kernels, rows: MatRef<'_, f32>, out: &mut Packed<f32>) {
        kernels.pack_f32(rows, out);
    }
    fn dots(kernels: &Kernels, a: MatRef<'_, f32>, b: &Packed<f32>, out: &mut [f32], ld: usize) {
        kernels.dot_tile_f32(a, b, out, ld);
    }
    fn scan(kernels: &Kernels, tile: &TileScan<'_, f32>, hits: &mut Vec<Hit<f32>>) {
        kernels.scan_tile_l2_f32(tile, hits);
    }
    #[inline]
    fn value(a: f32, b: f32, dot: f32) -> f32 {
        (a + b) - 2.0 * dot
    }
    fn settled(_value: f32) -> Option<f32> {
        None
    }
    fn norm(row: &[f32]) -> f32 {
        row.iter().map(|&v| v * v).sum()
    }
    fn mean(sums: &[f32], count: usize, out: &mut Vec<f32>) {
        out.extend(sums.iter().map(|&sum| sum / count as f32));
    }
    fn add_to(row: &[f32], sums: &mut [f32]) {
        sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += v);
    }
}

/// Rows in the space of `C`.
pub(crate) trait Space<C: Cell>: Sync {
    fn len(&self) -> usize;
    /// Columns of a row.
    fn width(&self) -> usize;
    /// Adds the columns of row `id` to `out`.
    fn extend(&self, id: usize, out: &mut Vec<C>);
    /// Its squared norm.
    fn norm(&self, id: usize) -> C::Value;
}

impl<C: Cell, T: Space<C> + ?Sized> Space<C> for &T {
    fn len(&self) -> usize {
        (**self).len()
    }
    fn width(&self) -> usize {
        (**self).width()
    }
    fn extend(&self, id: usize, out: &mut Vec<C>) {
        (**self).extend(id, out);
    }
    fn norm(&self, id: usize) -> C::Value {
        (**self).norm(id)
    }
}

impl Space<u8> for ByteCodes {
    fn len(&self) -> usize {
        self.len()
    }
    fn width(&self) -> usize {
        self.width()
    }
    fn extend(&self, id: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.padded(id)[..self.width()]);
    }
    fn norm(&self, id: usize) -> i32 {
        self.norms()[id]
    }
}

impl Space<f32> for FloatSide<'_> {
    fn len(&self) -> usize {
        self.norms().len()
    }
    fn width(&self) -> usize {
        self.width()
    }
    fn extend(&self, id: usize, out: &mut Vec<f32>) {
        self.extend(id, out);
    }
    fn norm(&self, id: usize) -> f32 {
        self.norms()[id]
    }
}

/// Rows of its own: means of rows, or copies of some.
pub(crate) struct Cells<C: Cell> {
    width: usize,
    columns: Vec<C>,
    norms: Vec<C::Value>,
}

impl<C: Cell> Cells<C> {
    pub fn new(width: usize) -> Self {
        Cells { width, columns: Vec::new(), norms: Vec::new() }
    }

    /// Copies of the rows `ids`, in that order.
    pub fn of(space: &impl Space<C>, ids: impl IntoIterator<Item = u32>) -> Self {
        let mut cells = Cells::new(space.width());
        cells.refill(space, ids);
        cells
    }

    /// The rows `ids` in the place of what was there.
    pub fn refill(&mut self, space: &impl Space<C>, ids: impl IntoIterator<Item = u32>) {
        self.clear();
        for id in ids {
            space.extend(id as usize, &mut self.columns);
            self.norms.push(space.norm(id as usize));
        }
    }

    /// Rows `ids` of `others` in the place of what was there.
    pub fn gather(&mut self, others: &Cells<C>, ids: &[u32]) {
        self.columns.resize(ids.len() * self.width, C::default());
        for (target, &id) in self.columns.chunks_exact_mut(self.width).zip(ids) {
            target.copy_from_slice(others.row(id as usize));
        }
        self.norms.clear();
        self.norms.extend(ids.iter().map(|&id| others.norms[id as usize]));
    }

    pub fn clear(&mut self) {
        self.columns.clear();
        self.norms.clear();
    }

    /// The mean of `count` rows, of which `sums` is the sum.
    pub fn push_mean(&mut self, sums: &[f32], count: usize) {
        let start = self.columns.len();
        C::mean(sums, count, &mut self.columns);
        self.norms.push(C::norm(&self.columns[start..]));
    }

    pub fn push(&mut self, row: &[C], norm: C::Value) {
        self.columns.extend_from_slice(row);
        self.norms.push(norm);
    }

    pub fn row(&self, i: usize) -> &[C] {
        &self.columns[i * self.width..(i + 1) * self.width]
    }

    pub fn norms(&self) -> &[C::Value] {
        &self.norms
    }

    /// Rows `range` as a matrix.
    pub fn part(&self, range: Range<usize>) -> MatRef<'_, C> {
        MatRef::new(
            &self.columns[range.start * self.width..range.end * self.width],
            range.len(),
            self.width,
            self.width,
        )
    }

    /// All rows as a matrix.
    pub fn all(&self) -> MatRef<'_, C> {
        MatRef::new(&self.columns, self.norms.len(), self.width, self.width)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.columns.capacity() * size_of::<C>() + self.norms.capacity() * size_of::<C::Value>()
    }
}

impl<C: Cell> Space<C> for Cells<C> {
    fn len(&self) -> usize {
        self.norms.len()
    }
    fn width(&self) -> usize {
        self.width
    }
    fn extend(&self, id: usize, out: &mut Vec<C>) {
        out.extend_from_slice(self.row(id));
    }
    fn norm(&self, id: usize) -> C::Value {
        self.norms[id]
    }
}
