//! What a restore has written down in its target, and how what is left of one that was cut off is brought to an end.
//!
//! Tables and rows are made in a database beside, and one `RENAME TABLE` puts them into the place of the old ones. With them
//! goes a table of ours, so it tells whether that has happened. Before it, the way is back: the old triggers are made again.
//! Behind it the way is forward: what the backup has besides tables is made. Each way can be gone twice.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use xxhash_rust::xxh3::xxh3_64;

use crate::mysql::connect::failure::{Attempt, Doing};
use crate::mysql::connect::{ConnectOptions, Connection, Product, cell, connect, quoted};

/// Where they are written down.
pub(super) const TABLE: &str = "_syncline_restore";

/// A table that goes with the old ones, and tells by where it is whether they have gone.
pub(super) const MARK: &str = "_syncline_mark";

const COLUMNS: &str = "seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, way varchar(8) CHARACTER SET utf8mb4 NOT NULL, \
    name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, statement longblob NOT NULL";

/// What a database is like whose restore was cut off in its last part.
pub(in crate::mysql) const BETWEEN: &str = "its tables are all those from before the restore, or all those of the backup; \
    triggers, views, routines and events may be missing or the old ones";

/// Whether anything is left: steps, and databases of ours.
const LEFT: &str = "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?), \
    (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (?, ?))";

/// Whatever is no table, and how it is dropped.
const OBJECTS: &str = "SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
    UNION ALL SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() \
    UNION ALL SELECT 'VIEW', TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() \
    UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()";

/// The triggers, in the order in which they fire.
pub(super) const TRIGGERS: &str = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
    ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER";

/// The databases beside a target, and the lock of who restores it.
pub(super) struct Places {
    /// Where the new tables are made.
    pub(super) new: String,
    /// Where the old tables go.
    pub(super) old: String,
    lock: String,
}

impl Places {
    /// Those of a database, by its name as the server has it.
    pub(super) async fn of(connection: &Connection) -> Attempt<Self> {
        let rows = connection.line.query("SELECT DATABASE()").await?;
        let name: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 0))?;
        let hash = xxh3_64(name.as_bytes());
        let place = |kind| format!("_syncline_{kind}_{hash:016x}");
        Ok(Self { new: place("new"), old: place("old"), lock: format!("syncline:restore:{hash:016x}") })
    }
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To what was there.
    Back,
    /// To what the backup holds.
    Forward,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Way::Back => "back",
            Way::Forward => "forward",
        }
    }
}

/// A step: a statement, and the trigger that it makes again.
pub(super) type Step = (String, Vec<u8>);

/// Makes the table of steps.
pub(super) async fn prepare(connection: &Connection) -> Attempt<()> {
    connection.line.run(format!("CREATE TABLE {TABLE} ({COLUMNS}) ENGINE = InnoDB")).await?;
    Ok(())
}

/// Writes steps down, all or none.
pub(super) async fn write(connection: &Connection, way: Way, steps: &[Step]) -> Attempt<()> {
    connection.line.run("START TRANSACTION").await?;
    for (name, statement) in steps {
        let sql = format!("INSERT INTO {TABLE} (way, name, statement) VALUES (?, ?, ?)");
        connection.line.run_with(sql, (way.word(), name, statement)).await?;
    }
    connection.line.run("COMMIT").await?;
    Ok(())
}

/// The session of who restores a database. No other one does as long as it is there.
pub(super) struct Keeper {
    pub(super) connection: Connection,
    pub(super) places: Places,
    options: ConnectOptions,
}

impl Keeper {
    /// Takes the place, waiting this long.
    ///
    /// # Errors
    /// `STORE_LOCKED` when another has it.
    pub(super) async fn take(options: &ConnectOptions, seconds: u64) -> Result<Self> {
        let connection = connect(options).await?;
        let taken = async {
            let places = Places::of(&connection).await?;
            let rows = connection.line.query(format!("SELECT GET_LOCK('{}', {seconds})", places.lock)).await?;
            let is_ours = rows.first().map_or(Ok(None), |row| cell::<Option<u8>>(row, 0))? == Some(1);
            Ok((places, is_ours))
        };
        match said(&connection, taken.await)? {
            (places, true) => Ok(Self { connection, places, options: options.clone() }),
            (_, false) => Err(Error::new(Code::StoreLocked, format!("{} is being restored", options.label()))
                .because("another session is at work on it still")
                .leaving("nothing was changed")
                .next("run the command again in a while", "")),
        }
    }

    /// Brings whatever is left of a restore to its end. Returns where that is.
    ///
    /// # Errors
    /// When what is left is not seen by this login, and what the server has against it: then it is left to the next one.
    pub(super) async fn resume(&self) -> Result<Option<Way>> {
        let connection = &self.connection;
        match said(connection, left(connection, &self.places).await)? {
            (false, false) => return Ok(None),
            (false, true) => {
                said(connection, self.clear().await)?;
                return Ok(None);
            }
            (true, _) => {}
        }
        let way = self.way().await?;
        let session = connect(&self.options).await?;
        let done = match way {
            Way::Back => back(&session).await,
            Way::Forward => forward(&session).await,
        };
        said(&session, done)?;
        said(connection, self.clear().await)?;
        Ok(Some(way))
    }

    /// Whether the tables have been exchanged: by where the mark is.
    async fn way(&self) -> Result<Way> {
        let Places { new, old, .. } = &self.places;
        let sql = "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = ? AND TABLE_SCHEMA IN (?, ?)";
        let rows = self.connection.line.exec(sql, (MARK, new, old)).await;
        let rows = said(&self.connection, rows.map_err(Into::into))?;
        let place: Option<String> = rows.first().map(|row| cell(row, 0)).transpose()?;
        match place {
            Some(place) if place == *new => Ok(Way::Back),
            Some(_) => Ok(Way::Forward),
            None => Err(Error::new(
                Code::StoreFailed,
                "a restore of this database was cut off, and cannot be brought to its end",
            )
            .because(format!("this login does not see the databases {new} and {old}"))
            .leaving(BETWEEN)
            .next("run the command with the login of the restore", "the first one that writes brings it to its end")),
        }
    }

    /// Removes what is ours: the steps first, for without them the rest is nothing but left over.
    pub(super) async fn clear(&self) -> Attempt<()> {
        let line = &self.connection.line;
        line.run(format!("DROP TABLE IF EXISTS {TABLE}")).await?;
        line.run("SET foreign_key_checks = 0").await?;
        for place in [&self.places.old, &self.places.new] {
            line.run(format!("DROP DATABASE IF EXISTS {}", quoted(place)?)).await?;
        }
        line.run("SET foreign_key_checks = 1").await?;
        Ok(())
    }
}

/// Brings what a restore has left to its end, before a writer of ours begins.
///
/// # Errors
/// As [`Keeper::resume`], and `STORE_LOCKED` while the session of that restore is there still.
pub(in crate::mysql) async fn settle(catalog: &Connection, options: &ConnectOptions) -> Result<()> {
    match found(catalog).await? {
        (false, false) => Ok(()),
        (true, _) => Keeper::take(options, limits::LOCK_WAIT.as_secs()).await?.resume().await.map(drop),
        // Somebody may be loading; else it is left over, and in nobody's way.
        (false, true) => match Keeper::take(options, 0).await {
            Ok(keeper) => {
                let _ = keeper.resume().await;
                Ok(())
            }
            Err(_) => Ok(()),
        },
    }
}

/// Whether a restore has not come to its end here: it is in its last part, or was cut off in it.
///
/// # Errors
/// When the server does not answer.
pub(in crate::mysql) async fn is_unfinished(connection: &Connection) -> Result<bool> {
    Ok(found(connection).await?.0)
}

/// Makes sure that no restore was cut off here: a copy would hold its steps.
///
/// # Errors
/// `STORE_LOCKED`.
pub(super) async fn require_none(connection: &Connection, label: &str) -> Result<()> {
    if !is_unfinished(connection).await? {
        return Ok(());
    }
    Err(Error::new(Code::StoreLocked, format!("{label} is being restored, or a restore of it was cut off"))
        .leaving("no backup was written")
        .next("restore it again, or begin a run that writes to it", "brings the restore to its end"))
}

/// Whether steps are left in the database of a session, and databases of ours beside it.
async fn found(connection: &Connection) -> Result<(bool, bool)> {
    let found = async {
        let places = Places::of(connection).await?;
        left(connection, &places).await
    };
    said(connection, found.await)
}

async fn left(connection: &Connection, places: &Places) -> Attempt<(bool, bool)> {
    let rows = connection.line.exec(LEFT, (TABLE, &places.new, &places.old)).await?;
    let count = |at| rows.first().map_or(Ok(0), |row| cell::<u64>(row, at));
    Ok((count(0)? > 0, count(1)? > 0))
}

/// Makes the old triggers again, unless all of them are there. They fire in the order in which they are made.
async fn back(session: &Connection) -> Attempt<()> {
    let steps = written(session, Way::Back).await?;
    let there = names(session, TRIGGERS).await?;
    if steps.iter().all(|(name, _)| name.is_empty() || there.contains(name)) {
        return Ok(());
    }
    for (name, _) in steps.iter().filter(|(name, _)| there.contains(name)) {
        session.line.run(format!("DROP TRIGGER {}", quoted(name)?)).await?;
    }
    for (_, statement) in steps {
        session.line.run_bytes(statement).await?;
    }
    Ok(())
}

/// Makes what the backup has besides tables, and nothing else stays.
async fn forward(session: &Connection) -> Attempt<()> {
    let steps = written(session, Way::Forward).await?;
    for row in session.line.query(OBJECTS).await? {
        let (kind, name): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
        let drop = format!("DROP {kind} IF EXISTS {}", quoted(&name)?);
        if kind.starts_with("PACKAGE") {
            // MariaDB knows the word in this mode only.
            session.line.run("SET @_syncline_mode = @@sql_mode, sql_mode = 'ORACLE'").await?;
            session.line.run(drop).await?;
            session.line.run("SET sql_mode = @_syncline_mode").await?;
        } else {
            session.line.run(drop).await?;
        }
    }
    as_clients(session).await?;
    for (_, statement) in steps {
        session.line.run_bytes(statement).await?;
    }
    Ok(())
}

/// A script is written for sessions as the server's own client has them.
pub(super) async fn as_clients(session: &Connection) -> Attempt<()> {
    if session.version.product == Product::MariaDb {
        session.line.run("SET old_mode = DEFAULT, check_constraint_checks = 0").await?;
    }
    Ok(())
}

async fn written(session: &Connection, way: Way) -> Attempt<Vec<Step>> {
    let sql = format!("SELECT name, statement FROM {TABLE} WHERE way = ? ORDER BY seq");
    let rows = session.line.exec(sql, (way.word(),)).await?;
    Ok(rows.iter().map(|row| Ok((cell(row, 0)?, cell(row, 1)?))).collect::<Result<_>>()?)
}

/// The only column of all rows of a query.
pub(super) async fn names(session: &Connection, sql: &str) -> Attempt<Vec<String>> {
    let rows = session.line.query(sql).await?;
    Ok(rows.iter().map(|row| cell(row, 0)).collect::<Result<_>>()?)
}

/// The error that a person sees.
pub(super) fn said<T>(connection: &Connection, done: Attempt<T>) -> Result<T> {
    done.map_err(|failure| connection.error_while(failure, Doing::Writing))
}
