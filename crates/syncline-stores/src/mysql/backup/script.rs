//! The script that a backup is: written, counted, and read back.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Extent;

use crate::draft::no_backup;
use crate::dump::{Facts, Kind, Summed, Trailer, damaged, unreadable};

/// The last line of every whole script; behind it may stand when that was.
const COMPLETED: &[u8] = b"-- Dump completed";

/// What rows are taken in by, as the program says it, and as it has to be for days that are in no calendar: without that word they
/// would come back as the day 0.
const MODE: &str = "SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */";
const MILD_MODE: &str = "SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */";

/// As much of a line as tells what begins there.
const HEAD_BYTES: usize = 24;

/// A script on its way into a file.
pub(super) struct Written<'f> {
    summed: Summed,
    tables: Counted,
    /// What the file is to be called.
    file: &'f Path,
}

impl<'f> Written<'f> {
    /// Begins one in an empty place.
    pub(super) fn to(place: File, file: &'f Path) -> Self {
        Self { summed: Summed::new(place), tables: Counted::default(), file }
    }

    /// Writes the first part that a program has written.
    ///
    /// # Errors
    /// As [`Written::write`].
    pub(super) fn write_first(&mut self, part: &[u8]) -> Result<()> {
        let at = part.windows(MODE.len()).position(|window| window == MODE.as_bytes());
        match at {
            // Of what comes first nothing is anybody's text.
            Some(at) if at < limits::BACKUP_TRAILER_BYTES => {
                self.write(&part[..at])?;
                self.write(MILD_MODE.as_bytes())?;
                self.write(&part[at + MODE.len()..])
            }
            _ => self.write(part),
        }
    }

    /// Writes more of it.
    ///
    /// # Errors
    /// `DISK_FULL` and the like.
    pub(super) fn write(&mut self, part: &[u8]) -> Result<()> {
        self.tables.read(part);
        self.summed.write(part).map_err(|error| no_backup(self.file, error))
    }

    /// How much there is so far.
    pub(super) fn bytes(&self) -> u64 {
        self.summed.bytes
    }

    /// Ends it with its facts and its sum.
    ///
    /// # Errors
    /// `STORE_FAILED` where the program has not written its last line, `DISK_FULL` and the like.
    pub(super) fn end(self, facts: &Facts) -> Result<Extent> {
        if !self.tables.is_completed {
            return Err(Error::new(Code::StoreFailed, "the program has not ended its script as it ends every one")
                .because("it said nothing of a failure either")
                .leaving("no backup was written"));
        }
        let bytes = self.summed.end(facts).map_err(|error| no_backup(self.file, error))?;
        Ok(Extent { bytes, tables: self.tables.count })
    }
}

/// Reads a script whole and makes sure that it is what was written: by its sum, and where it is one of somebody's own by its last
/// line.
///
/// # Errors
/// `STORE_CORRUPT`, and when it is no such script, or cannot be read.
pub(super) fn read_whole(path: &Path) -> Result<Extent> {
    let bytes = Kind::Mysql.require(path)?.length();
    match Trailer::read(path)? {
        Some(trailer) => trailer.check(path)?,
        None => require_completed(path, bytes)?,
    }
    let told = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(told)?;
    let (mut tables, mut part) = (Counted::default(), vec![0; limits::COPY_CHUNK_BYTES]);
    loop {
        match file.read(&mut part).map_err(told)? {
            0 => return Ok(Extent { bytes, tables: tables.count }),
            read => tables.read(&part[..read]),
        }
    }
}

/// A program that was cut off has not written its last line.
fn require_completed(path: &Path, bytes: u64) -> Result<()> {
    let told = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(told)?;
    file.seek(SeekFrom::Start(bytes.saturating_sub(limits::BACKUP_TRAILER_BYTES as u64))).map_err(told)?;
    let mut end = Vec::new();
    file.take(limits::BACKUP_TRAILER_BYTES as u64).read_to_end(&mut end).map_err(told)?;
    let last = end.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    match last.starts_with(COMPLETED) {
        true => Ok(()),
        false => Err(damaged(path, "it does not end as mariadb-dump and mysqldump end their scripts: it was cut off")),
    }
}

/// How many tables a script makes.
#[derive(Debug, Default)]
struct Counted {
    /// What the present line begins with.
    head: Vec<u8>,
    /// Between the words that put the end of a statement elsewhere: there are bodies, which may hold anything.
    is_body: bool,
    /// Whether the last line with anything on it was the last one of a script.
    is_completed: bool,
    count: u64,
}

impl Counted {
    fn read(&mut self, part: &[u8]) {
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            let room = HEAD_BYTES.saturating_sub(self.head.len());
            self.head.extend(&line[..room.min(line.len())]);
            if line.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = self.head.trim_ascii_end();
        if !line.is_empty() {
            self.is_completed = line.starts_with(COMPLETED);
        }
        match line {
            b"DELIMITER ;;" => self.is_body = true,
            b"DELIMITER ;" => self.is_body = false,
            line if !self.is_body && line.starts_with(b"CREATE TABLE ") => self.count += 1,
            _ => {}
        }
        self.head.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCRIPT: &str = "-- MariaDB dump 10.19\n\nDROP TABLE IF EXISTS `a`;\nCREATE TABLE `a` (\n  `id` int\n);\n\
        INSERT INTO `a` VALUES (1),\n(2);\nDELIMITER ;;\nCREATE PROCEDURE p()\nBEGIN\nCREATE TABLE `no` (id int);\nEND ;;\n\
        DELIMITER ;\n/*!50001 CREATE VIEW `v` AS SELECT\n 1 AS `id`*/;\nCREATE TABLE `b` (id int);\n-- Dump completed\n";

    proptest! {
        #[test]
        fn it_does_not_matter_where_parts_end(sizes in prop::collection::vec(1_usize..60, 1..40)) {
            let (mut tables, mut left) = (Counted::default(), SCRIPT.as_bytes());
            for size in sizes.iter().cycle() {
                let (part, rest) = left.split_at((*size).min(left.len()));
                tables.read(part);
                left = rest;
                if left.is_empty() {
                    break;
                }
            }
            prop_assert_eq!((tables.count, tables.is_completed), (2, true));
        }
    }

    #[test]
    fn a_script_of_somebody_is_whole_when_it_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |content: &str| {
            std::fs::write(file.path(), content).unwrap();
            read_whole(file.path()).map(|extent| extent.tables).map_err(|error| error.code())
        };
        assert_eq!(read(SCRIPT), Ok(2));
        assert_eq!(read(&SCRIPT.replace("completed", "completed on 2026-11-22 14:00:00")), Ok(2));
        for end in [30, SCRIPT.len() / 2, SCRIPT.len() - 10] {
            assert_eq!(read(&SCRIPT[..end]), Err(Code::StoreCorrupt), "{end}");
        }
        assert_eq!(read("SELECT 1;\n-- Dump completed\n"), Err(Code::NotADatabase));
    }
}
