//! The text of a log, of the functions that write to it, and of the triggers that call them.
//!
//! A migration of the application is never made to fail by these: what a function says of columns that have gone meanwhile is
//! not logged, and the table's definition is then another one, by which whoever reads the log knows. Only errors of that kind are
//! passed over; a full disk stays the application's.

use syncline_core::error::Result;
use syncline_core::schema::TableSchema;

use super::catalog::Tracked;
use super::key::KeyCell;
use crate::postgres::names::{Names, Place, quoted};

/// Milliseconds since 1970, of the statement.
pub(super) const NOW: &str = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint";

/// Who writes, where it is one of ours.
const ORIGIN: &str = "nullif(current_setting('syncline.origin', true), '')";

/// What a function is set to: where names are looked for, what the text of a value depends on, and how the rows of a statement are
/// held against each other. A session keeps a plan for good, and made for a statement of one row it would be a nested loop.
const SETTINGS: &str = "SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' \
    SET TimeZone = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex' SET lc_monetary = 'C' \
    SET enable_nestloop = off";

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
) -> Result<Vec<String>> {
    let text = Text::of(tracked, table, names)?;
    let mut all = vec![text.log()];
    let mut triggers = Vec::new();
    match firing {
        Firing::Statement => {
            all.push(text.function("insert", &text.entries("I", "n", false)?)?);
            all.push(text.function("update", &(text.entries("U", "o", true)? + &text.moved()?))?);
            all.push(text.function("delete", &text.entries("D", "o", true)?)?);
            let (new, old) = ("NEW TABLE AS n", "OLD TABLE AS o");
            for (kind, rows) in [("insert", new), ("update", &format!("{old} {new}")), ("delete", old)] {
                let event = format!("AFTER {} ON {{}} REFERENCING {rows} FOR EACH STATEMENT", kind.to_uppercase());
                triggers.push(text.trigger(kind, &event)?);
            }
        }
        Firing::Row => {
            all.push(text.function("row", &text.row()?)?);
            triggers.push(text.trigger("row", "AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW")?);
        }
    }
    all.push(
        text.function(
            "truncate",
            &format!("INSERT INTO {} (op, at, origin) VALUES ('*', {NOW}, {ORIGIN});", text.log),
        )?,
    );
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
    table: String,
    log: String,
}

impl<'t> Text<'t> {
    fn of(tracked: &'t Tracked, table: &'t TableSchema, names: &'t Names) -> Result<Self> {
        let columns = table.key.iter().flat_map(|key| &key.columns);
        let key = columns.map(|column| KeyCell::of(&table.columns[*column])).collect();
        Ok(Self { tracked, names, key, table: names.table(table)?, log: tracked.log(names)? })
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
        let (columns, cells) = (self.columns(false), self.cells("n", false)?);
        let same = self.key.iter().map(|cell| cell.is_same("o", "n")).collect::<Result<Vec<_>>>()?.join(" AND ");
        Ok(format!(
            " INSERT INTO {} (op, at, origin{columns}) SELECT 'K', {NOW}, {ORIGIN}{cells} FROM n \
             WHERE NOT EXISTS (SELECT 1 FROM o WHERE {same});",
            self.log
        ))
    }

    fn is_moved(&self) -> Result<String> {
        let same = self.key.iter().map(|cell| cell.is_same("OLD", "NEW")).collect::<Result<Vec<_>>>()?;
        Ok(format!("NOT ({})", same.join(" AND ")))
    }

    fn function(&self, kind: &str, body: &str) -> Result<String> {
        let name = function_name(self.tracked, self.names, kind)?;
        Ok(format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {SETTINGS} AS $syncline$ BEGIN {body} \
             RETURN NULL; EXCEPTION WHEN {PASSED_OVER} THEN RETURN NULL; END $syncline$"
        ))
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
