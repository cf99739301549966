//! From the bytes of an AMX instruction to what it does, by the encodings of Intel's manual (volume 2,
//! "VEX" and the pages of the instructions).

/// An instruction with its addresses computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instruction {
    LoadConfig { from: u64 },
    Release,
    Zero { tile: usize },
    Load { tile: usize, from: u64, stride: u64 },
    Store { tile: usize, to: u64, stride: u64 },
    DotU8 { sums: usize, a: usize, b: usize },
    DotBf16 { sums: usize, a: usize, b: usize },
}

/// The prefix that VEX's `pp` stands for.
const NONE: u8 = 0;
const F3: u8 = 2;
const F2: u8 = 3;

/// The instruction that `code` starts with and its length; `None` where it is none of these.
pub fn decode(code: &[u8], general: &[u64; 16]) -> Option<(Instruction, usize)> {
    // C4 | not R, not X, not B, map | W, not vvvv, L, pp | opcode | ModRM
    let &[0xC4, second, third, opcode, modrm, ..] = code else { return None };
    let [r, x, b] = [7, 6, 5].map(|bit| second >> bit & 1 == 0);
    let (w, long) = (third >> 7, third >> 2 & 1);
    if second & 0x1F != 2 || w != 0 || long != 0 || r {
        return None;
    }
    let (v, prefix) = (!third >> 3 & 0xF, third & 3);
    let (mode, reg, rm) = (modrm >> 6, usize::from(modrm >> 3 & 7), usize::from(modrm & 7));
    let memory = || address(&code[4..], general, x, b);
    match (opcode, prefix, mode) {
        (0x49, NONE, 3) if modrm == 0xC0 && v == 0 => Some((Instruction::Release, 5)),
        (0x49, F2, 3) if rm == 0 && v == 0 => Some((Instruction::Zero { tile: reg }, 5)),
        (0x49, NONE, 0..3) if reg == 0 && v == 0 => {
            let address = memory()?;
            Some((Instruction::LoadConfig { from: address.whole() }, 4 + address.length))
        }
        (0x4B, F2 | F3, 0..3) if rm == 4 && v == 0 => {
            let address = memory()?;
            let (at, stride) = (address.base, address.index);
            let instruction = match prefix {
                F2 => Instruction::Load { tile: reg, from: at, stride },
                _ => Instruction::Store { tile: reg, to: at, stride },
            };
            Some((instruction, 4 + address.length))
        }
        (0x5E, NONE, 3) if !b && v < 8 => Some((Instruction::DotU8 { sums: reg, a: rm, b: v.into() }, 5)),
        (0x5C, F3, 3) if !b && v < 8 => Some((Instruction::DotBf16 { sums: reg, a: rm, b: v.into() }, 5)),
        _ => None,
    }
}

/// A memory operand.
struct Address {
    /// Base register plus displacement.
    base: u64,
    /// Scaled index.
    index: u64,
    /// Bytes of ModRM, SIB and displacement.
    length: usize,
}

impl Address {
    fn whole(&self) -> u64 {
        self.base.wrapping_add(self.index)
    }
}

/// The operand that `code` holds from its ModRM byte on; none relative to the instruction pointer.
fn address(code: &[u8], general: &[u64; 16], x: bool, b: bool) -> Option<Address> {
    let (mode, rm) = (code[0] >> 6, code[0] & 7);
    let extend = |low: u8, high: bool| usize::from(low) | usize::from(high) << 3;
    let mut length = 1;
    let (mut low, mut index) = (rm, 0);
    if rm == 4 {
        let sib = code[1];
        length = 2;
        low = sib & 7;
        let number = extend(sib >> 3 & 7, x);
        if number != 4 {
            index = general[number] << (sib >> 6);
        }
    }
    if mode == 0 && low == 5 {
        return None;
    }
    let displacement = match mode {
        0 => 0,
        1 => i64::from(code[length].cast_signed()),
        _ => i64::from(i32::from_le_bytes(code[length..length + 4].try_into().ok()?)),
    };
    length += [0, 1, 4][usize::from(mode)];
    let base = general[extend(low, b)].wrapping_add_signed(displacement);
    Some(Address { base, index, length })
}
