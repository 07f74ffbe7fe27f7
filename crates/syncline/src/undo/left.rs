//! Rows that an undo leaves as they are, and what is said of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use syncline_core::apply::{TableOutcome, TableWork, named_key};
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::state::{HeldRow, Ledger};

/// The ledger of an undo. The run that is taken back stays open until nothing of it is left, so a few names are enough:
/// another undo finds the rest again.
pub(super) struct Left {
    tasks: BTreeMap<String, TableTask>,
    named: Mutex<Vec<Named>>,
}

/// A row, for people.
struct Named {
    batch: u64,
    table: String,
    words: String,
}

impl Left {
    /// For these tables.
    pub(super) fn of(works: &[TableWork]) -> Self {
        let tasks = works.iter().map(|work| (work.name.clone(), work.target.clone())).collect();
        Self { tasks, named: Mutex::default() }
    }

    /// What is said of each table that rows were left of.
    pub(super) fn notes<'w>(&self, done: impl Iterator<Item = (&'w TableWork, &'w TableOutcome)>) -> Vec<String> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notes = Vec::new();
        for (work, outcome) in done {
            let of_table = named.iter().filter(|named| named.table == work.name).map(|named| named.words.clone());
            let before = notes.len();
            notes.extend(of_table);
            let others = (outcome.held + outcome.moved).saturating_sub((notes.len() - before) as u64);
            if others > 0 {
                let (s, are) = if others == 1 { ("", "is") } else { ("s", "are") };
                notes.push(format!("{others} more row{s} of {} {are} left", work.name));
            }
        }
        notes
    }
}

#[async_trait]
impl Ledger for Left {
    async fn hold(&self, batch: u64, table: &str, _columns: &[String], rows: Vec<HeldRow>) -> Result<()> {
        let Some(task) = self.tasks.get(table) else { return Ok(()) };
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let is_named = named.iter().filter(|named| named.table == table).count();
        let room = limits::SAMPLE_ROWS.saturating_sub(is_named);
        named.extend(rows.iter().take(room).map(|row| Named {
            batch,
            table: table.to_owned(),
            words: format!("{} is left: {}", named_key(task, &row.key), row.words),
        }));
        Ok(())
    }

    async fn forget_held(&self, batch: u64) -> Result<()> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|named| named.batch != batch);
        Ok(())
    }

    async fn seal_held(&self, batch: u64) -> Result<()> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|named| named.batch <= batch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncline_core::apply::Action;
    use syncline_core::change::{Mapped, Operation, Reason};
    use syncline_core::schema::{Column, Generated, TableSchema};
    use syncline_core::value::{Coercion, Forms, Kind, ValueRef, exact};

    use super::*;

    fn row(id: i64) -> HeldRow {
        HeldRow {
            operation: Operation::Delete,
            key: exact::encode_row([ValueRef::Int(id)]),
            reason: Reason::ForeignKey,
            words: "why".to_owned(),
            source: None,
            target: None,
            awaits: Vec::new(),
        }
    }

    #[tokio::test]
    async fn some_are_named_and_the_others_counted() {
        let columns = vec![Column {
            name: "id".to_owned(),
            declared_type: String::new(),
            kind: Kind::Flexible(Coercion::None),
            nullable: true,
            default: None,
            collation: String::new(),
            generated: Generated::No,
            expression: None,
        }];
        let table = Arc::new(TableSchema { name: "t".to_owned(), columns, ..TableSchema::default() });
        let task =
            TableTask { table, columns: vec![0], key: vec![0], mapped: Mapped::default(), forms: Forms::default() };
        let (source, target, action) = (task.clone(), task, Action::Differences);
        let work = TableWork { name: "t".to_owned(), source, target, action, puts: 0, deletes: 9, sequence: None };
        let left = Left::of(std::slice::from_ref(&work));
        left.hold(1, "t", &[], vec![row(1)]).await.unwrap();
        left.forget_held(1).await.unwrap();
        left.hold(2, "t", &[], (2..9).map(row).collect()).await.unwrap();
        let outcome = TableOutcome { held: 6, moved: 1, ..TableOutcome::default() };
        let notes = left.notes([(&work, &outcome)].into_iter());
        assert_eq!(notes.len(), limits::SAMPLE_ROWS + 1, "{notes:?}");
        assert_eq!((&*notes[0], &*notes[5]), ("row id=2 of t is left: why", "2 more rows of t are left"));
    }
}
