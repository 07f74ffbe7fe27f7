//! The targets that rows are held for.

use rusqlite::params;
use syncline_core::error::Result;

use super::{FROM, State, WHERE, bind};
use crate::conflicts::{ConflictFilter, HeldTarget};
use crate::state::run_record::to_count;

/// Tables of the ledger and their names: those of a target that has the label ?1, and of the one known as ?2. Where no label is
/// that, those are meant that end with it: lists show the last part of a path. A target that was called differently by several
/// runs is one target.
pub(super) const TABLES: &str = "WITH held(identity, label) AS ( \
         SELECT held.target_identity, run.target FROM conflict JOIN ledger_table AS held ON held.id = conflict.table_id \
         JOIN run ON run.id = conflict.last_run) \
     SELECT id, name FROM ledger_table \
     WHERE (?1 IS NULL OR target_identity IN (SELECT identity FROM held WHERE label = ?1) \
         OR (NOT EXISTS (SELECT 1 FROM held WHERE label = ?1) \
             AND target_identity IN ( \
                 SELECT identity FROM held WHERE substr(label, -length(?1) - 1) IN ('/' || ?1, '\\' || ?1)))) \
     AND (?2 IS NULL OR target_identity = ?2)";

impl State {
    /// The targets of the entries that the filter lets through, by their labels.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when the filter names a run that is not recorded.
    pub async fn held_targets(&self, filter: &ConflictFilter) -> Result<Vec<HeldTarget>> {
        let filter = self.with_run(filter).await?;
        // Of a group with one max(), SQLite takes the other columns from the row that has it.
        let select = format!(
            "SELECT last.target, last.id, count(*), ledger_table.target_identity, max(conflict.sequence) {FROM} \
             WHERE {WHERE} GROUP BY ledger_table.target_identity ORDER BY 1, 2"
        );
        self.database
            .read("look up held rows", move |connection| {
                let bound = bind(connection, &filter)?;
                let mut statement = connection.prepare_cached(&select)?;
                let values = params![bound.is_open, bound.reasons, bound.tables, bound.run];
                let targets = statement.query_map(values, |row| {
                    Ok(HeldTarget {
                        label: row.get(0)?,
                        run: row.get(1)?,
                        rows: to_count(row.get(2)?),
                        identity: row.get(3)?,
                    })
                })?;
                Ok(targets.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}
