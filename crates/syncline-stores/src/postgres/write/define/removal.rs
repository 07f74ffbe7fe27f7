//! Dropping a table, where nothing of others hangs on it.

use syncline_core::error::{Code, Error, Result};

use super::Definer;

/// Drops a table, but not what others have built on it: the server refuses where a view or a reference needs it, and a
/// trigger would go without a word.
///
/// # Errors
/// `UNDO_STALE`, naming what uses it.
pub(super) async fn drop_table(definer: &Definer<'_>, table: &str) -> Result<()> {
    let place = definer.place(table).await?.quoted()?;
    let query = "SELECT min(tgname::text) FROM pg_trigger WHERE tgrelid = to_regclass($1) AND NOT tgisinternal";
    if let Some(trigger) = definer.ask::<Option<String>>(query, &[&place]).await? {
        return Err(in_use(table, &format!("the trigger {trigger} stands on it")));
    }
    // The transaction goes on when the server refuses.
    let client = &definer.connection.client;
    let drop = format!("SAVEPOINT _syncline_drop; DROP TABLE {place}; RELEASE SAVEPOINT _syncline_drop");
    let Err(error) = client.batch_execute(&drop).await else { return Ok(()) };
    let back = "ROLLBACK TO SAVEPOINT _syncline_drop; RELEASE SAVEPOINT _syncline_drop";
    client.batch_execute(back).await.map_err(|error| definer.error(error))?;
    Err(match error.as_db_error() {
        Some(said) if *said.code() == tokio_postgres::error::SqlState::DEPENDENT_OBJECTS_STILL_EXIST => {
            in_use(table, said.detail().unwrap_or(said.message()))
        }
        _ => definer.error(error),
    })
}

fn in_use(table: &str, why: &str) -> Error {
    Error::new(Code::UndoStale, format!("{table}, which the run has made, is used by others since"))
        .because(why)
        .leaving("the table is untouched")
        .next("drop what uses it, and undo the same run again", "the table goes then")
}
