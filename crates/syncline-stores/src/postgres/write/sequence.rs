//! The numbers that a table gives out to rows that bring none: identity columns and columns with `nextval` as their default.
//!
//! The engine counts them apart from the rows, so rows that bring their numbers would later meet numbers that are given out.
//! Whatever a transaction puts into a table, its sequences are moved past that before the commit. A sequence that we may
//! change is locked for that and changed within the transaction; another can only be moved ahead, at once and for good.

use syncline_core::value::ValueRef;

use super::open::{AT_LARGE, ONE_BY_ONE, Open};
use super::session::{Session, bug};
use super::target::locate;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, quoted};
use crate::sql::Dialect;

/// The sequences that columns of whole numbers take their values from, those of the primary key first.
pub(in crate::postgres) const SEQUENCES: &str = "\
    WITH given AS (
        SELECT refobjsubid AS attnum, objid AS sequence FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = $1 AND deptype = 'i'
        UNION
        SELECT adnum, refobjid FROM pg_attrdef JOIN pg_depend
            ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid AND refclassid = 'pg_class'::regclass
        WHERE adrelid = $1
    )
    SELECT format('%I.%I', nspname, relname), attname::text, pg_has_role(relowner, 'USAGE'), seqincrement, seqstart,
        seqmin, seqmax, seqrelid
    FROM given JOIN pg_sequence ON seqrelid = sequence JOIN pg_class ON pg_class.oid = sequence
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = $1 AND pg_attribute.attnum = given.attnum
    LEFT JOIN pg_index ON indrelid = $1 AND indisprimary
    WHERE atttypid IN (20, 21, 23)
    ORDER BY coalesce(given.attnum = ANY (indkey), false) DESC, given.attnum, relname";

/// A sequence and the column it belongs to.
struct Sequence {
    /// As it is written.
    name: String,
    column: String,
    is_ours: bool,
    increment: i64,
    start: i64,
    lowest: i64,
    highest: i64,
}

/// The highest number given out for the table, itself or to rows that have brought theirs.
pub(super) async fn read(open: &Open<'_>, table: &str) -> Attempt<Option<i64>> {
    pass(open, table).await?;
    last(open.session, open.names, table).await
}

/// The highest number given out for the table, where it has a sequence that has given any.
async fn last(session: &Session, names: &Names, table: &str) -> Attempt<Option<i64>> {
    match all(session, names, table).await?.first() {
        Some(sequence) => given(session, sequence).await,
        None => Ok(None),
    }
}

/// Sets the number of a table, or makes it as if none had been given out.
pub(super) async fn restore(open: &Open<'_>, table: &str, value: Option<i64>) -> Attempt<()> {
    let all = all(open.session, open.names, table).await?;
    let Some(sequence) = all.first() else { return Ok(()) };
    if sequence.is_ours {
        return set(open.session, sequence, value).await;
    }
    // It cannot be moved back as part of the transaction, so it stays.
    let given = given(open.session, sequence).await?;
    match value {
        Some(value) if given.is_none_or(|given| is_beyond(sequence, value, given)) => {
            ahead(open.session, sequence, value).await
        }
        _ => Ok(()),
    }
}

/// Moves the sequences of all tables that rows were put into past the numbers that these have.
pub(super) async fn pass_all(open: &Open<'_>) -> Attempt<()> {
    for table in &open.filled {
        pass(open, table).await?;
    }
    Ok(())
}

/// Moves the sequences of a table past the numbers that its rows have.
async fn pass(open: &Open<'_>, table: &str) -> Attempt<()> {
    if !open.filled.contains(table) {
        return Ok(());
    }
    let Some(found) = locate(open.session, open.names, table).await? else { return Ok(()) };
    for sequence in all(open.session, open.names, table).await? {
        let (rows, column) = (&found.rows, quoted(&sequence.column)?);
        let extreme = if sequence.increment > 0 { "max" } else { "min" };
        open.session.run(AT_LARGE).await?;
        // A number that the sequence cannot give out is never met, and it cannot be set to it.
        let (lowest, highest) = (sequence.lowest, sequence.highest);
        let query = format!(
            "SELECT {extreme}({column})::int8 FROM {rows} \
             WHERE {column} BETWEEN '{lowest}'::int8 AND '{highest}'::int8"
        );
        let found: Option<i64> = open.session.connection().client.query_one(&query, &[]).await?.try_get(0)?;
        open.session.run(ONE_BY_ONE).await?;
        let Some(found) = found else { continue };
        let is_behind = |given: Option<i64>| match given {
            Some(given) => is_beyond(&sequence, found, given),
            None => found == sequence.start || is_beyond(&sequence, found, sequence.start),
        };
        if !is_behind(given(open.session, &sequence).await?) {
            continue;
        }
        if !sequence.is_ours {
            ahead(open.session, &sequence, found).await?;
            continue;
        }
        lock(open.session, &sequence).await?;
        if is_behind(given(open.session, &sequence).await?) {
            set(open.session, &sequence, Some(found)).await?;
        }
    }
    Ok(())
}

async fn all(session: &Session, names: &Names, table: &str) -> Attempt<Vec<Sequence>> {
    // A table that is yet to be created has none.
    let Some(found) = locate(session, names, table).await? else { return Ok(Vec::new()) };
    let rows = session.connection().client.query(SEQUENCES, &[&found.oid]).await?;
    let sequence = |row: &tokio_postgres::Row| {
        Ok(Sequence {
            name: row.try_get(0)?,
            column: row.try_get(1)?,
            is_ours: row.try_get(2)?,
            increment: row.try_get(3)?,
            start: row.try_get(4)?,
            lowest: row.try_get(5)?,
            highest: row.try_get(6)?,
        })
    };
    rows.iter().map(sequence).collect()
}

/// The last number that was given out, if any was.
async fn given(session: &Session, sequence: &Sequence) -> Attempt<Option<i64>> {
    let query = format!("SELECT last_value, is_called::int4 FROM {}", sequence.name);
    match session.numbers(&query).await?.first().map(Vec::as_slice) {
        Some([last, 1]) => Ok(Some(*last)),
        // It is to begin there: the one before counts as given, but for the first of all.
        Some([next, 0]) if *next != sequence.start => Ok(next.checked_sub(sequence.increment)),
        Some([_, 0]) => Ok(None),
        _ => Err(bug("a sequence without a number")),
    }
}

/// Nobody is given a number until the end of the transaction.
async fn lock(session: &Session, sequence: &Sequence) -> Attempt<()> {
    // Any change of its definition takes the lock; this one changes nothing.
    session.run(&format!("ALTER SEQUENCE {} INCREMENT BY {}", sequence.name, sequence.increment)).await
}

/// Sets the number as part of the transaction.
async fn set(session: &Session, sequence: &Sequence, value: Option<i64>) -> Attempt<()> {
    let Some(value) = value else { return restart(session, sequence).await };
    let Some(setting) = setting(sequence, value) else { return Ok(()) };
    restart(session, sequence).await?;
    session.run(&setting).await
}

/// Gives it a new file, which goes with the transaction; what is set afterwards is set there.
async fn restart(session: &Session, sequence: &Sequence) -> Attempt<()> {
    session.run(&format!("ALTER SEQUENCE {} RESTART", sequence.name)).await
}

/// Moves it ahead at once, also should the transaction be undone: a number that is left out harms nobody.
async fn ahead(session: &Session, sequence: &Sequence, value: i64) -> Attempt<()> {
    match setting(sequence, value) {
        Some(setting) => session.run(&setting).await,
        None => Ok(()),
    }
}

/// The query that makes this the last number; `None` where the sequence ends elsewhere than the one it comes from.
fn setting(sequence: &Sequence, value: i64) -> Option<String> {
    let is_within = |value: &i64| (sequence.lowest..=sequence.highest).contains(value);
    let (value, is_given) = if is_within(&value) {
        (value, true)
    } else {
        // It is to begin at its end, and the number before is none of its own.
        (value.checked_add(sequence.increment).filter(is_within)?, false)
    };
    Some(format!("SELECT setval({}, '{value}'::int8, {is_given})", literal(&sequence.name)))
}

fn is_beyond(sequence: &Sequence, value: i64, given: i64) -> bool {
    if sequence.increment > 0 { value > given } else { value < given }
}

fn literal(name: &str) -> String {
    format!("{}::regclass", Dialect::Postgres.literal(ValueRef::Text(name.as_bytes())))
}
