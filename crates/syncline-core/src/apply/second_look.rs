//! A second look at rows that were left out, once all others are known: what was missing may be there after all, because
//! its delete was left out later, and what was in the way may be gone.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;

use super::holds::Attempt;
use super::left_out::{Cause, LeftOut, key_form, key_form_of};
use super::rivals::{is_huge, unreadable};
use super::{Applier, TableWork};
use crate::change::{Mapped, Reason, TableTask};
use crate::error::Result;
use crate::limits;
use crate::schema::ForeignKey;
use crate::store::Transaction;
use crate::value::{Row, RowBatch, exact};

impl Applier<'_> {
    /// For a transaction that could be committed as it is: rows that nothing keeps out any more are tried again with the
    /// transaction.
    pub(super) async fn look_again(&mut self, tx: &mut dyn Transaction, tables: &[usize]) -> Result<Attempt> {
        let mut attempt = Attempt::Done;
        for table in tables.iter().copied() {
            let left_out = &self.left_out[table];
            let is_over = left_out.puts().is_empty() || left_out.looks >= limits::SECOND_LOOKS_MAX;
            if is_over || self.tables[table].target.is_multiset() {
                continue;
            }
            let freed = self.freed(tx, table).await?;
            if self.left_out[table].let_in(freed) {
                attempt = Attempt::Anew;
            }
        }
        Ok(attempt)
    }

    /// Rows that were left out and could be written now, by the form of their keys.
    async fn freed(&mut self, tx: &mut dyn Transaction, table: usize) -> Result<Vec<Vec<u8>>> {
        let left_out = &self.left_out[table];
        // What awaits no row is itself referenced by rows that stay.
        let may_pass = |cause: &Cause| match cause.reason {
            Reason::Unique => true,
            Reason::ForeignKey => !cause.awaits.is_empty(),
            _ => false,
        };
        let asked = left_out.puts().values().filter(|(_, cause)| may_pass(cause));
        let mut asked: Vec<Vec<u8>> = asked.map(|(key, _)| key.clone()).collect();
        // In an order that is the same each time.
        asked.sort_unstable();
        let mut freed = Vec::new();
        for keys in asked.chunks(self.context.batch_rows.max(1)) {
            self.context.cancel.check()?;
            self.add_freed(tx, table, keys, &mut freed).await?;
        }
        Ok(freed)
    }

    async fn add_freed(
        &mut self,
        tx: &mut dyn Transaction,
        table: usize,
        asked: &[Vec<u8>],
        freed: &mut Vec<Vec<u8>>,
    ) -> Result<()> {
        let Self { tables, source, schema, .. } = self;
        let work = &tables[table];
        let mut keys = RowBatch::new(work.source.key_width());
        for key in asked {
            keys.push_row(exact::decode_row(key).map_err(unreadable)?)?;
        }
        let mut batches = source.by_keys(&work.source, &keys).await?;
        while let Some(rows) = batches.next().await.transpose()? {
            if is_huge(&rows) {
                continue;
            }
            let mut is_free: Vec<bool> = tx.rivals(&work.target, &rows).await?.iter().map(Vec::is_empty).collect();
            for foreign_key in &work.target.table.foreign_keys {
                let parent = schema.table(&foreign_key.parent).map(|parent| TableTask::whole(parent.clone()));
                let Some(reference) = parent.and_then(|parent| Reference::new(work, parent, foreign_key)) else {
                    // It is not known whether what they need is there.
                    is_free.fill(false);
                    break;
                };
                reference.check(tx, &rows, &mut is_free).await?;
            }
            let rows = rows.rows().zip(is_free).filter(|(_, is_free)| *is_free);
            freed.extend(rows.map(|(row, _)| key_form(row.select(&work.source.key))));
        }
        Ok(())
    }
}

/// A reference to some columns of a table, its key or others that are unique.
struct Reference {
    /// These columns of the parent, as its key, and nothing else of it.
    parent: TableTask,
    /// Where in a row of the child the cells for them are.
    cells: Vec<usize>,
    /// Where the columns themselves are, if the table references itself: a row may reference itself.
    own_key: Option<Vec<usize>>,
}

impl Reference {
    fn new(child: &TableWork, parent: TableTask, foreign_key: &ForeignKey) -> Option<Self> {
        let is_own = parent.table.is_called(&child.target.table.name);
        let cell = |name: &String| child.target.column_names().position(|column| column.eq_ignore_ascii_case(name));
        let cells: Vec<usize> = foreign_key.columns.iter().map(cell).collect::<Option<_>>()?;
        let own_key = match is_own {
            true => Some(foreign_key.parent_columns.iter().map(cell).collect::<Option<_>>()?),
            false => None,
        };
        let column = |name: &String| parent.table.column(name);
        let columns: Vec<usize> = foreign_key.parent_columns.iter().map(column).collect::<Option<_>>()?;
        if columns.len() != cells.len() {
            return None;
        }
        let key = (0..columns.len()).collect();
        // Keys to look for are cells of the child.
        let forms = child.target.forms.select(&cells);
        let parent = TableTask { table: parent.table, columns, key, mapped: Mapped::default(), forms };
        Some(Self { parent, cells, own_key })
    }

    /// Rows whose parent is not there are not free.
    async fn check(&self, tx: &mut dyn Transaction, rows: &RowBatch, is_free: &mut [bool]) -> Result<()> {
        let is_needed = |row: &Row<'_>| self.needs(row);
        let mut keys = RowBatch::new(self.cells.len());
        rows.rows().filter(is_needed).try_for_each(|row| keys.push_row(row.select(&self.cells)))?;
        let mut there = HashSet::new();
        while !keys.is_empty() {
            let seen = tx.rows(&self.parent, &keys).await?;
            keys.drop_front(seen.keys);
            there.extend(seen.rows.rows().map(|row| key_form(row.iter())));
        }
        for (row, is_free) in rows.rows().zip(is_free) {
            *is_free &= !self.needs(&row) || there.contains(&key_form(row.select(&self.cells)));
        }
        Ok(())
    }

    /// Whether the row references another one.
    fn needs(&self, row: &Row<'_>) -> bool {
        let is_whole = row.select(&self.cells).all(|cell| !cell.is_null());
        let wanted = || key_form(row.select(&self.cells));
        is_whole && self.own_key.as_ref().is_none_or(|own| key_form(row.select(own)) != wanted())
    }
}

impl LeftOut {
    /// Lets rows in again. Tells whether there are any. The first time those alone that nothing keeps out: one of them may
    /// keep a value that others have waited for. Later those too that wait for them, and so on, because such chains may be
    /// long.
    fn let_in(&mut self, mut freed: Vec<Vec<u8>>) -> bool {
        if freed.is_empty() {
            return false;
        }
        let follows = self.looks > 0;
        self.looks += 1;
        let mut waiting = HashMap::<Vec<u8>, Vec<Vec<u8>>>::new();
        for (form, (_, cause)) in self.puts().iter().filter(|(_, (_, cause))| follows && cause.reason == Reason::Unique)
        {
            for awaited in &cause.awaits {
                waiting.entry(key_form_of(&awaited.values)).or_default().push(form.clone());
            }
        }
        while let Some(form) = freed.pop() {
            freed.extend(waiting.remove(&form).into_iter().flatten());
            self.readmit(&form);
        }
        true
    }
}
