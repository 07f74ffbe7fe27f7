//! Sessions whose view has ended and that another one may have: to log in and to get to know the catalog takes a server longer than
//! a small view is open.

use std::sync::{Arc, Mutex, PoisonError};

use syncline_core::limits;

/// Sessions of one store that nobody uses. They end with it.
pub(crate) struct Idle<C>(Mutex<Vec<Arc<C>>>);

impl<C> Default for Idle<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C> Idle<C> {
    /// One of them, if there is any. It may have died meanwhile.
    pub(crate) fn take(&self) -> Option<Arc<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Leaves one that is as good as new to whoever comes next, unless there are enough.
    pub(crate) fn put(&self, session: Arc<C>) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::IDLE_SESSIONS {
            idle.push(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_some_are_kept() {
        let idle = Idle::default();
        (0..10).for_each(|number| idle.put(Arc::new(number)));
        let taken: Vec<_> = std::iter::from_fn(|| idle.take()).collect();
        assert_eq!(taken.len(), limits::IDLE_SESSIONS);
        assert!(idle.take().is_none());
    }
}
