//! What the SQL scripts of a diff and of a plan have in common.

use syncline::Dialect;
use syncline::row_difference::RowDifference;

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

/// The first statements. In SQLite rows that refer to each other come in any order, and a row that REPLACE evicts for a moment
/// must not take those that refer to it along; the pragma for that has no effect inside a transaction.
pub(crate) fn opening(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => ".bail on\nPRAGMA foreign_keys = OFF;\nBEGIN;\n",
        Dialect::Postgres => "\\set ON_ERROR_STOP on\nBEGIN;\nSET CONSTRAINTS ALL DEFERRED;\n",
        Dialect::Mysql => {
            "SET NAMES utf8mb4;\nSET time_zone = '+00:00', \
             sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES';\n\
             START TRANSACTION;\n"
        }
    }
}
