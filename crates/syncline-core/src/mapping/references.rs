//! References between tables, seen through a mapping: both ends of one must be masked alike, or nothing finds its row.

use super::rules::UNTOUCHED;
use super::{MaskKind, Resolved};
use crate::error::{Code, Error, Result};
use crate::schema::{ForeignKey, Schema, TableSchema};

/// Refuses masks that break a reference.
///
/// # Errors
/// `MASK_INVALID`.
pub(super) fn check(schema: &Schema, resolved: &Resolved, admits: &dyn Fn(&str) -> bool) -> Result<()> {
    for child in schema.tables.iter().filter(|table| admits(&table.name)) {
        for reference in &child.foreign_keys {
            let Some(parent) = schema.table(&reference.parent) else { continue };
            check_reference(child, reference, parent, resolved)?;
        }
    }
    Ok(())
}

fn check_reference(
    child: &TableSchema,
    reference: &ForeignKey,
    parent: &TableSchema,
    resolved: &Resolved,
) -> Result<()> {
    for (from, to) in reference.columns.iter().zip(&reference.parent_columns) {
        let (of_child, of_parent) = (mask_of(resolved, child, from), mask_of(resolved, parent, to));
        // A row that references nothing satisfies every reference.
        if of_child == Some(&MaskKind::Null) || of_child == of_parent {
            continue;
        }
        let what = format!("{}.{from} references {}.{to}, and the two are not masked alike", child.name, parent.name);
        let names = [of_child, of_parent].map(|mask| mask.map_or("as it is", MaskKind::name));
        return Err(Error::new(Code::MaskInvalid, what)
            .because(format!("one is {} and the other {}, so no row would find what it references", names[0], names[1]))
            .leaving(UNTOUCHED)
            .next(format!("--mask '{}.{from}=null'", child.name), "let the rows reference nothing"));
    }
    Ok(())
}

fn mask_of<'a>(resolved: &'a Resolved, table: &TableSchema, column: &str) -> Option<&'a MaskKind> {
    let view = resolved.changed(&table.name)?;
    view.masks[table.column(column)?].as_ref().and_then(|mask| mask.kind())
}
