//! Proxies of dense rows that no SIMD kernel computes, one idea a file. Slices hold exactly the columns that the
//! caller gave.
//!
//! ```text
//!   sums        how a loop over two rows is written here, so that it vectorises
//!   wide        kernels' values once more, for rows at the edge of f32
//!   sphere      haversine
//!   triangle    tsss
//!   divergence  jensen-shannon, symmetric-kl
//!   circle      circular kantorovich
//!   moved       kantorovich with a cost matrix
//! ```

mod circle;
mod divergence;
mod moved;
mod sphere;
mod sums;
mod triangle;
mod wide;

pub(super) use circle::circular;
pub(super) use divergence::{jensen_shannon, symmetric_kl};
pub(super) use moved::kantorovich;
pub(super) use sphere::haversine;
pub(super) use triangle::tsss;
pub(super) use wide::{braycurtis, canberra, minkowski, negated_product};
