//! Options as TypeScript hands them over: complete, defaults filled in.

use hnsw_core::{Algorithm, Metric, MetricParams, Options, Quantization, Result};
use napi::bindgen_prelude::{BigInt, Float32Array, Uint32Array};
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct NativeOptions {
    pub metric: String,
    pub p: Option<f64>,
    pub w: Option<Float32Array>,
    pub sigma: Option<Float32Array>,
    pub vinv: Option<Float32Array>,
    pub cost: Option<Float32Array>,
    pub n_neighbors: u32,
    pub algorithm: String,
    pub m: u32,
    pub ef_construction: u32,
    pub max_candidates: u32,
    pub n_iters: u32,
    pub graph_recall: f64,
    pub seed: BigInt,
    pub threads: u32,
    pub quantization: Option<String>,
    pub carried: String,
    /// Of rows that outlived another index: their ids, and the id that the next row gets.
    pub ids: Option<Uint32Array>,
    pub next_id: Option<u32>,
}

impl NativeOptions {
    /// Ids of the rows, where they are not to be their numbers.
    pub fn names(&self) -> Option<(Vec<u32>, u32)> {
        self.ids.as_ref().map(|ids| (ids.to_vec(), self.next_id.unwrap_or_default()))
    }

    /// For rows of `dim` columns.
    pub fn resolve(self, dim: usize) -> Result<Options> {
        let list = |values: Option<Float32Array>| values.map(|values| values.to_vec());
        let params = MetricParams {
            p: self.p,
            w: list(self.w),
            sigma: list(self.sigma),
            vinv: list(self.vinv),
            cost: list(self.cost),
        };
        let options = Options {
            n_neighbors: self.n_neighbors as usize,
            algorithm: Algorithm::parse(&self.algorithm)?,
            m: self.m as usize,
            ef_construction: self.ef_construction as usize,
            max_candidates: self.max_candidates as usize,
            n_iters: self.n_iters as usize,
            graph_recall: self.graph_recall,
            seed: self.seed.get_u64().1,
            threads: self.threads as usize,
            quantization: self.quantization.as_deref().map(Quantization::parse).transpose()?,
            caller: self.carried.into_bytes(),
            ..Options::new(Metric::resolve(&self.metric, params, dim)?)
        };
        options.check()?;
        Ok(options)
    }
}
