//! What has to be known of a table to write to it, as the catalog has it now.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error};
use syncline_core::schema::{Column, TableSchema};
use syncline_core::value::Kind;
use tokio_postgres::Row;

use super::session::Session;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, quoted};
use crate::postgres::types::Reading;

/// Columns as they are stored: a domain is what it is made of.
const COLUMNS: &str = "\
    WITH RECURSIVE base AS (
        SELECT attnum, attname, attidentity, attcollation, atttypid AS typid, atttypmod AS typmod
        FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT attnum, attname, attidentity, attcollation, typbasetype, typtypmod
        FROM base JOIN pg_type ON pg_type.oid = typid WHERE typtype = 'd'
    )
    SELECT attname::text, attidentity = 'a',
        format('%I.%I', space.nspname, type.typname), format_type(type.oid, typmod),
        (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation AS c
            JOIN pg_namespace AS n ON n.oid = c.collnamespace WHERE c.oid = attcollation),
        (SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_opclass AS class
            JOIN pg_amop AS member ON amopfamily = opcfamily AND amopstrategy = 3
                AND amoplefttype = opcintype AND amoprighttype = opcintype
            JOIN pg_operator AS o ON o.oid = amopopr JOIN pg_namespace AS n ON n.oid = o.oprnamespace
            WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') AND opcdefault AND opcintype = type.oid),
        type.typname = 'citext' OR EXISTS (SELECT FROM pg_collation WHERE oid = attcollation AND NOT collisdeterministic)
    FROM base JOIN pg_type AS type ON type.oid = typid JOIN pg_namespace AS space ON space.oid = type.typnamespace
    WHERE type.typtype <> 'd' ORDER BY attnum";

/// Triggers and rules of the application on the table and its partitions that are not disabled. Ours log what is written, whoever
/// writes it.
const TRIGGERS: &str = "\
    SELECT format('%I.%I', nspname, relname), format('%I', name), enabled::text, kind FROM (
        SELECT tgrelid AS relid, tgname AS name, tgenabled AS enabled, 'TRIGGER' AS kind FROM pg_trigger
            WHERE NOT tgisinternal AND tgname !~ '^_syncline_'
        UNION ALL SELECT ev_class, rulename, ev_enabled, 'RULE' FROM pg_rewrite WHERE ev_type <> '1') AS firing
    JOIN pg_class ON pg_class.oid = relid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE enabled <> 'D' AND (relid = $1 OR relid IN (SELECT relid FROM pg_partition_tree($1)))
    ORDER BY 1, 2, 4";

/// References to the table whose action would change the rows that reference it.
const ACTIONS: &str = "\
    SELECT format('%I.%I', nspname, relname),
        (SELECT string_agg(format('c.%I = t.%I', child.attname, parent.attname), ' AND ')
            FROM unnest(conkey, confkey) AS pair (ours, theirs)
            JOIN pg_attribute AS child ON child.attrelid = conrelid AND child.attnum = ours
            JOIN pg_attribute AS parent ON parent.attrelid = confrelid AND parent.attnum = theirs)
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE contype = 'f' AND confrelid = $1 AND confdeltype IN ('c', 'n', 'd') AND conparentid = 0";

/// A table that is written to.
#[derive(Debug)]
pub(in crate::postgres) struct Target {
    /// What the table is called.
    pub(in crate::postgres) name: String,
    /// How it is written where rows are added.
    pub(in crate::postgres) table: String,
    /// How it is written where rows are found: tables that inherit from it are others, partitions are not.
    pub(in crate::postgres) rows: String,
    pub(in crate::postgres) oid: u32,
    /// Whether we may change its definition.
    pub(in crate::postgres) is_ours: bool,
    /// Enabled triggers and rules of the application.
    pub(in crate::postgres) triggers: Vec<Trigger>,
    /// References whose actions would change other rows when rows of this one go.
    pub(in crate::postgres) actions: Vec<Action>,
    /// In the order of the schema's columns.
    columns: Vec<TargetColumn>,
}

/// A trigger of the application, or a rule, by which the server does something else than it is told.
#[derive(Debug)]
pub(in crate::postgres) struct Trigger {
    /// The table or partition it is on, as it is written.
    pub(in crate::postgres) table: String,
    /// Its name, as it is written.
    pub(in crate::postgres) name: String,
    /// When it fires, in the catalog's letters: `O`, `R` or `A`.
    pub(in crate::postgres) enabled: String,
    /// What it is, as it is written: `TRIGGER` or `RULE`.
    pub(in crate::postgres) kind: String,
}

/// A reference with an action.
#[derive(Debug)]
pub(in crate::postgres) struct Action {
    /// The referencing table, as it is written.
    pub(in crate::postgres) table: String,
    /// Which of its rows `c` reference a row `t`.
    pub(in crate::postgres) condition: String,
}

/// A column that is written to.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct TargetColumn {
    /// The name, as it is written.
    pub(in crate::postgres) name: String,
    pub(in crate::postgres) codec: Codec,
    /// The type without its limits, as it is written.
    pub(in crate::postgres) type_name: String,
    /// The type with its limits; of a domain, what it is made of.
    pub(in crate::postgres) limited: String,
    /// The collation, as it is written, of a type that has one.
    pub(in crate::postgres) collation: Option<String>,
    /// The operator by which two values are the same to the engine.
    pub(in crate::postgres) equals: String,
    /// Values that are told apart here may be the same to the engine.
    folds: bool,
    /// The engine gives out its values, and lets none be changed.
    pub(in crate::postgres) is_always_given: bool,
    /// A value that fits is stored just so.
    pub(in crate::postgres) echoes: bool,
}

/// Where a table is that is known by what it is called.
#[derive(Debug)]
pub(in crate::postgres) struct Located {
    pub(in crate::postgres) oid: u32,
    /// As [`Target::table`].
    pub(in crate::postgres) table: String,
    /// As [`Target::rows`].
    pub(in crate::postgres) rows: String,
}

/// The table that is called so; `None` when there is none.
pub(in crate::postgres) async fn locate(session: &Session, names: &Names, called: &str) -> Attempt<Option<Located>> {
    let query = "SELECT pg_class.oid, format('%I.%I', nspname, relname), relkind = 'p' FROM pg_class \
         JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE relkind IN ('r', 'p') AND (nspname = $1 AND relname = $2 OR nspname || '.' || relname = $2) \
         ORDER BY nspname = $1 DESC LIMIT 1";
    let found = session.connection().client.query_opt(query, &[&names.default_schema(), &called]).await?;
    let Some(found) = found else { return Ok(None) };
    let (oid, table, has_partitions): (u32, String, bool) = (found.try_get(0)?, found.try_get(1)?, found.try_get(2)?);
    let rows = if has_partitions { table.clone() } else { format!("ONLY {table}") };
    Ok(Some(Located { oid, table, rows }))
}

impl Target {
    /// Looks the table up.
    pub(in crate::postgres) async fn find(session: &Session, names: &Names, table: &TableSchema) -> Attempt<Self> {
        let written = names.table(table)?;
        let client = &session.connection().client;
        let place = names.place(table);
        let query = "SELECT pg_class.oid, pg_has_role(relowner, 'USAGE'), relkind = 'p' FROM pg_class \
             JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND relname = $2";
        let Some(found) = client.query_opt(query, &[&place.schema, &place.name]).await? else {
            let what = format!("there is no table {} in the target any more", table.name);
            return Err(Error::new(Code::TargetChanged, what).into());
        };
        let (oid, is_ours, has_partitions): (u32, bool, bool) =
            (found.try_get(0)?, found.try_get(1)?, found.try_get(2)?);
        let (columns, triggers, actions) = futures_util::future::try_join3(
            client.query(COLUMNS, &[&oid]),
            client.query(TRIGGERS, &[&oid]),
            client.query(ACTIONS, &[&oid]),
        )
        .await?;
        let found: Vec<TargetColumn> =
            columns.iter().filter_map(|row| column(row, table).transpose()).collect::<Attempt<_>>()?;
        let of_schema = |column: &Column| {
            let name = quoted(&column.name)?;
            found.iter().find(|found| found.name == name).cloned().ok_or_else(|| {
                let what = format!("{} has no column {} any more in the target", table.name, column.name);
                Error::new(Code::TargetChanged, what)
            })
        };
        let trigger = |row: &Row| {
            let (table, name) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Trigger { table, name, enabled: row.try_get(2)?, kind: row.try_get(3)? })
        };
        let action = |row: &Row| Ok(Action { table: row.try_get(0)?, condition: row.try_get(1)? });
        Ok(Self {
            name: table.name.clone(),
            rows: if has_partitions { written.clone() } else { format!("ONLY {written}") },
            table: written,
            oid,
            is_ours,
            triggers: triggers.iter().map(trigger).collect::<Attempt<_>>()?,
            actions: actions.iter().map(action).collect::<Attempt<_>>()?,
            columns: table.columns.iter().map(of_schema).collect::<Result<_, Error>>()?,
        })
    }

    /// The column at this position of the schema.
    pub(in crate::postgres) fn column(&self, at: usize) -> &TargetColumn {
        &self.columns[at]
    }

    /// The columns at these positions of the schema.
    pub(in crate::postgres) fn columns<'t>(&'t self, at: &'t [usize]) -> impl Iterator<Item = &'t TargetColumn> {
        at.iter().map(|at| &self.columns[*at])
    }

    /// The names of these columns in a list.
    pub(in crate::postgres) fn listed(&self, at: &[usize]) -> String {
        joined(self.columns(at).map(|column| column.name.clone()))
    }

    /// These columns of the table `t`, to be read.
    pub(in crate::postgres) fn selected(&self, at: &[usize]) -> String {
        joined(self.columns(at).map(|column| column.codec.printed(&format!("t.{}", column.name))))
    }

    /// How these columns are read.
    pub(in crate::postgres) fn codecs(&self, at: &[usize]) -> Vec<Codec> {
        self.columns(at).map(|column| column.codec.clone()).collect()
    }
}

pub(in crate::postgres) fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

/// Positions in the table's columns of those that make up the key of a task.
pub(in crate::postgres) fn key_columns(task: &TableTask) -> Vec<usize> {
    task.key.iter().map(|at| task.columns[*at]).collect()
}

fn column(row: &Row, table: &TableSchema) -> Attempt<Option<TargetColumn>> {
    let name: String = row.try_get(0)?;
    let Some(column) = table.columns.iter().find(|column| column.name == name) else { return Ok(None) };
    let collation: Option<String> = row.try_get(4)?;
    Ok(Some(TargetColumn {
        name: quoted(&name)?,
        codec: Reading::of(column).codec,
        type_name: row.try_get(2)?,
        limited: row.try_get(3)?,
        collation: collation.filter(|collation| collation != "pg_catalog.\"default\""),
        equals: row.try_get::<_, Option<String>>(5)?.unwrap_or_else(|| "=".to_owned()),
        folds: row.try_get(6)? || matches!(column.kind, Kind::Json { .. } | Kind::Other { .. }),
        is_always_given: row.try_get(1)?,
        echoes: echoes(&column.kind),
    }))
}

impl TargetColumn {
    /// That two values of this column are the same key. The engine may take others for the same, by a collation or a type that
    /// disregards something: those are in each other's way, and not in each other's place.
    pub(in crate::postgres) fn same(&self, left: &str, right: &str) -> String {
        let same = format!("{left} {} {right}", self.equals);
        if !self.folds {
            return same;
        }
        // The first finds the index, the second tells them apart.
        format!("{same} AND {left}::text COLLATE \"C\" = {right}::text COLLATE \"C\"")
    }
}

/// Whether a column of this kind gives back a value that fits it just as it was written.
fn echoes(kind: &Kind) -> bool {
    match kind {
        Kind::Decimal { .. } | Kind::Json { normalised: true } | Kind::Other { .. } | Kind::Flexible(_) => false,
        Kind::Text { padded, .. } => !padded,
        _ => true,
    }
}
