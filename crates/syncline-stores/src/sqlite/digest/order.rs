//! The key order of a task as SQLite's own SQL.
//!
//! SQLite's order of kinds is that of the key order, and BINARY compares text by the bytes it is stored as. Those are not
//! UTF-8 in a database that stores UTF-16; there text is sorted as a blob, between the numbers and the blobs.
//!
//! Cells that are seen in a form are in the order of the forms. SQLite's own is that order for some forms, and for others
//! if all cells fit: dates as text, for instance, unless one lies before Christ. That is looked at first, by an index
//! where there is one. Else SQLite sorts by what a function makes of the cells, in the memory it may take for that.

use std::cell::RefCell;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as OwnedCell;
use syncline_core::change::TableTask;
use syncline_core::value::calendar::{self, Civil, DAY_MICROS};
use syncline_core::value::{Coercion, Kind, ValueRef, memcomparable};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::{BYTES_FUNCTION, select};
use crate::sqlite::types::forms::{Form, Scratch};
use crate::sqlite::types::{self, Encoding};

/// The function that makes of a cell of a key what it is sorted by.
const ORDER_FUNCTION: &str = "_syncline_order";

/// The function that tells whether a cell of a key is where SQLite's own order puts it.
const FITS_FUNCTION: &str = "_syncline_fits_order";

/// What rows are sorted by.
pub(in crate::sqlite) fn terms(conn: &Connection, task: &TableTask, encoding: Encoding) -> Attempt<String> {
    let forms = Form::of_key(task).unwrap_or_default();
    if forms.iter().any(Option::is_some) {
        register(conn, &forms)?;
    }
    let mut terms = Vec::new();
    for (at, (column, name)) in task.key.iter().zip(select::key_names(task)).enumerate() {
        let name = select::quoted(name)?;
        let form = forms.get(at).and_then(Option::as_ref);
        terms.push(match form {
            Some(form) if !is_always_in_order(form) && !fits(conn, task, at)? => {
                format!("{ORDER_FUNCTION}({at}, {name})")
            }
            _ => own(task, task.columns[*column], &name, encoding),
        });
    }
    Ok(terms.join(", "))
}

/// SQLite's own order.
fn own(task: &TableTask, column: usize, name: &str, encoding: Encoding) -> String {
    let is_rowid = task.table.key.as_ref().is_some_and(|key| key.is_rowid && key.columns == [column]);
    match encoding {
        // The row number holds numbers only; naming a collation would hide that it is sorted already.
        _ if is_rowid => name.to_owned(),
        Encoding::Utf8 => format!("{name} COLLATE BINARY"),
        Encoding::Utf16 => format!("typeof({name}) = 'blob', {BYTES_FUNCTION}({name})"),
    }
}

/// Whether SQLite's own order is right whatever is stored.
fn is_always_in_order(form: &Form) -> bool {
    match form.kind() {
        Kind::Text { .. } | Kind::Bytes | Kind::Enum { .. } | Kind::Flexible(_) => true,
        // A number that is text is no number where the column makes numbers of those.
        Kind::Int { .. } => form.coercion() != Coercion::Text,
        _ => false,
    }
}

/// Whether SQLite's own order is right for what is stored in this column of the key.
fn fits(conn: &Connection, task: &TableTask, at: usize) -> Attempt<bool> {
    let column = task.key[at];
    let (name, table) = (select::quoted(name_of(task, column))?, select::table(&task.table.name)?);
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE NOT {FITS_FUNCTION}({at}, {name}))");
    Ok(conn.query_row(&sql, [], |row| row.get(0))?)
}

fn name_of(task: &TableTask, column: usize) -> &str {
    &task.table.columns[task.columns[column]].name
}

/// Lets the connection use both functions, until they are made for another key.
fn register(conn: &Connection, forms: &[Option<Form>]) -> Attempt<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let (of_order, of_fit) = (forms.to_vec(), forms.to_vec());
    let scratch = RefCell::new(Scratch::default());
    conn.create_scalar_function(ORDER_FUNCTION, 2, flags, move |context| {
        let mut scratch = scratch.borrow_mut();
        let cell = types::value(context.get_raw(1));
        let shown = match form_of(&of_order, context.get_raw(0)) {
            Some(form) => form.show(cell, &mut scratch),
            None => cell,
        };
        let mut bytes = Vec::new();
        memcomparable::encode(shown, &mut bytes);
        Ok(OwnedCell::Blob(bytes))
    })?;
    let scratch = RefCell::new(Scratch::default());
    conn.create_scalar_function(FITS_FUNCTION, 2, flags, move |context| {
        let mut scratch = scratch.borrow_mut();
        let cell = types::value(context.get_raw(1));
        let form = form_of(&of_fit, context.get_raw(0));
        Ok(form.is_none_or(|form| is_in_order(form, cell, &mut scratch)))
    })?;
    Ok(())
}

fn form_of<'f>(forms: &'f [Option<Form>], at: rusqlite::types::ValueRef<'_>) -> Option<&'f Form> {
    let rusqlite::types::ValueRef::Integer(at) = at else { return None };
    forms.get(usize::try_from(at).ok()?)?.as_ref()
}

/// Whether the cell stands among others of its form as it does among the cells that are stored.
fn is_in_order(form: &Form, cell: ValueRef<'_>, scratch: &mut Scratch) -> bool {
    if let ValueRef::Null = cell {
        return true;
    }
    let day = |micros: i64| micros.div_euclid(DAY_MICROS);
    match (form.kind(), form.show(cell, scratch)) {
        // Numbers are in the order of what they are seen as, which never passes the next double.
        (Kind::Decimal { .. } | Kind::Real { .. }, _) => matches!(cell, ValueRef::Int(_) | ValueRef::Real(_)),
        // Below zero the greatest text is the least time, and from 100 hours on there is one digit more.
        (Kind::Time { .. }, ValueRef::Time(micros)) => (0..=DAY_MICROS).contains(&micros),
        (Kind::Bool, ValueRef::Bool(_))
        | (Kind::Uuid, ValueRef::Uuid(_))
        | (Kind::Other { .. }, ValueRef::Other { .. }) => true,
        // A document may be a number, and is in the order of texts all the same.
        (Kind::Json { .. }, ValueRef::Json(_)) => matches!(cell, ValueRef::Text(_)),
        (Kind::Date, ValueRef::Date(days)) => has_four_digits(i64::from(days)),
        (Kind::Timestamp { .. }, ValueRef::Timestamp(micros)) | (Kind::Instant { .. }, ValueRef::Instant(micros)) => {
            has_four_digits(day(micros))
        }
        _ => false,
    }
}

/// Whether the year of this day is written with four digits, and after Christ.
fn has_four_digits(days: i64) -> bool {
    let first = |year| calendar::days(Civil { year, month: 1, day: 1 }).unwrap_or_default();
    (first(1)..first(10_000)).contains(&days)
}
