//! Rows put aside until others have been written: in memory while they are few, else in a temporary file
//! that no name leads to and that is gone with the process. So memory stays bounded however much differs.

use std::io::{Read, Seek, SeekFrom, Write};

use syncline::error::{Code, Error, Result};
use tempfile::SpooledTempFile;

use crate::output::Output;

/// Bytes kept in memory.
const MEMORY_BYTES: usize = 8 << 20;

/// What was put aside, by table.
pub(crate) struct Spool {
    file: SpooledTempFile,
    sections: Vec<Section>,
    written: u64,
}

struct Section {
    table: String,
    from: u64,
    to: u64,
}

impl Spool {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { file: SpooledTempFile::new(MEMORY_BYTES), sections: Vec::new(), written: 0 }
    }

    /// Whether the next part is the first of its table.
    pub(crate) fn is_new(&self, table: &str) -> bool {
        self.sections.last().is_none_or(|section| section.table != table)
    }

    /// Puts a part of a table aside. Tables come one after the other.
    pub(crate) fn put(&mut self, table: &str, part: &str) -> Result<()> {
        self.file.write_all(part.as_bytes()).map_err(|error| failed(&error))?;
        if self.is_new(table) {
            self.sections.push(Section { table: table.to_owned(), from: self.written, to: self.written });
        }
        self.written += part.len() as u64;
        if let Some(section) = self.sections.last_mut() {
            section.to = self.written;
        }
        Ok(())
    }

    /// The tables, in the order in which they came.
    pub(crate) fn tables(&self) -> Vec<String> {
        self.sections.iter().map(|section| section.table.clone()).collect()
    }

    /// Writes all tables, the last first.
    pub(crate) fn take_backwards(&mut self, output: &Output) -> Result<()> {
        for table in self.tables().iter().rev() {
            self.take(table, output)?;
        }
        Ok(())
    }

    /// Writes all of a table, and returns whether there was anything.
    pub(crate) fn take(&mut self, table: &str, output: &Output) -> Result<bool> {
        let Some(section) = self.sections.iter().find(|section| section.table == table) else { return Ok(false) };
        self.file.seek(SeekFrom::Start(section.from)).map_err(|error| failed(&error))?;
        output.copy(&mut (&mut self.file).take(section.to - section.from))?;
        Ok(true)
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Code::DiskFull, "differing rows cannot be put aside in the directory for temporary files")
        .because(error.to_string())
        .next("--format ndjson", "writes each row at once and puts nothing aside")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::Page;

    #[test]
    fn sections_come_back_in_any_order() {
        let mut spool = Spool::new();
        assert!(spool.is_new("a"));
        spool.put("a", "1").unwrap();
        assert!(!spool.is_new("a"));
        spool.put("a", "2").unwrap();
        spool.put("b", "3").unwrap();
        let (output, page) = Page::output(false);
        assert!(spool.take("b", &output).unwrap());
        assert!(spool.take("a", &output).unwrap());
        assert!(!spool.take("c", &output).unwrap());
        assert_eq!(spool.tables(), ["a", "b"]);
        assert_eq!(page.text(), "312");
    }
}
