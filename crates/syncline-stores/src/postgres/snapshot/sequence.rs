//! The highest number that a table has given out.

use syncline_core::error::Result;

use super::view::Sight;

/// The last number of the sequence that belongs to the first column which has one, identity and serial alike. `None` where
/// none was given out, and where it may not be seen. Sequences are in no transaction: it is that of now.
pub(super) async fn read(sight: &Sight, table: &str) -> Result<Option<i64>> {
    let Some((_, table)) = sight.table_called(table).await? else { return Ok(None) };
    let sql = format!(
        "SELECT CASE WHEN has_sequence_privilege(s.oid, 'SELECT') THEN pg_sequence_last_value(s.oid) END \
         FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
         WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = {table} \
         AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') ORDER BY d.refobjsubid LIMIT 1"
    );
    let rows = sight.session.rows(&sql).await?;
    Ok(rows.first().and_then(|row| row.get(0)).and_then(|last| last.parse().ok()))
}
