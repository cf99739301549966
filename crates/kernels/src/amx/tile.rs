//! Products of two by two AMX tiles.
//!
//! A tile is 16 rows of 64 bytes. Four of the eight hold sums (32 rows of A x 32 columns), two hold
//! 64 bytes of 32 rows of A, read where they lie, two hold the same bytes of 32 columns, as
//! [`crate::tile`] packs them:
//!
//! ```text
//!                 tmm6    tmm7       one step: 16 words of K
//!       tmm4      tmm0    tmm1       sums of rows  0 .. 16
//!       tmm5      tmm2    tmm3       sums of rows 16 .. 32
//! ```
//!
//! K runs in blocks of up to 16 steps, so that a strip of A stays in a 48 KiB L1 while the panels of
//! B pass by. The columns are packed with zeros up to a whole step; the bytes of A in a last, partial
//! step are copied beside zeros.

use std::arch::asm;

use crate::bf16::Bf16;

/// Columns of a panel of B.
pub(crate) const WIDTH: usize = 32;
/// Words of a step: packed columns end at a multiple of these.
pub(crate) const STEP: usize = 16;
/// Bytes of a step, and of a row of a tile.
const BYTES: usize = 4 * STEP;
/// Rows of a tile, and of a strip of A.
const ROWS: usize = 16;
const STRIP: usize = 2 * ROWS;
/// Most steps between two visits of the sums.
const BLOCK: usize = 16;

/// `out[i * ld + j] = <a_i, b_j>` of bytes.
///
/// # Safety
///
/// AMX with INT8 is usable; `a` holds `rows` rows of `dim` bytes, `lda` apart; `b` is packed in
/// panels of [`WIDTH`] columns, words padded to [`STEP`]; `out` is writable for `rows` rows, `ld`
/// apart, of `cols` rounded up to 16; sums fit.
pub(crate) unsafe fn dot_u8(
    a: *const u8,
    rows: usize,
    lda: usize,
    b: *const u32,
    cols: usize,
    dim: usize,
    out: *mut i32,
    ld: usize,
) {
    // SAFETY: handed on.
    unsafe { dot::<U8>(a, rows, lda, b.cast(), cols, dim, out.cast(), 4 * ld) }
}

/// `out[i * ld + j] = <a_i, b_j>` of bf16.
///
/// # Safety
///
/// As [`dot_u8`], with BF16.
pub(crate) unsafe fn dot_bf16(
    a: *const Bf16,
    rows: usize,
    lda: usize,
    b: *const u32,
    cols: usize,
    dim: usize,
    out: *mut f32,
    ld: usize,
) {
    // SAFETY: handed on.
    unsafe { dot::<Halves>(a.cast(), rows, 2 * lda, b.cast(), cols, 2 * dim, out.cast(), 4 * ld) }
}

/// A strip of A against all columns, K block by K block; all lengths in bytes.
///
/// # Safety
///
/// As [`dot_u8`].
unsafe fn dot<P: Products>(
    a: *const u8,
    rows: usize,
    lda: usize,
    b: *const u8,
    cols: usize,
    bytes: usize,
    out: *mut u8,
    ld: usize,
) {
    if rows == 0 || cols == 0 {
        return;
    }
    let steps = bytes.div_ceil(BYTES);
    let block = steps.div_ceil(steps.div_ceil(BLOCK).max(1));
    let mut configured = 0;
    let mut tail = Tail([[0; BYTES]; STRIP]);
    for r in (0..rows).step_by(STRIP) {
        let n = STRIP.min(rows - r);
        // SAFETY: rows `r .. r + n`, columns from `c` on and the bytes from step `k` on, of what the
        // caller handed in; the configuration fits the strip.
        unsafe {
            if configured != n {
                configure(n);
                configured = n;
            }
            let a = a.add(r * lda);
            tail.fill(a.add(bytes / BYTES * BYTES), n, lda, bytes % BYTES);
            let mut k = 0;
            loop {
                let end = steps.min(k + block);
                for c in (0..cols).step_by(WIDTH) {
                    P::block(Block {
                        // The lower half of a strip without one has a single row, never stored.
                        a: [a.add(k * BYTES), a.add(k * BYTES + if n > ROWS { ROWS * lda } else { 0 })],
                        lda,
                        tail: if end > bytes / BYTES { tail.0.as_ptr().cast() } else { std::ptr::null() },
                        b: b.add((c * steps + k * WIDTH) * BYTES),
                        steps: end.min(bytes / BYTES) - k,
                        out: [out.add(r * ld + 4 * c), out.wrapping_add((r + ROWS) * ld + 4 * c)],
                        ld,
                        flags: if k > 0 { ADD } else { 0 }
                            | if cols - c > ROWS { WIDE } else { 0 }
                            | if n > ROWS { TALL } else { 0 },
                    });
                }
                k = end;
                if k == steps {
                    break;
                }
            }
        }
    }
    // SAFETY: AMX is usable; nobody needs the tiles any more.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
}

/// The bytes of a strip of A in the last, partial step, zeros behind them.
#[repr(align(64))]
struct Tail([[u8; BYTES]; STRIP]);

impl Tail {
    /// # Safety
    ///
    /// `bytes < BYTES` are readable at each of `rows` rows, `lda` apart.
    unsafe fn fill(&mut self, a: *const u8, rows: usize, lda: usize, bytes: usize) {
        for (i, line) in self.0.iter_mut().enumerate().take(rows) {
            // SAFETY: the contract of this function; a line is longer.
            unsafe { a.wrapping_add(i * lda).copy_to_nonoverlapping(line.as_mut_ptr(), bytes) };
        }
    }
}

/// What LDTILECFG reads.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Shapes the tiles for strips of `n` rows of A.
///
/// # Safety
///
/// AMX is usable; `n` is in `1..=STRIP`.
unsafe fn configure(n: usize) {
    let (upper, lower) = (n.min(ROWS) as u8, n.saturating_sub(ROWS).max(1) as u8);
    let mut config = Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
    config.row_bytes[..8].fill(BYTES as u16);
    config.rows[..8].copy_from_slice(&[upper, upper, lower, lower, upper, lower, ROWS as u8, ROWS as u8]);
    // SAFETY: 64 bytes that are a valid configuration.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly)) };
}

/// The sums start where `out` stands.
const ADD: u32 = 1;
/// There are more than 16 columns.
const WIDE: u32 = 2;
/// There are more than 16 rows.
const TALL: u32 = 4;

/// One strip of A against one panel of B, over whole steps and perhaps the last, partial one.
struct Block {
    /// Upper and lower rows.
    a: [*const u8; 2],
    lda: usize,
    /// A [`Tail`], or null.
    tail: *const u8,
    b: *const u8,
    steps: usize,
    /// Upper and lower rows.
    out: [*mut u8; 2],
    ld: usize,
    flags: u32,
}

/// The products of one kind of values.
trait Products {
    /// # Safety
    ///
    /// AMX is usable and configured for the rows of the strip; pointers hold what [`Block`] says.
    unsafe fn block(block: Block);
}

struct U8;
struct Halves;

/// The whole of a block is one piece of assembly, so that no tile has to survive between two.
macro_rules! products {
    ($kind:ty, $dot:literal) => {
        impl Products for $kind {
            #[inline(always)]
            unsafe fn block(block: Block) {
                // SAFETY: the contract of `block`; every register written is named, labels are local.
                unsafe {
                    asm!(
                        "test {flags:e}, 1",
                        "jnz 2f",
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "tilezero tmm2",
                        "tilezero tmm3",
                        "jmp 5f",
                        // Sums of an earlier K block; what is not loaded is not stored either.
                        "2:",
                        "tileloadd tmm0, [{out0} + {ld}*1]",
                        "test {flags:e}, 4",
                        "jz 3f",
                        "tileloadd tmm2, [{out1} + {ld}*1]",
                        "3:",
                        "test {flags:e}, 2",
                        "jz 5f",
                        "tileloadd tmm1, [{out0} + {ld}*1 + 64]",
                        "test {flags:e}, 4",
                        "jz 5f",
                        "tileloadd tmm3, [{out1} + {ld}*1 + 64]",
                        "5:",
                        "test {steps}, {steps}",
                        "jz 7f",
                        "6:",
                        "tileloadd tmm4, [{a0} + {lda}*1]",
                        "tileloadd tmm6, [{b} + {ldb}*1]",
                        concat!($dot, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm7, [{b} + {ldb}*1 + 64]",
                        concat!($dot, " tmm1, tmm4, tmm7"),
                        "tileloadd tmm5, [{a1} + {lda}*1]",
                        concat!($dot, " tmm2, tmm5, tmm6"),
                        concat!($dot, " tmm3, tmm5, tmm7"),
                        "add {a0}, 64",
                        "add {a1}, 64",
                        "add {b}, 2048",
                        "dec {steps}",
                        "jnz 6b",
                        "7:",
                        "test {tail}, {tail}",
                        "jz 8f",
                        "mov {lda:e}, 64",
                        "tileloadd tmm4, [{tail} + {lda}*1]",
                        "tileloadd tmm5, [{tail} + {lda}*1 + 1024]",
                        "tileloadd tmm6, [{b} + {ldb}*1]",
                        "tileloadd tmm7, [{b} + {ldb}*1 + 64]",
                        concat!($dot, " tmm0, tmm4, tmm6"),
                        concat!($dot, " tmm1, tmm4, tmm7"),
                        concat!($dot, " tmm2, tmm5, tmm6"),
                        concat!($dot, " tmm3, tmm5, tmm7"),
                        "8:",
                        "tilestored [{out0} + {ld}*1], tmm0",
                        "test {flags:e}, 2",
                        "jz 9f",
                        "tilestored [{out0} + {ld}*1 + 64], tmm1",
                        "9:",
                        "test {flags:e}, 4",
                        "jz 4f",
                        "tilestored [{out1} + {ld}*1], tmm2",
                        "test {flags:e}, 2",
                        "jz 4f",
                        "tilestored [{out1} + {ld}*1 + 64], tmm3",
                        "4:",
                        a0 = inout(reg) block.a[0] => _,
                        a1 = inout(reg) block.a[1] => _,
                        lda = inout(reg) block.lda => _,
                        tail = in(reg) block.tail,
                        b = inout(reg) block.b => _,
                        ldb = in(reg) 4 * WIDTH,
                        steps = inout(reg) block.steps => _,
                        out0 = in(reg) block.out[0],
                        out1 = in(reg) block.out[1],
                        ld = in(reg) block.ld,
                        flags = in(reg) block.flags,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack)
                    );
                }
            }
        }
    };
}

products!(U8, "tdpbuud");
products!(Halves, "tdpbf16ps");
