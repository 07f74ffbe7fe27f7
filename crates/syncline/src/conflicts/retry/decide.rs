//! Deciding for certain keys only.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use syncline_core::apply::{Action, TableWork};
use syncline_core::capture::{KeptRows, Tally};
use syncline_core::change::{Operation, PlannedChange, RowDigest, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::event::{Event, Phase};
use syncline_core::limits;
use syncline_core::mapping::tables::exactly;
use syncline_core::mapping::{Resolved, TableFilter};
use syncline_core::schema::Schema;
use syncline_core::state::Spool;
use syncline_core::store::Snapshot;
use syncline_core::value::{RowBatch, ValueRef, canonical, exact};

use super::Retry;
use crate::decide::{Decided, Decision, Ends};
use crate::pairing::{Counterparts, Pair, pair_with};
use crate::request::{RunRequest, Verb};
use crate::session::Syncline;
use crate::state::ChosenEntry;

/// What one side has of some keys: by the key's canonical bytes, which 1 and 1.0 have in common, its exact ones and the
/// digest of its row.
type Found = HashMap<Vec<u8>, (Vec<u8>, RowDigest)>;

impl Syncline {
    /// Reads the rows behind the entries on both sides and decides what is to happen to them now. A table that cannot be
    /// carried as it is leaves its entries as they are. The entries returned beside the decision are left alone, too.
    pub(super) async fn decide_again(
        &self,
        retry: &Retry,
        ends: Ends<'_>,
        spool: &dyn Spool,
    ) -> Result<(Decision, HashSet<String>)> {
        let source_schema = ends.source.schema().await?;
        let target_schema = ends.target.schema().await?;
        let names: Vec<String> = retry.by_table().into_keys().map(exactly).collect();
        let filter = TableFilter::parse(&names)?;
        let resolved = self.resolve(&retry.request.mapping, &source_schema, &filter).await?;
        let (mut tables, mut refused, mut left) = (Vec::new(), Vec::new(), HashSet::new());
        let Ends { source, target } = ends;
        for (name, entries) in retry.by_table() {
            self.cancel().check()?;
            let ends = Ends { source: &mut *source, target: &mut *target };
            let decided = match pair_of(
                name,
                (&source_schema, Counterparts { schema: &target_schema, view: &*ends.target }),
                &resolved,
                &retry.request,
            ) {
                Ok(pair) if pair.source.is_multiset() => {
                    self.decide_copies(retry.request.verb, pair, &entries, ends, spool, &mut left).await
                }
                Ok(pair) => self.decide_keys(&retry.request, pair, &entries, ends, spool, &mut left).await,
                Err(error) => Err(error),
            };
            match decided {
                Ok(decided) => tables.push(decided),
                Err(error) if is_of_table(error.code()) => {
                    refused.push((name.to_owned(), of_retry(error).about(name)));
                }
                Err(error) => return Err(error),
            }
        }
        let notes = match left.len() {
            0 => Vec::new(),
            rows => vec![format!(
                "{rows} held row{} not in the source any more and left as before: the next mirror decides about that",
                if rows == 1 { " is" } else { "s are" }
            )],
        };
        let decided_at = target.position().await?;
        let (absent, steps, refreshes, is_exact) = (Vec::new(), Vec::new(), false, false);
        let decision = Decision {
            tables,
            refused,
            absent,
            steps,
            target_schema,
            resolved,
            refreshes,
            is_exact,
            notes,
            decided_at,
            link: None,
            kept: KeptRows::default(),
        };
        Ok((decision, left))
    }

    async fn decide_keys(
        &self,
        request: &RunRequest,
        pair: Pair,
        entries: &[&ChosenEntry],
        ends: Ends<'_>,
        spool: &dyn Spool,
        left: &mut HashSet<String>,
    ) -> Result<Decided> {
        let Pair { source, target, .. } = pair;
        let name = source.table.name.clone();
        let (mut same, mut puts, mut deletes) = (0, 0, 0);
        self.emit(Event::PhaseStarted { table: name.clone(), phase: Phase::Compare, rows: Some(entries.len() as u64) });
        for page in entries.chunks(limits::SPOOL_PAGE) {
            self.cancel().check()?;
            let keys = keys_of(page, &name, source.key.len())?;
            let ours = found(ends.source, &source, &keys).await?;
            let theirs = found(ends.target, &target, &keys).await?;
            let mut changes = Vec::new();
            for (entry, key) in page.iter().zip(keys.rows()) {
                let key = canonical_key(key.iter());
                match decided(request, entry.operation, ours.get(&key), theirs.get(&key)) {
                    Now::Settled => same += 1,
                    Now::Differs(change) => changes.push(change),
                    Now::Left => {
                        left.insert(entry.id.clone());
                    }
                }
            }
            let gone = changes.iter().filter(|change| change.operation == Operation::Delete).count() as u64;
            (deletes, puts) = (deletes + gone, puts + changes.len() as u64 - gone);
            spool.append(&name, &changes).await?;
        }
        self.emit(Event::PhaseEnded { table: name.clone(), phase: Phase::Compare, rows: entries.len() as u64 });
        let action = Action::Differences;
        let work = TableWork { name, source, target, action, puts, deletes, sequence: None };
        Ok(Decided {
            work,
            tally: Tally { same, ..Tally::default() },
            how: "retry of held rows".to_owned(),
            added: Vec::new(),
            kept: 0,
            is_unmoved: false,
            incremental: None,
        })
    }

    pub(super) fn emit(&self, event: Event) {
        self.events().emit(event);
    }
}

fn pair_of(
    name: &str,
    (source, target): (&Schema, Counterparts<'_>),
    resolved: &Resolved,
    request: &RunRequest,
) -> Result<Pair> {
    let gone = |side: &str| Error::new(Code::TableNotFound, format!("{name} is not in the {side} any more"));
    let table = source.table(name).ok_or_else(|| gone("source"))?;
    let pair = pair_with(table, target, resolved, request.schema.one_sided())?;
    if pair.is_missing { Err(gone("target")) } else { Ok(pair) }
}

/// The error of a table in the words of a retry, which has none of the flags that a copy or mirror would advise.
fn of_retry(error: Error) -> Error {
    let told = Error::new(error.code(), error.what())
        .leaving("its rows are held as before")
        .next("make the two tables match", "then try again")
        .next("run the copy or mirror again", "it has flags for tables that differ, and tries held rows again too");
    let told = match error.why() {
        Some(why) => told.because(why),
        None => told,
    };
    match error.place() {
        Some(place) => told.at(place),
        None => told,
    }
}

/// Whether other tables can be tried although this happened to one.
fn is_of_table(code: Code) -> bool {
    use Code::{
        SchemaColumnExtra, SchemaColumnMissing, SchemaColumnRequired, SchemaKeyDiffers, SchemaTypeDiffers, TableDenied,
        TableNameShared, TableNoKey, TableNotFound, TextUnreadable,
    };
    matches!(
        code,
        SchemaColumnExtra
            | SchemaColumnMissing
            | SchemaColumnRequired
            | SchemaKeyDiffers
            | SchemaTypeDiffers
            | TableDenied
            | TableNameShared
            | TableNoKey
            | TableNotFound
            | TextUnreadable
    )
}

/// What is to happen to a row that was held.
enum Now {
    /// Nothing is left to carry.
    Settled,
    /// It is to be written.
    Differs(PlannedChange),
    /// It is not for a retry to decide.
    Left,
}

/// What would make the target's row what the source's is. A copy has nothing to do with a row that the source no longer
/// has. A mirror would delete it, but only a run with its guards may say so: here a row goes if it was held on its way out.
fn decided(
    request: &RunRequest,
    held: Operation,
    ours: Option<&(Vec<u8>, RowDigest)>,
    theirs: Option<&(Vec<u8>, RowDigest)>,
) -> Now {
    let verb = request.verb;
    let seen = theirs.map(|(_, digest)| *digest);
    match (ours, theirs) {
        // Somebody has given the target a row of its own, which is what the run was to leave alone.
        (_, Some(_)) if request.keep_existing => Now::Settled,
        (Some((_, ours)), Some((_, theirs))) if ours == theirs => Now::Settled,
        (Some((key, becomes)), _) => Now::Differs(PlannedChange {
            operation: if seen.is_some() { Operation::Update } else { Operation::Insert },
            key: key.clone(),
            seen,
            becomes: Some(*becomes),
            copies: None,
        }),
        (None, Some((key, _))) if verb == Verb::Mirror && held == Operation::Delete => Now::Differs(PlannedChange {
            operation: Operation::Delete,
            key: key.clone(),
            seen,
            becomes: None,
            copies: None,
        }),
        (None, Some(_)) if verb == Verb::Mirror => Now::Left,
        (None, _) => Now::Settled,
    }
}

/// The keys of the entries, each once.
fn keys_of(entries: &[&ChosenEntry], table: &str, width: usize) -> Result<RowBatch> {
    let mut keys = RowBatch::new(width);
    for entry in entries {
        let cells = exact::decode_row(&entry.key).map_err(|error| {
            Error::new(Code::Internal, "the ledger holds a key that cannot be read").caused_by(error)
        })?;
        if cells.len() != width {
            let what = format!("{table} no longer has the key that it had when its rows were held");
            return Err(Error::new(Code::SchemaKeyDiffers, what));
        }
        keys.push_row(cells)?;
    }
    Ok(keys)
}

async fn found(side: &mut dyn Snapshot, task: &TableTask, keys: &RowBatch) -> Result<Found> {
    let mut found = Found::new();
    let mut scratch = Vec::new();
    let mut batches = side.fetch(task, keys).await?;
    while let Some(rows) = batches.next().await.transpose()? {
        for row in rows.rows() {
            let digest = task.digest(row.iter(), &mut scratch);
            let key = exact::encode_row(row.select(&task.key));
            found.insert(canonical_key(row.select(&task.key)), (key, digest));
        }
    }
    Ok(found)
}

fn canonical_key<'v>(cells: impl Iterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut key = Vec::new();
    cells.for_each(|cell| canonical::encode(cell, &mut key));
    key
}
