//! Rows that the program cannot be left to write.
//!
//! Of `FLOAT` columns the servers print six digits, and the program writes what they print; nine are needed. As `DOUBLE` they are
//! printed with all of their digits. Rows that are in no view are read by the session that keeps them from changing.
//!
//! The program writes these rows too, or leaves them out where it can; here they are deleted and written once more. Deleted with a
//! limit, for without one some engines would begin to count anew.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use super::script::Written;
use super::still::Tables;
use crate::mysql::connect::{ConnectOptions, Connection, cell, connect, quoted};

/// The moment of the view is this one.
const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

const COLUMNS: &str = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
    AND TABLE_NAME = ? AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY ORDINAL_POSITION";

/// What the program puts before rows, and behind them.
const BEFORE: &str = "
--
-- Rows of tables with FLOAT columns, with all their digits, and of tables without transactions
--

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE, TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */;
";
const BEHIND: &str = "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;

";

/// A view of these tables.
pub(super) struct Apart {
    view: Connection,
    tables: Vec<Rows>,
}

/// What is asked of one table and written of it.
struct Rows {
    /// As SQL has it.
    table: String,
    is_in_view: bool,
    columns: Vec<String>,
    /// For each column, what says its cells as SQL.
    literals: Vec<String>,
}

impl Apart {
    /// Begins it now.
    ///
    /// # Errors
    /// When the server does not let us in, or does not answer.
    pub(super) async fn view(options: &ConnectOptions, tables: &Tables) -> Result<Self> {
        let connection = connect(options).await?;
        let failed = |error| connection.error(error);
        connection.line.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await.map_err(failed)?;
        connection.line.run(BEGIN).await.map_err(failed)?;
        let mut found = Vec::new();
        for table in tables.apart() {
            let (mut columns, mut literals) = (Vec::new(), Vec::new());
            for row in connection.line.exec(COLUMNS, (table,)).await.map_err(failed)? {
                let column = quoted(&cell::<String>(&row, 0)?)?;
                literals.push(literal(&column, &cell::<String>(&row, 1)?));
                columns.push(column);
            }
            let is_in_view = tables.floats.contains(table);
            found.push(Rows { table: quoted(table)?, is_in_view, columns, literals });
        }
        Ok(Self { view: connection, tables: found })
    }

    /// Writes all of them. `lock` is the session that has locked those which are in no view. `watch` is told how much is written.
    ///
    /// # Errors
    /// What `watch` returns, `DISK_FULL`, `TABLE_REBUILT`, and when the server does not answer.
    pub(super) async fn write(
        self,
        lock: Option<&Connection>,
        script: &mut Written<'_>,
        watch: &(impl Fn(u64) -> Result<()> + Sync),
    ) -> Result<()> {
        script.write(BEFORE.as_bytes())?;
        for rows in &self.tables {
            script.write(format!("\nDELETE FROM {} LIMIT {};\n", rows.table, u64::MAX).as_bytes())?;
            let session = lock.filter(|_| !rows.is_in_view).unwrap_or(&self.view);
            rows.write(session, script, watch).await?;
        }
        script.write(BEHIND.as_bytes())
    }
}

impl Rows {
    async fn write(
        &self,
        session: &Connection,
        script: &mut Written<'_>,
        watch: &(impl Fn(u64) -> Result<()> + Sync),
    ) -> Result<()> {
        let select = format!("SELECT {} FROM {}", self.literals.join(", "), self.table);
        let begin = format!("INSERT INTO {} ({}) VALUES\n", self.table, self.columns.join(", "));
        let mut found = session.line.read(select, ());
        let mut statement = Vec::new();
        loop {
            watch(script.bytes())?;
            let some = found.next().await.map_err(|error| session.error(error))?;
            for row in &some {
                statement.extend(if statement.is_empty() { begin.as_bytes() } else { b",\n" });
                statement.push(b'(');
                for at in 0..self.columns.len() {
                    statement.extend(if at == 0 { &b""[..] } else { b"," });
                    // Every literal is a text, also that of NULL: the server returns none where it is longer than a packet.
                    let literal: Option<Vec<u8>> = cell(row, at)?;
                    statement.extend(literal.ok_or_else(|| too_long(&self.table))?);
                }
                statement.push(b')');
                if statement.len() >= limits::BACKUP_INSERT_BYTES {
                    end(&mut statement, script)?;
                }
            }
            if some.is_empty() {
                return end(&mut statement, script);
            }
        }
    }
}

fn end(statement: &mut Vec<u8>, script: &mut Written<'_>) -> Result<()> {
    if !statement.is_empty() {
        statement.extend(b";\n");
        script.write(statement)?;
        statement.clear();
    }
    Ok(())
}

fn too_long(table: &str) -> Error {
    Error::new(
        Code::StoreFailed,
        format!("{table} holds a value that is longer than the server lets be written as SQL"),
    )
    .leaving("no backup was written")
    .next("SET GLOBAL max_allowed_packet = 1073741824", "lets it, for sessions that begin afterwards")
}

/// What says the cells of a column as SQL, exactly. Of wide character sets the servers write NULL in quotes as something else, so
/// it is not left to them.
fn literal(column: &str, data_type: &str) -> String {
    let literal = match data_type {
        "float" => format!("QUOTE({column} + 0e0)"),
        // As digits: in quotes they would be bytes.
        "bit" => format!("CAST({column} + 0 AS CHAR)"),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" | "geometry" | "point"
        | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection"
        | "geomcollection" => format!("CONCAT('x''', HEX({column}), '''')"),
        _ => format!("QUOTE(CONVERT({column} USING utf8mb4))"),
    };
    format!("IF({column} IS NULL, 'NULL', {literal})")
}
