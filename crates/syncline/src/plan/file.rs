//! The file of a plan: one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use xxhash_rust::xxh3::Xxh3;

use super::{Plan, PlanLoad, PlanRange, PlanSink, hex};
use crate::row_difference::RowDifference;
use crate::row_json::Row;

/// Writes a plan anywhere.
pub struct PlanWriter<W> {
    writer: W,
    seal: Box<Xxh3>,
    lines: u64,
    place: String,
}

/// A plan on its way into a file: written beside it and moved there when it is whole.
pub(super) struct PlanDraft {
    draft: tempfile::NamedTempFile,
    path: PathBuf,
}

/// A line after the first, as far as carrying out needs it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    /// A row; its values are for people.
    Row(RowLine),
    /// A range of changes.
    Range(PlanRange),
    /// A load.
    Load(PlanLoad),
    /// The end.
    End(EndLine),
}

/// What binds of a row.
#[derive(Debug, Deserialize)]
pub(super) struct RowLine {
    pub(super) table: String,
    pub(super) key: serde_json::Value,
    #[serde(default)]
    pub(super) digest: Option<String>,
    #[serde(default)]
    pub(super) held: Option<String>,
}

/// The end: how many lines stand before it, and their digest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndLine {
    lines: u64,
    digest: String,
}

/// A plan that is read line by line.
pub(super) struct PlanReader {
    reader: BufReader<File>,
    path: PathBuf,
    seal: Box<Xxh3>,
    lines: u64,
}

#[derive(Serialize)]
struct Tagged<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    data: &'a T,
}

#[derive(Serialize)]
struct BoundRow<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

impl<W: Write + Send> PlanWriter<W> {
    /// A plan into `writer`; `place` names it in errors.
    pub fn new(writer: W, place: impl Into<String>) -> Self {
        Self { writer, seal: Box::default(), lines: 0, place: place.into() }
    }

    /// What the plan was written to.
    pub fn into_inner(self) -> W {
        self.writer
    }

    fn line(&mut self, object: &impl Serialize) -> Result<()> {
        let Self { writer, seal, place, .. } = self;
        let mut line = BufWriter::new(Sealed { writer, seal });
        serde_json::to_writer(&mut line, object).map_err(|error| match error.io_error_kind() {
            Some(kind) => unwritable(place, kind.into()),
            None => Error::new(Code::Internal, "a line of a plan cannot be written as JSON").caused_by(error),
        })?;
        line.write_all(b"\n").and_then(|()| line.flush()).map_err(|error| unwritable(place, error))?;
        self.lines += 1;
        Ok(())
    }
}

/// What is written is summed up on its way, so that a line of any length need not be held.
struct Sealed<'a, W> {
    writer: &'a mut W,
    seal: &'a mut Xxh3,
}

impl<W: Write> Write for Sealed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.seal.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Lines of a plan are flushed together at its end.
        Ok(())
    }
}

impl<W: Write + Send> PlanSink for PlanWriter<W> {
    fn plan(&mut self, plan: &Plan) -> Result<()> {
        self.line(plan)
    }

    fn row(&mut self, row: RowDifference, digest: Option<u128>) -> Result<()> {
        self.line(&BoundRow { row: Row(&row), digest: digest.map(hex) })
    }

    fn range(&mut self, range: PlanRange) -> Result<()> {
        self.line(&Tagged { kind: "range", data: &range })
    }

    fn load(&mut self, load: PlanLoad) -> Result<()> {
        self.line(&Tagged { kind: "load", data: &load })
    }

    fn end(&mut self) -> Result<()> {
        let end = EndLine { lines: self.lines, digest: hex(self.seal.digest128()) };
        self.line(&Tagged { kind: "end", data: &end })?;
        self.writer.flush().map_err(|error| unwritable(&self.place, error))
    }
}

impl PlanDraft {
    /// Begins a plan that is to become the file at `path`.
    ///
    /// # Errors
    /// `PLAN_INVALID` when there is a file already that is no plan, which is not overwritten.
    pub(super) fn create(path: &Path) -> Result<(Self, PlanWriter<BufWriter<File>>)> {
        let place = path.display().to_string();
        match std::fs::symlink_metadata(path) {
            Ok(_) if !is_plan(path) => {
                return Err(Error::new(Code::PlanInvalid, format!("{place} exists and is no plan"))
                    .because("a plan takes the place of nothing but another plan")
                    .leaving("it was not overwritten")
                    .next("-o FILE", "name another file"));
            }
            _ => {}
        }
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        // Readable by its owner only, because a plan holds rows.
        let draft = tempfile::Builder::new()
            .prefix(".syncline-plan-")
            .tempfile_in(dir)
            .map_err(|error| unwritable(&place, error))?;
        let file = draft.reopen().map_err(|error| unwritable(&place, error))?;
        Ok((Self { draft, path: path.to_owned() }, PlanWriter::new(BufWriter::new(file), place)))
    }

    /// Makes the plan durable under its name.
    pub(super) fn finish(self, writer: PlanWriter<BufWriter<File>>) -> Result<()> {
        let place = self.path.display().to_string();
        let file = writer.into_inner().into_inner().map_err(|error| unwritable(&place, error.into_error()))?;
        file.sync_all().map_err(|error| unwritable(&place, error))?;
        self.draft.persist(&self.path).map_err(|error| unwritable(&place, error.error))?;
        Ok(())
    }
}

impl PlanReader {
    /// Opens a plan and reads its first line.
    ///
    /// # Errors
    /// `PLAN_INVALID` for anything that is no plan of this version.
    pub(super) fn open(path: &Path) -> Result<(Plan, Self)> {
        let file = OpenOptions::new().read(true).open(path).map_err(|error| {
            Error::new(Code::PlanInvalid, format!("{} cannot be read", path.display())).because(error.to_string())
        })?;
        let mut reader = Self { reader: BufReader::new(file), path: path.to_owned(), seal: Box::default(), lines: 0 };
        let first = reader.read_line()?.ok_or_else(|| reader.invalid("it is empty"))?;
        let plan: Plan = serde_json::from_slice(&first).map_err(|error| reader.invalid(error.to_string()))?;
        if plan.kind != "plan" || plan.format != 1 {
            return Err(reader.invalid(format!("it is {:?} of format {}", plan.kind, plan.format)));
        }
        Ok((plan, reader))
    }

    /// The next line; `None` after the end, whose seal has been checked then.
    ///
    /// # Errors
    /// `PLAN_INVALID` when the file was cut off or changed.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        let (lines, digest) = (self.lines, hex(self.seal.digest128()));
        let line = self.read_line()?.ok_or_else(|| self.invalid("it was cut off: its end is missing"))?;
        let line: Line = serde_json::from_slice(&line).map_err(|error| self.invalid(error.to_string()))?;
        let Line::End(end) = line else { return Ok(Some(line)) };
        if end.lines != lines || end.digest != digest {
            return Err(self.invalid("it was changed since it was made"));
        }
        match self.read_line()? {
            None => Ok(None),
            Some(_) => Err(self.invalid("something stands after its end")),
        }
    }

    /// Why the file is not taken for a plan.
    pub(super) fn invalid(&self, why: impl Into<String>) -> Error {
        Error::new(Code::PlanInvalid, format!("{} is no plan that can be carried out", self.path.display()))
            .because(why)
            .leaving("nothing was changed")
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.reader).take(limits::PLAN_LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line).map_err(|error| self.invalid(error.to_string()))?;
        if read == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(self.invalid("a line has no end, or is longer than any that was written"));
        }
        self.seal.update(&line);
        self.lines += 1;
        Ok(Some(line))
    }
}

/// Whether it is a file that begins as a plan does. To open a pipe would be to wait for somebody who writes into it.
fn is_plan(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut start = [0; 26];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *br#"{"format":1,"type":"plan","#
}

fn unwritable(place: &str, error: io::Error) -> Error {
    let code = if error.kind() == io::ErrorKind::StorageFull { Code::DiskFull } else { Code::OutputFailed };
    Error::new(code, format!("the plan cannot be written to {place}"))
        .because(error.to_string())
        .leaving("nothing was changed")
        .caused_by(error)
}
