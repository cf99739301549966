//! Rows of any form on their way into the core.

use crate::failure::{Code, Result, closed, throwing, thrown};
use crate::held::Held;
use hnsw_core::{BitRows, Error, Points, Rows, SparseRows};
use napi::Env;
use napi::bindgen_prelude::ObjectFinalize;
use napi_derive::napi;

/// Rows of one form, filled from the front; an index, a query or an update takes their content.
#[napi(custom_finalize)]
pub struct NativeRows {
    content: Option<Points>,
    /// As promised when memory was taken.
    rows: usize,
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
        NativeRows::new(env, rows, || Rows::zeroed(rows as usize, dim as usize).map(Points::from))
    }

    #[napi(factory)]
    pub fn allocate_bits(env: Env, rows: u32, dim: u32) -> Result<NativeRows> {
        NativeRows::new(env, rows, || BitRows::zeroed(rows as usize, dim as usize).map(Points::from))
    }

    /// `nnz` is a double: counts beyond 32 bits are exact up to 2^53.
    #[napi(factory)]
    pub fn allocate_sparse(env: Env, rows: u32, dim: u32, nnz: f64) -> Result<NativeRows> {
        NativeRows::new(env, rows, || {
            SparseRows::with_capacity(rows as usize, dim as usize, nnz as usize).map(Points::from)
        })
    }

    /// Copies whole rows, at any address: little-endian f32, or packed bits.
    #[napi]
    pub fn write_bytes(&mut self, start: u32, bytes: &[u8]) -> Result<()> {
        self.write(start, bytes.len(), |points, start| match points {
            Points::Dense(rows) => rows.write_bytes(start, bytes).map(|()| 4 * rows.dim()),
            Points::Bits(rows) => rows.write(start, bytes).map(|()| rows.dim()),
            Points::Sparse(_) => Err(wrong_form("write_bytes", "sparse")),
        })
    }

    /// Copies whole dense rows.
    #[napi]
    pub fn write_values(&mut self, start: u32, values: &[f32]) -> Result<()> {
        self.write(start, values.len(), |points, start| match points {
            Points::Dense(rows) => rows.write(start, values).map(|()| rows.dim()),
            _ => Err(wrong_form("write_values", "other")),
        })
    }

    /// Adds whole sparse rows.
    #[napi]
    pub fn push(&mut self, counts: &[u32], indices: &[u32], values: &[f32]) -> Result<()> {
        self.add(counts.len(), |rows| rows.push(counts, indices, values))
    }

    /// Adds whole sparse rows from little-endian bytes at any address.
    #[napi]
    pub fn push_bytes(&mut self, counts: &[u32], indices: &[u8], values: &[u8]) -> Result<()> {
        self.add(counts.len(), |rows| rows.push_bytes(counts, indices, values))
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
    fn new(env: Env, rows: u32, allocate: impl FnOnce() -> hnsw_core::Result<Points>) -> Result<NativeRows> {
        let content = throwing(allocate)?;
        let held = Held::new(env, content.bytes());
        Ok(NativeRows { content: Some(content), rows: rows as usize, written: 0, held })
    }

    /// `copy` gives the units that a row has.
    fn write(
        &mut self,
        start: u32,
        units: usize,
        copy: impl FnOnce(&mut Points, usize) -> hnsw_core::Result<usize>,
    ) -> Result<()> {
        let points = self.content.as_mut().ok_or_else(|| closed("row buffer"))?;
        let start = start as usize;
        if start > self.written {
            return Err(thrown(Error::invalid("start row", start, format!("0..={} (no gaps)", self.written))));
        }
        let row = throwing(|| copy(points, start))?;
        self.written = self.written.max(start + units / row);
        Ok(())
    }

    fn add(&mut self, count: usize, push: impl FnOnce(&mut SparseRows) -> hnsw_core::Result<()>) -> Result<()> {
        let points = self.content.as_mut().ok_or_else(|| closed("row buffer"))?;
        let Points::Sparse(rows) = points else { return Err(thrown(wrong_form("push", "other"))) };
        throwing(|| push(rows))?;
        self.written += count;
        Ok(())
    }

    /// Columns that the rows have or will have.
    pub fn dim(&self) -> Result<usize> {
        self.content.as_ref().map(Points::dim).ok_or_else(|| closed("row buffer"))
    }

    /// That [`NativeRows::take`] will succeed: all rows have been written.
    pub fn check_full(&self) -> Result<()> {
        if self.content.is_none() {
            return Err(closed("row buffer"));
        }
        if self.written < self.rows {
            let message = format!("{} of {} rows are written, allowed: all of them", self.written, self.rows);
            return Err(napi::Error::new(Code("ERR_INVALID_ARGUMENT"), message));
        }
        Ok(())
    }

    /// Takes the rows out; all of them must have been written.
    pub fn take(&mut self, env: Env) -> Result<Points> {
        self.check_full()?;
        self.held.release(env);
        self.content.take().ok_or_else(|| closed("row buffer"))
    }
}

/// The TypeScript side keeps the forms apart.
fn wrong_form(call: &str, form: &str) -> Error {
    Error::Internal { message: format!("{call} on {form} rows") }
}
