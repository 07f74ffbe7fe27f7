//! What an engine brings to the suite.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::store::Store;
use syncline_core::value::Value;

/// Makes labs; every call makes a fresh one.
pub type Factory<'a> = &'a dyn Fn() -> Box<dyn Lab>;

/// One fresh, empty database, seen from both sides: through the store under test, and as any other program sees it.
///
/// What the other program inserts is held against no foreign key, so that checks can write references that point at
/// nothing. It waits for locks that the store holds, for as long as an application would. Whatever the engine refuses to
/// it is a mistake of the suite, so its methods panic.
#[async_trait]
pub trait Lab: Send + Sync {
    /// Opens the database with the store under test; every call opens the same database anew.
    async fn open(&self) -> Arc<dyn Store>;

    /// Another program runs one or more statements and commits them.
    async fn run_sql(&self, sql: &str);

    /// Another program inserts rows with values for all columns of a table, in one transaction, in the given order.
    async fn insert(&self, table: &str, rows: &[Vec<Value>]);

    /// Another program reads.
    async fn query(&self, sql: &str) -> Vec<Vec<Value>>;

    /// Another program begins to write and keeps everybody else from writing to any table, until what is returned is
    /// dropped. Reading goes on.
    async fn hold_lock(&self) -> Box<dyn Send>;

    /// Another program runs one or more statements and has not committed them yet.
    async fn begin(&self, sql: &str) -> Box<dyn Pending>;

    /// The engine's names of the types that the suite's tables use.
    fn types(&self) -> Types;

    /// Where engines are not alike.
    fn traits(&self) -> Traits;

    /// The engine's SQL for what differs too much between engines. `None` when the engine has no such thing; the
    /// promises about it then hold.
    fn sql(&self, fixture: Fixture) -> Option<String>;

    /// Column types, and different values that such a column holds unchanged: between them every kind of value the engine
    /// has, with the extremes of each. Some need [`Fixture::SampleTypes`].
    fn sample_values(&self) -> Vec<(&'static str, Vec<Value>)>;

    /// Whether a column of one of these types can be a key, all of it.
    fn can_be_key(&self, _column: &str) -> bool {
        true
    }
}

/// What another program has written and not committed. Dropped, it is undone.
#[async_trait]
pub trait Pending: Send {
    /// Commits it.
    async fn commit(self: Box<Self>);
}

/// What an engine does, or cannot do, in a way of its own. A promise about what it cannot do then holds.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// One program writes at a time, to whichever table: a transaction waits for that right as it begins. Elsewhere it
    /// waits as it comes to the tables and rows that others have locked.
    pub one_writer: bool,
    /// Two views have the same position if nobody has committed between them. Elsewhere they may differ all the same.
    pub tells_positions: bool,
    /// The numbers that a table gives out follow those that rows bring with them, as each view shows them. Elsewhere they
    /// are counted apart, and in no view.
    pub counts_given_numbers: bool,
    /// What is unique is an index, and nothing besides: whoever asks for the one gets the other.
    pub constraints_are_indexes: bool,
    /// The number that a table has given out last never stands before one that a row of it has, whatever it is set to.
    pub counts_from_rows: bool,
    /// A row without a key has a place by which a writer tells it from others like it. Elsewhere the engine keeps that to itself:
    /// a place holds within a view, and a writer takes any row that is like the one that is meant, for there is no difference.
    pub tells_copies_apart: bool,
    /// A writer can keep the application's triggers from firing.
    pub silences_triggers: bool,
    /// What a copy of the database holds can be put back. Elsewhere copies are made, and a restore is refused.
    pub restores: bool,
}

/// An engine's names of types: what stands for `$int`, `$text`, `$real`, `$bytes` and `$short_bytes` in the suite's
/// statements.
#[derive(Clone, Copy, Debug)]
pub struct Types {
    /// A 64-bit integer; as the only key column, the cheapest key the engine has.
    pub int: &'static str,
    /// Text that can be a key and is compared by bytes.
    pub text: &'static str,
    /// An IEEE 754 double.
    pub real: &'static str,
    /// Bytes, 100 MB of them at least.
    pub bytes: &'static str,
    /// Bytes that can be a key and are compared one by one.
    pub short_bytes: &'static str,
}

impl Types {
    /// A statement with the engine's names of types in it.
    pub fn fill(&self, sql: &str) -> String {
        sql.replace("$int", self.int)
            .replace("$text", self.text)
            .replace("$real", self.real)
            .replace("$bytes", self.bytes)
            .replace("$short_bytes", self.short_bytes)
    }
}

/// What every engine says in its own words, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixture {
    /// A query for everything the schema holds, whoever made it, in a fixed order: kinds, names and definitions.
    Objects,
    /// A table `labels (label, n)` whose text key `label` the engine compares without regard to case, or by another
    /// rule that is not the order of bytes. Keys that differ in case only are not put in.
    OtherCollation,
    /// A table `mixed (k, n)` whose key takes integers, doubles, text and bytes.
    MixedKey,
    /// A table `loose (k, n)` whose primary key `k`, a text, lets NULL in.
    NullableKey,
    /// A table `clustered (code, n)` that is stored by its text key, without row numbers.
    Clustered,
    /// Tables `audited (id, n)` and `audit (what)`, and six triggers that add a row to `audit` before and after every
    /// insert, update and delete of `audited`. Their names, and those of routines they may need, begin with `audited_`.
    Audit,
    /// A table `tickets (id, n)` with a key that the engine gives out from 1 on and never gives out again.
    Tickets,
    /// A table `shipments (id, order_id)` whose `order_id` references `orders` without naming its column.
    ImplicitReference,
    /// A query for row number, `code`, `seat` and `note` of all rows of the table `seats`, in the order of row numbers.
    /// Only for row numbers that stay when a row changes, and that a row can be given again.
    SeatNumbers,
    /// Types that [`Lab::sample_values`] use and that have to be created first.
    SampleTypes,
}
