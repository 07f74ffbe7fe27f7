//! A program that prints a secret: run without a shell, bounded in time and in what it may print.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use syncline_core::limits;

/// The words of a command. Spaces part them; single and double quotes hold them together and go. Nothing else is special: no
/// variable is replaced, no pattern matched, nothing piped.
pub(super) fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(_) => Err("a quote is not closed".to_owned()),
        None if words.first().is_none_or(String::is_empty) => Err("it names no program".to_owned()),
        None => Ok(words),
    }
}

/// The command that asks the keyring of the user's desktop; `None` where none is known.
pub(super) fn of_keyring(entry: &str) -> Option<Vec<String>> {
    let words: &[&str] = if cfg!(target_os = "macos") {
        &["security", "find-generic-password", "-w", "-s", "syncline", "-a", entry]
    } else if cfg!(unix) {
        &["secret-tool", "lookup", "service", "syncline", "account", entry]
    } else {
        return None;
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// The command by which a person puts an entry into that keyring.
pub(super) fn to_keep(entry: &str) -> String {
    let entry = syncline_core::error::shell_word(entry);
    if cfg!(target_os = "macos") {
        format!("security add-generic-password -s syncline -a {entry} -w")
    } else {
        format!("secret-tool store --label=Syncline service syncline account {entry}")
    }
}

/// Runs a program in a directory and returns what it has printed. It gets nothing to read, and what it says on standard error
/// is dropped, for a secret may be in it.
pub(super) fn run(words: &[String], directory: &Path, within: Duration) -> Result<Vec<u8>, String> {
    let until = Instant::now() + within;
    let mut child = start(words, directory)?;
    let printed = printed(&mut child, until);
    let ended = printed.and_then(|bytes| wait(&mut child, until).map(|()| bytes));
    if ended.is_err() {
        // Both fail only when it has ended. What it has started itself is its own.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended.map_err(|end| match end {
        End::Slow => format!("it took longer than {} s", within.as_secs_f64()),
        End::Loud => format!("it printed more than {} bytes", limits::SECRET_BYTES_MAX),
        End::Failed(why) => why,
    })
}

/// How a program can fail to give a secret.
enum End {
    Slow,
    Loud,
    Failed(String),
}

fn start(words: &[String], directory: &Path) -> Result<Child, String> {
    let Some((program, arguments)) = words.split_first() else { return Err("it names no program".to_owned()) };
    // A path counts from the configuration; a name is looked for where programs are.
    let path = if program.contains(std::path::is_separator) { directory.join(program) } else { PathBuf::from(program) };
    let mut command = Command::new(path);
    command.args(arguments).current_dir(directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("{program} could not be started: {error}"))
}

/// What it prints until it closes its output.
fn printed(child: &mut Child, until: Instant) -> Result<Vec<u8>, End> {
    let stdout = child.stdout.take().ok_or_else(|| End::Failed("its output cannot be read".to_owned()))?;
    let (sender, receiver) = mpsc::channel();
    // Something that it has started may keep the output open for ever; then this thread is left behind.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(limits::SECRET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
        // Nobody listens any more once the time is over.
        let _ = sender.send(read.map(|_| bytes));
    });
    match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Err(_) => Err(End::Slow),
        Ok(Err(error)) => Err(End::Failed(format!("its output cannot be read: {error}"))),
        Ok(Ok(bytes)) if bytes.len() > limits::SECRET_BYTES_MAX => Err(End::Loud),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

fn wait(child: &mut Child, until: Instant) -> Result<(), End> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(End::Failed(format!("it ended with {status}"))),
            Ok(None) if Instant::now() >= until => return Err(End::Slow),
            Ok(None) => thread::sleep(limits::SECRET_COMMAND_POLL),
            Err(error) => return Err(End::Failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_spaces_and_held_by_quotes() {
        for (command, words) in [
            ("pass show x", vec!["pass", "show", "x"]),
            ("  a   b ", vec!["a", "b"]),
            ("a 'b c' \"d 'e'\" ''", vec!["a", "b c", "d 'e'", ""]),
            ("a$HOME `id` | x > y \\n *", vec!["a$HOME", "`id`", "|", "x", ">", "y", "\\n", "*"]),
            ("x=\"a b\"c", vec!["x=a bc"]),
        ] {
            assert_eq!(split(command).unwrap(), words, "{command}");
        }
        for wrong in ["a 'b", "'' a", "\"", " "] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    fn shell(script: &str, within: Duration) -> Result<Vec<u8>, String> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&words, Path::new("/"), within)
    }

    #[cfg(unix)]
    #[test]
    fn what_it_prints_is_returned() {
        let long = Duration::from_secs(60);
        assert_eq!(shell("pwd; cat", long), Ok(b"/\n".to_vec()));
        assert_eq!(shell("exec >&-; exit 0", long), Ok(Vec::new()));
        let failed = shell("echo hunter2; echo hunter2 >&2; exit 3", long).unwrap_err();
        assert!(failed.contains('3') && !failed.contains("hunter2"), "{failed}");
        assert!(shell("kill -9 $$", long).unwrap_err().contains("signal: 9"));
        let missing = run(&["no-such-program".to_owned()], Path::new("/"), long).unwrap_err();
        assert!(missing.starts_with("no-such-program could not be started"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn what_hangs_or_goes_on_is_stopped() {
        let (short, long) = (Duration::from_millis(200), Duration::from_secs(60));
        for hanging in ["exec tail -f /dev/null", "exec >&-; while :; do :; done", "tail -f /dev/null & echo x"] {
            let began = Instant::now();
            assert!(shell(hanging, short).unwrap_err().contains("longer"), "{hanging}");
            assert!(began.elapsed() < long, "{hanging}");
        }
        assert!(shell("exec cat /dev/zero", long).unwrap_err().contains("more than"));
    }
}
