//! The proof at the end of a run.

use syncline_core::apply::TableWork;
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::mapping::Resolved;
use syncline_core::state::Spool;
use syncline_core::store::{Position, Snapshot};
use syncline_core::value::TableSum;
use syncline_core::verify::sum_shared;

use crate::decide::Ends;
use crate::open::Database;
use crate::pairing::with_computed;
use crate::request::RunRequest;
use crate::session::Syncline;
use crate::summary::Verified;

/// Said where a proof has failed and the commits of others cannot be told from those of the run.
const UNTOLD: &str = "if others wrote to the target meanwhile, the difference may be theirs: the server does not tell their \
    commits from those of the run; `syncline verify` tells once they rest";

/// What a run says of a table, to be proven.
pub(crate) struct Claim<'w> {
    /// What was done.
    pub(crate) work: &'w TableWork,
    /// Only what was touched was looked at, so only what was written is proven.
    pub(crate) is_incremental: bool,
    /// Rows that differ because the run was not to touch them, or could not.
    pub(crate) left_alone: u64,
    /// Those among them that are not in the ledger, because a plan has passed over them.
    pub(crate) beside: u64,
    /// The sum of the rows that a load has left in the table.
    pub(crate) loaded: Option<TableSum>,
}

/// Where both databases stood when a run was decided.
pub(crate) struct Seen {
    source: Position,
    target: Position,
    /// What had been written to the source, where its position moves with the target's.
    writes: Option<u64>,
}

impl Seen {
    /// Where they stand in these views.
    pub(crate) async fn of(ends: Ends<'_>, (source, target): (&Database, &Database)) -> Result<Self> {
        let moves_along = !ends.source.tells_commits_apart() && is_one_server(source, target);
        let writes = if moves_along { ends.source.writes().await? } else { None };
        Ok(Self { source: ends.source.position().await?, target: ends.target.position().await?, writes })
    }
}

impl Syncline {
    /// The proof at the end of a run, over the tables it has done. Rows that were left alone count as exceptions; a
    /// difference while others write to either database says nothing yet.
    pub(crate) async fn verify_run(
        &self,
        request: &RunRequest,
        source: &Database,
        target: &Database,
        seen: &Seen,
        (claims, resolved, spool): (&[Claim<'_>], &Resolved, &dyn Spool),
    ) -> Result<Verified> {
        let mut readers = readers(target).await?;
        let target_schema = readers[0].schema().await?;
        let (mut result, mut others, mut items) = (Verified::Equal, Vec::new(), Vec::new());
        for claim in claims {
            let work = claim.work;
            let Some(table) = target_schema.table(&work.target.table.name) else { return Ok(Verified::Different) };
            // The table may have been created by the run, so its description is the one it has now.
            let task = TableTask { table: table.clone(), ..work.target.clone() };
            if claim.is_incremental {
                match self.verify_written(claim, (source, target), &mut *readers[0], spool).await? {
                    Verified::Different if readers[0].position().await? != seen.target => {
                        return Ok(if readers[0].tells_commits_apart() {
                            Verified::InFlight
                        } else {
                            self.note(UNTOLD);
                            Verified::Different
                        });
                    }
                    Verified::Different => return Ok(Verified::Different),
                    Verified::Equal => {}
                    other => result = other,
                }
                continue;
            }
            let (source_task, task) = with_computed(work.source.clone(), task, &resolved.view(&work.source.table));
            if !self.holds_what_was_loaded(claim, &task, &mut readers).await? {
                others.push(claim);
                items.push(Ok((source_task, task)));
            } else if claim.left_alone > 0 {
                result = Verified::EqualExcept;
            }
        }
        if others.is_empty() {
            return Ok(result);
        }
        drop(readers);
        let mut proof = self.proof(source, target, self.jobs_of(request.jobs)).await?;
        for (claim, found) in others.iter().zip(self.verify_tables(request, items, &mut proof).await) {
            let (verification, unknown) = found?;
            if verification.verified != Verified::Equal {
                if unknown > claim.beside {
                    let ends = proof.views.ends();
                    // A target that cannot tell others' commits from the run's own is not excused by them.
                    let counts = |view: &dyn Snapshot| view.tells_commits_apart();
                    let source_moved = ends.source.position().await? != seen.source;
                    let target_moved = ends.target.position().await? != seen.target;
                    let source_counts = counts(ends.source) || !is_one_server(source, target);
                    let is_in_flight = source_counts && source_moved
                        || counts(ends.target) && target_moved
                        || self.is_written(ends.source, seen.writes).await?;
                    if !is_in_flight && (source_moved || target_moved) {
                        self.note(UNTOLD);
                    }
                    return Ok(if is_in_flight { Verified::InFlight } else { Verified::Different });
                }
                result = Verified::EqualExcept;
            }
        }
        Ok(result)
    }

    /// Whether others are known to have written to the source since so much had been.
    async fn is_written(&self, source: &mut dyn Snapshot, before: Option<u64>) -> Result<bool> {
        if before.is_none() {
            return Ok(false);
        }
        for _ in 0..limits::WRITES_ASKED_MAX {
            if source.writes().await? > before {
                return Ok(true);
            }
            self.cancel().check()?;
            self.clock.sleep(limits::WRITES_PAUSE).await;
        }
        Ok(false)
    }

    /// Whether a table that was loaded holds just the rows that were read from the source for it. `false` also for a
    /// table that was not, or whose rows have more cells than were carried: such a one is held against the source.
    async fn holds_what_was_loaded(
        &self,
        claim: &Claim<'_>,
        task: &TableTask,
        readers: &mut [Box<dyn Snapshot>],
    ) -> Result<bool> {
        let Some(loaded) = claim.loaded.filter(|_| task.columns == claim.work.target.columns) else { return Ok(false) };
        let (table, phase) = (&claim.work.name, Phase::Verify);
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows: Some(loaded.rows) });
        let progress = |rows| self.events().emit(Event::Progress { table: table.clone(), phase, rows });
        let sum = sum_shared(readers, task, self.cancel(), &progress).await?;
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: sum.rows });
        Ok(sum == loaded)
    }
}

/// Views of a database that show the same, to read shares of a table at the same time: one for each core of a small
/// machine, or a single one where somebody commits just now.
async fn readers(database: &Database) -> Result<Vec<Box<dyn Snapshot>>> {
    let mut first = database.store.snapshot().await?;
    let second = first.twin().await?;
    Ok(std::iter::once(first).chain(second).collect())
}

/// Whether both are databases of one server, whose positions move together: an identity is the engine's name, the server's and
/// what tells its databases apart.
fn is_one_server(a: &Database, b: &Database) -> bool {
    let server = |database: &Database| {
        let mut parts = database.description.identity.splitn(3, ':').map(str::to_owned);
        (parts.next(), parts.next())
    };
    server(a) == server(b)
}
