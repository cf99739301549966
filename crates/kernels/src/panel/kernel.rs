//! The checked doors to panel tiles.

use std::fmt;
use std::marker::PhantomData;

use crate::kernels::check_tile;
use crate::tile::{Element, Layout, MatRef, Packed, k_blocks};

/// Rows of A, their number, bytes between them, packed B, columns, bytes of a row, cells, cells between rows.
pub(crate) type PanelFn<C> = unsafe fn(*const u8, usize, usize, *const i32, usize, usize, *mut C, usize);

/// A tile kernel of one instruction set: rows of `T` against packed rows, cells of `C`.
pub struct PanelKernel<T, C> {
    run: PanelFn<C>,
    layout: Layout,
    element: PhantomData<fn(T)>,
}

impl<T: Element, C> PanelKernel<T, C> {
    pub(crate) const fn new(run: PanelFn<C>, layout: Layout) -> Self {
        Self { run, layout, element: PhantomData }
    }

    /// `out[i * ld + j]` is the value for `a_i` and `b_j`, for every row of either. It depends on the two
    /// rows only, and is the same bit for bit with A and B exchanged. O(rows x rows x dim).
    ///
    /// Columns from `b.rows()` to the next multiple of 16 may be overwritten with anything.
    ///
    /// # Panics
    ///
    /// If the widths differ, `b` was packed by another kernel set or for tiles of products, `ld` is less
    /// than `b.rows()` rounded up to 16, or `out` is too short for the last row.
    pub fn tile(&self, a: MatRef<'_, T>, b: &Packed<T>, out: &mut [C], ld: usize) {
        check_tile(a, b, self.layout, out.len(), ld);
        let bytes = size_of::<T>();
        // SAFETY: `check_tile` compared every shape; a kernel is reachable only through a `Kernels` that was
        // handed out after its instruction set was found on this CPU.
        unsafe {
            let (rows, b, cols) = (a.as_ptr().cast(), b.as_ptr().cast(), b.rows());
            (self.run)(rows, a.rows(), a.stride() * bytes, b, cols, a.dim() * bytes, out.as_mut_ptr(), ld);
        }
    }
}

impl<T, C> Clone for PanelKernel<T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, C> Copy for PanelKernel<T, C> {}

impl<T, C> fmt::Debug for PanelKernel<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanelKernel").finish_non_exhaustive()
    }
}

/// The tiles that are no products. Rows of f32 are packed by [`crate::Kernels::pack_f32`], rows of bytes by
/// [`crate::Kernels::pack_bytes`].
#[derive(Clone, Copy, Debug)]
pub struct PanelKernels {
    /// Sum of absolute differences, within [`panel_error_factor`].
    pub l1: PanelKernel<f32, f32>,
    /// Sum of the absolute values of sums, within [`panel_error_factor`].
    pub abs_sum: PanelKernel<f32, f32>,
    /// Largest absolute difference: that of the pair kernel.
    pub linf: PanelKernel<f32, f32>,
    /// Number of positions that differ: that of the pair kernel.
    pub hamming: PanelKernel<f32, f32>,
    /// Sum of `|a - b| / (|a| + |b|)`, with nothing from columns that are zero in both rows, within
    /// [`panel_error_factor`] where no `|a| + |b|` overflows.
    pub canberra: PanelKernel<f32, f32>,
    /// Number of bits that are set in both rows, exact for rows of up to 2^28 bytes.
    pub bit_and: PanelKernel<u8, i32>,
    pub(crate) layout_bytes: Layout,
}

/// Bound of the relative error of the sums of f32 in [`PanelKernels`] for rows of `dim` values: a sum of
/// terms that are not negative is off by at most this times itself.
#[must_use]
pub fn panel_error_factor(dim: usize) -> f32 {
    // gamma(n) = n u / (1 - n u): at most four roundings in a term, one per step and per further block.
    let (blocks, length) = k_blocks(dim);
    let nu = (length + blocks + 4) as f32 * (f32::EPSILON / 2.0);
    1.01 * nu / (1.0 - nu)
}
