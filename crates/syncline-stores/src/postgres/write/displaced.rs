//! What the first half of an exchange must remember for the second: the rows that left the table, with those of their
//! cells that are not carried, and those that were left alone. Kept in a temporary table, because an exchange may take a
//! whole table.

use super::open::Open;
use super::stage::Stage;
use super::target::{Target, joined};
use crate::postgres::connect::failure::Attempt;

/// The memory of one table's exchange, which ends with the transaction.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The temporary table: `gone`, the key as `k0`, `k1`, …, and what is kept as `d0`, `d1`, ….
    pub(super) table: String,
    key: Vec<usize>,
    kept: Vec<usize>,
}

impl Memory {
    /// The memory of the table in the open transaction; it is empty at first.
    pub(super) async fn of(open: &mut Open<'_>, target: &Target, key: &[usize], kept: &[usize]) -> Attempt<Self> {
        if let Some(memory) = open.memories.get(&target.name) {
            return Ok(memory.clone());
        }
        let table = format!("_syncline_gone_{}", open.number());
        let typed = |prefix: &'static str| {
            move |(at, column): (usize, &super::target::TargetColumn)| {
                let collation = column.collation.as_ref().map(|name| format!(" COLLATE {name}")).unwrap_or_default();
                format!(", {prefix}{at} {}{collation}", column.type_name)
            }
        };
        let cells: String = target.columns(key).enumerate().map(typed("k")).collect();
        let kept_cells: String = target.columns(kept).enumerate().map(typed("d")).collect();
        let keys = joined((0..key.len()).map(|at| format!("k{at}")));
        open.session
            .run(&format!(
                "CREATE TEMPORARY TABLE {table} (gone bool{cells}{kept_cells}) ON COMMIT DROP; \
                 CREATE INDEX ON pg_temp.{table} ({keys})"
            ))
            .await?;
        let memory = Self { table: format!("pg_temp.{table}"), key: key.to_vec(), kept: kept.to_vec() };
        open.memories.insert(target.name.clone(), memory.clone());
        Ok(memory)
    }

    /// Its columns behind `gone`.
    pub(super) fn columns(&self) -> String {
        let key = (0..self.key.len()).map(|at| format!("k{at}"));
        joined(key.chain((0..self.kept.len()).map(|at| format!("d{at}"))))
    }

    /// The columns of the key.
    pub(super) fn key_columns(&self) -> String {
        joined((0..self.key.len()).map(|at| format!("k{at}")))
    }

    /// What of a row `t` goes there.
    pub(super) fn returned(&self, target: &Target) -> String {
        joined(target.columns(&self.key).chain(target.columns(&self.kept)).map(|column| format!("t.{}", column.name)))
    }

    /// The key of a staged row, as it goes there.
    pub(super) fn staged_key(&self, stage: &Stage) -> String {
        joined(self.positions(stage).map(|at| format!("s.c{at}")))
    }

    /// Which of its rows `d` has the key of a staged row.
    pub(super) fn same_key(&self, target: &Target, stage: &Stage) -> String {
        let same = self.positions(stage).zip(target.columns(&self.key)).enumerate();
        same.map(|(at, (staged, column))| column.same(&format!("d.k{at}"), &format!("s.c{staged}")))
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    /// What it keeps of a row.
    pub(super) fn kept(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.kept.len()).map(|at| format!("d.d{at}"))
    }

    fn positions<'s>(&'s self, stage: &'s Stage) -> impl Iterator<Item = usize> + 's {
        let position = |column: &usize| stage.columns.iter().position(|other| other == column);
        self.key.iter().map(move |column| position(column).expect("BUG: a row that is put without its key"))
    }
}
