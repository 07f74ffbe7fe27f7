//! What the tables of a database look like, read in one transaction.
//!
//! Names come from the database and may hold anything, so they are bound, never pasted: every question is a
//! table-valued pragma function, prepared once and asked for each table.

mod checks;
mod index_parts;
mod indexes;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, Row, Statement};
use syncline_core::error::{Code, Error};
use syncline_core::limits;
use syncline_core::schema::{Column, ForeignKey, Generated, Index, Key, NotCarried, Schema, TableSchema};
use syncline_core::value::Kind;
use syncline_core::value::fit::Reach;

pub(super) use self::index_parts::parts_of_index;

use self::indexes::IndexInfo;
use super::connect::failure::Attempt;
use super::{ENGINE, types};

/// Tables, triggers and views of Syncline's own, in any database.
const OWN_PREFIX: &str = "_syncline_";

/// Tables of SQLite's own.
const ENGINE_PREFIX: &str = "sqlite_";

/// Reads the whole schema. The connection should be in a transaction, so that it belongs to one instant.
pub(super) fn read(conn: &Connection) -> Attempt<Schema> {
    let objects = objects(conn)?;
    let definitions: HashMap<&str, &Object> =
        objects.iter().filter(|object| object.kind == "table").map(|object| (object.name.as_str(), object)).collect();
    let mut index_definitions: HashMap<&str, Vec<&Object>> = HashMap::new();
    for object in objects.iter().filter(|object| object.kind == "index") {
        index_definitions.entry(object.table.as_str()).or_default().push(object);
    }

    let mut questions = Questions::prepare(conn)?;
    let mut tables = Vec::new();
    let mut not_carried = Vec::new();
    for listed in listed(conn)? {
        match listed.kind.as_str() {
            "virtual" => not_carried.push(left("virtual table", &listed.name, None)),
            "shadow" => not_carried.push(left("shadow table", &listed.name, None)),
            "table" => {
                let definition = definitions.get(listed.name.as_str()).and_then(|object| object.sql.as_deref());
                let indexes = index_definitions.get(listed.name.as_str()).map_or(&[][..], Vec::as_slice);
                tables.push(questions.table(conn, &listed, definition.unwrap_or_default(), indexes)?);
            }
            _ => {}
        }
    }
    for object in &objects {
        match object.kind.as_str() {
            "view" => not_carried.push(left("view", &object.name, None)),
            "trigger" => not_carried.push(left("trigger", &object.name, Some(object.table.clone()))),
            _ => {}
        }
    }
    not_carried.retain(|object| !is_own(&object.name));
    not_carried.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    resolve_references(&mut tables);
    tables.sort_by(|a, b| a.schema.name.cmp(&b.schema.name));
    let tables = tables.into_iter().map(|table| Arc::new(table.schema)).collect();
    Ok(Schema { tables, not_carried, types: Vec::new() })
}

/// An entry of sqlite_schema.
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
}

/// An entry of the list of tables.
struct Listed {
    name: String,
    kind: String,
    without_rowid: bool,
    strict: bool,
}

/// A table, and what is needed until all tables are known.
struct Described {
    schema: TableSchema,
    /// The declared primary key: what a reference without columns means.
    primary_key: Vec<String>,
}

/// The questions that are asked for each table.
struct Questions<'c> {
    columns: Statement<'c>,
    foreign_keys: Statement<'c>,
    indexes: indexes::Questions<'c>,
}

impl<'c> Questions<'c> {
    fn prepare(conn: &'c Connection) -> Attempt<Self> {
        Ok(Self {
            columns: conn.prepare(
                "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
            )?,
            // SQLite numbers references from the last to the first.
            foreign_keys: conn.prepare(
                "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete
                 FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq",
            )?,
            indexes: indexes::Questions::prepare(conn)?,
        })
    }

    fn table(
        &mut self,
        conn: &Connection,
        listed: &Listed,
        definition: &str,
        objects: &[&Object],
    ) -> Attempt<Described> {
        let (columns, primary) = self.columns(conn, listed)?;
        let indexes = self.indexes.of_table(&listed.name, &columns)?;
        let rowid_alias = rowid_alias(listed, &primary, &indexes);
        let autoincrement = match rowid_alias {
            Some(column) => conn.column_metadata(Some("main"), &listed.name, &columns[column].name)?.4,
            None => false,
        };
        let mut columns = columns;
        if let Some(column) = rowid_alias {
            columns[column].nullable = false;
        }
        let (key, key_index) = key(rowid_alias, &columns, &indexes);
        let primary_key = primary.iter().map(|column| columns[*column].name.clone()).collect();
        let expressions = checks::of_definition(definition);
        set_expressions(&mut columns, expressions.computed);
        let uniques = indexes.iter().filter(|index| index.unique && Some(index.name.as_str()) != key_index);
        let schema = TableSchema {
            name: listed.name.clone(),
            namespace: None,
            engine: ENGINE,
            server: String::new(),
            reach: Reach::Usual,
            spans: BTreeMap::new(),
            key,
            primary_key: primary,
            deferrable_key: false,
            uniques: uniques.map(IndexInfo::unique).collect(),
            foreign_keys: self.foreign_keys(&listed.name)?,
            checks: expressions.checks,
            indexes: separate_indexes(&indexes, objects),
            definition: definition.to_owned(),
            without_rowid: listed.without_rowid,
            strict: listed.strict,
            autoincrement,
            counters: Vec::new(),
            has_heirs: false,
            columns,
        };
        Ok(Described { schema, primary_key })
    }

    /// The columns, and the positions of those in the declared primary key, in its order.
    fn columns(&mut self, conn: &Connection, listed: &Listed) -> Attempt<(Vec<Column>, Vec<usize>)> {
        let mut columns = Vec::new();
        let mut primary: Vec<(i64, usize)> = Vec::new();
        let mut rows = self.columns.query([&listed.name])?;
        while let Some(row) = rows.next()? {
            let in_key: i64 = row.get(4)?;
            if in_key > 0 {
                primary.push((in_key, columns.len()));
            }
            columns.push(column(conn, listed, row)?);
        }
        primary.sort_unstable();
        Ok((columns, primary.into_iter().map(|(_, column)| column).collect()))
    }

    fn foreign_keys(&mut self, table: &str) -> Attempt<Vec<ForeignKey>> {
        let mut keys: Vec<ForeignKey> = Vec::new();
        let mut last = None;
        let mut rows = self.foreign_keys.query([table])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if last != Some(id) {
                last = Some(id);
                keys.push(ForeignKey {
                    columns: Vec::new(),
                    parent: row.get(1)?,
                    parent_columns: Vec::new(),
                    on_update: row.get(4)?,
                    on_delete: row.get(5)?,
                });
            }
            let key = keys.last_mut().expect("BUG: a reference was just added");
            key.columns.push(row.get(2)?);
            // No column at all where the definition leaves them to the parent's primary key.
            key.parent_columns.extend(row.get::<_, Option<String>>(3)?);
        }
        Ok(keys)
    }
}

fn objects(conn: &Connection) -> Attempt<Vec<Object>> {
    let mut statement = conn.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid")?;
    let rows = statement.query_map([], |row| {
        Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn listed(conn: &Connection) -> Attempt<Vec<Listed>> {
    let mut statement = conn.prepare("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")?;
    let rows = statement.query_map([], |row| {
        Ok(Listed { name: row.get(0)?, kind: row.get(1)?, without_rowid: row.get(2)?, strict: row.get(3)? })
    })?;
    let listed: Vec<Listed> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(listed.into_iter().filter(|table| !is_own(&table.name)).collect())
}

fn column(conn: &Connection, listed: &Listed, row: &Row<'_>) -> Attempt<Column> {
    let name: String = row.get(0)?;
    for name in [&listed.name, &name] {
        if name.len() > limits::NAME_BYTES_MAX {
            let what = format!("a name is longer than {} bytes: {}…", limits::NAME_BYTES_MAX, start(name));
            return Err(Error::new(Code::StoreFailed, what).into());
        }
    }
    let declared_type: String = row.get(1)?;
    let hidden: i64 = row.get(5)?;
    let collation = conn.column_metadata(Some("main"), &listed.name, &name)?.1;
    Ok(Column {
        kind: Kind::Flexible(types::coercion(&declared_type, listed.strict)),
        nullable: !row.get::<_, bool>(2)?,
        default: row.get(3)?,
        collation: collation.map_or_else(|| "BINARY".to_owned(), |name| name.to_string_lossy().into_owned()),
        generated: match hidden {
            2 => Generated::Virtual,
            3 => Generated::Stored,
            _ => Generated::No,
        },
        expression: None,
        name,
        declared_type,
    })
}

/// Gives computed columns what they are computed by: the definition names both in the same order. Should it not name as
/// many, none is given any.
fn set_expressions(columns: &mut [Column], expressions: Vec<String>) {
    let computed: Vec<&mut Column> = columns.iter_mut().filter(|column| column.generated != Generated::No).collect();
    if computed.len() == expressions.len() {
        computed.into_iter().zip(expressions).for_each(|(column, found)| column.expression = Some(found));
    }
}

/// The column that is another name for the row number. It alone makes a primary key that needs no index; asking for the
/// index also settles the odd cases, such as `INT PRIMARY KEY` and `INTEGER PRIMARY KEY DESC`.
fn rowid_alias(listed: &Listed, primary: &[usize], indexes: &[IndexInfo]) -> Option<usize> {
    match primary {
        [column] if !listed.without_rowid && !indexes.iter().any(|index| index.origin == "pk") => Some(*column),
        _ => None,
    }
}

/// How rows are told apart, and the index that sees to it.
fn key<'i>(rowid_alias: Option<usize>, columns: &[Column], indexes: &'i [IndexInfo]) -> (Option<Key>, Option<&'i str>) {
    if let Some(column) = rowid_alias {
        let key = Key { columns: vec![column], is_rowid: true, collations: vec!["BINARY".to_owned()] };
        return (Some(key), None);
    }
    let chosen = indexes.iter().find(|index| index.origin == "pk").or_else(|| {
        // Constraints before indexes, and those by name: the order must not depend on when an index was made.
        let mut candidates: Vec<_> = indexes.iter().filter(|index| index.could_be_key(columns)).collect();
        candidates.sort_by_key(|index| (index.origin != "u", (index.origin != "u").then_some(&index.name)));
        candidates.first().copied()
    });
    (chosen.and_then(IndexInfo::key), chosen.map(|index| index.name.as_str()))
}

fn separate_indexes(indexes: &[IndexInfo], objects: &[&Object]) -> Vec<Index> {
    let made_apart = |object: &&&Object| object.sql.is_some();
    let info = |object: &Object| indexes.iter().find(|index| index.name == object.name);
    objects
        .iter()
        .filter(made_apart)
        .map(|object| Index {
            name: object.name.clone(),
            unique: info(object).is_some_and(|index| index.unique),
            columns: info(object).map(IndexInfo::columns).unwrap_or_default(),
            partial: info(object).is_some_and(|index| index.partial),
            definition: object.sql.clone().unwrap_or_default(),
        })
        .collect()
}

fn resolve_references(tables: &mut [Described]) {
    let primary_keys: HashMap<String, Vec<String>> =
        tables.iter().map(|table| (table.schema.name.to_ascii_lowercase(), table.primary_key.clone())).collect();
    for key in tables.iter_mut().flat_map(|table| &mut table.schema.foreign_keys) {
        if key.parent_columns.is_empty()
            && let Some(columns) = primary_keys.get(&key.parent.to_ascii_lowercase())
        {
            key.parent_columns.clone_from(columns);
        }
    }
}

fn left(kind: &'static str, name: &str, table: Option<String>) -> NotCarried {
    NotCarried { kind, name: name.to_owned(), table }
}

fn is_own(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    begins(OWN_PREFIX) || begins(ENGINE_PREFIX)
}

fn start(name: &str) -> String {
    name.chars().take(40).collect()
}
