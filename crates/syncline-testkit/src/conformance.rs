//! The conformance suite of the store ports: what `syncline_core::store` and `syncline_core::change` promise in their
//! docs, one check for each promise. A store is done when [`check_store`] passes.
//!
//! An engine brings a [`Factory`] of [`Lab`]s, each with a fresh empty database. A check sees the database from two
//! sides: through the store under test, and through the lab as another program with another connection does. What the
//! store reads is compared with what the lab wrote, and the other way round; the store is never asked to confirm itself.
//!
//! Whether the suite can fail is shown by planting bugs in a store; that its report names every broken promise is
//! tested here.

mod adopt;
mod apply;
mod backup;
mod bounded;
mod cells;
mod checkpoint;
mod claim;
mod copies;
mod define;
mod describe;
mod digest;
mod examine;
mod exchange;
mod expectation;
mod fetch;
mod flow;
mod forms;
mod lab;
mod load;
mod mapped;
mod orphans;
mod pairs;
mod raw;
mod refusal;
mod rivals;
mod rows;
mod schema;
mod snapshot;
mod sums;
mod track;
mod twins;
mod widen;
mod writer;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{self, StreamExt};

pub use lab::{Factory, Fixture, Lab, Pending, Traits, Types};
pub use pairs::Pair;

/// How long one promise may take before it counts as broken: a store that waits for itself would wait for ever.
const DEADLINE: Duration = Duration::from_secs(180);

/// Promises checked side by side, each in its own database: some of them spend their time waiting for a lock.
const AT_ONCE: usize = 4;

/// How much of a message the report shows: a comparison of thousands of rows would drown the other promises. The whole
/// message is in the output of the panic itself.
const MESSAGE_CHARS: usize = 600;

/// One promise of a port.
#[derive(Clone, Copy)]
pub struct Promise {
    /// The promise as a sentence; the report names it.
    pub name: &'static str,
    /// Panics when the promise is broken.
    pub check: Check,
}

/// Checks one promise on databases of its own.
pub type Check = for<'a> fn(Factory<'a>) -> LocalBoxFuture<'a, ()>;

/// One promise about two stores.
#[derive(Clone, Copy)]
pub struct PairPromise {
    /// The promise as a sentence; the report names it.
    pub name: &'static str,
    /// Panics when the promise is broken.
    pub check: PairCheck,
}

/// Checks one promise on databases of two engines, or of one.
pub type PairCheck = for<'a> fn(Pair<'a>) -> LocalBoxFuture<'a, ()>;

/// Every promise of the store ports, in the order of their docs.
pub const STORE_PROMISES: &[&[Promise]] = &[
    describe::PROMISES,
    examine::PROMISES,
    schema::PROMISES,
    snapshot::PROMISES,
    digest::PROMISES,
    fetch::PROMISES,
    flow::PROMISES,
    twins::PROMISES,
    sums::PROMISES,
    cells::PROMISES,
    claim::PROMISES,
    writer::PROMISES,
    checkpoint::PROMISES,
    define::PROMISES,
    widen::PROMISES,
    load::PROMISES,
    raw::PROMISES,
    adopt::PROMISES,
    apply::PROMISES,
    bounded::PROMISES,
    expectation::PROMISES,
    refusal::PROMISES,
    rivals::PROMISES,
    exchange::PROMISES,
    orphans::PROMISES,
    backup::PROMISES,
    mapped::PROMISES,
    copies::PROMISES,
    forms::PROMISES,
    track::PROMISES,
];

/// Every promise about two stores that hold the same rows.
pub const PAIR_PROMISES: &[PairPromise] = pairs::PROMISES;

/// Checks every promise of the store ports and returns how many there are.
///
/// # Panics
/// When one is broken: after all have been checked, with the names of all that are broken.
pub async fn check_store(labs: Factory<'_>) -> usize {
    let promises: Vec<Promise> = STORE_PROMISES.iter().copied().flatten().copied().collect();
    check_all(&promises, labs).await
}

/// Checks only the promises whose name contains `part`, to look at one while a store is being written.
///
/// # Panics
/// As [`check_store`], and when no promise has such a name.
pub async fn check_store_for(part: &str, labs: Factory<'_>) -> usize {
    let all = STORE_PROMISES.iter().copied().flatten().copied();
    let promises: Vec<Promise> = all.filter(|promise| promise.name.contains(part)).collect();
    assert!(!promises.is_empty(), "no promise is called {part}");
    check_all(&promises, labs).await
}

/// Checks every promise about two stores, whose engines may be different ones, and returns how many there are.
///
/// # Panics
/// As [`check_store`].
pub async fn check_pair(pair: Pair<'_>) -> usize {
    let checks = PAIR_PROMISES.iter().map(|promise| broken(promise.name, (promise.check)(pair), DEADLINE));
    outcome(checks.collect()).await
}

async fn check_all(promises: &[Promise], labs: Factory<'_>) -> usize {
    // The check is begun inside, where a panic is caught.
    let check = |promise: &Promise| {
        let check = promise.check;
        broken(promise.name, async move { check(labs).await }, DEADLINE)
    };
    outcome(promises.iter().map(check).collect()).await
}

/// How many promises there are, once all are kept.
async fn outcome(checks: Vec<impl Future<Output = Option<String>>>) -> usize {
    let count = checks.len();
    let outcomes: Vec<Option<String>> = stream::iter(checks).buffered(AT_ONCE).collect().await;
    let broken: Vec<String> = outcomes.into_iter().flatten().collect();
    assert!(broken.is_empty(), "{} of {count} promises are broken:\n{}", broken.len(), broken.join("\n"));
    count
}

/// What is to be said about a promise that is broken.
async fn broken(name: &str, check: impl Future<Output = ()>, deadline: Duration) -> Option<String> {
    let check = AssertUnwindSafe(check).catch_unwind();
    let why = match tokio::time::timeout(deadline, check).await {
        Ok(Ok(())) => return None,
        Ok(Err(panic)) => message(&*panic),
        Err(_) => format!("not done within {deadline:?}"),
    };
    Some(format!("- {name}: {why}"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without words");
    match text.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KEPT: Promise = Promise { name: "one is one", check: |_| Box::pin(async {}) };
    const BROKEN: Promise = Promise { name: "one is two", check: |_| Box::pin(async { assert_eq!(1, 2) }) };
    const ABRUPT: Promise = Promise { name: "a step is there", check: |_| panic!("no step") };

    fn no_lab() -> Box<dyn Lab> {
        panic!("these promises need no database")
    }

    #[tokio::test]
    async fn promises_that_hold_are_counted() {
        assert_eq!(check_all(&[KEPT, KEPT, KEPT], &no_lab).await, 3);
    }

    #[tokio::test]
    async fn every_broken_promise_is_named_not_only_the_first() {
        let report = AssertUnwindSafe(check_all(&[BROKEN, KEPT, ABRUPT, KEPT], &no_lab)).catch_unwind().await;
        let report = message(&*report.unwrap_err());
        assert!(report.starts_with("2 of 4 promises are broken:\n- one is two: "), "{report}");
        assert!(report.ends_with("\n- a step is there: no step"), "{report}");
        assert!(!report.contains("one is one"), "{report}");
    }

    #[tokio::test]
    async fn a_promise_that_never_ends_is_broken() {
        let why = broken("it ends", std::future::pending(), Duration::from_millis(1)).await.unwrap();
        assert_eq!(why, "- it ends: not done within 1ms");
    }

    #[test]
    fn a_message_without_end_is_cut() {
        assert_eq!(message(&"\u{e4}".repeat(MESSAGE_CHARS)).chars().count(), MESSAGE_CHARS);
        assert_eq!(message(&"\u{e4}".repeat(9_999)).chars().count(), MESSAGE_CHARS + 4);
    }

    #[test]
    fn no_two_promises_share_a_name() {
        let names = STORE_PROMISES.iter().copied().flatten().map(|promise| promise.name);
        let names: Vec<_> = names.chain(PAIR_PROMISES.iter().map(|promise| promise.name)).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
