//! Which rows have the unique values that another row is to get.
//!
//! SQLite itself is asked, inside a savepoint that is taken back: an insert that would clash does nothing to the row in its
//! way and returns its key. So whatever makes values unique counts, conditions, expressions and collations included.

use rusqlite::{CachedStatement, Connection};
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Row, RowBatch, exact};

use super::row::RowWriter;
use crate::sqlite::bulk;
use crate::sqlite::connect::failure::{Attempt, Failure};
use crate::sqlite::snapshot::seen::Seen;
use crate::sqlite::snapshot::select::{self, Finder};
use crate::sqlite::types::bind::Binder;
use crate::sqlite::types::forms::Form;
use crate::sqlite::types::{self, Encoding};

/// For each row, the keys of the others that have a unique value of it, in the exact encoding.
pub(super) fn find(conn: &Connection, task: &TableTask, rows: &RowBatch) -> Attempt<Vec<Vec<Vec<u8>>>> {
    if task.is_multiset() {
        return Ok(vec![Vec::new(); rows.len()]);
    }
    let whole = task.with_kept();
    let mut search = Search::new(conn, task, &whole)?;
    conn.execute_batch("SAVEPOINT _syncline_rivals")?;
    let mut rivals = Vec::with_capacity(rows.len());
    for row in rows.rows() {
        let found = search.rivals(row);
        conn.execute_batch("ROLLBACK TO _syncline_rivals")?;
        rivals.push(found?);
    }
    conn.execute_batch("RELEASE _syncline_rivals")?;
    Ok(rivals)
}

struct Search<'c> {
    conn: &'c Connection,
    task: &'c TableTask,
    whole: &'c TableTask,
    finder: Finder<'c>,
    writer: RowWriter<'c>,
    binder: Binder,
    /// As what the keys of rivals are seen.
    seen: Option<Seen>,
}

impl<'c> Search<'c> {
    fn new(conn: &'c Connection, task: &'c TableTask, whole: &'c TableTask) -> Attempt<Self> {
        let encoding = Encoding::of(conn)?;
        let finder = Finder::new(conn, whole, select::hidden_rowid(&task.table), encoding)?;
        let (writer, binder) = (RowWriter::new(conn, whole, encoding), Binder::of(task, encoding));
        Ok(Self { conn, task, whole, finder, writer, binder, seen: Form::of_key(task).map(Seen::in_forms) })
    }

    /// One row after the other leaves that is in the way, until none is.
    fn rivals(&mut self, row: Row<'_>) -> Attempt<Vec<Vec<u8>>> {
        let mut wanted = RowBatch::new(self.task.columns.len());
        let mut task = self.task;
        if self.finder.find(|| row.select(&self.task.key))? {
            self.writer.delete(row.select(&self.task.key), self.finder.rowid())?;
            // What is not carried stays as it is.
            task = self.whole;
            wanted = RowBatch::new(task.columns.len());
            wanted.push_row(row.iter().chain(self.finder.row().iter().skip(row.iter().count())))?;
        } else {
            wanted.push_row(row.iter())?;
        }
        let mut insert = self.conn.prepare_cached(&insert(task)?)?;
        let mut rivals = Vec::new();
        while let Some(rival) = self.rival(&mut insert, wanted.row(0))? {
            let key = exact::encode_row(rival.row(0).iter());
            let is_own = compare_keys(rival.row(0).iter(), row.select(&self.task.key)).is_eq();
            if is_own || rivals.contains(&key) || !self.finder.find(|| rival.row(0).iter())? {
                break;
            }
            self.writer.delete(rival.row(0).iter(), self.finder.rowid())?;
            rivals.push(key);
        }
        Ok(rivals)
    }

    /// The key that the insert returns: that of the row in the way, or the row's own. Nothing when the row is refused for
    /// another reason.
    fn rival(&mut self, insert: &mut CachedStatement<'_>, row: Row<'_>) -> Attempt<Option<RowBatch>> {
        let mut key = RowBatch::new(self.task.key.len());
        let bound = self.binder.bind_row(insert, 1, row.iter());
        let inserted = bound.and_then(|()| {
            let mut returned = insert.raw_query();
            while let Some(row) = returned.next().map_err(Failure::of_row(&self.task.table.name))? {
                match &mut self.seen {
                    None => types::push_row(&mut key, row)?,
                    Some(seen) => seen.push_row(&mut key, types::cells(row, self.task.key.len()))?,
                }
            }
            Ok(())
        });
        match inserted {
            Ok(()) => Ok((!key.is_empty()).then_some(key)),
            Err(failure) => failure.refusal().map(|_| None),
        }
    }
}

fn insert(task: &TableTask) -> Result<String> {
    let key: Vec<String> = select::key_names(task).map(select::quoted).collect::<Result<_>>()?;
    let same = format!("{0} = {0}", key.first().map_or("", String::as_str));
    Ok(format!("{} ON CONFLICT DO UPDATE SET {same} RETURNING {}", bulk::insert(task, None)?, key.join(", ")))
}
