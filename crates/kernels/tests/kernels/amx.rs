//! The AMX products as such: that they were run, by the processor or by emulation, what they leave
//! behind, and what they do not touch. That they are right is asserted where all sets are.

use hnsw_kernels::{Bf16, Isa, Kernels, MatRef, Packed};

use crate::emulator;
use crate::support::{Random, sets};

/// The AMX set, and whether its instructions are emulated.
fn amx() -> Option<(&'static Kernels, bool)> {
    let k = sets().into_iter().find(|k| k.isa == Isa::Amx)?;
    Some((k, Kernels::available().iter().all(|present| present.isa != Isa::Amx)))
}

#[test]
fn products_run_on_tiles_and_release_them() {
    let Some((k, emulated)) = amx() else { return };
    assert_eq!(k.label(), "avx512+vnni+vpopcntdq+bf16+amx");
    assert!(k.has_u8_tile() && k.has_bf16_tile());
    let (rows, dim) = (40, 150);
    let (bytes, halves) = (vec![1u8; rows * dim], vec![Bf16::from_f32(1.0); rows * dim]);
    let (mut bytes_out, mut halves_out) = (vec![0i32; rows * 48], vec![0f32; rows * 48]);
    let (mut packed_bytes, mut packed_halves) = (Packed::new(), Packed::new());
    let (bytes, halves) = (MatRef::new(&bytes, rows, dim, dim), MatRef::new(&halves, rows, dim, dim));
    k.pack_u8(bytes, &mut packed_bytes);
    k.pack_bf16(halves, &mut packed_halves);
    let products: [&mut dyn FnMut(); 2] =
        [&mut || k.dot_tile_u8(bytes, &packed_bytes, &mut bytes_out, 48), &mut || {
            k.dot_tile_bf16(halves, &packed_halves, &mut halves_out, 48)
        }];
    for product in products {
        let before = emulator::executed();
        product();
        assert_eq!(emulator::executed() > before, emulated);
        assert!(emulator::released());
    }
    assert_eq!((bytes_out[39 * 48 + 39], halves_out[39 * 48 + 39]), (150, 150.0));
}

#[test]
fn many_threads_have_tiles_of_their_own() {
    let Some((k, _)) = amx() else { return };
    let (rows, dim) = (50, 1100);
    let all: Vec<Vec<i32>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let data = Random(61).bytes(rows * dim);
                    let mat = MatRef::new(&data, rows, dim, dim);
                    let (mut packed, mut out) = (Packed::new(), vec![0; rows * 64]);
                    k.pack_u8(mat, &mut packed);
                    k.dot_tile_u8(mat, &packed, &mut out, 64);
                    out
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(all[0][1] > 0);
    assert!(all.iter().all(|out| *out == all[0]));
}
