//! Held rows written out.
//!
//! CSV has one line a row: `id,table,kind,operation,key,source_row,target_row,words,run,source,target`. Key and rows are JSON objects as
//! `conflicts show --json` gives them, so that no value loses anything; a side without the row is empty. The names of the
//! columns are those of the JSON: `source` and `target` are the databases.

use clap::ValueEnum;
use syncline::conflicts::ConflictRow;
use syncline::error::Result;
use syncline::{Clash, Dialect, Value, sql_of};

use super::{Key, Row};
use crate::output::Output;
use crate::render::csv::{line_end, quoted};
use crate::render::json::{self, Cells, operation_name};
use crate::render::script::{by_shell, left_out, opening};
use crate::render::text::escape;

const HEADER: &str = "id,table,kind,operation,key,source_row,target_row,words,run,source,target";

/// The formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line a row
    Csv,
    /// One document
    Json,
    /// One object a row
    Ndjson,
    /// The statements that would write the rows
    Sql,
}

/// Writes rows one by one.
pub(crate) struct Export {
    format: Format,
    output: Output,
    rows: u64,
    target: Option<String>,
}

impl Format {
    /// Whether programs read it as JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Ndjson)
    }
}

impl Export {
    /// Begins the output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn begin(format: Format, output: Output) -> Result<Self> {
        match format {
            Format::Csv => output.stream(&format!("{HEADER}{}", line_end(&output)))?,
            Format::Json => output.stream(r#"{"format":1,"type":"conflicts","data":["#)?,
            // How it begins depends on the target, which the first row tells.
            Format::Sql => {}
            Format::Ndjson => {}
        }
        Ok(Self { format, output, rows: 0, target: None })
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn row(&mut self, row: &ConflictRow) -> Result<()> {
        let part = match self.format {
            Format::Csv => csv(row) + line_end(&self.output),
            Format::Json => format!("{}{}", if self.rows == 0 { "" } else { "," }, json::line(&Row(row))),
            Format::Ndjson => json::line(&Row(row)) + "\n",
            Format::Sql => self.statement(row)?,
        };
        self.rows += 1;
        self.output.stream(&part)
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.format {
            Format::Json => self.output.stream("],\"next_cursor\":null}\n")?,
            Format::Sql if self.target.is_some() => self.output.stream("COMMIT;\n")?,
            Format::Sql => self.output.stream("-- No row is held.\n")?,
            Format::Csv | Format::Ndjson => {}
        }
        self.output.flush()
    }

    fn statement(&mut self, row: &ConflictRow) -> Result<String> {
        let entry = &row.entry;
        let mut part = String::new();
        if self.target.is_none() {
            self.output.stream(&opening_of_held(row.dialect))?;
        }
        if self.target.as_ref() != Some(&entry.target) {
            part += &format!("-- in {}\n", escape(&entry.target));
            self.target = Some(entry.target.clone());
        }
        // One line, whatever the words hold: what comes after it is run.
        part += &format!("-- {} {}: {}\n", entry.id, entry.reason.name(), escape(&entry.words));
        self.output.stream(&part)?;
        let difference = row.difference();
        match left_out(&difference) {
            Some(comment) => Ok(comment),
            None => Ok(sql_of(&difference, Clash::Fails)? + "\n"),
        }
    }
}

/// How a script of held rows begins. Foreign keys stay on: they may be what a row is held for.
fn opening_of_held(dialect: Dialect) -> String {
    let opening = match dialect {
        Dialect::Sqlite => ".bail on\nPRAGMA foreign_keys = ON;\nBEGIN;\nPRAGMA defer_foreign_keys = ON;\n".to_owned(),
        Dialect::Postgres | Dialect::Mysql => opening(dialect, ""),
    };
    format!(
        "-- What would write the held rows. Each was refused as it stands: mend it or its cause before running it\n\
         {}\
         -- `syncline conflicts retry` does the same with before-images, for the rows as they are then.\n\
         -- Rows may reference each other in a circle: references are checked at the end where they can be.\n\
         {opening}",
        by_shell(dialect)
    )
}

fn csv(row: &ConflictRow) -> String {
    let entry = &row.entry;
    let side = |values: &Option<Vec<Value>>| match values {
        Some(values) => quoted(&json::line(&Cells { columns: &row.columns, values })),
        None => String::new(),
    };
    [
        entry.id.clone(),
        quoted(&entry.table),
        entry.reason.name().to_owned(),
        operation_name(entry.operation).to_owned(),
        quoted(&json::line(&Key(&entry.key))),
        side(&row.source),
        side(&row.target),
        quoted(&entry.words),
        entry.last_run.clone(),
        quoted(&entry.source),
        quoted(&entry.target),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;
    use crate::output::testing::Page;

    fn shown(format: Format) -> String {
        let (output, page) = Page::output(false);
        let mut export = Export::begin(format, output).unwrap();
        export.row(&sample().row).unwrap();
        let mut gone = sample().row;
        (gone.source, gone.entry.id, gone.entry.operation) = (None, "c_8".into(), syncline::Operation::Delete);
        export.row(&gone).unwrap();
        export.finish().unwrap();
        page.text()
    }

    #[test]
    fn csv_has_one_line_a_row_and_harms_no_spreadsheet() {
        let expected = "\
id,table,kind,operation,key,source_row,target_row,words,run,source,target\r
c_7,\"or\nders\",check,update,\"{\"\"id\"\":731}\",\"{\"\"id\"\":731,\"\"total\"\":-5,\"\"note\"\":\"\"=1+1\"\"}\",\
\"{\"\"id\"\":731,\"\"total\"\":5,\"\"note\"\":\"\"=1+1\"\"}\",\"CHECK constraint failed: \x1b[2J\ntotal >= 0\",r_2,/a/hq.db,/a/branch.db\r\n";
        let shown = shown(Format::Csv);
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.contains("\r\nc_8,\"or\nders\",check,delete,\"{\"\"id\"\":731}\",,\"{"), "{shown}");
    }

    #[test]
    fn json_is_a_list_or_a_line_a_row() {
        let document: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
        assert_eq!(document["type"], "conflicts");
        assert_eq!(document["data"][0]["source_row"]["total"], -5);
        assert_eq!(document["data"][1]["source_row"], serde_json::Value::Null);
        assert_eq!(document["next_cursor"], serde_json::Value::Null);
        let lines = shown(Format::Ndjson);
        let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["type"], &lines[1]["id"]), (&"conflict".into(), &"c_8".into()));
    }

    #[test]
    fn sql_lets_nothing_out_of_its_comments() {
        let shown = shown(Format::Sql);
        let statements: Vec<&str> = shown.lines().filter(|line| !line.starts_with("-- ")).collect();
        // A row that was refused for its unique value must not evict the one that has it.
        assert_eq!(statements[..3], [".bail on", "PRAGMA foreign_keys = ON;", "BEGIN;"]);
        assert_eq!(statements[3..5], ["PRAGMA defer_foreign_keys = ON;", "UPDATE \"or"]);
        let comments: Vec<&str> = shown.lines().filter(|line| line.starts_with("-- ")).skip(5).collect();
        assert_eq!(comments[0], "-- in /a/branch.db");
        assert_eq!(comments[1], "-- c_7 check: CHECK constraint failed: \\x1b[2J\\ntotal >= 0");
        assert!(shown.contains("ders\" SET \"sum\" = -5, \"note\" = '=1+1' WHERE \"id\" = 731;\n"), "{shown}");
        assert!(shown.ends_with("ders\" WHERE \"id\" = 731;\nCOMMIT;\n"), "{shown}");
    }
}
