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
use syncline_core::pace::Lane;
use syncline_core::store::{Description, Position, Snapshot};
use syncline_core::value::TableSum;
use syncline_core::verify::{Side, sum_both, sum_shared};

use crate::decide::Ends;
use crate::diff::DiffRequest;
use crate::open::{Database, Purpose, recognise};
use crate::pairing::{is_about_mapping, pair_to_verify, with_computed};
use crate::request::{RunRequest, Verb};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::Views;
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
        let request = match request {
            VerifyRequest::Pair(DiffRequest { source, target, tables, mapping }) => RunRequest {
                tables: tables.clone(),
                mapping: mapping.clone(),
                ..RunRequest::new(Verb::Mirror, source, target)
            },
            VerifyRequest::Run(run) => self.request_of_run(run).await?,
        };
        let source = self.open_database(&request.source, Purpose::Read).await?;
        let target = self.open_database(&request.target, Purpose::Read).await?;
        // At what rate a run was carried out says nothing of its proof.
        let pace = self.pace(None);
        let (source, target) = (source.paced(pace.as_ref(), Lane::Source), target.paced(pace.as_ref(), Lane::Target));
        let filter = TableFilter::parse(&request.tables)?;
        let mut proof = self.proof(&source, &target, self.jobs_of(None)).await?;
        let ends = proof.views.ends();
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        check_names(&filter, &[&source_schema])?;
        let resolved = self.resolve(&request.mapping, &source_schema, &filter).await?;
        let mut items = Vec::new();
        for table in admitted(&source_schema, &filter) {
            let is_missing = target_schema.table(resolved.target_name(&table.name)).is_none();
            items.push(if request.no_create && is_missing {
                Err(left_out(&table.name))
            } else {
                match pair_to_verify(table, &target_schema, &resolved, request.schema.one_sided()) {
                    Ok(pair) => Ok((pair.source, pair.target)),
                    Err(error) if is_about_mapping(&error) => return Err(error),
                    Err(error) => Err(unprovable(&table.name, &error)),
                }
            });
        }
        let found = self.verify_tables(&request, items, &mut proof).await;
        let tables = found.into_iter().map(|found| Ok(found?.0)).collect::<Result<Vec<_>>>()?;
        if tables.is_empty() {
            return Err(Error::new(Code::NoTables, "there is no table to verify"));
        }
        Ok(VerifyReport { format: 1, kind: "verify".to_owned(), verified: all(&tables), tables })
    }

    /// The proof at the end of a run, over the tables it has done. Rows that were left alone count as exceptions; a
    /// difference while others write to either database says nothing yet.
    pub(crate) async fn verify_run(
        &self,
        request: &RunRequest,
        source: &Database,
        target: &Database,
        seen: &Seen,
        (claims, resolved): (&[Claim<'_>], &Resolved),
    ) -> Result<Verified> {
        let mut readers = readers(target).await?;
        let target_schema = readers[0].schema().await?;
        let (mut result, mut others, mut items) = (Verified::Equal, Vec::new(), Vec::new());
        for claim in claims {
            let work = claim.work;
            let Some(table) = target_schema.table(&work.target.table.name) else { return Ok(Verified::Different) };
            // The table may have been created by the run, so its description is the one it has now.
            let task = TableTask { table: table.clone(), ..work.target.clone() };
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

    async fn request_of_run(&self, run: &str) -> Result<RunRequest> {
        let record = self.state().await?.find_run(run).await?;
        record.request.ok_or_else(|| {
            Error::new(
                Code::UsageInvalid,
                format!("{} carried nothing from a source, so there is no pair to verify", record.id),
            )
            .next("syncline verify A B", "verify two databases")
        })
    }

    /// Views of both ends, opened for nothing but the proof.
    async fn proof(&self, source: &Database, target: &Database, jobs: usize) -> Result<Proof> {
        let descriptions = [&source.description, &target.description].map(Clone::clone);
        Ok(Proof { views: self.views(source, target, jobs).await?, descriptions })
    }

    /// As [`Syncline::verify_table`], for some tables side by side. Of others it is known already what is to be said.
    async fn verify_tables(
        &self,
        request: &RunRequest,
        items: Vec<Provable>,
        proof: &mut Proof,
    ) -> Vec<Result<(TableVerification, u64)>> {
        let Proof { views, descriptions } = proof;
        let verify = async |item: &Provable, ends: Ends<'_>| match item {
            Ok((source, target)) => self.verify_table(request, (source, target), ends, descriptions).await,
            Err(known) => Ok((known.clone(), 0)),
        };
        let is_alone = |item: &Provable| item.as_ref().is_ok_and(|(source, _)| source.is_multiset());
        views.go_through(&items, is_alone, verify).await
    }

    /// What reading one table again has shown, and how many rows differ that nobody knows of: those in the ledger of this
    /// pair wait for a person already.
    async fn verify_table(
        &self,
        request: &RunRequest,
        (source, target): (&TableTask, &TableTask),
        mut ends: Ends<'_>,
        [source_end, target_end]: &[Description; 2],
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
            let state = self.state().await?;
            recognise(state, source_end).await?;
            recognise(state, target_end).await?;
            let known = state.open_keys(&source_end.identity, &target_end.identity, table).await?;
            let found = self.tally(request, source, target, ends.again(), &known).await?;
            unknown = found.unknown;
            if found.all > 0 {
                verified = if unknown == 0 { Verified::EqualExcept } else { Verified::Different };
                note = Some(described(&found));
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

    /// How two tables differ whose sums do. What only the target has is no difference after a copy.
    async fn tally(
        &self,
        request: &RunRequest,
        source: &TableTask,
        target: &TableTask,
        ends: Ends<'_>,
        known: &HashSet<Vec<u8>>,
    ) -> Result<Found> {
        let mut compare = Compare::of(source, ends.source.digest(source).await?, ends.target.digest(target).await?);
        let mut found = Found::default();
        while let Some(page) = compare.next_page(limits::SPOOL_PAGE).await? {
            self.cancel().check()?;
            let counts =
                |change: &&PlannedChange| request.verb == Verb::Mirror || change.operation != Operation::Delete;
            for change in page.iter().filter(counts) {
                found.all += 1;
                if is_known(source, change, known) {
                    found.held += 1;
                } else if request.keep_existing && change.operation == Operation::Update {
                    found.kept += 1;
                } else {
                    found.unknown += 1;
                }
            }
        }
        Ok(Found { tally: compare.tally(), ..found })
    }
}

/// Whether the row waits in the ledger, where all copies of a row without a key are one.
fn is_known(task: &TableTask, change: &PlannedChange, known: &HashSet<Vec<u8>>) -> bool {
    if task.is_multiset() { known.contains(&copies::name_of(&change.key)) } else { known.contains(&change.key) }
}

/// Rows that differ, and what is known of them.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    tally: Tally,
    all: u64,
    /// Those that the ledger has.
    held: u64,
    /// Those that were to stay as the target has them.
    kept: u64,
    /// The others.
    unknown: u64,
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
    let mut first = database.store.snapshot().await?;
    let second = first.twin().await?;
    Ok(std::iter::once(first).chain(second).collect())
}

/// Views of both ends, opened for nothing but the proof.
struct Proof {
    views: Views,
    /// Which databases they show: the source and the target.
    descriptions: [Description; 2],
}

/// How a table is read on both sides, or what is to be said of it without that.
type Provable = std::result::Result<(TableTask, TableTask), TableVerification>;

fn unprovable(table: &str, error: &Error) -> TableVerification {
    TableVerification {
        table: table.to_owned(),
        verified: Verified::Different,
        source_rows: 0,
        target_rows: 0,
        note: Some(error.to_string()),
    }
}

fn described(found: &Found) -> String {
    let Found { tally, held, kept, .. } = found;
    let mut note = format!(
        "{} rows only in the source, {} only in the target, {} with other values",
        tally.only_source, tally.only_target, tally.changed
    );
    for (rows, fate) in [(held, "are held"), (kept, "were kept as asked")] {
        if *rows > 0 {
            note += &format!("; {rows} of them {fate}");
        }
    }
    note
}

fn left_out(table: &str) -> TableVerification {
    let note = Some("not in the target, and not to be created".to_owned());
    TableVerification { table: table.to_owned(), verified: Verified::Skipped, source_rows: 0, target_rows: 0, note }
}

/// The least that can be said of all tables together; one that was not to be carried says nothing.
fn all(tables: &[TableVerification]) -> Verified {
    let is = |verified| tables.iter().any(|table| table.verified == verified);
    match () {
        () if is(Verified::Different) => Verified::Different,
        () if is(Verified::EqualExcept) => Verified::EqualExcept,
        () if is(Verified::Equal) => Verified::Equal,
        () => Verified::Skipped,
    }
}
