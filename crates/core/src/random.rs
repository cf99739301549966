//! Seeded draws as pure functions: the same place in the work always draws the same value.

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
#[inline]
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A draw for the place `(a, b)` of the stream `seed`.
#[inline]
pub(crate) fn draw(seed: u64, a: u64, b: u64) -> u64 {
    mix(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(a.wrapping_add(0x632b_e59b_d9b4_e019))).wrapping_add(b))
}

/// Uniform in (0, 1].
#[inline]
pub(crate) fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 1.0) / (1u64 << 53) as f64
}
