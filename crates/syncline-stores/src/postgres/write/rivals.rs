//! Which rows have the unique values that another row is to get.
//!
//! Each unique index is asked for rows in which it has the same as in the staged ones, by its own expressions, condition
//! and rule of equality. A row that would be refused for another reason is told by putting it into a table without any
//! indexes that is otherwise the same.

use std::collections::{BTreeMap, BTreeSet};

use syncline_core::change::TableTask;
use syncline_core::schema::Generated;
use syncline_core::value::{RowBatch, ValueRef, exact};

use super::halves::write_by_halves;
use super::open::Open;
use super::picked::Picked;
use super::session::{Session, bug};
use super::stage::Stage;
use super::target::{Target, joined, key_columns};
use crate::fitted::Shown;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::quoted;

/// The columns and expressions of the table's unique indexes.
const INDEXES: &str = "\
    SELECT indexrelid, pg_get_indexdef(indexrelid, place, true), format('OPERATOR(%I.%s)', space.nspname, o.oprname),
        (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation AS c
            JOIN pg_namespace AS n ON n.oid = c.collnamespace WHERE c.oid = indcollation[place - 1] AND c.oid <> 100),
        pg_get_expr(indpred, indrelid, true),
        coalesce((to_jsonb(i)->>'indnullsnotdistinct')::bool, false)
    FROM pg_index AS i CROSS JOIN LATERAL generate_series(1, indnkeyatts::int4) AS place
    JOIN pg_opclass AS class ON class.oid = indclass[place - 1]
    JOIN pg_amop AS member ON amopfamily = opcfamily AND amopstrategy = 3
        AND amoplefttype = opcintype AND amoprighttype = opcintype
    JOIN pg_operator AS o ON o.oid = amopopr JOIN pg_namespace AS space ON space.oid = o.oprnamespace
    WHERE indrelid = $1 AND indisunique AND indisready ORDER BY indexrelid, place";

/// A unique index.
#[derive(Debug, Default)]
struct Index {
    /// What it is over, and the operator by which that is the same.
    parts: Vec<(String, String)>,
    /// The rows it holds, where not all.
    condition: Option<String>,
    /// NULL is the same as NULL in it.
    nulls_clash: bool,
}

/// For each row, the keys of the others that have a unique value of it, in the exact encoding.
pub(super) async fn find(open: &mut Open<'_>, task: &TableTask, rows: &RowBatch) -> Attempt<Vec<Vec<Vec<u8>>>> {
    let mut rivals = vec![Vec::new(); rows.len()];
    if task.is_multiset() || rows.is_empty() {
        return Ok(rivals);
    }
    let target = open.target(&task.table).await?;
    let stage = open.stage(&target, &task.columns).await?;
    stage.fill(open.session, (task, &target), rows).await?;
    let mut found: BTreeMap<u32, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for index in indexes(open.session, &target).await? {
        let query = query(task, &target, &stage, &index)?;
        let mut codecs = vec![Codec::Int4];
        codecs.extend(target.codecs(&key_columns(task)));
        let keys = open.session.rows(&query, &codecs, usize::MAX).await?;
        let mut shown = Shown::new(task);
        for row in keys.rows() {
            let ValueRef::Int(number) = row.get(0) else { return Err(bug("a number was asked for")) };
            let mut key = Vec::new();
            for (cell, at) in row.iter().skip(1).zip(&task.key) {
                exact::encode(shown.of(*at, cell), &mut key);
            }
            found.entry(number as u32).or_default().insert(key);
        }
    }
    let number = open.number();
    for number in
        otherwise_refused(open.session, task, (&target, &stage), found.keys().copied().collect(), number).await?
    {
        found.remove(&number);
    }
    for (number, keys) in found {
        rivals[number as usize] = keys.into_iter().collect();
    }
    Ok(rivals)
}

/// Which of these staged rows are to get a unique value that another row of the table has by now.
pub(super) async fn clashing(
    session: &Session,
    task: &TableTask,
    (target, stage): (&Target, &Stage),
    numbers: &[u32],
) -> Attempt<BTreeSet<u32>> {
    let asked: BTreeSet<u32> = numbers.iter().copied().collect();
    let mut clashing = BTreeSet::new();
    for index in indexes(session, target).await? {
        let query = query(task, target, stage, &index)?;
        let found = session.numbers(&format!("SELECT DISTINCT _syncline_n FROM ({query}) AS rivals")).await?;
        clashing
            .extend(found.into_iter().flatten().map(|number| number as u32).filter(|number| asked.contains(number)));
    }
    Ok(clashing)
}

async fn indexes(session: &Session, target: &Target) -> Attempt<Vec<Index>> {
    let mut indexes: BTreeMap<u32, Index> = BTreeMap::new();
    for row in session.connection().client.query(INDEXES, &[&target.oid]).await? {
        let index = indexes.entry(row.try_get(0)?).or_default();
        let (part, operator): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        let collation: Option<String> = row.try_get(3)?;
        let collation = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        index.parts.push((format!("({part}){collation}"), operator));
        index.condition = row.try_get(4)?;
        index.nulls_clash = row.try_get(5)?;
    }
    Ok(indexes.into_values().collect())
}

/// Numbers of staged rows, and keys of the rows of the table in which the index has the same.
fn query(task: &TableTask, target: &Target, stage: &Stage, index: &Index) -> Attempt<String> {
    let key = key_columns(task);
    let parts = joined(index.parts.iter().enumerate().map(|(at, (part, _))| format!("{part} AS _syncline_u{at}")));
    let condition = index.condition.as_ref().map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let keys =
        joined(target.columns(&key).enumerate().map(|(at, column)| format!("{} AS _syncline_k{at}", column.name)));
    let clashes = index.parts.iter().enumerate().map(|(at, (_, operator))| {
        let same = format!("a._syncline_u{at} {operator} b._syncline_u{at}");
        match index.nulls_clash {
            true => format!("({same} OR a._syncline_u{at} IS NULL AND b._syncline_u{at} IS NULL)"),
            false => same,
        }
    });
    let clashes = clashes.collect::<Vec<_>>().join(" AND ");
    let own = target
        .columns(&key)
        .enumerate()
        .map(|(at, column)| column.same(&format!("a._syncline_k{at}"), &format!("b._syncline_k{at}")));
    let own = own.collect::<Vec<_>>().join(" AND ");
    let named = target.columns(&key).enumerate();
    let named = joined(named.map(|(at, column)| column.codec.printed(&format!("b._syncline_k{at}"))));
    Ok(format!(
        "SELECT a._syncline_n, {named} FROM (SELECT _syncline_n, {keys}, {parts} FROM {} AS w{condition}) AS a \
         JOIN (SELECT {keys}, {parts} FROM {} AS t{condition}) AS b ON {clashes} WHERE NOT ({own}) ORDER BY 1",
        wanted(task, target, stage)?,
        target.rows
    ))
}

/// The staged rows with all columns of the table: what is not carried stays what it is in a row that is there.
fn wanted(task: &TableTask, target: &Target, stage: &Stage) -> Attempt<String> {
    let stored = task.table.stored_columns();
    let cell = |column: &usize| {
        let name = &target.column(*column).name;
        match stage.columns.iter().position(|other| other == column) {
            Some(at) => format!("s.c{at} AS {name}"),
            None => format!("t.{name} AS {name}"),
        }
    };
    let cells = joined(stored.iter().map(cell));
    let rows = format!(
        "(SELECT s.n AS _syncline_n, {cells} FROM {} LEFT JOIN {} AS t ON {})",
        stage.relation(target),
        target.rows,
        stage.same_key(target, &key_columns(task))?
    );
    let mut computed = String::new();
    for column in task.table.columns.iter().filter(|column| column.generated != Generated::No) {
        let expression = column.expression.as_deref().unwrap_or("NULL");
        computed += &format!(", ({expression}) AS {}", quoted(&column.name)?);
    }
    if computed.is_empty() { Ok(rows) } else { Ok(format!("(SELECT x.*{computed} FROM {rows} AS x)")) }
}

/// Those of the rows that break another rule than that values are unique.
async fn otherwise_refused(
    session: &Session,
    task: &TableTask,
    (target, stage): (&Target, &Stage),
    numbers: Vec<u32>,
    table: usize,
) -> Attempt<Vec<u32>> {
    if numbers.is_empty() {
        return Ok(numbers);
    }
    let probe = format!("pg_temp._syncline_probe_{table}");
    session
        .run(&format!(
            "CREATE TEMPORARY TABLE _syncline_probe_{table} \
             (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED) ON COMMIT DROP",
            target.table
        ))
        .await?;
    let names = target.listed(&task.columns);
    let stored = task.table.stored_columns();
    let all = target.listed(&stored);
    let there =
        format!("EXISTS (SELECT FROM {} AS t WHERE {})", target.rows, stage.same_key(target, &key_columns(task))?);
    let (relation, wanted) = (stage.relation(target), wanted(task, target, stage)?);
    let cells = joined((0..task.columns.len()).map(|at| format!("s.c{at}")));
    // What a row that is there keeps is no default.
    let insert = |picked: &Picked<'_>| {
        format!(
            "INSERT INTO {probe} ({names}) SELECT {cells} FROM {relation} WHERE {picked} AND NOT {there}; \
             INSERT INTO {probe} ({all}) SELECT {all} FROM {wanted} AS w WHERE _syncline_n IN \
             (SELECT s.n FROM {relation} WHERE {picked} AND {there})"
        )
    };
    let refused = write_by_halves(session, &target.name, &numbers, insert).await?;
    Ok(refused.into_iter().map(|(number, _)| number).collect())
}
