//! Many readers or one writer, where waiting can be cancelled. A gate may have a watch, which has to agree before every
//! entry, and something left to be done, which the first to enter does.

use crate::control::Control;
use crate::error::Result;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

/// How often a waiting caller tries again and looks at its cancel.
const LOOK: Duration = Duration::from_millis(2);

/// A value behind a read-write lock. A waiting writer holds new readers back, so that it gets its turn.
pub(crate) struct Gate<T> {
    lock: RwLock<T>,
    writers: AtomicUsize,
    watch: Option<Watch>,
    pending: AtomicBool,
    first: Mutex<Option<First<T>>>,
}

/// Says why nobody may enter now.
pub(crate) type Watch = Box<dyn Fn() -> Result<()> + Send + Sync>;
/// What the first to enter does to the value; after a failure the next one tries again.
pub(crate) type First<T> = Box<dyn Fn(&mut T, Control<'_>) -> Result<()> + Send>;

impl<T> Gate<T> {
    pub fn new(value: T) -> Self {
        let (pending, first) = (AtomicBool::new(false), Mutex::new(None));
        Gate { lock: RwLock::new(value), writers: AtomicUsize::new(0), watch: None, pending, first }
    }

    /// The gate with a watch.
    pub fn watched(self, watch: Watch) -> Self {
        Gate { watch: Some(watch), ..self }
    }

    /// The gate with something left to be done.
    pub fn beginning_with(self, first: First<T>) -> Self {
        Gate { pending: AtomicBool::new(true), first: Mutex::new(Some(first)), ..self }
    }

    /// What has to be before anybody enters. The value may be peeked at all the time.
    fn admit(&self, control: Control<'_>) -> Result<()> {
        if let Some(watch) = &self.watch {
            watch()?;
        }
        if self.pending.load(Ordering::Acquire) {
            let mut value = self.exclusive(control)?;
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = &*first {
                first(&mut value, control)?;
            }
            *first = None;
            self.pending.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// Shared access.
    pub fn read(&self, control: Control<'_>) -> Result<RwLockReadGuard<'_, T>> {
        self.admit(control)?;
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
        self.admit(control)?;
        self.exclusive(control)
    }

    fn exclusive(&self, control: Control<'_>) -> Result<RwLockWriteGuard<'_, T>> {
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

impl<T: fmt::Debug> fmt::Debug for Gate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("lock", &self.lock).finish_non_exhaustive()
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
    use crate::error::Error;

    #[test]
    fn the_first_to_enter_does_what_is_left_and_none_enters_against_the_watch() {
        static OPEN: AtomicBool = AtomicBool::new(true);
        static FAILS: AtomicBool = AtomicBool::new(true);
        let or = |good: bool| if good { Ok(()) } else { Err(Error::Cancelled) };
        let watch = Box::new(move || or(OPEN.load(Ordering::Relaxed)));
        let first = Box::new(move |value: &mut i32, _: Control<'_>| {
            or(!FAILS.swap(false, Ordering::Relaxed))?;
            *value += 1;
            Ok(())
        });
        let gate = Gate::new(1).watched(watch).beginning_with(first);
        assert_eq!(*gate.peek().unwrap(), 1);
        assert!(gate.read(Control::none()).is_err());
        std::thread::scope(|scope| {
            (0..4).for_each(|_| _ = scope.spawn(|| assert_eq!(*gate.read(Control::none()).unwrap(), 2)));
        });
        OPEN.store(false, Ordering::Relaxed);
        assert!(gate.read(Control::none()).is_err() && gate.write(Control::none()).is_err());
    }

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
