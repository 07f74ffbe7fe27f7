//! Whole tables: loading rows into an empty one, and emptying one.

mod loading;

use syncline_core::change::{Reason, Refusal, TableTask};
use syncline_core::value::RowBatch;

pub(super) use self::loading::Loading;
use super::connect::failure::Attempt;
use super::types;
use super::write::halves::write_by_halves;
use super::write::open::Open;
use super::write::picked::Picked;
use super::write::sender::Sender;
use super::write::session::{Session, bug};
use super::write::stage::NUMBER;
use super::write::target::Target;
use crate::fitted::Fitted;
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
    if Loading::is_huge(&rows) {
        refused.extend(settle(open).await?);
    }
    if open.loading.is_none() {
        let is_hidden = open.is_hidden(&task.table.name);
        if !is_hidden {
            // It is nobody else's to write to.
            open.hold(task).await?;
        }
        let target = open.target(&task.table).await?;
        let is_bent = target.columns(&task.columns).any(|column| column.is_bent);
        if is_bent || !open.session.takes_files() {
            let again = match is_bent {
                true => by_stage(open, task, &target, &rows).await?,
                false => fill(open.session, task, &target, &rows).await?,
            };
            refused.extend(named(task, &rows, again));
            return Ok(refused);
        }
        let beside = if is_hidden { open.beside.sessions().await } else { None };
        open.loading = Some(Loading::begin(open.session, beside, task, target).await?);
    }
    let loading = open.loading.as_mut().filter(|loading| loading.is_of(task));
    loading.ok_or_else(|| bug("rows of two tables are loaded at once"))?.push(rows).await;
    if open.loading.as_ref().is_some_and(Loading::is_full) {
        refused.extend(settle(open).await?);
    }
    Ok(refused)
}

/// Waits until all rows that were loaded have arrived. The session is free for other things then.
pub(super) async fn settle(open: &mut Open<'_>) -> Attempt<Vec<Refusal>> {
    match open.loading.take() {
        Some(loading) => loading.end(open).await,
        None => Ok(Vec::new()),
    }
}

/// Removes all rows and returns how many there were.
pub(super) async fn clear(open: &mut Open<'_>, task: &TableTask) -> Attempt<u64> {
    open.hold(task).await?;
    let target = open.target(&task.table).await?;
    if let Some(child) = &target.referenced.from_elsewhere {
        return Err(not_cleared(
            &target.name,
            &format!("rows of {child}, in another database, may reference its rows"),
        )
        .into());
    }
    let deleted = open.session.write(&target.name, &[format!("DELETE FROM {}", target.table)]).await?;
    Ok(deleted.map_err(|(_, words)| not_cleared(&target.name, &words))?)
}

/// The rows go into the table at once.
async fn fill(session: &Session, task: &TableTask, target: &Target, rows: &RowBatch) -> Attempt<Vec<Refused>> {
    let fitted = Fitted::by(types::fitter(task, &task.columns), rows)?;
    let sender = Sender::new(session, (&target.name, &target.table), None, target.sent(&task.columns));
    let mut refused = sender.send(&fitted.rows, &fitted.numbers()).await?;
    refused.extend(fitted.misfits.into_iter().map(|(number, why)| (number, (Reason::Type, why))));
    Ok(refused)
}

/// The rows go to a temporary table first: of some of their values it has to be seen what the server makes of them.
async fn by_stage(open: &mut Open<'_>, task: &TableTask, target: &Target, rows: &RowBatch) -> Attempt<Vec<Refused>> {
    let stage = open.stage(target, &task.columns);
    let (_, mut refused) = stage.fill(open.session, (task, target), rows).await?;
    let mut numbers: Vec<u32> = (0..rows.len() as u32).collect();
    numbers.retain(|number| refused.iter().all(|(other, _)| other != number));
    let (names, cells) = (target.listed("", &task.columns), target.listed("s.", &task.columns));
    let insert = |picked: &Picked<'_>| {
        let relation = stage.relation();
        vec![format!(
            "INSERT INTO {} ({names}) SELECT {cells} FROM {relation} WHERE {picked} ORDER BY s.{NUMBER}",
            target.table
        )]
    };
    refused.extend(write_by_halves(open.session, &target.name, &numbers, insert).await?);
    Ok(refused)
}
