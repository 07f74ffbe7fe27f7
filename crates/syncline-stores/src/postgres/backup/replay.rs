//! What a backup holds, brought into a database that is empty by now.
//!
//! Definitions first, then rows, then what needs the rows: keys, indexes, references, triggers. Rights come last, since an owner may
//! have taken the right to write from itself.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use futures_util::SinkExt;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Owners, Watch};
use tempfile::NamedTempFile;

use super::About;
use super::archive::{Archive, into_damaged};
use super::hold::Session;
use super::script::{Piece, Script, definitions, table};
use crate::disk::refused;
use crate::dump::{Running, damaged};

/// Whether rows can be put into a table as if they had always been there: those whose view is older than the table then see them.
/// Else they would see an empty table. That is possible for a table of this very transaction that is one, and not a group of
/// partitions.
const IS_OURS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) \
    AND relkind = 'r' AND xmin = pg_catalog.pg_current_xact_id()::xid)";

/// Brings everything.
///
/// # Errors
/// `RESTORE_REFUSED` with the server's words, `STORE_CORRUPT`, `DISK_FULL`, `CONNECTION_LOST`, what `watch` returns.
pub(super) async fn replay(
    session: &Session,
    archive: &Archive<'_>,
    about: &About,
    owners: Owners,
    watch: &Watch,
) -> Result<()> {
    let total = about.bytes;
    let mut before = vec!["--file=-", "--section=pre-data", "--no-privileges"];
    let mut after = vec!["--file=-", "--section=post-data", "--no-privileges"];
    if owners == Owners::Restorer {
        let without = ["--no-owner", "--no-tablespaces"];
        [&mut before, &mut after].into_iter().for_each(|options| options.extend(without));
    }
    define(session, archive, &before, total, watch).await?;
    rows(session, archive, total, watch).await?;
    define(session, archive, &after, total, watch).await?;
    if owners == Owners::AsSaved && !archive.rights.is_empty() {
        rights(session, archive, total, watch).await?;
    }
    watch(total, total)
}

async fn define(session: &Session, archive: &Archive<'_>, options: &[&str], total: u64, watch: &Watch) -> Result<()> {
    let script = archive.definitions(options).await?;
    session.run(&definitions(&script), &|| watch(0, total)).await
}

async fn rights(session: &Session, archive: &Archive<'_>, total: u64, watch: &Watch) -> Result<()> {
    let told = |error| refused(Path::new("a temporary file"), error).leaving("nothing was changed");
    let mut list = NamedTempFile::new().map_err(told)?;
    list.write_all(archive.rights.join("\n").as_bytes()).map_err(told)?;
    let chosen = format!("--use-list={}", list.path().display());
    define(session, archive, &["--file=-", &chosen], total, watch).await
}

async fn rows(session: &Session, archive: &Archive<'_>, total: u64, watch: &Watch) -> Result<()> {
    let mut running = archive.programs.start_restore(&["--file=-", "--section=data"], &archive.file)?;
    let (mut script, mut read) = (Script::default(), 0);
    loop {
        let table = loop {
            match script.next()? {
                Some(Piece::Copy(copy)) => break Some(copy),
                Some(Piece::Statement(statement)) => session.run(&statement, &|| watch(0, total)).await?,
                Some(Piece::Rows(_) | Piece::End) | None => break None,
            }
        };
        match table {
            Some(copy) => {
                let told = |here: u64| watch((read + here).min(total), total);
                let filled = fill(session, &copy, &mut script, &mut running, &told).await?;
                read += filled;
            }
            None => {
                script.rest.reserve(limits::COPY_CHUNK_BYTES);
                if running.read(&mut script.rest, &|| watch(0, total)).await? == 0 {
                    break;
                }
            }
        }
    }
    running.finish().await.map_err(|error| into_damaged(&archive.file, error))?;
    match script.is_whole() {
        true => Ok(()),
        false => Err(cut_off(archive)),
    }
}

/// Fills one table, and returns how many bytes of rows there were.
async fn fill(
    session: &Session,
    copy: &str,
    script: &mut Script,
    running: &mut Running,
    watch: &(impl Fn(u64) -> Result<()> + Sync),
) -> Result<u64> {
    let statement = match is_ours(session, copy).await? {
        true => format!("{} WITH (FREEZE)", copy.trim_end_matches(';')),
        false => copy.to_owned(),
    };
    let client = &session.connection.client;
    let sink = client.copy_in::<_, Bytes>(&statement).await.map_err(|error| session.refused(error))?;
    let mut sink = std::pin::pin!(sink);
    let mut bytes = 0;
    loop {
        match script.next()? {
            Some(Piece::Rows(rows)) => {
                bytes += rows.len() as u64;
                // What the server has against a row is told at the end: here it only stops listening.
                if sink.send(rows).await.is_err() {
                    break;
                }
                watch(bytes)?;
            }
            Some(Piece::End) => break,
            Some(Piece::Copy(_) | Piece::Statement(_)) | None => {
                script.rest.reserve(limits::COPY_CHUNK_BYTES);
                if running.read(&mut script.rest, &|| watch(bytes)).await? == 0 {
                    // The archive ends amid rows; its program says why.
                    return Err(Error::new(Code::StoreCorrupt, "the backup ends amid the rows of a table")
                        .leaving("nothing was changed"));
                }
            }
        }
    }
    sink.finish().await.map_err(|error| session.refused(error))?;
    Ok(bytes)
}

async fn is_ours(session: &Session, copy: &str) -> Result<bool> {
    let Some(name) = table(copy) else { return Ok(false) };
    let row = session.connection.client.query_one(IS_OURS, &[&name]).await;
    row.and_then(|row| row.try_get(0)).map_err(|error| session.refused(error))
}

fn cut_off(archive: &Archive<'_>) -> Error {
    damaged(&archive.file, "it ends amid a statement")
}
