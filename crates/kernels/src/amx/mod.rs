//! Products of bytes and of bf16 by AMX tiles, in assembly, since the intrinsics are not stable.
//!
//! [`detect`] says whether this process may use them; [`tile`] is the product. What may not enter:
//! anything else that needs AMX to be present, state that outlives a call (tiles are released before
//! a product returns).

mod detect;
mod tile;

pub(crate) use self::detect::usable;
pub(crate) use self::tile::{STEP, WIDTH, dot_bf16, dot_u8};
