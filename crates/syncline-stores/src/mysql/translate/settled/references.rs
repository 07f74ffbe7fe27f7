//! References: both ends are of one type, and the other end is known by what it holds.

use syncline_core::schema::{Column, ForeignKey, Schema, TableSchema};
use syncline_core::value::Kind;

use crate::mysql::connect::Version;

/// How far a reference is followed from table to table.
const DEPTH_MAX: usize = 8;

/// Takes out references that the server would refuse. Where the table is made from its description, its columns take the
/// types of those that they reference.
pub(super) fn settle(
    settled: &mut TableSchema,
    table: &TableSchema,
    (among, version, is_described): (&Schema, &Version, bool),
    left_out: &mut Vec<String>,
) {
    let view = View { among, version };
    if is_described {
        for at in 0..settled.columns.len() {
            settled.columns[at] = view.column(settled, at, DEPTH_MAX);
        }
        if let Some(key) = &mut settled.key {
            key.collations = key.columns.iter().map(|at| settled.columns[*at].collation.clone()).collect();
        }
    }
    settled.foreign_keys.clear();
    for key in &table.foreign_keys {
        match view.reference(settled, key, is_described) {
            Ok(key) => settled.foreign_keys.push(key),
            Err(why) => {
                left_out.push(format!("the reference ({}) to {}: {why}", key.columns.join(", "), key.parent));
            }
        }
    }
}

/// What references are looked up in.
struct View<'a> {
    among: &'a Schema,
    version: &'a Version,
}

impl View<'_> {
    /// The table in this server's words, if it is there or will be.
    fn table(&self, name: &str, own: &TableSchema) -> Option<TableSchema> {
        if own.is_called(name) {
            return Some(own.clone());
        }
        let found = self.among.table(name)?;
        Some(super::known(found, self.version, &mut Vec::new()).into_owned())
    }

    /// A column with the type of the one that it references, where that holds as much.
    fn column(&self, table: &TableSchema, at: usize, depth: usize) -> Column {
        let mut column = table.columns[at].clone();
        if depth == 0 {
            return column;
        }
        for key in &table.foreign_keys {
            let Some(place) = key.columns.iter().position(|name| name.eq_ignore_ascii_case(&column.name)) else {
                continue;
            };
            let Some(parent) = self.table(&key.parent, table) else { continue };
            let Some(other) = parent_columns(key, &parent).and_then(|names| parent.column(names.get(place)?)) else {
                continue;
            };
            if parent.name == table.name && other == at {
                continue;
            }
            adopt(&mut column, &self.column(&parent, other, depth - 1));
        }
        column
    }

    /// The reference with all names as they are spelled where it points to, or why the server would refuse it.
    fn reference(&self, table: &TableSchema, key: &ForeignKey, is_described: bool) -> Result<ForeignKey, String> {
        let Some(parent) = self.table(&key.parent, table) else { return Err("there is no such table".to_owned()) };
        let columns = positions(table, &key.columns)?;
        let names = parent_columns(key, &parent).unwrap_or_default();
        let parent_columns = positions(&parent, &names)?;
        if parent_columns.len() != columns.len() {
            return Err(format!("{} has another number of columns in its primary key", parent.name));
        }
        let named = |table: &TableSchema, positions: &[usize]| -> Vec<String> {
            positions.iter().map(|at| table.columns[*at].name.clone()).collect()
        };
        if !is_unique(&parent, &parent_columns, is_described) {
            return Err(format!("({}) is not unique there", named(&parent, &parent_columns).join(", ")));
        }
        for (child, other) in columns.iter().zip(&parent_columns) {
            let own = &table.columns[*child];
            let other = self.column(&parent, *other, DEPTH_MAX - 1);
            if !can_reference(own, &other) {
                let (ours, theirs) = (described(own), described(&other));
                return Err(format!("{} is {ours}, and {} is {theirs}", own.name, other.name));
            }
        }
        let (columns, parent_columns) = (named(table, &columns), named(&parent, &parent_columns));
        Ok(ForeignKey { columns, parent: parent.name.clone(), parent_columns, ..key.clone() })
    }
}

/// The columns that are referenced: those of the primary key where none are named.
fn parent_columns(key: &ForeignKey, parent: &TableSchema) -> Option<Vec<String>> {
    if !key.parent_columns.is_empty() {
        return Some(key.parent_columns.clone());
    }
    Some(parent.primary_key.iter().map(|at| parent.columns[*at].name.clone()).collect())
}

fn positions(table: &TableSchema, names: &[String]) -> Result<Vec<usize>, String> {
    let position = |name: &String| table.column(name).ok_or_else(|| format!("{} has no column {name}", table.name));
    names.iter().map(position).collect()
}

/// Whether the primary key or an index is over these columns. The engine itself wants no more than an index that begins with
/// them, and what it has taken elsewhere it takes again.
fn is_unique(table: &TableSchema, columns: &[usize], is_described: bool) -> bool {
    let is_it = |others: &[usize]| {
        if is_described {
            others.len() == columns.len() && others.iter().all(|other| columns.contains(other))
        } else {
            others.starts_with(columns)
        }
    };
    let named = |name: &Option<String>| table.column(name.as_deref()?);
    let indexes = table.indexes.iter().filter(|index| index.unique || !is_described);
    let mut indexes = indexes.filter_map(|index| {
        // Columns of which only a beginning is in it end what can be used.
        let columns: Vec<usize> = index.columns.iter().map_while(|column| named(&column.name)).collect();
        (columns.len() == index.columns.len() || !is_described).then_some(columns)
    });
    is_it(&table.primary_key) || indexes.any(|columns| is_it(&columns))
}

/// Gives the column the type of another, if that holds as much, or all that can be referenced.
fn adopt(column: &mut Column, other: &Column) {
    match (whole_number(column), whole_number(other)) {
        (Some((ours, _)), Some((theirs, _))) if ours <= theirs => {
            column.declared_type.clone_from(&other.declared_type);
            column.kind.clone_from(&other.kind);
        }
        _ if is_text(column) && is_text(other) => column.collation.clone_from(&other.collation),
        _ => {}
    }
}

/// Whether the server takes a reference between columns of these types: numbers of one size and sign, text of one collation,
/// and else of one type.
fn can_reference(child: &Column, parent: &Column) -> bool {
    match (whole_number(child), whole_number(parent)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ if is_text(child) && is_text(parent) => child.collation == parent.collation,
        _ if is_short_bytes(child) && is_short_bytes(parent) => true,
        _ => child.declared_type == parent.declared_type,
    }
}

fn described(column: &Column) -> String {
    let space = if column.collation.is_empty() { "" } else { " " };
    format!("{}{space}{}", column.declared_type, column.collation)
}

/// The size of a whole number, and whether it has no sign.
fn whole_number(column: &Column) -> Option<(usize, bool)> {
    const SIZES: [&str; 5] = ["tinyint", "smallint", "mediumint", "int", "bigint"];
    let name = column.declared_type.split(['(', ' ']).next()?;
    let size = SIZES.iter().position(|known| *known == name)?;
    Some((size, column.declared_type.contains("unsigned")))
}

fn is_text(column: &Column) -> bool {
    matches!(column.kind, Kind::Text { .. }) && !column.declared_type.ends_with("text")
}

fn is_short_bytes(column: &Column) -> bool {
    column.kind == Kind::Bytes && !column.declared_type.ends_with("blob")
}
