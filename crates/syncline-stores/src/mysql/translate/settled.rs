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

use syncline_core::schema::{Schema, TableSchema, Translated};

use crate::mysql::connect::Version;
use crate::mysql::definition::Definition;

/// The table as it can be made there.
pub fn settled(table: &Arc<TableSchema>, among: &Schema, version: &Version) -> Translated {
    let mut left_out = Vec::new();
    let mut settled = known(table, version, &mut left_out).into_owned();
    let printed = std::mem::take(&mut settled.definition);
    let kept = Definition::parse(&printed).filter(|definition| definition.engine == "InnoDB");
    let is_described = kept.is_none();
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
