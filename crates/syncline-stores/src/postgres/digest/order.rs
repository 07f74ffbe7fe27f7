//! The key order of a task as PostgreSQL's own SQL.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::value::{Kind, ValueRef};

use crate::postgres::names::quoted;
use crate::postgres::snapshot::cells::form;
use crate::postgres::snapshot::view::{Ground, Sight};
use crate::sql::Dialect;

/// What rows are sorted by.
///
/// Numbers, times, bytes and UUIDs are in the server's own order, NaN and infinities included; all that is text goes by its
/// bytes. Where NULL is possible it comes first.
pub(super) async fn terms(sight: &Sight, task: &TableTask, ground: &Ground) -> Result<String> {
    let mut terms = Vec::new();
    for at in &task.key {
        let column = &task.table.columns[task.columns[*at]];
        let name = quoted(&column.name)?;
        let seen_as = form(task, *at);
        // Without need it would keep the server from using the key's index.
        let nulls = if column.nullable { " NULLS FIRST" } else { "" };
        if let Some(end) = end_of_times(&column.kind)
            && has_any_beyond(sight, ground, &name, &end).await?
        {
            // Times that 64 bits do not hold come behind all others, infinity included.
            terms.push(format!("({name} > {end} AND {name} < 'infinity'){nulls}"));
        }
        terms.push(format!("{}{nulls}", term(column, &name, seen_as, sight.facts.is_recoded)));
    }
    Ok(terms.join(", "))
}

fn term(column: &Column, name: &str, seen_as: Option<&Kind>, is_recoded: bool) -> String {
    let text = match (&column.kind, seen_as) {
        // Without its spaces, as it is seen.
        (Kind::Text { padded: true, .. }, Some(_)) => format!("{name}::text"),
        // As plain text it would lose the spaces that its cells have.
        (Kind::Text { padded: true, .. }, None) => format!("pg_catalog.concat({name})"),
        (Kind::Text { .. }, Some(Kind::Text { padded: true, .. })) => format!("pg_catalog.rtrim({name}::text, ' ')"),
        (Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Other { .. } | Kind::Flexible(_), _) => {
            format!("{name}::text")
        }
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

async fn has_any_beyond(sight: &Sight, ground: &Ground, name: &str, end: &str) -> Result<bool> {
    let table = &ground.table;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {name} > {end} AND {name} < 'infinity')");
    Ok(sight.session.row(&sql).await?.get(0) == Some("t"))
}
