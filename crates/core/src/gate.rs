//! Many readers or one writer, where waiting can be cancelled.

use crate::control::Control;
use crate::error::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

/// How often a waiting caller tries again and looks at its cancel.
const LOOK: Duration = Duration::from_millis(2);

/// A value behind a read-write lock. A waiting writer holds new readers back, so that it gets its turn.
#[derive(Debug)]
pub(crate) struct Gate<T> {
    lock: RwLock<T>,
    writers: AtomicUsize,
}

impl<T> Gate<T> {
    pub fn new(value: T) -> Self {
        Gate { lock: RwLock::new(value), writers: AtomicUsize::new(0) }
    }

    /// Shared access.
    pub fn read(&self, control: Control<'_>) -> Result<RwLockReadGuard<'_, T>> {
        loop {
            if self.writers.load(Ordering::Acquire) == 0 {
                match self.lock.try_read() {
                    Ok(guard) => return Ok(guard),
                    Err(TryLockError::Poisoned(guard)) => return Ok(guard.into_inner()),
                    Err(TryLockError::WouldBlock) => {}
                }
            }
            control.check()?;
            std::thread::sleep(LOOK);
        }
    }

    /// Shared access, unless a writer is at work.
    pub fn peek(&self) -> Option<RwLockReadGuard<'_, T>> {
        match self.lock.try_read() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Exclusive access.
    pub fn write(&self, control: Control<'_>) -> Result<RwLockWriteGuard<'_, T>> {
        self.writers.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.writers);
        loop {
            match self.lock.try_write() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(guard)) => return Ok(guard.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            control.check()?;
            std::thread::sleep(LOOK);
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_waiting_writer_can_be_cancelled() {
        let gate = Gate::new(1);
        let reader = gate.read(Control::none()).unwrap();
        let stop = AtomicBool::new(true);
        assert!(gate.write(Control::new(&stop, &|_| {})).is_err());
        drop(reader);
        *gate.write(Control::none()).unwrap() += 1;
        assert_eq!(*gate.peek().unwrap(), 2);
        let writer = gate.write(Control::none()).unwrap();
        assert!(gate.peek().is_none());
        drop(writer);
    }
}
