//! The key of masks: 32 random bytes, made once for a state directory and never changed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::MaskKey;

use super::State;
use super::database::{blocking, file_failed, private};

/// The key's name in the state directory.
const FILE: &str = "mask.key";

/// Its length.
const BYTES: usize = 32;

impl State {
    /// The key of this directory's masks, made when it is first asked for. It is durable before it is used: masks made
    /// with a key that a crash takes away could never be made again.
    ///
    /// # Errors
    /// `STATE_FAILED` also when the file is not a key.
    pub async fn mask_key(&self) -> Result<MaskKey> {
        let dir = self.dir.clone();
        blocking(&self.dir, "read the key of masks", move || read_or_create(&dir)).await
    }
}

fn read_or_create(dir: &Path) -> Result<MaskKey> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => key_of(&path, &bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(dir, &path)?;
            let bytes = fs::read(&path).map_err(|error| file_failed(&path, "read", error))?;
            key_of(&path, &bytes)
        }
        Err(error) => Err(file_failed(&path, "read", error)),
    }
}

/// Writes a new key beside its place and links it there, so that nobody sees half of one, and of several processes that
/// make one at the same time all end up with the first.
fn create(dir: &Path, path: &Path) -> Result<()> {
    // The key, and behind it a name that nobody else chooses.
    let mut random = [0; BYTES + 8];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(Code::StateFailed, "the operating system gives no random numbers for the key of masks")
            .because(error.to_string())
    })?;
    let (bytes, name) = random.split_at(BYTES);
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let new = dir.join(format!("{FILE}.{name}.new"));
    let made = (|| {
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        match fs::hard_link(&new, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => File::open(dir)?.sync_all(),
        }
    })();
    // What a crash leaves of an attempt is no key, and nobody looks at it.
    let _ = fs::remove_file(&new);
    made.map_err(|error| file_failed(path, "create", error))
}

fn key_of(path: &Path, bytes: &[u8]) -> Result<MaskKey> {
    <[u8; BYTES]>::try_from(bytes).map(MaskKey::new).map_err(|_| {
        let what = format!("{} is not the key of masks", path.display());
        Error::new(Code::StateFailed, what)
            .because(format!("it has {} bytes instead of {BYTES}", bytes.len()))
            .leaving("nothing was changed")
            .next("put the file back from a backup", "a new key would change every masked value")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_key_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        let key = state.mask_key().await.unwrap();
        let again = State::open(dir.path()).await.unwrap().mask_key().await.unwrap();
        assert_eq!(key, again);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(State::open(other.path()).await.unwrap().mask_key().await.unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
    }

    #[tokio::test]
    async fn what_is_no_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        fs::write(dir.path().join(FILE), b"short").unwrap();
        assert_eq!(state.mask_key().await.unwrap_err().code(), Code::StateFailed);
        assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), b"short");
    }
}
