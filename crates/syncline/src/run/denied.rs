//! A run that could do nothing with any table, for lack of rights.

use syncline_core::error::{Code, Error, shell_word};
use syncline_core::store::Side;

use super::worked::Worked;
use crate::database_name::DatabaseName;
use crate::open::Database;
use crate::request::RunRequest;

/// How many tables are shown with what the server says of them.
const SHOWN: usize = 3;

/// The error that such a run ends with: that no table at all is in reach is about the user and not about tables.
pub(super) fn end(worked: &Worked, request: &RunRequest, source: &Database, target: &Database) -> Option<Error> {
    let errors = worked.tables.iter().map(|table| table.error.as_ref()).collect::<Option<Vec<_>>>()?;
    let are_denied = !errors.is_empty() && errors.iter().all(|error| error.code == Code::TableDenied.name());
    if !are_denied || worked.has_committed {
        return None;
    }
    let mut words: Vec<&str> = errors.iter().map(|error| error.why.as_deref().unwrap_or(&error.what)).collect();
    words.dedup();
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    let why = words.join("; ");
    let why = if more > 0 { format!("{why}; and so for {more} more") } else { why };
    let what = match worked.tables.as_slice() {
        [table] => format!("the user has not the rights that it takes to carry {}", table.table),
        tables => format!("the user has not the rights that it takes to carry any of the {} tables", tables.len()),
    };
    let mut error = Error::new(Code::PermissionDenied, what).because(why).leaving("nothing was changed");
    for (database, typed, side) in [(source, &request.source, Side::Source), (target, &request.target, Side::Target)] {
        let Some(role) = &database.role else { continue };
        let named = shell_word(&DatabaseName::without_password(typed));
        let (side, role) = (side.name(), shell_word(role));
        error = error.next(
            format!("syncline doctor {named} --grants --as {side} --role {role}"),
            format!("prints the rights that a {side} takes, for its owner to run"),
        );
    }
    // What helps besides may be of these tables alone, such as who owns their triggers.
    let usual = Error::new(Code::TableDenied, "").next_steps()[0].action.clone();
    let own = errors.iter().flat_map(|error| &error.next).find(|step| step.action != usual);
    Some(match own {
        Some(step) => error.next(&step.action, &step.effect),
        None => error,
    })
}
