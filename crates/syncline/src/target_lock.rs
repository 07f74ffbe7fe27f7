//! The right of a run to change its target.
//!
//! It is two locks, both the operating system's or the engine's, so that they go with their process. The *claim* is on the
//! database and keeps every other run out, whatever state directory it works with. The *run lock* is in the state
//! directory: it tells a run that works from one that died, also where the database cannot be reached, and it may say
//! more about its holder, since only the same user reads it.

use syncline_core::error::Result;
use syncline_core::store::RunClaim;
use syncline_core::value::calendar;

use crate::open::Database;
use crate::session::{Syncline, now_ms};
use crate::state::RunLock;

/// The right to change one target, given back when dropped.
pub(crate) struct TargetLock {
    claim: Box<dyn RunClaim>,
    _lock: RunLock,
    verb: &'static str,
    since_ms: i64,
}

impl Syncline {
    /// Takes the right to change a target. `between` names the databases, for this user's eyes.
    ///
    /// # Errors
    /// `RUN_LOCKED` when another run has it, and as [`Store::claim`](syncline_core::store::Store::claim).
    pub(crate) async fn lock_target(&self, target: &Database, verb: &'static str, between: &str) -> Result<TargetLock> {
        let state = self.state().await?;
        let since_ms = now_ms();
        let note = format!("{verb} {between}, {}", of_process(since_ms));
        let lock = RunLock::acquire(state.dir(), &target.description.identity, &note)?;
        let claim = target.store.claim(&format!("{verb}, {}", of_process(since_ms))).await?;
        Ok(TargetLock { claim, _lock: lock, verb, since_ms })
    }
}

impl TargetLock {
    /// Tells those who find the target claimed which run it is.
    pub(crate) async fn name(&self, run: &str) {
        self.claim.note(&format!("{} {run}, {}", self.verb, of_process(self.since_ms))).await;
    }
}

fn of_process(since_ms: i64) -> String {
    let since = calendar::timestamp(since_ms.div_euclid(1_000) * 1_000_000).replace(' ', "T");
    format!("process {}, since {since}Z", std::process::id())
}
