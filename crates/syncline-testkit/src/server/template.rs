//! The data directory that every server begins with: made once for all test processes, then copied, because making one
//! takes a second.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::{Engine, Programs};
use crate::process::{DEADLINE, Running};

/// Makes `data` a new data directory. `make` makes one as `data` in the directory it is given; `told` is all it does
/// that for.
pub(crate) fn copy(engine: &Engine, programs: &Programs, told: impl Hash, make: impl FnOnce(&Path), data: &Path) {
    let template = made(engine, programs, told, make);
    let args = [Path::new("-r"), Path::new("--reflink=auto"), &template, data];
    run(programs.command(Path::new("cp"), args, data.parent().expect("BUG: a data directory without one around it")));
}

/// Runs one of the programs that make a data directory.
///
/// # Panics
/// When it fails.
pub(crate) fn run(command: Command) {
    let shown = format!("{command:?}");
    let finished = Running::start(command).finish(DEADLINE);
    assert_eq!(finished.code, Some(0), "{shown}: {finished:?}");
}

/// The template, made if it is not there yet. Another process that makes it at this moment is waited for.
fn made(engine: &Engine, programs: &Programs, told: impl Hash, make: impl FnOnce(&Path)) -> PathBuf {
    let cache = cache(engine, programs);
    let template = cache.join(format!("{:016x}", fingerprint(engine, programs, told)));
    let file = cache.join("lock");
    let lock = File::options().create(true).append(true).open(&file).unwrap();
    // That user may run tests too.
    programs.hand_over(&file);
    lock.lock().unwrap();
    if !template.exists() {
        let making = tempfile::Builder::new().prefix("making-").tempdir_in(&cache).unwrap();
        programs.hand_over(making.path());
        make(making.path());
        // It has its name only once it is whole.
        fs::rename(making.path().join("data"), &template).unwrap();
    }
    template
}

/// One directory for each user, and no one else's: its name can be guessed.
fn cache(engine: &Engine, programs: &Programs) -> PathBuf {
    let cache = programs.base().join(format!("syncline-{}-templates-{}", engine.short, programs.uid()));
    if fs::DirBuilder::new().mode(0o700).create(&cache).is_ok() {
        programs.hand_over(&cache);
    }
    assert!(programs.own(&cache), "{} belongs to somebody else", cache.display());
    cache
}

/// What a template depends on: the very programs, and all that is told to them.
fn fingerprint(engine: &Engine, programs: &Programs, told: impl Hash) -> u64 {
    let server = programs.file(engine.program);
    let found = fs::metadata(&server).unwrap();
    let mut hasher = DefaultHasher::new();
    (server, found.len(), found.modified().unwrap_or(SystemTime::UNIX_EPOCH)).hash(&mut hasher);
    told.hash(&mut hasher);
    hasher.finish()
}
