//! Carrying a plan out, once.

use std::path::Path;

use syncline_core::error::{Code, Error, Result};

use super::{Gate, Plan};
use crate::open::Database;
use crate::session::Syncline;
use crate::state::State;
use crate::summary::Summary;

impl Syncline {
    /// The plan in a file, without carrying it out.
    ///
    /// # Errors
    /// `PLAN_INVALID`.
    pub fn read_plan(&self, path: &Path) -> Result<Plan> {
        Ok(Gate::open(path)?.plan)
    }

    /// Carries out the plan in a file: exactly what it holds, if that is still to be done just so. It is a run like any
    /// other, recorded and undoable, and the plan is spent with it.
    ///
    /// # Errors
    /// `PLAN_STALE`, `PLAN_SPENT` and `PLAN_INVALID`, with nothing changed; else as for a run.
    pub async fn apply_plan(&self, path: &Path) -> Result<Summary> {
        let gate = Gate::open(path)?;
        if let Some(run) = self.state().await?.plan_spent_by(&gate.plan.plan).await? {
            return Err(spent(&gate.plan.plan, &run));
        }
        let request = gate.plan.request.clone();
        Box::pin(self.run_through(&request, Some(gate))).await
    }
}

/// Both databases must be those the plan was made for, with the content they had.
///
/// # Errors
/// `PLAN_STALE`.
pub(crate) async fn check_identities(state: &State, plan: &Plan, source: &Database, target: &Database) -> Result<()> {
    for (end, database) in [(&plan.source, source), (&plan.target, target)] {
        let found = (!database.is_new()).then_some(&database.description.identity);
        if end.identity.as_ref() != found {
            let why = match (&end.identity, found) {
                (None, _) => format!("{} did not exist then, and does now", database.label),
                (_, None) => format!("{} does not exist any more", database.label),
                _ => format!("another database has taken the place of {}", database.label),
            };
            return Err(stale(why));
        }
        if end.incarnation != state.incarnation(&database.description.identity).await? {
            return Err(stale(format!("{} was restored from a backup since", database.label)));
        }
    }
    Ok(())
}

fn stale(why: String) -> Error {
    Error::new(Code::PlanStale, "the plan is stale")
        .because(why)
        .leaving("nothing was changed")
        .next("make the plan anew", "it shows what would be done now")
}

/// The error for a plan that was carried out before.
pub(crate) fn spent(plan: &str, run: &str) -> Error {
    Error::new(Code::PlanSpent, format!("the plan {plan} is spent"))
        .because(format!("run {run} has carried it out, or began to"))
        .leaving("nothing more was changed")
        .next(format!("syncline runs show {run}"), "see what came of it")
        .next(format!("syncline undo {run}"), "take back what it has written")
        .next("make the plan anew", "it shows what is left to do")
}
