//! Memory of buffers that nobody needs any more, given back before the garbage collector comes by.

use crate::failure::{Result, internal};
use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, Status, sys};
use napi_derive::napi;

/// Detaches an `ArrayBuffer`: its views have length 0 from now on, and what it held is freed. One that cannot be
/// detached stays as it is; a collection frees it later.
#[napi]
pub fn release(env: Env, buffer: Unknown<'_>) -> Result<()> {
    // SAFETY: `buffer` is a value of this call in `env`; Node checks what kind it is.
    let status = unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) };
    match Status::from(status) {
        Status::Ok | Status::DetachableArraybufferExpected => Ok(()),
        status => Err(internal(status)),
    }
}
