//! How a database that logs its changes stands: one verdict, with the reason.

use serde::Serialize;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::store::{ConsumerStanding, Standing, TrackedTable};

use crate::open::Purpose;
use crate::session::{Syncline, now_ms};

/// How a database stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    /// Version of this object.
    pub format: u32,
    /// `status`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The database's label.
    pub database: String,
    /// `sqlite`, `postgres` or `mysql`.
    pub engine: String,
    /// In a word.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// Entries in all logs together.
    pub entries: u64,
    /// Bytes that they take, about.
    pub bytes: u64,
    /// The tracked tables, in the order of their names.
    pub tables: Vec<TableStatus>,
    /// Who reads the logs, the slowest first.
    pub consumers: Vec<ConsumerStatus>,
}

/// How a database stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its changes are not logged.
    NotTracked,
    /// A log is not to be trusted.
    Blocked,
    /// The logs grow, because somebody does not come to read them, or nobody does.
    Growing,
    /// Nobody has read the logs yet.
    Unread,
    /// Somebody has not read all of them.
    Behind,
    /// All is read.
    UpToDate,
}

/// One tracked table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// Its name.
    pub table: String,
    /// Entries in its log.
    pub entries: u64,
    /// Bytes that the log takes, about.
    pub bytes: u64,
    /// Why the log is not to be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defect: Option<String>,
}

/// One who reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerStatus {
    /// What people call it.
    pub consumer: String,
    /// Entries that it has not read.
    pub behind: u64,
    /// How long ago the oldest of them was made, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// How long ago it has read, in milliseconds.
    pub seen_ms_ago: u64,
}

impl Syncline {
    /// How a database stands. Nothing is changed.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn status(&self, database: &str) -> Result<StatusReport> {
        let database = self.open_database(database, Purpose::Read).await?;
        let standing = database.store.tracking().standing().await?;
        let (label, engine) = (database.label, database.description.engine.to_owned());
        Ok(report(label, engine, standing, now_ms()))
    }
}

fn report(database: String, engine: String, standing: Option<Standing>, now: i64) -> StatusReport {
    let (verdict, reason) = judged(standing.as_ref(), now);
    let Standing { tables, mut consumers, .. } = standing.unwrap_or_default();
    consumers.sort_by_key(|consumer| std::cmp::Reverse(consumer.behind));
    StatusReport {
        format: 1,
        kind: "status".to_owned(),
        database,
        engine,
        verdict,
        reason,
        entries: tables.iter().map(|table| table.entries).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
        tables: tables.into_iter().map(TableStatus::from).collect(),
        consumers: consumers.into_iter().map(|consumer| ConsumerStatus::of(consumer, now)).collect(),
    }
}

fn judged(standing: Option<&Standing>, now: i64) -> (Verdict, String) {
    let Some(Standing { tables, consumers, .. }) = standing else {
        return (Verdict::NotTracked, "its changes are not logged".to_owned());
    };
    let broken = tables.iter().find_map(|table| Some((&table.name, table.defect.as_ref()?)));
    if let Some((table, defect)) = broken {
        return (Verdict::Blocked, format!("the log of {table} is not gone by, and the table compared: {defect}"));
    }
    if let Some(alarm) = alarm(tables, consumers, now) {
        return (Verdict::Growing, alarm);
    }
    let Some(slowest) = consumers.iter().max_by_key(|consumer| consumer.behind) else {
        return (Verdict::Unread, "nobody has read its logs yet".to_owned());
    };
    if slowest.behind == 0 {
        return (Verdict::UpToDate, "everything that was logged has been carried".to_owned());
    }
    let ago = slowest.oldest_ms.map(|at| format!(", the oldest made {} s ago", since(at, now) / 1000));
    let (s, have) = if slowest.behind == 1 { ("y", "has") } else { ("ies", "have") };
    let reason =
        format!("{} entr{s} {have} not been carried by {}{}", slowest.behind, slowest.label, ago.unwrap_or_default());
    (Verdict::Behind, reason)
}

/// Why somebody should see to logs that grow. Whoever has left too much unread is given up, but only once another one reads: nothing
/// of ours runs by itself.
fn alarm(tables: &[TrackedTable], consumers: &[ConsumerStanding], now: i64) -> Option<String> {
    let bound = format!(
        "{} entries or {} days are kept for one that does not come",
        limits::LOG_KEPT_ENTRIES,
        limits::LOG_KEPT_FOR.as_secs() / DAY
    );
    let days = |consumer: &ConsumerStanding| consumer.oldest_ms.map_or(0, |at| since(at, now) / 1000 / DAY);
    let is_lost = |consumer: &&ConsumerStanding| {
        consumer.behind >= limits::LOG_ALARM_ENTRIES || days(consumer) >= limits::LOG_ALARM_AFTER.as_secs() / DAY
    };
    if let Some(lost) = consumers.iter().filter(is_lost).max_by_key(|consumer| consumer.behind) {
        let (label, behind, days) = (&lost.label, lost.behind, days(lost));
        return Some(format!("{label} has left {behind} entries unread, the oldest for {days} days; {bound}"));
    }
    let entries: u64 = tables.iter().map(|table| table.entries).sum();
    (consumers.is_empty() && entries >= limits::LOG_ALARM_ENTRIES)
        .then(|| format!("nobody has ever read these {entries} entries: untrack the database if nobody will"))
}

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

fn since(at: i64, now: i64) -> u64 {
    u64::try_from(now.saturating_sub(at)).unwrap_or(0)
}

impl From<TrackedTable> for TableStatus {
    fn from(table: TrackedTable) -> Self {
        Self { table: table.name, entries: table.entries, bytes: table.bytes, defect: table.defect }
    }
}

impl ConsumerStatus {
    fn of(consumer: ConsumerStanding, now: i64) -> Self {
        Self {
            consumer: consumer.label,
            behind: consumer.behind,
            lag_ms: consumer.oldest_ms.map(|at| since(at, now)),
            seen_ms_ago: since(consumer.seen_ms, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(behind: &[u64], defect: Option<&str>) -> Standing {
        let consumer = |behind: &u64| ConsumerStanding {
            label: format!("mirror {behind}.db"),
            behind: *behind,
            oldest_ms: (*behind > 0).then_some(1_000),
            ..ConsumerStanding::default()
        };
        let table = TrackedTable { name: "t".to_owned(), defect: defect.map(str::to_owned), ..TrackedTable::default() };
        Standing { store: String::new(), tables: vec![table], consumers: behind.iter().map(consumer).collect() }
    }

    #[test]
    fn the_worst_is_the_verdict() {
        let of = |standing: Option<Standing>| judged(standing.as_ref(), 4_000);
        assert_eq!(of(None).0, Verdict::NotTracked);
        assert_eq!(of(Some(standing(&[3], Some("gone")))).0, Verdict::Blocked);
        assert_eq!(of(Some(standing(&[], None))).0, Verdict::Unread);
        assert_eq!(of(Some(standing(&[0, 0], None))).0, Verdict::UpToDate);
        let (verdict, reason) = of(Some(standing(&[0, 3], None)));
        assert_eq!(verdict, Verdict::Behind);
        assert_eq!(reason, "3 entries have not been carried by mirror 3.db, the oldest made 3 s ago");
    }

    #[test]
    fn logs_that_grow_are_told_in_time() {
        let of = |standing: &Standing, days: i64| judged(Some(standing), 1_000 + days * 24 * 3_600_000);
        let (verdict, reason) = of(&standing(&[0, 3, limits::LOG_ALARM_ENTRIES], None), 2);
        assert_eq!(verdict, Verdict::Growing);
        assert_eq!(
            reason,
            "mirror 5000000.db has left 5000000 entries unread, the oldest for 2 days; \
             10000000 entries or 30 days are kept for one that does not come"
        );
        assert_eq!(of(&standing(&[3], None), 14).0, Verdict::Behind);
        assert_eq!(of(&standing(&[3], None), 15).0, Verdict::Growing);
        let mut unread = standing(&[], None);
        unread.tables[0].entries = limits::LOG_ALARM_ENTRIES;
        assert_eq!(of(&unread, 0).0, Verdict::Growing);
    }
}
