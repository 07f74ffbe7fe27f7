//! An archive: what `pg_restore` says about it, and whether it is whole.

use std::path::{Path, PathBuf};

use bytes::BytesMut;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Extent, Watch};

use super::program::Programs;
use crate::dump::{Kind, Stamp, Trailer, blocking, damaged, major, unreadable};

/// The number of `pg_class` in every database.
const PG_CLASS: &str = " 1259 ";

/// An archive that `pg_restore` can read.
pub(super) struct Archive<'p> {
    pub(super) programs: &'p Programs,
    pub(super) file: PathBuf,
    /// Tables in it.
    pub(super) tables: u64,
    /// The first number of the server's version that it was taken from.
    pub(super) from: Option<u32>,
    /// The same of the `pg_dump` that has written it.
    pub(super) by: Option<u32>,
    /// The lines of its list that are about rights.
    pub(super) rights: Vec<String>,
    /// The program opens the file by its name, once for every part.
    stamp: Stamp,
}

impl<'p> Archive<'p> {
    /// Looks at an archive and reads its list.
    ///
    /// # Errors
    /// `STORE_MISSING`, `STORE_DENIED`, `NOT_A_DATABASE`, `RESTORE_REFUSED` for the backup of another engine, `STORE_CORRUPT`
    /// when `pg_restore` can make nothing of it, `TOOL_MISSING` when a newer one is needed.
    pub(super) async fn open(programs: &'p Programs, file: &Path) -> Result<Self> {
        let stamp = Kind::Postgres.require(file)?;
        let listed = text(programs, &["--list"], file).await;
        let list = listed.map_err(|error| match error.why() {
            Some(why) if why.contains("unsupported version") => programs.too_old(why),
            _ => into_damaged(file, error),
        })?;
        let mut archive =
            Self { programs, file: file.to_owned(), tables: 0, from: None, by: None, rights: Vec::new(), stamp };
        for line in list.lines() {
            archive.note(line);
        }
        Ok(archive)
    }

    /// As [`Archive::open`], and makes sure that it is what was written: by its sum, and without one by reading it whole.
    ///
    /// # Errors
    /// As [`Archive::open`], and what `watch` returns.
    pub(super) async fn open_whole(programs: &'p Programs, file: &Path, watch: &Watch) -> Result<Self> {
        let stamp = Kind::Postgres.require(file)?;
        let path = file.to_owned();
        let is_summed = blocking(move || match Trailer::read(&path)? {
            Some(trailer) => trailer.check(&path).map(|()| true),
            None => Ok(false),
        });
        // Nothing is asked of a file whose sum is wrong.
        let is_summed = is_summed.await?;
        let archive = Self::open(programs, file).await?;
        if !is_summed {
            archive.read_whole(watch).await?;
        }
        Ok(Self { stamp, ..archive })
    }

    /// Makes sure that the file is still the one that was checked.
    ///
    /// # Errors
    /// `STORE_CORRUPT`, and when it is gone.
    pub(super) fn require_unchanged(&self) -> Result<()> {
        match Kind::Postgres.require(&self.file)? == self.stamp {
            true => Ok(()),
            false => Err(damaged(&self.file, "somebody has changed it while it was being restored")),
        }
    }

    fn note(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix(';') {
            let version = |name: &str| major(comment.trim().strip_prefix(name)?.trim());
            self.from = self.from.or_else(|| version("Dumped from database version:"));
            self.by = self.by.or_else(|| version("Dumped by pg_dump version:"));
            return;
        }
        // `215; 1259 16385 TABLE public orders shop`
        let Some((_, entry)) = line.split_once(';') else { return };
        let kind = entry.trim_start().splitn(3, ' ').nth(2).unwrap_or_default();
        self.tables += u64::from(entry.starts_with(PG_CLASS) && kind.starts_with("TABLE "));
        if kind.starts_with("ACL ") || kind.starts_with("DEFAULT ACL ") {
            self.rights.push(line.to_owned());
        }
    }

    /// Has `pg_restore` read and unpack everything.
    ///
    /// # Errors
    /// `STORE_CORRUPT`, what `watch` returns.
    pub(super) async fn read_whole(&self, watch: &Watch) -> Result<()> {
        let size = self.extent()?.bytes;
        let mut running = self.programs.start_restore(&["--file=-"], &self.file)?;
        let mut part = BytesMut::with_capacity(limits::COPY_CHUNK_BYTES);
        while running.read(&mut part, &|| watch(size, size)).await? > 0 {
            part.clear();
            part.reserve(limits::COPY_CHUNK_BYTES);
        }
        running.finish().await.map_err(|error| into_damaged(&self.file, error))?;
        watch(size, size)
    }

    /// Refuses what a server of this version cannot be expected to take.
    ///
    /// # Errors
    /// `RESTORE_REFUSED`.
    pub(super) fn check_fit(&self, server: u32, label: &str) -> Result<()> {
        match self.from {
            Some(from) if from > server => {
                let what =
                    format!("the backup is of PostgreSQL {from}, and {label} is on a server of version {server}");
                Err(Error::new(Code::RestoreRefused, what)
                    .because("an older server does not know all that a newer one may have written")
                    .leaving("nothing was changed")
                    .next(format!("restore it into a server of version {from} or newer"), ""))
            }
            _ => Ok(()),
        }
    }

    /// How large it is.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn extent(&self) -> Result<Extent> {
        let found = std::fs::metadata(&self.file).map_err(|error| unreadable(&self.file, error))?;
        Ok(Extent { bytes: found.len(), tables: self.tables })
    }

    /// What `pg_restore` makes of it, as text.
    ///
    /// # Errors
    /// `STORE_CORRUPT`, and when it is more than is held in memory.
    pub(super) async fn definitions(&self, options: &[&str]) -> Result<String> {
        text(self.programs, options, &self.file).await.map_err(|error| into_damaged(&self.file, error))
    }
}

/// All that `pg_restore` prints.
async fn text(programs: &Programs, options: &[&str], file: &Path) -> Result<String> {
    let mut running = programs.start_restore(options, file)?;
    let mut output = BytesMut::with_capacity(limits::COPY_CHUNK_BYTES);
    while running.read(&mut output, &|| Ok(())).await? > 0 {
        if output.len() > limits::BACKUP_DEFINITIONS_BYTES {
            let what = format!("the definitions in {} are more than can be sent at once", file.display());
            return Err(Error::new(Code::RestoreRefused, what).leaving("nothing was changed"));
        }
        output.reserve(limits::COPY_CHUNK_BYTES);
    }
    running.finish().await?;
    String::from_utf8(output.to_vec()).map_err(|_| {
        let what = format!("{} holds definitions that are not UTF-8", file.display());
        Error::new(Code::RestoreRefused, what)
            .because("they come from a database of the encoding SQL_ASCII")
            .leaving("nothing was changed")
    })
}

/// What `pg_restore` cannot read is damaged.
pub(super) fn into_damaged(file: &Path, error: Error) -> Error {
    match error.code() {
        Code::StoreFailed => damaged(file, error.why().unwrap_or_default()),
        _ => error,
    }
}
