//! Tables that are read side by side.
//!
//! Each has a view of either side for itself, and all views of a side show the same instant. What comes of it does not
//! depend on how many there are: results stand in the order of the tables, and so does the error that ends the work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::schema::Schema;
use syncline_core::store::{Flow, Snapshot};

use crate::decide::Ends;
use crate::open::Database;
use crate::session::Syncline;

/// Views of the two ends of a piece of work.
pub(crate) struct Views {
    pub(crate) source: Box<dyn Snapshot>,
    pub(crate) target: Box<dyn Snapshot>,
    twins: Vec<Twin>,
    /// What the tables of both look like, where it was known before.
    known: Option<Schemas>,
}

/// What the tables of two databases look like.
#[derive(Clone)]
pub(crate) struct Schemas {
    pub(crate) source: Schema,
    pub(crate) target: Schema,
}

/// Two more views that show the same.
struct Twin {
    source: Box<dyn Snapshot>,
    target: Box<dyn Snapshot>,
}

impl Syncline {
    /// The same session, in which so many tables are read side by side where nothing else is asked for.
    #[must_use]
    pub fn with_jobs(mut self, jobs: Option<usize>) -> Self {
        self.jobs = jobs.or(self.jobs);
        self
    }

    /// How many tables are read side by side for a request that asks for so many.
    pub(crate) fn jobs_of(&self, asked: Option<usize>) -> usize {
        self.jobs.or(asked).unwrap_or(limits::JOBS_DEFAULT).clamp(1, limits::JOBS_MAX)
    }

    /// Views of both ends for so many tables at once. Where others commit without pause there may be fewer, and one of
    /// each end at least.
    pub(crate) async fn views(&self, source: &Database, target: &Database, jobs: usize) -> Result<Views> {
        let mut attempts = 0;
        loop {
            let mut views = Views::open(source, target).await?;
            while views.width() < jobs && views.add_twin().await? {}
            attempts += 1;
            if views.width() >= jobs {
                return Ok(views);
            }
            if attempts == limits::VIEWS_ATTEMPTS {
                let (source, target) = (&source.label, &target.label);
                self.note(match views.width() {
                    1 => format!("others write to {source} or {target}, so tables are read one after the other"),
                    width => {
                        format!("others write to {source} or {target}, so only {width} tables are read side by side")
                    }
                });
                return Ok(views);
            }
        }
    }
}

impl Views {
    async fn open(source: &Database, target: &Database) -> Result<Self> {
        let (source, target) = (source.store.snapshot().await?, target.store.snapshot().await?);
        Ok(Self { source, target, twins: Vec::new(), known: None })
    }

    /// The same views, of databases whose tables are known to look like this.
    pub(crate) fn knowing(self, known: Option<Schemas>) -> Self {
        Self { known, ..self }
    }

    /// What the tables look like.
    ///
    /// # Errors
    /// When one of the schemas cannot be read.
    pub(crate) async fn schemas(&mut self) -> Result<Schemas> {
        match &self.known {
            Some(known) => Ok(known.clone()),
            None => Ok(Schemas { source: self.source.schema().await?, target: self.target.schema().await? }),
        }
    }

    /// How many tables can be read at once.
    fn width(&self) -> usize {
        1 + self.twins.len()
    }

    async fn add_twin(&mut self) -> Result<bool> {
        let Some(source) = self.source.twin().await? else { return Ok(false) };
        let Some(target) = self.target.twin().await? else { return Ok(false) };
        self.twins.push(Twin { source, target });
        Ok(true)
    }

    /// The view of the source, and no other any more: with a rollback journal nothing could be committed while there is one of
    /// the target.
    pub(crate) fn into_source(self) -> Box<dyn Snapshot> {
        self.source
    }

    /// The two views for what is done alone.
    pub(crate) fn ends(&mut self) -> Ends<'_> {
        Ends { source: &mut *self.source, target: &mut *self.target }
    }

    /// Goes through all items, as many at once as there are views. `each` is called with an item and two views to work
    /// with; `is_alone` says of which item the work takes more memory than can be shared. An error ends the work: what
    /// follows in the order of the items is missing then, and the error is the last.
    ///
    /// An item in which a large value is met is begun anew, alone, so `each` must leave nothing behind when it fails.
    pub(crate) async fn go_through<I, T>(
        &mut self,
        items: &[I],
        is_alone: impl Fn(&I) -> bool,
        each: impl AsyncFn(&I, Ends<'_>) -> Result<T>,
    ) -> Vec<Result<T>> {
        let mut outcomes: Vec<Option<Result<T>>> = items.iter().map(|_| None).collect();
        if !self.twins.is_empty() {
            let together: Vec<usize> = (0..items.len()).filter(|at| !is_alone(&items[*at])).collect();
            // On the heap: whoever works alone should not hold it.
            outcomes = Box::pin(self.go_through_together(items, &together, outcomes, &each)).await;
        }
        for (item, outcome) in items.iter().zip(&mut outcomes) {
            if outcome.as_ref().is_none_or(is_too_large) {
                *outcome = Some(Box::pin(each(item, self.ends())).await);
            }
            if outcome.as_ref().is_some_and(Result::is_err) {
                break;
            }
        }
        let mut has_failed = false;
        let until_first_error = |outcome: &Result<T>| !std::mem::replace(&mut has_failed, outcome.is_err());
        outcomes.into_iter().map_while(|outcome| outcome).take_while(until_first_error).collect()
    }

    async fn go_through_together<I, T>(
        &mut self,
        items: &[I],
        together: &[usize],
        outcomes: Vec<Option<Result<T>>>,
        each: &impl AsyncFn(&I, Ends<'_>) -> Result<T>,
    ) -> Vec<Option<Result<T>>> {
        self.set_flow(Flow::shared_by(self.width()));
        let outcomes = Mutex::new(outcomes);
        let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = async |mut ends: Ends<'_>| {
            // Items are begun in their order, so all before one that fails have been begun, and go on to their end.
            while !has_failed.load(Ordering::Relaxed) {
                let Some(at) = together.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                let outcome = each(&items[*at], ends.again()).await;
                has_failed.fetch_or(outcome.is_err() && !is_too_large(&outcome), Ordering::Relaxed);
                outcomes.lock().unwrap_or_else(PoisonError::into_inner)[*at] = Some(outcome);
            }
        };
        future::join_all(self.all_ends().map(work)).await;
        self.set_flow(Flow::default());
        outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_ends(&mut self) -> impl Iterator<Item = Ends<'_>> {
        let first = Ends { source: &mut *self.source, target: &mut *self.target };
        let twins = self.twins.iter_mut();
        std::iter::once(first).chain(twins.map(|twin| Ends { source: &mut *twin.source, target: &mut *twin.target }))
    }

    fn set_flow(&mut self, flow: Flow) {
        for ends in self.all_ends() {
            ends.source.set_flow(flow);
            ends.target.set_flow(flow);
        }
    }
}

/// Whether a value was met that takes more memory than one of several may use.
pub(crate) fn is_large(error: &Error) -> bool {
    error.code() == Code::ValueTooLarge
}

fn is_too_large<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().err().is_some_and(is_large)
}

#[cfg(test)]
mod tests;
