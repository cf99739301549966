//! The tiles of one thread and what AMX instructions do to them, by the operations and the faults of
//! Intel's manual (volume 2, the pages of the instructions; volume 1, "Programming with Intel AMX").

use super::decode::Instruction;

const TILES: usize = 8;
const ROWS: usize = 16;
const BYTES: usize = 64;

/// Why the processor would have refused.
pub type Fault = &'static str;

/// Tile registers and their configuration.
pub struct Machine {
    palette: u8,
    shapes: [Shape; TILES],
    data: [[[u8; BYTES]; ROWS]; TILES],
    /// Instructions executed.
    pub executed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    rows: usize,
    bytes: usize,
}

const NO_SHAPE: Shape = Shape { rows: 0, bytes: 0 };

impl Machine {
    pub const fn new() -> Self {
        Self { palette: 0, shapes: [NO_SHAPE; TILES], data: [[[0; BYTES]; ROWS]; TILES], executed: 0 }
    }

    pub fn configured(&self) -> bool {
        self.palette != 0
    }

    /// # Safety
    ///
    /// The memory that the instruction names may be read or written.
    pub unsafe fn execute(&mut self, instruction: Instruction) -> Result<(), Fault> {
        self.executed += 1;
        match instruction {
            Instruction::LoadConfig { from } => {
                // SAFETY: the contract of this function; a configuration is 64 bytes.
                let config = unsafe { (from as *const [u8; 64]).read_unaligned() };
                self.configure(&config)
            }
            Instruction::Release => {
                *self = Self { executed: self.executed, ..Self::new() };
                Ok(())
            }
            Instruction::Zero { tile } => {
                self.shape(tile)?;
                self.data[tile] = [[0; BYTES]; ROWS];
                Ok(())
            }
            Instruction::Load { tile, from, stride } => {
                let shape = self.shape(tile)?;
                self.data[tile] = [[0; BYTES]; ROWS];
                for (r, row) in self.data[tile][..shape.rows].iter_mut().enumerate() {
                    let at = from.wrapping_add(stride.wrapping_mul(r as u64)) as *const u8;
                    // SAFETY: the contract of this function.
                    unsafe { at.copy_to_nonoverlapping(row.as_mut_ptr(), shape.bytes) };
                }
                Ok(())
            }
            Instruction::Store { tile, to, stride } => {
                let shape = self.shape(tile)?;
                for (r, row) in self.data[tile][..shape.rows].iter().enumerate() {
                    let at = to.wrapping_add(stride.wrapping_mul(r as u64)) as *mut u8;
                    // SAFETY: the contract of this function.
                    unsafe { at.copy_from_nonoverlapping(row.as_ptr(), shape.bytes) };
                }
                Ok(())
            }
            Instruction::DotU8 { sums, a, b } => self.dot(sums, a, b, dot_u8),
            Instruction::DotBf16 { sums, a, b } => self.dot(sums, a, b, dot_bf16),
        }
    }

    pub fn configure(&mut self, config: &[u8; 64]) -> Result<(), Fault> {
        *self = Self { executed: self.executed, ..Self::new() };
        match config[0] {
            0 => return Ok(()),
            1 => {}
            _ => return Err("LDTILECFG: no such palette\n"),
        }
        if config[1] != 0 {
            return Err("LDTILECFG: a start row that no interrupted instruction left\n");
        }
        if config[2..16].iter().chain(&config[32..48]).chain(&config[56..]).any(|&byte| byte != 0) {
            return Err("LDTILECFG: reserved bytes are not zero\n");
        }
        for tile in 0..TILES {
            let bytes = usize::from(u16::from_le_bytes([config[16 + 2 * tile], config[17 + 2 * tile]]));
            let rows = usize::from(config[48 + tile]);
            if bytes > BYTES || rows > ROWS || (bytes == 0) != (rows == 0) {
                return Err("LDTILECFG: a tile of no valid shape\n");
            }
            self.shapes[tile] = Shape { rows, bytes };
        }
        self.palette = 1;
        Ok(())
    }

    /// The shape of a tile that may be used.
    fn shape(&self, tile: usize) -> Result<Shape, Fault> {
        if !self.configured() {
            return Err("tiles are used before they are configured\n");
        }
        Some(self.shapes[tile]).filter(|&shape| shape != NO_SHAPE).ok_or("a tile without a shape is used\n")
    }

    fn dot(&mut self, sums: usize, a: usize, b: usize, row: RowProduct) -> Result<(), Fault> {
        if sums == a || sums == b || a == b {
            return Err("a product of tiles that are not three\n");
        }
        let (to, left, right) = (self.shape(sums)?, self.shape(a)?, self.shape(b)?);
        let whole = to.bytes % 4 == 0 && left.bytes % 4 == 0 && right.bytes % 4 == 0;
        if !whole || to.rows != left.rows || to.bytes != right.bytes || left.bytes / 4 != right.rows {
            return Err("a product of tiles whose shapes do not fit\n");
        }
        let (left_rows, right_rows) = (self.data[a], self.data[b]);
        for (left_row, out) in left_rows.iter().zip(&mut self.data[sums]).take(to.rows) {
            let mut line = words_of(out);
            row(&mut line, left_row[..left.bytes].as_chunks::<4>().0, &right_rows);
            for (bytes, word) in out[..to.bytes].as_chunks_mut::<4>().0.iter_mut().zip(line) {
                *bytes = word.to_le_bytes();
            }
        }
        self.data[sums][to.rows..].fill([0; BYTES]);
        Ok(())
    }
}

/// Adds a row of A, word by word, times the tile B to a row of sums; words beyond a tile's shape are
/// zero or ignored.
type RowProduct = fn(&mut [u32; BYTES / 4], &[[u8; 4]], &[[u8; BYTES]; ROWS]);

fn words_of(row: &[u8; BYTES]) -> [u32; BYTES / 4] {
    let mut words = [0; BYTES / 4];
    for (word, bytes) in words.iter_mut().zip(row.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// TDPBUUD: unsigned bytes, sums wrap.
fn dot_u8(sums: &mut [u32; BYTES / 4], a: &[[u8; 4]], b: &[[u8; BYTES]; ROWS]) {
    for (left, row) in a.iter().zip(b) {
        for (sum, right) in sums.iter_mut().zip(row.as_chunks::<4>().0) {
            for i in 0..4 {
                *sum = sum.wrapping_add(u32::from(left[i]) * u32::from(right[i]));
            }
        }
    }
}

/// TDPBF16PS: even and odd values are summed apart over the whole row, then together, then added;
/// nearest even, subnormal inputs and results are zero, whatever MXCSR says.
fn dot_bf16(sums: &mut [u32; BYTES / 4], a: &[[u8; 4]], b: &[[u8; BYTES]; ROWS]) {
    let mut parts = [[0.0f32; 2]; BYTES / 4];
    for (left, row) in a.iter().zip(b) {
        let left = halves(*left);
        for (part, right) in parts.iter_mut().zip(row.as_chunks::<4>().0) {
            let right = halves(*right);
            for i in 0..2 {
                // The product is exact in f64: what rounds is the sum.
                let sum = f64::from(part[i]) + f64::from(left[i]) * f64::from(right[i]);
                part[i] = flushed(sum as f32);
            }
        }
    }
    for (sum, [even, odd]) in sums.iter_mut().zip(parts) {
        let old = flushed(f32::from_bits(*sum));
        *sum = flushed(old + flushed(even + odd)).to_bits();
    }
}

/// The two bf16 of a word, subnormal ones as zero.
fn halves([a, b, c, d]: [u8; 4]) -> [f32; 2] {
    [[a, b], [c, d]].map(|half| flushed(f32::from_bits(u32::from(u16::from_le_bytes(half)) << 16)))
}

fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0.0f32.copysign(x) } else { x }
}
