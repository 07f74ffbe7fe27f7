//! Proving that two databases hold the same rows, by reading both again.

use std::collections::HashSet;

use serde::Serialize;
use syncline_core::apply::TableWork;
use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{Operation, PlannedChange, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::mapping::{Resolved, TableFilter};
use syncline_core::store::{Position, Snapshot};
use syncline_core::value::TableSum;
use syncline_core::verify::{Side, sum_both, sum_shared};

use crate::diff::DiffRequest;
use crate::open::{Database, Purpose};
use crate::pairing::{is_about_mapping, pair_to_verify, with_computed};
use crate::request::{RunRequest, Verb};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::summary::Verified;

/// What is to be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyRequest {
    /// That two databases are equal.
    Pair(DiffRequest),
    /// That the ends of a run are as the run was to leave them.
    Run(String),
}

/// What reading both sides again has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Version of this object.
    pub format: u32,
    /// `verify`.
    #[serde(rename = "type")]
    pub kind: String,
    /// All tables together.
    pub verified: Verified,
    /// One entry a table.
    pub tables: Vec<TableVerification>,
}

/// One table of a [`VerifyReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableVerification {
    /// The table.
    pub table: String,
    /// Equal, different, or equal except for rows that are held.
    pub verified: Verified,
    /// Rows read from the source.
    pub source_rows: u64,
    /// Rows read from the target.
    pub target_rows: u64,
    /// How many rows differ and in what way, or why nothing could be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Syncline {
    /// Reads both sides to the end and tells whether they hold the same rows. Nothing is written.
    ///
    /// # Errors
    /// When a side cannot be read, or there is nothing to compare.
    pub async fn verify(&self, request: &VerifyRequest) -> Result<VerifyReport> {
        let (pair, verb) = match request {
            VerifyRequest::Pair(pair) => (pair.clone(), Verb::Mirror),
            VerifyRequest::Run(run) => self.ends_of_run(run).await?,
        };
        let source = self.open_database(&pair.source, Purpose::Read).await?;
        let target = self.open_database(&pair.target, Purpose::Read).await?;
        let filter = TableFilter::parse(&pair.tables)?;
        let mut ends = Views::open(&source, &target).await?;
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema])?;
        let resolved = self.resolve(&pair.mapping, &source_schema, &filter).await?;
        let mut tables = Vec::new();
        for table in admitted(&source_schema, &filter) {
            tables.push(match pair_to_verify(table, &target_schema, &resolved) {
                Ok(pair) => self.verify_table(verb, &pair.source, &pair.target, &mut ends).await?.0,
                Err(error) if is_about_mapping(&error) => return Err(error),
                Err(error) => unprovable(&table.name, &error),
            });
        }
        if tables.is_empty() {
            return Err(Error::new(Code::NoTables, "there is no table to verify"));
        }
        Ok(VerifyReport { format: 1, kind: "verify".to_owned(), verified: all(&tables), tables })
    }

    /// The proof at the end of a run, over the tables it has done. Rows that were left alone count as exceptions; a
    /// difference while others write to either database says nothing yet.
    pub(crate) async fn verify_run(
        &self,
        verb: Verb,
        source: &Database,
        target: &Database,
        seen: &Seen,
        (claims, resolved): (&[Claim<'_>], &Resolved),
    ) -> Result<Verified> {
        let mut readers = readers(target).await?;
        let target_schema = readers[0].schema().await?;
        let mut ends = None;
        let mut result = Verified::Equal;
        for claim in claims {
            let work = claim.work;
            let Some(table) = target_schema.table(&work.target.table.name) else { return Ok(Verified::Different) };
            // The table may have been created by the run, so its description is the one it has now.
            let task = TableTask { table: table.clone(), ..work.target.clone() };
            let (source_task, task) = with_computed(work.source.clone(), task, &resolved.view(&work.source.table));
            if self.holds_what_was_loaded(claim, &task, &mut readers).await? {
                if claim.left_alone > 0 {
                    result = Verified::EqualExcept;
                }
                continue;
            }
            let ends = match &mut ends {
                Some(ends) => ends,
                none => none.insert(Views::open(source, target).await?),
            };
            let (verification, unknown) = self.verify_table(verb, &source_task, &task, ends).await?;
            if verification.verified != Verified::Equal {
                if unknown > claim.beside {
                    let is_in_flight =
                        ends.source.position().await? != seen.source || ends.target.position().await? != seen.target;
                    return Ok(if is_in_flight { Verified::InFlight } else { Verified::Different });
                }
                result = Verified::EqualExcept;
            }
        }
        Ok(result)
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

    async fn ends_of_run(&self, run: &str) -> Result<(DiffRequest, Verb)> {
        let record = self.state().await?.find_run(run).await?;
        let request = record.request.ok_or_else(|| {
            Error::new(
                Code::UsageInvalid,
                format!("{} carried nothing from a source, so there is no pair to verify", record.id),
            )
            .next("syncline verify A B", "verify two databases")
        })?;
        let RunRequest { verb, source, target, tables, mapping, .. } = request;
        Ok((DiffRequest { source, target, tables, mapping }, verb))
    }

    /// What reading one table again has shown, and how many rows differ that nobody knows of: those in the ledger of this
    /// pair wait for a person already.
    async fn verify_table(
        &self,
        verb: Verb,
        source: &TableTask,
        target: &TableTask,
        ends: &mut Views,
    ) -> Result<(TableVerification, u64)> {
        let table = &source.table.name;
        let phase = Phase::Verify;
        let rows = ends.source.estimate(source).await?.rows;
        self.events().emit(Event::PhaseStarted { table: table.clone(), phase, rows: Some(rows) });
        let progress = |rows| self.events().emit(Event::Progress { table: table.clone(), phase, rows });
        let source_side = Side { snapshot: &mut *ends.source, task: source };
        let target_side = Side { snapshot: &mut *ends.target, task: target };
        let (source_sum, target_sum) = sum_both(source_side, target_side, self.cancel(), &progress).await?;
        self.events().emit(Event::PhaseEnded { table: table.clone(), phase, rows: source_sum.rows });
        let (mut verified, mut note, mut unknown) = (Verified::Equal, None, 0);
        if source_sum != target_sum {
            let (source_identity, target_identity) = &ends.identities;
            let known = self.state().await?.open_keys(source_identity, target_identity, table).await?;
            let (tally, differing, strange) = self.tally(verb, source, target, ends, &known).await?;
            unknown = strange;
            if differing > 0 {
                verified = if unknown == 0 { Verified::EqualExcept } else { Verified::Different };
                note = Some(described(tally, differing - unknown));
            }
        }
        let report = TableVerification {
            table: table.clone(),
            verified,
            source_rows: source_sum.rows,
            target_rows: target_sum.rows,
            note,
        };
        Ok((report, unknown))
    }

    /// How two tables differ whose sums do, how many rows that are, and how many of them are not `known`. What only the
    /// target has is no difference after a copy.
    async fn tally(
        &self,
        verb: Verb,
        source: &TableTask,
        target: &TableTask,
        ends: &mut Views,
        known: &HashSet<Vec<u8>>,
    ) -> Result<(Tally, u64, u64)> {
        let mut compare = Compare::of(source, ends.source.digest(source).await?, ends.target.digest(target).await?);
        let (mut differing, mut unknown) = (0, 0);
        while let Some(page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            let counts = |change: &&PlannedChange| verb == Verb::Mirror || change.operation != Operation::Delete;
            for change in page.iter().filter(counts) {
                differing += 1;
                unknown += u64::from(!is_known(source, change, known));
            }
        }
        Ok((compare.tally(), differing, unknown))
    }
}

/// Whether the row waits in the ledger, where all copies of a row without a key are one.
fn is_known(task: &TableTask, change: &PlannedChange, known: &HashSet<Vec<u8>>) -> bool {
    if task.is_multiset() { known.contains(&copies::name_of(&change.key)) } else { known.contains(&change.key) }
}

/// What a run says of a table, to be proven.
pub(crate) struct Claim<'w> {
    /// What was done.
    pub(crate) work: &'w TableWork,
    /// Rows that differ because the run was not to touch them, or could not.
    pub(crate) left_alone: u64,
    /// Those among them that are not in the ledger, because a plan has passed over them.
    pub(crate) beside: u64,
    /// The sum of the rows that a load has left in the table.
    pub(crate) loaded: Option<TableSum>,
}

/// Where both databases stood when a run was decided.
pub(crate) struct Seen {
    pub(crate) source: Position,
    pub(crate) target: Position,
}

/// Views of a database that show the same, to read shares of a table at the same time: one for each core of a small
/// machine, or a single one where somebody commits just now.
async fn readers(database: &Database) -> Result<Vec<Box<dyn Snapshot>>> {
    let (mut first, mut second) = (database.store.snapshot().await?, database.store.snapshot().await?);
    let is_same = first.position().await? == second.position().await?;
    Ok(if is_same { vec![first, second] } else { vec![first] })
}

/// Views of both ends, opened for nothing but the proof.
struct Views {
    source: Box<dyn Snapshot>,
    target: Box<dyn Snapshot>,
    /// Which databases they show: the source's and the target's identity.
    identities: (String, String),
}

impl Views {
    async fn open(source: &Database, target: &Database) -> Result<Self> {
        let identities = (source.description.identity.clone(), target.description.identity.clone());
        Ok(Self { source: source.store.snapshot().await?, target: target.store.snapshot().await?, identities })
    }
}

fn unprovable(table: &str, error: &Error) -> TableVerification {
    TableVerification {
        table: table.to_owned(),
        verified: Verified::Different,
        source_rows: 0,
        target_rows: 0,
        note: Some(error.to_string()),
    }
}

fn described(tally: Tally, held: u64) -> String {
    let held = if held > 0 { format!("; {held} of them are held") } else { String::new() };
    format!(
        "{} rows only in the source, {} only in the target, {} with other values{held}",
        tally.only_source, tally.only_target, tally.changed
    )
}

/// The least that can be said of all tables together.
fn all(tables: &[TableVerification]) -> Verified {
    let is = |verified| move |table: &TableVerification| table.verified == verified;
    match tables {
        tables if tables.iter().all(is(Verified::Equal)) => Verified::Equal,
        tables if tables.iter().any(is(Verified::Different)) => Verified::Different,
        _ => Verified::EqualExcept,
    }
}
