//! An index measured on itself.

use crate::failure::{Result, throwing};
use crate::index::NativeIndex;
use crate::job::{Listener, NativeJob, Value, start};
use hnsw_core::{Control, Query, SelfRecall};
use napi_derive::napi;

#[napi(object, object_from_js = false)]
pub struct NativeRecall {
    pub sample: f64,
    pub k: f64,
    pub ef: f64,
    pub exact: bool,
    pub recall: f64,
    pub low: f64,
    pub high: f64,
    pub distance_error: Option<f64>,
    pub ms: f64,
}

impl From<SelfRecall> for NativeRecall {
    fn from(of: SelfRecall) -> NativeRecall {
        let SelfRecall { sample, k, ef, exact, recall, low, high, distance_error, ms } = of;
        let (sample, k, ef) = (sample as f64, k as f64, ef as f64);
        NativeRecall { sample, k, ef, exact, recall, low, high, distance_error, ms }
    }
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn recall_sync(&self, sample: u32, k: u32, ef: u32) -> Result<NativeRecall> {
        let index = self.open()?;
        throwing(|| index.recall(sample as usize, query(k, ef), Control::none())).map(NativeRecall::from)
    }

    #[napi]
    pub fn recall(&self, sample: u32, k: u32, ef: u32, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| index.recall(sample as usize, query(k, ef), control).map(Value::Recall))
    }
}

fn query(k: u32, ef: u32) -> Query {
    Query { k: k as usize, ef: ef as usize }
}
