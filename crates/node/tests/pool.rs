//! What of the binding needs no Node: taken in as source, because the crate itself only links inside Node.

#[path = "../src/pool.rs"]
mod pool;

use pool::{MAX_THREADS, POOL, Pool};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn waiting_calls_do_not_delay_each_other() {
    // All of them meet: with fewer threads than calls they would wait for ever.
    let meeting = Arc::new(Barrier::new(20));
    let (done, finished) = channel();
    for _ in 0..20 {
        let (meeting, done) = (meeting.clone(), done.clone());
        POOL.run(move || {
            meeting.wait();
            done.send(()).unwrap();
        })
        .unwrap();
    }
    for _ in 0..20 {
        finished.recv_timeout(LONG).unwrap();
    }
}

#[test]
fn every_call_runs_once_also_beyond_the_most_threads() {
    static POOL: Pool = Pool::new();
    let count = Arc::new(AtomicUsize::new(0));
    let (done, finished) = channel();
    for _ in 0..10 * MAX_THREADS {
        let (count, done) = (count.clone(), done.clone());
        POOL.run(move || {
            count.fetch_add(1, Ordering::Relaxed);
            done.send(()).unwrap();
        })
        .unwrap();
    }
    for _ in 0..10 * MAX_THREADS {
        finished.recv_timeout(LONG).unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 10 * MAX_THREADS);
}

#[test]
fn an_idle_thread_takes_the_next_call() {
    static POOL: Pool = Pool::new();
    let (done, finished) = channel();
    let mut names = std::collections::HashSet::new();
    for _ in 0..50 {
        let done = done.clone();
        POOL.run(move || done.send(std::thread::current().id()).unwrap()).unwrap();
        names.insert(finished.recv_timeout(LONG).unwrap());
        // Lets the thread go back to waiting; if it is slow, a second thread starts, never fifty.
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(names.len() < 10, "{} threads for 50 calls one after the other", names.len());
}
