//! The Node binding of `hnsw_core`: converts, schedules, reports.
//!
//! ```text
//!   JS thread            pool thread                 core's own threads
//!   index.query() -----> core call ----------------> workers
//!        settle() <----- one queue: progress, ..., done
//! ```
//!
//! - A call never runs on libuv's four pool threads, which belong to files and name lookups: see [`pool`].
//! - Progress and outcome of a call go through one queue, so the outcome always comes last.
//! - Every call is guarded: a panic becomes `ERR_INTERNAL` of that call alone.
//! - Rows are copied once, into the core's arena; results move out as the vectors they were made in.
//!
//! What may not enter: algorithms, defaults, the checking of options (`src/` does that, the core has
//! the last word). The exported shapes are written down in `src/native.ts`.
#![cfg_attr(test, allow(dead_code, reason = "exports are registered with Node, which test builds leave out"))]

mod ask;
mod bytes;
mod failure;
mod files;
mod guard;
mod held;
mod index;
mod job;
mod options;
mod pool;
mod radius;
mod recall;
mod release;
mod report;
mod rows;
mod throttle;
mod update;
