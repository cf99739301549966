//! bf16: the upper half of an f32.

/// A bf16 value: sign, 8 bits of exponent and 7 of fraction. Its bits are the upper half of those of
/// the f32 it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Bf16(u16);

impl Bf16 {
    /// The value with these bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest bf16, ties to even; off by at most `2^-8` of `|x|`. Subnormal values, which the
    /// instructions take for zero, become zero of the same sign; what rounds beyond the largest bf16
    /// becomes infinite.
    #[inline(always)]
    #[must_use]
    pub fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        let magnitude = bits & 0x7FFF_FFFF;
        let nearest = bits.wrapping_add(0x7FFF + (bits >> 16 & 1));
        let small = magnitude < f32::MIN_POSITIVE.to_bits();
        let nan = magnitude > f32::INFINITY.to_bits();
        let bits = if small {
            bits & 0x8000_0000
        } else if nan {
            bits | 0x0040_0000
        } else {
            nearest
        };
        Self((bits >> 16) as u16)
    }

    /// The same value.
    #[inline(always)]
    #[must_use]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// `out[i]` is the bf16 nearest to `x[i]`. Inlined where the instruction set is known, and made
/// vectors by the compiler.
///
/// # Safety
///
/// `x` is readable and `out` writable for `n` values.
#[inline(always)]
pub(crate) unsafe fn to_bf16(x: *const f32, n: usize, out: *mut Bf16) {
    // SAFETY: the contract of this function.
    unsafe {
        for i in 0..n {
            *out.add(i) = Bf16::from_f32(*x.add(i));
        }
    }
}
