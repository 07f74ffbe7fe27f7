//! How columns are given their numbers: by sequences, of identity columns, of `serial`, or made apart.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::Counter;

use super::{ByTable, ask};
use crate::postgres::connect::Connection;

/// The sequence of each column that takes its values from one. What a column of its own type cannot hold is no number of it,
/// though a sequence that was made apart may go on further.
const COUNTERS: &str = "\
WITH given AS (
    SELECT refobjid AS relid, refobjsubid AS attnum, objid AS sequence FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = ANY ($1::oid[])
        AND deptype = 'i'
    UNION
    SELECT adrelid, adnum, refobjid FROM pg_attrdef JOIN pg_depend
        ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid AND refclassid = 'pg_class'::regclass
    WHERE adrelid = ANY ($1::oid[])
), bounded AS (
    SELECT relid, attribute.attnum, attname, attidentity = 'a' AS always, pg_sequence.*,
        CASE atttypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END::int8 AS floor,
        CASE atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END::int8 AS ceiling
    FROM given JOIN pg_sequence ON seqrelid = sequence
        JOIN pg_attribute AS attribute ON attrelid = relid AND attribute.attnum = given.attnum
    WHERE atttypid IN (20, 21, 23)
)
SELECT DISTINCT ON (relid, attnum) relid, attname, always, seqincrement, greatest(seqmin, floor), least(seqmax, ceiling),
    least(greatest(seqstart, floor), ceiling), seqcycle
FROM bounded WHERE seqmin <= ceiling AND seqmax >= floor AND abs(seqincrement::numeric) <= ceiling
ORDER BY relid, attnum, seqrelid";

/// Those of each table.
pub(super) async fn read(connection: &Connection, oids: &[u32]) -> Result<ByTable<Vec<Counter>>> {
    let mut tables: ByTable<Vec<Counter>> = HashMap::new();
    ask(connection, COUNTERS, oids, |row| {
        tables.entry(row.get(0)?).or_default().push(Counter {
            column: row.get(1)?,
            is_always: row.get(2)?,
            increment: row.get(3)?,
            lowest: row.get(4)?,
            highest: row.get(5)?,
            start: row.get(6)?,
            cycles: row.get(7)?,
        });
        Ok(())
    })
    .await?;
    Ok(tables)
}
