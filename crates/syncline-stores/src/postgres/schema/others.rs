//! What is there and is not carried.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::NotCarried;

use super::{List, ask};
use crate::postgres::connect::Connection;
use crate::postgres::names::Place;

/// What belongs to an extension comes and goes with it. A function that only triggers call is told with its triggers.
const OTHERS: &str = "\
WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        ELSE 'sequence' END, nspname::text, relname::text, NULL::oid
FROM pg_class JOIN spaces ON spaces.oid = relnamespace
WHERE relkind IN ('v', 'm', 'f', 'S') AND relpersistence <> 't' AND relname !~ '^_syncline_' AND NOT relispartition
    AND NOT EXISTS (SELECT 1 FROM members WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid)
    AND NOT (relkind = 'S' AND EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass
        AND objid = pg_class.oid AND deptype IN ('a', 'i')))
UNION ALL
SELECT 'routine', nspname::text, proname::text, NULL
FROM pg_proc JOIN spaces ON spaces.oid = pronamespace
WHERE prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND proname !~ '^_syncline_'
    AND NOT EXISTS (SELECT 1 FROM members WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid)
UNION ALL
SELECT 'trigger', NULL, tgname::text, tgrelid FROM pg_trigger
WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal AND tgname !~ '^_syncline_'
UNION ALL
SELECT 'rule', NULL, rulename::text, ev_class FROM pg_rewrite
WHERE ev_class = ANY ($1::oid[]) AND rulename !~ '^_syncline_'
UNION ALL
SELECT 'inheritance', nspname::text, relname::text, class.oid
FROM pg_class AS class JOIN spaces ON spaces.oid = relnamespace
WHERE class.oid = ANY ($1::oid[]) AND EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = class.oid)
UNION ALL
SELECT 'partitioning', nspname::text, relname::text, class.oid
FROM pg_class AS class JOIN spaces ON spaces.oid = relnamespace WHERE class.oid = ANY ($1::oid[]) AND relkind = 'p'
UNION ALL
SELECT 'policy', NULL, polname::text, polrelid FROM pg_policy WHERE polrelid = ANY ($1::oid[])
UNION ALL
SELECT 'exclusion constraint', NULL, conname::text, conrelid FROM pg_constraint
WHERE contype = 'x' AND conrelid = ANY ($1::oid[])";

/// The kinds there are, as they are called.
const KINDS: [&str; 11] = [
    "exclusion constraint",
    "foreign table",
    "inheritance",
    "materialized view",
    "partitioning",
    "policy",
    "routine",
    "rule",
    "sequence",
    "trigger",
    "view",
];

pub(super) async fn read(connection: &Connection, list: &List<'_>) -> Result<Vec<NotCarried>> {
    let called: HashMap<u32, &str> = list.tables.iter().map(|table| (table.oid, table.called.as_str())).collect();
    let mut found = Vec::new();
    ask(connection, OTHERS, &list.oids, |row| {
        let (kind, name): (&str, &str) = (row.get(0)?, row.get(2)?);
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else { return Ok(()) };
        let name = match row.get(1)? {
            Some(schema) => list.names.called(Place { schema, name }),
            None => name.to_owned(),
        };
        let table = row.get::<Option<u32>>(3)?.and_then(|oid| called.get(&oid)).map(|table| (*table).to_owned());
        found.push(NotCarried { kind, name, table });
        Ok(())
    })
    .await?;
    found.sort_by(|a, b| (a.kind, &a.name, &a.table).cmp(&(b.kind, &b.name, &b.table)));
    // Routines may share a name.
    found.dedup();
    Ok(found)
}
