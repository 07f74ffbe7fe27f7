//! Dropping tables, where nothing of others hangs on them.

use syncline_core::error::{Code, Error, Result};

use super::Definer;

/// Drops the references between these tables and no other, so that they can go one after the other.
pub(super) async fn drop_references_among(definer: &Definer<'_>, tables: &[String]) -> Result<()> {
    let mut places = Vec::new();
    for table in tables {
        places.push(definer.place(table).await?.quoted()?);
    }
    // The server writes the names of tables as they are found in this session, which is with their schema.
    let query = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint \
        WHERE contype = 'f' AND conparentid = 0 AND conrelid <> confrelid \
        AND ARRAY[conrelid, confrelid] <@ ARRAY(SELECT to_regclass(place)::oid FROM unnest($1::text[]) AS place) ORDER BY 1";
    let rows = definer.connection.client.query(query, &[&places]).await.map_err(|error| definer.error(error))?;
    for row in rows {
        let statement: &str = row.try_get(0).map_err(|error| definer.error(error))?;
        definer.run(statement).await?;
    }
    Ok(())
}

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
