//! What `pg_restore` makes of an archive, cut into what a session can carry out.
//!
//! Definitions are sent as they are, in one piece, and the server finds out where each one ends: functions may hold anything. Rows
//! stand between a `COPY` and a line `\.`, and besides there are only calls that set counters and write large objects. What is not
//! ours to carry out is left out: the words for `psql` that newer versions put around a script, the transactions around large
//! objects, and a setting that older servers do not know.

use bytes::{Bytes, BytesMut};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

/// The line behind the last row.
const END: &[u8] = b"\\.\n";

/// What the first and the last line for `psql` begin with.
const RESTRICT: &str = "\\restrict ";
const UNRESTRICT: &str = "\\unrestrict ";

/// A setting that servers know from version 17 on. It is 0 in our session as it is.
const NEWER_SETTING: &str = "SET transaction_timeout = 0;";

/// Definitions as the server takes them.
pub(super) fn definitions(script: &str) -> String {
    let lines = script.split_inclusive('\n');
    // The settings come first, before the first object; whatever follows is not looked at, for it may be anybody's text.
    let preamble: usize = lines.take_while(|line| !line.starts_with("-- Name: ")).map(str::len).sum();
    let (preamble, mut rest) = script.split_at(preamble);
    let is_kept =
        |line: &&str| !line.starts_with(RESTRICT) && !line.starts_with(UNRESTRICT) && line.trim() != NEWER_SETTING;
    let mut kept: String = preamble.split_inclusive('\n').filter(is_kept).collect();
    // Behind the last line for psql stands nothing but empty lines.
    if let Some((before, last)) = rest.trim_end().rsplit_once('\n')
        && last.starts_with(UNRESTRICT)
        && preamble.lines().any(|line| line.strip_prefix(RESTRICT) == last.strip_prefix(UNRESTRICT))
    {
        rest = before;
    }
    kept.push_str(rest);
    kept
}

/// A part of a script of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement, to be carried out.
    Statement(String),
    /// A `COPY … FROM stdin`, whose rows follow.
    Copy(String),
    /// Some of its rows, cut anywhere.
    Rows(Bytes),
    /// There are no more of them.
    End,
}

/// A script of rows, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What was read and not told yet.
    pub(super) rest: BytesMut,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Statements,
    /// Behind a COPY, before the end of its line.
    BeforeRows,
    Rows {
        at_line_start: bool,
    },
}

impl Script {
    /// The next piece; `None` when more has to be read for it.
    ///
    /// # Errors
    /// `RESTORE_REFUSED` for a statement that is longer than any.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        match self.state {
            State::Statements => self.statement(),
            State::BeforeRows => {
                let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
                let _ = self.rest.split_to(at + 1);
                self.state = State::Rows { at_line_start: true };
                self.next_rows()
            }
            State::Rows { .. } => self.next_rows(),
        }
    }

    /// Whether a script that has come to its end is whole.
    pub(super) fn is_whole(&self) -> bool {
        let is_comment = |line: &[u8]| {
            let line = line.trim_ascii();
            line.is_empty() || line.starts_with(b"--") || line.starts_with(UNRESTRICT.as_bytes())
        };
        self.state == State::Statements && self.rest[..].split(|byte| *byte == b'\n').all(is_comment)
    }

    fn statement(&mut self) -> Result<Option<Piece>> {
        loop {
            let Some((begin, end)) = statement(&self.rest) else {
                if self.rest.len() > limits::BACKUP_STATEMENT_BYTES {
                    let what = "the backup holds a statement that is longer than pg_dump writes any";
                    return Err(Error::new(Code::RestoreRefused, what).leaving("nothing was changed"));
                }
                return Ok(None);
            };
            let statement = self.rest.split_to(end);
            // Names and numbers only; bytes that are no text would have come from a database without an encoding.
            let statement = String::from_utf8(statement[begin..].to_vec()).map_err(|_| {
                let what = "the backup holds names that are not UTF-8";
                Error::new(Code::RestoreRefused, what).leaving("nothing was changed")
            })?;
            match statement.as_str() {
                "BEGIN;" | "COMMIT;" | NEWER_SETTING => {}
                copy if copy.starts_with("COPY ") && copy.ends_with(" FROM stdin;") => {
                    self.state = State::BeforeRows;
                    return Ok(Some(Piece::Copy(statement)));
                }
                _ => return Ok(Some(Piece::Statement(statement))),
            }
        }
    }

    fn next_rows(&mut self) -> Result<Option<Piece>> {
        let State::Rows { mut at_line_start } = self.state else { return Ok(None) };
        let mut at = 0;
        loop {
            let line = &self.rest[at..];
            if at_line_start && (line.starts_with(END) || (END.starts_with(line))) {
                break;
            }
            match line.iter().position(|byte| *byte == b'\n') {
                Some(end) => (at, at_line_start) = (at + end + 1, true),
                None => {
                    (at, at_line_start) = (self.rest.len(), line.is_empty() && at_line_start);
                    break;
                }
            }
        }
        self.state = State::Rows { at_line_start };
        if at > 0 {
            return Ok(Some(Piece::Rows(self.rest.split_to(at).freeze())));
        }
        if !self.rest.starts_with(END) {
            return Ok(None);
        }
        let _ = self.rest.split_to(END.len());
        self.state = State::Statements;
        Ok(Some(Piece::End))
    }
}

/// Where the first statement begins and ends, its semicolon included. Comments, empty lines and lines for `psql` before it are
/// passed over.
fn statement(text: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut begin) = (0, None);
    while at < text.len() {
        let rest = &text[at..];
        let step = match rest[0] {
            b'-' if rest.starts_with(b"--") => line(rest)?,
            // A lone hyphen at the end may be half of two.
            b'-' if rest.len() == 1 => return None,
            b'\\' if begin.is_none() => line(rest)?,
            quote @ (b'\'' | b'"') => {
                begin = begin.or(Some(at));
                1 + rest[1..].iter().position(|byte| *byte == quote)? + 1
            }
            b';' => return Some((begin.unwrap_or(at), at + 1)),
            byte => {
                if !byte.is_ascii_whitespace() {
                    begin = begin.or(Some(at));
                }
                1
            }
        };
        at += step;
    }
    None
}

/// Bytes up to the end of the line.
fn line(text: &[u8]) -> Option<usize> {
    text.iter().position(|byte| *byte == b'\n').map(|end| end + 1)
}

/// The table of a COPY, as it is written there.
pub(super) fn table(copy: &str) -> Option<&str> {
    let rest = copy.strip_prefix("COPY ")?;
    let mut is_quoted = false;
    let end = rest.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"';
        !is_quoted && *c == ' '
    })?;
    Some(&rest[..end.0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n\
        SET transaction_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n\
        --\n-- Data for Name: a; b; Type: TABLE DATA\n--\n\n\
        COPY public.\"a; \"\" b\n--\" (id, \"x;\", \"FROM stdin;\") FROM stdin;\n1\t\\\\.\t;\n\\N\t'\t\"\n\\.\n\n\n\
        COPY public.empty () FROM stdin;\n\\.\n\n\
        SELECT pg_catalog.setval('public.\"it''s;\"', 3, true);\n\n\
        BEGIN;\n\nSELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00ff');\n\nCOMMIT;\n\n\
        --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n";

    /// All pieces, when the script comes in parts of these sizes, with rows put together.
    fn pieces(script: &[u8], sizes: &[usize]) -> Vec<Piece> {
        let (mut read, mut pieces, mut sizes) = (Script::default(), Vec::new(), sizes.iter().cycle());
        let mut left = script;
        loop {
            while let Some(piece) = read.next().unwrap() {
                match (pieces.last_mut(), piece) {
                    (Some(Piece::Rows(rows)), Piece::Rows(more)) => *rows = [&rows[..], &more[..]].concat().into(),
                    (_, piece) => pieces.push(piece),
                }
            }
            if left.is_empty() {
                assert!(read.is_whole(), "{:?}", read.rest);
                return pieces;
            }
            let (part, rest) = left.split_at((*sizes.next().unwrap()).clamp(1, left.len()));
            read.rest.extend_from_slice(part);
            left = rest;
        }
    }

    fn expected() -> Vec<Piece> {
        let statement = |text: &str| Piece::Statement(text.to_owned());
        vec![
            statement("SET statement_timeout = 0;"),
            statement("SELECT pg_catalog.set_config('search_path', '', false);"),
            Piece::Copy("COPY public.\"a; \"\" b\n--\" (id, \"x;\", \"FROM stdin;\") FROM stdin;".to_owned()),
            Piece::Rows(Bytes::from_static(b"1\t\\\\.\t;\n\\N\t'\t\"\n")),
            Piece::End,
            Piece::Copy("COPY public.empty () FROM stdin;".to_owned()),
            Piece::End,
            statement("SELECT pg_catalog.setval('public.\"it''s;\"', 3, true);"),
            statement("SELECT pg_catalog.lo_open('1', 131072);"),
            statement("SELECT pg_catalog.lowrite(0, '\\x00ff');"),
        ]
    }

    #[test]
    fn a_script_is_cut_into_pieces() {
        assert_eq!(pieces(DATA.as_bytes(), &[DATA.len()]), expected());
    }

    #[test]
    fn a_script_that_ends_early_is_not_whole() {
        for end in [DATA.find("\\N").unwrap(), DATA.find("3, true").unwrap(), DATA.find("\\.\n\n\n").unwrap()] {
            let mut read = Script::default();
            read.rest.extend_from_slice(&DATA.as_bytes()[..end]);
            while read.next().unwrap().is_some() {}
            assert!(!read.is_whole(), "{end}");
        }
    }

    #[test]
    fn the_table_of_a_copy_is_found() {
        assert_eq!(table("COPY public.t (id) FROM stdin;"), Some("public.t"));
        assert_eq!(table("COPY public.\"a \"\" (b\" (id) FROM stdin;"), Some("public.\"a \"\" (b\""));
        assert_eq!(table("SELECT 1;"), None);
    }

    #[test]
    fn definitions_lose_what_is_for_psql_and_nothing_else() {
        let body = "--\n-- Name: f; Type: FUNCTION\n--\n\nCREATE FUNCTION f() AS $$\n\\restrict abc\nSET transaction_timeout = 0;\n\
            \\unrestrict abc\n$$;\n\n--\n-- PostgreSQL database dump complete\n--\n\n";
        let settings = "SET statement_timeout = 0;\nSET row_security = off;\n\n";
        let newer = "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nSET row_security = off;\n\n";
        let script = format!("--\n--\n\n\\restrict abc\n\n{newer}{body}\\unrestrict abc\n\n");
        assert_eq!(definitions(&script).trim_end(), format!("--\n--\n\n\n{settings}{body}").trim_end());
        // Of a version that has no such lines nothing is lost.
        let script = format!("--\n\n{settings}{body}");
        assert_eq!(definitions(&script), script);
        // Nor is a last line that is not the counterpart of the first.
        let script = format!("--\n\n{settings}-- Name: f\nCREATE FUNCTION f() AS $$\n\\unrestrict abc");
        assert_eq!(definitions(&script), script);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_reading_cuts(sizes in prop::collection::vec(1_usize..40, 1..50)) {
            prop_assert_eq!(pieces(DATA.as_bytes(), &sizes), expected());
        }

        #[test]
        fn rows_come_as_they_are(lines in prop::collection::vec("[a\\\\.\t]{0,4}", 0..20), sizes in prop::collection::vec(1_usize..9, 1..20)) {
            let rows: String = lines.iter().filter(|line| *line != "\\.").map(|line| format!("{line}\n")).collect();
            let script = format!("COPY t (a) FROM stdin;\n{rows}\\.\n\nSELECT 1;\n");
            let found = pieces(script.as_bytes(), &sizes);
            let told: Vec<u8> = found.iter().filter_map(|piece| match piece {
                Piece::Rows(rows) => Some(rows.to_vec()),
                _ => None,
            }).flatten().collect();
            prop_assert_eq!(String::from_utf8(told).unwrap(), rows);
            prop_assert_eq!(found.last(), Some(&Piece::Statement("SELECT 1;".to_owned())));
        }
    }
}
