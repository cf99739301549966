//! Whether this process may use AMX: the CPU has it, the system saves its state, and has granted it.

/// Whether the tiles of bytes and of bf16 can be used here. Asks the system for permission, which
/// then holds for the whole process.
pub(crate) fn usable() -> bool {
    in_cpu() && saved_by_system() && granted()
}

/// AMX-TILE, AMX-INT8 and AMX-BF16, and tiles of the shape the kernels are written for.
fn in_cpu() -> bool {
    use std::arch::x86_64::__cpuid_count as cpuid;
    if cpuid(0, 0).eax < 0x1D {
        return false;
    }
    let (tile, int8, bf16) = (1 << 24, 1 << 25, 1 << 22);
    let all = tile | int8 | bf16;
    // Palette 1: 8 tiles of 16 rows of 64 bytes.
    let palette = cpuid(0x1D, 1);
    let shape = (palette.ebx & 0xFFFF, palette.ebx >> 16, palette.ecx & 0xFFFF);
    cpuid(7, 0).edx & all == all && shape == (64, 8, 16)
}

/// Bits of XCR0 and of the permission: tile configuration and tile data.
const TILE_CONFIG: u64 = 1 << 17;
const TILE_DATA_BIT: u64 = 18;

fn saved_by_system() -> bool {
    let both = TILE_CONFIG | 1 << TILE_DATA_BIT;
    // SAFETY: the feature that says XGETBV may be executed was found.
    std::is_x86_feature_detected!("xsave") && unsafe { enabled_state() } & both == both
}

/// XCR0.
///
/// # Safety
///
/// The system has enabled XSAVE.
#[target_feature(enable = "xsave")]
unsafe fn enabled_state() -> u64 {
    // SAFETY: register 0 exists wherever XGETBV does.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}

/// Linux grants a process the tile data on demand (since 5.16); it refuses where a thread's signal
/// stack is too small for them.
#[cfg(target_os = "linux")]
fn granted() -> bool {
    const ARCH_PRCTL: u64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    let mut result = ARCH_PRCTL;
    // SAFETY: a system call that takes two numbers and changes nothing in memory.
    unsafe {
        std::arch::asm!(
            "syscall",
            inout("rax") result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA_BIT,
            out("rcx") _,
            out("r11") _,
            options(nostack)
        );
    }
    result == 0
}

/// Elsewhere the state is not known to be granted.
#[cfg(not(target_os = "linux"))]
fn granted() -> bool {
    false
}
