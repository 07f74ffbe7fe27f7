//! Dropping tables, where nothing of others hangs on them.

use mysql_async::Row;
use syncline_core::error::{Code, Error, Result};

use super::Definer;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{cell, quoted};
use crate::mysql::write::open::Open;
use crate::mysql::write::pending::{LEAVING, Step};

const TRIGGERS: &str = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS \
    WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ? ORDER BY TRIGGER_NAME";

/// Those in other databases with the names of these.
const REFERENCES: &str = "SELECT IF(TABLE_SCHEMA = DATABASE(), TABLE_NAME, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)) AS child \
    FROM information_schema.KEY_COLUMN_USAGE \
    WHERE REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ? ORDER BY child";

/// Views that name the table: what they are is kept with all names in quotes.
const VIEWS: &str = "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()";

/// Empties a table, and has it dropped behind the commit if it is empty still. What others have built on it keeps it there:
/// references, views and triggers.
///
/// # Errors
/// `UNDO_STALE`, naming what uses it.
pub(super) async fn drop_table(open: &mut Open<'_>, table: &str) -> Result<()> {
    let definer = Definer { catalog: open.catalog };
    if !definer.exists(table).await? {
        return Err(Error::new(Code::StoreFailed, format!("there is no table {table} any more")));
    }
    let used = used(open, table).await.map_err(|failure| definer.error(failure))?;
    if let Some(why) = used {
        return Err(in_use(table, &why));
    }
    open.leaving.insert(table.to_owned());
    let emptied = open.session.run(format!("DELETE FROM {}", quoted(table)?)).await;
    open.session.said(emptied.map_err(|failure| failure.while_at(table)))?;
    let hidden = format!("{LEAVING}{}", open.steps.len() + 1);
    open.steps.push(Step::Drop { name: table.to_owned(), hidden });
    Ok(())
}

/// What of others needs a table.
async fn used(open: &Open<'_>, table: &str) -> Attempt<Option<String>> {
    let line = &open.catalog.line;
    if let Some(trigger) = names(&line.exec(TRIGGERS, (table,)).await?)?.first() {
        return Ok(Some(format!("the trigger {trigger} stands on it")));
    }
    let children = names(&line.exec(REFERENCES, (table,)).await?)?;
    if let Some(child) = children.iter().find(|child| *child != table && !open.leaving.contains(*child)) {
        return Ok(Some(format!("rows of {child} may reference it")));
    }
    let written = quoted(table)?;
    for row in &line.query(VIEWS).await? {
        // Where the user may not see what a view is, nobody can tell.
        let definition: String = cell::<Option<String>>(row, 1)?.unwrap_or_default();
        if definition.contains(&format!(".{written}")) {
            return Ok(Some(format!("the view {} reads it", cell::<String>(row, 0)?)));
        }
    }
    Ok(None)
}

fn names(rows: &[Row]) -> Result<Vec<String>> {
    rows.iter().map(|row| cell(row, 0)).collect()
}

fn in_use(table: &str, why: &str) -> Error {
    Error::new(Code::UndoStale, format!("{table}, which the run has made, is used by others since"))
        .because(why)
        .leaving("the table is untouched")
        .next("drop what uses it, and undo the same run again", "the table goes then")
}
