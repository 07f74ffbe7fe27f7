//! Temporary tables that rows are sent to before anything is done with them, numbered in the order they came.
//!
//! Each has columns of the target's own names and types, so that what the target would not take is found as the rows
//! arrive. It is made anew for each batch: rows that were deleted would stay in its way until the transaction ends. No
//! statement uses one of them twice, which MySQL does not allow.

use syncline_core::change::{Reason, TableTask};
use syncline_core::value::RowBatch;

use super::sender::Sender;
use super::session::{Session, bug};
use super::target::Target;
use crate::fitted::Fitted;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::types;
use crate::refused::Refused;

/// The column of a row's number.
pub(in crate::mysql) const NUMBER: &str = "_syncline_n";

/// What is said of a value that its column would change.
const BENT: &str = "the type of a column would write its value otherwise: cut, rounded or in another notation";

/// The temporary table for rows with values for certain columns.
#[derive(Clone, Debug)]
pub(in crate::mysql) struct Stage {
    /// By position in the schema.
    pub(in crate::mysql) columns: Vec<usize>,
    table: String,
}

impl Stage {
    /// One that is made once it is filled.
    pub(in crate::mysql) fn new(session: &Session, columns: &[usize]) -> Self {
        Self { columns: columns.to_vec(), table: session.temporary_name() }
    }

    /// Sends rows, in the place of those that were there, and returns those that cannot be kept.
    pub(in crate::mysql) async fn fill(
        &self,
        session: &Session,
        (task, target): (&TableTask, &Target),
        rows: &RowBatch,
    ) -> Attempt<(Fitted, Vec<Refused>)> {
        let fitted = Fitted::by(types::fitter(task, &self.columns), rows)?;
        let mut refused: Vec<Refused> =
            fitted.misfits.iter().map(|(number, why)| (*number, (Reason::Type, why.clone()))).collect();
        self.make(session, target).await?;
        let mut numbers = fitted.numbers();
        let sender = Sender::new(session, (&target.name, &self.table), Some(NUMBER), target.sent(&self.columns));
        let bad = sender.send(&fitted.rows, &numbers).await?;
        numbers.retain(|number| bad.iter().all(|(other, _)| other != number));
        refused.extend(bad);
        refused.extend(self.bent(session, target, &fitted, &numbers).await?);
        Ok((fitted, refused))
    }

    async fn make(&self, session: &Session, target: &Target) -> Attempt<()> {
        let columns = target.columns(&self.columns);
        let columns: String = columns.map(|column| format!(", {} {} NULL", column.name, column.type_name)).collect();
        let table = &self.table;
        session.run(format!("DROP TEMPORARY TABLE IF EXISTS {table}")).await?;
        let sql = format!(
            "CREATE TEMPORARY TABLE {table} ({NUMBER} int unsigned NOT NULL PRIMARY KEY{columns}) ENGINE = InnoDB"
        );
        session.run(sql).await.map(drop)
    }

    /// Rows with a value that its type writes otherwise than it was given. Such a value would differ from the one it came
    /// from for ever.
    async fn bent(
        &self,
        session: &Session,
        target: &Target,
        fitted: &Fitted,
        numbers: &[u32],
    ) -> Attempt<Vec<Refused>> {
        let asked: Vec<usize> = (0..self.columns.len()).filter(|at| target.column(self.columns[*at]).is_bent).collect();
        if asked.is_empty() || numbers.is_empty() {
            return Ok(Vec::new());
        }
        let columns: Vec<usize> = asked.iter().map(|at| self.columns[*at]).collect();
        let (rows, order) = self.read(session, target, &columns).await?;
        let is_bent = |number: u32, row: usize| {
            let (given, kept) = (fitted.rows.row(number as usize), rows.row(row));
            asked.iter().enumerate().any(|(at, column)| kept.get(at) != given.get(*column))
        };
        let bent = order.iter().enumerate().filter(|(row, number)| is_bent(**number, *row));
        Ok(bent.map(|(_, number)| (*number, (Reason::Type, BENT.to_owned()))).collect())
    }

    /// What the stage holds in these columns, and the numbers of the rows.
    pub(in crate::mysql) async fn read(
        &self,
        session: &Session,
        target: &Target,
        columns: &[usize],
    ) -> Attempt<(RowBatch, Vec<u32>)> {
        let query = format!(
            "SELECT {}, s.{NUMBER} FROM {} ORDER BY s.{NUMBER} LOCK IN SHARE MODE",
            target.listed("s.", columns),
            self.relation()
        );
        let mut codecs = target.codecs(columns);
        codecs.push(Codec::Int);
        let rows = session.rows(query, &codecs).await?;
        let number = |row: syncline_core::value::Row<'_>| number(row.get(columns.len()));
        let order = rows.rows().map(number).collect::<Attempt<_>>()?;
        Ok((rows, order))
    }

    /// The rows as a relation `s`.
    pub(in crate::mysql) fn relation(&self) -> String {
        format!("{} AS s", self.table)
    }

    /// Which rows of the table `t` have the key of one of `s`, as the server compares them. It may take others for the same.
    pub(in crate::mysql) fn same_key(&self, target: &Target, key: &[usize]) -> String {
        target.same(key, "t", "s")
    }
}

/// The number of a staged row.
pub(in crate::mysql) fn number(cell: syncline_core::value::ValueRef<'_>) -> Attempt<u32> {
    match cell {
        syncline_core::value::ValueRef::Int(number) => u32::try_from(number).map_err(|_| bug("a row without a number")),
        _ => Err(bug("a number was asked for")),
    }
}
