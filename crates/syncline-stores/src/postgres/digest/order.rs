//! The key order of a task as PostgreSQL's own SQL.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::value::key_order::kind_rank;
use syncline_core::value::{Kind, ValueRef};

use crate::lens::Form;
use crate::postgres::codec::Codec;
use crate::postgres::names::quoted;
use crate::postgres::snapshot::view::{Ground, Sight};
use crate::sql::Dialect;

/// Whether the server can deliver the key order. It cannot where text is seen as something else: then those that fit come
/// first, by their value, and those that do not come by their text.
pub(super) fn is_delivered(task: &TableTask) -> bool {
    task.key.iter().all(|at| {
        let stored_as = &task.table.columns[task.columns[*at]].kind;
        Form::of(task, *at).is_none_or(|form| match (stored_as, form.kind()) {
            // Every text fits.
            (Kind::Text { padded: false, .. }, Kind::Other { .. }) => true,
            (stored_as, seen_as) => kind_rank(stored_as) == kind_rank(seen_as),
        })
    })
}

/// What rows are sorted by.
///
/// Numbers, times, bytes and UUIDs are in the server's own order, NaN and infinities included; all that is text goes by its
/// bytes. Where NULL is possible it comes first.
pub(super) async fn terms(sight: &Sight, task: &TableTask, ground: &Ground) -> Result<String> {
    let mut terms = Vec::new();
    for at in &task.key {
        let column = &task.table.columns[task.columns[*at]];
        let name = quoted(&column.name)?;
        let form = Form::of(task, *at);
        // Without need it would keep the server from using the key's index.
        let nulls = if column.nullable { " NULLS FIRST" } else { "" };
        if let Some(end) = end_of_times(&column.kind)
            && has_any_beyond(sight, ground, &name, &end).await?
        {
            // Times that 64 bits do not hold come behind all others, infinity included.
            terms.push(format!("({name} > {end} AND {name} < 'infinity'){nulls}"));
        }
        terms.push(format!("{}{nulls}", term(column, &name, form.is_some(), sight.facts.is_recoded)));
    }
    Ok(terms.join(", "))
}

fn term(column: &Column, name: &str, is_seen: bool, is_recoded: bool) -> String {
    let text = match &column.kind {
        // As plain text it would lose the spaces that its cells have, as long as they are seen as they are.
        Kind::Text { padded: true, .. } if !is_seen => format!("pg_catalog.concat({name})"),
        Kind::Other { type_name } => Codec::other(type_name).printed(name),
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Flexible(_) => format!("{name}::text"),
        _ => return name.to_owned(),
    };
    if is_recoded { format!("pg_catalog.convert_to({text}, 'UTF8')") } else { format!("{text} COLLATE \"C\"") }
}

/// The last time that 64 bits hold, counted in microseconds from 1970 on.
fn end_of_times(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Timestamp { .. } => Some(Dialect::Postgres.literal(ValueRef::Timestamp(i64::MAX - 1))),
        Kind::Instant { .. } => Some(Dialect::Postgres.literal(ValueRef::Instant(i64::MAX - 1))),
        _ => None,
    }
}

/// What the cells of a key are sorted and compared by, each for itself, where a btree index may have them in this order and both
/// sides of a comparison call the same cells equal.
pub(super) async fn comparable(sight: &Sight, task: &TableTask, ground: &Ground) -> Result<Option<Vec<String>>> {
    for at in &task.key {
        let column = &task.table.columns[task.columns[*at]];
        let name = quoted(&column.name)?;
        if let Some(end) = end_of_times(&column.kind)
            && has_any_beyond(sight, ground, &name, &end).await?
        {
            return Ok(None);
        }
    }
    if sight.facts.is_recoded || !is_delivered(task) { Ok(None) } else { compared(task) }
}

/// As [`comparable`], of what that was found for.
pub(super) fn compared(task: &TableTask) -> Result<Option<Vec<String>>> {
    let mut terms = Vec::new();
    for at in &task.key {
        let column = &task.table.columns[task.columns[*at]];
        match column.kind {
            _ if column.nullable => return Ok(None),
            Kind::Bool | Kind::Int { .. } | Kind::Decimal { .. } | Kind::Bytes | Kind::Uuid => {}
            Kind::Date | Kind::Time { .. } | Kind::Timestamp { .. } | Kind::Instant { .. } => {}
            // Whatever an extension takes for equal may be so in an index of its.
            Kind::Text { padded: false, .. } if !column.declared_type.ends_with("citext") => {}
            _ => return Ok(None),
        }
        terms.push(term(column, &quoted(&column.name)?, false, false));
    }
    Ok(Some(terms))
}

async fn has_any_beyond(sight: &Sight, ground: &Ground, name: &str, end: &str) -> Result<bool> {
    let table = &ground.table;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {name} > {end} AND {name} < 'infinity')");
    Ok(sight.session.row(&sql).await?.get(0) == Some("t"))
}
