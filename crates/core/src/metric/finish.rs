//! From a proxy to the distance that leaves the core.

use std::f32::consts::PI;

/// What turns a proxy into the caller's distance; never reorders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Finish {
    Same,
    Sqrt,
    /// A share of the columns.
    Fraction,
    Scaled(f32),
    /// Cosine distance of unit rows, at most 1.
    ClippedCosine,
    /// Hellinger distance of the roots of shares.
    RootOfHalf,
    /// 1 - angle / pi of unit rows, at least 0.5: a similarity.
    Similarity,
    /// Minus an inner product, 0 where it is not positive.
    NotPositive,
    /// Minus the logarithm of a similarity, from the negated similarity.
    Logarithm,
}

impl Finish {
    #[inline]
    pub fn apply(self, proxy: f32, dim: usize) -> f32 {
        match self {
            Finish::Same => proxy,
            Finish::Sqrt => proxy.sqrt(),
            Finish::Fraction => proxy / dim as f32,
            Finish::Scaled(factor) => proxy * factor,
            Finish::ClippedCosine => (proxy * 0.5).min(1.0),
            Finish::RootOfHalf => (proxy * 0.5).sqrt(),
            // From the chord: near 0 an arc cosine would lose half of the digits.
            Finish::Similarity => 1.0 - 2.0 * (0.5 * proxy.min(2.0).sqrt()).asin() / PI,
            Finish::NotPositive => proxy.min(0.0),
            Finish::Logarithm => 0.0 - (-proxy).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Finish;

    #[test]
    fn a_similarity_of_nothing_is_infinitely_far() {
        assert_eq!(Finish::Logarithm.apply(0.0, 1), f32::INFINITY);
        assert_eq!(Finish::Logarithm.apply(-1.0, 1).to_bits(), 0);
    }

    #[test]
    fn angles_are_clipped_at_a_right_one() {
        let of = |proxy| Finish::Similarity.apply(proxy, 1);
        assert_eq!([of(0.0), of(2.0), of(4.0)], [1.0, 0.5, 0.5]);
    }
}
