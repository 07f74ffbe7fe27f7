//! Ctrl-C and SIGTERM: the first asks the run to stop where it is safe, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use syncline::Cancel;

use crate::exit::Exit;
use crate::messages::Messages;

/// What came from outside while the command worked.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    exit: Arc<AtomicU8>,
    nothing_at_stake: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on. Must be called inside the runtime.
    pub(crate) fn watch(&self, cancel: Cancel, messages: Messages) {
        outlive_file_size_limits();
        let watcher = self.clone();
        tokio::spawn(async move {
            let Some(first) = next_signal().await else { return };
            if watcher.nothing_at_stake.load(Ordering::SeqCst) {
                messages.show("\n");
                std::process::exit(i32::from(first.0));
            }
            watcher.exit.store(first.0, Ordering::SeqCst);
            cancel.cancel();
            messages.note("stopping after the current batch; press Ctrl-C again to stop at once");
            if let Some(second) = next_signal().await {
                std::process::exit(i32::from(second.0));
            }
        });
    }

    /// While a question waits for its answer nothing is being written, so an interrupt ends the process at once.
    pub(crate) fn at_once<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.nothing_at_stake.store(true, Ordering::SeqCst);
        let answer = ask();
        self.nothing_at_stake.store(false, Ordering::SeqCst);
        answer
    }

    /// A cancelled command ends with the code of the signal that cancelled it.
    pub(crate) fn named_in(&self, exit: Exit) -> Exit {
        match self.exit.load(Ordering::SeqCst) {
            signal if exit == Exit::INTERRUPTED && signal != 0 => Exit(signal),
            _ => exit,
        }
    }
}

/// A file that grows beyond a limit (`ulimit -f`) ends a process without a word unless it listens to SIGXFSZ; then the write
/// fails, and the error is told like others. Listening stays in force for the whole process.
#[cfg(all(any(target_os = "linux", target_os = "macos"), not(any(target_arch = "mips", target_arch = "mips64"))))]
fn outlive_file_size_limits() {
    const SIGXFSZ: i32 = 25;

    let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ));
}

#[cfg(not(all(
    any(target_os = "linux", target_os = "macos"),
    not(any(target_arch = "mips", target_arch = "mips64"))
)))]
fn outlive_file_size_limits() {}

#[cfg(unix)]
async fn next_signal() -> Option<Exit> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    tokio::select! {
        _ = interrupt.recv() => Some(Exit::INTERRUPTED),
        _ = terminate.recv() => Some(Exit::TERMINATED),
    }
}

#[cfg(not(unix))]
async fn next_signal() -> Option<Exit> {
    tokio::signal::ctrl_c().await.ok()?;
    Some(Exit::INTERRUPTED)
}
