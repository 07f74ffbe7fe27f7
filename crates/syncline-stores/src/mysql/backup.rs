//! Backups by the server's own `mariadb-dump` or `mysqldump`.
//!
//! **Saving** is one script of one view. Tables that no view has are kept from changing until they are written. The program cuts
//! values of `FLOAT` columns off, so the rows of their tables come from a view of ours that begins at the same moment.
//!
//! **Restoring** makes the new tables in a database beside, by a session of ours that carries out what it knows and nothing else, and
//! exchanges them for the old ones in one statement. What is no table follows. A definition is in no transaction of these servers, so the
//! steps are written down before, and who writes next brings to an end what was cut off.

mod apart;
mod failure;
mod fit;
mod lexer;
mod program;
mod reader;
mod restore;
mod script;
mod sight;
mod statement;
mod steps;
mod still;
mod swap;

use std::fs::OpenOptions;
use std::path::Path;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{Backup, Care, Extent, Hold, Owners, Watch};

use self::apart::Apart;
use self::program::{DumpProgram, Part};
use self::restore::MysqlHold;
use self::script::{Written, read_whole};
pub(super) use self::steps::{BETWEEN, is_unfinished, settle};
use self::still::{Still, Tables, waits_too_long};
use self::swap::Locked;
use super::connect::{Connection, cell};
use super::{ENGINE, MysqlStore, describe};
use crate::draft::{Draft, no_backup};
use crate::dump::{Facts, Output, blocking};

/// What is asked of a database before it is copied.
const ABOUT: &str = "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED), \
    DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ'), CAST(COALESCE(SUM(TABLE_TYPE = 'SYSTEM VERSIONED'), 0) AS UNSIGNED) \
    FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";

#[async_trait]
impl Backup for MysqlStore {
    fn ending(&self) -> &'static str {
        "sql"
    }

    async fn bytes(&self) -> Result<u64> {
        Ok(About::ask(&self.resident).await?.bytes)
    }

    async fn save(&self, file: &Path, care: Care, watch: &Watch) -> Result<Extent> {
        let about = About::ask(&self.resident).await?;
        watch(0, about.bytes)?;
        steps::require_none(&self.resident, &self.label()).await?;
        let program = DumpProgram::find(&self.options, &self.resident, about.has_history).await?;
        sight::require(&self.resident, &self.options).await?;
        let draft = Draft::of_backup(file, 0)?;
        let facts = Facts {
            engine: ENGINE.to_owned(),
            server: self.resident.version.text.clone(),
            tool: program.version().to_owned(),
            database: self.label(),
            identity: describe(&self.resident).await?.identity,
            taken: about.taken.clone(),
        };
        let extent = self.dump(&program, &about, (draft.path(), file), &facts, watch).await?;
        let file = file.to_owned();
        blocking(move || {
            if care == Care::Checked {
                read_whole(draft.path())?;
            }
            draft.publish(&file)
        })
        .await?;
        Ok(extent)
    }

    async fn check(&self, file: &Path) -> Result<Extent> {
        let file = file.to_owned();
        blocking(move || read_whole(&file)).await
    }

    async fn check_fit(&self, file: &Path) -> Result<()> {
        restore::check_fit(self, file).await
    }

    async fn hold(&self, watch: &Watch) -> Result<Option<Box<dyn Hold>>> {
        Ok(Some(Box::new(MysqlHold::take(self, watch).await?)))
    }

    async fn restore(&self, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent> {
        let _right = self.right()?;
        self.replace(file, owners, (Locked::none(&self.options).await?, None), watch).await
    }
}

impl MysqlStore {
    /// Has the database written into the first of two places, for the second.
    async fn dump(
        &self,
        program: &DumpProgram<'_>,
        about: &About,
        (draft, file): (&Path, &Path),
        facts: &Facts,
        watch: &Watch,
    ) -> Result<Extent> {
        let place = OpenOptions::new().write(true).open(draft).map_err(|error| no_backup(file, error))?;
        let mut script = Written::to(place, file);
        let tables = Tables::ask(&self.resident).await?;
        let label = self.label();
        tokio::select! {
            written = self.write(program, about, &tables, &mut script, watch) => written?,
            error = waits_too_long(&self.resident, &label) => return Err(error),
        }
        tables.require_same(&Tables::ask(&self.resident).await?, &label)?;
        script.end(facts)
    }

    async fn write(
        &self,
        program: &DumpProgram<'_>,
        about: &About,
        tables: &Tables,
        script: &mut Written<'_>,
        watch: &Watch,
    ) -> Result<()> {
        let watched = |bytes: u64| watch(bytes.min(about.bytes), about.bytes);
        let failed = |error| failure::of_dump(error, &self.label());
        let mut still = Still::take(&self.options, &self.resident, tables, watch).await?;
        let is_whole = tables.apart().next().is_none();
        let mut output = Output::of(program.start(if is_whole { Part::Whole } else { Part::WithoutTriggers }, tables)?);
        let mut apart = None;
        while let Some(part) = output.next(&|| watch(0, about.bytes)).await? {
            if script.bytes() == 0 {
                script.write_first(part)?;
            } else {
                script.write(part)?;
            }
            if !is_whole && apart.is_none() {
                // What comes first is short: by now the program has its view, and nobody has written to these tables since.
                apart = Some(Apart::view(&self.options, tables).await?);
                still.let_go_of_floats();
            }
            watched(script.bytes())?;
        }
        output.finish().await.map_err(failed)?;
        let Some(apart) = apart else { return Ok(()) };
        apart.write(still.lock.as_ref(), script, &watched).await?;
        drop(still);
        // Triggers would fire on these rows, so they come behind them.
        let mut output = Output::of(program.start(Part::Triggers, tables)?);
        while let Some(part) = output.next(&|| watch(0, about.bytes)).await? {
            script.write(part)?;
        }
        output.finish().await.map_err(failed)
    }
}

/// The database, as its server sees it.
struct About {
    bytes: u64,
    taken: String,
    has_history: bool,
}

impl About {
    async fn ask(connection: &Connection) -> Result<Self> {
        let rows = connection.line.query(ABOUT).await.map_err(|error| connection.error(error))?;
        let row =
            rows.first().ok_or_else(|| Error::new(Code::StoreFailed, "the server does not say how large it is"))?;
        Ok(Self { bytes: cell(row, 0)?, taken: cell(row, 1)?, has_history: cell::<u64>(row, 2)? > 0 })
    }
}
