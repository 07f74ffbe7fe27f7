//! A script, cut into statements as the servers' own client cuts it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use super::lexer::{Piece, Rules};
use super::statement::Statement;
use crate::dump::unreadable;

/// What a line begins with by which MariaDB's client lets a script do nothing but work on databases.
const SANDBOX: &str = "999999\\-";

/// Reads statements from a script.
pub(super) struct Reader<R> {
    script: R,
    /// By which it reads what comes next.
    pub(super) rules: Rules,
    /// What ends a statement.
    delimiter: Vec<u8>,
    /// Bytes that a statement may have.
    most: usize,
    /// Bytes that were read.
    pub(super) bytes: u64,
}

impl Reader<BufReader<File>> {
    /// At the beginning of the script in a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(file: &Path, rules: Rules, most: usize) -> Result<Self> {
        let opened = File::open(file).map_err(|error| unreadable(file, error))?;
        Ok(Self::new(BufReader::with_capacity(limits::COPY_CHUNK_BYTES, opened), rules, most))
    }
}

impl<R: BufRead> Reader<R> {
    /// At the beginning of a script. `most` bytes are the most that a statement may have.
    pub(super) fn new(script: R, rules: Rules, most: usize) -> Self {
        Self { script, rules, delimiter: b";".to_vec(), most, bytes: 0 }
    }

    /// The next statement, and what it is; `None` at the end.
    ///
    /// # Errors
    /// `RESTORE_REFUSED` for what is not written by `mariadb-dump`, `mysqldump` or us, and when it cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, Statement)>> {
        let Some(text) = self.cut()? else { return Ok(None) };
        let statement = Statement::of(&text, &self.rules)?;
        if let Statement::Set { mode: Some((has_escapes, has_wide_names)) } = statement {
            self.rules = Rules { has_escapes, has_wide_names, ..self.rules };
        }
        Ok(Some((text, statement)))
    }

    fn cut(&mut self) -> Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        loop {
            text.clear();
            if !self.line(&mut text)? {
                return Ok(None);
            }
            let line = text.trim_ascii();
            let is_sandbox = |line: &str| {
                line.strip_prefix("/*M!").or(line.strip_prefix("/*!")).is_some_and(|it| it.starts_with(SANDBOX))
            };
            if let Some(delimiter) = line.strip_prefix(b"DELIMITER ") {
                if !matches!(delimiter, b";" | b";;") {
                    return Err(unknown(line));
                }
                self.delimiter = delimiter.to_vec();
            } else if !line.is_empty()
                && line != b"--"
                && !line.starts_with(b"-- ")
                && !std::str::from_utf8(line).is_ok_and(is_sandbox)
            {
                break;
            }
        }
        let (mut at, mut depth) = (0, 0_usize);
        loop {
            if text[at..].starts_with(&self.delimiter) {
                let rest = text[at + self.delimiter.len()..].trim_ascii();
                if depth > 0 || !rest.is_empty() {
                    return Err(unknown(&text));
                }
                text.truncate(at);
                return Ok(Some(text));
            }
            let (piece, length) = self.rules.piece(&text[at..])?;
            match piece {
                Piece::Unfinished if self.line(&mut text)? => {}
                Piece::Unfinished => return Err(unknown(&text).because("its last statement has no end")),
                Piece::Open => depth += 1,
                Piece::Close if depth == 0 => return Err(unknown(&text)),
                Piece::Close => depth -= 1,
                _ => {}
            }
            at += length;
        }
    }

    /// Adds a line; `false` at the end of the script.
    fn line(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let room = (self.most + 1).saturating_sub(text.len());
        let read = Read::take(&mut self.script, room as u64).read_until(b'\n', text);
        let read = read
            .map_err(|error| Error::new(Code::StoreFailed, "the backup cannot be read").because(error.to_string()))?;
        self.bytes += read as u64;
        if text.len() > self.most {
            return Err(Error::new(
                Code::RestoreRefused,
                format!("a statement of the script is longer than {} bytes", self.most),
            )
            .because("the server takes no longer one")
            .leaving("nothing was changed")
            .next("SET GLOBAL max_allowed_packet = 1073741824", "lets it, for sessions that begin afterwards"));
        }
        Ok(read > 0)
    }
}

/// The error for what the programs do not write.
pub(super) fn unknown(text: &[u8]) -> Error {
    let head: String =
        String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect();
    left_to_client("the script holds what a restore does not carry out", head)
}

/// The error for a script that only the server's own client may be able to carry out.
pub(super) fn left_to_client(what: impl Into<String>, why: impl Into<String>) -> Error {
    Error::new(Code::RestoreRefused, what)
        .because(why)
        .leaving("nothing was changed")
        .next("mariadb DATABASE < FILE", "carries out any script, by the server's own client, over what is there")
}

#[cfg(test)]
mod tests {
    use super::super::statement::{idle, owned};
    use super::*;
    use crate::mysql::connect::Version;
    use syncline_core::store::Owners;

    fn rules() -> Rules {
        Rules::of(&Version::parse("10.11.19-MariaDB"))
    }

    fn cut(script: &str) -> std::result::Result<Vec<(String, Statement)>, Code> {
        let mut reader = Reader::new(script.as_bytes(), rules(), 200);
        let mut found = Vec::new();
        while let Some((text, statement)) = reader.next().map_err(|error| error.code())? {
            found.push((String::from_utf8(text).unwrap(), statement));
        }
        Ok(found)
    }

    #[test]
    fn statements_end_where_the_client_ends_them() {
        let script = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB; dump\n--\n\n\
            INSERT INTO `a;``b` VALUES ('x;\\';--\\\\',\";\");\n\
            DELIMITER ;;\nCREATE DEFINER=`a`@`b` PROCEDURE `p`()\nBEGIN -- it's; ;;\n /* '*/ SELECT ';;' ; # `\nEND ;;\nDELIMITER ;\n\
            /*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */ ;\n\
            /*!50001 CREATE VIEW `v` AS SELECT '\\' AS `;` */;\nSET sql_mode = @saved_sql_mode;\n-- Dump completed\n";
        let found = cut(script).unwrap();
        let kinds: Vec<_> = found.iter().map(|(_, statement)| statement.clone()).collect();
        let set = |mode| Statement::Set { mode: Some(mode) };
        let expected =
            [Statement::Table, Statement::Object, set((false, false)), Statement::Object, set((true, false))];
        assert_eq!(kinds, expected, "{found:?}");
        assert!(found[1].0.ends_with("END ") && found[1].0.contains("';;' ;"), "{found:?}");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for script in [
            "SELECT 1;\n",
            "SELECT 1; SELECT 2;\n",
            "DELIMITER $\n",
            "/*!50003 SET NAMES utf8 ;\n",
            "SET NAMES utf8",
            "*/;\n",
            "/*!100000 SET NAMES x */;\n/*!999000 SET NAMES x */;\n",
            "/*!80000 SET NAMES x */;\n",
            "SET GLOBAL sql_mode = '';\n",
            "SET @x = 1;\n",
            "SET NAMES utf8, max_statement_time = 1;\n",
            "SET TIME_ZONE = (SELECT 1);\n",
            "DROP VIEW IF EXISTS `a`.`b`;\n",
            "CREATE DEFINER=`a`@`b` FUNCTION `x`.`f`() RETURNS int RETURN 1;\n",
            "INSERT INTO `t` SELECT 1;\n",
            "LOAD DATA INFILE 'x' INTO TABLE `t`;\n",
        ] {
            assert_eq!(cut(script), Err(Code::RestoreRefused), "{script}");
        }
        let long = format!("INSERT INTO `t` VALUES ('{}');\n", "x".repeat(200));
        assert_eq!(cut(&long), Err(Code::RestoreRefused));
    }

    #[test]
    fn definers_and_events_are_changed_where_they_are_said() {
        let bare = |text: &str| String::from_utf8(owned(text.as_bytes().to_vec(), &rules(), Owners::Restorer)).unwrap();
        let trigger = "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON u FOR EACH ROW SET @x = 'DEFINER=`a`@`b`' */";
        assert_eq!(bare(trigger), trigger.replacen("DEFINER=`a`@`%`", " ", 1));
        let none = "CREATE PROCEDURE `p`() SELECT DEFINER=`a`@`b`";
        assert_eq!(bare(none), none);
        let event = |state: &str| {
            format!(
                "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE {state} DO SELECT 'PRESERVE ENABLE'"
            )
        };
        let idled = |text: String| String::from_utf8(idle(text.as_bytes(), &rules())).unwrap();
        assert_eq!(idled(event("ENABLE")), event("DISABLE"));
        assert_eq!(idled(event("DISABLE ON SLAVE")), event("DISABLE ON SLAVE"));
    }
}
