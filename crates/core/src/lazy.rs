//! A product that is made when it is first asked for, by one of those who ask.

use crate::control::Control;
use crate::error::Result;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How often a waiting caller looks at its own cancel.
const LOOK: Duration = Duration::from_millis(20);

/// Empty, being made, or there.
#[derive(Debug)]
pub(crate) struct Lazy<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    product: Option<Arc<T>>,
    making: bool,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Lazy { slot: Mutex::new(Slot { product: None, making: false }), changed: Condvar::new() }
    }
}

impl<T> Lazy<T> {
    /// The product if it is there.
    pub fn get(&self) -> Option<Arc<T>> {
        self.lock().product.clone()
    }

    /// Puts a product in, or takes it out.
    pub fn set(&self, product: Option<Arc<T>>) {
        self.lock().product = product;
    }

    /// The product; the first caller makes it, others wait and stay cancellable. After a failure the
    /// next caller tries again.
    pub fn get_or_make(&self, control: Control<'_>, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let mut slot = self.lock();
        loop {
            if let Some(product) = &slot.product {
                return Ok(product.clone());
            }
            if !slot.making {
                break;
            }
            control.check()?;
            slot = self.changed.wait_timeout(slot, LOOK).unwrap_or_else(|e| e.into_inner()).0;
        }
        slot.making = true;
        drop(slot);
        let _done = Done(self);
        let product = Arc::new(make()?);
        self.set(Some(product.clone()));
        Ok(product)
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Lets others try, also when making failed or panicked.
struct Done<'a, T>(&'a Lazy<T>);

impl<T> Drop for Done<'_, T> {
    fn drop(&mut self) {
        self.0.lock().making = false;
        self.0.changed.notify_all();
    }
}

/// Few products, each by its key. Two that ask for one at the same time both make it; the first to be done counts.
#[derive(Debug)]
pub(crate) struct Keyed<K, T>(Mutex<Vec<(K, Arc<T>)>>);

impl<K, T> Default for Keyed<K, T> {
    fn default() -> Self {
        Keyed(Mutex::default())
    }
}

impl<K: PartialEq + Copy, T> Keyed<K, T> {
    /// The product of a key, made where there is none.
    pub fn get_or_make(&self, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        if let Some(known) = self.get(key) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        let mut all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if !all.iter().any(|(of, _)| *of == key) {
            all.push((key, made.clone()));
        }
        Ok(made)
    }

    fn get(&self, key: K) -> Option<Arc<T>> {
        let all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        all.iter().find(|(of, _)| *of == key).map(|(_, product)| product.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn many_callers_make_one_product() {
        let lazy = Lazy::default();
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| lazy.get_or_make(Control::none(), || Ok(made.fetch_add(1, Ordering::Relaxed))).unwrap());
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_failure_lets_the_next_caller_try() {
        let lazy = Lazy::default();
        assert!(lazy.get_or_make(Control::none(), || Err::<u32, _>(Error::Cancelled)).is_err());
        assert_eq!(*lazy.get_or_make(Control::none(), || Ok(7)).unwrap(), 7);
    }
}
