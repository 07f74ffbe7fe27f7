//! What those who look after a database should know of it, and of the login that reaches it.

mod grants;
mod privileges;
mod server;
mod survey;
mod tables;

use syncline_core::error::{Code, Result};
use syncline_core::schema::Schema;
use syncline_core::store::{Finding, Side, Verdict};

pub use self::grants::script;
pub(super) use self::privileges::Privileges;
use self::server::{Server, account, pattern, pattern_of_prefix};
use self::survey::Survey;
use super::backup::{BETWEEN, is_unfinished};
use super::claim::held_by;
use super::connect::{ConnectOptions, Connection, cell};

/// The statement that gives the login of a session these rights in its database.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn grant_here(connection: &Connection, rights: &str) -> Result<String> {
    let (user, database) = whose(connection).await?;
    Ok(format!("GRANT {rights} ON {}.* TO {user}", pattern(&database)?))
}

/// The same on everything the server has.
///
/// # Errors
/// As [`grant_here`].
pub(super) async fn grant_everywhere(connection: &Connection, rights: &str) -> Result<String> {
    let (user, _) = whose(connection).await?;
    Ok(format!("GRANT {rights} ON *.* TO {user}"))
}

/// The same in all databases whose names begin so.
///
/// # Errors
/// As [`grant_here`].
pub(super) async fn grant_beside(connection: &Connection, rights: &str, prefix: &str) -> Result<String> {
    let (user, _) = whose(connection).await?;
    Ok(format!("GRANT {rights} ON {}.* TO {user}", pattern_of_prefix(prefix)?))
}

/// The account of a session, and its database.
async fn whose(connection: &Connection) -> Result<(String, String)> {
    let rows = connection.line.query(server::FACTS).await.map_err(|error| connection.error(error))?;
    let fact = |at| rows.first().map_or(Ok(None), |row| cell::<Option<String>>(row, at));
    Ok((account(&fact(0)?.unwrap_or_default())?, fact(1)?.unwrap_or_default()))
}

/// All findings. `schema` is what a view of the same database shows.
///
/// # Errors
/// When the server does not answer.
pub async fn examine(
    connection: &Connection,
    options: &ConnectOptions,
    schema: &Schema,
    side: Option<Side>,
) -> Result<Vec<Finding>> {
    let server = Server::ask(connection).await?;
    let mut findings = vec![server.way(options)];
    findings.extend(server.risks());
    findings.extend(restore(connection).await?);
    findings.push(server.places(side));
    if side != Some(Side::Source) {
        findings.extend(server.writing(side)?);
        findings.extend(claim(connection, side).await?);
    }
    let survey = Survey::of(connection, schema, side).await?;
    findings.extend(tables::findings(&survey, &server, side)?);
    Ok(findings)
}

/// What a person should know before trusting this database, and this login and server with what is written; one sentence each.
///
/// # Errors
/// When the server does not answer.
pub async fn warnings(connection: &Connection, may_write: bool) -> Result<Vec<String>> {
    let mut risks = Vec::from_iter(restore(connection).await?);
    if may_write {
        risks.extend(Server::ask(connection).await?.risks());
    }
    let risks = risks.into_iter().filter(|finding| finding.verdict != Verdict::Ok);
    Ok(risks.map(|finding| format!("{}: {}", finding.what, finding.why)).collect())
}

/// A restore that has not come to its end, if one is there.
async fn restore(connection: &Connection) -> Result<Option<Finding>> {
    let finding = || {
        Finding::new("restore", Verdict::Note, "the database is being restored, or a restore of it was cut off")
            .because(BETWEEN)
            .next("syncline restore FILE DB, or a run that writes to it", "brings it to its end first")
    };
    Ok(is_unfinished(connection).await?.then(finding))
}

/// The run that is at work on the database, if one is.
async fn claim(connection: &Connection, side: Option<Side>) -> Result<Option<Finding>> {
    let Some(note) = held_by(connection).await? else { return Ok(None) };
    let finding = Finding::new("claim", Verdict::of_target(side, Code::RunLocked), "a run is writing to the database");
    let finding = finding.because(note.unwrap_or_else(|| "its holder has left no note".to_owned()));
    Ok(Some(finding.next("wait until it has ended", "it counts as ended when it is killed, too")))
}
