//! Standard output: data, and nothing else.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use syncline::error::{Code, Error, Result};

use crate::render::{json, text};

/// A handle on standard output. A reader that goes away ends a stream of rows, but never a run: what is written to a
/// closed pipe by [`Output::text`] and [`Output::json`] is dropped.
#[derive(Clone)]
pub(crate) struct Output(Arc<Inner>);

struct Inner {
    writer: Mutex<Box<dyn Write + Send>>,
    closed: AtomicBool,
    is_terminal: bool,
}

impl Output {
    /// The process's own.
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Self::to(Box::new(BufWriter::with_capacity(64 << 10, stdout)), is_terminal)
    }

    /// Anywhere else.
    pub(crate) fn to(writer: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Self(Arc::new(Inner { writer: Mutex::new(writer), closed: AtomicBool::new(false), is_terminal }))
    }

    /// Writes text that was made for people: names and values in it are escaped already.
    ///
    /// # Errors
    /// When it cannot be written, such as to a full disk.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        let done = self.write(text.as_bytes()).and_then(|()| self.flush());
        if self.is_closed() { Ok(()) } else { done }
    }

    /// Writes one JSON document as one line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn json(&self, document: &impl Serialize) -> Result<()> {
        self.text(&(json::line(document) + "\n"))
    }

    /// Writes a part of a longer stream, raw: exact into a file or pipe, made visible on a terminal.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it any more.
    pub(crate) fn stream(&self, part: &str) -> Result<()> {
        if self.0.is_terminal { self.write(text::escape_lines(part).as_bytes()) } else { self.write(part.as_bytes()) }
    }

    /// Copies a part that was put aside.
    ///
    /// # Errors
    /// When it cannot be read or written, or nobody reads it any more.
    pub(crate) fn copy(&self, part: &mut impl io::Read) -> Result<()> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = io::copy(part, &mut *writer);
        drop(writer);
        self.judge(copied.map(|_| ()))
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it any more.
    pub(crate) fn flush(&self) -> Result<()> {
        let flushed = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).flush();
        self.judge(flushed)
    }

    /// Whether the reader went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Whether a person reads it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.0.is_terminal
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let written = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes);
        self.judge(written)
    }

    fn judge(&self, done: io::Result<()>) -> Result<()> {
        done.map_err(|error| {
            if error.kind() == ErrorKind::BrokenPipe {
                self.0.closed.store(true, Ordering::SeqCst);
            }
            Error::new(Code::OutputFailed, "the output cannot be written")
                .because(error.to_string())
                .leaving("what was done before is done and kept")
                .caused_by(error)
        })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Output that a test can read.

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        /// An output that writes to a new page.
        pub(crate) fn output(is_terminal: bool) -> (Output, Page) {
            let page = Page::default();
            (Output::to(Box::new(page.clone()), is_terminal), page)
        }

        /// All of it.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Page;
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_ends_a_stream_but_drops_a_document() {
        let output = Output::to(Box::new(Closed), false);
        assert!(output.text("summary").is_ok());
        assert!(output.is_closed());
        assert!(output.stream("row").is_err());
    }

    #[test]
    fn a_stream_is_exact_in_a_pipe_and_visible_on_a_terminal() {
        let (output, page) = Page::output(false);
        output.stream("a\x1b[31m\n").unwrap();
        assert_eq!(page.text(), "a\x1b[31m\n");
        let (output, page) = Page::output(true);
        output.stream("a\x1b[31m\n").unwrap();
        assert_eq!(page.text(), "a\\x1b[31m\n");
    }
}
