//! Doors to tiles of products.

use super::Kernels;
use crate::bf16::Bf16;
use crate::tile::{Element, Layout, MatRef, Packed, k_blocks};

/// Columns that a tile's result may be written beyond the last one are rounded up to this.
pub(crate) const COLUMN_ROUND: usize = 16;
/// Longest rows whose u8 products fit an i32: `255 * 255 * U8_MAX_DIM < 2^31`.
pub const U8_MAX_DIM: usize = 33_025;

impl Kernels {
    fn pack_as<T: Element>(&self, layout: Layout, b: MatRef<'_, T>, out: &mut Packed<T>) {
        let to = out.reshape(b.rows(), b.dim(), layout);
        let (bytes, stride) = (b.dim() * size_of::<T>(), b.stride() * size_of::<T>());
        // SAFETY: `MatRef` holds the rows, `reshape` made the room, the set's CPU is present.
        unsafe {
            (self.pack)(b.as_ptr().cast(), b.rows(), bytes, stride, to, layout);
        }
    }

    /// Packs `b` as the right side of [`Self::dot_tile_f32`]. O(rows x dim).
    pub fn pack_f32(&self, b: MatRef<'_, f32>, out: &mut Packed<f32>) {
        self.pack_as(self.layout_f32, b, out);
    }

    /// `out[i * ld + j] = <a_i, b_j>` in f32. O(rows x rows x dim).
    ///
    /// The value depends on the two rows only, and is the same bit for bit with A and B exchanged.
    /// Columns from `b.rows()` to the next multiple of 16 may be overwritten with anything. The
    /// error is at most [`dot_error_factor`]`(dim) * sum |a_k * b_k|`.
    ///
    /// # Panics
    ///
    /// If the widths differ, `b` was packed by another kernel set, `ld` is less than `b.rows()`
    /// rounded up to 16, or `out` is too short for the last row.
    pub fn dot_tile_f32(&self, a: MatRef<'_, f32>, b: &Packed<f32>, out: &mut [f32], ld: usize) {
        check_tile(a, b, self.layout_f32, out.len(), ld);
        let (n, lda) = (a.rows(), a.stride());
        // SAFETY: `check_tile` compared every shape; the set's CPU is present.
        unsafe {
            let (b, cols) = (b.as_ptr(), b.rows());
            (self.dot_f32)(a.as_ptr(), n, lda, b, cols, a.dim(), out.as_mut_ptr(), ld);
        }
    }

    /// Whether [`Self::dot_tile_bf16`] is faster than the f32 tile here.
    #[must_use]
    pub fn has_bf16_tile(&self) -> bool {
        self.bf16
    }

    /// `out[i]` is the bf16 nearest to `x[i]`, see [`Bf16::from_f32`]. O(length).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn to_bf16(&self, x: &[f32], out: &mut [Bf16]) {
        assert!(x.len() == out.len(), "{} values into {}", x.len(), out.len());
        // SAFETY: both hold `x.len()` values; the set's CPU is present.
        unsafe { (self.to_bf16)(x.as_ptr(), x.len(), out.as_mut_ptr()) }
    }

    /// Packs `b` as the right side of [`Self::dot_tile_bf16`]. O(rows x dim).
    pub fn pack_bf16(&self, b: MatRef<'_, Bf16>, out: &mut Packed<Bf16>) {
        self.pack_as(self.layout_bf16, b, out);
    }

    /// `out[i * ld + j] = <a_i, b_j>` in f32. O(rows x rows x dim).
    ///
    /// The value depends on the two rows only, and is the same bit for bit with A and B exchanged;
    /// sets differ in rounding. Subnormal values may count as zero; of others, the error is at most
    /// [`bf16_dot_error_factor`]`(dim) * sum |a_k * b_k|`, and `dim * 2^-125` for what underflows.
    /// Columns beyond the last as in [`Self::dot_tile_f32`].
    ///
    /// # Panics
    ///
    /// As [`Self::dot_tile_f32`].
    pub fn dot_tile_bf16(&self, a: MatRef<'_, Bf16>, b: &Packed<Bf16>, out: &mut [f32], ld: usize) {
        check_tile(a, b, self.layout_bf16, out.len(), ld);
        let (n, lda) = (a.rows(), a.stride());
        // SAFETY: as in `dot_tile_f32`.
        unsafe {
            let (b, cols) = (b.as_ptr(), b.rows());
            (self.dot_bf16)(a.as_ptr(), n, lda, b, cols, a.dim(), out.as_mut_ptr(), ld);
        }
    }

    /// Whether [`Self::dot_tile_u8`] is faster than the f32 tile here. It is exact either way.
    #[must_use]
    pub fn has_u8_tile(&self) -> bool {
        self.u8_pays
    }

    /// Packs `b` as the right side of [`Self::dot_tile_u8`]. O(rows x dim).
    pub fn pack_u8(&self, b: MatRef<'_, u8>, out: &mut Packed<u8>) {
        self.pack_as(self.layout_u8, b, out);
    }

    /// Packs `b` as the right side of the byte tiles of [`Self::panels`]. O(rows x dim).
    pub fn pack_bytes(&self, b: MatRef<'_, u8>, out: &mut Packed<u8>) {
        self.pack_as(self.panels.layout_bytes, b, out);
    }

    /// `out[i * ld + j] = <a_i, b_j>`, exact. Columns beyond the last as in [`Self::dot_tile_f32`].
    ///
    /// # Panics
    ///
    /// As [`Self::dot_tile_f32`], and if rows are longer than [`U8_MAX_DIM`].
    pub fn dot_tile_u8(&self, a: MatRef<'_, u8>, b: &Packed<u8>, out: &mut [i32], ld: usize) {
        check_tile(a, b, self.layout_u8, out.len(), ld);
        assert!(a.dim() <= U8_MAX_DIM, "u8 rows of {} values", a.dim());
        let (n, lda) = (a.rows(), a.stride());
        // SAFETY: as in `dot_tile_f32`.
        unsafe {
            let (b, cols) = (b.as_ptr(), b.rows());
            (self.dot_u8)(a.as_ptr(), n, lda, b, cols, a.dim(), out.as_mut_ptr(), ld);
        }
    }
}

pub(crate) fn check_tile<T: Element>(a: MatRef<'_, T>, b: &Packed<T>, layout: Layout, out: usize, ld: usize) {
    let width = b.rows().next_multiple_of(COLUMN_ROUND);
    assert!(b.layout() == Some(layout), "packed by another kernel set");
    assert!(a.dim() == b.dim(), "rows of {} and {} values", a.dim(), b.dim());
    assert!(ld >= width, "ld {ld} for {width} columns");
    let needed = match a.rows() {
        0 => Some(0),
        n => (n - 1).checked_mul(ld).and_then(|x| x.checked_add(width)),
    };
    assert!(needed.is_some_and(|x| x <= out), "{out} values for a result of {} rows, ld {ld}", a.rows());
}

/// Bound of the relative error of [`Kernels::dot_tile_f32`]: `|result - exact|` is at most this
/// times `sum |a_k * b_k|`, for rows of `dim` values.
#[must_use]
pub fn dot_error_factor(dim: usize) -> f32 {
    // gamma(n) = n u / (1 - n u): two roundings per step where there is no fused multiply-add, one
    // addition per further block.
    let (blocks, length) = k_blocks(dim);
    let nu = (2 * length + blocks) as f32 * (f32::EPSILON / 2.0);
    1.01 * nu / (1.0 - nu)
}

/// Bound of the relative error of [`Kernels::dot_tile_bf16`] on normal values, for rows of `dim`
/// values.
#[must_use]
pub fn bf16_dot_error_factor(dim: usize) -> f32 {
    // gamma(n) as above. Products of two bf16 are exact in f32; what rounds is additions, at most one
    // for each value, one for each block, and one per step where an instruction keeps two sums. The
    // unit is that of any faithful rounding, since not every maker says how the pair is added.
    let (blocks, _) = k_blocks(dim.div_ceil(2));
    let nu = (dim + blocks + dim.div_ceil(32) + 2) as f32 * f32::EPSILON;
    1.01 * nu / (1.0 - nu)
}
