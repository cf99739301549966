//! What pieces of work take: seconds of one core, by instruction set.
//!
//! Stored, not measured at start, so that two processes on one machine choose alike. AVX-512 and AVX2 were fitted on
//! quiet machines (Zen 5 with whole and with half-width units, Sapphire Rapids; AVX2 without VNNI: Zen 3) with the `peak` example of the kernels and the bench's scale suite, AMX
//! follows from published rates of its tiles, NEON and scalar are orders of magnitude.

use crate::exact::Source;
use crate::metric::{Pair, Sums};
use crate::points::Form;
use hnsw_kernels::{Isa, Kernels};

/// What the cells of exact tiles are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Byte products that lose nothing.
    Bytes,
    /// Byte products as a filter, then pair distances.
    Filter,
    /// Products of floats, dense or sparse, then pair distances.
    Floats,
    /// Sums over columns in register tiles.
    Sums,
    /// Common bits.
    Bits,
    /// Pair functions.
    Pairs,
}

impl Way {
    /// How exact tiles work over these rows.
    pub fn of(source: Source<'_>) -> Way {
        let sparse_products = source.products() || source.pair().of_sets().is_some() || source.metric.centres();
        match source.rows.form() {
            _ if source.byte_tiles() => Way::Bytes,
            _ if source.wants_coarse() => Way::Filter,
            Form::Dense if source.products() => Way::Floats,
            Form::Sparse if sparse_products => Way::Floats,
            _ if source.pair().of_bits().is_some() => Way::Bits,
            Form::Dense if source.metric.sums().is_some() => Way::Sums,
            _ => Way::Pairs,
        }
    }

    /// For `plan`.
    pub fn name(self) -> &'static str {
        match self {
            Way::Bytes => "u8",
            Way::Filter => "u8 filter",
            _ => "f32",
        }
    }
}

/// Seconds of one core.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// One column of a cell of the tiles, threshold test and selection excluded.
    pub tile_term: f64,
    /// The same of tiles of floats and of bytes, which sketches are made by and met by.
    pub float_term: f64,
    pub byte_term: f64,
    /// Threshold test and storing of one cell.
    pub cell: f64,
    /// The same of one cell that a sketch is met in.
    pub met: f64,
    /// One column of a pair distance between rows in cache.
    pub pair_term: f64,
    /// Start of a pair distance to a row that is not in cache.
    pub miss: f64,
}

/// Columns of float tiles, byte tiles, sparse tiles, tiles of sums, and of pair kernels.
struct Terms {
    floats: f64,
    bytes: f64,
    sparse: f64,
    sums: f64,
    kernel: f64,
}

impl Terms {
    fn of(kernels: &Kernels) -> Terms {
        let ps = |floats: f64, bytes: f64, sparse: f64, sums: f64, kernel: f64| Terms {
            floats: floats * 1e-12,
            bytes: bytes * 1e-12,
            sparse: sparse * 1e-12,
            sums: sums * 1e-12,
            kernel: kernel * 1e-12,
        };
        match (kernels.isa, kernels.vnni) {
            (Isa::Amx, _) => ps(9.0, 0.45, 20.0, 16.0, 60.0),
            // Between whole and half-width units: neither is more than 1.3 times slower than its better side.
            (Isa::Avx512, _) => ps(10.0, 3.2, 20.0, 16.0, 60.0),
            (Isa::Avx2, true) => ps(17.0, 4.2, 25.0, 32.0, 80.0),
            (Isa::Avx2, false) => ps(22.0, 16.0, 25.0, 32.0, 80.0),
            (Isa::Neon, _) => ps(60.0, 15.0, 50.0, 60.0, 120.0),
            (Isa::Scalar, _) => ps(1000.0, 1000.0, 500.0, 1000.0, 1000.0),
        }
    }
}

impl Rates {
    pub fn of(source: Source<'_>, way: Way) -> Rates {
        let terms = Terms::of(source.kernels);
        let pair_term = match source.pair() {
            Pair::Kernel(_) | Pair::Checked(..) => terms.kernel,
            Pair::Counts(..) => 2.0 * terms.kernel,
            Pair::Dense(..) => 1e-9,
            Pair::Sparse(..) | Pair::SparseCounts(..) => 1.5e-9,
            Pair::Bits(..) => terms.kernel / 4.0,
        };
        let tile_term = match way {
            Way::Bytes | Way::Filter => terms.bytes,
            Way::Floats if source.rows.form() == Form::Sparse => terms.sparse,
            Way::Floats => terms.floats,
            Way::Sums if source.metric.sums() == Some(Sums::Canberra) => 2.5 * terms.sums,
            Way::Sums => terms.sums,
            // Eight columns a byte, three bytes in the time of a sum's column.
            Way::Bits => terms.sums / 40.0,
            Way::Pairs => pair_term,
        };
        let cell = match (way, source.kernels.isa) {
            (Way::Bits, _) => 1.2e-9,
            (_, Isa::Avx2) => 1.5e-9,
            (_, Isa::Avx512) => 0.3e-9,
            _ => 0.15e-9,
        };
        let met = if source.kernels.isa == Isa::Avx512 { 0.15e-9 } else { 0.5e-9 };
        Rates { met, tile_term, float_term: terms.floats, byte_term: terms.bytes, cell, pair_term, miss: 60e-9 }
    }
}
