//! What the instructions of a set could do: loops of nothing but the multiply-adds that its tiles are
//! made of, on registers, with enough of them under way to hide their latency.

use hnsw_kernels::Kernels;

/// G operations per second of one core, a multiply and an add being two; `None` where the set has no
/// such instruction or runs on plain code.
pub struct Peaks {
    pub f32: Option<f64>,
    pub bf16: Option<f64>,
    pub u8: Option<f64>,
}

/// Repeats its instructions this many times.
type Loop = unsafe fn(u64);

/// Rounds of one call: some microseconds.
const ROUNDS: u64 = 2000;

/// Rate of a loop whose round does so many multiply-adds.
fn rate(run: Loop, multiply_adds: u64) -> f64 {
    // SAFETY: `of` asks for the loops of a kernel set that was found on this CPU.
    let seconds = crate::best(|| unsafe { run(ROUNDS) });
    2.0 * (multiply_adds * ROUNDS) as f64 / seconds / 1e9
}

#[cfg(target_arch = "x86_64")]
pub fn of(k: &Kernels) -> Peaks {
    use hnsw_kernels::Isa;
    use x86::*;
    let f32 = match k.isa {
        Isa::Avx2 => Some(rate(fma_256, 12 * 8)),
        Isa::Avx512 | Isa::Amx => Some(rate(fma_512, 24 * 16)),
        _ => None,
    };
    let u8 = match (k.isa, k.vnni) {
        (Isa::Avx2, false) => Some(rate(madd_256, 12 * 16)),
        (Isa::Avx2, true) => Some(rate(dpbusd_256, 12 * 32)),
        (Isa::Avx512, false) => Some(rate(madd_512, 24 * 32)),
        (Isa::Avx512, true) => Some(rate(dpbusd_512, 24 * 64)),
        (Isa::Amx, _) => Some(rate(tdpbuud, 4 * 16 * 16 * 64)),
        _ => None,
    };
    let bf16 = match (k.isa, k.bf16) {
        (Isa::Avx512, true) => Some(rate(dpbf16_512, 24 * 32)),
        (Isa::Amx, _) => Some(rate(tdpbf16ps, 4 * 16 * 16 * 32)),
        _ => None,
    };
    Peaks { f32, bf16, u8 }
}

#[cfg(target_arch = "aarch64")]
pub fn of(k: &Kernels) -> Peaks {
    use hnsw_kernels::Isa;
    let neon = k.isa == Isa::Neon;
    Peaks {
        f32: neon.then(|| rate(arm::fmla, 24 * 4)),
        bf16: None,
        u8: (neon && k.vnni).then(|| rate(arm::udot, 24 * 16)),
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn of(_k: &Kernels) -> Peaks {
    Peaks { f32: None, bf16: None, u8: None }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;

    /// A loop over `$lines`, repeated with `\r` standing for each accumulator in turn. `$start` prepares
    /// the registers: of ordinary values, zeros.
    macro_rules! register_loop {
        ($name:ident, $features:literal, [$($start:literal),*], $accumulators:literal, [$($line:literal),*]) => {
            /// # Safety
            ///
            /// The instructions are present.
            #[target_feature(enable = $features)]
            pub unsafe fn $name(rounds: u64) {
                // SAFETY: registers only; a call under this convention preserves none of them.
                unsafe {
                    asm!(
                        $($start,)*
                        "2:",
                        concat!(".irp r, ", $accumulators),
                        $($line,)*
                        ".endr",
                        "dec rcx",
                        "jnz 2b",
                        inout("rcx") rounds => _,
                        clobber_abi("sysv64"),
                        options(nostack)
                    );
                }
            }
        };
    }

    /// The same on 256-bit registers, of which two are sources and one is spare.
    macro_rules! ymm_loop {
        ($name:ident, $($line:literal),*) => {
            register_loop!($name, "avx2,fma", ["vzeroall"], "0,1,2,3,4,5,6,7,8,9,10,11", [$($line),*]);
        };
    }

    /// The same on 512-bit registers, of which two are sources and one is spare.
    macro_rules! zmm_loop {
        ($name:ident, $($line:literal),*) => {
            register_loop!(
                $name,
                "avx512f,avx512bw",
                ["vzeroall", "vpxord zmm30, zmm0, zmm0", "vpxord zmm31, zmm0, zmm0", ".irp r, 16,17,18,19,20,21,22,23",
                 "vpxord zmm\\r, zmm0, zmm0", ".endr"],
                "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
                [$($line),*]
            );
        };
    }

    ymm_loop!(fma_256, "vfmadd231ps ymm\\r, ymm14, ymm15");
    ymm_loop!(madd_256, "vpmaddwd ymm12, ymm14, ymm15", "vpaddd ymm\\r, ymm\\r, ymm12");
    ymm_loop!(dpbusd_256, "{{vex}} vpdpbusd ymm\\r, ymm14, ymm15");
    zmm_loop!(fma_512, "vfmadd231ps zmm\\r, zmm30, zmm31");
    zmm_loop!(madd_512, "vpmaddwd zmm29, zmm30, zmm31", "vpaddd zmm\\r, zmm\\r, zmm29");
    zmm_loop!(dpbusd_512, "vpdpbusd zmm\\r, zmm30, zmm31");
    zmm_loop!(dpbf16_512, "vdpbf16ps zmm\\r, zmm30, zmm31");

    /// What LDTILECFG reads: eight tiles of 16 rows of 64 bytes.
    #[repr(C, align(64))]
    struct Config([u8; 64]);

    static FULL_TILES: Config = {
        let mut config = [0; 64];
        config[0] = 1;
        let mut tile = 0;
        while tile < 8 {
            config[16 + 2 * tile] = 64;
            config[48 + tile] = 16;
            tile += 1;
        }
        Config(config)
    };

    /// A loop over products of tiles into four of sums.
    macro_rules! tile_loop {
        ($name:ident, $line:literal) => {
            /// # Safety
            ///
            /// AMX is usable.
            pub unsafe fn $name(rounds: u64) {
                // SAFETY: a valid configuration; tiles are released at the end.
                unsafe {
                    asm!(
                        "ldtilecfg [rax]",
                        "2:",
                        ".irp r, 0,1,2,3",
                        $line,
                        ".endr",
                        "dec rcx",
                        "jnz 2b",
                        "tilerelease",
                        in("rax") &raw const FULL_TILES,
                        inout("rcx") rounds => _,
                        clobber_abi("sysv64"),
                        options(nostack)
                    );
                }
            }
        };
    }

    tile_loop!(tdpbuud, "tdpbuud tmm\\r, tmm4, tmm5");
    tile_loop!(tdpbf16ps, "tdpbf16ps tmm\\r, tmm4, tmm5");
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::asm;

    /// A loop over `$line`, repeated with `\r` standing for each of 24 accumulators.
    macro_rules! register_loop {
        ($name:ident, $features:literal, $line:literal) => {
            /// # Safety
            ///
            /// The instructions are present.
            #[target_feature(enable = $features)]
            pub unsafe fn $name(rounds: u64) {
                // SAFETY: registers only, those that a call preserves in part named beside the others.
                unsafe {
                    asm!(
                        ".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,30,31",
                        "movi v\\r\\().4s, #0",
                        ".endr",
                        "2:",
                        ".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
                        $line,
                        ".endr",
                        "subs x0, x0, #1",
                        "b.ne 2b",
                        inout("x0") rounds => _,
                        out("v8") _, out("v9") _, out("v10") _, out("v11") _,
                        out("v12") _, out("v13") _, out("v14") _, out("v15") _,
                        clobber_abi("C"),
                        options(nostack)
                    );
                }
            }
        };
    }

    register_loop!(fmla, "neon", "fmla v\\r\\().4s, v30.4s, v31.4s");
    register_loop!(udot, "neon,dotprod", "udot v\\r\\().4s, v30.16b, v31.16b");
}
