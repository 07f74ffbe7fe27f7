//! Which rows have the unique values that another row is to get.
//!
//! The rows go to a table without indexes that is otherwise like theirs, so that what is computed is there, and what would be
//! refused for another reason is not. Then each unique index is asked for rows in which it has the same.

use std::collections::{BTreeMap, BTreeSet};

use syncline_core::change::TableTask;
use syncline_core::schema::{Column, Generated};
use syncline_core::value::{RowBatch, exact};

use super::apply::{SHARE, staged_rows};
use super::halves::write_by_halves;
use super::open::Open;
use super::picked::Picked;
use super::stage::{NUMBER, Stage, number};
use super::target::{Target, joined, key_columns};
use crate::fitted::Shown;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::{Attempt, Failure};
use crate::mysql::connect::{cell, quoted};

/// The parts of the table's unique indexes.
const INDEXES: &str = "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS \
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX";

/// A unique index: the columns, as they are written, and how many characters of each count.
type Index = Vec<(String, Option<u64>)>;

/// For each row, the keys of the others that have a unique value of it, in the exact encoding.
pub(super) async fn find(open: &mut Open<'_>, task: &TableTask, rows: &RowBatch) -> Attempt<Vec<Vec<Vec<u8>>>> {
    let mut rivals = vec![Vec::new(); rows.len()];
    if task.is_multiset() || rows.is_empty() {
        return Ok(rivals);
    }
    let target = open.target(&task.table).await?;
    let stage = open.stage(&target, &task.columns);
    let (_, refused) = stage.fill(open.session, (task, &target), rows).await?;
    let refused: BTreeSet<u32> = refused.into_iter().map(|(number, _)| number).collect();
    let staged: Vec<u32> = (0..rows.len() as u32).filter(|number| !refused.contains(number)).collect();
    let Some(probe) = Probe::fill(open, task, (&target, &stage), rows, &staged).await? else { return Ok(rivals) };
    let key = key_columns(task);
    let mut codecs = target.codecs(&key);
    codecs.push(Codec::Int);
    let mut found: BTreeMap<u32, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for index in indexes(open, &target).await? {
        let same = same(&index, "t", "s");
        let query = format!(
            "SELECT {}, s.{NUMBER} FROM {} AS s STRAIGHT_JOIN {} AS t ON {same} {SHARE}",
            target.listed("t.", &key),
            probe.table,
            target.table
        );
        let (keys, mut shown) = (open.session.rows(query, &codecs).await?, Shown::new(task));
        for row in keys.rows() {
            let number = number(row.get(key.len()))?;
            let mut rival = Vec::new();
            for (cell, at) in row.iter().zip(&task.key) {
                exact::encode(shown.of(*at, cell), &mut rival);
            }
            if rival != exact::encode_row(rows.row(number as usize).select(&task.key)) {
                found.entry(number).or_default().insert(rival);
            }
        }
    }
    for (number, keys) in found {
        rivals[number as usize] = keys.into_iter().collect();
    }
    Ok(rivals)
}

/// Which of these staged rows, whose own rows are in the table, are to get a unique value that another row of it has by now.
pub(super) async fn clashing(
    open: &Open<'_>,
    task: &TableTask,
    (target, stage): (&Target, &Stage),
    numbers: &[u32],
) -> Attempt<BTreeSet<u32>> {
    let key = key_columns(task);
    let own = indexes(open, target).await?.into_iter().find(|index| {
        index.len() == key.len()
            && target.columns(&key).all(|column| index.iter().any(|(name, _)| *name == column.name))
    });
    let mut clashing = BTreeSet::new();
    for index in indexes(open, target).await? {
        let is_staged = |(name, _): &(String, _)| target.columns(&stage.columns).any(|column| column.name == *name);
        // What is not carried stays what it is, and so does the key.
        if Some(&index) == own.as_ref() || !index.iter().all(is_staged) {
            continue;
        }
        let query = format!(
            "SELECT DISTINCT s.{NUMBER} FROM {} STRAIGHT_JOIN {} AS t ON {} WHERE NOT ({}) AND {} {SHARE}",
            stage.relation(),
            target.table,
            same(&index, "t", "s"),
            target.same(&key, "t", "s"),
            Picked(numbers)
        );
        clashing.extend(open.session.numbers(query).await?.into_iter().flatten().map(|number| number as u32));
    }
    Ok(clashing)
}

/// Those over columns: what an expression makes of a row that is not there yet only the server can tell.
async fn indexes(open: &Open<'_>, target: &Target) -> Attempt<Vec<Index>> {
    let mut indexes: BTreeMap<String, Option<Index>> = BTreeMap::new();
    for row in &open.catalog.line.exec(INDEXES, (open.place(&target.name),)).await? {
        let index = indexes.entry(cell(row, 0)?).or_insert_with(|| Some(Vec::new()));
        match (cell::<Option<String>>(row, 1)?, &mut *index) {
            (Some(column), Some(parts)) => parts.push((quoted(&column)?, cell(row, 2)?)),
            _ => *index = None,
        }
    }
    Ok(indexes.into_values().flatten().collect())
}

/// That two rows have the same in an index. NULL is the same as nothing.
fn same(index: &Index, left: &str, right: &str) -> String {
    let same = index.iter().map(|(name, chars)| match chars {
        None => format!("{left}.{name} = {right}.{name}"),
        Some(chars) => format!("LEFT({left}.{name}, {chars}) = LEFT({right}.{name}, {chars})"),
    });
    same.collect::<Vec<_>>().join(" AND ")
}

/// A temporary table like that of the rows, without indexes.
struct Probe {
    table: String,
}

impl Probe {
    /// One with the staged rows as they would be in their table. `None` where the server does not make such a table.
    async fn fill(
        open: &mut Open<'_>,
        task: &TableTask,
        (target, stage): (&Target, &Stage),
        rows: &RowBatch,
        staged: &[u32],
    ) -> Attempt<Option<Self>> {
        let probe = Self { table: open.session.temporary_name() };
        let definition = probe.definition(task, target)?;
        open.session.run(format!("DROP TEMPORARY TABLE IF EXISTS {}", probe.table)).await?;
        // Prepared, because only then the server takes it for one statement.
        match open.session.run_with(definition, mysql_async::Params::Empty).await {
            Err(Failure::Mysql(mysql_async::Error::Server(_))) => return Ok(None),
            made => made?,
        };
        let there = staged_rows(open, task, (target, stage), rows).await?;
        let (present, absent): (Vec<u32>, Vec<u32>) = staged.iter().partition(|number| there.contains(number));
        let stored = task.table.stored_columns();
        let key = key_columns(task);
        let (names, all) = (target.listed("", &task.columns), target.listed("", &stored));
        let cells = target.listed("s.", &task.columns);
        let cell = |column: &usize| {
            let qualifier = if stage.columns.contains(column) { "s" } else { "t" };
            format!("{qualifier}.{}", target.column(*column).name)
        };
        let kept = joined(stored.iter().map(cell));
        let (table, relation, same) = (&probe.table, stage.relation(), stage.same_key(target, &key));
        let insert_new = |picked: &Picked<'_>| {
            vec![format!(
                "INSERT INTO {table} ({NUMBER}, {names}) SELECT s.{NUMBER}, {cells} FROM {relation} WHERE {picked}"
            )]
        };
        let insert_changed = |picked: &Picked<'_>| {
            vec![format!(
                "INSERT INTO {table} ({NUMBER}, {all}) SELECT s.{NUMBER}, {kept} \
                 FROM {relation} STRAIGHT_JOIN {} AS t ON {same} WHERE {picked}",
                target.table
            )]
        };
        // Those that are refused are not there, and have no rivals.
        write_by_halves(open.session, &target.name, &absent, insert_new).await?;
        write_by_halves(open.session, &target.name, &present, insert_changed).await?;
        Ok(Some(probe))
    }

    fn definition(&self, task: &TableTask, target: &Target) -> Attempt<String> {
        let mut parts = vec![format!("{NUMBER} int unsigned NOT NULL PRIMARY KEY")];
        for (at, column) in task.table.columns.iter().enumerate() {
            parts.push(defined(column, &target.column(at).type_name)?);
        }
        parts.extend(task.table.checks.iter().map(|check| format!("CHECK ({})", check.expression)));
        Ok(format!("CREATE TEMPORARY TABLE {} ({}) ENGINE = InnoDB", self.table, parts.join(", ")))
    }
}

fn defined(column: &Column, type_name: &str) -> Attempt<String> {
    let name = quoted(&column.name)?;
    let computed = match (column.generated, column.expression.as_deref()) {
        (Generated::No, _) | (_, None) => String::new(),
        (Generated::Virtual, Some(expression)) => format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL"),
        (Generated::Stored, Some(expression)) => format!(" GENERATED ALWAYS AS ({expression}) STORED"),
    };
    if !computed.is_empty() {
        return Ok(format!("{name} {type_name}{computed}"));
    }
    let null = if column.nullable { "NULL" } else { "NOT NULL" };
    let default = column.default.as_ref().map(|default| format!(" DEFAULT ({default})")).unwrap_or_default();
    Ok(format!("{name} {type_name} {null}{default}"))
}
