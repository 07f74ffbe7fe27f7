//! From the name of a database to an open store.

use std::path::PathBuf;
use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::pace::Pace;
use syncline_core::store::{Description, Store};
use syncline_stores::sqlite::{Access, SqliteStore};

use crate::database_name::{self, DatabaseName};
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
    /// The file, absolute.
    pub(crate) path: PathBuf,
    /// How fast it is read and written, where that is limited.
    pub(crate) pace: Option<Arc<Pace>>,
    /// Opening has made the file.
    is_new: bool,
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
    /// As `Write`, and a missing database is made.
    Create,
}

impl Purpose {
    /// What the target of a run is opened for.
    pub(crate) fn of_target(request: &RunRequest) -> Self {
        if request.no_create { Purpose::Write } else { Purpose::Create }
    }
}

impl Syncline {
    /// What a database is called for people, whether it is there or not.
    pub(crate) fn label_of(&self, name: &str) -> Result<String> {
        Ok(DatabaseName::parse(name, &self.settings.environment)?.label())
    }

    pub(crate) async fn open_database(&self, name: &str, purpose: Purpose) -> Result<Database> {
        let parsed = DatabaseName::parse(name, &self.settings.environment)?;
        let (path, read_only, must_exist) = match &parsed {
            DatabaseName::Sqlite { path, read_only, must_exist } => (path, read_only, must_exist),
            DatabaseName::Postgres(_) => return Err(database_name::unsupported("postgres")),
        };
        let path = self.settings.working_dir.join(path);
        let access = match purpose {
            Purpose::Read => Access::Read,
            _ if *read_only => {
                return Err(Error::new(Code::StoreReadOnly, format!("{} was named with mode=ro", parsed.label()))
                    .leaving("nothing was written"));
            }
            Purpose::Create if !must_exist => Access::Create,
            _ => Access::Write,
        };
        let is_new = access == Access::Create && !path.exists();
        let store = SqliteStore::open(&path, access).await?;
        let description = store.describe().await?;
        if let Some(state) = self.opened_state() {
            recognise(state, &description).await?;
        }
        Ok(Database {
            store: Arc::new(store),
            description,
            label: parsed.label(),
            name: parsed.absolute(&self.settings.working_dir),
            path,
            pace: None,
            is_new,
        })
    }
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
        self.is_new
    }

    /// The last part of its path.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The size of its file.
    pub(crate) fn file_bytes(&self) -> Option<u64> {
        std::fs::metadata(&self.path).ok().map(|file| file.len())
    }

    /// Removes the file if opening has made it and nothing was written to it, so that a refused run leaves no trace.
    pub(crate) fn remove_if_unused(self) {
        let Self { store, path, is_new, .. } = self;
        drop(store);
        if is_new && std::fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
            // Failing to tidy up is no failure of the command: an empty file is an empty database.
            let _ = std::fs::remove_file(path);
        }
    }
}
