//! What products read and write: rows that end where readable memory ends, results that end where
//! writable memory ends, cells below the result that must stay as they are.

use hnsw_kernels::{Bf16, Kernels, MatRef, Packed};

use crate::support::{Random, sets};

const PAGE: usize = 4096;

/// Values that end right before a page that can't be touched.
struct Fenced<T> {
    base: *mut libc::c_void,
    bytes: usize,
    values: *mut T,
    len: usize,
}

impl<T: Copy> Fenced<T> {
    fn new(values: &[T]) -> Self {
        let room = size_of_val(values).next_multiple_of(PAGE);
        let bytes = room + PAGE;
        // SAFETY: a new private mapping whose last page is closed; the values fit before it, and
        // their length is a multiple of their alignment.
        unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(base.add(room), PAGE, libc::PROT_NONE), 0);
            let start = base.add(room - size_of_val(values)).cast::<T>();
            start.copy_from_nonoverlapping(values.as_ptr(), values.len());
            Self { base, bytes, values: start, len: values.len() }
        }
    }

    fn get(&mut self) -> &mut [T] {
        // SAFETY: the mapping holds `len` values and lives as long as `self`.
        unsafe { std::slice::from_raw_parts_mut(self.values, self.len) }
    }
}

impl<T> Drop for Fenced<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`.
        unsafe { libc::munmap(self.base, self.bytes) };
    }
}

/// One product between fences: A, then what is packed as B, then the result with a row above and
/// below.
fn product<T: Copy, S: Copy + PartialEq + std::fmt::Debug>(
    k: &Kernels,
    (m, n, dim): (usize, usize, usize),
    value: impl Fn(usize) -> T,
    guard: S,
    run: impl Fn(MatRef<T>, MatRef<T>, &mut [S], usize),
) {
    let mut a = Fenced::new(&(0..m * dim).map(&value).collect::<Vec<T>>());
    let mut b = Fenced::new(&(0..n * dim).map(|i| value(i + 1)).collect::<Vec<T>>());
    let ld = n.next_multiple_of(16);
    let mut out = Fenced::new(&vec![guard; (m + 1) * ld]);
    run(MatRef::new(a.get(), m, dim, dim), MatRef::new(b.get(), n, dim, dim), &mut out.get()[ld..], ld);
    assert_eq!(out.get()[..ld], vec![guard; ld], "{} {m} x {n} x {dim}", k.label());
}

#[test]
fn products_touch_nothing_beyond_their_rows() {
    let mut random = Random(71);
    let shapes = (0..150).map(|_| (random.below(70), random.below(70), random.below(200)));
    for (m, n, dim) in shapes.map(|(m, n, dim)| (m as usize + 1, n as usize + 1, dim as usize + 1)) {
        for k in sets() {
            product(
                k,
                (m, n, dim),
                |i| i as u8,
                -77,
                |a, b, out, ld| {
                    let mut packed = Packed::new();
                    k.pack_u8(b, &mut packed);
                    k.dot_tile_u8(a, &packed, out, ld);
                },
            );
            product(
                k,
                (m, n, dim),
                |i| Bf16::from_f32((i % 7) as f32),
                -77.0,
                |a, b, out, ld| {
                    let mut packed = Packed::new();
                    k.pack_bf16(b, &mut packed);
                    k.dot_tile_bf16(a, &packed, out, ld);
                },
            );
            product(
                k,
                (m, n, dim),
                |i| (i % 7) as f32,
                -77.0,
                |a, b, out, ld| {
                    let mut packed = Packed::new();
                    k.pack_f32(b, &mut packed);
                    k.dot_tile_f32(a, &packed, out, ld);
                },
            );
        }
    }
}
