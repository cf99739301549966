//! Changes to the rows of an index, and their ids.

use crate::failure::{Result, throwing};
use crate::index::NativeIndex;
use crate::job::{Listener, NativeJob, Value, start};
use crate::rows::NativeRows;
use hnsw_core::{Changes, Control, Index};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Int32Array, Uint32Array};
use napi_derive::napi;

/// What an update has come to.
#[napi(object, object_from_js = false)]
pub struct NativeUpdated {
    /// Ids of the appended rows: from the first on, below the next.
    pub first: u32,
    pub next: u32,
    /// Rows that there are now.
    pub rows: f64,
}

/// What an update does.
#[napi(object, object_to_js = false)]
pub struct NativeChanges<'env> {
    pub removed: Uint32Array,
    pub ids: Uint32Array,
    /// A row for each of `ids`.
    pub replaced: Option<ClassInstance<'env, NativeRows>>,
    pub fresh: Option<ClassInstance<'env, NativeRows>>,
}

impl NativeChanges<'_> {
    /// Takes all rows or, where one of the two cannot be taken, none.
    fn take(self, env: Env) -> Result<Changes> {
        for rows in [&self.fresh, &self.replaced].into_iter().flatten() {
            rows.check_full()?;
        }
        let fresh = self.fresh.map(|mut rows| rows.take(env)).transpose()?;
        let replaced = self.replaced.map(|mut rows| rows.take(env)).transpose()?;
        let replaced = replaced.map(|rows| (self.ids.to_vec(), rows));
        Ok(Changes { removed: self.removed.to_vec(), replaced, fresh })
    }
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn update_sync(&self, env: Env, changes: NativeChanges<'_>) -> Result<NativeUpdated> {
        let (index, changes) = (self.open()?, changes.take(env)?);
        throwing(|| update(&index, changes, Control::none()))
    }

    #[napi]
    pub fn update(&self, env: Env, changes: NativeChanges<'_>, listener: Listener<'_>) -> Result<NativeJob> {
        let (index, changes) = (self.open()?, changes.take(env)?);
        start(listener, move |control| update(&index, changes, control).map(Value::Updated))
    }

    /// The id of each row, ascending.
    #[napi]
    pub fn ids(&self) -> Result<Int32Array> {
        let index = self.open()?;
        throwing(|| Ok(index.ids().into_iter().map(|id| id as i32).collect::<Vec<_>>().into()))
    }

    /// What the next row will get.
    #[napi]
    pub fn next_id(&self) -> Result<u32> {
        let index = self.open()?;
        throwing(|| Ok(index.next_id()))
    }

    #[napi]
    pub fn has(&self, id: u32) -> Result<bool> {
        let index = self.open()?;
        throwing(|| Ok(index.contains(id)))
    }
}

fn update(index: &Index, changes: Changes, control: Control<'_>) -> hnsw_core::Result<NativeUpdated> {
    let added = index.update(changes, control)?;
    Ok(NativeUpdated { first: added.start, next: added.end, rows: index.len() as f64 })
}
