//! What the pieces of an index's work would take.

use super::rates::{Rates, Way};
use crate::exact::{MIN_BATCH, Source};
use crate::options::Options;

/// Rows from which walks and lists run on sketches, and columns.
const SKETCHED: (f64, f64) = (4096.0, 64.0);
/// Columns of a sketch that lists are made of, mostly; values of the sample that it is found from.
const SKETCH: f64 = 124.0;
const SAMPLE_VALUES: f64 = 4_194_304.0;
/// Lists without sketches take so long whatever the rows: directions, and the neighbours of a sample (measured).
const LISTS_ONCE: f64 = 6e-3;

/// A byte of rows that are read from memory one after the other (measured), and how many bytes caches hold.
const STREAMED: f64 = 55e-12;
const CACHED: f64 = 4e6;
/// A byte of rows here and there that are asked for ahead (measured).
const SCATTERED: f64 = 100e-12;
/// What a code takes beside its bytes where few queries read codes (measured).
const CODE: f64 = 2e-9;

/// The costs of an index's work in seconds.
pub(super) struct Costs {
    rates: Rates,
    pub way: Way,
    /// Products of dense rows: lists of near rows serve graphs, sketches serve walks.
    vectors: bool,
    /// Bytes of the codes that few queries read in the place of rows.
    short: Option<f64>,
    rows: f64,
    width: f64,
    threads: f64,
    m: f64,
}

impl Costs {
    pub fn of(source: Source<'_>, options: &Options) -> Costs {
        let way = Way::of(source);
        Costs {
            rates: Rates::of(source, way),
            way,
            vectors: source.products() && source.rows.dense().is_some(),
            // Coarse ones are made once few queries have read enough; what is decided must not depend on when.
            short: source.short_stride().map(|bytes| bytes as f64),
            rows: source.rows.len() as f64,
            width: source.rows.width() as f64,
            threads: options.threads as f64,
            m: options.m as f64,
        }
    }

    fn tile_cell(&self) -> f64 {
        self.rates.tile_term * self.width + self.rates.cell
    }

    fn pair(&self) -> f64 {
        self.rates.miss + self.rates.pair_term * self.width
    }

    /// What a row takes beside its cells, for `k` neighbours: coding, order, pair distances of what tiles let pass.
    fn row(&self, k: usize) -> f64 {
        match self.way {
            Way::Bytes => 1e-6 + 1e-9 * self.width,
            Way::Filter => 1e-6 + 4e-9 * self.width + 10.0 * k as f64 * self.pair(),
            _ => (k as f64 + 16.0) * self.pair(),
        }
    }

    pub fn exact_graph(&self, k: usize) -> f64 {
        self.rows * (self.rows / 2.0 * self.tile_cell() + self.row(k)) / self.threads
    }

    pub fn approximate_graph(&self, k: usize) -> f64 {
        let (mut row, mut once) = (4e-6 + 1e-9 * self.width, 0.0);
        // Near lists: so many rows are looked at, more for more neighbours.
        let looked_at = (2_000.0 + 100.0 * k as f64).min(self.rows);
        if self.sketched() {
            // Directions are found from a sample, tried twice; candidates are some times as many as neighbours, and the
            // exact neighbours of 400 rows come first.
            let sample = (SAMPLE_VALUES / self.width).clamp(512.0, 4096.0).min(self.rows) * self.width;
            once = 4_000.0 * self.rates.float_term * sample;
            let columns = self.width.min(SKETCH);
            row += self.rates.float_term * self.width * columns + 400.0 * self.tile_cell();
            row += 5.0 * k as f64 * self.pair();
            row += 2.5 * looked_at * (self.rates.byte_term * columns + self.rates.met);
        } else if self.vectors {
            // Gathered for the tiles; what is kept is compared by the rows unless codes are exact.
            let compared = if self.way == Way::Bytes { 0.0 } else { 1.5 * k as f64 * self.pair() };
            once = LISTS_ONCE;
            row += compared + 1.5 * looked_at * (self.tile_cell() + 0.3e-9);
        } else {
            // Trees, descent rounds and the sample check: a few thousand distances a row (measured).
            row = (1_500.0 + 60.0 * k as f64) * 0.4 * self.pair();
        }
        (once + self.rows * row) / self.threads
    }

    /// Links, and the table of candidates that they are chosen from.
    pub fn search_build(&self, candidates: usize) -> f64 {
        if self.sketched() {
            // Table and links by sketches, which cost 1 ns a column to make (measured).
            return self.rows * (12e-6 + 1e-9 * self.width) / self.threads;
        }
        let table = self.exact_graph(candidates).min(self.approximate_graph(candidates));
        table + self.rows * 4.0 * candidates as f64 * self.pair() / self.threads
    }

    pub fn scan(&self, queries: usize, k: usize) -> f64 {
        // Too few queries for tiles run on the pair kernels.
        let query = match queries < MIN_BATCH {
            true => self.rows * (self.read() + self.rates.cell),
            false => self.rows * self.tile_cell() + self.row(k),
        };
        queries as f64 * query / self.threads
    }

    /// One row, or its code, read after the one before it and compared.
    fn read(&self) -> f64 {
        let streamed = |bytes: f64| if self.rows * bytes > CACHED { STREAMED * bytes } else { 0.0 };
        match self.short {
            Some(bytes) => CODE + streamed(bytes).max(self.rates.pair_term * bytes / 4.0),
            None => streamed(4.0 * self.width).max(self.rates.pair_term * self.width),
        }
    }

    /// A comparison with so many of the rows, which are gathered for it where queries are many.
    pub fn scan_among(&self, rows: usize, queries: usize, k: usize) -> f64 {
        let part = Costs { rows: rows as f64, ..*self };
        if queries < MIN_BATCH {
            // Where they lie.
            let read = match self.short {
                Some(bytes) => CODE + SCATTERED * bytes,
                None => self.rates.pair_term * self.width + SCATTERED * 4.0 * self.width,
            };
            return queries as f64 * part.rows * read / self.threads;
        }
        part.scan(queries, k) + part.rows * (self.rates.miss + 0.2e-9 * self.width)
    }

    pub fn walk(&self, queries: usize, ef: usize) -> f64 {
        let query = if self.sketched() {
            // About ten distances of sketches for each row of a pool three times as wide, and the pool by the rows.
            2e-6 + 3.0 * ef as f64 * (10.0 * 40e-9 + self.pair())
        } else {
            ef as f64 * self.m * 0.6 * self.pair()
        };
        queries as f64 * query / self.threads
    }

    /// A row expanded by a walk over the rows.
    pub fn hop(&self) -> f64 {
        self.m * 0.6 * self.pair() / self.threads
    }

    fn sketched(&self) -> bool {
        self.vectors && self.rows >= SKETCHED.0 && self.width >= SKETCHED.1
    }
}
