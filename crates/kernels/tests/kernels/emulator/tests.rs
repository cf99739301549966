//! The emulator against the manual: encodings, refusals, products of odd shapes.

use super::decode::{Instruction, decode};
use super::machine::Machine;

/// Register `n` holds `1000 * n`.
fn registers() -> [u64; 16] {
    std::array::from_fn(|n| 1000 * n as u64)
}

fn decoded(code: &[u8]) -> Option<(Instruction, usize)> {
    let mut padded = [0x90; 15];
    padded[..code.len()].copy_from_slice(code);
    decode(&padded, &registers())
}

#[test]
fn instructions_are_read_as_an_assembler_wrote_them() {
    // Bytes as GNU as 2.40 writes them. Register 7 is RDI, 0 RAX, 12 R12, 15 R15, 4 RSP.
    let cases: [(&[u8], Instruction); 11] = [
        (&[0xC4, 0xE2, 0x78, 0x49, 0x07], Instruction::LoadConfig { from: 7000 }),
        (&[0xC4, 0xE2, 0x78, 0x49, 0x44, 0x24, 0x80], Instruction::LoadConfig { from: 4000 - 128 }),
        (&[0xC4, 0xE2, 0x78, 0x49, 0xC0], Instruction::Release),
        (&[0xC4, 0xE2, 0x7B, 0x49, 0xF8], Instruction::Zero { tile: 7 }),
        (&[0xC4, 0xE2, 0x7B, 0x4B, 0x0C, 0x07], Instruction::Load { tile: 1, from: 7000, stride: 0 }),
        (&[0xC4, 0xE2, 0x7B, 0x4B, 0x4C, 0x38, 0x40], Instruction::Load { tile: 1, from: 64, stride: 7000 }),
        (
            &[0xC4, 0xC2, 0x7B, 0x4B, 0xAC, 0x7C, 0x00, 0x04, 0x00, 0x00],
            Instruction::Load { tile: 5, from: 12_000 + 1024, stride: 14_000 },
        ),
        (&[0xC4, 0x82, 0x7A, 0x4B, 0x1C, 0x3C], Instruction::Store { tile: 3, to: 12_000, stride: 15_000 }),
        (&[0xC4, 0xE2, 0x48, 0x5E, 0xC4], Instruction::DotU8 { sums: 0, a: 4, b: 6 }),
        (&[0xC4, 0xE2, 0x40, 0x5E, 0xDD], Instruction::DotU8 { sums: 3, a: 5, b: 7 }),
        (&[0xC4, 0xE2, 0x42, 0x5C, 0xDD], Instruction::DotBf16 { sums: 3, a: 5, b: 7 }),
    ];
    for (code, instruction) in cases {
        assert_eq!(decoded(code), Some((instruction, code.len())), "{code:02x?}");
    }
}

#[test]
fn other_instructions_are_not_taken_for_amx() {
    // UD2; TDPBUSD; a VEX.256 form; VEX.W1; a tile beyond 7; an operand relative to RIP.
    let cases: [&[u8]; 6] = [
        &[0x0F, 0x0B],
        &[0xC4, 0xE2, 0x49, 0x5E, 0xC4],
        &[0xC4, 0xE2, 0x4C, 0x5E, 0xC4],
        &[0xC4, 0xE2, 0xC8, 0x5E, 0xC4],
        &[0xC4, 0x62, 0x48, 0x5E, 0xC4],
        &[0xC4, 0xE2, 0x78, 0x49, 0x05, 0, 0, 0, 0],
    ];
    for code in cases {
        assert_eq!(decoded(code), None, "{code:02x?}");
    }
}

/// A configuration with tiles of (rows, bytes).
fn config(shapes: &[(u8, u16)]) -> [u8; 64] {
    let mut config = [0; 64];
    config[0] = 1;
    for (tile, &(rows, bytes)) in shapes.iter().enumerate() {
        config[16 + 2 * tile..18 + 2 * tile].copy_from_slice(&bytes.to_le_bytes());
        config[48 + tile] = rows;
    }
    config
}

#[test]
fn bad_configurations_are_refused() {
    let good = config(&[(16, 64), (1, 4), (0, 0)]);
    assert!(Machine::new().configure(&good).is_ok());
    let changed = |at: usize, to: u8| {
        let mut bad = good;
        bad[at] = to;
        Machine::new().configure(&bad).is_err()
    };
    assert!(changed(0, 2), "palette");
    assert!(changed(1, 1), "start row");
    assert!(changed(15, 1) && changed(32, 1) && changed(63, 1), "reserved");
    assert!(changed(48, 17), "rows");
    assert!(changed(16, 65), "bytes");
    assert!(changed(50, 1) && changed(20, 4), "rows without bytes, bytes without rows");
}

#[test]
fn misused_tiles_are_refused() {
    // SAFETY: none of these instructions touches memory.
    let run = |machine: &mut Machine, instruction| unsafe { machine.execute(instruction) };
    let dot = |sums, a, b| Instruction::DotU8 { sums, a, b };
    let mut machine = Machine::new();
    assert!(run(&mut machine, Instruction::Zero { tile: 0 }).is_err(), "not configured");
    machine.configure(&config(&[(3, 20), (3, 8), (2, 20), (0, 0), (3, 12), (2, 16)])).unwrap();
    assert!(run(&mut machine, Instruction::Zero { tile: 0 }).is_ok());
    assert!(run(&mut machine, Instruction::Zero { tile: 3 }).is_err(), "no shape");
    assert!(run(&mut machine, dot(0, 1, 2)).is_ok());
    assert!(run(&mut machine, dot(0, 0, 2)).is_err(), "the same tile");
    assert!(run(&mut machine, dot(0, 4, 2)).is_err(), "K");
    assert!(run(&mut machine, dot(0, 1, 5)).is_err(), "columns");
    assert!(run(&mut machine, dot(2, 1, 0)).is_err(), "rows");
    assert!(run(&mut machine, Instruction::Release).is_ok());
    assert!(!machine.configured());
}

#[test]
fn products_follow_the_manual_and_zero_what_is_beyond_the_shape() {
    let mut machine = Machine::new();
    machine.configure(&config(&[(3, 20), (3, 8), (2, 20)])).unwrap();
    let a: [[u8; 8]; 3] = std::array::from_fn(|r| std::array::from_fn(|k| (250 + r * 8 + k) as u8));
    let b: [[u8; 20]; 2] = std::array::from_fn(|k| std::array::from_fn(|c| (200 + k * 20 + c) as u8));
    let mut sums = [[7u8; 64]; 16];
    // SAFETY: the arrays hold rows of their tiles' shapes at these strides.
    unsafe {
        for instruction in [
            Instruction::Load { tile: 0, from: sums.as_ptr() as u64, stride: 64 },
            Instruction::Load { tile: 1, from: a.as_ptr() as u64, stride: 8 },
            Instruction::Load { tile: 2, from: b.as_ptr() as u64, stride: 20 },
            Instruction::DotU8 { sums: 0, a: 1, b: 2 },
            Instruction::Store { tile: 0, to: sums.as_mut_ptr() as u64, stride: 64 },
        ] {
            machine.execute(instruction).unwrap();
        }
    }
    for r in 0..16 {
        for c in 0..16 {
            let seen = u32::from_le_bytes(sums[r][4 * c..4 * c + 4].try_into().unwrap());
            let product = |k: usize| u32::from(a[r][k]) * u32::from(b[k / 4][4 * c + k % 4]);
            let want = if r < 3 && c < 5 { 0x0707_0707 + (0..8).map(product).sum::<u32>() } else { 0x0707_0707 };
            assert_eq!(seen, want, "row {r} column {c}");
        }
    }
}
