//! The kernels of one instruction set, and the choice among sets.
//!
//! ```text
//!   products   doors to tiles of products: packing, shapes, bounds of the error
//!   scans      doors to threshold scans and products of sparse rows
//! ```

mod products;
mod scans;

use std::sync::OnceLock;

use crate::bf16::Bf16;
use crate::isa::Isa;
use crate::pair::{ByteKernel, CountKernel, PairKernel};
use crate::panel::PanelKernels;
use crate::sets;
use crate::sparse::SparsePanel;
use crate::tile::Layout;
use crate::tile_scan::{Hit, TileScan};

pub(crate) use products::check_tile;
pub use products::{U8_MAX_DIM, bf16_dot_error_factor, dot_error_factor};

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
}
