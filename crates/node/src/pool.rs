//! Threads for running calls, started as they are needed, gone after a few idle seconds.
//!
//! Each call keeps one thread until it ends, so a long build delays no query. The core splits the work
//! of a call over threads of its own; the ones here only carry the calls.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// Calls that run at once; further ones wait. A guess: far beyond the cores, far below what hurts.
pub const MAX_THREADS: usize = 128;
/// How long a thread waits for another call.
const IDLE: Duration = Duration::from_secs(5);

/// The pool of this process.
pub static POOL: Pool = Pool::new();

/// A queue of calls and the threads that take them from it.
pub struct Pool {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    queue: VecDeque<Task>,
    idle: usize,
    threads: usize,
}

impl Pool {
    /// A pool without threads.
    pub const fn new() -> Pool {
        let state = State { queue: VecDeque::new(), idle: 0, threads: 0 };
        Pool { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Runs `task` on a thread of the pool. Tasks must not panic.
    ///
    /// Fails, with the task dropped, if no thread could be started and none is running.
    pub fn run(&'static self, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.lock();
        state.queue.push_back(Box::new(task));
        if state.queue.len() > state.idle && state.threads < MAX_THREADS {
            return self.start(&mut state);
        }
        self.arrived.notify_one();
        Ok(())
    }

    fn start(&'static self, state: &mut State) -> io::Result<()> {
        match thread::Builder::new().name("hnsw-call".into()).spawn(|| self.serve()) {
            Ok(_) => state.threads += 1,
            // Running threads will take the task.
            Err(_) if state.threads > 0 => self.arrived.notify_one(),
            Err(error) => {
                state.queue.pop_back();
                return Err(error);
            }
        }
        Ok(())
    }

    fn serve(&self) {
        while let Some(task) = self.next() {
            task();
        }
    }

    /// The next task; `None`, and the thread counted out, after [`IDLE`] without one.
    fn next(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.queue.pop_front() {
                return Some(task);
            }
            state.idle += 1;
            let (guard, wait) = self.arrived.wait_timeout(state, IDLE).unwrap_or_else(|e| e.into_inner());
            state = guard;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
