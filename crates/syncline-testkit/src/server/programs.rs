//! The programs of a server, and the user they run as.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// A longer directory could make the path of the socket too long for the system, which takes 107 bytes.
const LONGEST_BASE: usize = 50;

/// The programs of one version of a server.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folders: Vec<PathBuf>,
    /// Who owns and runs a server; `None` when that is whoever runs the tests.
    user: Option<User>,
}

#[derive(Clone, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Programs {
    /// Those in the given folders. Where we are root, which no server is to be, they run as the first user that exists.
    ///
    /// # Panics
    /// When one of `needed` is in none of the folders.
    pub(crate) fn new(folders: Vec<PathBuf>, needed: &[&str], users: &[&str]) -> Self {
        // A directory under /proc belongs to the user its process runs as.
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let programs = Self { folders, user: root.then(|| unprivileged(users)) };
        for program in needed {
            let file = programs.file(program);
            assert!(file.is_file(), "the server's programs are not complete: {} is missing", file.display());
        }
        programs
    }

    /// The file of one of them.
    pub(crate) fn file(&self, program: &str) -> PathBuf {
        let mut files = self.folders.iter().map(|folder| folder.join(program));
        files.clone().find(|file| file.is_file()).or_else(|| files.next()).expect("BUG: programs without a folder")
    }

    /// A command that runs as the server's user, in `directory`.
    pub(crate) fn command<A: AsRef<OsStr>>(
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

    /// Where servers live: the temporary directory, unless the server's user cannot reach it or its name is too long.
    pub(super) fn base(&self) -> PathBuf {
        let temporary = std::env::temp_dir();
        let short = temporary.as_os_str().len() <= LONGEST_BASE;
        if short && self.can_reach(&temporary) { temporary } else { PathBuf::from("/tmp") }
    }

    /// Writes a file that the server's user owns and nobody else reads.
    pub(crate) fn write_private(&self, path: &Path, content: &str) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        self.hand_over(path);
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

    /// The number of the server's user.
    pub(super) fn uid(&self) -> u32 {
        match &self.user {
            Some(user) => user.uid,
            None => fs::metadata("/proc/self").unwrap().uid(),
        }
    }

    /// Whether the server's user may go through `path`.
    fn can_reach(&self, path: &Path) -> bool {
        let open = |folder: &Path| fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
        self.user.is_none() || path.ancestors().all(open)
    }
}

fn unprivileged(names: &[&str]) -> User {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &&str| {
        let fields: Vec<_> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == *name)?;
        Some(User { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
    };
    names.iter().find_map(find).unwrap_or_else(|| panic!("servers do not run as root, and none of {names:?} exists"))
}
