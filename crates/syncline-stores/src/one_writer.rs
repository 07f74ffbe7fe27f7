//! A store is written through one writer at a time, so that a run cannot stand in its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The one right to write through a store, given back when dropped.
#[derive(Debug)]
pub(crate) struct OneWriter(Arc<AtomicBool>);

impl OneWriter {
    /// Takes the right to write, unless it is taken.
    pub(crate) fn take(writing: &Arc<AtomicBool>) -> Option<Self> {
        let taken = writing.swap(true, Ordering::AcqRel);
        (!taken).then(|| Self(Arc::clone(writing)))
    }
}

impl Drop for OneWriter {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
