//! A database that becomes what a backup holds.

use std::path::Path;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Backup, Extent, Hold, Owners, Watch};
use tokio::sync::mpsc;

use super::fit;
use super::lexer::Rules;
use super::reader::Reader;
use super::statement::{Statement, idle, owned};
use super::steps::{self, Keeper, MARK, Step, TRIGGERS, Way, names, said};
use super::swap::{Lock, Locked, swap};
use crate::dump::{Kind, unreadable};
use crate::mysql::MysqlStore;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell, connect, quoted};
use crate::mysql::examine::grant_beside;
use crate::one_writer::OneWriter;

/// How the target is set up.
const SETUP: &str = "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA \
    WHERE SCHEMA_NAME = DATABASE()";

/// Who the triggers are of.
const DEFINERS: &str = "SELECT DISTINCT CONCAT(QUOTE(SUBSTRING_INDEX(DEFINER, '@', LENGTH(DEFINER) - LENGTH(REPLACE(DEFINER, '@', '')))), \
    '@', QUOTE(SUBSTRING_INDEX(DEFINER, '@', -1))) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND DEFINER LIKE '%@%'";

/// A database that nobody else writes to, until its tables are exchanged.
pub(super) struct MysqlHold {
    store: MysqlStore,
    locked: Locked,
    _right: OneWriter,
}

impl MysqlHold {
    /// Locks all tables for reading.
    ///
    /// # Errors
    /// `STORE_LOCKED`, what `watch` returns, `PERMISSION_DENIED`.
    pub(super) async fn take(store: &MysqlStore, watch: &Watch) -> Result<Self> {
        store.require_writable().await?;
        let right = store.right()?;
        let mut locked = Locked::none(&store.options).await?;
        locked.lock(Lock::Read, watch).await?;
        let store = MysqlStore::open((*store.options).clone(), true).await?;
        Ok(Self { store, locked, _right: right })
    }
}

#[async_trait]
impl Hold for MysqlHold {
    async fn restore(self: Box<Self>, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent> {
        let before = self.locked.tables.clone();
        let Self { store, locked, _right } = *self;
        store.replace(file, owners, (locked, Some(before)), watch).await
    }
}

impl MysqlStore {
    /// Makes the database what the backup holds. These tables are locked meanwhile.
    ///
    /// # Errors
    /// As [`Backup::restore`].
    pub(super) async fn replace(
        &self,
        file: &Path,
        owners: Owners,
        (locked, before): (Locked, Option<Vec<String>>),
        watch: &Watch,
    ) -> Result<Extent> {
        let stamp = Kind::Mysql.require(file)?;
        let extent = self.check(file).await?;
        self.check_fit(file).await?;
        let keeper = Keeper::take(&self.options, limits::LOCK_WAIT.as_secs()).await?;
        keeper.resume().await?;
        let prepared = async {
            self.make_places(&keeper).await?;
            let steps = self.load(file, owners, &keeper, watch).await?;
            if Kind::Mysql.require(file)? != stamp {
                return Err(Error::new(Code::StoreCorrupt, "the backup was changed while it was read"));
            }
            let prepared = async {
                steps::prepare(&keeper.connection).await?;
                steps::write(&keeper.connection, Way::Forward, &steps).await
            };
            said(&keeper.connection, prepared.await)
        };
        if let Err(error) = prepared.await {
            // What cannot be removed now is removed by the next one that writes.
            let _ = keeper.clear().await;
            return Err(error.leaving_if_unsaid("nothing was changed"));
        }
        let swapped = swap(&keeper, locked, before.as_deref(), watch).await;
        match (swapped, keeper.resume().await) {
            (_, Ok(Some(Way::Forward))) => Ok(extent),
            (Err(error), Ok(_)) => Err(refused(error)),
            (Ok(()), Ok(_)) => Err(Error::new(Code::Internal, "the tables were exchanged, and are not")),
            (swapped, Err(error)) => {
                let first = swapped.err().and_then(|error| error.why().map(str::to_owned)).unwrap_or_default();
                Err(Error::new(Code::StoreFailed, format!("the restore of {} was cut off", self.label()))
                    .because(format!("{first} {error}"))
                    .leaving(steps::BETWEEN)
                    .next("run the command again", "whatever writes next brings the restore to its end first"))
            }
        }
    }

    /// Makes the databases beside, and makes sure that the triggers which are there could be made again.
    async fn make_places(&self, keeper: &Keeper) -> Result<()> {
        let Keeper { connection, places, .. } = keeper;
        let made = async {
            let rows = connection.line.query(SETUP).await?;
            let fact = |at| rows.first().map_or_else(|| Ok(String::new()), |row| cell::<String>(row, at));
            let (charset, collation) = (fact(0)?, fact(1)?);
            for place in [&places.new, &places.old] {
                let place = quoted(place)?;
                let sql = format!("CREATE DATABASE {place} CHARACTER SET {charset} COLLATE {collation}");
                connection.line.run(sql).await?;
            }
            let mark = format!("CREATE TABLE {}.{MARK} (id int) ENGINE = InnoDB", quoted(&places.new)?);
            connection.line.run(mark).await?;
            Ok(())
        };
        let lacks = |what: &str, error: &Error| {
            let why = error.why().unwrap_or_default().to_owned();
            Error::new(Code::RestoreRefused, what).because(why).leaving("nothing was changed")
        };
        match said(connection, made.await) {
            Err(error) if error.code() == Code::PermissionDenied => {
                let next = grant_beside(connection, "ALL PRIVILEGES", "_syncline_").await?;
                let what = "a restore makes its tables in a database beside, and this user may make none";
                return Err(lacks(what, &error).next(next, "gives it those, and no others"));
            }
            made => made?,
        }
        said(connection, probe(connection, &places.old).await).map_err(|error| match error.code() {
            Code::PermissionDenied | Code::StoreFailed => {
                lacks("this user could not make the triggers again that are there", &error)
                    .next("restore as their definer, or with SET USER (SUPER) on the whole server", "")
            }
            _ => error,
        })
    }

    /// Carries the script out in the database beside. Returns what is to be carried out once more in the target: all that makes no
    /// tables.
    async fn load(&self, file: &Path, owners: Owners, keeper: &Keeper, watch: &Watch) -> Result<Vec<Step>> {
        let session = connect(&self.options).await?;
        let begun = async {
            session.line.run(format!("USE {}", quoted(&keeper.places.new)?)).await?;
            steps::as_clients(&session).await
        };
        said(&session, begun.await)?;
        let (rules, most) = (Rules::of(&session.version), self.most());
        let total = file.metadata().map_err(|error| unreadable(file, error))?.len();
        let (mut statements, mut bytes) = (read(file, rules, most)?, 0);
        let mut steps = Vec::new();
        while let Some(next) = statements.recv().await {
            let (text, statement, rules, at) = next?;
            watch(at, total)?;
            if statement == Statement::Table {
                self.carry_out(&session, text).await?;
                continue;
            }
            let text = owned(text, &rules, owners);
            bytes += text.len();
            if bytes > limits::RESTORE_OBJECTS_BYTES {
                let what = format!(
                    "views, routines, triggers and events have more than {} bytes",
                    limits::RESTORE_OBJECTS_BYTES
                );
                return Err(Error::new(Code::RestoreRefused, what));
            }
            // An event that is there does something.
            self.carry_out(&session, idle(&text, &rules)).await?;
            steps.push((String::new(), text));
        }
        // Tables with triggers cannot be moved.
        let dropped = async {
            for trigger in names(&session, TRIGGERS).await? {
                session.line.run(format!("DROP TRIGGER {}", quoted(&trigger)?)).await?;
            }
            Ok(())
        };
        said(&session, dropped.await)?;
        Ok(steps)
    }

    async fn carry_out(&self, session: &Connection, text: Vec<u8>) -> Result<()> {
        let head = String::from_utf8_lossy(&text[..text.len().min(120)]).into_owned();
        let done: Attempt<()> = session.line.run_bytes(text).await.map_err(Into::into);
        said(session, done).map_err(|error| {
            let why = format!("{} (at {:?})", error.why().unwrap_or_default(), head.trim());
            refused(error.because(why))
        })
    }

    /// The longest statement, in bytes, with room for what is added to it.
    pub(super) fn most(&self) -> usize {
        usize::try_from(self.resident.packet_bytes)
            .unwrap_or(usize::MAX)
            .min(limits::COPY_ROW_BYTES_MAX)
            .saturating_sub(limits::RESTORE_STATEMENT_MARGIN)
    }
}

/// Makes a trigger for everybody who has one here, on a table of ours.
async fn probe(connection: &Connection, place: &str) -> Attempt<()> {
    let table = format!("{}.{MARK}", quoted(place)?);
    for definer in names(connection, DEFINERS).await? {
        connection.line.run(format!("CREATE TABLE {table} (id int)")).await?;
        let trigger =
            format!("CREATE DEFINER = {definer} TRIGGER {table} BEFORE INSERT ON {table} FOR EACH ROW SET @x = 1");
        connection.line.run(trigger).await?;
        connection.line.run(format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// What the server has against a backup is a reason not to restore it.
fn refused(error: Error) -> Error {
    match error.code() {
        Code::StoreFailed
        | Code::PermissionDenied
        | Code::TableDenied
        | Code::RowRefused
        | Code::UniqueClash
        | Code::TableRebuilt => {
            let why = error.why().unwrap_or_default().to_owned();
            Error::new(Code::RestoreRefused, "the server does not take what the backup holds")
                .because(why)
                .leaving("nothing was changed")
                .next("--no-owner", "everything belongs to who restores, where a user of the backup is in the way")
        }
        _ => error,
    }
}

type Read = mpsc::Receiver<Result<(Vec<u8>, Statement, Rules, u64)>>;

/// Reads the statements of a script ahead of those who carry them out: one.
fn read(file: &Path, rules: Rules, most: usize) -> Result<Read> {
    let mut reader = Reader::open(file, rules, most)?;
    let (found, statements) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        loop {
            let next = match reader.next() {
                Ok(Some((text, statement))) => Ok((text, statement, reader.rules, reader.bytes)),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            if found.blocking_send(next).is_err() {
                return;
            }
        }
    });
    Ok(statements)
}

/// Makes sure that the backup can be put into the database.
///
/// # Errors
/// As [`Backup::check_fit`].
pub(super) async fn check_fit(store: &MysqlStore, file: &Path) -> Result<()> {
    store.require_writable().await?;
    fit::require_server(file, &store.resident.version)?;
    fit::require_target(&store.resident, &store.options).await?;
    let (file, rules, most) = (file.to_owned(), Rules::of(&store.resident.version), store.most());
    crate::dump::blocking(move || fit::require_known(&file, rules, most)).await
}
