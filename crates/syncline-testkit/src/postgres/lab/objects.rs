//! Everything that a database holds but its rows, whoever made it.

/// A row for each object: what it is, its schema, its name, and all that defines it. No number that the server gives out
/// is among it, so that equal schemas of two databases look equal. What only one session sees, temporary tables, is left
/// out.
///
/// The triggers by which references are kept have made-up names; whether they are switched on is shown all the same.
pub(super) const QUERY: &str = "\
WITH space AS (
    SELECT oid, nspname, nspacl FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
), relation AS (
    SELECT c.*, nspname AS schema FROM pg_class c JOIN space ON space.oid = relnamespace
)
SELECT 'schema' AS kind, nspname::text AS schema, nspname::text AS name, coalesce(nspacl::text, '') AS definition
FROM space
UNION ALL
SELECT 'relation', schema, relname, concat_ws(' ', relkind, relpersistence, relrowsecurity, relispartition, relacl,
    reloptions, relreplident, CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
    pg_get_expr(relpartbound, oid), pg_get_partkeydef(oid))
FROM relation
UNION ALL
SELECT 'index', schema, relname, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisprimary, indimmediate)
FROM relation JOIN pg_index ON indexrelid = oid
UNION ALL
SELECT 'sequence', schema, relname, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcycle)
FROM relation JOIN pg_sequence ON seqrelid = oid
UNION ALL
SELECT 'column', schema, relname || '.' || attname, concat_ws(' ', attnum, format_type(atttypid, atttypmod), attnotnull,
    attidentity, attgenerated, attisdropped, attcollation::regcollation, attacl, pg_get_expr(adbin, adrelid))
FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT 'constraint', nspname, coalesce(conrelid::regclass::text, contypid::regtype::text) || '.' || conname,
    concat_ws(' ', pg_get_constraintdef(pg_constraint.oid), convalidated)
FROM pg_constraint JOIN space ON space.oid = connamespace
UNION ALL
SELECT 'trigger', schema, relname || '.' || CASE WHEN tgisinternal THEN tgfoid::regproc::text ELSE tgname END,
    concat_ws(' ', CASE WHEN NOT tgisinternal THEN pg_get_triggerdef(pg_trigger.oid) END, tgenabled)
FROM relation JOIN pg_trigger ON tgrelid = relation.oid
UNION ALL
SELECT 'rule', schema, relname || '.' || rulename, concat_ws(' ', pg_get_ruledef(pg_rewrite.oid), ev_enabled)
FROM relation JOIN pg_rewrite ON ev_class = relation.oid
UNION ALL
SELECT 'policy', schema, relname || '.' || polname, concat_ws(' ', polcmd, pg_get_expr(polqual, polrelid))
FROM relation JOIN pg_policy ON polrelid = relation.oid
UNION ALL
SELECT 'routine', nspname, pg_proc.oid::regprocedure::text, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(pg_proc.oid) END
FROM pg_proc JOIN space ON space.oid = pronamespace
UNION ALL
SELECT 'type', nspname, typname, concat_ws(' ', typtype, format_type(typbasetype, typtypmod), typnotnull, typdefault,
    (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid))
FROM pg_type JOIN space ON space.oid = typnamespace
UNION ALL
SELECT 'collation', nspname, collname, (to_jsonb(pg_collation) - 'oid' - 'collowner' - 'collnamespace')::text
FROM pg_collation JOIN space ON space.oid = collnamespace
UNION ALL
SELECT 'statistics', nspname, stxname, pg_get_statisticsobjdef(pg_statistic_ext.oid)
FROM pg_statistic_ext JOIN space ON space.oid = stxnamespace
UNION ALL
SELECT 'extension', '', extname, extversion FROM pg_extension
UNION ALL
SELECT 'event trigger', '', evtname, evtenabled::text FROM pg_event_trigger
UNION ALL
SELECT 'publication', '', pubname, puballtables::text FROM pg_publication
UNION ALL
SELECT 'replication slot', '', slot_name, slot_type FROM pg_replication_slots WHERE database = current_database()
UNION ALL
SELECT 'large objects', '', '', count(*)::text FROM pg_largeobject_metadata
UNION ALL
SELECT 'setting', '', coalesce(setrole::regrole::text, ''), setconfig::text
FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1, 2, 3, 4";
