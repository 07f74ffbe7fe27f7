//! What is tracked, as the database itself knows it.
//!
//! A table's *signature* is made of its definition, its unique indexes, its triggers and the numbers under which the catalog
//! holds these. A migration that drops a trigger and makes it again just as it was gives it another number: the table of
//! [`TRACKING`] is always made last, so that the number of what stood before it is not given out again. The application's
//! triggers count because SQLite fires the newest first: one that fails by `RAISE(FAIL)`, or under `OR FAIL`, leaves the row
//! written, and behind it none of ours would be fired.

use rusqlite::{Connection, Row};
use syncline_core::error::{Code, Error};
use syncline_core::store::LogPosition;

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select::{quoted, table_exists};

/// The table with one row that says which database this is. The last that an installation makes.
pub(super) const TRACKING: &str = "_syncline_tracking";

/// The tracked tables.
pub(super) const TRACKED: &str = "_syncline_tracked";

/// The table of those who read.
pub(super) const CONSUMERS: &str = "_syncline_consumer";

/// The version of what is installed.
pub(super) const VERSION: i64 = 1;

/// A tracked table.
#[derive(Clone, Debug)]
pub(in crate::sqlite) struct Tracked {
    /// The number its log and its triggers bear in their names.
    pub(super) id: i64,
    /// The table.
    pub(in crate::sqlite) name: String,
    /// The name of this log among all that the table ever had: positions in another say nothing.
    pub(super) epoch: String,
    /// As it was when the triggers were made.
    pub(super) signature: String,
    /// The columns of the key, in its order.
    pub(in crate::sqlite) key: Vec<String>,
}

impl Tracked {
    /// The name of the log.
    pub(in crate::sqlite) fn log(&self) -> String {
        format!("_syncline_log_{}", self.id)
    }

    /// What the names of its triggers begin with.
    pub(super) fn prefix(&self) -> String {
        format!("_syncline_{}_", self.id)
    }
}

/// What counterparts call this database, where tracking is installed.
pub(in crate::sqlite) fn store(conn: &Connection) -> Attempt<Option<String>> {
    for name in [TRACKING, TRACKED, CONSUMERS] {
        if !table_exists(conn, name)? {
            return Ok(None);
        }
    }
    let (store, version): (String, i64) =
        conn.query_row(&format!("SELECT store, version FROM main.{TRACKING}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if version > VERSION {
        let what = "the change tracking of this database was installed by a newer Syncline";
        return Err(Error::new(Code::TrackingBroken, what).leaving("nothing was changed").into());
    }
    Ok(Some(store))
}

/// The tracked tables, in the order of their names.
pub(in crate::sqlite) fn tracked(conn: &Connection) -> Attempt<Vec<Tracked>> {
    let sql = format!("SELECT id, name, epoch, signature, key FROM main.{TRACKED} ORDER BY name");
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let key: String = row.get(4)?;
        let key = serde_json::from_str(&key).unwrap_or_default();
        Ok(Tracked { id: row.get(0)?, name: row.get(1)?, epoch: row.get(2)?, signature: row.get(3)?, key })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The catalog, read once for all tables.
pub(in crate::sqlite) struct Catalog(Vec<Object>);

struct Object {
    number: i64,
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
}

impl Catalog {
    /// As it is now.
    pub(in crate::sqlite) fn read(conn: &Connection) -> Attempt<Self> {
        let mut statement =
            conn.prepare("SELECT rowid, type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY name")?;
        let object = |row: &Row<'_>| {
            Ok(Object {
                number: row.get(0)?,
                kind: row.get(1)?,
                name: row.get(2)?,
                table: row.get(3)?,
                sql: row.get(4)?,
            })
        };
        Ok(Self(statement.query_map([], object)?.collect::<rusqlite::Result<_>>()?))
    }

    /// What has become of a tracked table since its triggers were made; `None` where nothing has.
    pub(in crate::sqlite) fn defect(&self, conn: &Connection, tracked: &Tracked) -> Attempt<Option<&'static str>> {
        if let Some(defect) = self.defect_of_definition(tracked) {
            return Ok(Some(defect));
        }
        // It has an entry from the beginning, and its last one is never purged: of an empty log no position says anything.
        let sql = format!("SELECT EXISTS (SELECT 1 FROM main.{})", quoted(&tracked.log())?);
        let has_entries: bool = conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok((!has_entries).then_some("its log was emptied"))
    }

    fn defect_of_definition(&self, tracked: &Tracked) -> Option<&'static str> {
        let is_it =
            |object: &&Object, kind: &str, name: &str| object.kind == kind && object.name.eq_ignore_ascii_case(name);
        if !self.0.iter().any(|object| is_it(&object, "table", &tracked.name)) {
            return Some("the table is not there any more");
        }
        if !self.0.iter().any(|object| is_it(&object, "table", &tracked.log())) {
            return Some("its log was removed");
        }
        (self.signature(tracked) != tracked.signature)
            .then_some("its definition or its triggers were changed since tracking was installed")
    }

    /// The signature of a tracked table as the catalog has it.
    pub(super) fn signature(&self, tracked: &Tracked) -> String {
        let (log, prefix) = (tracked.log(), tracked.prefix());
        let mut text = String::new();
        for object in &self.0 {
            let is_here = object.table.eq_ignore_ascii_case(&tracked.name);
            let is_trigger = object.kind == "trigger" && (is_here || object.name.starts_with(&prefix));
            let is_numbered = object.name == log || is_trigger;
            let is_of_table = is_here
                && match object.kind.as_str() {
                    "table" => true,
                    "index" => object.sql.as_deref().is_some_and(is_unique),
                    _ => false,
                };
            if is_numbered || is_of_table {
                let number = if is_numbered { object.number } else { 0 };
                text += &format!("{number} {} {:?} {:?}\n", object.kind, object.name, object.sql);
            }
        }
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }

    /// The triggers whose names begin so.
    pub(super) fn triggers<'c>(&'c self, prefix: &'c str) -> impl Iterator<Item = &'c str> {
        let named = self.0.iter().filter(move |object| object.kind == "trigger" && object.name.starts_with(prefix));
        named.map(|object| object.name.as_str())
    }
}

/// Whether this is the statement of a unique index: only those bear on which rows a statement takes away.
fn is_unique(sql: &str) -> bool {
    sql.split_whitespace().nth(1).is_some_and(|word| word.eq_ignore_ascii_case("unique"))
}

/// A place in the log of a table, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Place {
    /// As [`Tracked::epoch`].
    pub(in crate::sqlite) epoch: String,
    /// The number of the last entry.
    pub(in crate::sqlite) seq: i64,
    /// What that entry says, so that another one of the same number is told from it.
    pub(super) evidence: String,
}

impl Place {
    /// Where the log ends.
    pub(in crate::sqlite) fn end_of(conn: &Connection, tracked: &Tracked) -> Attempt<Self> {
        let log = quoted(&tracked.log())?;
        Self::read(conn, tracked, &format!("SELECT * FROM main.{log} ORDER BY seq DESC LIMIT 1"), [])
            .and_then(|place| place.ok_or_else(|| emptied(tracked).into()))
    }

    /// Whether the log still has the entry of this place, just as it was.
    pub(in crate::sqlite) fn is_in(&self, conn: &Connection, tracked: &Tracked) -> Attempt<bool> {
        let log = quoted(&tracked.log())?;
        let found = Self::read(conn, tracked, &format!("SELECT * FROM main.{log} WHERE seq = ?1"), [self.seq])?;
        Ok(found.as_ref() == Some(self))
    }

    fn read(conn: &Connection, tracked: &Tracked, sql: &str, params: impl rusqlite::Params) -> Attempt<Option<Self>> {
        let mut statement = conn.prepare_cached(sql)?;
        let (width, mut bytes) = (statement.column_count(), Vec::new());
        let mut rows = statement.query(params)?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let equality = syncline_core::value::Equality::Exact;
        crate::sqlite::types::encode_row(row, width, (None, equality), &mut bytes)?;
        let evidence = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes));
        Ok(Some(Self { epoch: tracked.epoch.clone(), seq: row.get("seq")?, evidence }))
    }

    /// As counterparts keep it.
    pub(in crate::sqlite) fn position(&self) -> LogPosition {
        LogPosition(format!("{} {} {}", self.epoch, self.seq, self.evidence))
    }

    /// What a counterpart has kept; `None` where it is none of ours.
    pub(in crate::sqlite) fn parse(position: &LogPosition) -> Option<Self> {
        let mut words = position.0.split(' ').map(str::to_owned);
        let (epoch, seq, evidence) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        words.next().is_none().then_some(Self { epoch, seq, evidence })
    }
}

fn emptied(tracked: &Tracked) -> Error {
    let what = format!("the log of {} was emptied", tracked.name);
    Error::new(Code::TrackingBroken, what).leaving("nothing was decided on that ground")
}
