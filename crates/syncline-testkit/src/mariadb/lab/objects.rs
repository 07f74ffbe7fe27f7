//! Everything that a database holds but its rows, whoever made it.

/// A row for each object: what it is, its name, and all that defines it. No number that the server gives out is among it,
/// and no name of the database, so that equal schemas of two databases look equal. What only one session sees, temporary
/// tables, is left out.
pub(super) fn query(is_mariadb: bool) -> String {
    let (check_table, shown, expression) =
        if is_mariadb { ("table_name", "ignored", "''") } else { ("''", "is_visible", "coalesce(expression, '')") };
    QUERY.replace("{check_table}", check_table).replace("{shown}", shown).replace("{expression}", expression)
}

/// A default that is NULL is told from one that is the text.
const QUERY: &str = "\
SELECT 'schema' AS kind, '' AS name, concat_ws(' ', default_character_set_name, default_collation_name) AS definition
FROM information_schema.schemata WHERE schema_name = database()
UNION ALL
SELECT 'table', table_name,
    concat_ws(' ', table_type, engine, row_format, table_collation, create_options, table_comment)
FROM information_schema.tables WHERE table_schema = database() AND table_type NOT LIKE 'TEMPORARY%'
UNION ALL
SELECT 'column', concat(table_name, '.', column_name), concat_ws(' ', ordinal_position, column_type, is_nullable,
    coalesce(concat('''', column_default, ''''), 'NULL'), character_set_name, collation_name, extra,
    generation_expression, column_comment)
FROM information_schema.columns WHERE table_schema = database()
UNION ALL
SELECT 'index', concat(table_name, '.', index_name, '.', seq_in_index),
    concat_ws(' ', non_unique, column_name, {expression}, collation, sub_part, index_type, {shown}, index_comment)
FROM information_schema.statistics WHERE table_schema = database()
UNION ALL
SELECT 'constraint', concat(table_name, '.', constraint_name), constraint_type
FROM information_schema.table_constraints WHERE table_schema = database()
UNION ALL
SELECT 'reference', concat(table_name, '.', constraint_name, '.', ordinal_position),
    concat_ws(' ', column_name, referenced_table_name, referenced_column_name)
FROM information_schema.key_column_usage WHERE table_schema = database() AND referenced_table_name IS NOT NULL
UNION ALL
SELECT 'action', concat(table_name, '.', constraint_name), concat_ws(' ', match_option, update_rule, delete_rule)
FROM information_schema.referential_constraints WHERE constraint_schema = database()
UNION ALL
SELECT 'check', concat({check_table}, '.', constraint_name), check_clause
FROM information_schema.check_constraints WHERE constraint_schema = database()
UNION ALL
SELECT 'view', table_name, concat_ws(' ', replace(view_definition, concat('`', database(), '`.'), ''), check_option,
    security_type, definer)
FROM information_schema.views WHERE table_schema = database()
UNION ALL
SELECT 'trigger', trigger_name, concat_ws(' ', action_timing, event_manipulation, event_object_table, action_order,
    action_statement, sql_mode, definer)
FROM information_schema.triggers WHERE trigger_schema = database()
UNION ALL
SELECT 'routine', routine_name, concat_ws(' ', routine_type, dtd_identifier, routine_definition, is_deterministic,
    sql_data_access, security_type, sql_mode, definer)
FROM information_schema.routines WHERE routine_schema = database()
UNION ALL
SELECT 'parameter', concat(specific_name, '.', ordinal_position), concat_ws(' ', parameter_mode, parameter_name,
    dtd_identifier)
FROM information_schema.parameters WHERE specific_schema = database()
UNION ALL
SELECT 'event', event_name, concat_ws(' ', event_type, execute_at, interval_value, interval_field, status,
    event_definition)
FROM information_schema.events WHERE event_schema = database()
UNION ALL
SELECT 'partition', concat(table_name, '.', partition_name, '.', coalesce(subpartition_name, '')),
    concat_ws(' ', partition_method, partition_expression, partition_description)
FROM information_schema.partitions WHERE table_schema = database() AND partition_name IS NOT NULL
UNION ALL
SELECT 'grant', grantee, privilege_type
FROM information_schema.schema_privileges WHERE table_schema = database()
UNION ALL
SELECT 'grant', concat(grantee, ' ', table_name), privilege_type
FROM information_schema.table_privileges WHERE table_schema = database()
ORDER BY 1, 2, 3";
