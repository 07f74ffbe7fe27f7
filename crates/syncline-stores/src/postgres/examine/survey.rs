//! What the catalog says of all tables: what the login may do with each, and what would act when it is written.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use syncline_core::error::Result;
use syncline_core::schema::TableSchema;
use tokio_postgres::types::ToSql;

use crate::postgres::connect::Connection;
use crate::postgres::names::{Names, Place};
use crate::postgres::schema::Cells;

const RIGHTS: &str = "\
SELECT class.oid, nspname::text, relname::text, has_schema_privilege(space.oid, 'USAGE'),
    has_table_privilege(class.oid, 'SELECT'), has_table_privilege(class.oid, 'INSERT'),
    has_table_privilege(class.oid, 'UPDATE'), has_table_privilege(class.oid, 'DELETE'),
    pg_has_role(relowner, 'USAGE'), row_security_active(class.oid), relkind = 'p',
    ARRAY(SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
        AND (tgrelid = class.oid OR tgrelid IN (SELECT relid FROM pg_partition_tree(class.oid))) ORDER BY 1)
FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE class.relkind IN ('r', 'p') AND (nspname::text, relname::text) IN (SELECT * FROM unnest($1::text[], $2::text[]))";

/// The sequences that columns take their values from.
const SEQUENCES: &str = "\
WITH given AS (
    SELECT refobjid AS relation, objid AS sequence FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = ANY ($1) AND deptype = 'i'
    UNION
    SELECT adrelid, refobjid FROM pg_attrdef JOIN pg_depend
        ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid AND refclassid = 'pg_class'::regclass
    WHERE adrelid = ANY ($1)
)
SELECT relation, nspname::text, relname::text, has_sequence_privilege(pg_class.oid, 'SELECT'),
    has_sequence_privilege(pg_class.oid, 'UPDATE')
FROM given JOIN pg_sequence ON seqrelid = sequence JOIN pg_class ON pg_class.oid = sequence
JOIN pg_namespace ON pg_namespace.oid = relnamespace ORDER BY nspname, relname";

/// Columns whose collation takes different texts for the same.
const COLLATIONS: &str = "\
SELECT attrelid, attname::text, collname::text FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation
WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped AND NOT collisdeterministic";

/// Schemas of the types and collations that the tables are made of.
const SCHEMAS: &str = "\
WITH RECURSIVE used AS (
    SELECT atttypid AS typid FROM pg_attribute WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped
    UNION
    SELECT CASE typtype WHEN 'd' THEN typbasetype ELSE typelem END FROM used JOIN pg_type ON pg_type.oid = typid
    WHERE typtype = 'd' OR typcategory = 'A'
), named AS (
    SELECT typnamespace AS space FROM used JOIN pg_type ON pg_type.oid = typid
    UNION
    SELECT collnamespace FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation WHERE attrelid = ANY ($1)
)
SELECT nspname::text FROM named JOIN pg_namespace ON pg_namespace.oid = space
WHERE nspname NOT IN ('pg_catalog', 'information_schema')";

/// All tables of a view.
pub(super) struct Survey {
    pub(super) tables: Vec<Surveyed>,
    /// Schemas that must be entered to reach the tables and what they are made of.
    pub(super) schemas: BTreeSet<String>,
}

/// One table and what the login may do with it.
pub(super) struct Surveyed {
    pub(super) table: Arc<TableSchema>,
    /// As it is written.
    pub(super) written: String,
    /// Its schema, not quoted.
    pub(super) schema: String,
    pub(super) may_enter: bool,
    pub(super) may_select: bool,
    pub(super) may_insert: bool,
    pub(super) may_update: bool,
    pub(super) may_delete: bool,
    pub(super) is_ours: bool,
    /// A policy hides rows from the login.
    pub(super) hides_rows: bool,
    pub(super) is_partitioned: bool,
    /// When its triggers fire, in the catalog's letters.
    pub(super) triggers: Vec<String>,
    pub(super) sequences: Vec<Sequence>,
    /// Columns of the key whose collation takes different texts for the same, with that collation.
    pub(super) blurred: Vec<(String, String)>,
}

/// A sequence that a table takes numbers from.
pub(super) struct Sequence {
    /// As it is written.
    pub(super) written: String,
    pub(super) schema: String,
    pub(super) may_read_and_move: bool,
}

impl Survey {
    /// Looks all tables up. One that has gone meanwhile is left out.
    pub(super) async fn of(connection: &Connection, names: &Names, tables: &[Arc<TableSchema>]) -> Result<Self> {
        let places: Vec<Place<'_>> = tables.iter().map(|table| names.place(table)).collect();
        let (schemas, called): (Vec<_>, Vec<_>) = places.iter().map(|place| (place.schema, place.name)).unzip();
        let (client, read) = (&connection.client, |error| connection.error(error));
        let rows = client.query(RIGHTS, &[&schemas, &called]).await.map_err(read)?;
        let cells = |row| Cells { connection, row };
        let oids = rows.iter().map(|row| cells(row).get(0)).collect::<Result<Vec<u32>>>()?;
        let asked: [&(dyn ToSql + Sync); 1] = [&oids];
        let (sequences, collations, spaces) = futures_util::future::try_join3(
            client.query(SEQUENCES, &asked),
            client.query(COLLATIONS, &asked),
            client.query(SCHEMAS, &asked),
        )
        .await
        .map_err(read)?;
        let mut found = HashMap::new();
        for row in &rows {
            found.insert((cells(row).get::<String>(1)?, cells(row).get::<String>(2)?), cells(row));
        }
        let mut surveyed = Vec::new();
        for (table, place) in tables.iter().zip(&places) {
            let Some(row) = found.get(&(place.schema.to_owned(), place.name.to_owned())) else { continue };
            let mut one = Surveyed::of(table, *place, row)?;
            let oid: u32 = row.get(0)?;
            sequences.iter().try_for_each(|sequence| one.take_sequence(oid, &cells(sequence)))?;
            collations.iter().try_for_each(|column| one.take_blurred(oid, &cells(column)))?;
            surveyed.push(one);
        }
        let of_types = spaces.iter().map(|row| cells(row).get(0)).collect::<Result<Vec<String>>>()?;
        let sequences = surveyed.iter().flat_map(|one: &Surveyed| &one.sequences).map(|of| of.schema.clone());
        let schemas = surveyed.iter().map(|one| one.schema.clone()).chain(of_types).chain(sequences).collect();
        Ok(Self { tables: surveyed, schemas })
    }
}

impl Surveyed {
    fn of(table: &Arc<TableSchema>, place: Place<'_>, row: &Cells<'_>) -> Result<Self> {
        Ok(Self {
            table: Arc::clone(table),
            written: place.quoted()?,
            schema: place.schema.to_owned(),
            may_enter: row.get(3)?,
            may_select: row.get(4)?,
            may_insert: row.get(5)?,
            may_update: row.get(6)?,
            may_delete: row.get(7)?,
            is_ours: row.get(8)?,
            hides_rows: row.get(9)?,
            is_partitioned: row.get(10)?,
            triggers: row.get(11)?,
            sequences: Vec::new(),
            blurred: Vec::new(),
        })
    }

    fn take_sequence(&mut self, oid: u32, row: &Cells<'_>) -> Result<()> {
        if row.get::<u32>(0)? == oid {
            let (schema, name): (String, String) = (row.get(1)?, row.get(2)?);
            let written = Place { schema: &schema, name: &name }.quoted()?;
            let may_read_and_move = row.get::<bool>(3)? && row.get::<bool>(4)?;
            self.sequences.push(Sequence { written, schema, may_read_and_move });
        }
        Ok(())
    }

    fn take_blurred(&mut self, oid: u32, row: &Cells<'_>) -> Result<()> {
        let column: String = row.get(1)?;
        let mut key = self.table.key.iter().flat_map(|key| &key.columns);
        if row.get::<u32>(0)? == oid && key.any(|at| self.table.columns[*at].name == column) {
            self.blurred.push((column, row.get(2)?));
        }
        Ok(())
    }

    /// Whether a trigger would fire that nobody here can switch off.
    pub(super) fn fires(&self, may_replicate: bool) -> bool {
        let spared = if may_replicate { "O" } else { "R" };
        !self.is_ours && self.triggers.iter().any(|enabled| enabled != spared)
    }
}
