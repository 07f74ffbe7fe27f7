//! Where a plan may be saved: not in the place of one of its databases, or of a file that the engine keeps beside one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

use crate::database_name::DatabaseName;
use crate::request::RunRequest;
use crate::session::Syncline;

/// What SQLite adds to the name of a database for the files that belong to it. Whatever stands there when it next opens the
/// database, it takes for its own. The last is where a run claims the database.
const COMPANIONS: [&str; 5] = ["", "-wal", "-shm", "-journal", "-syncing"];

impl Syncline {
    /// Refuses a file that is one of the two databases, or would be taken for a part of one.
    ///
    /// # Errors
    /// `PLAN_INVALID`, and what is wrong with the name of a database.
    pub(super) async fn check_place(&self, request: &RunRequest, path: &Path) -> Result<()> {
        let wanted = beside(&self.settings.working_dir.join(path));
        for name in [&request.source, &request.target] {
            let database = self.locate(name).await?;
            // What a server keeps is no place that a plan could be saved to.
            let DatabaseName::Sqlite { path: file, .. } = &database.name else { continue };
            let file = self.settings.working_dir.join(file);
            // The engine follows links before it names its files.
            let places = [beside(&file), std::fs::canonicalize(&file).unwrap_or(file)];
            if places.iter().flat_map(companions).any(|taken| taken == wanted) {
                let what = format!("{} is not a place for a plan", path.display());
                return Err(Error::new(Code::PlanInvalid, what)
                    .because(format!("it would be taken for a part of {}", database.label))
                    .leaving("nothing was written")
                    .next("-o FILE", "name another file"));
            }
        }
        Ok(())
    }
}

fn companions(database: &PathBuf) -> impl Iterator<Item = PathBuf> {
    COMPANIONS.iter().map(move |suffix| {
        let mut name = OsString::from(database);
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// The path with its directory as the system knows it; the file itself need not be there.
fn beside(path: &Path) -> PathBuf {
    let directory = path.parent().and_then(|directory| std::fs::canonicalize(directory).ok());
    match (directory, path.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}
