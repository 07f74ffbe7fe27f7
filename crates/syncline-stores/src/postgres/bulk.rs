//! Whole tables: loading rows into an empty one by COPY, and emptying one.

mod keys;
mod loading;

use std::sync::Arc;

use syncline_core::change::{Refusal, TableTask};
use syncline_core::store::RawBatch;
use syncline_core::value::RowBatch;

pub(super) use self::loading::Loading;
use self::loading::fill;
use super::connect::failure::Attempt;
use super::write::halves::write_by_halves;
use super::write::open::{AT_LARGE, ONE_BY_ONE, Open};
use super::write::picked::Picked;
use super::write::session::{Session, bug};
use super::write::target::{Target, joined};
use crate::refused::{Refused, named, not_cleared};

/// Inserts the rows and returns those that the database refuses, and those it has refused of the rows before. What is
/// refused takes back as many rows as were sent with it, and these are sent again by halves.
pub(super) async fn load(open: &mut Open<'_>, task: &TableTask, rows: RowBatch) -> Attempt<Vec<Refusal>> {
    let mut refused = load_on(open, task, rows).await?;
    refused.extend(settle(open).await?);
    Ok(refused)
}

/// As [`load`], where more rows follow: those may be on their way still.
pub(super) async fn load_on(open: &mut Open<'_>, task: &TableTask, rows: RowBatch) -> Attempt<Vec<Refusal>> {
    let mut refused = std::mem::take(&mut open.refused);
    if rows.is_empty() {
        return Ok(refused);
    }
    if open.loading.is_none() {
        let target = filling(open, task).await?;
        if is_staged(task, &target) {
            refused.extend(named(task, &rows, by_stage(open, task, &target, &rows).await?));
            return Ok(refused);
        }
        open.loading = Some(Loading::begin(open.session, task, target).await?);
    }
    loading(open, task)?.push(rows).await;
    refused.extend(arrived_if_full(open).await?);
    Ok(refused)
}

/// The same with rows as a server has sent them.
pub(super) async fn load_raw_on(open: &mut Open<'_>, task: &TableTask, rows: RawBatch) -> Attempt<Vec<Refusal>> {
    let mut refused = std::mem::take(&mut open.refused);
    if open.loading.is_none() {
        let target = filling(open, task).await?;
        open.loading = Some(Loading::begin(open.session, task, target).await?);
    }
    loading(open, task)?.push_raw(rows).await;
    refused.extend(arrived_if_full(open).await?);
    Ok(refused)
}

/// A table that is going to be filled. It is nobody else's to write to.
async fn filling(open: &mut Open<'_>, task: &TableTask) -> Attempt<Arc<Target>> {
    open.hold(task).await?;
    let target = open.target(&task.table).await?;
    open.filled.insert(task.table.name.clone());
    if let Some((_, filled_by)) = open.keyless.iter_mut().find(|(key, _)| key.table == task.table.name) {
        *filled_by = Some(task.clone());
    }
    Ok(target)
}

fn loading<'o>(open: &'o mut Open<'_>, task: &TableTask) -> Attempt<&'o mut Loading> {
    let loading = open.loading.as_mut().filter(|loading| loading.is_of(task));
    loading.ok_or_else(|| bug("rows of two tables are loaded at once"))
}

async fn arrived_if_full(open: &mut Open<'_>) -> Attempt<Vec<Refusal>> {
    if open.loading.as_ref().is_some_and(Loading::is_full) { arrived(open).await } else { Ok(Vec::new()) }
}

/// Waits until all rows that were loaded have arrived, and gives tables that were created the keys they lack. The session
/// is free for other things then.
pub(super) async fn settle(open: &mut Open<'_>) -> Attempt<Vec<Refusal>> {
    let mut refused = arrived(open).await?;
    for (key, task) in std::mem::take(&mut open.keyless) {
        refused.extend(keys::add(open, &key, task.as_ref()).await?);
    }
    Ok(refused)
}

async fn arrived(open: &mut Open<'_>) -> Attempt<Vec<Refusal>> {
    match open.loading.take() {
        Some(loading) => loading.end(open.session).await,
        None => Ok(Vec::new()),
    }
}

/// Removes all rows and returns how many there were.
pub(super) async fn clear(open: &mut Open<'_>, task: &TableTask) -> Attempt<u64> {
    open.hold(task).await?;
    let target = open.target(&task.table).await?;
    open.session.run(AT_LARGE).await?;
    if !open.replicates {
        forbid_actions(open.session, &target).await?;
    }
    let deleted = open.session.write(&target.name, &format!("DELETE FROM {}", target.rows)).await?;
    open.session.run(ONE_BY_ONE).await?;
    Ok(deleted.map_err(|(_, words)| not_cleared(&target.name, &words))?)
}

/// Rows that are to be refused each with the database's own words.
async fn one_by_one(open: &mut Open<'_>, task: &TableTask, target: &Target, rows: &RowBatch) -> Attempt<Vec<Refused>> {
    if is_staged(task, target) {
        by_stage(open, task, target, rows).await
    } else {
        fill(open.session, task, target, rows).await
    }
}

/// Whether some values are sent as text that a statement has to read.
fn is_staged(task: &TableTask, target: &Target) -> bool {
    target.columns(&task.columns).any(|column| column.codec.is_cast())
}

/// The rows go to a temporary table first: some of their values are sent as text, which only a statement can turn into
/// what it stands for.
async fn by_stage(open: &mut Open<'_>, task: &TableTask, target: &Target, rows: &RowBatch) -> Attempt<Vec<Refused>> {
    let stage = open.stage(target, &task.columns).await?;
    let (_, mut refused) = stage.fill(open.session, (task, target), rows).await?;
    let mut numbers: Vec<u32> = (0..rows.len() as u32).collect();
    numbers.retain(|number| refused.iter().all(|(other, _)| other != number));
    let (names, relation) = (target.listed(&task.columns), stage.relation(target));
    let cells = joined((0..task.columns.len()).map(|at| format!("s.c{at}")));
    let insert = |picked: &Picked<'_>| {
        format!(
            "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {cells} FROM {relation} WHERE {picked} ORDER BY s.n",
            target.table
        )
    };
    refused.extend(write_by_halves(open.session, &target.name, &numbers, insert).await?);
    Ok(refused)
}

/// Makes sure that no row would be changed because those of this table go.
async fn forbid_actions(session: &Session, target: &Target) -> Attempt<()> {
    for action in &target.actions {
        let query = format!(
            "SELECT 1 WHERE EXISTS (SELECT FROM {} AS t JOIN {} AS c ON {})",
            target.rows, action.table, action.condition
        );
        if !session.numbers(&query).await?.is_empty() {
            let words = format!("rows of {} reference it, and emptying it would change them", action.table);
            return Err(not_cleared(&target.name, &words).into());
        }
    }
    Ok(())
}
