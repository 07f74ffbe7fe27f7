//! Taking a whole table from another SQLite file, row by row as it is stored.
//!
//! `INSERT … SELECT *` between two tables of one definition moves records from tree to tree without decoding them, which
//! is more than twice as fast as binding values. SQLite does so only without a condition, a list of columns, triggers,
//! foreign-key enforcement or indexes that the other table lacks: hence a table that was just created, whose indexes
//! come afterwards.
//!
//! The other file is attached to the writing connection, in the open transaction. It is only read there: nothing of it is
//! named but the one table, and a transaction that is begun while it is attached would lock it, so it is let go at the
//! end of each.

use futures_util::StreamExt;
use rusqlite::Connection;
use syncline_core::error::Result;
use syncline_core::schema::TableSchema;
use syncline_core::store::SharedView;

use crate::sqlite::ENGINE;
use crate::sqlite::connect::failure::{Attempt, Doing};
use crate::sqlite::snapshot::select;
use crate::sqlite::thread::ConnectionThread;

/// What the other file is called while it is attached.
const SOURCE: &str = "_syncline_source";

/// Fills the table from the one of the same definition in the view's database. `None` when that database cannot be
/// attached or is not as the view shows it: nothing was written then.
pub(in crate::sqlite) async fn adopt(
    thread: &ConnectionThread,
    table: &TableSchema,
    view: &dyn SharedView,
) -> Result<Option<u64>> {
    let Some(path) = view.path().to_str().filter(|_| view.engine() == ENGINE).map(str::to_owned) else {
        return Ok(None);
    };
    let is_attached = thread.call(Doing::Writing, move |conn| Ok(attach(conn, &path).is_ok())).await?;
    // Asked only now: this connection's view of the other file has begun, and nothing can slip in between any more.
    if !is_attached || !view.is_current().await? {
        return Ok(None);
    }
    let name = select::quoted(&table.name)?;
    let sql = format!("INSERT INTO {} SELECT * FROM {SOURCE}.{name}", select::table(&table.name)?);
    // A stream, because dropping it stops the statement.
    let mut counts = thread.stream(Doing::Writing, move |conn, outlet| {
        outlet.send(conn.execute(&sql, [])? as u64);
        Ok(())
    });
    counts.next().await.transpose()
}

/// Ends what [`adopt`] has begun, outside a transaction. Does nothing where it has not.
pub(in crate::sqlite) fn let_go(conn: &Connection) -> Attempt<()> {
    if is_attached(conn)? {
        conn.execute_batch(&format!("DETACH {SOURCE}"))?;
    }
    Ok(())
}

/// Attaches the file and takes a view of it, which lasts as long as the transaction. Fails for a file that stores text in
/// another encoding.
fn attach(conn: &Connection, path: &str) -> Attempt<()> {
    if !is_attached(conn)? {
        conn.execute(&format!("ATTACH ?1 AS {SOURCE}"), [path])?;
    }
    Ok(conn.query_row(&format!("SELECT count(*) FROM {SOURCE}.sqlite_schema"), [], |_| Ok(()))?)
}

fn is_attached(conn: &Connection) -> Attempt<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_database_list WHERE name = ?1)";
    Ok(conn.prepare_cached(sql)?.query_row([SOURCE], |row| row.get(0))?)
}
