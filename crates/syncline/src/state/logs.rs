//! What runs say while they work.

use serde::{Deserialize, Serialize};
use syncline_core::error::Result;

use super::State;
use super::run_record::{read_word, to_word};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// It went on as intended.
    Info,
    /// Something a person should know.
    Warn,
    /// Something could not be done.
    Error,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// How much it matters.
    pub level: LogLevel,
    /// What was said.
    pub message: String,
}

impl State {
    /// Adds a line to the log of a run.
    pub async fn log(&self, id: &str, level: LogLevel, message: &str, at_ms: i64) -> Result<()> {
        let (id, message) = (id.to_owned(), message.to_owned());
        let insert = "INSERT INTO log (run, at_ms, level, message) VALUES (?1, ?2, ?3, ?4)";
        self.database
            .write("add to the log of a run", move |tx| {
                tx.prepare_cached(insert)?.execute((id, at_ms, to_word(&level)?, message))?;
                Ok(())
            })
            .await
    }

    /// The log of a run, in the order it was written.
    pub async fn logs(&self, id: &str) -> Result<Vec<LogLine>> {
        let id = id.to_owned();
        let select = "SELECT at_ms, level, message FROM log WHERE run = ?1 ORDER BY sequence";
        self.database
            .read("read the log of a run", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let lines = statement.query_map([id], |row| {
                    Ok(LogLine { at_ms: row.get(0)?, level: read_word(row, 1)?, message: row.get(2)? })
                })?;
                Ok(lines.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}
