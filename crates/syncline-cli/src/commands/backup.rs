//! `syncline backup`: a database copied whole into a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use syncline::error::Result;
use syncline::{BackupReport, BackupRequest};

use crate::console::Console;
use crate::exit::Exit;
use crate::render::text::{bytes, counted, duration, escape};

/// Copies a database whole into a new file, while others go on writing to it.
///
/// The copy is of one instant. It gets its name once it has been read back and is durable on disk; it overwrites nothing.
/// Of a SQLite database it is an ordinary SQLite database; of a PostgreSQL database an archive by pg_dump (package
/// postgresql-client), which pg_restore reads too. syncline restore puts these back. Of a MariaDB or MySQL database it is a
/// script by mariadb-dump or mysqldump (packages mariadb-client, mysql-client), which the server's own client puts back.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The database to copy
    database: String,
    /// The file to write [default: a name of its own in the backup root]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Does it.
pub(super) async fn run(args: BackupArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let made = session.backup(&BackupRequest { database: args.database, file: args.output }).await;
    progress.finish();
    console.present(&made?, text)?;
    Ok(Exit::DONE)
}

fn text(made: &BackupReport) -> String {
    format!(
        "ok  {} backed up, {}, {}, in {}\n{}\n",
        escape(&made.database),
        counted(made.tables, "table"),
        bytes(made.bytes),
        duration(Duration::from_millis(made.duration_ms)),
        escape(&made.file)
    )
}
