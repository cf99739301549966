//! One value per "vector": the reference that every instruction set is tested against, and the
//! fallback where none is present.

use super::{Dot4, Popcount, Simd, ops};

/// Plain Rust, runs everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Simd for Scalar {
    type F = f32;
    type I = i32;
    type Block = [f32; 1];
    const LANES: usize = 1;

    ops! {
        splat(x: f32) -> f32 = x;
        load(p: *const f32) -> f32 = p.read_unaligned();
        load_partial(_p: *const f32, _n: usize) -> f32 = 0.0;
        store(p: *mut f32, v: f32) = p.write_unaligned(v);
        add(a: f32, b: f32) -> f32 = a + b;
        sub(a: f32, b: f32) -> f32 = a - b;
        // Two roundings: a fused one would be a library call without hardware support.
        fma(a: f32, b: f32, c: f32) -> f32 = a * b + c;
        abs(a: f32) -> f32 = a.abs();
        max(a: f32, b: f32) -> f32 = if a > b { a } else { b };
        count_ne(acc: f32, a: f32, b: f32) -> f32 = acc + f32::from(a != b);
        div_or_zero(a: f32, b: f32) -> f32 = if b == 0.0 { 0.0 } else { a / b };
        count_both(acc: i32, a: f32, b: f32) -> i32 = acc.wrapping_add(i32::from(a != 0.0 && b != 0.0));
        le(a: f32, b: f32) -> u32 = u32::from(a <= b);
        reduce_add(a: f32) -> f32 = a;
        reduce_max(a: f32) -> f32 = a;
        block(v: f32) -> [f32; 1] = [v];
        transpose(_b: &mut [f32; 1]) = ();
        bits(a: f32) -> i32 = a.to_bits().cast_signed();
        floats(a: i32) -> f32 = f32::from_bits(a.cast_unsigned());
        splat_i(x: i32) -> i32 = x;
        load_i(p: *const i32) -> i32 = p.read_unaligned();
        store_i(p: *mut i32, v: i32) = p.write_unaligned(v);
        add_i(a: i32, b: i32) -> i32 = a.wrapping_add(b);
        sub_i(a: i32, b: i32) -> i32 = a.wrapping_sub(b);
        max_i(a: i32, b: i32) -> i32 = a.max(b);
        xor_i(a: i32, b: i32) -> i32 = a ^ b;
        and_i(a: i32, b: i32) -> i32 = a & b;
        or_i(a: i32, b: i32) -> i32 = a | b;
        shl16_i(a: i32) -> i32 = a << 16;
        shr8_i(a: i32) -> i32 = a >> 8;
        shr4_i(a: i32) -> i32 = a >> 4;
        abs_diff_u8(a: i32, b: i32) -> i32 = {
            let (mut x, y) = (a.to_ne_bytes(), b.to_ne_bytes());
            for i in 0..4 {
                x[i] = x[i].abs_diff(y[i]);
            }
            i32::from_ne_bytes(x)
        };
        le_i(a: i32, b: i32) -> u32 = u32::from(a <= b);
        reduce_add_i(a: i32) -> u32 = a.cast_unsigned();
    }
}

impl Popcount for Scalar {
    type S = Scalar;

    ops! {
        add_ones(acc: i32, x: i32) -> i32 = acc.wrapping_add(x.count_ones().cast_signed());
    }
}

impl Dot4 for Scalar {
    type S = Scalar;
    type A = [u8; 4];
    type B = [u8; 4];
    const FLIP: u8 = 0;

    ops! {
        left(x: i32) -> [u8; 4] = x.to_ne_bytes();
        right(x: i32) -> [u8; 4] = x.to_ne_bytes();
        dot(acc: i32, a: [u8; 4], b: [u8; 4]) -> i32 = products(acc, a.map(i32::from), b.map(i32::from));
        squares(acc: i32, x: i32) -> i32 = {
            let x = x.to_ne_bytes().map(i32::from);
            products(acc, x, x)
        };
        squares_u4(acc: i32, x: i32, y: i32) -> i32 = Self::squares(Self::squares(acc, x), y);
        dot_i8(acc: i32, a: i32, b: i32) -> i32 = {
            let signed = |x: i32| x.to_ne_bytes().map(|b| i32::from(b.cast_signed()));
            products(acc, signed(a), signed(b))
        };
    }
}

/// `acc + <a, b>`, wrapping.
#[inline(always)]
fn products(acc: i32, a: [i32; 4], b: [i32; 4]) -> i32 {
    a.into_iter().zip(b).fold(acc, |sum, (x, y)| sum.wrapping_add(x * y))
}
