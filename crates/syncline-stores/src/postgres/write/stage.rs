//! Temporary tables that rows are sent to before anything is done with them, numbered in the order they came.
//!
//! Each ends with the transaction. Values of types that travel as text are kept as such and cast where they are used; that
//! this can be done is made sure of as soon as they are there.

use std::ops::Range;

use syncline_core::change::{Reason, TableTask};
use syncline_core::value::{RowBatch, ValueRef};

use super::halves::{send_by_halves, write_by_halves};
use super::picked::Picked;
use super::session::{Session, bug};
use super::target::{Target, joined};
use crate::fitted::{Fitted, Fitter};
use crate::postgres::codec::{Codec, Encoder};
use crate::postgres::connect::failure::Attempt;
use crate::refused::Refused;

/// Columns of one of our tables, beside the number: with it there are as many as a table can have.
const COLUMNS_MAX: usize = 1_599;

/// What is said of a value that its column would change.
const BENT: &str = "the type of a column would write its value otherwise: cut, rounded or in another notation";

/// The temporary tables for rows with values for certain columns. More than one where a table cannot have as many columns.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Stage {
    /// By position in the schema.
    pub(in crate::postgres) columns: Vec<usize>,
    tables: Vec<String>,
}

impl Stage {
    /// Makes the tables. `number` tells them from others of the transaction.
    pub(in crate::postgres) async fn create(
        session: &Session,
        target: &Target,
        columns: &[usize],
        number: usize,
    ) -> Attempt<Self> {
        let parts = columns.len().div_ceil(COLUMNS_MAX).max(1);
        let tables: Vec<_> = (0..parts).map(|part| format!("pg_temp._syncline_{number}_{part}")).collect();
        let mut sql = String::new();
        for (table, part) in tables.iter().zip(chunks(columns)) {
            let defined = part.clone().map(|at| {
                let column = target.column(columns[at]);
                if column.codec.is_cast() {
                    return format!(", c{at} text");
                }
                let collation = column.collation.as_ref().map(|name| format!(" COLLATE {name}")).unwrap_or_default();
                format!(", c{at} {}{collation}", column.type_name)
            });
            let defined: String = defined.collect();
            sql += &format!("CREATE TEMPORARY TABLE {} (n int4{defined}) ON COMMIT DROP;", &table["pg_temp.".len()..]);
        }
        session.run(&sql).await?;
        Ok(Self { columns: columns.to_vec(), tables })
    }

    /// Sends rows, in the place of those that were there, and returns those that cannot be kept.
    pub(in crate::postgres) async fn fill(
        &self,
        session: &Session,
        (task, target): (&TableTask, &Target),
        rows: &RowBatch,
    ) -> Attempt<(Fitted, Vec<Refused>)> {
        let fitted = Fitted::by(Fitter::of(task, &self.columns), rows)?;
        let mut refused: Vec<Refused> =
            fitted.misfits.iter().map(|(number, why)| (*number, (Reason::Type, why.clone()))).collect();
        session.run(&self.tables.iter().map(|table| format!("TRUNCATE {table};")).collect::<String>()).await?;
        let mut numbers = fitted.numbers();
        for (table, part) in self.tables.iter().zip(chunks(&self.columns)) {
            let bad = self.send(session, target, (table, part), &fitted.rows, &numbers).await?;
            numbers.retain(|number| bad.iter().all(|(other, _)| other != number));
            refused.extend(bad);
        }
        let bad = self.cast(session, target, &numbers).await?;
        refused.extend(bad);
        Ok((fitted, refused))
    }

    /// One of the tables, half by half where the server does not take a part as it is.
    async fn send(
        &self,
        session: &Session,
        target: &Target,
        (table, part): (&String, Range<usize>),
        rows: &RowBatch,
        numbers: &[u32],
    ) -> Attempt<Vec<Refused>> {
        let names: String = part.clone().map(|at| format!(", c{at}")).collect();
        let sql = format!("COPY {table} (n{names}) FROM STDIN (FORMAT binary)");
        let mut codecs = vec![Codec::Int4];
        codecs.extend(target.codecs(&self.columns[part.clone()]));
        let push = |number: u32, encoder: &mut Encoder| {
            let row = rows.row(number as usize);
            let first = ValueRef::Int(i64::from(number));
            let pushed = encoder.push_row(std::iter::once(first).chain(part.clone().map(|at| row.get(at))));
            pushed.map_err(|why| why.to_string())
        };
        send_by_halves(session, &target.name, (&sql, &codecs), numbers, push).await
    }

    /// Makes sure that what travels as text is what it stands for.
    async fn cast(&self, session: &Session, target: &Target, numbers: &[u32]) -> Attempt<Vec<Refused>> {
        let casts: Vec<usize> =
            (0..self.columns.len()).filter(|at| target.column(self.columns[*at]).codec.is_cast()).collect();
        if casts.is_empty() {
            return Ok(Vec::new());
        }
        let counts = joined(casts.iter().map(|at| format!("count(s.c{at})")));
        let relation = self.relation(target);
        let read = |picked: &Picked<'_>| format!("SELECT {counts} FROM {relation} WHERE {picked}");
        let mut refused = write_by_halves(session, &target.name, numbers, read).await?;
        // Those that cannot be cast at all would end the question.
        let numbers: Vec<u32> =
            numbers.iter().copied().filter(|number| refused.iter().all(|(other, _)| other != number)).collect();
        refused.extend(self.bent(session, target, &numbers, &casts).await?);
        Ok(refused)
    }

    /// Rows with a value that its type would write otherwise than it was given: cut to its limits, or in another notation.
    /// Such a value would differ from the one it came from for ever.
    async fn bent(
        &self,
        session: &Session,
        target: &Target,
        numbers: &[u32],
        casts: &[usize],
    ) -> Attempt<Vec<Refused>> {
        let mut refused = Vec::new();
        for (table, part) in self.tables.iter().zip(chunks(&self.columns)) {
            let bent = casts.iter().filter(|at| part.contains(at)).map(|at| {
                let column = target.column(self.columns[*at]);
                let limited = format!("s.c{at}::{}", column.limited);
                format!("s.c{at} IS DISTINCT FROM {}", column.codec.printed(&limited))
            });
            let bent = bent.collect::<Vec<_>>().join(" OR ");
            if bent.is_empty() {
                continue;
            }
            let query = format!("SELECT s.n FROM {table} AS s WHERE ({bent}) AND {} ORDER BY s.n", Picked(numbers));
            let found = session.numbers(&query).await?;
            refused.extend(found.iter().flatten().map(|number| (*number as u32, (Reason::Type, BENT.to_owned()))));
        }
        Ok(refused)
    }

    /// The rows as a relation `s` of a number `n` and cells `c0`, `c1`, … that can be written to their columns.
    pub(in crate::postgres) fn relation(&self, target: &Target) -> String {
        let is_plain = target.columns(&self.columns).all(|column| !column.codec.is_cast());
        if let ([table], true) = (&self.tables[..], is_plain) {
            return format!("{table} AS s");
        }
        let cells = (0..self.columns.len()).map(|at| {
            let column = target.column(self.columns[at]);
            match column.codec.is_cast() {
                true => format!("c{at}::{} AS c{at}", column.type_name),
                false => format!("c{at}"),
            }
        });
        let mut tables = self.tables.iter();
        let first = tables.next().map_or("", String::as_str);
        let others: String = tables.map(|table| format!(" JOIN {table} USING (n)")).collect();
        format!("(SELECT n, {} FROM {first}{others}) AS s", joined(cells))
    }

    /// Which rows of the table `t` have the key of one of `s`.
    pub(in crate::postgres) fn same_key(&self, target: &Target, key: &[usize]) -> Attempt<String> {
        let same = key.iter().map(|column| {
            let at =
                self.columns.iter().position(|other| other == column).ok_or_else(|| bug("a row without its key"))?;
            let column = target.column(*column);
            Ok(column.same(&format!("t.{}", column.name), &format!("s.c{at}")))
        });
        Ok(same.collect::<Attempt<Vec<_>>>()?.join(" AND "))
    }
}

/// The columns of each of our tables.
fn chunks(columns: &[usize]) -> impl Iterator<Item = Range<usize>> + use<> {
    let all = columns.len();
    (0..all.div_ceil(COLUMNS_MAX).max(1)).map(move |part| {
        let first = part * COLUMNS_MAX;
        first..all.min(first + COLUMNS_MAX)
    })
}
