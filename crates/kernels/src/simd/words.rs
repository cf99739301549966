//! What a 32-bit word of a row means to a product: one f32, two bf16 or four bytes.

use std::marker::PhantomData;

use super::{Dot4, Simd};

/// Sums of products of 32-bit words, a word of the left row against one word of each of `LANES`
/// columns.
///
/// # Safety
///
/// As [`Simd`].
pub(crate) trait WordDot: 'static {
    /// The vectors it works on.
    type S: Simd;
    /// One value of the result.
    type Out: Copy + Default;
    /// `LANES` sums.
    type Sum: Copy;
    /// Left word, ready to be multiplied.
    type A: Copy;
    /// Right words, ready to be multiplied.
    type B: Copy;
    /// Mask of the bytes of the right side, as [`Dot4::FLIP`].
    const FLIP: u8 = 0;
    /// Whether words hold two bytes, as 16 bits each: the even or the odd ones of four.
    const SPLIT: bool = false;

    unsafe fn left(word: i32) -> Self::A;
    unsafe fn right(words: *const i32) -> Self::B;
    unsafe fn dot(acc: Self::Sum, a: Self::A, b: Self::B) -> Self::Sum;

    unsafe fn splat(x: Self::Out) -> Self::Sum;
    unsafe fn load(p: *const Self::Out) -> Self::Sum;
    unsafe fn store(p: *mut Self::Out, v: Self::Sum);
    unsafe fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// What the flipped right side takes from every product with this row; needed where `FLIP` is not 0.
    #[inline(always)]
    unsafe fn start(_row: *const u8, _bytes: usize) -> Self::Out {
        Self::Out::default()
    }
}

/// The sums of a [`WordDot`] in f32.
macro_rules! float_sums {
    ($simd:ty) => {
        type S = $simd;
        type Out = f32;
        type Sum = <$simd as Simd>::F;

        $crate::simd::ops! {
            splat(x: f32) -> Self::Sum = <$simd>::splat(x);
            load(p: *const f32) -> Self::Sum = <$simd>::load(p);
            store(p: *mut f32, v: Self::Sum) = <$simd>::store(p, v);
            add(a: Self::Sum, b: Self::Sum) -> Self::Sum = <$simd>::add(a, b);
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use float_sums;

use super::ops;

/// One f32 a word.
pub(crate) struct Floats<S>(PhantomData<S>);

impl<S: Simd> WordDot for Floats<S> {
    float_sums!(S);
    type A = S::F;
    type B = S::F;

    ops! {
        left(word: i32) -> S::F = S::splat(f32::from_bits(word.cast_unsigned()));
        right(words: *const i32) -> S::F = S::load(words.cast());
        dot(acc: S::F, a: S::F, b: S::F) -> S::F = S::fma(a, b, acc);
    }
}

/// Two bf16 a word, widened to f32: for sets without an instruction of their own.
pub(crate) struct Widened<S>(PhantomData<S>);

impl<S: Simd> WordDot for Widened<S> {
    float_sums!(S);
    type A = [S::F; 2];
    type B = [S::F; 2];

    ops! {
        left(word: i32) -> [S::F; 2] = {
            let [low, high] = halves(word);
            [S::splat(low), S::splat(high)]
        };
        right(words: *const i32) -> [S::F; 2] = {
            let words = S::load_i(words);
            [S::floats(S::shl16_i(words)), S::floats(S::and_i(words, S::splat_i(UPPER)))]
        };
        dot(acc: S::F, a: [S::F; 2], b: [S::F; 2]) -> S::F = S::fma(a[1], b[1], S::fma(a[0], b[0], acc));
    }
}

/// The upper half of a word, where the bits of a bf16 are those of the f32 it stands for.
const UPPER: i32 = 0xFFFF_0000_u32.cast_signed();

/// The two bf16 of a word, as f32.
#[inline(always)]
fn halves(word: i32) -> [f32; 2] {
    [word << 16, word & UPPER].map(|bits| f32::from_bits(bits.cast_unsigned()))
}

/// Four bytes a word, exact in i32.
pub(crate) struct Bytes<D>(PhantomData<D>);

impl<D: Dot4> WordDot for Bytes<D> {
    type S = D::S;
    type Out = i32;
    type Sum = <D::S as Simd>::I;
    type A = D::A;
    type B = D::B;
    const FLIP: u8 = D::FLIP;

    ops! {
        left(word: i32) -> D::A = D::left(D::S::splat_i(word));
        right(words: *const i32) -> D::B = D::right(D::S::load_i(words));
        dot(acc: Self::Sum, a: D::A, b: D::B) -> Self::Sum = D::dot(acc, a, b);
        splat(x: i32) -> Self::Sum = D::S::splat_i(x);
        load(p: *const i32) -> Self::Sum = D::S::load_i(p);
        store(p: *mut i32, v: Self::Sum) = D::S::store_i(p, v);
        add(a: Self::Sum, b: Self::Sum) -> Self::Sum = D::S::add_i(a, b);
        // `128 * sum(row)`.
        start(row: *const u8, bytes: usize) -> i32 = {
            let step = 4 * D::S::LANES;
            let mut sums = [D::S::splat_i(0); 4];
            let mut i = 0;
            while i + 4 * step <= bytes {
                for (part, sum) in sums.iter_mut().enumerate() {
                    *sum = D::sum_u8(*sum, D::S::load_i(row.add(i + part * step).cast()));
                }
                i += 4 * step;
            }
            while i + step <= bytes {
                sums[0] = D::sum_u8(sums[0], D::S::load_i(row.add(i).cast()));
                i += step;
            }
            let all = D::S::add_i(D::S::add_i(sums[0], sums[1]), D::S::add_i(sums[2], sums[3]));
            let mut sum = D::S::reduce_add_i(all).cast_signed();
            while i < bytes {
                sum += i32::from(*row.add(i));
                i += 1;
            }
            128 * sum
        };
    }
}
