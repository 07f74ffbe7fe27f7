//! What becomes of a table that is to be made in a database with these other tables: what the server would refuse is left out
//! and named.
//!
//! The words of another product, or of a newer server, are not this one's: then the table is made from its description, with
//! types and collations that are known here.

mod collations;
mod references;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use syncline_core::schema::{IndexColumn, Schema, TableSchema, Translated};

use crate::mysql::connect::Version;
use crate::mysql::definition::Definition;

/// The table as it can be made there.
pub fn settled(table: &Arc<TableSchema>, among: &Schema, version: &Version) -> Translated {
    let mut left_out = Vec::new();
    let mut settled = known(table, version, &mut left_out).into_owned();
    let printed = std::mem::take(&mut settled.definition);
    let counts_here = counts_by_key(&settled);
    let kept = Definition::parse(&printed)
        .filter(|definition| CONVERTIBLE.contains(&definition.engine) && counts_here)
        .map(Definition::in_innodb);
    let is_described = kept.is_none();
    if !counts_here {
        let counters = std::mem::take(&mut settled.counters);
        left_out.extend(counters.iter().map(|counter| format!("the numbers that {} is given", counter.column)));
        settled.autoincrement = false;
    }
    if let Some(definition) = Definition::parse(&table.definition).filter(|_| is_described) {
        left_out.extend(definition.refreshed_columns().map(|name| format!("ON UPDATE CURRENT_TIMESTAMP of {name}")));
        left_out.extend(definition.hidden_columns().map(|name| format!("the invisibility of {name}")));
    }
    references::settle(&mut settled, table, (among, version, is_described), &mut left_out);
    settled.definition = match kept {
        Some(mut definition) => {
            left_out.extend(definition.dropped.iter().map(|option| format!("the option {option}")));
            definition.keep_references(&settled.foreign_keys);
            let name = crate::mysql::connect::quoted(&settled.name);
            name.map(|name| definition.statement(&name)).unwrap_or_default()
        }
        None => String::new(),
    };
    Translated { table: Arc::new(settled), left_out }
}

/// Storage engines whose tables are made in InnoDB by the same statement. What others know of may be known to them alone.
const CONVERTIBLE: [&str; 4] = ["InnoDB", "MyISAM", "Aria", "MEMORY"];

/// Whether InnoDB can count where this table does: some key has to begin with that column.
fn counts_by_key(table: &TableSchema) -> bool {
    let begins = |column: usize| {
        let name = Some(table.columns[column].name.as_str());
        let first = |columns: &[IndexColumn]| columns.first().is_some_and(|first| first.name.as_deref() == name);
        table.primary_key.first() == Some(&column)
            || table.key.as_ref().is_some_and(|key| key.columns.first() == Some(&column))
            || table.indexes.iter().any(|index| first(&index.columns))
            || table.uniques.iter().any(|unique| unique.columns.first().and_then(Option::as_deref) == name)
    };
    table.counters.iter().filter_map(|counter| table.column(&counter.column)).all(begins)
}

/// The table in words of this server.
fn known<'t>(table: &'t TableSchema, version: &Version, left_out: &mut Vec<String>) -> Cow<'t, TableSchema> {
    let theirs = Version::parse(&table.server);
    let is_understood = theirs.product == version.product && theirs.number <= version.number;
    let engine = Definition::parse(&table.definition).map(|definition| definition.engine.to_owned());
    if let Some(engine) = engine.filter(|engine| engine != "InnoDB" && !engine.is_empty()) {
        left_out.push(format!("the storage engine {engine}, InnoDB here"));
    }
    if is_understood {
        return Cow::Borrowed(table);
    }
    Cow::Owned(words::of_this_server(table, version, left_out))
}
