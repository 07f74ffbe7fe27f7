//! What has to be known of a table to write to it, as the catalog has it now.

use mysql_async::Row;
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result, without_table};
use syncline_core::schema::{Column, TableSchema};
use syncline_core::value::Kind;

use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell, quoted};
use crate::mysql::types;

/// The one engine of the servers that has transactions, as every server has it.
pub(super) const ENGINE: &str = "InnoDB";

const TABLE: &str =
    "SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";

const COLUMNS: &str = "SELECT COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

const CHILDREN: &str = "SELECT CONSTRAINT_SCHEMA = DATABASE(), CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME), \
    DELETE_RULE IN ('RESTRICT', 'NO ACTION') FROM information_schema.REFERENTIAL_CONSTRAINTS \
    WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ? ORDER BY 2";

/// A table that is written to.
#[derive(Debug)]
pub(in crate::mysql) struct Target {
    /// What the table is called.
    pub(in crate::mysql) name: String,
    /// How it is written: one that the transaction has made is called otherwise until the commit.
    pub(in crate::mysql) table: String,
    /// In the order of the schema's columns.
    columns: Vec<TargetColumn>,
    /// Columns that the server sets by itself whenever a row changes, as they are written.
    pub(in crate::mysql) touched: Vec<String>,
    /// Who references it.
    pub(in crate::mysql) referenced: Referenced,
}

/// Who references the rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::mysql) struct Referenced {
    /// Tables of the same database do. Their rows are looked at before any that they may reference goes.
    pub(in crate::mysql) from_here: bool,
    /// A table of another database, of whose rows nobody looks.
    pub(in crate::mysql) from_elsewhere: Option<String>,
    /// The rows there would go, or change, with those that they reference.
    pub(in crate::mysql) acts_elsewhere: bool,
}

/// A column that is written to.
#[derive(Clone, Debug)]
pub(in crate::mysql) struct TargetColumn {
    /// The name, as it is written.
    pub(in crate::mysql) name: String,
    pub(in crate::mysql) codec: Codec,
    /// The type with its character set and collation, as it is written.
    pub(in crate::mysql) type_name: String,
    /// A value that fits is stored just so.
    pub(in crate::mysql) echoes: bool,
    /// The server may take one value for another without a word.
    pub(in crate::mysql) is_bent: bool,
}

impl Target {
    /// Looks the table up that is at `place`, through a session without a transaction.
    pub(in crate::mysql) async fn find(catalog: &Connection, table: &TableSchema, place: &str) -> Attempt<Self> {
        let rows = catalog.line.exec(TABLE, (place,)).await?;
        let Some(row) = rows.first() else {
            let what = format!("there is no table {} in the target any more", table.name);
            return Err(Error::new(Code::TargetChanged, what).into());
        };
        let engine: Option<String> = cell(row, 1)?;
        require_transactions(&table.name, engine.as_deref().unwrap_or_default())?;
        let rows = catalog.line.exec(COLUMNS, (place,)).await?;
        let (mut found, mut touched) = (Vec::new(), Vec::new());
        for row in &rows {
            let name: String = cell(row, 0)?;
            let extra = cell::<Option<String>>(row, 4)?.unwrap_or_default().to_ascii_lowercase();
            if extra.contains("on update ") {
                touched.push(quoted(&name)?);
            }
            if let Some(described) = table.columns.iter().find(|column| column.name == name) {
                found.push(column(row, described)?);
            }
        }
        let of_schema = |column: &Column| {
            let name = quoted(&column.name)?;
            found.iter().find(|found| found.name == name).cloned().ok_or_else(|| {
                let what = format!("{} has no column {} any more in the target", table.name, column.name);
                Error::new(Code::TargetChanged, what)
            })
        };
        Ok(Self {
            name: table.name.clone(),
            table: quoted(place)?,
            columns: table.columns.iter().map(of_schema).collect::<Result<_>>()?,
            touched,
            referenced: Referenced::find(catalog, place).await?,
        })
    }

    /// The column at this position of the schema.
    pub(in crate::mysql) fn column(&self, at: usize) -> &TargetColumn {
        &self.columns[at]
    }

    /// The columns at these positions of the schema.
    pub(in crate::mysql) fn columns<'t>(&'t self, at: &'t [usize]) -> impl Iterator<Item = &'t TargetColumn> {
        at.iter().map(|at| &self.columns[*at])
    }

    /// These columns in a list, each behind a qualifier.
    pub(in crate::mysql) fn listed(&self, qualifier: &str, at: &[usize]) -> String {
        joined(self.columns(at).map(|column| format!("{qualifier}{}", column.name)))
    }

    /// How these columns are read.
    pub(in crate::mysql) fn codecs(&self, at: &[usize]) -> Vec<Codec> {
        self.columns(at).map(|column| column.codec.clone()).collect()
    }

    /// These columns with how their values travel.
    pub(in crate::mysql) fn sent(&self, at: &[usize]) -> Vec<(String, Codec)> {
        self.columns(at).map(|column| (column.name.clone(), column.codec.clone())).collect()
    }

    /// That a row `left` has the same in these columns as a row `right`, as the server compares them.
    pub(in crate::mysql) fn same(&self, at: &[usize], left: &str, right: &str) -> String {
        let same = self.columns(at).map(|column| format!("{left}.{name} = {right}.{name}", name = column.name));
        same.collect::<Vec<_>>().join(" AND ")
    }
}

impl Referenced {
    async fn find(catalog: &Connection, place: &str) -> Attempt<Self> {
        let mut referenced = Self::default();
        for row in &catalog.line.exec(CHILDREN, (place,)).await? {
            if cell(row, 0)? {
                referenced.from_here = true;
                continue;
            }
            referenced.from_elsewhere = Some(cell(row, 1)?);
            referenced.acts_elsewhere |= !cell::<bool>(row, 2)?;
        }
        Ok(referenced)
    }

    /// Whether the server is to look itself at who references a row that goes: not where tables of the same database do, whose
    /// rows go in an order of ours; unless somebody else does too. Who is in a database that the login may not see is told by
    /// nobody else.
    pub(in crate::mysql) fn is_checked_by_server(&self) -> bool {
        !self.from_here || self.from_elsewhere.is_some()
    }
}

pub(in crate::mysql) fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

/// Positions in the table's columns of those that make up the key of a task.
pub(in crate::mysql) fn key_columns(task: &TableTask) -> Vec<usize> {
    task.key.iter().map(|at| task.columns[*at]).collect()
}

fn column(row: &Row, described: &Column) -> Result<TargetColumn> {
    let declared: String = cell(row, 1)?;
    // What stands in a comment is how it is kept, and not what it is.
    let declared = declared.split(" /*").next().unwrap_or_default();
    let (charset, collation): (Option<String>, Option<String>) = (cell(row, 2)?, cell(row, 3)?);
    let text =
        charset.zip(collation).map(|(charset, collation)| format!(" CHARACTER SET {charset} COLLATE {collation}"));
    let is_year = declared.starts_with("year");
    Ok(TargetColumn {
        name: quoted(&described.name)?,
        codec: types::codec(described),
        type_name: format!("{declared}{}", text.unwrap_or_default()),
        echoes: !is_year && echoes(&described.kind),
        // A small number is read as a year of our century, digits as a place in a set.
        is_bent: is_year || matches!(described.kind, Kind::Other { .. }),
    })
}

/// Whether a column of this kind gives back a value that fits it just as it was written.
fn echoes(kind: &Kind) -> bool {
    match kind {
        Kind::Decimal { .. } | Kind::Json { normalised: true } | Kind::Other { .. } | Kind::Flexible(_) => false,
        Kind::Text { padded, .. } => !padded,
        _ => true,
    }
}

/// # Errors
/// `TABLE_NO_TRANSACTIONS` for a table that is kept otherwise: what was written to it could not be taken back.
fn require_transactions(table: &str, engine: &str) -> Result<()> {
    if engine.eq_ignore_ascii_case(ENGINE) {
        return Ok(());
    }
    let what = format!("{table} cannot be written all at once or not at all");
    Err(Error::new(Code::TableNoTransactions, what)
        .because(format!("it is kept by the engine {engine}, which has no transactions"))
        .leaving("the table is untouched")
        .next(format!("ALTER TABLE {} ENGINE = {ENGINE}", quoted(table)?), "gives it one that has, in the target")
        .next(without_table(table), "leave the table out"))
}
