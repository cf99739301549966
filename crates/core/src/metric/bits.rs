//! Proxies of packed bits.

use hnsw_kernels::Kernels;

/// Number of differing bits.
pub(super) fn hamming(kernels: &'static Kernels, a: &[u8], b: &[u8]) -> f32 {
    kernels.bit_hamming.one(a, b) as f32
}

/// The negated share of the bits of either row that both have: -1 for equal rows (empty ones too), 0 without a
/// common bit.
pub(super) fn jaccard(kernels: &'static Kernels, a: &[u8], b: &[u8]) -> f32 {
    let (both, either) = kernels.bit_and_or.one(a, b);
    // Adding 0 turns -0 into 0: proxies are ordered by their bits.
    if either == 0 { -1.0 } else { -(both as f32 / either as f32) + 0.0 }
}
