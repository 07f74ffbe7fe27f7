//! Writing decided changes into the target, transaction by transaction.
//!
//! Every transaction has a number. In it go the rows, and with it, in this order: the before-images become durable in
//! the evidence, the checkpoint is written, the transaction commits. A crash at any point leaves either nothing of a
//! batch, or images that are newer than the target's checkpoint and are discarded by the next run.
//!
//! Most tables are written batch by batch. A full refresh is one transaction altogether. Beside it, four kinds of work go into
//! one transaction of their own, because a part of them would show readers something that never was or break a constraint
//! on the way: loads into an empty table, tables that reference each other in a circle, rows that exchange unique values,
//! and changes of columns that others reference and that are not the key.

mod alike;
mod bending;
mod copies;
mod counters;
mod cursors;
mod dangled;
mod deletes;
mod exchanges;
pub mod guards;
mod holds;
mod left_out;
mod loads;
mod moved;
pub mod order;
mod pages;
mod puts;
mod referenced;
mod references;
mod refresh;
mod rivals;
mod second_look;
mod take_out;

use std::collections::{BTreeMap, HashSet};

pub use self::counters::{Counter, Sequence};
pub use self::cursors::Cursors;
pub use self::dangled::Dangled;
pub use self::references::named_key;

use self::holds::Attempt;
use self::left_out::LeftOut;
use self::referenced::Wanted;
use crate::cancel::Cancel;
use crate::capture::scan::sum_rows;
use crate::change::{Applied, Mark, TableTask};
use crate::checkpoint::Checkpoint;
use crate::error::{Code, Error, Result};
use crate::event::{Event, EventSink, Phase, Point};
use crate::limits;
use crate::pace::{Clock, Lane, Pace};
use crate::schema::{Schema, SchemaStep};
use crate::state::{Evidence, Ledger, LoadRecord, Spool, TableRecord};
use crate::store::{Position, RowSource, Share, Store, Transaction, Writer};
use crate::value::{Sketched, TableSum};

/// What is to be done with one table.
#[derive(Clone, Debug)]
pub struct TableWork {
    /// What the spool and the evidence call the table. The two sides may spell its name differently.
    pub name: String,
    /// How the source reads it.
    pub source: TableTask,
    /// How the target writes it. For a table to be created, the description it will have.
    pub target: TableTask,
    /// What is done.
    pub action: Action,
    /// Rows that will be put, for progress.
    pub puts: u64,
    /// Rows that will be deleted, for progress.
    pub deletes: u64,
    /// What the table's sequence is put back to at the end, and from where; `None` leaves it as the rows have made it.
    pub sequence: Option<Sequence>,
}

/// What is done with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// All rows of the source go into a table that has none.
    Load {
        /// The table is not there yet.
        create: bool,
    },
    /// The changes in the spool are written.
    Differences,
    /// All rows of the target's table go and all rows of the source come, whether they differ or not. Only in a refresh.
    Refill,
    /// The rows of an earlier load leave, if they are still as they were loaded.
    Empty(LoadRecord),
}

/// What became of one table.
#[derive(Debug, Default)]
pub struct TableOutcome {
    /// Rows added.
    pub inserted: u64,
    /// Rows changed.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Rows left as they are because they were changed in the target meanwhile.
    pub moved: u64,
    /// Rows held for another reason; the ledger has it.
    pub held: u64,
    /// The sum of all rows that a load has left in the table.
    pub loaded: Option<TableSum>,
    /// Why the table is not done, or not to its end.
    pub error: Option<Error>,
}

/// What applying needs to know of its run.
pub struct Context<'a> {
    /// The run's identifier, as the checkpoint and the evidence know it.
    pub run: &'a str,
    /// Changes in one transaction, at most.
    pub batch_rows: usize,
    /// The decided changes.
    pub spool: &'a dyn Spool,
    /// Where before-images go; `None` when none are wanted.
    pub evidence: Option<&'a dyn Evidence>,
    /// Where rows that are left out go; `None` lets such a row fail its table.
    pub ledger: Option<&'a dyn Ledger>,
    /// Who listens.
    pub events: &'a dyn EventSink,
    /// Whether to stop.
    pub cancel: &'a Cancel,
    /// How many rows a second are written, where that is limited.
    pub pace: Option<&'a Pace>,
    /// By what the pauses between attempts are waited out.
    pub clock: &'a dyn Clock,
    /// The work takes back a run, before which this pointed at nothing. It may do so again, and nothing else.
    pub restores: Option<&'a Dangled>,
    /// Everything goes into one transaction.
    pub refreshes: bool,
    /// A delete that turns out to be referenced still ends the run as long as it has written nothing: a plan is carried out
    /// exactly, or not at all.
    pub is_exact: bool,
    /// Which cursors in the target are moved, and when.
    pub cursors: Cursors<'a>,
    /// Where the target stood when the changes were decided, in the words of its store. Copies of rows are counted anew
    /// once somebody else has committed since.
    pub decided_at: Option<Position>,
}

/// Applies the work of one run.
pub struct Applier<'a> {
    pub(crate) tables: &'a [TableWork],
    pub(crate) outcomes: Vec<TableOutcome>,
    /// The last transaction that is durable in the target.
    pub(crate) last_batch: u64,
    pub(crate) context: Context<'a>,
    /// All tables of the target, those of no concern to the run included: they may reference its tables.
    schema: &'a Schema,
    source: &'a mut dyn RowSource,
    target: &'a dyn Store,
    puts_done: Vec<bool>,
    deletes_done: Vec<bool>,
    left_out: Vec<LeftOut>,
    /// Where the sequences of tables were left; of an undo, by what it takes back at first.
    counters: Vec<Option<Counter>>,
    wanted: Vec<Wanted>,
    pub(crate) next_batch: u64,
    /// Transactions in a row that came to nothing because of others at work.
    collisions: u32,
    steps: &'a [SchemaStep],
    /// Whether the cursors are where they are to be.
    has_advanced: bool,
}

/// What a transaction has done so far; it counts only once committed.
struct Pending {
    number: u64,
    written: Vec<(usize, Counts)>,
    loads: Vec<Load>,
    /// What sequences were before, by table.
    counters: BTreeMap<usize, Option<i64>>,
    /// Rows held, by table.
    held: Vec<(usize, u64)>,
    /// Rows inserted and taken out again, by table.
    taken_out: Vec<(usize, u64)>,
    /// Where rows without a key were put that reference others, by table.
    places: copies::Places,
    /// Rows that have kept others out of their tables.
    in_the_way: rivals::InTheWay,
    /// Rows to be changed that point at nothing as they are; of an undo.
    dangled: HashSet<Mark>,
    /// The cursors were moved in it.
    advances: bool,
}

/// Rows of one table that a transaction has written or left.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    inserted: u64,
    updated: u64,
    deleted: u64,
    moved: u64,
}

/// A table that the transaction loads.
struct Load {
    table: usize,
    is_created: bool,
    rows: Sketched,
    sequence: Option<i64>,
}

impl Load {
    /// Whether the table is as it was: it was there, and none of the rows has stayed.
    fn left_nothing(&self) -> bool {
        !self.is_created && self.rows.sum.rows == 0
    }
}

impl Context<'_> {
    /// Keeps the images of what was just written and the rows that were left out, and adds both to the transaction's
    /// account.
    async fn account(
        &self,
        tx: &mut dyn Transaction,
        pending: &mut Pending,
        (table, work): (usize, &TableWork),
        mut applied: Applied,
    ) -> Result<()> {
        self.reached(Point::Written);
        let Applied { inserted, updated, deleted, .. } = applied;
        let moved = applied.moved.iter().filter(|refusal| !self.is_held(refusal)).count() as u64;
        let counts = Counts { inserted, updated, deleted, moved };
        let images = std::mem::take(&mut applied.images);
        self.hold_refused(tx, pending, (table, work), applied).await?;
        if let Some(evidence) = self.evidence
            && !images.is_empty()
        {
            evidence.record_images(pending.number, &work.name, images).await?;
        }
        pending.written.push((table, counts));
        Ok(())
    }

    /// Changes in one transaction, or in one part of it, at most.
    fn page_rows(&self) -> usize {
        self.pace.map_or(self.batch_rows, |pace| self.batch_rows.min(pace.rows_at_once()))
    }

    /// Waits until so many rows may be written.
    async fn pay(&self, rows: usize) -> Result<()> {
        match self.pace {
            Some(pace) => pace.pay(Lane::Written, rows).await,
            None => Ok(()),
        }
    }

    /// As [`Context::pay`], before a transaction is begun for these rows. The source must be ready too: otherwise the wait
    /// for it would come while the transaction is open.
    async fn pay_outside(&self, rows: usize) -> Result<()> {
        match self.pace {
            Some(pace) => {
                pace.pay(Lane::Written, rows).await?;
                pace.ready(Lane::Source).await
            }
            None => Ok(()),
        }
    }

    fn reached(&self, point: Point) {
        self.events.emit(Event::Reached(point));
    }

    fn started(&self, table: &str, phase: Phase, rows: u64) {
        self.events.emit(Event::PhaseStarted { table: table.to_owned(), phase, rows: Some(rows) });
    }

    fn progress(&self, table: &str, phase: Phase, rows: u64) {
        self.events.emit(Event::Progress { table: table.to_owned(), phase, rows });
    }

    fn ended(&self, table: &str, phase: Phase, rows: u64) {
        self.events.emit(Event::PhaseEnded { table: table.to_owned(), phase, rows });
    }
}

impl<'a> Applier<'a> {
    /// An applier that has done nothing yet.
    pub fn new(
        tables: &'a [TableWork],
        schema: &'a Schema,
        source: &'a mut dyn RowSource,
        target: &'a dyn Store,
        context: Context<'a>,
    ) -> Self {
        let outcomes = tables.iter().map(|_| TableOutcome::default()).collect();
        let (puts_done, deletes_done) = (vec![false; tables.len()], vec![false; tables.len()]);
        let left_out = tables.iter().map(|_| LeftOut::default()).collect();
        let counters = tables.iter().map(|work| work.sequence.map(|sequence| sequence.counter)).collect();
        let has_advanced = !matches!(context.cursors, Cursors::Behind(_));
        Self {
            tables,
            outcomes,
            last_batch: 0,
            context,
            schema,
            source,
            target,
            puts_done,
            deletes_done,
            left_out,
            counters,
            wanted: Vec::new(),
            next_batch: 1,
            collisions: 0,
            steps: &[],
            has_advanced,
        }
    }

    /// The same applier, which carries out these steps before the first row.
    #[must_use]
    pub fn defining(self, steps: &'a [SchemaStep]) -> Self {
        Self { steps, ..self }
    }

    /// The same applier, whose first transaction has this number. Those before it are of earlier parts of the run.
    #[must_use]
    pub fn numbered_from(self, first: u64) -> Self {
        Self { next_batch: first, ..self }
    }

    /// Carries out the steps in a transaction of their own. Should the run end behind it, the next one finds what they
    /// have made.
    pub(crate) async fn define(&mut self, writer: &mut dyn Writer) -> Result<()> {
        while !self.steps.is_empty() {
            let pending = self.pending();
            let mut tx = writer.begin().await?;
            let defined = tx.define(self.steps).await.map(|()| Attempt::Done);
            if self.conclude(tx, pending, defined).await? == Attempt::Done {
                break;
            }
        }
        Ok(())
    }

    /// Numbers a new transaction. Numbers are never used twice, so that what a failed attempt left in the evidence
    /// cannot be taken for another's.
    fn pending(&mut self) -> Pending {
        let number = self.next_batch;
        self.next_batch += 1;
        Pending {
            number,
            written: Vec::new(),
            loads: Vec::new(),
            counters: BTreeMap::new(),
            held: Vec::new(),
            taken_out: Vec::new(),
            places: Default::default(),
            in_the_way: Default::default(),
            dangled: HashSet::new(),
            advances: false,
        }
    }

    /// Makes the transaction durable, and with it what it has done.
    async fn commit(&mut self, mut tx: Box<dyn Transaction + '_>, pending: Pending) -> Result<()> {
        let counters = self.keep_counters(&mut *tx, &pending).await?;
        if let Some(evidence) = self.context.evidence {
            evidence.settle().await?;
        }
        self.context.reached(Point::EvidenceKept);
        tx.commit(&Checkpoint { run: self.context.run.to_owned(), batch: pending.number }).await?;
        self.last_batch = pending.number;
        self.has_advanced |= pending.advances;
        counters.into_iter().for_each(|(table, counter)| self.counters[table] = Some(counter));
        for (table, counts) in &pending.written {
            let outcome = &mut self.outcomes[*table];
            outcome.inserted += counts.inserted;
            outcome.updated += counts.updated;
            outcome.deleted += counts.deleted;
            outcome.moved += counts.moved;
        }
        for load in &pending.loads {
            self.outcomes[load.table].loaded = Some(load.rows.sum);
        }
        for (table, rows) in &pending.held {
            self.outcomes[*table].held += rows;
        }
        for (table, rows) in &pending.taken_out {
            self.outcomes[*table].inserted -= rows;
        }
        self.context.reached(Point::Committed);
        Ok(())
    }

    /// Commits the transaction when its work is done, and undoes it with all that was recorded for it otherwise. One that
    /// came to nothing because of others at work is to be begun anew.
    async fn conclude(
        &mut self,
        tx: Box<dyn Transaction + '_>,
        pending: Pending,
        worked: Result<Attempt>,
    ) -> Result<Attempt> {
        let number = pending.number;
        let worked = match worked {
            Ok(Attempt::Done) => match self.commit(tx, pending).await {
                Ok(()) => {
                    self.collisions = 0;
                    return Ok(Attempt::Done);
                }
                // Nobody knows then whether it is in the target, so what was recorded stays until that is asked.
                Err(error) if !error.is_passing() => return Err(error),
                Err(error) => Err(error),
            },
            worked => {
                drop(tx);
                worked
            }
        };
        match (self.forget(number).await, worked) {
            (Ok(()), Err(error)) if error.is_passing() => self.begin_anew(error).await,
            (Ok(()), worked) => worked,
            // The evidence is worth more than the table: without it nothing may go on.
            (Err(failed), Err(error)) => Err(failed.caused_by(error)),
            (Err(failed), Ok(_)) => Err(failed),
        }
    }

    /// Lets those go on who were in the way. After too many attempts in a row the error stands.
    async fn begin_anew(&mut self, error: Error) -> Result<Attempt> {
        self.collisions += 1;
        if self.collisions >= limits::COLLISIONS_MAX {
            return Err(error);
        }
        let why = error.why_or_usual().unwrap_or_default();
        self.context.events.emit(Event::Note(format!("a transaction is tried again: {why}")));
        self.context.cancel.check()?;
        self.context.clock.sleep(limits::COLLISION_PAUSE * self.collisions).await;
        self.context.cancel.check()?;
        Ok(Attempt::Again)
    }

    async fn forget(&self, number: u64) -> Result<()> {
        if let Some(evidence) = self.context.evidence {
            evidence.forget_batch(number).await?;
        }
        if let Some(ledger) = self.context.ledger {
            ledger.forget_held(number).await?;
        }
        Ok(())
    }

    /// Keeps what must be known of a table before its first change: its columns and its sequence.
    async fn record_table(&self, tx: &mut dyn Transaction, pending: &mut Pending, table: usize) -> Result<()> {
        let target = &self.tables[table].target;
        let sequence = tx.sequence(&target.table.name).await?;
        if target.table.autoincrement {
            pending.found_counter(table, sequence);
        }
        let Some(evidence) = self.context.evidence else { return Ok(()) };
        let columns = target.with_kept().column_names().map(str::to_owned).collect();
        let (name, in_target) = (self.name(table).to_owned(), Some(target.table.name.clone()));
        evidence.record_table(&TableRecord { table: name, in_target, columns, sequence }).await
    }

    fn name(&self, table: usize) -> &'a str {
        &self.tables[table].name
    }

    /// Lays a table's own failure to its account; any other ends the run.
    fn settle(&mut self, tables: &[usize], result: Result<()>) -> Result<()> {
        match result {
            Err(error) if concerns_one_table(error.code()) => {
                let state = "what was committed before is kept, the rest of the table is untouched";
                let place = tables.iter().map(|table| self.name(*table)).collect::<Vec<_>>().join(", ");
                let (first, others) = tables.split_first().expect("BUG: work on no table");
                for other in others {
                    let what = format!(
                        "{} was not written, because it is written together with {}",
                        self.name(*other),
                        self.name(*first)
                    );
                    self.outcomes[*other].error = Some(
                        Error::new(error.code(), what)
                            .about(self.name(*other))
                            .because(error.to_string())
                            .leaving(state),
                    );
                }
                self.outcomes[*first].error =
                    Some(error.about(self.name(*first)).at_if_unsaid(place).leaving_if_unsaid(state));
                Ok(())
            }
            other => other,
        }
    }
}

/// Rows that depend on each other in too long a chain.
fn entangled(table: &str) -> Error {
    let what = format!("rows of {table} that cannot be written hold up others, one after the other, too many times");
    Error::new(Code::TableEntangled, what).next("mend the rows that are refused first", "")
}

/// Whether other tables can be carried although this happened to one.
fn concerns_one_table(code: Code) -> bool {
    matches!(
        code,
        Code::RowRefused
            | Code::UniqueClash
            | Code::TableEntangled
            | Code::TableNotCreated
            | Code::TableDenied
            | Code::TableNoTransactions
            | Code::TableRebuilt
            | Code::TextUnreadable
            | Code::TargetChanged
            | Code::ForeignKeyBroken
            | Code::KeyNull
            | Code::TableNoKey
            | Code::UndoStale
    )
}

/// The sum of the rows a table holds, read through a snapshot of its own.
async fn sum_of(target: &dyn Store, task: &TableTask, cancel: &Cancel) -> Result<TableSum> {
    let mut snapshot = target.snapshot().await?;
    let sums = snapshot.sum(task, Share::ALL).await?;
    sum_rows(sums, cancel, &|_| {}).await
}
