//! Bytes of a dump on their way into the core.

use crate::failure::{Result, closed, thrown};
use crate::held::Held;
use hnsw_core::Error;
use napi::Env;
use napi::bindgen_prelude::ObjectFinalize;
use napi_derive::napi;

/// Bytes, filled from the front; restoring and attaching take them.
#[napi(custom_finalize)]
pub struct NativeBytes {
    content: Option<Vec<u8>>,
    held: Held,
}

impl ObjectFinalize for NativeBytes {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.held.release(env);
        Ok(())
    }
}

#[napi]
impl NativeBytes {
    #[napi(factory)]
    pub fn allocate(env: Env, length: f64) -> Result<NativeBytes> {
        let (mut content, bytes) = (Vec::new(), length as usize);
        content.try_reserve_exact(bytes).map_err(|_| thrown(Error::OutOfMemory { bytes }))?;
        Ok(NativeBytes { content: Some(content), held: Held::new(env, bytes) })
    }

    #[napi]
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let content = self.content.as_mut().ok_or_else(|| closed("dump"))?;
        content.try_reserve(bytes.len()).map_err(|_| thrown(Error::OutOfMemory { bytes: bytes.len() }))?;
        content.extend_from_slice(bytes);
        Ok(())
    }
}

impl NativeBytes {
    pub fn take(&mut self, env: Env) -> Result<Vec<u8>> {
        self.held.release(env);
        self.content.take().ok_or_else(|| closed("dump"))
    }
}
