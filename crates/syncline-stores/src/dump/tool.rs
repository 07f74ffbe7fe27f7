//! A program of the engine's own, run as a child that ends with us.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};

use bytes::BytesMut;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Variables of the program: set, or taken away where there is no value. All others are those of this process.
pub(crate) type Environment = Vec<(&'static str, Option<OsString>)>;

/// A program that may be installed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// What it is called on the PATH.
    pub(crate) name: &'static str,
    /// The package of Debian and Ubuntu that has it.
    pub(crate) package: &'static str,
}

/// A program that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    program: Program,
    /// What it says about itself.
    pub(crate) version: String,
}

/// A program at work. Dropping this kills it.
pub(crate) struct Running {
    program: Program,
    child: Child,
    output: ChildStdout,
    words: JoinHandle<String>,
}

impl Program {
    /// The program, as it is installed.
    ///
    /// # Errors
    /// `TOOL_MISSING`.
    pub(crate) async fn find(self, environment: &Environment) -> Result<Tool> {
        let mut running = self.start(&["--version"], environment)?;
        let mut said = BytesMut::new();
        while running.read(&mut said, &|| Ok(())).await? > 0 {}
        let (status, words) = running.end().await?;
        if !status.success() {
            // Debian's wrapper is there without the program that it would call.
            return Err(self.missing(words));
        }
        Ok(Tool { program: self, version: String::from_utf8_lossy(&said).trim().to_owned() })
    }

    /// The error for a program that is not there, or not the one it takes.
    pub(crate) fn missing(self, why: impl Into<String>) -> Error {
        Error::new(Code::ToolMissing, format!("{} is needed for this and cannot be used", self.name))
            .because(why)
            .leaving("nothing was changed")
            .next(format!("apt install {}", self.package), "installs it on Debian and Ubuntu")
    }

    fn start<A: AsRef<OsStr>>(self, args: &[A], environment: &Environment) -> Result<Running> {
        let mut command = Command::new(self.name);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // What is typed at the terminal is meant for us: we end it, in order.
        #[cfg(unix)]
        command.process_group(0);
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing("there is no program of that name on the PATH"),
            _ => self.missing(error.to_string()),
        })?;
        let output = child.stdout.take().expect("BUG: its output was asked for");
        let errors = child.stderr.take().expect("BUG: its errors were asked for");
        Ok(Running { program: self, child, output, words: tokio::spawn(last_words(errors)) })
    }
}

impl Tool {
    /// The number before the first dot of its version.
    pub(crate) fn major(&self) -> Option<u32> {
        major(self.version.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?)
    }

    /// The program.
    pub(crate) fn program(&self) -> Program {
        self.program
    }

    /// Starts it.
    ///
    /// # Errors
    /// `TOOL_MISSING` when it cannot be started.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, args: &[A], environment: &Environment) -> Result<Running> {
        self.program.start(args, environment)
    }
}

/// The number that a version begins with.
pub(crate) fn major(version: &str) -> Option<u32> {
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

impl Running {
    /// Reads what it writes next, and returns how much that is: nothing at its end. `idle` is asked now and then whether to go
    /// on.
    ///
    /// # Errors
    /// What `idle` returns.
    pub(crate) async fn read(&mut self, into: &mut BytesMut, idle: &(impl Fn() -> Result<()> + Sync)) -> Result<usize> {
        loop {
            match timeout(limits::TOOL_POLL, self.output.read_buf(into)).await {
                Ok(Ok(read)) => return Ok(read),
                Ok(Err(error)) => return Err(self.broken(error)),
                Err(_) => idle()?,
            }
        }
    }

    /// Waits for its end, once all it writes is read.
    ///
    /// # Errors
    /// `STORE_FAILED` with its last words when it has failed.
    pub(crate) async fn finish(self) -> Result<()> {
        let program = self.program;
        let (status, words) = self.end().await?;
        if status.success() {
            return Ok(());
        }
        let words = if words.is_empty() { format!("it ended with {status} and said nothing") } else { words };
        Err(Error::new(Code::StoreFailed, format!("{} has failed", program.name)).because(words))
    }

    async fn end(mut self) -> Result<(ExitStatus, String)> {
        let status = self.child.wait().await.map_err(|error| self.broken(error))?;
        Ok((status, self.words.await.unwrap_or_default()))
    }

    fn broken(&self, error: std::io::Error) -> Error {
        Error::new(Code::StoreFailed, format!("{} cannot be heard any more", self.program.name))
            .because(error.to_string())
    }
}

/// The last lines, as one.
async fn last_words(mut errors: impl AsyncRead + Unpin) -> String {
    let mut kept = VecDeque::new();
    let mut part = vec![0; limits::TOOL_WORDS_BYTES];
    while let Ok(read @ 1..) = errors.read(&mut part).await {
        kept.extend(&part[..read]);
        let surplus = kept.len().saturating_sub(limits::TOOL_WORDS_BYTES);
        kept.drain(..surplus);
    }
    let kept: Vec<u8> = kept.into();
    let text = String::from_utf8_lossy(&kept);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Program = Program { name: "sh", package: "dash" };

    async fn all(running: &mut Running) -> String {
        let mut output = BytesMut::new();
        while running.read(&mut output, &|| Ok(())).await.unwrap() > 0 {}
        String::from_utf8(output.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_a_program_writes_and_its_last_words_are_heard() {
        let environment = vec![("SECRET", Some("s".into())), ("PATH_TO_NOWHERE", None)];
        let mut running =
            SHELL.start(&["-c", "echo $SECRET; echo one >&2; echo two >&2; exit 3"], &environment).unwrap();
        assert_eq!(all(&mut running).await, "s\n");
        let error = running.finish().await.unwrap_err();
        assert_eq!((error.code(), error.why()), (Code::StoreFailed, Some("one; two")));
        let mut running = SHELL.start(&["-c", "echo fine"], &environment).unwrap();
        assert_eq!(all(&mut running).await, "fine\n");
        running.finish().await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_names_its_package() {
        let absent = Program { name: "syncline-has-no-such-program", package: "some-package" };
        let error = absent.find(&Vec::new()).await.unwrap_err();
        assert_eq!((error.code(), error.code().exit()), (Code::ToolMissing, 2));
        assert_eq!(error.next_steps()[0].action, "apt install some-package");
        // One that is there and cannot do anything, as Debian's wrapper without a version to call.
        let error = Program { name: "false", package: "p" }.find(&Vec::new()).await.unwrap_err();
        assert_eq!(error.code(), Code::ToolMissing);
    }

    #[tokio::test]
    async fn a_program_that_is_stopped_ends() {
        let mut running = SHELL.start(&["-c", "echo $$; exec sleep 600"], &Vec::new()).unwrap();
        let mut output = BytesMut::new();
        running.read(&mut output, &|| Ok(())).await.unwrap();
        let id = String::from_utf8(output.to_vec()).unwrap();
        let stop = || Err(Error::new(Code::RunCancelled, "stopped"));
        assert_eq!(running.read(&mut output, &stop).await.unwrap_err().code(), Code::RunCancelled);
        drop(running);
        let stat = format!("/proc/{}/stat", id.trim());
        for _ in 0..2_000 {
            // A zombie has ended.
            match std::fs::read_to_string(&stat) {
                Ok(stat) if !stat.contains(") Z") => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                _ => return,
            }
        }
        panic!("it goes on");
    }

    #[test]
    fn versions_are_read() {
        let tool = |version: &str| Tool { program: SHELL, version: version.to_owned() }.major();
        assert_eq!(tool("pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(tool("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!((tool("what"), major(""), major("9.6.1")), (None, None, Some(9)));
    }
}
