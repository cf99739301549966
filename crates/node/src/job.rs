//! A call that runs beside the JavaScript thread.

use crate::ask::NativeAnswer;
use crate::failure::{Result, internal};
use crate::files::NativeVerification;
use crate::guard::guarded;
use crate::index::{NativeIndex, NativeNeighbors};
use crate::pool::POOL;
use crate::radius::{NativeBalls, NativeEstimates, NativeTargeted};
use crate::recall::NativeRecall;
use crate::throttle::Throttle;
use crate::update::NativeUpdated;
use hnsw_core::{
    Answer, Balls, Control, Error, Estimate, Index, Neighbors, Progress, SelfRecall, Targeted, Verification,
};
use napi::bindgen_prelude::{BigUint64Array, Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The function that hears of a call: progress zero or more times, then exactly one end.
pub type Listener<'env> = Function<'env, NativeEvent, ()>;

/// What a finished call hands over.
pub enum Value {
    Nothing,
    Neighbors(Neighbors),
    Answer(Box<Answer>),
    Balls(Balls),
    Targeted(Targeted),
    Estimates(Vec<Estimate>),
    Index(Arc<Index>),
    Bytes(Vec<u8>),
    Updated(NativeUpdated),
    Recall(SelfRecall),
    Verification(Box<Verification>),
    /// An index and the labels of its rows.
    Imported(Arc<Index>, Vec<u64>),
}

enum Event {
    Progress(Progress),
    End(hnsw_core::Result<Value>),
}

/// [`Event`] in JavaScript's shape. `kind` is `progress`, `failed` or `done`.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeEvent {
    pub kind: &'static str,
    pub phase: Option<&'static str>,
    pub done: Option<f64>,
    pub total: Option<f64>,
    pub code: Option<&'static str>,
    pub message: Option<String>,
    pub neighbors: Option<NativeNeighbors>,
    pub answer: Option<NativeAnswer>,
    pub balls: Option<NativeBalls>,
    pub targeted: Option<NativeTargeted>,
    pub estimates: Option<NativeEstimates>,
    pub index: Option<NativeIndex>,
    pub bytes: Option<Uint8Array>,
    pub updated: Option<NativeUpdated>,
    pub recall: Option<NativeRecall>,
    pub verification: Option<NativeVerification>,
    pub labels: Option<BigUint64Array>,
}

impl NativeEvent {
    fn of(event: Event, env: Env) -> NativeEvent {
        match event {
            Event::Progress(p) => NativeEvent {
                kind: "progress",
                phase: Some(p.phase),
                done: Some(p.done as f64),
                total: Some(p.total as f64),
                ..NativeEvent::default()
            },
            Event::End(Err(error)) => NativeEvent {
                kind: "failed",
                code: Some(error.code()),
                message: Some(error.to_string()),
                ..NativeEvent::default()
            },
            Event::End(Ok(value)) => NativeEvent { kind: "done", ..NativeEvent::with(value, env) },
        }
    }

    fn with(value: Value, env: Env) -> NativeEvent {
        match value {
            Value::Nothing => NativeEvent::default(),
            Value::Neighbors(n) => NativeEvent { neighbors: Some(n.into()), ..NativeEvent::default() },
            Value::Answer(answer) => NativeEvent { answer: Some((*answer).into()), ..NativeEvent::default() },
            Value::Balls(balls) => NativeEvent { balls: Some(balls.into()), ..NativeEvent::default() },
            Value::Targeted(of) => NativeEvent { targeted: Some(of.into()), ..NativeEvent::default() },
            Value::Estimates(of) => NativeEvent { estimates: Some(of.into()), ..NativeEvent::default() },
            Value::Bytes(bytes) => NativeEvent { bytes: Some(bytes.into()), ..NativeEvent::default() },
            Value::Recall(of) => NativeEvent { recall: Some(of.into()), ..NativeEvent::default() },
            Value::Updated(of) => NativeEvent { updated: Some(of), ..NativeEvent::default() },
            Value::Verification(found) => NativeEvent { verification: Some((*found).into()), ..NativeEvent::default() },
            Value::Imported(index, labels) => NativeEvent {
                index: Some(NativeIndex::new(env, index)),
                labels: Some(labels.into()),
                ..NativeEvent::default()
            },
            Value::Index(index) => NativeEvent { index: Some(NativeIndex::new(env, index)), ..NativeEvent::default() },
        }
    }
}

/// A running call.
#[napi]
pub struct NativeJob {
    cancelled: Arc<AtomicBool>,
}

#[napi]
impl NativeJob {
    /// Asks the call to stop; it then ends with `ERR_CANCELLED` unless it is already through.
    #[napi]
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

type Channel = ThreadsafeFunction<Event, (), NativeEvent, Status, false>;

/// Starts `work` on the pool; `listener` hears of it on the JavaScript thread. The pending call keeps
/// the process alive.
pub fn start(
    listener: Listener<'_>,
    work: impl FnOnce(Control<'_>) -> hnsw_core::Result<Value> + Send + 'static,
) -> Result<NativeJob> {
    let channel: Channel = listener
        .build_threadsafe_function::<Event>()
        .build_callback(|context| Ok(NativeEvent::of(context.value, context.env)))
        .map_err(internal)?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let job = NativeJob { cancelled: cancelled.clone() };
    POOL.run(move || carry(&channel, &cancelled, work)).map_err(internal)?;
    Ok(job)
}

fn carry(channel: &Channel, cancelled: &AtomicBool, work: impl FnOnce(Control<'_>) -> hnsw_core::Result<Value>) {
    let throttle = Throttle::default();
    let report = |progress: Progress| {
        throttle.offer(progress, Instant::now(), |progress| {
            if channel.call(Event::Progress(progress), ThreadsafeFunctionCallMode::NonBlocking) == Status::Closing {
                // The JavaScript side is being torn down: nobody waits for this call any more.
                cancelled.store(true, Ordering::Relaxed);
            }
        });
    };
    let control = Control::new(cancelled, &report);
    let end = if control.is_cancelled() { Err(Error::Cancelled) } else { guarded(|| work(control)) };
    channel.call(Event::End(end), ThreadsafeFunctionCallMode::NonBlocking);
}
