//! What the SQL scripts of a diff and of a plan have in common.

use syncline::row_difference::RowDifference;
use syncline::{Dialect, MYSQL_MODE};

use super::cell::key;
use super::text::{counted, escape};

/// The comment that stands in the place of a statement for a row that a run would hold: the statement would fail, and the
/// script with it.
pub(crate) fn left_out(row: &RowDifference) -> Option<String> {
    let why = row.why_held()?;
    Some(format!("-- left out: {} {}: {why}\n", escape(&row.table), key(row)))
}

/// The end of a script that has so many statements and comments.
pub(crate) fn end(rows: u64, left_out: u64) -> String {
    let rows = counted(rows, "row");
    let left_out = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
    format!("COMMIT;\n-- {rows}{left_out}\n")
}

/// With which program a script is to be run, and how it stops there.
pub(crate) fn by_shell(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "-- with the sqlite3 shell: `.bail on` is a command of the shell, not SQL. It ends the script at the first\n\
             -- error, so that nothing is committed; another program must leave that line out and do the same.\n"
        }
        Dialect::Postgres => {
            "-- with psql: `\\set` is a command of psql, not SQL. It ends the script at the first error, so that nothing is\n\
             -- committed; another program must leave that line out and do the same.\n"
        }
        Dialect::Mysql => {
            "-- with the mariadb or mysql client and without --force: it ends at the first error, so that nothing is committed;\n\
             -- another program must do the same. Only tables of a transactional engine are taken back by that.\n"
        }
    }
}

/// What has to be known about constraints. `{target}` and `{source}` are put in by the caller.
pub(crate) fn of_constraints(dialect: Dialect, source: &str, target: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!(
            "-- {target} must store text as UTF-8 and have no constraint that {source} has not, for REPLACE drops rows\n\
             -- that clash"
        ),
        Dialect::Postgres => format!(
            "-- References and unique values of {target} are checked at every statement unless they are deferrable: rows\n\
             -- that refer to each other or exchange unique values make the script fail"
        ),
        Dialect::Mysql => format!(
            "-- References and unique values of {target} are checked at every row: rows that refer to each other or exchange\n\
             -- unique values make the script fail"
        ),
    }
}

/// Whether triggers of the target fire for a script, and whether they do for a command of ours.
pub(crate) fn of_triggers(dialect: Dialect, target: &str, command: &str) -> String {
    let ours = match dialect {
        Dialect::Sqlite | Dialect::Postgres => "they do not",
        Dialect::Mysql => "so they do",
    };
    format!("-- The triggers of {target} fire for this script; {ours} for `syncline {command}`.\n")
}

/// The first statements. In SQLite rows that refer to each other come in any order, and a row that REPLACE evicts for a moment
/// must not take those that refer to it along; the pragma for that has no effect inside a transaction. MySQL ends a transaction
/// at a definition, so that these come before it.
pub(crate) fn opening(dialect: Dialect, definitions: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!(".bail on\nPRAGMA foreign_keys = OFF;\nBEGIN;\n{definitions}"),
        Dialect::Postgres => {
            format!("\\set ON_ERROR_STOP on\nBEGIN;\nSET CONSTRAINTS ALL DEFERRED;\n{definitions}")
        }
        Dialect::Mysql => {
            let finally = "-- Each definition is final at once; only the rows are taken back by an error.\n";
            let finally = if definitions.is_empty() { "" } else { finally };
            format!(
                "SET NAMES utf8mb4;\nSET time_zone = '+00:00', sql_mode = '{MYSQL_MODE}';\n\
                 {finally}{definitions}START TRANSACTION;\n"
            )
        }
    }
}
