//! The plan as it would go to a file.

use std::io::{self, Write};

use syncline::plan::PlanWriter;

use crate::output::Output;

/// A writer of the lines of a plan.
pub(super) fn lines(output: Output) -> PlanWriter<Stream> {
    PlanWriter::new(Stream(output), "the output")
}

/// The output as a stream of bytes.
pub(super) struct Stream(Output);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.stream(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(io::Error::other)
    }
}
