//! Taking note of runs that were cut off, before a new one begins.

use syncline_core::error::{Code, Result};
use syncline_core::state::{Evidence, Ledger};
use syncline_core::store::Writer;

use crate::open::Purpose;
use crate::request::RunRequest;
use crate::session::{Syncline, now_ms};
use crate::state::{RunLock, RunRecord, RunVerb};
use crate::summary::Status;

/// How far back a run that was cut off is looked for.
const RECENT_RUNS: usize = 100;

impl Syncline {
    /// Brings the evidence and the ledger of earlier runs in line with what is durable in the target. The caller holds the target's
    /// lock, so a run that is recorded as working on it is dead.
    pub(crate) async fn recover(&self, identity: &str, writer: &mut dyn Writer) -> Result<()> {
        let state = self.state().await?;
        let checkpoints = writer.checkpoints().await?;
        let unfinished = state.unfinished_runs(identity).await?;
        for run in &unfinished {
            // A sealed run is complete in the target: only its last steps of tidying up are missing.
            let sealed = state.sealed_batch(&run.id).await?;
            let durable = || checkpoints.iter().find(|checkpoint| checkpoint.run == run.id);
            let batch = sealed.or_else(|| durable().map(|checkpoint| checkpoint.batch)).unwrap_or(0);
            state.ledger(&run.id, Vec::new()).seal_held(batch).await?;
            if sealed.is_none() {
                state.evidence(&run.id).seal(batch).await?;
            }
            state.mark_interrupted(&run.id, now_ms()).await?;
            self.log_death(&run.id).await;
        }
        for checkpoint in &checkpoints {
            // A run that this state does not know belongs to another state directory, and may be at work. One that it
            // knows is dead, or at work on another database of which this one is a copy: then the copy's checkpoint says
            // nothing about it.
            match state.find_run(&checkpoint.run).await {
                Ok(run) if run.id == checkpoint.run => writer.forget(&run.id).await?,
                Ok(_) => {}
                Err(error) if error.code() == Code::RunNotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The run that a new one goes on from: the newest on this target, if it is one of `same_work` and did not come to
    /// its end although it may have committed something.
    pub(crate) async fn cut_off(
        &self,
        identity: &str,
        same_work: impl Fn(&RunRecord) -> bool,
    ) -> Result<Option<String>> {
        let (runs, _) = self.state().await?.list_runs(RECENT_RUNS, None).await?;
        let newest = runs.into_iter().find(|run| run.target_identity == identity);
        let is_cut_off = |run: &RunRecord| match run.status {
            Status::Interrupted => true,
            Status::Cancelled | Status::Failed => run.written_rows > 0,
            _ => false,
        };
        Ok(newest.filter(is_cut_off).filter(same_work).map(|run| run.id))
    }

    /// Takes note of every run whose process has died, so that the history shows what is durable. A target that is
    /// gone or in use is left for later.
    pub(crate) async fn recover_dead_runs(&self) -> Result<()> {
        let state = self.state().await?;
        for run in state.running_runs().await? {
            if run.verb == RunVerb::Restore {
                // It leaves no evidence that its target would have to confirm.
                if let Ok(_lock) = RunLock::acquire(state.dir(), &run.target_identity, "recovery") {
                    state.mark_interrupted(&run.id, now_ms()).await?;
                    self.log_death(&run.id).await;
                }
                continue;
            }
            let Some(request) = self.request_behind(&run).await? else { continue };
            let Ok(target) = self.open_unguarded(&request.target, Purpose::Write).await else { continue };
            if !target.description.is_known_as(&run.target_identity) {
                continue;
            }
            match self.lock_target(&target, "recovery", &format!("of {}", run.id)).await {
                Ok(_lock) => {
                    let mut writer = target.store.writer().await?;
                    self.recover(&target.description.identity, &mut *writer).await?;
                }
                Err(error) if error.code() == Code::RunLocked => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The request of a run, or of the run that it is to undo.
    pub(crate) async fn request_behind(&self, run: &RunRecord) -> Result<Option<RunRequest>> {
        let mut run = run.clone();
        while run.request.is_none() {
            let Some(undone) = run.undoes else { return Ok(None) };
            run = self.state().await?.find_run(&undone).await?;
        }
        Ok(run.request)
    }
}
