//! Tells the garbage collector how much memory outside its heap an object keeps, so that forgotten
//! objects are collected before the machine runs out.

use napi::Env;

/// Bytes that the collector has been told about. Must be released before it is dropped.
#[derive(Default)]
pub struct Held(i64);

impl Held {
    pub fn new(env: Env, bytes: usize) -> Held {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        // A hint: where it cannot be given, nothing else changes.
        let _ = env.adjust_external_memory(bytes);
        Held(bytes)
    }

    pub fn release(&mut self, env: Env) {
        let _ = env.adjust_external_memory(-std::mem::take(&mut self.0));
    }
}
