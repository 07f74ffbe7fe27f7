//! Backups by PostgreSQL's own `pg_dump`, and restores of them by way of `pg_restore`.
//!
//! **Saving** is one `pg_dump` in its custom format, which reads all in one view and keeps nobody from writing.
//!
//! **Restoring** is one transaction of a session of our own. `pg_restore` turns the archive into SQL; it is carried out here rather
//! than by `pg_restore` itself, because everything that is there has to go in the same transaction, and because whatever happens
//! to this process then happens to the session: the server takes back what was not committed. All tables are locked before
//! the first one goes, so whoever has read any of them keeps the restore waiting, and whoever reads none before its end reads the
//! new ones.

mod archive;
mod clear;
mod failure;
mod hold;
mod program;
mod replay;
mod script;

use std::fs::OpenOptions;
use std::path::Path;

use async_trait::async_trait;
use syncline_core::error::Result;
use syncline_core::store::{Backup, Care, Extent, Hold, Owners, Watch};

use self::archive::Archive;
use self::hold::PostgresHold;
use self::program::Programs;
use super::connect::Connection;
use super::{ENGINE, PostgresStore, describe};
use crate::draft::{Draft, no_backup};
use crate::dump::{Facts, Output, Summed, blocking, watchless};

/// What is asked of a database before it is copied.
const ABOUT: &str = "SELECT current_setting('server_version_num')::int4, pg_database_size(current_database()), \
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), current_setting('server_encoding')";

#[async_trait]
impl Backup for PostgresStore {
    fn ending(&self) -> &'static str {
        "dump"
    }

    async fn bytes(&self) -> Result<u64> {
        Ok(About::ask(&self.resident).await?.bytes)
    }

    async fn save(&self, file: &Path, care: Care, watch: &Watch) -> Result<Extent> {
        let about = About::ask(&self.resident).await?;
        watch(0, about.bytes)?;
        let programs = Programs::find(&self.options, about.major()).await?;
        let draft = Draft::of_backup(file, 0)?;
        let facts = Facts {
            engine: ENGINE.to_owned(),
            server: self.resident.version.clone(),
            tool: programs.dump.version.clone(),
            database: self.label(),
            identity: describe(&self.resident).await?.identity,
            taken: about.taken.clone(),
        };
        let bytes = self.dump(&programs, &about, (draft.path(), file), &facts, watch).await?;
        let archive = Archive::open(&programs, draft.path()).await?;
        if care == Care::Checked {
            archive.read_whole(watch).await?;
        }
        let file = file.to_owned();
        blocking(move || draft.publish(&file)).await?;
        Ok(Extent { bytes, tables: archive.tables })
    }

    async fn check(&self, file: &Path) -> Result<Extent> {
        let programs = Programs::find(&self.options, 0).await?;
        Archive::open_whole(&programs, file, &watchless()).await?.extent()
    }

    async fn check_fit(&self, file: &Path) -> Result<()> {
        self.require_writable().await?;
        let about = About::ask(&self.resident).await?;
        let programs = Programs::find(&self.options, 0).await?;
        let archive = Archive::open(&programs, file).await?;
        archive.check_fit(about.major(), &self.label())?;
        clear::check(&self.resident, &self.label()).await
    }

    async fn hold(&self, watch: &Watch) -> Result<Option<Box<dyn Hold>>> {
        Ok(Some(Box::new(PostgresHold::take(self, watch).await?)))
    }

    async fn restore(&self, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent> {
        // Nobody has to wait while a file is looked at that is no backup.
        self.check(file).await?;
        PostgresHold::take(self, watch).await?.replace(file, owners, watch).await
    }
}

impl PostgresStore {
    /// Has the database written into the first of two places, for the second.
    async fn dump(
        &self,
        programs: &Programs,
        about: &About,
        (draft, file): (&Path, &Path),
        facts: &Facts,
        watch: &Watch,
    ) -> Result<u64> {
        let told = |error| no_backup(file, error);
        let mut summed = Summed::new(OpenOptions::new().write(true).open(draft).map_err(told)?);
        let mut output = Output::of(programs.start_dump(&about.encoding)?);
        while let Some(part) = output.next(&|| watch(0, about.bytes)).await? {
            summed.write(part).map_err(told)?;
            watch(summed.bytes.min(about.bytes), about.bytes)?;
        }
        output.finish().await.map_err(|error| failure::of_dump(error, &self.label()))?;
        summed.end(facts).map_err(told)
    }
}

/// The database and its server.
struct About {
    version: u32,
    bytes: u64,
    taken: String,
    encoding: String,
}

impl About {
    async fn ask(connection: &Connection) -> Result<Self> {
        let read = |error| connection.error(error);
        let row = connection.client.query_one(ABOUT, &[]).await.map_err(read)?;
        Ok(Self {
            version: row.try_get::<_, i32>(0).map_err(read)?.unsigned_abs(),
            bytes: row.try_get::<_, i64>(1).map_err(read)?.unsigned_abs(),
            taken: row.try_get(2).map_err(read)?,
            encoding: row.try_get(3).map_err(read)?,
        })
    }

    fn major(&self) -> u32 {
        self.version / 10_000
    }
}
