//! Kernel sets and seeded data.

use hnsw_kernels::{Isa, Kernels};

/// Every kernel set of this machine, and that of AMX by emulation where only its tiles are missing.
pub fn sets() -> Vec<&'static Kernels> {
    let mut sets = Kernels::available();
    if sets.iter().all(|k| k.isa != Isa::Amx) {
        match emulated_amx() {
            Some(amx) => sets.push(amx),
            None => eprintln!("the AMX set is not run: it needs Linux and AVX-512 with VNNI, VPOPCNTDQ and BF16"),
        }
    }
    sets
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn emulated_amx() -> Option<&'static Kernels> {
    let below = *Kernels::available().last()?;
    (below.isa == Isa::Avx512 && below.vnni && below.vpopcnt && below.bf16).then(|| {
        crate::emulator::install();
        // SAFETY: the set below is the one that AMX builds upon; the handler executes the rest.
        unsafe { Kernels::amx() }
    })
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn emulated_amx() -> Option<&'static Kernels> {
    None
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..n.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Uniform in -1..1.
    pub fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn reals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.real()).collect()
    }

    /// Integers in -4..=4, many of them equal.
    pub fn integers(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.below(9) as f32 - 4.0).collect()
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}
