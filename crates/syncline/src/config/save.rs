//! Writing a file: whole or not at all, and never over what somebody else has written meanwhile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

/// Makes a file that only its user can read: sooner or later there is a password in it.
///
/// # Errors
/// `CONFIG_EXISTS` when something has that name, `CONFIG_FAILED` when it cannot be made.
pub fn create(path: &Path, text: &str) -> Result<()> {
    let made = || {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    made().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => not_written(path, &error),
    })
}

/// Refuses a file that [`create`] would not make because it is there.
///
/// # Errors
/// `CONFIG_EXISTS`.
pub fn check_absent(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() { Err(is_there(path)) } else { Ok(()) }
}

/// Exchanges the content of a file for what `edit` makes of it. Links are followed, and rights and owner stay.
///
/// # Errors
/// `CONFIG_FAILED`, and what `edit` fails with.
pub(super) fn rewrite(path: &Path, edit: impl Fn(&[u8]) -> Result<String>) -> Result<()> {
    let failed = |error: io::Error| not_written(path, &error);
    let real = std::fs::canonicalize(path).map_err(failed)?;
    loop {
        let (file, standing) = locked(&real).map_err(failed)?;
        let mut bytes = Vec::new();
        (&file).take(limits::CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        // Whoever has exchanged it between opening and locking is done by now.
        if !is_still(&real, &standing) {
            continue;
        }
        let text = edit(&bytes)?;
        return exchange(&real, &text, &standing).map_err(failed);
    }
}

/// The lock is the operating system's, so it goes with the process. It keeps other commands out, and no editor.
fn locked(path: &Path) -> io::Result<(File, Metadata)> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let file = File::open(path)?;
    file.lock()?;
    let standing = file.metadata()?;
    Ok((file, standing))
}

fn exchange(path: &Path, text: &str, former: &Metadata) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut draft = tempfile::Builder::new().prefix(".syncline-").tempfile_in(directory)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().set_permissions(former.permissions())?;
    keep_owner(draft.path(), former)?;
    draft.as_file().sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn keep_owner(path: &Path, former: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let is = path.metadata()?;
    if (is.uid(), is.gid()) == (former.uid(), former.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(former.uid()), Some(former.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_still(path: &Path, former: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    path.metadata().is_ok_and(|is| (is.dev(), is.ino()) == (former.dev(), former.ino()))
}

#[cfg(not(unix))]
fn is_still(_: &Path, _: &Metadata) -> bool {
    true
}

fn is_there(path: &Path) -> Error {
    Error::new(Code::ConfigExists, format!("{} is there already", path.display()))
        .because("nothing is overwritten")
        .leaving("nothing was changed")
}

fn not_written(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::ConfigFailed, format!("{} cannot be written", path.display()))
        .because(error.to_string())
        .leaving("nothing was changed")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_file_is_its_users_alone_and_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/syncline.toml");
        create(&path, "a").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(create(&path, "b").unwrap_err().code(), Code::ConfigExists);
        let link = dir.path().join("link.toml");
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
        assert_eq!(create(&link, "b").unwrap_err().code(), Code::ConfigExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
    }

    #[test]
    fn rights_and_links_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a.toml"), dir.path().join("link.toml"));
        std::fs::write(&path, "a").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a.toml", &link).unwrap();
        rewrite(&link, |bytes| Ok(String::from_utf8(bytes.to_vec()).unwrap() + "b")).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"ab");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let refused = rewrite(&link, |_| Err(Error::new(Code::UsageInvalid, "no")));
        assert_eq!(refused.unwrap_err().code(), Code::UsageInvalid);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn commands_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, "").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let longer = |bytes: &[u8]| Ok("x".repeat(bytes.len() + 1));
                    (0..10).for_each(|_| rewrite(&path, longer).unwrap());
                });
            }
        });
        assert_eq!(std::fs::read(&path).unwrap().len(), 80);
    }
}
