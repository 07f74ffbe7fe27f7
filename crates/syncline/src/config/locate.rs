//! From what somebody typed to the database that is meant.

use std::path::Path;

use serde::Serialize;
use syncline_core::error::{Code, Error, Result};

use super::connection::{Connection, ConnectionName, SCHEME};
use super::files::{ConfigFile, Origin};
use super::secret;
use crate::database_name::DatabaseName;
use crate::doctor::{DoctorReport, DoctorRequest};
use crate::open::Purpose;
use crate::session::Syncline;

/// A database that is meant, and not yet opened.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// Where it is.
    pub(crate) name: DatabaseName,
    /// For people; never holds a password.
    pub(crate) label: String,
    /// What may be kept of a connection in the place of a name.
    pub(crate) reference: Option<String>,
    /// Why it takes plans only, if the connection that named it says so.
    pub(super) protected_by: Option<Protector>,
}

/// What protects a database.
#[derive(Clone, Debug)]
pub(super) struct Protector {
    pub(super) connection: String,
    pub(super) place: String,
}

/// How a connection was found to be.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionTest {
    /// Version of this object.
    pub format: u32,
    /// `connection-test`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The connection.
    pub connection: String,
    /// Which database it is, in the engine's own terms: equal for every name that leads to it.
    pub identity: String,
    /// Whether it takes plans only.
    pub protected: bool,
    /// What doctor says of it.
    pub report: DoctorReport,
}

impl Syncline {
    /// Opens a connection, and looks at the database as doctor does. Nothing is changed.
    ///
    /// # Errors
    /// `CONNECTION_UNKNOWN`, `SECRET_FAILED`, and as [`Syncline::doctor`].
    pub async fn test_connection(&self, name: &str) -> Result<ConnectionTest> {
        let connection = self.config().await?.find(name)?;
        let (protected, reference) = (connection.is_protected, connection.reference());
        let database = self.open_database(&reference, Purpose::Examine).await?;
        let identity = database.description.identity.clone();
        let report = self.doctor(&DoctorRequest { database: reference, side: None }).await?;
        let (kind, connection) = ("connection-test".to_owned(), name.to_owned());
        Ok(ConnectionTest { format: 1, kind, connection, identity, protected, report })
    }

    /// Finds out what a name means: a connection of the configuration, or a database itself.
    ///
    /// # Errors
    /// `CONNECTION_AMBIGUOUS` for a bare name that is both a connection and a file, `CONNECTION_UNKNOWN` for one that is neither; as
    /// [`Syncline::config`] where a connection could be meant, and as [`DatabaseName::parse`].
    pub(crate) async fn locate(&self, text: &str) -> Result<Located> {
        if let Some(reference) = text.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix(':')) {
            return self.locate_reference(reference).await;
        }
        if ConnectionName::parse(text).is_ok() {
            let is_file = self.settings.working_dir.join(text).symlink_metadata().is_ok();
            match self.config().await?.connection(text) {
                Some(connection) if is_file => return Err(ambiguous(connection)),
                Some(connection) => return self.locate_connection(connection).await,
                None if !is_file => return Err(self.neither(text).await?),
                None => {}
            }
        }
        let name = DatabaseName::parse(text, &self.settings.environment)?;
        Ok(Located { label: name.label(), name, reference: None, protected_by: None })
    }

    /// `NAME`, or `NAME@FILE` as runs and plans keep it.
    async fn locate_reference(&self, reference: &str) -> Result<Located> {
        let Some((name, file)) = reference.split_once('@') else {
            return self.locate_connection(self.config().await?.find(reference)?).await;
        };
        let path = DatabaseName::decoded_path(file).filter(|path| path.is_absolute()).ok_or_else(|| {
            Error::new(Code::UrlInvalid, "no database is named")
                .because("behind connection:NAME@ stands no absolute path")
        })?;
        // A file that is in force may have been named by a person; any other is found by itself.
        if let Some(connection) = self.config().await?.all().find(|it| it.name.as_str() == name && it.real == path) {
            return self.locate_connection(connection).await;
        }
        let file = ConfigFile::load(&path, Origin::Project).map_err(|error| error.at_if_unsaid(kept(name, &path)))?;
        match file.connections.iter().find(|connection| connection.name.as_str() == name) {
            Some(connection) => self.locate_connection(connection).await,
            None => Err(Error::new(Code::ConnectionUnknown, format!("the connection {name} is not there any more"))
                .because(format!("{} does not name it", path.display()))
                .leaving("nothing was changed")
                .next(format!("syncline conn add {name} URL --config {}", path.display()), "name it again")),
        }
    }

    async fn locate_connection(&self, connection: &Connection) -> Result<Located> {
        let reference = connection.reference();
        if let Some(located) = self.located(&reference) {
            return Ok(located);
        }
        let secrets = secret::fetch(connection, &self.settings.environment).await?;
        let name = self.named_by(connection, &secrets)?;
        let located = Located {
            name,
            label: connection.name.to_string(),
            reference: Some(reference.clone()),
            protected_by: connection.is_protected.then(|| Protector::of(connection)),
        };
        self.remember(reference, located.clone());
        Ok(located)
    }

    /// What the url of a connection comes to with these secrets.
    pub(super) fn named_by(&self, connection: &Connection, secrets: &[String]) -> Result<DatabaseName> {
        let url = connection.url.filled(secrets);
        let parsed = DatabaseName::parse_url(&url, connection.base(), &self.settings.environment);
        parsed.map_err(|error| {
            let about = format!("the url of {} names no database", connection.name);
            let error = match secrets.is_empty() || DatabaseName::is_server_url(&url) {
                // Names of servers are taken apart by those who never repeat a part of them.
                true => Error::new(error.code(), about).because(error.why().unwrap_or(error.what()).to_owned()),
                false => {
                    Error::new(error.code(), about).because("what its secrets come to is in no form that is known")
                }
            };
            error
                .at(connection.place())
                .leaving("nothing was changed")
                .next(format!("syncline conn show {}", connection.name), "see what it is made of")
        })
    }

    /// The error for a bare name that is neither a connection nor a file.
    async fn neither(&self, text: &str) -> Result<Error> {
        let unknown = self.config().await?.unknown(text);
        let why = format!("{}; and there is no such file", unknown.why().unwrap_or_default());
        Ok(Error::new(Code::ConnectionUnknown, format!("{text:?} names no database"))
            .because(why)
            .leaving("nothing was changed")
            .next("syncline conn list", "see the connections there are")
            .next(format!("syncline conn add {text} URL"), "name a database so")
            .next(format!("sqlite:{text}"), "names a SQLite file, whatever its name and whether it exists or not"))
    }
}

impl Protector {
    pub(super) fn of(connection: &Connection) -> Self {
        Self { connection: connection.name.to_string(), place: connection.place() }
    }
}

fn ambiguous(connection: &Connection) -> Error {
    let name = &connection.name;
    Error::new(Code::ConnectionAmbiguous, format!("{name} is a connection, and a file here has the name too"))
        .because(format!("the connection is in {}, and may lead elsewhere than to the file", connection.place()))
        .leaving("nothing was opened")
        .next(format!("connection:{name}"), "means the connection")
        .next(format!("sqlite:{name}"), "means the file")
}

fn kept(name: &str, path: &Path) -> String {
    format!("the connection {name}, which was in {} when the run or the plan was made", path.display())
}
