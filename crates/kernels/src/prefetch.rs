//! Telling the cache what comes next.

/// Asks for every cache line of `row`. Never faults, changes nothing that can be observed but time.
#[inline]
pub fn prefetch<T>(row: &[T]) {
    let start = row.as_ptr().cast::<u8>();
    for offset in (0..size_of_val(row)).step_by(64) {
        line(start.wrapping_add(offset));
    }
}

#[inline(always)]
fn line(p: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint; it accepts any address. SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(p.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch is a hint; it accepts any address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) p, options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = p;
}
