//! What a run writes to a tracked table. The application's triggers do not fire then, and with them none of ours, so the run's
//! changes are entered into the log as they are made, with their origin.

use std::collections::BTreeSet;

use rusqlite::Connection;
use syncline_core::change::{Image, TableTask};
use syncline_core::error::{Code, Error};
use syncline_core::value::{ValueRef, exact};

use super::catalog::{self, TRACKED, Tracked};
use super::triggers::{NOW, others};
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select::quoted;
use crate::sqlite::types::Encoding;
use crate::sqlite::types::bind::bind;

/// Enters the rows that were written, of which these are the before-images.
pub(in crate::sqlite) fn log(conn: &Connection, task: &TableTask, images: &[Image], origin: &str) -> Attempt<()> {
    if images.is_empty() || catalog::store(conn)?.is_none() {
        return Ok(());
    }
    let Some(tracked) = tracked(conn, &task.table.name)? else { return Ok(()) };
    let whole = task.with_kept();
    let names: Vec<&str> = whole.column_names().collect();
    let at = |name: &str| names.iter().position(|other| *other == name);
    let (keys, rest): (Vec<_>, Vec<_>) =
        (tracked.key.iter().map(|name| at(name)).collect(), others(&tracked, &task.table).map(at).collect());
    let columns: String =
        (0..keys.len()).map(|at| format!(", k{at}")).chain((0..rest.len()).map(|at| format!(", o{at}"))).collect();
    let places: String = (0..keys.len() + rest.len()).map(|at| format!(", ?{}", at + 3)).collect();
    let sql = format!(
        "INSERT INTO main.{} (op, at, origin{columns}) VALUES (?1, {NOW}, ?2{places})",
        quoted(&tracked.log())?
    );
    let encoding = Encoding::of(conn)?;
    let mut insert = conn.prepare_cached(&sql)?;
    for image in images {
        let unreadable = |error| Error::new(Code::Internal, "a before-image cannot be read").caused_by(error);
        let key = exact::decode_row(&image.key).map_err(unreadable)?;
        let before = image.before.as_deref().map(exact::decode_row).transpose().map_err(unreadable)?;
        let op = match (&before, image.after) {
            (None, _) => "I",
            (Some(_), Some(_)) => "U",
            (Some(_), None) => "D",
        };
        let of_key = keys.iter().map(|at| at.and_then(|at| task.key.iter().position(|column| *column == at)));
        let of_key = of_key.map(|at| at.and_then(|at| key.get(at).copied()).unwrap_or(ValueRef::Null));
        let of_row = rest.iter().map(|at| before.as_ref().zip(*at).and_then(|(row, at)| row.get(at).copied()));
        let of_row = of_row.map(|found| found.unwrap_or(ValueRef::Null));
        let first = [ValueRef::Text(op.as_bytes()), ValueRef::Text(origin.as_bytes())];
        bind(&mut insert, 1, first.into_iter().chain(of_key).chain(of_row), encoding)?;
        insert.raw_execute()?;
    }
    Ok(())
}

/// Has the logs of tables begin anew that were filled or emptied as a whole: whoever reads them compares these once.
pub(in crate::sqlite) fn renew(conn: &Connection, tables: &BTreeSet<String>) -> Attempt<()> {
    if tables.is_empty() || catalog::store(conn)?.is_none() {
        return Ok(());
    }
    for table in tables {
        if let Some(tracked) = tracked(conn, table)? {
            let sql = format!("UPDATE main.{TRACKED} SET epoch = lower(hex(randomblob(8))) WHERE id = ?1");
            conn.execute(&sql, [tracked.id])?;
        }
    }
    Ok(())
}

fn tracked(conn: &Connection, table: &str) -> Attempt<Option<Tracked>> {
    Ok(catalog::tracked(conn)?.into_iter().find(|tracked| tracked.name.eq_ignore_ascii_case(table)))
}
