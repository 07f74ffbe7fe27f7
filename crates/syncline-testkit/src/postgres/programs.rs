//! Where PostgreSQL's programs are, and the user they run as.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// Where Debian has one directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Users that the server may run as where we are root, which it refuses to be: the first that exists.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// The programs of one version of PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    /// Who owns and runs a server; `None` when that is whoever runs the tests.
    user: Option<User>,
}

#[derive(Clone, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Programs {
    /// Those of `PG_TEST_BIN`, else the newest that Debian's packages have brought.
    pub(super) fn find() -> Self {
        let folder = std::env::var_os("PG_TEST_BIN").map(PathBuf::from).or_else(newest);
        let folder = folder.unwrap_or_else(|| {
            panic!(
                "PostgreSQL's server is not installed below {DEBIAN}: `cargo xtask test` does it, or set PG_TEST_BIN"
            )
        });
        for program in ["initdb", "postgres", "psql"] {
            let file = folder.join(program);
            assert!(file.is_file(), "PostgreSQL's programs are not complete: {} is missing", file.display());
        }
        // A directory under /proc belongs to the user its process runs as.
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        Self { folder, user: root.then(unprivileged) }
    }

    /// The file of one of them.
    pub(super) fn file(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// A command that runs as the server's user, in `directory`.
    pub(super) fn command<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = A>,
        directory: &Path,
    ) -> Command {
        let Some(user) = &self.user else { return process::command(program, args, directory) };
        let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".to_owned()];
        let mut command = process::command(Path::new("setpriv"), ids, directory);
        command.arg("--").arg(program).args(args);
        command
    }

    /// Gives a file or directory to the server's user.
    pub(super) fn hand_over(&self, path: &Path) {
        if let Some(user) = &self.user {
            chown(path, Some(user.uid), Some(user.gid)).unwrap();
        }
    }

    /// Whether a file or directory is the server's user's.
    pub(super) fn own(&self, path: &Path) -> bool {
        let uid = self.uid();
        fs::symlink_metadata(path).is_ok_and(|found| found.uid() == uid)
    }

    /// Whether the server's user may go through `path`.
    pub(super) fn can_reach(&self, path: &Path) -> bool {
        let open = |folder: &Path| fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
        self.user.is_none() || path.ancestors().all(open)
    }

    /// The number of the server's user.
    pub(super) fn uid(&self) -> u32 {
        match &self.user {
            Some(user) => user.uid,
            None => fs::metadata("/proc/self").unwrap().uid(),
        }
    }
}

fn newest() -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = fs::read_dir(DEBIAN).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let complete = folders.filter(|folder| version(folder).is_some() && folder.join("bin/postgres").is_file());
    Some(complete.max_by_key(version)?.join("bin"))
}

fn unprivileged() -> User {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &&str| {
        let fields: Vec<_> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == *name)?;
        Some(User { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
    };
    USERS
        .iter()
        .find_map(find)
        .unwrap_or_else(|| panic!("PostgreSQL does not run as root, and none of {USERS:?} exists"))
}
