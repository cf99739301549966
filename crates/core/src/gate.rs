//! One value that many read and one replaces: readers share the value that was there when they came, to their end,
//! whatever is put in its place meanwhile. Waiting can be cancelled. A gate may have a watch, which has to agree before every
//! entry, and something left to be done, which the first to enter does.

use crate::control::Control;
use crate::error::Result;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

/// How often a waiting caller tries again and looks at its cancel.
const LOOK: Duration = Duration::from_millis(2);

/// A shared value and the turn of those who replace it.
pub(crate) struct Gate<T> {
    /// Locked only for as long as it takes to copy or to change a pointer.
    current: RwLock<Arc<T>>,
    turn: Mutex<()>,
    watch: Option<Watch>,
    pending: AtomicBool,
    first: Mutex<Option<First<T>>>,
}

/// Says why nobody may enter now.
pub(crate) type Watch = Box<dyn Fn() -> Result<()> + Send + Sync>;
/// What the first to enter does with the value; after a failure the next one tries again.
pub(crate) type First<T> = Box<dyn Fn(&T, Control<'_>) -> Result<()> + Send>;

impl<T> Gate<T> {
    pub fn new(value: T) -> Self {
        let (pending, first) = (AtomicBool::new(false), Mutex::new(None));
        Gate { current: RwLock::new(Arc::new(value)), turn: Mutex::new(()), watch: None, pending, first }
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
            let mut first = locked(&self.first, control)?;
            if let Some(first) = &*first {
                first(&self.peek(), control)?;
            }
            *first = None;
            self.pending.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// The value as it is now.
    pub fn read(&self, control: Control<'_>) -> Result<Arc<T>> {
        self.admit(control)?;
        Ok(self.peek())
    }

    /// As [`Gate::read`], admitted or not.
    pub fn peek(&self) -> Arc<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The turn to replace the value, which others wait for; readers do not.
    pub fn write(&self, control: Control<'_>) -> Result<Turn<'_, T>> {
        self.admit(control)?;
        let turn = locked(&self.turn, control)?;
        Ok(Turn { gate: self, before: self.peek(), _turn: turn })
    }
}

/// Waits for a lock.
fn locked<'a, T>(lock: &'a Mutex<T>, control: Control<'_>) -> Result<MutexGuard<'a, T>> {
    loop {
        match lock.try_lock() {
            Ok(guard) => return Ok(guard),
            Err(TryLockError::Poisoned(guard)) => return Ok(guard.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        control.check()?;
        std::thread::sleep(LOOK);
    }
}

/// Nobody else replaces the value while this is held.
pub(crate) struct Turn<'a, T> {
    gate: &'a Gate<T>,
    /// The value to be replaced.
    pub before: Arc<T>,
    _turn: MutexGuard<'a, ()>,
}

impl<T> Turn<'_, T> {
    /// Puts another value in the place; whoever reads from now on sees it.
    pub fn put(self, value: T) {
        *self.gate.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T: fmt::Debug> fmt::Debug for Gate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("current", &self.current).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::sync::atomic::AtomicI32;

    #[test]
    fn the_first_to_enter_does_what_is_left_and_none_enters_against_the_watch() {
        static OPEN: AtomicBool = AtomicBool::new(true);
        static FAILS: AtomicBool = AtomicBool::new(true);
        let or = |good: bool| if good { Ok(()) } else { Err(Error::Cancelled) };
        let watch = Box::new(move || or(OPEN.load(Ordering::Relaxed)));
        let first = Box::new(move |value: &AtomicI32, _: Control<'_>| {
            or(!FAILS.swap(false, Ordering::Relaxed))?;
            value.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        let gate = Gate::new(AtomicI32::new(1)).watched(watch).beginning_with(first);
        let seen = |value: &AtomicI32| value.load(Ordering::Relaxed);
        assert_eq!(seen(&gate.peek()), 1);
        assert!(gate.read(Control::none()).is_err());
        std::thread::scope(|scope| {
            (0..4).for_each(|_| _ = scope.spawn(|| assert_eq!(seen(&gate.read(Control::none()).unwrap()), 2)));
        });
        OPEN.store(false, Ordering::Relaxed);
        assert!(gate.read(Control::none()).is_err() && gate.write(Control::none()).is_err());
    }

    #[test]
    fn readers_keep_what_they_found_and_a_waiting_writer_can_be_cancelled() {
        let gate = Gate::new(1);
        let (reader, turn) = (gate.read(Control::none()).unwrap(), gate.write(Control::none()).unwrap());
        let stop = AtomicBool::new(true);
        assert!(gate.write(Control::new(&stop, &|_| {})).is_err());
        assert_eq!(*gate.read(Control::none()).unwrap(), 1);
        let next = *turn.before + 1;
        turn.put(next);
        assert_eq!((*reader, *gate.peek(), *gate.write(Control::none()).unwrap().before), (1, 2, 2));
    }

    #[test]
    fn a_turn_that_is_given_up_changes_nothing() {
        let gate = Gate::new(1);
        drop(gate.write(Control::none()).unwrap());
        assert_eq!(*gate.peek(), 1);
    }
}
