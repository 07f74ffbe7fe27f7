//! Restores: a database made what a backup holds, through its engine, in one transaction.
//!
//! A restore is a run: it is recorded, it holds the target's lock, and it begins a new incarnation of the target, so that
//! nothing that was known about the old content is ever applied to the new.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use syncline_core::error::{Code, Error, Result, shell_word};
use syncline_core::limits;
use syncline_core::store::{Care, Extent, Hold, Owners};

use crate::backup::backup_of;
use crate::backup_file::BackupFile;
use crate::open::{Database, Purpose};
use crate::run::{Record, Worked};
use crate::session::{Syncline, now_ms};
use crate::state::{NewRun, RunRecord, RunVerb};
use crate::summary::Status;
use crate::target_lock::TargetLock;

/// A restore that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    /// The backup: a file, named like a database.
    pub backup: String,
    /// The database to be replaced; a missing one is made.
    pub target: String,
    /// Keep what is there as a backup first.
    pub safety_backup: bool,
    /// Whose the restored objects are, where the engine knows owners.
    pub owners: Owners,
}

/// What a restore would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// Version of this object.
    pub format: u32,
    /// `restore-plan`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The backup's label. It was read whole and is sound.
    pub backup: String,
    /// Its size.
    pub bytes: u64,
    /// Tables in it.
    pub tables: u64,
    /// The target's label.
    pub target: String,
    /// Bytes that are replaced; `None` when the target is made.
    pub replaces_bytes: Option<u64>,
    /// The directory that what is there will be kept in; `None` when nothing is there, or it is not wanted.
    pub safety_backup_in: Option<String>,
}

/// A restore that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// Version of this object.
    pub format: u32,
    /// `restore`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The run's identifier.
    pub run: String,
    /// The backup's label.
    pub backup: String,
    /// The target's label.
    pub target: String,
    /// Bytes of the new content.
    pub bytes: u64,
    /// Tables in it.
    pub tables: u64,
    /// The backup of what was there before.
    pub safety_backup: Option<String>,
    /// The target's incarnation from here on.
    pub incarnation: u64,
    /// Wall time.
    pub duration_ms: u64,
}

impl Syncline {
    /// Checks the backup, and says what restoring it would do. Nothing is written.
    ///
    /// # Errors
    /// When the backup cannot be read or is damaged, when the target is no database or cannot be opened,
    /// `RESTORE_REFUSED` when the one cannot be put into the other, and `GUARD_SAME_TABLE` when both are the same file.
    pub async fn restore_plan(&self, request: &RestoreRequest) -> Result<RestorePlan> {
        let backup = self.find_backup(request).await?;
        let target = match self.open_database(&request.target, Purpose::Write).await {
            Ok(target) => Some(target),
            Err(error) if error.code() == Code::StoreMissing && backup.target_can_be_made() => None,
            Err(error) => return Err(unusable(error)),
        };
        target.iter().try_for_each(|target| backup.check_different(target))?;
        let found = backup.check(target.as_ref()).await?;
        let mut replaced = None;
        if let Some(target) = &target {
            backup_of(target)?.check_fit(backup.path()?).await?;
            replaced = Some(backup_of(target)?.bytes().await?);
        }
        let keeps = request.safety_backup && target.is_some();
        Ok(RestorePlan {
            format: 1,
            kind: "restore-plan".to_owned(),
            backup: backup.label().to_owned(),
            bytes: found.bytes,
            tables: found.tables,
            target: match &target {
                Some(target) => target.label.clone(),
                None => self.label_of(&request.target).await?,
            },
            replaces_bytes: replaced,
            safety_backup_in: keeps.then(|| self.backup_root().to_string_lossy().into_owned()),
        })
    }

    /// Makes the target what the backup holds.
    ///
    /// # Errors
    /// As [`Syncline::restore_plan`], `RUN_LOCKED` when a run works on the target, and as
    /// [`syncline_core::store::Backup::restore`]. The target then holds what it held before.
    pub async fn restore(&self, request: &RestoreRequest) -> Result<RestoreReport> {
        self.logged(Box::pin(self.restore_into(request))).await
    }

    async fn restore_into(&self, request: &RestoreRequest) -> Result<RestoreReport> {
        let started = Instant::now();
        let untouched = |error: Error| error.leaving_if_unsaid("nothing was changed");
        self.state().await.map_err(untouched)?;
        let backup = self.find_backup(request).await.map_err(untouched)?;
        let target = self.open_database(&request.target, Purpose::Create).await;
        let target = target.map_err(|error| untouched(unusable(error)))?;
        let between = format!("{} -> {}", backup.label(), target.label);
        backup.check_different(&target)?;
        let lock = self.lock_target(&target, "restore", &between).await.map_err(untouched)?;
        let result = self.restore_under_lock(request, &backup, &target, &lock, started).await;
        if result.is_err() {
            target.remove_if_unused();
        }
        drop(lock);
        result.map_err(untouched)
    }

    async fn restore_under_lock(
        &self,
        request: &RestoreRequest,
        backup: &BackupFile,
        target: &Database,
        lock: &TargetLock,
        started: Instant,
    ) -> Result<RestoreReport> {
        let state = self.state().await?;
        let identity = &target.description.identity;
        self.settle(target).await?;
        let run = NewRun {
            verb: RunVerb::Restore,
            source: backup.label().to_owned(),
            target: target.label.clone(),
            target_identity: identity.clone(),
            source_identity: None,
            request: None,
            undoes: None,
            continues: None,
            keeps_images: false,
            started_ms: now_ms(),
        };
        let record = Record { session: self, run: self.enter(run).await?, started, continues: None };
        let run = record.run.clone();
        lock.name(&run).await;
        let _watch = self.watch_for_cancel(&run).await?;
        let mut replaced = None;
        let result = self.replace(request, backup, target, &run, &mut replaced).await;
        let (found, end) = match result {
            Ok(found) => (found, Ok(())),
            Err(error) => (Extent::default(), Err(error)),
        };
        let mut worked = Worked::whole(end, replaced.is_some());
        if let Some(number) = replaced {
            let what = format!("{} bytes in {} tables replaced what the database held", found.bytes, found.tables);
            worked.notes.push(format!("{what}; this began its incarnation {number}"));
        }
        let summary = record.close(Ok(worked)).await?;
        if summary.status == Status::Cancelled {
            return Err(Error::new(Code::RunCancelled, "the restore was interrupted").leaving("nothing was changed"));
        }
        Ok(RestoreReport {
            format: 1,
            kind: "restore".to_owned(),
            run,
            backup: backup.label().to_owned(),
            target: target.label.clone(),
            bytes: found.bytes,
            tables: found.tables,
            safety_backup: summary.backup,
            incarnation: state.incarnation(identity).await?,
            duration_ms: summary.duration_ms,
        })
    }

    /// Keeps what is there, replaces it, and tidies up in what is there now. `replaced` is set once it has happened.
    async fn replace(
        &self,
        request: &RestoreRequest,
        backup: &BackupFile,
        target: &Database,
        run: &str,
        replaced: &mut Option<u64>,
    ) -> Result<Extent> {
        let state = self.state().await?;
        // Before what is there is copied for nothing.
        backup_of(target)?.check_fit(backup.path()?).await?;
        let mut hold = None;
        if request.safety_backup && !target.is_new() {
            hold = self.keep_what_is_there(target, run).await?;
        }
        let number = state.begin_incarnation(run).await?;
        let (file, watch) = (backup.path()?, self.watch());
        let restored = match hold {
            Some(hold) => hold.restore(file, request.owners, &watch).await,
            None => backup_of(target)?.restore(file, request.owners, &watch).await,
        };
        let found = match restored {
            Ok(found) => found,
            Err(error) if is_sure_to_change_nothing(error.code()) => {
                state.withdraw_incarnation(run).await?;
                return Err(error.leaving_if_unsaid("the database holds what it held before"));
            }
            Err(error) => {
                return Err(
                    error.leaving_if_unsaid("the database holds what it held before, or the backup; never a mixture")
                );
            }
        };
        *replaced = Some(number);
        // Opened anew: the text encoding, which a connection learns once, may be another one now. By the name that was given: the
        // one that is kept of it has no password.
        let told = |error: Error| error.leaving("the backup is restored");
        let target = self.open_database(&request.target, Purpose::Write).await.map_err(told)?;
        self.settle(&target).await.map_err(told)?;
        Ok(found)
    }

    /// A backup of the last state before the restore: while nobody can write, where the engine has a way to that, and it is
    /// kept so; else taken anew when somebody has written since.
    async fn keep_what_is_there(&self, target: &Database, run: &str) -> Result<Option<Box<dyn Hold>>> {
        if let Some(hold) = backup_of(target)?.hold(&self.watch()).await? {
            self.keep(target, run).await?;
            return Ok(Some(hold));
        }
        let stand = async || target.store.snapshot().await?.position().await;
        for _ in 0..limits::SAFETY_BACKUP_ATTEMPTS {
            let before = stand().await?;
            self.keep(target, run).await?;
            if stand().await? == before {
                return Ok(None);
            }
        }
        Err(Error::new(Code::StoreLocked, format!("other programs go on writing to {}", target.label))
            .because("what they write would be lost")
            .leaving("nothing was changed")
            .next("stop them, then restore", "")
            .next("--no-safety-backup", "replace it all the same, without keeping what is there"))
    }

    async fn keep(&self, target: &Database, run: &str) -> Result<()> {
        let (file, _) = self.backup_into_root(target, Care::AsItIs).await?;
        self.state().await?.record_backup(run, &file.to_string_lossy()).await?;
        self.note(format!("what is there is kept in {}", file.display()));
        Ok(())
    }

    /// Brings what is known about runs into line with the target. One that is damaged cannot say how far they came; it
    /// is about to be replaced, and they with it.
    async fn settle(&self, target: &Database) -> Result<()> {
        let mut writer = target.store.writer().await?;
        match self.recover(&target.description.identity, &mut *writer).await {
            Err(error) if error.code() == Code::StoreCorrupt => Ok(()),
            settled => settled,
        }
    }

    /// The present incarnation of a database: 1 until the first restore that this state directory knows of, one more with
    /// every restore. What was found out about a database holds only as long as this number does.
    ///
    /// # Errors
    /// When the database cannot be opened, or the state not be read.
    pub async fn incarnation(&self, database: &str) -> Result<u64> {
        let state = self.state().await?;
        let database = self.open_database(database, Purpose::Read).await?;
        state.incarnation(&database.description.identity).await
    }
}

/// The command that puts a backup into the target of a run.
pub(crate) fn restore_command(backup: &str, run: &RunRecord) -> String {
    format!("syncline restore {} {}", shell_word(backup), shell_word(&name_of_target(run)))
}

/// What the target of a run is named by. Its label is, where it is a file; a server's has to be made a name of, and where it
/// cannot be told as whom and how that was reached, it is left to those who read it.
fn name_of_target(run: &RunRecord) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c);
    match run.target_identity.split_once(':') {
        // The name of a connection.
        Some(("postgres", _)) if !run.target.contains('/') => run.target.clone(),
        Some(("postgres", _)) if run.target.chars().all(is_plain) && !run.target.starts_with("[local]") => {
            format!("postgres://{}", run.target)
        }
        Some(("postgres", _)) => "DATABASE".to_owned(),
        _ => run.target.clone(),
    }
}

/// A target that SQLite cannot open cannot be written through SQLite; but a missing one can be made.
fn unusable(error: Error) -> Error {
    match error.code() {
        Code::StoreCorrupt | Code::NotADatabase => error
            .leaving("nothing was changed")
            .next("move the file away, with its -wal, -shm and -journal, and restore again", "a missing one is made"),
        _ => error,
    }
}

/// Whether an error with this code comes before the engine's commit, or with its refusal.
fn is_sure_to_change_nothing(code: Code) -> bool {
    matches!(
        code,
        Code::StoreLocked
            | Code::StoreCorrupt
            | Code::StoreReadOnly
            | Code::StoreMissing
            | Code::StoreDenied
            | Code::NotADatabase
            | Code::DiskFull
            | Code::RestoreRefused
            | Code::RunCancelled
            | Code::PermissionDenied
            | Code::ToolMissing
            | Code::StatementCancelled
            | Code::ConnectionLost
            | Code::StoreUnreachable
            | Code::LoginFailed
            | Code::TlsFailed
    )
}
