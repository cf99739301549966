//! Where the values of a tile come from: float products and pair kernels here, others in files of their own.

use crate::metric::Pair;
use crate::points::{Derived, Points, RowRef, Rows};
use hnsw_kernels::{Hit, Kernels, MatRef, Packed, TileScan};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

/// A proxy value as tiles produce it, comparable and convertible to an order-preserving key.
pub(crate) trait Value: Copy + Send + Sync + PartialOrd + 'static {
    /// Above every value: the threshold of a row that keeps less than it may.
    const OPEN: Self;
    const ZERO: Self;
    /// Ascending values give ascending keys.
    fn key(self) -> u32;
    fn of_key(key: u32) -> Self;
    fn to_f32(self) -> f32;
    /// A value that none of those up to `value` is above.
    fn covering(value: f64) -> Self;
}

impl Value for f32 {
    const OPEN: f32 = f32::INFINITY;
    const ZERO: f32 = 0.0;
    #[inline]
    fn key(self) -> u32 {
        // Zero has one sign; negative values turn round, positive ones move behind them.
        let bits = (self + 0.0).to_bits();
        if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
    }
    #[inline]
    fn of_key(key: u32) -> f32 {
        f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
    }
    fn to_f32(self) -> f32 {
        self
    }
    fn covering(value: f64) -> f32 {
        (value as f32).next_up()
    }
}

impl Value for i32 {
    const OPEN: i32 = i32::MAX;
    const ZERO: i32 = 0;
    #[inline]
    fn key(self) -> u32 {
        self as u32
    }
    #[inline]
    fn of_key(key: u32) -> i32 {
        key as i32
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn covering(value: f64) -> i32 {
        // Casts saturate.
        value.ceil() as i32
    }
}

/// Two sets of rows, A and B, and the proxies between them.
pub(crate) trait Tiles: Sync {
    type Value: Value;
    /// What a worker reuses from tile to tile.
    type Scratch: Send;

    fn a_len(&self) -> usize;
    fn b_len(&self) -> usize;
    fn scratch(&self) -> Self::Scratch;
    /// Makes the rows `b` the current columns.
    fn pack(&self, b: Range<usize>, scratch: &mut Self::Scratch);
    /// Raw cells of rows `a` against the current columns `b`, `ld` apart.
    fn fill(&self, a: Range<usize>, b: Range<usize>, scratch: &mut Self::Scratch, out: &mut [Self::Value], ld: usize);
    /// As `fill`, for rows of A anywhere.
    fn fill_rows(&self, a: &[u32], b: Range<usize>, scratch: &mut Self::Scratch, out: &mut [Self::Value], ld: usize) {
        for (&row, cells) in a.iter().zip(out.chunks_mut(ld)) {
            self.fill(row as usize..row as usize + 1, b.clone(), scratch, cells, ld);
        }
    }
    /// Columns of one row of cells that are at or below the row's or the column's threshold.
    fn scan(
        &self,
        cells: &[Self::Value],
        a: usize,
        b: Range<usize>,
        row_threshold: Self::Value,
        column_thresholds: Option<&[Self::Value]>,
        hits: &mut Vec<u32>,
    );
    /// Adds the cells of rows `a`, `ld` apart, that are at or below the threshold of their row or of their column, with
    /// their proxies; rows and columns are counted from the first of the tile.
    fn scan_tile(
        &self,
        (cells, ld): (&[Self::Value], usize),
        (a, b): (Range<usize>, Range<usize>),
        rows: &[Self::Value],
        columns: Option<&[Self::Value]>,
        scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<Self::Value>>,
    ) {
        for ((row, cells), &threshold) in a.clone().zip(cells.chunks(ld)).zip(rows) {
            scratch.clear();
            self.scan(cells, row, b.clone(), threshold, columns, scratch);
            found.extend(scratch.iter().map(|&column| {
                let value = self.proxy(cells[column as usize], row, b.start + column as usize);
                Hit { row: (row - a.start) as u32, column, value }
            }));
        }
    }
    /// The proxy that a raw cell stands for; never below what `scan` compares.
    fn proxy(&self, cell: Self::Value, a: usize, b: usize) -> Self::Value;
    /// How far a proxy of row `a` may be above the one in exact arithmetic; 0 where proxies are final.
    fn error_bound(&self, a: usize) -> f32;
    /// The final proxy, where it follows from a tile's without the pair function.
    fn settled(&self, _proxy: Self::Value) -> Option<f32> {
        None
    }
    /// Whether the order of proxies is the final one for row `a`.
    fn is_final(&self, a: usize) -> bool {
        self.error_bound(a) == 0.0
    }
    /// Least final proxy, for row `a`, of a row whose proxy is at least `worst`.
    fn least(&self, a: usize, worst: f32) -> f32 {
        worst - self.error_bound(a)
    }
    /// Largest proxy, for row `a`, of a row whose final proxy is at most `last`.
    fn most(&self, a: usize, last: f32) -> Self::Value {
        Self::Value::covering(f64::from(last) + f64::from(self.error_bound(a)))
    }
    /// Rows of B, ascending, that `least` and `most` say nothing about.
    fn apart(&self) -> &[u32] {
        &[]
    }
}

/// Unit roundoff of f32.
pub(super) const ROUNDOFF: f32 = 1.0 / 16_777_216.0;
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

    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Adds a row as the products see it.
    pub fn extend(&self, id: usize, out: &mut Vec<f32>) {
        extend(self.rows.row(id), self.of.center.as_deref(), out);
    }

    /// Rows `range` as the products see them; `copy` holds them where they have to be moved.
    fn view<'b>(&'b self, range: Range<usize>, copy: &'b mut Vec<f32>) -> MatRef<'b, f32> {
        view(self.rows, self.of.center.as_deref(), range, copy)
    }
}

impl Measured {
    fn of(rows: &Rows, kernels: &'static Kernels, threads: usize) -> Measured {
        let mean = mean_row(rows);
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

fn mean_row(rows: &Rows) -> Vec<f32> {
    // A few thousand rows are enough to find a point near the middle; any point is valid.
    let step = rows.len().div_ceil(4096).max(1);
    let mut sum = vec![0.0f64; rows.width()];
    let mut count = 0.0f64;
    for i in (0..rows.len()).step_by(step) {
        sum.iter_mut().zip(rows.row(i)).for_each(|(s, &v)| *s += f64::from(v));
        count += 1.0;
    }
    sum.iter().map(|s| (s / count.max(1.0)) as f32).collect()
}

fn dot64(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// Float products: squared distances less a bound of their error, rechecked later.
///
/// The bound is in proportion to `|a|² + |b|²`, so it is taken off the norms: a proxy is never above the true distance,
/// whatever the norms of other rows.
pub(crate) struct FloatTiles<'a> {
    kernels: &'static Kernels,
    a: &'a FloatSide<'a>,
    b: &'a FloatSide<'a>,
    /// Squared norms, less the error that comes with them: of A, and of B where it is another side.
    norms: Vec<f32>,
    others: Option<Vec<f32>>,
}

impl<'a> FloatTiles<'a> {
    /// O(a + b) floats.
    pub fn new(kernels: &'static Kernels, a: &'a FloatSide<'a>, b: &'a FloatSide<'a>) -> FloatTiles<'a> {
        // A product is off by at most f·|a||b| with the kernel's factor f, a norm by f of itself, moving rows to their
        // mean and the last sums by less than eight roundings more, and 2|a||b| <= |a|² + |b|².
        let factor = 1.01 * hnsw_kernels::dot_error_factor(b.width()) + 8.0 * ROUNDOFF;
        let lower = |side: &FloatSide<'_>| lowered(side.norms(), 2.0 * factor);
        let others = (!std::ptr::eq(a, b)).then(|| lower(b));
        FloatTiles { kernels, a, b, norms: lower(a), others }
    }

    fn norms_of_b(&self) -> &[f32] {
        self.others.as_ref().unwrap_or(&self.norms)
    }
}

/// Squared norms less a share of each.
pub(super) fn lowered(norms: &[f32], share: f32) -> Vec<f32> {
    norms.iter().map(|norm| norm - norm * share).collect()
}

/// Reused by a worker: moved copies of both sides and the packed columns.
#[derive(Default)]
pub(crate) struct FloatScratch {
    copy: Vec<f32>,
    packed: Packed<f32>,
}

impl Tiles for FloatTiles<'_> {
    type Value = f32;
    type Scratch = FloatScratch;

    fn a_len(&self) -> usize {
        self.a.rows.len()
    }
    fn b_len(&self) -> usize {
        self.b.rows.len()
    }
    fn scratch(&self) -> FloatScratch {
        FloatScratch::default()
    }
    fn pack(&self, b: Range<usize>, scratch: &mut FloatScratch) {
        self.kernels.pack_f32(self.b.view(b, &mut scratch.copy), &mut scratch.packed);
    }
    fn fill(&self, a: Range<usize>, _b: Range<usize>, scratch: &mut FloatScratch, out: &mut [f32], ld: usize) {
        self.kernels.dot_tile_f32(self.a.view(a, &mut scratch.copy), &scratch.packed, out, ld);
    }
    fn fill_rows(&self, a: &[u32], _b: Range<usize>, scratch: &mut FloatScratch, out: &mut [f32], ld: usize) {
        let width = self.a.width();
        scratch.copy.clear();
        a.iter().for_each(|&row| self.a.extend(row as usize, &mut scratch.copy));
        self.kernels.dot_tile_f32(MatRef::new(&scratch.copy, a.len(), width, width), &scratch.packed, out, ld);
    }
    fn scan(&self, cells: &[f32], a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        let (na, nb) = (self.norms[a], &self.norms_of_b()[b.clone()]);
        self.kernels.scan_l2_f32(&cells[..b.len()], na, nb, row, columns, hits);
    }
    fn scan_tile(
        &self,
        (acc, ld): (&[f32], usize),
        (a, b): (Range<usize>, Range<usize>),
        row_thresholds: &[f32],
        column_thresholds: Option<&[f32]>,
        _scratch: &mut Vec<u32>,
        found: &mut Vec<Hit<f32>>,
    ) {
        let (row_norms, column_norms) = (&self.norms[a], &self.norms_of_b()[b]);
        let tile = TileScan { acc, ld, row_norms, column_norms, row_thresholds, column_thresholds };
        self.kernels.scan_tile_l2_f32(&tile, found);
    }
    #[inline]
    fn proxy(&self, cell: f32, a: usize, b: usize) -> f32 {
        // It may be below zero: values keep their order there too.
        (self.norms[a] + self.norms_of_b()[b]) - 2.0 * cell
    }
    /// Products that underflow lose half of the least number each.
    fn error_bound(&self, _a: usize) -> f32 {
        4.0 * (self.a.width() + 2) as f32 * f32::from_bits(1)
    }
    fn is_final(&self, _a: usize) -> bool {
        false
    }
    fn least(&self, a: usize, worst: f32) -> f32 {
        let [relative, underflow] = pair_error(self.a.rows.width());
        let least = (f64::from(worst) - f64::from(self.error_bound(a))) * (1.0 - relative) - underflow;
        (least as f32).next_down()
    }
    fn most(&self, a: usize, last: f32) -> f32 {
        let [relative, underflow] = pair_error(self.a.rows.width());
        f32::covering((f64::from(last) + underflow) / (1.0 - relative) + f64::from(self.error_bound(a)))
    }
}

/// Bounds of the error of a squared distance by the pair kernel over `width` columns: relative, for a sum in at
/// least four parts of rounded squares of rounded differences, and what underflow may take.
pub(super) fn pair_error(width: usize) -> [f64; 2] {
    let steps = width as f64 / 4.0 + 12.0;
    [1.01 * steps * f64::from(ROUNDOFF), width as f64 * f64::from(f32::from_bits(1))]
}

/// Pair kernels: the proxies of any metric, final as they are.
pub(crate) struct PairTiles<'a> {
    pub pair: Pair<'a>,
    pub a: &'a Points,
    pub b: &'a Points,
    pub kernels: &'static Kernels,
}

impl Tiles for PairTiles<'_> {
    type Value = f32;
    type Scratch = ();

    fn a_len(&self) -> usize {
        self.a.len()
    }
    fn b_len(&self) -> usize {
        self.b.len()
    }
    fn scratch(&self) {}
    fn pack(&self, _b: Range<usize>, _scratch: &mut ()) {}
    fn fill(&self, a: Range<usize>, b: Range<usize>, _scratch: &mut (), out: &mut [f32], ld: usize) {
        for (i, cells) in a.zip(out.chunks_mut(ld)) {
            proxies(self.pair, self.a.row(i), self.b, b.clone(), cells);
        }
    }
    fn scan(&self, cells: &[f32], _a: usize, b: Range<usize>, row: f32, columns: Option<&[f32]>, hits: &mut Vec<u32>) {
        self.kernels.scan_f32(&cells[..b.len()], row, columns, hits);
    }
    #[inline]
    fn proxy(&self, cell: f32, _a: usize, _b: usize) -> f32 {
        cell
    }
    fn error_bound(&self, _a: usize) -> f32 {
        0.0
    }
}

/// Proxies of one row against the rows `range`, four at a time.
pub(crate) fn proxies(pair: Pair<'_>, row: RowRef<'_>, rows: &Points, range: Range<usize>, out: &mut [f32]) {
    let (start, count) = (range.start, range.len());
    for (group, cells) in out[..count].chunks_mut(4).enumerate() {
        let id = start + group * 4;
        if let [a, b, c, d] = cells {
            let four = [rows.row(id), rows.row(id + 1), rows.row(id + 2), rows.row(id + 3)];
            [*a, *b, *c, *d] = pair.four(row, four);
        } else {
            cells.iter_mut().enumerate().for_each(|(j, cell)| *cell = pair.one(row, rows.row(id + j)));
        }
    }
}
