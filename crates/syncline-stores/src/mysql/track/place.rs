//! Places in a log: everything up to a batch, and single entries that no batch had yet.
//!
//! Most places are the end of a batch. What was written since the sequencer last went by is seen by a view too, and named one by
//! one. Entries beyond [`limits::LOG_ENTRIES_NAMED`] are not: they come again, and are found to be equal.

use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::store::LogPosition;

use super::catalog::Tracked;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell};

/// A place, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mysql) struct Place {
    /// As [`Tracked::epoch`].
    pub(in crate::mysql) epoch: String,
    /// The last batch that is whole behind it.
    pub(super) batch: u64,
    /// What no other history has in this place.
    pub(super) mark: String,
    /// Entries of later batches that are behind it too.
    pub(super) entries: Vec<u64>,
}

impl Place {
    /// Where the log ends in the view of this session.
    pub(in crate::mysql) async fn end_of(connection: &Connection, tracked: &Tracked) -> Attempt<Option<Self>> {
        let sql = format!("SELECT batch, origin FROM {} WHERE op = 'M' ORDER BY batch DESC LIMIT 1", tracked.log());
        let rows = connection.line.query(sql).await?;
        let Some(last) = rows.first() else { return Ok(None) };
        let (batch, mark) = (cell(last, 0)?, cell(last, 1)?);
        let most = limits::LOG_ENTRIES_NAMED;
        let sql = format!("SELECT seq FROM {} ORDER BY seq, salt LIMIT {most}", tracked.inbox());
        let rows = connection.line.query(sql).await?;
        let entries = rows.iter().map(|row| cell(row, 0)).collect::<Result<_>>()?;
        Ok(Some(Self { epoch: tracked.epoch.clone(), batch, mark, entries }))
    }

    /// Whether the log still has what this place names.
    pub(in crate::mysql) async fn is_in(&self, connection: &Connection, tracked: &Tracked) -> Attempt<bool> {
        let sql = format!("SELECT 1 FROM {} WHERE batch = ? AND op = 'M' AND origin = ?", tracked.log());
        if connection.line.exec(sql, (self.batch, &self.mark)).await?.is_empty() {
            return Ok(false);
        }
        if self.entries.is_empty() {
            return Ok(true);
        }
        let named = self.named();
        let sql = format!(
            "SELECT COUNT(DISTINCT seq) FROM (SELECT seq FROM {} WHERE seq IN ({named}) \
             UNION ALL SELECT seq FROM {} WHERE batch > {} AND seq IN ({named})) AS found",
            tracked.inbox(),
            tracked.log(),
            self.batch
        );
        let found: usize = connection.line.query(sql).await?.first().map_or(Ok(0), |row| cell(row, 0))?;
        Ok(found == self.entries.len())
    }

    /// The entries behind this place, as what stands behind FROM: these columns of them.
    pub(in crate::mysql) fn later(&self, tracked: &Tracked, columns: &str) -> String {
        let beyond = match self.entries.is_empty() {
            true => String::new(),
            false => format!(" AND seq NOT IN ({})", self.named()),
        };
        format!(
            "(SELECT {columns} FROM {} WHERE batch > {} AND op <> 'M'{beyond} \
             UNION ALL SELECT {columns} FROM {} WHERE op <> 'M'{beyond}) AS later",
            tracked.log(),
            self.batch,
            tracked.inbox()
        )
    }

    fn named(&self) -> String {
        self.entries.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    }

    /// As counterparts keep it.
    pub(in crate::mysql) fn position(&self) -> LogPosition {
        let entries: String = self.entries.iter().map(|entry| format!(" {entry}")).collect();
        LogPosition(format!("{} {} {}{entries}", self.epoch, self.batch, self.mark))
    }

    /// What a counterpart has kept; `None` where it is none of ours.
    pub(in crate::mysql) fn parse(position: &LogPosition) -> Option<Self> {
        let mut words = position.0.split(' ');
        let (epoch, batch) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let mark = words.next()?.to_owned();
        let entries = words.map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
        Some(Self { epoch, batch, mark, entries })
    }
}
