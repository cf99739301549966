//! The checked doors to a kernel set.

use std::sync::OnceLock;

use crate::bf16::Bf16;
use crate::isa::Isa;
use crate::pair::{ByteKernel, CountKernel, PairKernel};
use crate::panel::PanelKernels;
use crate::sets;
use crate::sparse::{SparsePanel, check_lengths};
use crate::tile::{Layout, MatRef, Packed, k_blocks};
use crate::tile_scan::{Hit, TileScan};

/// Columns that a tile's result may be written beyond the last one are rounded up to this.
pub(crate) const COLUMN_ROUND: usize = 16;
/// Longest rows whose u8 products fit an i32: `255 * 255 * U8_MAX_DIM < 2^31`.
pub const U8_MAX_DIM: usize = 33_025;

pub(crate) type PackFn = unsafe fn(*const u8, usize, usize, usize, *mut u32, Layout);
pub(crate) type DotFn<T, S> = unsafe fn(*const T, usize, usize, *const u32, usize, usize, *mut S, usize);
pub(crate) type ScanFn = unsafe fn(*const f32, usize, f32, *const f32, &mut Vec<u32>);
pub(crate) type ScanL2Fn<T> = unsafe fn(*const T, T, *const T, usize, T, *const T, &mut Vec<u32>);
pub(crate) type ScanTileFn<T> = unsafe fn(&TileScan<'_, T>, &mut Vec<Hit<T>>);
pub(crate) type SparseFn = unsafe fn(&SparsePanel, &[u32], &[f32], &mut [f32; SparsePanel::ROWS]) -> bool;

/// The kernels of one instruction set. A value of this type is only ever handed out on a CPU that
/// has the instructions; holding one is the proof that makes every method safe.
pub struct Kernels {
    /// The instruction set.
    pub isa: Isa,
    /// Whether u8 products use integer dot-product instructions: VNNI, dotprod on aarch64, or AMX.
    pub vnni: bool,
    /// Whether bits are counted by VPOPCNTDQ.
    pub vpopcnt: bool,
    /// Whether bf16 products use instructions of their own: AVX512_BF16 or AMX.
    pub bf16: bool,
    /// Squared euclidean distance.
    pub l2sq: PairKernel,
    /// Inner product.
    pub ip: PairKernel,
    /// Sum of absolute differences.
    pub l1: PairKernel,
    /// Largest absolute difference.
    pub linf: PairKernel,
    /// Number of positions that differ, as f32; exact up to 2^24 positions.
    pub hamming: PairKernel,
    /// Sum of `|a - b| / (|a| + |b|)`, with nothing from columns that are zero in both rows. Not
    /// finite where `|a| + |b|` is not.
    pub canberra: PairKernel,
    /// Sum of `|a - b|` over the sum of `|a + b|`, 0 where the latter is 0. Not finite where a sum is
    /// not.
    pub braycurtis: PairKernel,
    /// Counts of the columns that are non-zero in both rows, and in one of them only.
    pub counts: CountKernel,
    /// Number of bits that differ.
    pub bit_hamming: ByteKernel<u32>,
    /// Number of bits set in both rows, and number set in at least one.
    pub bit_and_or: ByteKernel<(u32, u32)>,
    /// Squared euclidean distance of unsigned bytes.
    pub u8_l2sq: ByteKernel<u32>,
    /// Inner product of unsigned bytes.
    pub u8_dot: ByteKernel<u32>,
    /// Inner product of signed bytes (two's complement).
    pub i8_dot: ByteKernel<i32>,
    /// Squared euclidean distance of unsigned half bytes, two in each byte.
    pub u4_l2sq: ByteKernel<u32>,
    /// Tiles of sums that are no products.
    pub panels: PanelKernels,
    pub(crate) u8_pays: bool,
    pub(crate) layout_f32: Layout,
    pub(crate) layout_bf16: Layout,
    pub(crate) layout_u8: Layout,
    pub(crate) pack: PackFn,
    pub(crate) dot_f32: DotFn<f32, f32>,
    pub(crate) dot_bf16: DotFn<Bf16, f32>,
    pub(crate) dot_u8: DotFn<u8, i32>,
    pub(crate) to_bf16: unsafe fn(*const f32, usize, *mut Bf16),
    pub(crate) scan: ScanFn,
    pub(crate) scan_l2_f32: ScanL2Fn<f32>,
    pub(crate) scan_l2_i32: ScanL2Fn<i32>,
    pub(crate) scan_tile_f32: ScanTileFn<f32>,
    pub(crate) scan_tile_i32: ScanTileFn<i32>,
    pub(crate) sparse_dots: SparseFn,
    pub(crate) finite: unsafe fn(*const f32, usize) -> usize,
}

impl Kernels {
    /// The best kernels this machine can run, chosen once. `HNSW_BRIDGE_ISA=scalar|neon|avx2|avx512|amx`
    /// in the environment lowers the choice to that set; a name that this machine lacks is ignored.
    #[must_use]
    pub fn detect() -> &'static Self {
        static CHOICE: OnceLock<&'static Kernels> = OnceLock::new();
        CHOICE.get_or_init(|| {
            let sets = Self::available();
            let wanted = std::env::var("HNSW_BRIDGE_ISA").unwrap_or_default();
            let lowered = sets.iter().rfind(|k| k.isa.name() == wanted);
            lowered.or(sets.last()).copied().unwrap_or(&sets::SCALAR)
        })
    }

    /// Every kernel set this machine can run, slowest first; the first is [`Isa::Scalar`].
    #[must_use]
    pub fn available() -> Vec<&'static Self> {
        sets::available()
    }

    /// The AMX set whether or not this machine has AMX, for tests that stand in for its instructions.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions of the set below it, AVX-512 with VNNI, VPOPCNTDQ and BF16; those of
    /// AMX are present, or a trap handler executes them.
    #[doc(hidden)]
    #[cfg(target_arch = "x86_64")]
    #[must_use]
    pub unsafe fn amx() -> &'static Self {
        &sets::AMX
    }

    /// The chosen set and the ones it was chosen from, for humans: `avx512+vnni of scalar avx2 ...`.
    #[must_use]
    pub fn features() -> String {
        let all: Vec<String> = Self::available().iter().map(|k| k.label()).collect();
        format!("{} of {}", Self::detect().label(), all.join(" "))
    }

    /// `avx512+vnni+vpopcntdq+bf16+amx`, `avx2`, `neon+dotprod`, ...
    #[must_use]
    pub fn label(&self) -> String {
        let dot = match (self.vnni, self.isa) {
            (false, _) => "",
            (true, Isa::Neon) => "+dotprod",
            (true, _) => "+vnni",
        };
        let bits = if self.vpopcnt { "+vpopcntdq" } else { "" };
        let halves = if self.bf16 { "+bf16" } else { "" };
        let (base, tiles) = if self.isa == Isa::Amx { (Isa::Avx512, "+amx") } else { (self.isa, "") };
        format!("{base}{dot}{bits}{halves}{tiles}")
    }

    /// Packs `b` as the right side of [`Self::dot_tile_f32`]. O(rows x dim).
    pub fn pack_f32(&self, b: MatRef<'_, f32>, out: &mut Packed<f32>) {
        let layout = self.layout_f32;
        let to = out.reshape(b.rows(), b.dim(), layout);
        let (bytes, stride) = (b.dim() * 4, b.stride() * 4);
        // SAFETY: `MatRef` holds the rows, `reshape` made the room, the set's CPU is present.
        unsafe {
            (self.pack)(b.as_ptr().cast(), b.rows(), bytes, stride, to, layout);
        }
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
        let layout = self.layout_bf16;
        let to = out.reshape(b.rows(), b.dim(), layout);
        let (bytes, stride) = (b.dim() * 2, b.stride() * 2);
        // SAFETY: as in `pack_f32`.
        unsafe {
            (self.pack)(b.as_ptr().cast(), b.rows(), bytes, stride, to, layout);
        }
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
        let layout = self.layout_u8;
        let to = out.reshape(b.rows(), b.dim(), layout);
        // SAFETY: as in `pack_f32`.
        unsafe {
            (self.pack)(b.as_ptr(), b.rows(), b.dim(), b.stride(), to, layout);
        }
    }

    /// Packs `b` as the right side of the byte tiles of [`Self::panels`]. O(rows x dim).
    pub fn pack_bytes(&self, b: MatRef<'_, u8>, out: &mut Packed<u8>) {
        let layout = self.panels.layout_bytes;
        let to = out.reshape(b.rows(), b.dim(), layout);
        // SAFETY: as in `pack_f32`.
        unsafe {
            (self.pack)(b.as_ptr(), b.rows(), b.dim(), b.stride(), to, layout);
        }
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

    /// Pushes every column `j < nb.len()` with `d <= thr_row` or `d <= thr_col[j]`, ascending, where
    /// `d = (na + nb[j]) - 2 * acc[j]` rounded in that order. Thresholds must not be NaN; a `d` that
    /// is NaN fails. `acc` may be longer than `nb`.
    ///
    /// # Panics
    ///
    /// If `acc` is shorter than `nb`, or the length of `thr_col` differs from that of `nb`.
    pub fn scan_l2_f32(
        &self,
        acc: &[f32],
        na: f32,
        nb: &[f32],
        thr_row: f32,
        thr_col: Option<&[f32]>,
        out: &mut Vec<u32>,
    ) {
        let col = check_scan(acc.len(), nb.len(), thr_col);
        // SAFETY: all three hold `nb.len()` values; the set's CPU is present.
        unsafe {
            (self.scan_l2_f32)(acc.as_ptr(), na, nb.as_ptr(), nb.len(), thr_row, col, out);
        }
    }

    /// [`Self::scan_l2_f32`] in i32. Intermediate sums wrap, so `d` is right whenever it fits.
    ///
    /// # Panics
    ///
    /// As [`Self::scan_l2_f32`].
    pub fn scan_l2_i32(
        &self,
        acc: &[i32],
        na: i32,
        nb: &[i32],
        thr_row: i32,
        thr_col: Option<&[i32]>,
        out: &mut Vec<u32>,
    ) {
        let col = check_scan(acc.len(), nb.len(), thr_col);
        // SAFETY: all three hold `nb.len()` values; the set's CPU is present.
        unsafe {
            (self.scan_l2_i32)(acc.as_ptr(), na, nb.as_ptr(), nb.len(), thr_row, col, out);
        }
    }

    /// Pushes every cell of a tile with `d <= row_threshold` or `d <= column_threshold`, where
    /// `d = (row_norm + column_norm) - 2 * acc` rounded in that order; a `d` that is NaN fails. Every
    /// cell once, in no promised order. O(rows x columns).
    ///
    /// # Panics
    ///
    /// If there are not as many thresholds as norms, `ld` is less than the columns, or `acc` ends
    /// before the last row does.
    pub fn scan_tile_l2_f32(&self, tile: &TileScan<'_, f32>, out: &mut Vec<Hit<f32>>) {
        tile.check();
        // SAFETY: the tile has been checked; the set's CPU is present.
        unsafe { (self.scan_tile_f32)(tile, out) }
    }

    /// [`Self::scan_tile_l2_f32`] in i32. Intermediate sums wrap, so `d` is right whenever it fits.
    ///
    /// # Panics
    ///
    /// As [`Self::scan_tile_l2_f32`].
    pub fn scan_tile_l2_i32(&self, tile: &TileScan<'_, i32>, out: &mut Vec<Hit<i32>>) {
        tile.check();
        // SAFETY: the tile has been checked; the set's CPU is present.
        unsafe { (self.scan_tile_i32)(tile, out) }
    }

    /// Pushes every column `j` with `d[j] <= thr_row` or `d[j] <= thr_col[j]`, ascending.
    ///
    /// # Panics
    ///
    /// If the length of `thr_col` differs from that of `d`.
    pub fn scan_f32(&self, d: &[f32], thr_row: f32, thr_col: Option<&[f32]>, out: &mut Vec<u32>) {
        let col = check_scan(d.len(), d.len(), thr_col);
        // SAFETY: both hold `d.len()` values; the set's CPU is present.
        unsafe { (self.scan)(d.as_ptr(), d.len(), thr_row, col, out) }
    }

    /// `out[r]` is the inner product of a sparse row (`values[i]` in column `indices[i]`, no column
    /// twice) and row `r` of the panel; 0 beyond its last row. O(entries).
    ///
    /// With the columns of all rows ascending, the value depends on the two rows only, and is the same
    /// with the two exchanged. The error is at most `1.01 * n * EPSILON * sum |a_k * b_k|` for `n`
    /// entries.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or a column is not below the `dim` of the panel.
    pub fn sparse_dots(
        &self,
        panel: &SparsePanel,
        indices: &[u32],
        values: &[f32],
        out: &mut [f32; SparsePanel::ROWS],
    ) {
        check_lengths(indices, values);
        // SAFETY: the lengths are equal; the set's CPU is present.
        let inside = unsafe { (self.sparse_dots)(panel, indices, values, out) };
        assert!(inside, "a column beyond those of the panel");
    }

    /// Index of the first value that is NaN or infinite. O(length).
    #[must_use]
    pub fn all_finite(&self, x: &[f32]) -> Option<usize> {
        // SAFETY: `x` holds its length of values; the set's CPU is present.
        let prefix = unsafe { (self.finite)(x.as_ptr(), x.len()) };
        (prefix < x.len()).then_some(prefix)
    }
}

pub(crate) fn check_tile<T: crate::Element>(a: MatRef<'_, T>, b: &Packed<T>, layout: Layout, out: usize, ld: usize) {
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

/// The column thresholds as a pointer, null for none.
fn check_scan<T>(acc: usize, n: usize, thr_col: Option<&[T]>) -> *const T {
    assert!(acc >= n, "{acc} sums for {n} columns");
    assert!(u32::try_from(n).is_ok(), "{n} columns");
    thr_col.map_or(std::ptr::null(), |t| {
        assert!(t.len() == n, "{} thresholds for {n} columns", t.len());
        t.as_ptr()
    })
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
