//! Carrying a plan out, once.

use std::path::Path;

use syncline_core::cancel::Cancel;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Description;

use super::begun::{Begun, apply_command};
use super::{Gate, Narrowed, Plan, Spools};
use crate::decide::{Decision, Ends};
use crate::open::Database;
use crate::request::RunRequest;
use crate::session::Syncline;
use crate::state::State;
use crate::summary::Summary;

/// A plan that a run is carrying out.
pub(crate) struct Carrying {
    pub(crate) gate: Gate,
    /// What earlier runs have done of it.
    pub(crate) begun: Begun,
}

impl Syncline {
    /// The plan in a file, without carrying it out.
    ///
    /// # Errors
    /// `PLAN_INVALID`.
    pub fn read_plan(&self, path: &Path) -> Result<Plan> {
        Ok(Gate::open(path)?.plan)
    }

    /// Carries out the plan in a file: exactly what it holds, if that is still to be done just so. It is a run like any
    /// other, recorded and undoable, and once it has come to its end the plan is spent. After a run that was cut off, the
    /// next one does what is left of the plan.
    ///
    /// # Errors
    /// `PLAN_STALE`, `PLAN_SPENT` and `PLAN_INVALID`, with nothing more changed; else as for a run.
    pub async fn apply_plan(&self, path: &Path) -> Result<Summary> {
        let gate = Gate::open(&self.settings.working_dir.join(path))?;
        let request = RunRequest {
            plan: Some(gate.plan.plan.clone()),
            plan_file: Some(gate.path.to_string_lossy().into_owned()),
            ..gate.plan.request.clone()
        };
        self.logged(Box::pin(self.run_through(&request, Some(gate)))).await
    }

    /// Goes on with the plan that a run has begun, from the file it was in.
    ///
    /// # Errors
    /// `PLAN_INVALID` when that file is gone or holds another plan by now; else as [`Syncline::apply_plan`].
    pub(crate) async fn resume_plan(&self, plan: &str, request: &RunRequest) -> Result<Summary> {
        let state = self.state().await?;
        if let Some(by) = state.plan_spent_by(plan).await? {
            return Err(spent(plan, &by));
        }
        let elsewhere = |why: String| {
            Error::new(Code::PlanInvalid, format!("the plan {plan} is not where it was"))
                .because(why)
                .leaving("nothing was changed")
                .next("syncline apply FILE", "go on with the plan, where its file is now")
        };
        let Some(file) = &request.plan_file else { return Err(elsewhere("its file is not on record".to_owned())) };
        let found = Gate::open(Path::new(file)).map_err(|error| elsewhere(error.to_string()))?;
        if found.plan.plan != plan {
            return Err(elsewhere(format!("{file} holds the plan {} by now", found.plan.plan)));
        }
        self.apply_plan(Path::new(file)).await
    }
}

impl Carrying {
    /// Takes note of what was begun of the plan. The caller holds the target's lock and has recovered its dead runs.
    ///
    /// # Errors
    /// `PLAN_SPENT`.
    pub(crate) async fn begin(gate: Gate, state: &State, target: &Database) -> Result<Self> {
        let plan = &gate.plan.plan;
        if let Some(run) = state.plan_spent_by(plan).await? {
            return Err(spent(plan, &run));
        }
        // What was done to a database that is gone does not count.
        let identity = if target.is_new() { "" } else { &target.description.identity };
        let begun = Begun::of(state, plan, identity).await?;
        Ok(Self { gate, begun })
    }

    /// What is left of the plan, of what was decided.
    ///
    /// # Errors
    /// As [`Gate::narrow`]; `PLAN_STALE` too where it could not even be decided because the tables are others.
    pub(crate) async fn narrow(
        self,
        decided: Result<Decision>,
        spools: Spools<'_>,
        ends: Ends<'_>,
        cancel: &Cancel,
        narrowed: &mut Narrowed,
    ) -> Result<Decision> {
        let Self { gate, begun } = self;
        let explain = |error| begun.explain(error);
        let mut decision = decided.map_err(stale_schema).map_err(explain)?;
        *narrowed = gate.narrow(&mut decision, spools, ends, &begun, cancel).await.map_err(explain)?;
        Ok(decision)
    }

    /// The command that goes on with what is left.
    pub(crate) fn command(&self) -> String {
        apply_command(&self.gate.path.to_string_lossy())
    }
}

/// Both databases must be those the plan was made for, with the content they had.
///
/// # Errors
/// `PLAN_STALE`.
pub(crate) async fn check_identities(state: &State, plan: &Plan, source: &Database, target: &Database) -> Result<()> {
    for (end, database) in [(&plan.source, source), (&plan.target, target)] {
        let found = (!database.is_new()).then_some(&database.description);
        let is_same = match (&end.identity, found) {
            (None, None) => true,
            (Some(identity), Some(found)) => found.is_known_as(identity),
            _ => false,
        };
        let was_made = end.identity.is_none() && is_made_by(state, &plan.plan, found).await?;
        if !is_same && !was_made {
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

/// Whether the database is one that a run of the plan has made and written to.
async fn is_made_by(state: &State, plan: &str, found: Option<&Description>) -> Result<bool> {
    let Some(found) = found else { return Ok(false) };
    Ok(state.plan_runs(plan).await?.iter().any(|run| found.is_known_as(&run.target_identity)))
}

/// The error for a plan that meets a schema it cannot have been made for.
fn stale_schema(error: Error) -> Error {
    let is_of_schema = error.code().name().starts_with("SCHEMA_")
        || matches!(
            error.code(),
            Code::NoTables
                | Code::TableNotFound
                | Code::FilterInvalid
                | Code::ColumnsInvalid
                | Code::RenameInvalid
                | Code::MaskInvalid
                | Code::MisfitInvalid
                | Code::CursorInvalid
        );
    if !is_of_schema {
        return error;
    }
    let why = match error.why() {
        Some(why) => format!("{}: {why}", error.what()),
        None => error.what().to_owned(),
    };
    let stale = stale(why);
    match error.place() {
        Some(place) => stale.at(place),
        None => stale,
    }
}

fn stale(why: String) -> Error {
    Error::new(Code::PlanStale, "the plan is stale")
        .because(why)
        .leaving("nothing was changed")
        .next("make the plan anew", "it shows what would be done now")
}

/// The error for a plan that was carried out before.
fn spent(plan: &str, run: &str) -> Error {
    Error::new(Code::PlanSpent, format!("the plan {plan} is spent"))
        .because(format!("run {run} has carried it out"))
        .leaving("nothing more was changed")
        .next(format!("syncline runs show {run}"), "see what came of it")
        .next(format!("syncline undo {run}"), "take back what it has written")
        .next("make the plan anew", "it shows what would be done now")
}
