//! What searches derive from rows (norms, columns numbered anew, bits), kept with the rows until they change.
//!
//! Batches of queries all want the same of the rows that they meet; deriving it is O(n·dim), more than a small
//! batch. What it is, only those who derive it know.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Something derived from rows alone, and from a key.
pub(crate) trait Derived: Any + Send + Sync {
    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// The newest of each type.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<(usize, Arc<dyn Derived>)>>);

impl Kept {
    /// What was derived under this `key`, or made now. Of two callers at once, both may make it. Errors: those of
    /// `make`.
    pub fn get_or_make<T: Derived, E>(&self, key: usize, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let of = |(seen, found): &(usize, Arc<dyn Derived>)| -> Option<Arc<T>> {
            let any: Arc<dyn Any + Send + Sync> = found.clone();
            any.downcast().ok().filter(|_| *seen == key)
        };
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().find_map(of);
        if let Some(found) = found {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let other = |found: &Arc<dyn Derived>| !(found.as_ref() as &dyn Any).is::<T>();
        kept.retain(|(_, found)| other(found));
        kept.push((key, made.clone()));
        Ok(made)
    }

    /// The rows have changed.
    pub(super) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, kept)| kept.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    impl Derived for String {
        fn bytes(&self) -> usize {
            self.len()
        }
    }
    impl Derived for u64 {
        fn bytes(&self) -> usize {
            8
        }
    }

    #[test]
    fn one_of_each_type_is_kept_until_it_is_forgotten() {
        let mut kept = Kept::default();
        let text = |kept: &Kept, key, made: &str| {
            kept.get_or_make(key, || Ok::<_, Error>(made.to_string())).unwrap().to_string()
        };
        assert_eq!([text(&kept, 1, "one"), text(&kept, 1, "other")], ["one", "one"]);
        assert_eq!(*kept.get_or_make(1, || Ok::<_, Error>(7u64)).unwrap(), 7);
        assert_eq!([text(&kept, 2, "second"), text(&kept, 1, "third")], ["second", "third"]);
        assert_eq!(kept.bytes(), 5 + 8);
        kept.forget();
        assert_eq!((kept.bytes(), text(&kept, 1, "fresh")), (0, "fresh".to_string()));
    }

    #[test]
    fn a_failure_is_not_kept() {
        let kept = Kept::default();
        assert!(kept.get_or_make(1, || Err::<u64, _>(Error::Cancelled)).is_err());
        assert_eq!(*kept.get_or_make(1, || Ok::<_, Error>(5u64)).unwrap(), 5);
    }
}
