//! The text of a log, of the functions that write to it, and of the triggers that call them.
//!
//! A migration of the application is never made to fail by these: what a function says of columns that have gone meanwhile is
//! not logged, and the table's definition is then another one, by which whoever reads the log knows. Only errors of that kind are
//! passed over; a full disk stays the application's. To pass over an error costs a number of a transaction, whether there is one or
//! not. For each statement that is little; for each row it would be more than a server has to give, so there a function looks
//! beforehand, unless its transaction sees the catalog as it was.

use std::collections::BTreeSet;

use syncline_core::error::Result;
use syncline_core::schema::{Column, TableSchema};
use syncline_core::value::{Kind, ValueRef};

use super::catalog::Tracked;
use super::key::KeyCell;
use crate::postgres::names::{Names, Place, quoted};
use crate::sql::Dialect;

/// Milliseconds since 1970, of the statement.
pub(super) const NOW: &str = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint";

/// Who writes, where it is one of ours.
const ORIGIN: &str = "nullif(current_setting('syncline.origin', true), '')";

/// Where a function looks for names.
const PATH: &str = "SET search_path = pg_catalog, pg_temp";

/// What the text of values depends on. A server takes its time to set these, so a function has what the types of its table need.
const DATES: &str = "SET DateStyle = 'ISO, YMD'";
const ZONE: &str = "SET TimeZone = 'UTC'";
const FLOATS: &str = "SET extra_float_digits = 3";
const BYTES: &str = "SET bytea_output = 'hex'";
const ALL: [&str; 6] = [DATES, ZONE, FLOATS, BYTES, "SET IntervalStyle = 'postgres'", "SET lc_monetary = 'C'"];

/// What may come of it when the table, or the log, is not what it was.
const PASSED_OVER: &str = "undefined_column OR undefined_table OR datatype_mismatch OR numeric_value_out_of_range \
    OR string_data_right_truncation OR invalid_text_representation OR undefined_function OR not_null_violation";

/// How the triggers of a table are fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Firing {
    /// Once for each statement, with all its rows at once.
    Statement,
    /// Once for each row: for tables whose rows are written by statements about other tables, or by none.
    Row,
}

/// The statements that make log, functions and triggers.
pub(super) fn statements(
    tracked: &Tracked,
    table: &TableSchema,
    names: &Names,
    (firing, leaves): (Firing, &[String]),
    key_types: &[u32],
) -> Result<Vec<String>> {
    let text = Text::of(tracked, table, names, key_types)?;
    let mut all = vec![text.log()];
    let mut triggers = Vec::new();
    match firing {
        Firing::Statement => {
            all.push(text.function("insert", &text.entries("I", "n", false)?, &text.key_formats)?);
            all.push(text.function("update", &(text.entries("U", "o", true)? + &text.moved()?), &text.formats)?);
            all.push(text.function("delete", &text.entries("D", "o", true)?, &text.formats)?);
            let (new, old) = ("NEW TABLE AS n", "OLD TABLE AS o");
            for (kind, rows) in [("insert", new), ("update", &format!("{old} {new}")), ("delete", old)] {
                let event = format!("AFTER {} ON {{}} REFERENCING {rows} FOR EACH STATEMENT", kind.to_uppercase());
                triggers.push(text.trigger(kind, &event)?);
            }
        }
        Firing::Row => {
            all.push(text.function("row", &text.row()?, &text.formats)?);
            triggers.push(text.trigger("row", "AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW")?);
        }
    }
    let emptied = format!("INSERT INTO {} (op, at, origin) VALUES ('*', {NOW}, {ORIGIN});", text.log);
    all.push(text.function("truncate", &emptied, "")?);
    all.extend(triggers.into_iter().flatten());
    // A statement's trigger is no partition's, but TRUNCATE may name one of them.
    for each in std::iter::once(&text.table).chain(leaves) {
        all.extend(text.trigger_on("truncate", "AFTER TRUNCATE ON {} FOR EACH STATEMENT", each)?);
    }
    if firing == Firing::Row {
        let name = text.trigger_name("row")?;
        all.extend(leaves.iter().map(|leaf| format!("ALTER TABLE {leaf} ENABLE ALWAYS TRIGGER {name}")));
    }
    Ok(all)
}

/// The names of all functions that a table may have had, as they are written.
pub(super) fn functions(tracked: &Tracked, names: &Names) -> Result<Vec<String>> {
    let name = |kind| function_name(tracked, names, kind);
    ["insert", "update", "delete", "row", "truncate"].map(name).into_iter().collect()
}

fn function_name(tracked: &Tracked, names: &Names, kind: &str) -> Result<String> {
    Place { schema: names.default_schema(), name: &format!("_syncline_{}_{kind}", tracked.id) }.quoted()
}

struct Text<'t> {
    tracked: &'t Tracked,
    names: &'t Names,
    key: Vec<KeyCell<'t>>,
    /// The numbers of their types.
    key_types: &'t [u32],
    table: String,
    log: String,
    /// What the text of its columns depends on, and what that of its key.
    formats: String,
    key_formats: String,
}

impl<'t> Text<'t> {
    fn of(tracked: &'t Tracked, table: &'t TableSchema, names: &'t Names, key_types: &'t [u32]) -> Result<Self> {
        let key = || table.key.iter().flat_map(|key| &key.columns).map(|column| &table.columns[*column]);
        let (formats, key_formats) = (formats(table.columns.iter()), formats(key()));
        let key = key().map(KeyCell::of).collect();
        Ok(Self {
            tracked,
            names,
            key,
            key_types,
            table: names.table(table)?,
            log: tracked.log(names)?,
            formats,
            key_formats,
        })
    }

    /// `stamp` and `entry` are for replication to fill. Rows are found by the transaction that has made them.
    fn log(&self) -> String {
        let keys: String =
            self.key.iter().enumerate().map(|(at, cell)| format!(", k{at} {}", cell.log_type())).collect();
        format!(
            "CREATE TABLE {log} (seq bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), \
             op \"char\" NOT NULL, at bigint NOT NULL, origin text, stamp bigint, entry bigint{keys}, old text); \
             CREATE INDEX ON {log} (xid)",
            log = self.log
        )
    }

    fn columns(&self, with_old: bool) -> String {
        let keys = (0..self.key.len()).map(|at| format!(", k{at}"));
        keys.chain(with_old.then(|| ", old".to_owned())).collect()
    }

    fn cells(&self, row: &str, with_old: bool) -> Result<String> {
        let keys = self.key.iter().map(|cell| Ok(format!(", {}", cell.logged(row)?))).collect::<Result<String>>()?;
        Ok(keys + &(if with_old { format!(", {row}::text") } else { String::new() }))
    }

    /// An entry for each row of a transition table.
    fn entries(&self, op: &str, rows: &str, with_old: bool) -> Result<String> {
        let (columns, cells) = (self.columns(with_old), self.cells(rows, with_old)?);
        Ok(format!(
            "INSERT INTO {} (op, at, origin{columns}) SELECT '{op}', {NOW}, {ORIGIN}{cells} FROM {rows};",
            self.log
        ))
    }

    fn entry(&self, op: &str, row: &str, with_old: bool) -> Result<String> {
        let (columns, cells) = (self.columns(with_old), self.cells(row, with_old)?);
        Ok(format!("INSERT INTO {} (op, at, origin{columns}) VALUES ('{op}', {NOW}, {ORIGIN}{cells});", self.log))
    }

    fn row(&self) -> Result<String> {
        Ok(format!(
            "IF TG_OP = 'INSERT' THEN {} ELSIF TG_OP = 'DELETE' THEN {} ELSE {} IF {} THEN {} END IF; END IF;",
            self.entry("I", "NEW", false)?,
            self.entry("D", "OLD", true)?,
            self.entry("U", "OLD", true)?,
            self.is_moved()?,
            self.entry("K", "NEW", false)?
        ))
    }

    /// Entries of keys that no row of the statement had before. A trigger for the columns of the key would be told by the server
    /// itself, and would keep applications from changing their type.
    fn moved(&self) -> Result<String> {
        let keys =
            |row| self.key.iter().map(|cell| cell.exact(row)).collect::<Result<Vec<_>>>().map(|keys| keys.join(", "));
        // No join: a session keeps a plan for good, and made for a statement of one row it would be a nested loop.
        Ok(format!(
            " INSERT INTO {} (op, at, origin{}) SELECT 'K', {NOW}, {ORIGIN}, moved.* \
             FROM (SELECT {} FROM n EXCEPT SELECT {} FROM o) AS moved;",
            self.log,
            self.columns(false),
            keys("n")?,
            keys("o")?
        ))
    }

    fn is_moved(&self) -> Result<String> {
        let same = self.key.iter().map(|cell| cell.is_same("OLD", "NEW")).collect::<Result<Vec<_>>>()?;
        Ok(format!("NOT ({})", same.join(" AND ")))
    }

    fn function(&self, kind: &str, body: &str, formats: &str) -> Result<String> {
        let name = function_name(self.tracked, self.names, kind)?;
        let passing = format!("BEGIN {body} EXCEPTION WHEN {PASSED_OVER} THEN NULL; END;");
        let body = match kind {
            "row" => format!(
                "IF current_setting('transaction_isolation') = 'read committed' THEN IF {} THEN {body} END IF; ELSE {passing} END IF;",
                self.is_as_it_was()
            ),
            _ => passing,
        };
        Ok(format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PATH} {formats} \
             AS $syncline$ BEGIN {body} RETURN NULL; END $syncline$"
        ))
    }

    /// Whether log and key are there as they were: what a function does can fail by nothing else that a migration does.
    fn is_as_it_was(&self) -> String {
        let literal = |text: &str| Dialect::Postgres.literal(ValueRef::Text(text.as_bytes()));
        let names = self.tracked.key.iter().map(|name| literal(name)).collect::<Vec<_>>();
        let pairs = names
            .iter()
            .zip(self.key_types)
            .map(|(name, number)| format!("(attname = {name} AND atttypid = {number})"));
        format!(
            "to_regclass({}) IS NOT NULL AND (SELECT count(*) FROM pg_attribute WHERE attrelid = TG_RELID \
             AND attname IN ({}) AND ({})) = {}",
            literal(&self.log),
            names.join(", "),
            pairs.collect::<Vec<_>>().join(" OR "),
            names.len()
        )
    }

    fn trigger(&self, kind: &str, event: &str) -> Result<[String; 2]> {
        self.trigger_on(kind, event, &self.table)
    }

    /// With everything that applications may set, it is fired: also while rows are replicated.
    fn trigger_on(&self, kind: &str, event: &str, table: &str) -> Result<[String; 2]> {
        let (name, function) = (self.trigger_name(kind)?, function_name(self.tracked, self.names, kind)?);
        let event = event.replacen("{}", table, 1);
        Ok([
            format!("CREATE TRIGGER {name} {event} EXECUTE FUNCTION {function}()"),
            format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"),
        ])
    }

    fn trigger_name(&self, kind: &str) -> Result<String> {
        quoted(&format!("_syncline_{}_{kind}", self.tracked.id))
    }
}

/// What the text of these columns depends on.
fn formats<'c>(columns: impl Iterator<Item = &'c Column>) -> String {
    let all: BTreeSet<&str> = columns.flat_map(|column| formats_of(&column.kind)).copied().collect();
    all.into_iter().collect::<Vec<_>>().join(" ")
}

/// What the text of values of this kind depends on.
fn formats_of(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bool | Kind::Int { .. } | Kind::Decimal { .. } | Kind::Text { .. } | Kind::Uuid => &[],
        Kind::Json { .. } | Kind::Enum { .. } | Kind::Time { .. } => &[],
        Kind::Date | Kind::Timestamp { .. } => &[DATES],
        Kind::Instant { .. } => &[DATES, ZONE],
        Kind::Real { .. } => &[FLOATS],
        Kind::Bytes => &[BYTES],
        Kind::Flexible(_) | Kind::Other { .. } => &ALL,
    }
}
