//! Whose file it is: a configuration leads to databases, fetches secrets and runs commands, so it must not be a stranger's.

use std::fs::Metadata;
use std::path::Path;

use syncline_core::error::{Code, Error, Result};

/// Who may have written a file, and who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    is_ours: bool,
    group_writes: bool,
    all_write: bool,
    others_read: bool,
}

impl Standing {
    #[cfg(unix)]
    pub(super) fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        // What root has written could as well have been built into the system.
        let is_ours = file.uid() == 0 || file.uid() == rustix::process::geteuid().as_raw();
        let mode = file.mode();
        let may = |bits: u32| mode & bits != 0;
        Self { is_ours, group_writes: may(0o020), all_write: may(0o002), others_read: may(0o044) }
    }

    /// Where rights are kept otherwise nothing can be told: such a file is read, and runs no commands.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self { is_ours: true, group_writes: true, all_write: false, others_read: false }
    }

    /// Whether anybody but the user and root may read it.
    pub(super) fn is_read_by_others(self) -> bool {
        self.others_read
    }

    /// Refuses a file that was found rather than named, if a stranger may have put it there.
    ///
    /// # Errors
    /// `CONFIG_UNTRUSTED`.
    pub(super) fn check_found(self, path: &Path) -> Result<()> {
        let shown = path.display();
        let what = format!("{shown} was found and is not used");
        if !self.is_ours {
            return Err(Error::new(Code::ConfigUntrusted, what)
                .because("it belongs to another user, and could lead to other databases than are meant")
                .leaving("nothing was changed")
                .next(format!("--config {shown}"), "use it all the same, after a look into it"));
        }
        if self.all_write {
            return Err(Error::new(Code::ConfigUntrusted, what)
                .because("everybody may write it, and could lead to other databases than are meant")
                .leaving("nothing was changed")
                .next(format!("chmod o-w {shown}"), "after a look into it"));
        }
        Ok(())
    }

    /// Refuses to run what the file says, if somebody else may have written it.
    ///
    /// # Errors
    /// `CONFIG_UNTRUSTED`.
    pub(super) fn check_commands(self, path: &Path) -> Result<()> {
        if self.is_ours && !self.group_writes && !self.all_write {
            return Ok(());
        }
        let why = match self.is_ours {
            true => "its group or everybody may write it",
            false => "it belongs to another user",
        };
        Err(Error::new(Code::ConfigUntrusted, format!("no command is run for {}", path.display()))
            .because(format!("{why}, and a command does whatever its author wants"))
            .leaving("nothing was changed")
            .next(format!("chmod go-w {}", path.display()), "after a look into it, and if it is yours"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn rights_decide_what_a_file_may_ask_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("syncline.toml");
        std::fs::write(&path, "").unwrap();
        for (mode, is_found, runs, is_read) in [
            (0o600, true, true, false),
            (0o644, true, true, true),
            (0o664, true, false, true),
            (0o620, true, false, false),
            (0o606, false, false, true),
        ] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let standing = Standing::of(&path.metadata().unwrap());
            assert_eq!(standing.check_found(&path).is_ok(), is_found, "{mode:o}");
            assert_eq!(standing.check_commands(&path).is_ok(), runs, "{mode:o}");
            assert_eq!(standing.is_read_by_others(), is_read, "{mode:o}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_not_used_by_itself() {
        let strange = Standing { is_ours: false, group_writes: false, all_write: false, others_read: false };
        let path = Path::new("/a/syncline.toml");
        assert_eq!(strange.check_found(path).unwrap_err().code(), Code::ConfigUntrusted);
        assert_eq!(strange.check_commands(path).unwrap_err().code(), Code::ConfigUntrusted);
    }
}
