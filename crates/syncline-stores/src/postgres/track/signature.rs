//! The signature of a tracked table: what the catalog says of its columns, of its partitions, of its triggers of ours and their
//! functions, and of the log. Whoever last wrote the entry of a column may have given all its values another meaning, to the type that it had (`ALTER
//! COLUMN … TYPE text USING upper(v)`), and so may whoever renames the labels of an enumeration. The number and the last writer of a trigger's entry are part of it, so one that was switched off and on
//! again, or dropped and made anew just as it was, is another one.

use syncline_core::error::Result;
use tokio_postgres::types::{ToSql, Type};

use super::catalog::Tracked;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, Place};

/// Of tables with the numbers `$1`, whose logs are called `$2` and whose triggers and functions have names that begin with `$3`: what
/// each is called, whether its log is there, and the signature where both are.
const FOUND: &str = "\
    SELECT nspname::text, relname::text, to_regclass(of.log) IS NOT NULL,
        CASE WHEN relname IS NOT NULL AND to_regclass(of.log) IS NOT NULL THEN (
            WITH tree AS (SELECT of.oid UNION SELECT relid::oid FROM pg_partition_tree(of.oid::regclass)),
            columns AS (SELECT attrelid, string_agg(concat_ws(',', attnum, attname, atttypid, atttypmod, attcollation, attnotnull,
                    CASE attrelid WHEN of.oid THEN pg_attribute.xmin::text END,
                    (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = atttypid)),
                    ';' ORDER BY attnum) AS text
                FROM pg_attribute WHERE attrelid IN (of.oid, to_regclass(of.log)) AND attnum > 0 AND NOT attisdropped
                GROUP BY attrelid)
            SELECT md5(concat_ws('|', of.oid, to_regclass(of.log)::oid,
                (SELECT string_agg(text, '|' ORDER BY attrelid) FROM columns),
                (SELECT string_agg(concat_ws(',', t.oid, t.xmin, t.tgrelid, t.tgenabled, p.oid, p.xmin), ';' ORDER BY t.oid)
                    FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
                    WHERE t.tgrelid IN (SELECT oid FROM tree) AND starts_with(t.tgname::text, of.prefix)),
                (SELECT string_agg(concat_ws(',', oid, relpersistence), ';' ORDER BY oid) FROM pg_class WHERE oid IN (SELECT oid FROM tree)),
                EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = of.oid),
                (SELECT count(*) FROM pg_subscription_rel WHERE srrelid IN (SELECT oid FROM tree)))))
        END
    FROM unnest($1::oid[], $2::text[], $3::text[]) WITH ORDINALITY AS of (oid, log, prefix, place)
        LEFT JOIN (pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace AND relkind IN ('r', 'p'))
            ON pg_class.oid = of.oid
    ORDER BY place";

/// A tracked table, as the catalog has it.
pub(super) struct Found {
    /// What it is called; `None` where it is gone.
    name: Option<String>,
    has_log: bool,
    signature: String,
}

impl Found {
    /// What the catalog has of these tables, in their order.
    pub(super) async fn all(connection: &Connection, names: &Names, tracked: &[Tracked]) -> Attempt<Vec<Self>> {
        let oids: Vec<u32> = tracked.iter().map(|tracked| tracked.oid).collect();
        let logs = tracked.iter().map(|tracked| tracked.log(names)).collect::<Result<Vec<_>>>()?;
        let prefixes: Vec<String> = tracked.iter().map(Tracked::prefix).collect();
        let mut all = Vec::new();
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&oids, Type::OID_ARRAY), (&logs, Type::TEXT_ARRAY), (&prefixes, Type::TEXT_ARRAY)];
        for row in connection.client.query_typed(FOUND, &values).await? {
            let (schema, name): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
            let name = schema.zip(name).map(|(schema, name)| names.called(Place { schema: &schema, name: &name }));
            let signature = row.try_get::<_, Option<String>>(3)?.unwrap_or_default();
            all.push(Self { name, has_log: row.try_get(2)?, signature });
        }
        Ok(all)
    }

    /// What the catalog has of one.
    pub(super) async fn of(connection: &Connection, names: &Names, tracked: &Tracked) -> Attempt<Self> {
        let mut all = Self::all(connection, names, std::slice::from_ref(tracked)).await?;
        Ok(all.pop().expect("BUG: as many rows as were asked for"))
    }

    /// What has become of the table since its triggers were made; `None` where nothing has.
    pub(super) fn defect(&self, tracked: &Tracked) -> Option<&'static str> {
        if self.name.as_ref() != Some(&tracked.name) {
            return Some("the table is not there any more");
        }
        if !self.has_log {
            return Some("its log was removed");
        }
        let is_changed = self.signature != tracked.signature;
        is_changed.then_some("its definition or its triggers were changed since tracking was installed")
    }

    /// What is held against what was made.
    pub(super) fn signature(self) -> String {
        self.signature
    }
}
