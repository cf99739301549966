//! What a set is made of: macros that put generic bodies into functions of one instruction set.

/// The kernels of pairs inside functions that carry `$attr`.
macro_rules! pair_kernels {
    ($attr:tt, $simd:ty, group: $group:literal) => {
        // Each function below only adds `$attr` around a generic body.
        // SAFETY of the bodies: each wrapper has the contract of what it wraps, and `$attr` makes
        // the instruction set of `$simd` available to it.

        # $attr
        unsafe fn one<O: PairOp<$simd>>(a: *const f32, b: *const f32, n: usize) -> O::Out {
            // SAFETY: as above.
            unsafe { against::<$simd, O, 1>(a, [b], n)[0] }
        }

        # $attr
        unsafe fn four<O: PairOp<$simd>>(q: *const f32, r: [*const f32; 4], n: usize) -> [O::Out; 4] {
            // SAFETY: as above.
            unsafe { against_four::<$simd, O, $group>(q, r, n) }
        }

        const fn pair<O: PairOp<$simd>>() -> PairKernel<O::Out> {
            PairKernel::new(one::<O>, four::<O>)
        }

        const fn bytes<O: ByteOp<S = $simd>>() -> ByteKernel<O::Out> {
            ByteKernel::new(pair::<Words<O>>(), O::LONGEST)
        }

        const fn and_or<P: Popcount<S = $simd>>() -> ByteKernel<(u32, u32)> {
            ByteKernel::new(pair::<BitAndOr<P>>(), BITS_LONGEST)
        }
    };
}

/// The tiles of other sums inside functions that carry `$attr`; `$m`, `$v`, `$h` as for tiles of f32.
macro_rules! panel_kernels {
    ($attr:tt, $isa:expr, $simd:ty, [$m:literal, $v:literal, $h:literal]) => {
        // SAFETY of the body: as in `pair_kernels`.

        # $attr
        unsafe fn panel<W: WordDot<S = $simd>>(
            a: *const u8, n: usize, lda: usize, b: *const i32, cols: usize, bytes: usize, out: *mut W::Out, ld: usize,
        ) {
            // SAFETY: as above.
            unsafe { tile::dot::<W, $m, $v, $h>(a, n, lda, b, cols, bytes, out, ld) }
        }

        const WORDS: Layout = Layout { isa: $isa, width: $v * <$simd>::LANES, flip: 0, step: 1, split: false };

        const fn sums<T: Element, W: WordDot<S = $simd>>() -> PanelKernel<T, W::Out> {
            PanelKernel::new(panel::<W>, WORDS)
        }
    };
}

/// Instantiates every kernel inside functions that carry `$attr`, and collects them in a table.
/// `f32`/`u8`: rows, vectors, and vectors of a narrow last panel of the register tile, for `u8` after how a
/// word is multiplied; `bf16`: rows, where vectors are those of f32; `panel`: vectors of a line of a sparse
/// panel; `sums`: those of other sums.
macro_rules! kernel_set {
    (
        $(#[$cfg:meta])*
        $table:ident in $module:ident: $isa:expr, $attr:tt, $simd:ty, $dot4:ty,
        vnni: $vnni:expr, u8_pays: $pays:expr, group: $group:literal,
        f32: [$mf:literal, $vf:literal, $hf:literal], bf16: $mw:literal,
        u8: [$words:ty, $mi:literal, $vi:literal, $hi:literal], panel: $panel:literal, sums: $sums:tt
    ) => {
        $(#[$cfg])*
        mod $module {
            use super::*;

            pair_kernels!($attr, $simd, group: $group);
            panel_kernels!($attr, $isa, $simd, $sums);

            # $attr
            unsafe fn pack(
                b: *const u8, n: usize, bytes: usize, stride: usize, out: *mut u32, layout: Layout,
            ) {
                // SAFETY: as above.
                unsafe { tile::pack::<$simd>(b, n, bytes, stride, out, layout) }
            }

            # $attr
            unsafe fn dot_f32(
                a: *const f32, n: usize, lda: usize, b: *const u32, cols: usize, dim: usize,
                out: *mut f32, ld: usize,
            ) {
                // SAFETY: as above.
                unsafe {
                    tile::dot::<Floats<$simd>, $mf, $vf, $hf>(
                        a.cast(), n, 4 * lda, b.cast(), cols, 4 * dim, out, ld,
                    );
                }
            }

            # $attr
            unsafe fn dot_bf16(
                a: *const Bf16, n: usize, lda: usize, b: *const u32, cols: usize, dim: usize,
                out: *mut f32, ld: usize,
            ) {
                // SAFETY: as above.
                unsafe {
                    tile::dot::<Widened<$simd>, $mw, $vf, $hf>(
                        a.cast(), n, 2 * lda, b.cast(), cols, 2 * dim, out, ld,
                    );
                }
            }

            # $attr
            unsafe fn to_bf16(x: *const f32, n: usize, out: *mut Bf16) {
                // SAFETY: as above.
                unsafe { bf16::to_bf16(x, n, out) }
            }

            # $attr
            unsafe fn dot_u8(
                a: *const u8, n: usize, lda: usize, b: *const u32, cols: usize, dim: usize,
                out: *mut i32, ld: usize,
            ) {
                // SAFETY: as above.
                unsafe {
                    if <$words>::SPLIT {
                        tile::dot_split::<$words, $mi, $vi, $hi>(a, n, lda, b.cast(), cols, dim, out, ld);
                    } else {
                        tile::dot::<$words, $mi, $vi, $hi>(a, n, lda, b.cast(), cols, dim, out, ld);
                    }
                }
            }

            # $attr
            unsafe fn scan_f32(
                d: *const f32, n: usize, row: f32, col: *const f32, out: &mut Vec<u32>,
            ) {
                // SAFETY: as above.
                unsafe { scan::scan_f32::<$simd>(d, n, row, col, out) }
            }

            # $attr
            unsafe fn scan_l2_f32(
                acc: *const f32, na: f32, nb: *const f32, n: usize, row: f32, col: *const f32,
                out: &mut Vec<u32>,
            ) {
                // SAFETY: as above.
                unsafe { scan::scan_l2_f32::<$simd>(acc, na, nb, n, row, col, out) }
            }

            # $attr
            unsafe fn scan_l2_i32(
                acc: *const i32, na: i32, nb: *const i32, n: usize, row: i32, col: *const i32,
                out: &mut Vec<u32>,
            ) {
                // SAFETY: as above.
                unsafe { scan::scan_l2_i32::<$simd>(acc, na, nb, n, row, col, out) }
            }

            # $attr
            unsafe fn scan_tile_f32(tile: &TileScan<'_, f32>, out: &mut Vec<Hit<f32>>) {
                // SAFETY: as above.
                unsafe { scan_tile::<$simd, _>(tile, out) }
            }

            # $attr
            unsafe fn scan_tile_i32(tile: &TileScan<'_, i32>, out: &mut Vec<Hit<i32>>) {
                // SAFETY: as above.
                unsafe { scan_tile::<$simd, _>(tile, out) }
            }

            # $attr
            unsafe fn sparse_dots(
                panel: &SparsePanel, indices: &[u32], values: &[f32], out: &mut [f32; SparsePanel::ROWS],
            ) -> bool {
                // SAFETY: as above.
                unsafe { sparse::sparse_dots::<$simd, $panel>(panel, indices, values, out) }
            }

            # $attr
            unsafe fn finite(x: *const f32, n: usize) -> usize {
                // SAFETY: as above.
                unsafe { scan::finite_prefix::<$simd>(x, n) }
            }

            pub(crate) const TABLE: Kernels = Kernels {
                isa: $isa,
                vnni: $vnni,
                vpopcnt: false,
                bf16: false,
                l2sq: pair::<L2Sq>(),
                ip: pair::<Ip>(),
                l1: pair::<L1>(),
                linf: pair::<Linf>(),
                hamming: pair::<Hamming>(),
                canberra: pair::<Canberra>(),
                braycurtis: pair::<BrayCurtis>(),
                counts: pair::<CountNonZero>(),
                bit_hamming: bytes::<BitHamming<$simd>>(),
                bit_and_or: and_or::<$simd>(),
                u8_l2sq: bytes::<U8L2Sq<$dot4>>(),
                u8_dot: bytes::<U8Dot<$dot4>>(),
                i8_dot: bytes::<I8Dot<$dot4>>(),
                u4_l2sq: bytes::<U4L2Sq<$dot4>>(),
                panels: PanelKernels {
                    l1: sums::<f32, FloatSteps<$simd, L1>>(),
                    abs_sum: sums::<f32, FloatSteps<$simd, AbsSum>>(),
                    linf: sums::<f32, FloatSteps<$simd, Linf>>(),
                    hamming: sums::<f32, FloatSteps<$simd, Hamming>>(),
                    canberra: sums::<f32, FloatSteps<$simd, Canberra>>(),
                    bit_and: sums::<u8, IntSteps<$simd, Words<BitAnd<$simd>>>>(),
                    layout_bytes: WORDS,
                },
                u8_pays: $pays,
                layout_f32: Layout { isa: $isa, width: $vf * <$simd>::LANES, flip: 0, step: 1, split: false },
                layout_bf16: Layout { isa: $isa, width: $vf * <$simd>::LANES, flip: 0, step: 1, split: false },
                layout_u8: Layout {
                    isa: $isa, width: $vi * <$simd>::LANES, flip: <$words>::FLIP, step: 1, split: <$words>::SPLIT,
                },
                pack,
                dot_f32,
                dot_bf16,
                dot_u8,
                to_bf16,
                scan: scan_f32,
                scan_l2_f32,
                scan_l2_i32,
                scan_tile_f32,
                scan_tile_i32,
                sparse_dots,
                finite,
            };
        }
        $(#[$cfg])*
        pub(crate) static $table: Kernels = $module::TABLE;
    };
}
