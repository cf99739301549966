//! Queries with an effort by its outcome, a filter, or a report of the work; and the search index built anew.

use crate::failure::{Result, internal, throwing};
use crate::index::{NativeIndex, NativeNeighbors, bits};
use crate::job::{Listener, NativeJob, Value, start};
use crate::rows::NativeRows;
use hnsw_core::{Answer, Ask, Control, Effort, Filter, Profile};
use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Uint32Array};
use napi_derive::napi;

/// See [`Ask`]; one of `ef`, `min_recall`, and `ef_steps` with `until`.
#[napi(object, object_to_js = false)]
pub struct NativeAsk {
    pub k: u32,
    pub ef: Option<u32>,
    pub min_recall: Option<f64>,
    pub ef_steps: Option<Uint32Array>,
    pub until: Option<f64>,
    pub filter: Option<Uint8Array>,
    pub profile: bool,
}

/// What is asked for, and its filter, apart: one borrows the other.
struct Asked {
    ask: Ask<'static>,
    filter: Option<Filter>,
}

impl Asked {
    fn of(of: NativeAsk) -> Result<Asked> {
        let effort = match (of.ef, of.min_recall, of.ef_steps, of.until) {
            (Some(ef), None, None, None) => Effort::Width(ef as usize),
            (None, Some(recall), None, None) => Effort::Recall(recall),
            (None, None, Some(steps), Some(until)) => {
                Effort::Steps { widths: steps.iter().map(|&ef| ef as usize).collect(), until: until as f32 }
            }
            _ => return Err(internal("a query without an effort, or with two")),
        };
        let ask = Ask { k: of.k as usize, effort, filter: None, profile: of.profile };
        Ok(Asked { ask, filter: bits(of.filter) })
    }

    fn ask(&self) -> Ask<'_> {
        Ask { filter: self.filter.as_ref(), ..self.ask.clone() }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeProfile {
    pub way: &'static str,
    pub codes: &'static str,
    pub levels: f64,
    pub visited: Uint32Array,
    pub distances: Uint32Array,
    pub hops: Uint32Array,
    pub ready_ms: f64,
    pub transform_ms: f64,
    pub search_ms: f64,
}

impl From<Profile> for NativeProfile {
    fn from(of: Profile) -> NativeProfile {
        let Profile { way, on, levels, visited, distances, hops, ready_ms, transform_ms, search_ms } = of;
        let [visited, distances, hops] = [visited, distances, hops].map(Uint32Array::new);
        let levels = levels as f64;
        NativeProfile { way, codes: on, levels, visited, distances, hops, ready_ms, transform_ms, search_ms }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeAnswer {
    pub neighbors: NativeNeighbors,
    /// Empty unless widths were tried.
    pub widths: Uint32Array,
    pub profile: Option<NativeProfile>,
}

impl From<Answer> for NativeAnswer {
    fn from(Answer { neighbors, widths, profile }: Answer) -> NativeAnswer {
        NativeAnswer {
            neighbors: neighbors.into(),
            widths: Uint32Array::new(widths),
            profile: profile.map(NativeProfile::from),
        }
    }
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn ask_sync(&self, env: Env, queries: &mut NativeRows, ask: NativeAsk) -> Result<NativeAnswer> {
        let (index, queries, asked) = (self.open()?, queries.take(env)?, Asked::of(ask)?);
        throwing(|| index.ask(queries, &asked.ask(), Control::none())).map(NativeAnswer::from)
    }

    #[napi]
    pub fn ask(&self, env: Env, queries: &mut NativeRows, ask: NativeAsk, listener: Listener<'_>) -> Result<NativeJob> {
        let (index, queries, asked) = (self.open()?, queries.take(env)?, Asked::of(ask)?);
        start(listener, move |control| index.ask(queries, &asked.ask(), control).map(Box::new).map(Value::Answer))
    }

    #[napi]
    pub fn rebuild_sync(&self, m: Option<u32>, ef_construction: Option<u32>) -> Result<()> {
        let (index, [m, ef]) = (self.open()?, [m, ef_construction].map(|value| value.map(|value| value as usize)));
        throwing(|| index.rebuild(m, ef, Control::none()))
    }

    #[napi]
    pub fn rebuild(&self, m: Option<u32>, ef_construction: Option<u32>, listener: Listener<'_>) -> Result<NativeJob> {
        let (index, [m, ef]) = (self.open()?, [m, ef_construction].map(|value| value.map(|value| value as usize)));
        start(listener, move |control| index.rebuild(m, ef, control).map(|()| Value::Nothing))
    }
}
