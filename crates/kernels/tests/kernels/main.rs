//! Every kernel set this machine can run, against plain loops.
//!
//! Data of small integers make every sum exact in f32, so results must be equal; real-valued data
//! are held to an error bound. `HNSW_BRIDGE_REQUIRE_ISA=avx512` (or another name) fails the run on a
//! machine that would silently skip that set.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod amx;
#[cfg(target_os = "linux")]
mod bounds;
mod bytes;
mod choice;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod emulator;
mod pair;
mod panel;
mod scan;
mod sparse;
mod support;
mod tile;
mod tile_scan;
