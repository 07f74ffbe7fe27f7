//! Where a view stands in the server's history.
//!
//! InnoDB numbers transactions by one counter for the whole server: a transaction takes a number with its first write, and
//! another as it commits, before anybody sees what it has written. Reading moves it never. MariaDB shows it to everyone;
//! MySQL only in a report that needs the right PROCESS. Beside it stand the counts of rows that were written, which move for
//! tables of engines without transactions too.
//!
//! The counter is read before a view is opened and after it. Where both are the same, and the same again for another view,
//! nobody has committed between the two: whoever did would have taken a number in between. One moment is left: who took the
//! number before the first reading and is seen by nobody until the view is open. There lie a few instructions of the server
//! between these two, and nothing that waits.

use std::sync::atomic::{AtomicU64, Ordering};

use syncline_core::error::Result;
use syncline_core::store::Position;

use super::connect::{Connection, Product, cell};

/// What of it every user may ask.
const COUNTED: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
    ('Innodb_max_trx_id', 'Handler_write', 'Handler_update', 'Handler_delete')";

const REPORT: &str = "SHOW ENGINE INNODB STATUS";

/// What the report says before the number.
const IN_REPORT: &str = "Trx id counter ";

/// Counters of a server at one moment; `None` where it does not show them to this user.
pub(super) struct Reading(Option<String>);

impl Reading {
    /// As they are now.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn of(connection: &Connection) -> Result<Self> {
        let mut counts = Vec::new();
        for row in connection.line.query(COUNTED).await.map_err(|error| connection.error(error))? {
            counts.push(format!("{}={}", cell::<String>(&row, 0)?, cell::<String>(&row, 1)?));
        }
        counts.sort_unstable();
        if connection.version.product == Product::MySql {
            match reported(connection).await? {
                Some(number) => counts.push(number),
                None => return Ok(Self(None)),
            }
        }
        // Without the number of transactions the others say nothing of what was written and is not committed yet.
        Ok(Self((counts.len() == COUNTERS).then(|| counts.join(" "))))
    }
}

/// How many there have to be.
const COUNTERS: usize = 4;

/// Where a view stands that was opened between two readings. Where they differ, or the server shows none, it is a position
/// that is equal to no other.
pub(super) fn between(before: &Reading, after: &Reading) -> Position {
    static UNIQUE: AtomicU64 = AtomicU64::new(0);
    match (&before.0, &after.0) {
        (Some(before), Some(after)) if before == after => Position(before.clone().into_bytes()),
        _ => {
            let number = UNIQUE.fetch_add(1, Ordering::Relaxed);
            Position(format!("unknown {}/{number}", std::process::id()).into_bytes())
        }
    }
}

/// The number in the report; `None` for users who may not have it.
async fn reported(connection: &Connection) -> Result<Option<String>> {
    match connection.line.query(REPORT).await {
        Ok(rows) => {
            let report: Option<String> = rows.first().map(|row| cell(row, 2)).transpose()?;
            Ok(report.and_then(|report| number(&report).map(str::to_owned)))
        }
        Err(mysql_async::Error::Server(_)) => Ok(None),
        Err(error) => Err(connection.error(error)),
    }
}

fn number(report: &str) -> Option<&str> {
    let (_, rest) = report.split_once(IN_REPORT)?;
    let number = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read_where_it_says_the_number() {
        assert_eq!(number("------------\nTRANSACTIONS\n------------\nTrx id counter 2305\nPurge done"), Some("2305"));
        assert_eq!(number("Trx id counter \n"), None);
        assert_eq!(number("Purge done"), None);
    }

    #[test]
    fn what_is_not_known_is_equal_to_nothing() {
        let reading = |text: Option<&str>| Reading(text.map(str::to_owned));
        let (one, two, none) = (reading(Some("1")), reading(Some("2")), reading(None));
        assert_eq!(between(&one, &one), between(&one, &one));
        assert_ne!(between(&one, &one), between(&two, &two));
        for (before, after) in [(&one, &two), (&none, &none), (&one, &none)] {
            assert_ne!(between(before, after), between(before, after));
        }
    }
}
