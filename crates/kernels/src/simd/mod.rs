//! The vector vocabulary that every kernel body is written in.
//!
//! One generic source serves all instruction sets: a kernel is an `#[inline(always)]` function over
//! [`Simd`], and [`crate::sets`] instantiates it inside functions that carry the matching
//! `#[target_feature]`. Inlining is what turns the one-line methods below into single instructions,
//! so nothing here may be called from a function that lacks those features, and no closure may
//! stand between (a closure does not inherit them).
//!
//! What may not enter: loops over rows, knowledge of metrics, anything public.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod scalar;
pub(crate) mod words;

pub(crate) use words::WordDot;

/// Declares `#[inline(always)]` trait methods whose bodies are single intrinsics or a few of them.
macro_rules! ops {
    ($($name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the contract of `Simd`: the instruction set is present, pointers are valid.
            #[allow(unused_unsafe, reason = "the scalar bodies are safe code")]
            unsafe { $body }
        }
    )*};
}
pub(crate) use ops;

/// Vectors of `LANES` values, `f32` or 32-bit integers, of one instruction set.
///
/// # Safety
///
/// Every method may be called only where the implementing instruction set is known to be present.
/// Pointers need no alignment; `load*` and `store*` touch `LANES` values (`load_partial`: `n`).
pub(crate) trait Simd: Copy + 'static {
    /// Vector of `LANES` f32.
    type F: Copy;
    /// Vector of `LANES` 32-bit integers.
    type I: Copy;
    /// `LANES` vectors, a square block.
    type Block: AsMut<[Self::F]>;
    /// Values per vector, at most 16.
    const LANES: usize;

    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    /// The first `n < LANES` values, the others zero.
    unsafe fn load_partial(p: *const f32, n: usize) -> Self::F;
    unsafe fn store(p: *mut f32, v: Self::F);
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn abs(a: Self::F) -> Self::F;
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    /// `acc + 1` in the lanes where `a != b`, `acc` elsewhere.
    unsafe fn count_ne(acc: Self::F, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`, zero where `b` is zero.
    unsafe fn div_or_zero(a: Self::F, b: Self::F) -> Self::F;
    /// `acc + 1` in the lanes where neither `a` nor `b` is zero, `acc` elsewhere.
    unsafe fn count_both(acc: Self::I, a: Self::F, b: Self::F) -> Self::I;
    /// Bit `i` is set where `a[i] <= b[i]`; false where either is NaN.
    unsafe fn le(a: Self::F, b: Self::F) -> u32;
    unsafe fn reduce_add(a: Self::F) -> f32;
    unsafe fn reduce_max(a: Self::F) -> f32;

    unsafe fn block(v: Self::F) -> Self::Block;
    /// Transposes the block: value `j` of vector `i` changes place with value `i` of vector `j`.
    unsafe fn transpose(b: &mut Self::Block);
    /// The same bits, seen as integers.
    unsafe fn bits(a: Self::F) -> Self::I;
    /// The same bits, seen as f32.
    unsafe fn floats(a: Self::I) -> Self::F;

    unsafe fn splat_i(x: i32) -> Self::I;
    unsafe fn load_i(p: *const i32) -> Self::I;
    unsafe fn store_i(p: *mut i32, v: Self::I);
    /// Wrapping sum.
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I;
    /// Wrapping difference.
    unsafe fn sub_i(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn max_i(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn xor_i(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn and_i(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn or_i(a: Self::I, b: Self::I) -> Self::I;
    /// Every lane's lower half moves into its upper half, zero into its lower one.
    unsafe fn shl16_i(a: Self::I) -> Self::I;
    /// Every byte moves one down in its lane; the uppermost is anything.
    unsafe fn shr8_i(a: Self::I) -> Self::I;
    /// Every byte's upper half moves into its lower half; the upper one is anything.
    unsafe fn shr4_i(a: Self::I) -> Self::I;
    /// `|a - b|` of unsigned bytes.
    unsafe fn abs_diff_u8(a: Self::I, b: Self::I) -> Self::I;
    /// Bit `i` is set where `a[i] <= b[i]`.
    unsafe fn le_i(a: Self::I, b: Self::I) -> u32;
    /// Wrapping sum of all lanes.
    unsafe fn reduce_add_i(a: Self::I) -> u32;
}

/// Counts of set bits.
///
/// # Safety
///
/// As [`Simd`].
pub(crate) trait Popcount: 'static {
    /// The vectors it works on.
    type S: Simd;

    /// `acc` plus the number of bits set in `x`; all lanes together count.
    unsafe fn add_ones(acc: <Self::S as Simd>::I, x: <Self::S as Simd>::I) -> <Self::S as Simd>::I;
    /// As `add_ones`, each 32-bit lane by itself.
    #[inline(always)]
    unsafe fn add_ones_each(acc: <Self::S as Simd>::I, x: <Self::S as Simd>::I) -> <Self::S as Simd>::I {
        // SAFETY: the contract of this function.
        unsafe { Self::add_ones(acc, x) }
    }
}

/// Sums of products of four bytes per 32-bit lane.
///
/// The right side of `dot` is given as `byte ^ FLIP` in every byte. With `FLIP = 0x80` that is the
/// signed value `byte - 128`, and the caller adds `128 * sum(left)` back.
///
/// # Safety
///
/// As [`Simd`].
pub(crate) trait Dot4: 'static {
    /// The vectors it works on.
    type S: Simd;
    /// Left side, ready to be multiplied.
    type A: Copy;
    /// Right side, ready to be multiplied.
    type B: Copy;
    /// Mask of the bytes of the right side: 0 or 0x80.
    const FLIP: u8;

    unsafe fn left(x: I<Self>) -> Self::A;
    unsafe fn right(x: I<Self>) -> Self::B;
    /// `acc[lane] + sum of the four products`, wrapping.
    unsafe fn dot(acc: I<Self>, a: Self::A, b: Self::B) -> I<Self>;

    /// `acc` plus the squares of unsigned bytes; all lanes together count.
    unsafe fn squares(acc: I<Self>, x: I<Self>) -> I<Self>;
    /// `acc` plus the squares of the bytes of both, unsigned and below 16; all lanes together count.
    unsafe fn squares_u4(acc: I<Self>, x: I<Self>, y: I<Self>) -> I<Self>;
    /// `acc` plus the products `(a + FLIP) * b` of signed bytes; all lanes together count.
    unsafe fn dot_i8(acc: I<Self>, a: I<Self>, b: I<Self>) -> I<Self>;
    /// `acc` plus unsigned bytes, all lanes together; needed where FLIP is not 0.
    #[inline(always)]
    unsafe fn sum_u8(acc: I<Self>, _x: I<Self>) -> I<Self> {
        acc
    }
    /// As `sum_u8`, of signed bytes.
    #[inline(always)]
    unsafe fn sum_i8(acc: I<Self>, _x: I<Self>) -> I<Self> {
        acc
    }
}

/// The integer vector of a [`Dot4`].
pub(crate) type I<D> = <<D as Dot4>::S as Simd>::I;
