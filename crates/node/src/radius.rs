//! Radius search as JavaScript asks for it, and its results in JavaScript's shapes.

use crate::failure::{Result, throwing};
use crate::index::{NativeIndex, bits};
use crate::job::{Listener, NativeJob, Value, start};
use crate::rows::NativeRows;
use hnsw_core::{Balls, Control, Estimate, Filter, Targeted, Told, Within};
use napi::Env;
use napi::bindgen_prelude::{Float32Array, Float64Array, Int32Array, Uint8Array, Uint32Array};
use napi_derive::napi;

/// See [`Within`].
#[napi(object, object_to_js = false)]
pub struct NativeWithin {
    pub max_results: u32,
    pub min_recall: f64,
    pub sort: bool,
    pub expansion_factor: f64,
    pub ef: u32,
    pub exact: bool,
    /// A bit for each id that may be returned.
    pub filter: Option<Uint8Array>,
}

/// What a search takes, and its filter, apart: one borrows the other.
struct Asked {
    within: Within<'static>,
    filter: Option<Filter>,
}

impl Asked {
    fn within(&self) -> Within<'_> {
        Within { filter: self.filter.as_ref(), ..self.within }
    }
}

impl From<NativeWithin> for Asked {
    fn from(of: NativeWithin) -> Asked {
        let within = Within {
            max_results: of.max_results as usize,
            min_recall: of.min_recall,
            sort: of.sort,
            expansion_factor: of.expansion_factor as f32,
            ef: of.ef as usize,
            exact: of.exact,
            filter: None,
        };
        Asked { within, filter: bits(of.filter) }
    }
}

/// Rows of varying length one after another; all but the first three have a value for each query.
#[napi(object, object_from_js = false)]
pub struct NativeBalls {
    pub offsets: Int32Array,
    pub indices: Int32Array,
    pub distances: Float32Array,
    pub visited: Int32Array,
    pub candidates: Int32Array,
    pub largest: Float32Array,
    pub truncated: Uint8Array,
    pub exact: Uint8Array,
    pub ms: Float32Array,
}

impl From<Balls> for NativeBalls {
    fn from(balls: Balls) -> NativeBalls {
        let Told { visited, candidates, largest, truncated, exact, ms } = balls.told;
        NativeBalls {
            offsets: Int32Array::new(balls.offsets),
            indices: Int32Array::new(balls.indices),
            distances: Float32Array::new(balls.distances),
            visited: Int32Array::new(visited),
            candidates: Int32Array::new(candidates),
            largest: Float32Array::new(largest),
            truncated: Uint8Array::new(truncated),
            exact: Uint8Array::new(exact),
            ms: Float32Array::new(ms),
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeTargeted {
    pub radius: f64,
    pub reached: bool,
    pub searches: f64,
    pub balls: NativeBalls,
}

impl From<Targeted> for NativeTargeted {
    fn from(of: Targeted) -> NativeTargeted {
        let (radius, searches) = (f64::from(of.radius), of.searches as f64);
        NativeTargeted { radius, reached: of.reached, searches, balls: of.balls.into() }
    }
}

/// A value for each query.
#[napi(object, object_from_js = false)]
pub struct NativeEstimates {
    pub counts: Float64Array,
    pub low: Float64Array,
    pub high: Float64Array,
}

impl From<Vec<Estimate>> for NativeEstimates {
    fn from(of: Vec<Estimate>) -> NativeEstimates {
        let all = |value: fn(&Estimate) -> f64| Float64Array::new(of.iter().map(value).collect());
        NativeEstimates { counts: all(|of| of.count), low: all(|of| of.low), high: all(|of| of.high) }
    }
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn radius_search_sync(
        &self,
        env: Env,
        queries: &mut NativeRows,
        radii: Float32Array,
        within: NativeWithin,
    ) -> Result<NativeBalls> {
        let (index, queries) = (self.open()?, queries.take(env)?);
        let asked = Asked::from(within);
        throwing(|| index.radius_search(queries, &radii, &asked.within(), Control::none())).map(NativeBalls::from)
    }

    #[napi]
    pub fn radius_search(
        &self,
        env: Env,
        queries: &mut NativeRows,
        radii: Float32Array,
        within: NativeWithin,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (index, queries, radii) = (self.open()?, queries.take(env)?, radii.to_vec());
        let asked = Asked::from(within);
        start(listener, move |control| index.radius_search(queries, &radii, &asked.within(), control).map(Value::Balls))
    }

    #[napi]
    pub fn radius_search_by_id_sync(
        &self,
        ids: Uint32Array,
        radii: Float32Array,
        within: NativeWithin,
    ) -> Result<NativeBalls> {
        let index = self.open()?;
        let asked = Asked::from(within);
        throwing(|| index.radius_search_by_id(&ids, &radii, &asked.within(), Control::none())).map(NativeBalls::from)
    }

    #[napi]
    pub fn radius_search_by_id(
        &self,
        ids: Uint32Array,
        radii: Float32Array,
        within: NativeWithin,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (index, ids, radii) = (self.open()?, ids.to_vec(), radii.to_vec());
        let asked = Asked::from(within);
        start(listener, move |control| {
            index.radius_search_by_id(&ids, &radii, &asked.within(), control).map(Value::Balls)
        })
    }

    #[napi]
    pub fn search_with_target_count_sync(
        &self,
        env: Env,
        query: &mut NativeRows,
        target: u32,
        tolerance: f64,
        first: Option<f64>,
        within: NativeWithin,
    ) -> Result<NativeTargeted> {
        let (index, query) = (self.open()?, query.take(env)?);
        let (target, first, asked) = (target as usize, first.map(|radius| radius as f32), Asked::from(within));
        throwing(|| index.search_with_target_count(query, target, tolerance, first, &asked.within(), Control::none()))
            .map(NativeTargeted::from)
    }

    #[napi]
    #[allow(clippy::too_many_arguments, reason = "what JavaScript hands over, one value each")]
    pub fn search_with_target_count(
        &self,
        env: Env,
        query: &mut NativeRows,
        target: u32,
        tolerance: f64,
        first: Option<f64>,
        within: NativeWithin,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (index, query) = (self.open()?, query.take(env)?);
        let (target, first, asked) = (target as usize, first.map(|radius| radius as f32), Asked::from(within));
        start(listener, move |control| {
            index
                .search_with_target_count(query, target, tolerance, first, &asked.within(), control)
                .map(Value::Targeted)
        })
    }

    #[napi]
    pub fn estimate_count_sync(
        &self,
        env: Env,
        queries: &mut NativeRows,
        radii: Float32Array,
        sample: u32,
        filter: Option<Uint8Array>,
    ) -> Result<NativeEstimates> {
        let (index, queries, filter) = (self.open()?, queries.take(env)?, bits(filter));
        throwing(|| index.estimate_count(queries, &radii, sample as usize, filter.as_ref(), Control::none()))
            .map(NativeEstimates::from)
    }

    #[napi]
    pub fn estimate_count(
        &self,
        env: Env,
        queries: &mut NativeRows,
        radii: Float32Array,
        sample: u32,
        filter: Option<Uint8Array>,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (index, queries, radii, filter) = (self.open()?, queries.take(env)?, radii.to_vec(), bits(filter));
        start(listener, move |control| {
            index.estimate_count(queries, &radii, sample as usize, filter.as_ref(), control).map(Value::Estimates)
        })
    }

    #[napi]
    pub fn prepare_radius_sync(&self) -> Result<()> {
        let index = self.open()?;
        throwing(|| index.prepare_radius(Control::none()))
    }

    #[napi]
    pub fn prepare_radius(&self, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| index.prepare_radius(control).map(|()| Value::Nothing))
    }
}
