//! Whole tables: loading rows into an empty one by COPY, and emptying one.

use syncline_core::change::{Reason, Refusal, RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error};
use syncline_core::value::{Row, RowBatch, exact};

use super::connect::failure::Attempt;
use super::write::fitted::Fitted;
use super::write::open::{AT_LARGE, ONE_BY_ONE, Open};
use super::write::picked::Picked;
use super::write::session::Session;
use super::write::stage::{Refused, split};
use super::write::target::{Target, joined};

/// Inserts the rows and returns those that the database refuses. What is refused takes back as many rows as were sent with
/// it, and these are sent again by halves.
pub(super) async fn load(open: &mut Open<'_>, task: &TableTask, rows: &RowBatch) -> Attempt<Vec<Refusal>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    // A table that fills up is nobody else's to write to.
    open.hold(task).await?;
    let target = open.target(&task.table).await?;
    let mut refused = if target.columns(&task.columns).any(|column| column.codec.is_cast()) {
        by_stage(open, task, &target, rows).await?
    } else {
        directly(open.session, task, &target, rows).await?
    };
    open.filled.insert(task.table.name.clone());
    refused.sort_by_key(|(number, _)| *number);
    let refusal = |(number, (reason, words)): Refused| {
        let row = rows.row(number as usize);
        Refusal { key: key_of(task, row), reason, words, row: Some(exact::encode_row(row.iter())), found: None }
    };
    Ok(refused.into_iter().map(refusal).collect())
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

/// The rows go straight into the table.
async fn directly(session: &Session, task: &TableTask, target: &Target, rows: &RowBatch) -> Attempt<Vec<Refused>> {
    let fitted = Fitted::of(task, &task.columns, rows)?;
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", target.table, target.listed(&task.columns));
    let (codecs, numbers) = (target.codecs(&task.columns), fitted.numbers());
    let mut refused: Vec<Refused> =
        fitted.misfits.into_iter().map(|(number, why)| (number, (Reason::Type, why))).collect();
    let mut left = vec![&numbers[..]];
    while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
        let (mut numbers, mut unsent) = (half.iter(), Vec::new());
        let sent = session.copy(&target.name, &sql, codecs.clone(), |encoder| {
            let Some(number) = numbers.next() else { return false };
            if let Err(why) = encoder.push_row(fitted.rows.row(*number as usize).iter()) {
                unsent.push((*number, (Reason::Type, why.to_string())));
            }
            true
        });
        let sent = sent.await?;
        if sent.is_ok() {
            refused.extend(unsent);
        }
        split(&mut left, half, sent, &mut refused);
    }
    Ok(refused)
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
    let mut left = vec![&numbers[..]];
    while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
        let sql = format!(
            "INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {cells} FROM {relation} WHERE {} ORDER BY s.n",
            target.table,
            Picked(half)
        );
        split(&mut left, half, open.session.write(&target.name, &sql).await?, &mut refused);
    }
    Ok(refused)
}

fn key_of(task: &TableTask, row: Row<'_>) -> Vec<u8> {
    if task.is_multiset() {
        copies::name(RowDigest(exact::digest_row(row.iter(), &mut Vec::new())))
    } else {
        exact::encode_row(row.select(&task.key))
    }
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

fn not_cleared(table: &str, words: &str) -> Error {
    Error::new(Code::ForeignKeyBroken, format!("{table} cannot be emptied")).because(words.to_owned())
}
