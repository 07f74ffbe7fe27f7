//! From the name of a database to an open store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::pace::Pace;
use syncline_core::store::{Description, Store};
use syncline_stores::mysql::MysqlStore;
use syncline_stores::postgres::PostgresStore;
use syncline_stores::sqlite::{Access, SqliteStore};

use crate::config::Located;
use crate::database_name::{DatabaseName, MysqlName, PostgresName};
use crate::request::RunRequest;
use crate::session::Syncline;
use crate::state::State;

/// An open database and what it is called.
pub(crate) struct Database {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) description: Description,
    /// For people; never holds a password.
    pub(crate) label: String,
    /// The name in a form that means the same from any directory.
    pub(crate) name: String,
    /// As it was named by whoever asked for it: a password may be part of it, so it is shown to nobody.
    typed: String,
    /// What its backups are called after: the name of its file, or its own with what then follows it.
    pub(crate) called: String,
    /// As whom we are logged in, where the engine knows roles.
    pub(crate) role: Option<String>,
    /// How fast it is read and written, where that is limited.
    pub(crate) pace: Option<Arc<Pace>>,
    /// The file it is in, where it is one.
    file: Option<DatabaseFile>,
}

/// The file of a database.
struct DatabaseFile {
    /// Absolute.
    path: PathBuf,
    /// Opening has made it.
    is_new: bool,
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
    /// As `Write`, and a missing database is made.
    Create,
    /// It is looked at, and nothing is written; but whether it could be is asked.
    Examine,
}

impl Purpose {
    /// What the target of a run is opened for.
    pub(crate) fn of_target(request: &RunRequest) -> Self {
        if request.no_create { Purpose::Write } else { Purpose::Create }
    }

    fn writes(self) -> bool {
        matches!(self, Purpose::Write | Purpose::Create)
    }
}

impl Syncline {
    /// What a database is called for people, whether it is there or not.
    pub(crate) async fn label_of(&self, name: &str) -> Result<String> {
        Ok(self.locate(name).await?.label)
    }

    /// Opens a database.
    ///
    /// # Errors
    /// `GUARD_PROTECTED` where it is protected and would be written; what is wrong with its name, and what keeps it from being
    /// opened.
    pub(crate) async fn open_database(&self, name: &str, purpose: Purpose) -> Result<Database> {
        let located = self.locate(name).await?;
        if purpose.writes() {
            self.check_unprotected(&located).await?;
        }
        self.open_located(name, located, purpose).await
    }

    /// As [`Syncline::open_database`], whether it is protected or not: for what only decides, for what a plan holds, and for
    /// what a run has left behind that has died.
    pub(crate) async fn open_unguarded(&self, name: &str, purpose: Purpose) -> Result<Database> {
        self.open_located(name, self.locate(name).await?, purpose).await
    }

    /// Opens a database once more, for what is no part of a run's own work: whether it is protected or not.
    pub(crate) async fn open_again(&self, database: &Database, purpose: Purpose) -> Result<Database> {
        self.open_unguarded(&database.typed, purpose).await
    }

    async fn open_located(&self, typed: &str, located: Located, purpose: Purpose) -> Result<Database> {
        let Located { name: mut parsed, label, reference, .. } = located;
        let (store, file) = match &mut parsed {
            DatabaseName::Sqlite { path, read_only, must_exist } => {
                let path = self.settings.working_dir.join(path);
                self.open_sqlite(path, purpose, *read_only, *must_exist).await?
            }
            DatabaseName::Postgres(name) => (self.open_postgres(name, purpose).await?, None),
            DatabaseName::Mysql(name) => (self.open_mysql(name, purpose).await?, None),
        };
        if let Some(hint) = parsed.hint() {
            self.remark(hint);
        }
        let description = store.describe().await?;
        if let Some(state) = self.opened_state() {
            recognise(state, &description).await?;
        }
        let name = reference.unwrap_or_else(|| parsed.absolute(&self.settings.working_dir));
        let (called, role) = match &parsed {
            DatabaseName::Sqlite { path, .. } => (file_name(path), None),
            DatabaseName::Postgres(name) => {
                let options = name.options(&self.settings.working_dir);
                (format!("{}.dump", options.database), Some(options.user))
            }
            DatabaseName::Mysql(name) => {
                let options = name.options(&self.settings.working_dir);
                (format!("{}.dump", options.database), Some(options.user))
            }
        };
        let typed = typed.to_owned();
        Ok(Database { store, description, label, name, typed, called, role, pace: None, file })
    }

    async fn open_sqlite(
        &self,
        path: PathBuf,
        purpose: Purpose,
        read_only: bool,
        must_exist: bool,
    ) -> Result<(Arc<dyn Store>, Option<DatabaseFile>)> {
        let access = match purpose {
            Purpose::Read => Access::Read,
            Purpose::Examine if read_only => Access::Read,
            _ if read_only => {
                let what = format!("{} was named with mode=ro", path.display());
                return Err(Error::new(Code::StoreReadOnly, what).leaving("nothing was written"));
            }
            Purpose::Create if !must_exist => Access::Create,
            _ => Access::Write,
        };
        let is_new = access == Access::Create && !path.exists();
        let store = SqliteStore::open(&path, access).await?;
        Ok((Arc::new(store), Some(DatabaseFile { path, is_new })))
    }

    /// A server makes no database by being asked for one, so a missing one is an error whatever it is opened for.
    async fn open_postgres(&self, name: &mut PostgresName, purpose: Purpose) -> Result<Arc<dyn Store>> {
        if let Some(warning) = name.find_password(&self.settings.environment) {
            self.remark(warning);
        }
        let options = name.options(&self.settings.working_dir);
        let store = PostgresStore::open(options, name.schema(), purpose.writes()).await?;
        if purpose.writes() {
            self.remark_each(&store.label(), store.warnings().await?);
        }
        Ok(Arc::new(store))
    }

    /// As [`Syncline::open_postgres`].
    async fn open_mysql(&self, name: &MysqlName, purpose: Purpose) -> Result<Arc<dyn Store>> {
        if let Some(warning) = name.warning() {
            self.remark(warning);
        }
        let store = MysqlStore::open(name.options(&self.settings.working_dir), purpose.writes()).await?;
        self.remark_each(&store.label(), store.warnings().await?);
        Ok(Arc::new(store))
    }

    fn remark_each(&self, label: &str, warnings: Vec<String>) {
        warnings.into_iter().for_each(|warning| self.remark(format!("{label}: {warning}")));
    }
}

/// The last part of a path.
fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Lets the state know a database whose identity an earlier version wrote down less exactly. What is looked up in the state
/// about a database that was opened before the state was, is looked up after this.
///
/// # Errors
/// When the state cannot be written.
pub(crate) async fn recognise(state: &State, description: &Description) -> Result<()> {
    match &description.former_identity {
        Some(former) => state.rename_identity(former, &description.identity).await,
        None => Ok(()),
    }
}

impl Database {
    /// Whether opening has made it.
    pub(crate) fn is_new(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_new)
    }

    /// The file it is in.
    ///
    /// # Errors
    /// `USAGE_INVALID` for a database that a server keeps.
    pub(crate) fn path(&self) -> Result<&Path> {
        let what = || Error::new(Code::UsageInvalid, format!("{} is no file", self.label));
        self.file.as_ref().map(|file| file.path.as_path()).ok_or_else(|| what().leaving("nothing was changed"))
    }

    /// Removes the file if opening has made it and nothing was written to it, so that a refused run leaves no trace.
    pub(crate) fn remove_if_unused(self) {
        let Self { store, file, .. } = self;
        drop(store);
        let Some(DatabaseFile { path, is_new: true }) = file else { return };
        if std::fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
            // Failing to tidy up is no failure of the command: an empty file is an empty database.
            let _ = std::fs::remove_file(path);
        }
    }
}
