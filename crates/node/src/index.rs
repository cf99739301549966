//! The index as an object of JavaScript. Each operation is one function with two doors: one that runs
//! it on the calling thread, one that starts it as a job.

use crate::bytes::NativeBytes;
use crate::failure::{Result, closed, internal, throwing, thrown};
use crate::held::Held;
use crate::job::{Listener, NativeJob, Value, start};
use crate::options::NativeOptions;
use crate::report::{NativeDescription, NativePlan, NativeStats};
use crate::rows::NativeRows;
use hnsw_core::{Control, Filter, Index, Neighbors, Options, Points, Query, Rows, Stats};
use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{Float32Array, FromNapiValue, Int32Array, ObjectFinalize, Uint8Array, Unknown};
use napi_derive::napi;
use std::sync::Arc;

/// Row-major `rows x k`; the arrays own the vectors that the core made.
#[napi(object, object_from_js = false)]
pub struct NativeNeighbors {
    pub rows: f64,
    pub k: f64,
    pub indices: Int32Array,
    pub distances: Float32Array,
}

impl From<Neighbors> for NativeNeighbors {
    fn from(neighbors: Neighbors) -> Self {
        NativeNeighbors {
            rows: neighbors.rows as f64,
            k: neighbors.k as f64,
            indices: Int32Array::new(neighbors.indices),
            distances: Float32Array::new(neighbors.distances),
        }
    }
}

/// A handle on an index. Running calls hold the index themselves, so closing never pulls it away.
#[napi(custom_finalize)]
pub struct NativeIndex {
    content: Option<Arc<Index>>,
    held: Held,
}

impl ObjectFinalize for NativeIndex {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.held.release(env);
        Ok(())
    }
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn build_sync(env: Env, rows: &mut NativeRows, options: NativeOptions) -> Result<NativeIndex> {
        let names = options.names();
        let options = options.resolve(rows.dim()?).map_err(thrown)?;
        let rows = rows.take(env)?;
        throwing(|| build(rows, names, options, Control::none())).map(|index| NativeIndex::new(env, index))
    }

    #[napi]
    pub fn build(env: Env, rows: &mut NativeRows, options: NativeOptions, listener: Listener<'_>) -> Result<NativeJob> {
        let names = options.names();
        let options = options.resolve(rows.dim()?).map_err(thrown)?;
        let rows = rows.take(env)?;
        start(listener, move |control| build(rows, names, options, control).map(Value::Index))
    }

    #[napi]
    pub fn restore_sync(env: Env, bytes: &mut NativeBytes, threads: u32) -> Result<NativeIndex> {
        let bytes = bytes.take(env)?;
        throwing(|| restore(&bytes, threads, Control::none())).map(|index| NativeIndex::new(env, index))
    }

    #[napi]
    pub fn restore(env: Env, bytes: &mut NativeBytes, threads: u32, listener: Listener<'_>) -> Result<NativeJob> {
        let bytes = bytes.take(env)?;
        start(listener, move |control| restore(&bytes, threads, control).map(Value::Index))
    }

    #[napi]
    pub fn neighbor_graph_sync(&self) -> Result<NativeNeighbors> {
        let index = self.open()?;
        throwing(|| neighbor_graph(&index, Control::none())).map(NativeNeighbors::from)
    }

    #[napi]
    pub fn neighbor_graph(&self, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| neighbor_graph(&index, control).map(Value::Neighbors))
    }

    #[napi]
    pub fn query_sync(
        &self,
        env: Env,
        queries: &mut NativeRows,
        k: u32,
        ef: u32,
        filter: Option<Uint8Array>,
    ) -> Result<NativeNeighbors> {
        let (index, queries, filter) = (self.open()?, queries.take(env)?, bits(filter));
        throwing(|| ask(&index, queries, query(k, ef), filter, Control::none())).map(NativeNeighbors::from)
    }

    /// Answers a few dense queries, row after row, into arrays of the caller's: `indices` and `distances` have
    /// `k` places for each. Nothing that JavaScript would have to collect is made.
    #[napi]
    pub fn answer(
        &self,
        env: Env,
        queries: &[f32],
        k: u32,
        ef: u32,
        indices: Unknown<'_>,
        distances: Unknown<'_>,
    ) -> Result<()> {
        let index = self.open()?;
        let found = throwing(|| {
            let queries = Rows::from_slice(queries, index.dim())?;
            index.query(queries, query(k, ef), Control::none())
        })?;
        fill(env, indices, &found.indices)?;
        fill(env, distances, &found.distances)
    }

    #[napi]
    pub fn query(
        &self,
        env: Env,
        queries: &mut NativeRows,
        k: u32,
        ef: u32,
        filter: Option<Uint8Array>,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (index, queries, filter) = (self.open()?, queries.take(env)?, bits(filter));
        start(listener, move |control| ask(&index, queries, query(k, ef), filter, control).map(Value::Neighbors))
    }

    #[napi]
    pub fn dump_sync(&self, rows: bool, attachment: &[u8]) -> Result<Uint8Array> {
        let index = self.open()?;
        throwing(|| index.dump_with(rows, attachment, Control::none())).map(Uint8Array::new)
    }

    #[napi]
    pub fn dump(&self, rows: bool, attachment: &[u8], listener: Listener<'_>) -> Result<NativeJob> {
        let (index, attachment) = (self.open()?, attachment.to_vec());
        start(listener, move |control| index.dump_with(rows, &attachment, control).map(Value::Bytes))
    }

    #[napi]
    pub fn attach_sync(&self, env: Env, bytes: &mut NativeBytes) -> Result<()> {
        let (index, bytes) = (self.open()?, bytes.take(env)?);
        throwing(|| index.attach(&bytes, Control::none()))
    }

    #[napi]
    pub fn attach(&self, env: Env, bytes: &mut NativeBytes, listener: Listener<'_>) -> Result<NativeJob> {
        let (index, bytes) = (self.open()?, bytes.take(env)?);
        start(listener, move |control| index.attach(&bytes, control).map(|()| Value::Nothing))
    }

    #[napi]
    pub fn prepare_sync(&self) -> Result<()> {
        let index = self.open()?;
        throwing(|| index.prepare(Control::none()))
    }

    #[napi]
    pub fn prepare(&self, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| index.prepare(control).map(|()| Value::Nothing))
    }

    #[napi]
    pub fn describe(&self) -> Result<NativeDescription> {
        let index = self.open()?;
        throwing(|| Ok(NativeDescription::of(&index)))
    }

    #[napi]
    pub fn plan(&self) -> Result<NativePlan> {
        let index = self.open()?;
        throwing(|| Ok(index.plan().into()))
    }

    #[napi]
    pub fn stats(&self) -> Result<NativeStats> {
        let index = self.open()?;
        throwing(|| Ok(index.stats().into()))
    }

    /// Lets go of the index; its memory is free as soon as no call uses it.
    #[napi]
    pub fn close(&mut self, env: Env) {
        self.held.release(env);
        self.content = None;
    }
}

impl NativeIndex {
    pub fn new(env: Env, index: Arc<Index>) -> NativeIndex {
        let Stats { rows_bytes, codes_bytes, .. } = index.stats();
        NativeIndex { content: Some(index), held: Held::new(env, rows_bytes + codes_bytes) }
    }

    pub fn open(&self) -> Result<Arc<Index>> {
        self.content.clone().ok_or_else(|| closed("index"))
    }
}

fn build(
    rows: Points,
    names: Option<(Vec<u32>, u32)>,
    options: Options,
    control: Control<'_>,
) -> hnsw_core::Result<Arc<Index>> {
    Index::build_named(rows, names, options, control).map(Arc::new)
}

/// Ids that may be returned, a bit each, where not all may.
pub fn bits(filter: Option<Uint8Array>) -> Option<Filter> {
    filter.map(|bits| Filter::of_bits(bits.to_vec()))
}

fn ask(
    index: &Index,
    queries: Points,
    query: Query,
    filter: Option<Filter>,
    control: Control<'_>,
) -> hnsw_core::Result<Neighbors> {
    match filter {
        Some(filter) => index.query_among(queries, query, &filter, control),
        None => index.query(queries, query, control),
    }
}

fn restore(bytes: &[u8], threads: u32, control: Control<'_>) -> hnsw_core::Result<Arc<Index>> {
    Index::restore(bytes, threads as usize, control).map(Arc::new)
}

/// The kept graph is shared; the caller gets a copy of its own to write into.
fn neighbor_graph(index: &Index, control: Control<'_>) -> hnsw_core::Result<Neighbors> {
    index.neighbor_graph(control).map(|shared| Arc::try_unwrap(shared).unwrap_or_else(|kept| (*kept).clone()))
}

/// Copies a result into a typed array, which the TypeScript side makes as long as the result is.
fn fill<'env, T: Copy + 'env>(env: Env, array: Unknown<'env>, values: &[T]) -> Result<()>
where
    &'env mut [T]: FromNapiValue,
{
    // SAFETY: `array` is a value of this call in `env`, the conversion checks its type, and no other slice of it lives:
    // the queries have been copied, and no JavaScript runs until this call returns.
    let place = unsafe { <&mut [T]>::from_napi_value(env.raw(), array.raw()) }.map_err(internal)?;
    if place.len() != values.len() {
        return Err(internal(format_args!("a result of {} values for an array of {}", values.len(), place.len())));
    }
    place.copy_from_slice(values);
    Ok(())
}

fn query(k: u32, ef: u32) -> Query {
    Query { k: k as usize, ef: ef as usize }
}
