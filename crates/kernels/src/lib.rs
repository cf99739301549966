//! SIMD kernels with run-time dispatch: distances and counts of pairs of rows of values, codes or
//! bits, tiles of products and of other sums, products of sparse rows, threshold scans.
//!
//! [`Kernels::detect`] chooses the best instruction set once; everything hangs off the value it
//! returns. Each kernel has one checked door (slices in, lengths compared), one generic body over
//! the internal `Simd` vocabulary, and one instantiation per instruction set:
//!
//! ```text
//!   Kernels, PairKernel, ByteKernel   doors: lengths and shapes are asserted
//!     sets                            one table of function pointers per instruction set
//!       pair, tile, panel, sparse, scan   generic bodies
//!         simd                        AVX-512, AVX2+FMA, NEON, scalar
//!       amx                           tiles of bytes and bf16 in assembly
//! ```
//!
//! ```
//! use hnsw_kernels::Kernels;
//! let k = Kernels::detect();
//! assert_eq!(k.l2sq.one(&[0.0, 3.0], &[4.0, 0.0]), 25.0);
//! ```
//!
//! What may not enter: metrics and their edge cases, threads, heap structures, any dependency.

#![warn(missing_docs)]
// Register tiles are indexed by number in several arrays at once, and a product takes two matrices
// and a result.
#![allow(clippy::needless_range_loop, clippy::too_many_arguments)]

#[cfg(target_arch = "x86_64")]
mod amx;
mod bf16;
mod isa;
mod kernels;
mod pair;
mod panel;
mod prefetch;
mod scan;
mod sets;
mod simd;
mod sparse;
mod tile;
mod tile_scan;

pub use bf16::Bf16;
pub use isa::Isa;
pub use kernels::{Kernels, U8_MAX_DIM, bf16_dot_error_factor, dot_error_factor};
pub use pair::{ByteKernel, CountKernel, Counts, PairKernel, minkowski};
pub use panel::{PanelKernel, PanelKernels, panel_error_factor};
pub use prefetch::prefetch;
pub use sparse::SparsePanel;
pub use tile::{Element, MatRef, Packed};
pub use tile_scan::{Hit, TileScan};

/// Index of the first value that is NaN or infinite, `None` if all are finite. O(length).
#[must_use]
pub fn all_finite(x: &[f32]) -> Option<usize> {
    Kernels::detect().all_finite(x)
}
