//! Rows on their way into the core's arena.

use crate::failure::{Code, Result, closed, throwing, thrown};
use crate::held::Held;
use hnsw_core::{Error, Rows};
use napi::Env;
use napi::bindgen_prelude::ObjectFinalize;
use napi_derive::napi;

/// A matrix of rows, filled from the front; an index or a query takes its content.
#[napi(custom_finalize)]
pub struct NativeRows {
    content: Option<Rows>,
    written: usize,
    held: Held,
}

impl ObjectFinalize for NativeRows {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.held.release(env);
        Ok(())
    }
}

#[napi]
impl NativeRows {
    #[napi(factory)]
    pub fn allocate(env: Env, rows: u32, dim: u32) -> Result<NativeRows> {
        let rows = throwing(|| Rows::zeroed(rows as usize, dim as usize))?;
        let held = Held::new(env, rows.bytes());
        Ok(NativeRows { content: Some(rows), written: 0, held })
    }

    /// Copies whole rows from little-endian f32 at any address.
    #[napi]
    pub fn write_bytes(&mut self, start: u32, bytes: &[u8]) -> Result<()> {
        self.write(start, bytes.len() / 4, |rows, start| rows.write_bytes(start, bytes))
    }

    /// Copies whole rows.
    #[napi]
    pub fn write_values(&mut self, start: u32, values: &[f32]) -> Result<()> {
        self.write(start, values.len(), |rows, start| rows.write(start, values))
    }

    #[napi(getter)]
    pub fn rows_written(&self) -> u32 {
        self.written as u32
    }

    #[napi]
    pub fn dispose(&mut self, env: Env) {
        self.held.release(env);
        self.content = None;
    }
}

impl NativeRows {
    fn write(
        &mut self,
        start: u32,
        values: usize,
        copy: impl FnOnce(&mut Rows, usize) -> hnsw_core::Result<()>,
    ) -> Result<()> {
        let rows = self.content.as_mut().ok_or_else(|| closed("row buffer"))?;
        let start = start as usize;
        if start > self.written {
            return Err(thrown(Error::invalid("start row", start, format!("0..={} (no gaps)", self.written))));
        }
        throwing(|| copy(rows, start))?;
        self.written = self.written.max(start + values / rows.dim());
        Ok(())
    }

    /// Takes the rows out; all of them must have been written.
    pub fn take(&mut self, env: Env) -> Result<Rows> {
        let rows = self.content.as_ref().ok_or_else(|| closed("row buffer"))?;
        if self.written < rows.len() {
            let message = format!("{} of {} rows are written, allowed: all of them", self.written, rows.len());
            return Err(napi::Error::new(Code("ERR_INVALID_ARGUMENT"), message));
        }
        self.held.release(env);
        self.content.take().ok_or_else(|| closed("row buffer"))
    }
}
