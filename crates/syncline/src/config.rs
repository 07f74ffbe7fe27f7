//! Configuration: databases under names of their own, with secrets kept elsewhere and protection from unplanned writes.
//!
//! A file is TOML and says `version = 1` and a table for each connection:
//!
//! ```toml
//! version = 1
//! [connections.hq]
//! url = "postgres://app:${env:HQ_PASSWORD}@db1/shop"
//! protected = true
//! ```
//!
//! What it may hold is described once, in the module `describe`; reading, validating and the JSON Schema come from there. Files are looked for
//! in [`ConfigPlaces`], and a connection of the first file that has its name counts. Nothing here prints or asks the
//! environment; who opens a session says how variables are looked up.

mod check;
mod connection;
mod describe;
mod edit;
mod files;
mod json_schema;
mod locate;
mod nearest;
mod position;
mod protect;
mod save;
mod secret;
mod standing;
mod starter;
mod template;
mod validate;

use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

pub use self::connection::{Connection, ConnectionName, PasswordIn};
pub use self::edit::{ConnectionChange, NewConnection, add, change, remove};
pub use self::files::{ConfigFile, FILE_NAME, Origin, find_upward};
pub use self::json_schema::json_schema;
pub use self::locate::ConnectionTest;
pub(crate) use self::locate::Located;
pub use self::save::{check_absent, create};
pub use self::starter::starter;
pub use self::template::{SecretKind, SecretRef};
pub use self::validate::{Problem, Severity, Validation, validate};

use self::nearest::nearest;

/// Where configuration is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigPlaces {
    /// A file that a person has named. It stands in the place of the one that would be found.
    pub named: Option<PathBuf>,
    /// Whether a `syncline.toml` is looked for in the working directory and those above it.
    pub search: bool,
    /// The user's own file, which need not exist.
    pub user: Option<PathBuf>,
}

/// The configuration that is in force. The default is none.
#[derive(Debug, Default)]
pub struct Config {
    files: Vec<ConfigFile>,
}

impl ConfigPlaces {
    /// The files that are there, the one that counts first before the others. `working_dir` is absolute.
    pub fn paths(&self, working_dir: &Path) -> Vec<(PathBuf, Origin)> {
        let named = self.named.as_ref().map(|path| (working_dir.join(path), Origin::Named));
        let project = || find_upward(working_dir).filter(|_| self.search).map(|path| (path, Origin::Project));
        let user = self.user.as_ref().map(|path| working_dir.join(path));
        let user = user.filter(|path| path.symlink_metadata().is_ok()).map(|path| (path, Origin::User));
        let mut paths: Vec<_> = named.or_else(project).into_iter().chain(user).collect();
        // A person may have named the user's file.
        paths.dedup_by(|second, first| second.0 == first.0);
        paths
    }
}

impl Config {
    /// Reads the files that are there.
    ///
    /// # Errors
    /// `CONFIG_FAILED` for a file that cannot be read, `CONFIG_UNTRUSTED` for one that was found and may be somebody else's,
    /// `CONFIG_INVALID` for one that cannot be understood.
    pub fn load(places: &ConfigPlaces, working_dir: &Path) -> Result<Self> {
        let paths = places.paths(working_dir);
        let files = paths.into_iter().map(|(path, origin)| ConfigFile::load(&path, origin)).collect::<Result<_>>()?;
        Ok(Self { files })
    }

    /// The files that were read, the one that counts first before the others.
    pub fn files(&self) -> &[ConfigFile] {
        &self.files
    }

    /// The connection of that name which is in force.
    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.all().find(|connection| connection.name.as_str() == name)
    }

    /// Every connection and whether it is in force: one of the user's own file gives way to the project's of that name.
    pub fn connections(&self) -> Vec<(&Connection, bool)> {
        let is_first =
            |found: &Connection| self.connection(found.name.as_str()).is_some_and(|first| std::ptr::eq(first, found));
        self.all().map(|connection| (connection, is_first(connection))).collect()
    }

    /// The connection of that name which is in force.
    ///
    /// # Errors
    /// `CONNECTION_UNKNOWN`.
    pub fn find(&self, name: &str) -> Result<&Connection> {
        self.connection(name).ok_or_else(|| self.unknown(name))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Connection> {
        self.files.iter().flat_map(|file| &file.connections)
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.all().map(|connection| connection.name.as_str());
        let read: Vec<String> = self.files.iter().map(|file| file.path.display().to_string()).collect();
        let why = match (nearest(name, names()), read.as_slice()) {
            (Some(near), _) => format!("no connection has that name; {near} is one"),
            (None, []) => format!("there is no {FILE_NAME} here or above, and no configuration of the user"),
            (None, read) if names().next().is_none() => format!("there are no connections in {}", read.join(" and ")),
            (None, read) => format!("no connection of {} has that name", read.join(" or ")),
        };
        Error::new(Code::ConnectionUnknown, format!("there is no connection {name:?}"))
            .because(why)
            .leaving("nothing was changed")
            .next("syncline conn list", "see the connections there are")
    }
}
