//! Tiles of products: every row of A against every row of B.
//!
//! B is packed once ([`Packed`]) and then met by any number of A blocks, which are read where they
//! lie. The micro-kernel keeps `M` rows x `V` vectors of sums in registers:
//!
//! ```text
//!   A row-major            B packed: panels of V * LANES columns, k-major
//!   a0  k k k k ..         k0: b0 b1 b2 .. b31
//!   a1  k k k k ..         k1: b0 b1 b2 .. b31     sums[m][v] += splat(a_m[k]) * panel[k][v]
//!   ..                     ..
//! ```
//!
//! Promise: the value at `(i, j)` depends on the two rows only, not on their place in the tile, and
//! swapping A and B gives the same bits.

mod matrix;
mod packed;
mod split;
mod words;

pub(crate) use self::packed::pack;
pub(crate) use self::split::dot_split;
pub(crate) use self::words::{dot, k_blocks};
pub use self::{matrix::MatRef, packed::Element, packed::Packed};

pub(crate) use self::packed::Layout;

/// Rows of A that meet all panels before the next rows do: about 256, so that one K block of them
/// and their sums stay in a 1-2 MiB L2; whole strips of `m`, so that only the last rows are fewer.
const fn row_block(m: usize) -> usize {
    256 / m * m
}
