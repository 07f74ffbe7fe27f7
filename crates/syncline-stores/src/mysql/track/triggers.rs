//! The text of a log, of its inbox, and of the triggers that write to it.
//!
//! A migration of the application is never made to fail by these: what a trigger says of columns that have gone meanwhile is not
//! logged, and the table's definition is then another one, by which whoever reads the log knows. Only errors of that kind are passed
//! over; a full disk stays the application's. Entries have no AUTO_INCREMENT: in a trigger that is a lock on the whole table, held
//! until the application's statement ends.

use syncline_core::error::Result;
use syncline_core::schema::{Column, Schema, TableSchema};
use syncline_core::value::Kind;

use super::cascades::{Way, exactly};
use super::catalog::Tracked;
use crate::mysql::connect::quoted;
use crate::mysql::snapshot::lookup::charset;

/// Milliseconds since 1970, whatever zone a session is in.
pub(super) const NOW: &str = "UNIX_TIMESTAMP() * 1000 + MICROSECOND(NOW(3)) DIV 1000";

/// Who writes, where it is one of ours.
const ORIGIN: &str = "LEFT(@syncline_origin, 255)";

/// What may come of it when the table, or the log, is not what it was: a column or a table that is gone, a value that is too long,
/// out of range, of another type or missing, and a number that was given to another entry already.
const PASSED_OVER: &str = "1054, 1146, 1406, 1264, 1265, 1366, 1292, 1411, 1048, 1364, 1062";

/// The longest text that is kept in its place, in bytes. A table has 65,535 for all.
const KEPT_IN_PLACE: u32 = 255;

/// The statements that make the log and the inbox of a table.
pub(super) fn tables(tracked: &Tracked, table: &TableSchema) -> Result<[String; 2]> {
    let mut cells = String::new();
    for (at, column) in keys(tracked, table).enumerate() {
        cells += &format!(", k{at} {}", log_type(column, false));
    }
    for (at, column) in others(tracked, table).enumerate() {
        cells += &format!(", o{at} {}", log_type(column, true));
    }
    let columns = format!(
        "seq bigint unsigned NOT NULL, salt bigint unsigned NOT NULL, op char(1) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, \
         at bigint NOT NULL, origin varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, stamp bigint, entry bigint{cells}"
    );
    let options = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC";
    Ok([
        format!("CREATE TABLE {} ({columns}, PRIMARY KEY (seq, salt)) {options}", tracked.inbox()),
        format!(
            "CREATE TABLE {} (batch bigint unsigned NOT NULL, {columns}, PRIMARY KEY (batch, seq, salt)) {options}",
            tracked.log()
        ),
    ])
}

/// The statements that make the triggers of a table.
pub(super) fn triggers(tracked: &Tracked, table: &TableSchema) -> Result<Vec<String>> {
    let on = quoted(&tracked.name)?;
    let trigger = |kind: &str, body: &str| {
        let name = format!("{}{kind}", tracked.prefix());
        format!("CREATE TRIGGER {name} AFTER {kind} ON {on} FOR EACH ROW {body}")
    };
    let key_of = |op: &str, row: &str| entry(tracked, op, &cells_of(keys(tracked, table), 'k', row)?, "");
    let whole = |op: &str| {
        let key = cells_of(keys(tracked, table), 'k', "OLD.")?;
        let row = [key.clone(), cells_of(others(tracked, table), 'o', "OLD.")?].concat();
        Ok::<_, syncline_core::error::Error>((entry(tracked, op, &row, "")?, entry(tracked, op, &key, "")?))
    };
    let (update, delete) = (whole("U")?, whole("D")?);
    let differ = keys(tracked, table).map(|column| {
        let name = quoted(&column.name)?;
        Ok(format!("{} <> {}", exactly(column, &format!("OLD.{name}")), exactly(column, &format!("NEW.{name}"))))
    });
    let is_moved = differ.collect::<Result<Vec<_>>>()?.join(" OR ");
    let moved = format!("IF {is_moved} THEN {}; END IF", key_of("K", "NEW.")?);
    let updated = [&update.0, &update.1].map(|entry| format!("{entry}; {moved}"));
    Ok(vec![
        trigger("insert", &guarded(tracked, &[&key_of("I", "NEW.")?])?),
        trigger("update", &guarded(tracked, &[&updated[0], &updated[1]])?),
        trigger("delete", &guarded(tracked, &[&delete.0, &delete.1])?),
    ])
}

/// The statements that make the triggers on other tables whose rows take some of this one along.
pub(super) fn of_others(
    tracked: &Tracked,
    table: &TableSchema,
    (schema, ways): (&Schema, &[Way<'_>]),
    is_meddled_with: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        let on = quoted(way.parent())?;
        let mut trigger = |when: &str, kind: &str, body: String| {
            let name = format!("{}{kind}_of_{at}", tracked.prefix());
            statements.push(format!("CREATE TRIGGER {name} {when} ON {on} FOR EACH ROW {body}"));
        };
        let before = reached(tracked, table, way, ("C", "OLD"))?;
        if way.begins_with_delete() {
            trigger("BEFORE DELETE", "delete", guarded(tracked, &[&before])?);
        }
        if !way.begins_with_update() {
            continue;
        }
        let parent = schema.tables.iter().find(|table| table.name == way.parent());
        let condition = match parent {
            // What a trigger that comes later makes of the row is not known yet.
            Some(parent) if !is_meddled_with(way.parent()) => way.is_taken(parent)?,
            _ => "TRUE".to_owned(),
        };
        trigger("BEFORE UPDATE", "update", guarded(tracked, &[&format!("IF {condition} THEN {before}; END IF")])?);
        if way.moves(&tracked.key) {
            let condition = parent.map_or_else(|| Ok("TRUE".to_owned()), |parent| way.is_taken(parent))?;
            let after = reached(tracked, table, way, ("K", "NEW"))?;
            trigger("AFTER UPDATE", "moved", guarded(tracked, &[&format!("IF {condition} THEN {after}; END IF")])?);
        }
    }
    Ok(statements)
}

/// Entries of the rows at the end of a way, or one that says *any of them*.
fn reached(tracked: &Tracked, table: &TableSchema, way: &Way<'_>, (op, row): (&str, &str)) -> Result<String> {
    let cells = [cells_of(keys(tracked, table), 'k', "t.")?, cells_of(others(tracked, table), 'o', "t.")?].concat();
    match way.rows(&tracked.key, row)? {
        None => entry(tracked, "*", &[], ""),
        Some((with, from)) => {
            let (names, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
            Ok(format!(
                "INSERT INTO {} (seq, salt, op, at, origin, {}) {with}SELECT UUID_SHORT(), CONNECTION_ID(), '{op}', {NOW}, {ORIGIN}, {} FROM {from}",
                tracked.inbox(),
                names.join(", "),
                values.join(", ")
            ))
        }
    }
}

/// A statement that adds an entry.
fn entry(tracked: &Tracked, op: &str, cells: &[(String, String)], salt: &str) -> Result<String> {
    let names: String = cells.iter().map(|(name, _)| format!(", {name}")).collect();
    let values: String = cells.iter().map(|(_, value)| format!(", {value}")).collect();
    Ok(format!(
        "INSERT INTO {} (seq, salt, op, at, origin{names}) VALUES (UUID_SHORT(), CONNECTION_ID(){salt}, '{op}', {NOW}, {ORIGIN}{values})",
        tracked.inbox()
    ))
}

/// The first of these statements that the table and the log are fit for. Should none be, any row may have been touched; and should the
/// log not be there any more, it is known by that.
fn guarded(tracked: &Tracked, statements: &[&str]) -> Result<String> {
    let any = entry(tracked, "*", &[], " ^ FLOOR(RAND() * 9223372036854775807)")?;
    let mut body = format!("BEGIN DECLARE EXIT HANDLER FOR {PASSED_OVER} BEGIN END; {any}; END");
    for statement in statements.iter().rev() {
        body = format!("BEGIN DECLARE EXIT HANDLER FOR {PASSED_OVER} {body}; {statement}; END");
    }
    Ok(body)
}

/// The columns of the key, in the order of the log.
pub(super) fn keys<'t>(tracked: &'t Tracked, table: &'t TableSchema) -> impl Iterator<Item = &'t Column> {
    tracked.key.iter().filter_map(|name| table.columns.iter().find(|column| column.name == *name))
}

/// The columns that are stored and no part of the key, in their order. The log keeps their cells as o0, o1, ….
fn others<'t>(tracked: &'t Tracked, table: &'t TableSchema) -> impl Iterator<Item = &'t Column> {
    let columns = table.stored_columns().into_iter().map(|at| &table.columns[at]);
    columns.filter(|column| !tracked.key.contains(&column.name))
}

/// Columns of the log with the cells of a row.
fn cells_of<'c>(columns: impl Iterator<Item = &'c Column>, to: char, row: &str) -> Result<Vec<(String, String)>> {
    columns
        .enumerate()
        .map(|(at, column)| Ok((format!("{to}{at}"), format!("{row}{}", quoted(&column.name)?))))
        .collect()
}

/// The type of a column, so that each value is kept as it is.
fn log_type(column: &Column, may_be_moved_out: bool) -> String {
    let declared = column.declared_type.as_str();
    let name = declared.split('(').next().unwrap_or(declared);
    let bytes = match &column.kind {
        Kind::Text { max_chars: Some(chars), .. } => chars.saturating_mul(4),
        _ => declared.split(['(', ')']).nth(1).and_then(|bytes| bytes.parse().ok()).unwrap_or(0),
    };
    let kept = match name {
        "varchar" if may_be_moved_out && bytes > KEPT_IN_PLACE => "text",
        "varbinary" if may_be_moved_out && bytes > KEPT_IN_PLACE => "blob",
        _ => declared,
    };
    match charset(&column.collation) {
        Some(charset) => format!("{kept} CHARACTER SET {charset} COLLATE {} NULL", column.collation),
        None => format!("{kept} NULL"),
    }
}
