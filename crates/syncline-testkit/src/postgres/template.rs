//! The data directory that every cluster begins with: made once for all test processes, then copied, because `initdb`
//! takes most of a second.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::programs::Programs;
use super::{PASSWORD, SUPERUSER, base, write_private};
use crate::process::{DEADLINE, Running};

/// By the socket everybody may come as anybody; by TCP a password is needed, as from a server elsewhere.
const HBA: &str = "\
local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
";

/// Makes `data` a new data directory.
pub(super) fn copy(programs: &Programs, data: &Path) {
    let template = made(programs);
    let args = [Path::new("-r"), Path::new("--reflink=auto"), &template, data];
    run(programs.command(Path::new("cp"), args, data.parent().unwrap()));
}

/// The template, made if it is not there yet. Another process that makes it at this moment is waited for.
fn made(programs: &Programs) -> PathBuf {
    let cache = cache(programs);
    let template = cache.join(format!("{:016x}", fingerprint(programs)));
    let file = cache.join("lock");
    let lock = File::options().create(true).append(true).open(&file).unwrap();
    // That user may run tests too.
    programs.hand_over(&file);
    lock.lock().unwrap();
    if !template.exists() {
        initdb(programs, &cache, &template);
    }
    template
}

/// One directory for each user, and no one else's: its name can be guessed.
fn cache(programs: &Programs) -> PathBuf {
    let cache = base(programs).join(format!("syncline-pg-templates-{}", programs.uid()));
    if fs::DirBuilder::new().mode(0o700).create(&cache).is_ok() {
        programs.hand_over(&cache);
    }
    assert!(programs.own(&cache), "{} belongs to somebody else", cache.display());
    cache
}

/// What a template depends on: the very programs, and all that is told to them.
fn fingerprint(programs: &Programs) -> u64 {
    let postgres = programs.file("postgres");
    let found = fs::metadata(&postgres).unwrap();
    let mut hasher = DefaultHasher::new();
    (postgres, found.len(), found.modified().unwrap_or(SystemTime::UNIX_EPOCH)).hash(&mut hasher);
    (ARGS, HBA, SUPERUSER, PASSWORD).hash(&mut hasher);
    hasher.finish()
}

const ARGS: [&str; 5] =
    ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"];

fn initdb(programs: &Programs, cache: &Path, template: &Path) {
    let making = tempfile::Builder::new().prefix("making-").tempdir_in(cache).unwrap();
    programs.hand_over(making.path());
    let (data, password) = (making.path().join("data"), making.path().join("password"));
    write_private(programs, &password, PASSWORD);
    let mut command = programs.command(&programs.file("initdb"), ARGS, making.path());
    command.arg("--username").arg(SUPERUSER).arg("--pwfile").arg(&password).arg("--pgdata").arg(&data);
    run(command);
    write_private(programs, &data.join("pg_hba.conf"), HBA);
    // It has its name only once it is whole.
    fs::rename(&data, template).unwrap();
}

fn run(command: Command) {
    let shown = format!("{command:?}");
    let finished = Running::start(command).finish(DEADLINE);
    assert_eq!(finished.code, Some(0), "{shown}: {finished:?}");
}
