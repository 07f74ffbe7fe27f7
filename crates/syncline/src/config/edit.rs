//! Changing a file for somebody: comments, order and whatever else is in it stay as they are.
//!
//! Every edit is proved before it is written: the result is read again, and must say what was asked for and for the rest what the
//! file said before.

use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::check::{Checked, check, understood};
use super::connection::{ConnectionName, Parsed, PasswordIn};
use super::files::Raw;
use super::save;
use super::template::Template;

/// A connection to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnection {
    /// What it is to be called.
    pub name: ConnectionName,
    /// Where it leads.
    pub url: String,
    /// Whether it takes plans only.
    pub is_protected: bool,
}

/// What is to be changed of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// What it is to be called from now on.
    pub name: Option<ConnectionName>,
    /// Where it is to lead.
    pub url: Option<String>,
    /// Whether it is to take plans only.
    pub is_protected: Option<bool>,
}

impl NewConnection {
    /// Refuses a url that names no database. Nothing is opened or fetched.
    ///
    /// # Errors
    /// `CONNECTION_INVALID`.
    pub fn check(&self, file: &Path) -> Result<()> {
        check_url(&self.name, &self.url, file.parent().unwrap_or(file)).map(|_| ())
    }

    /// Where its password would be kept.
    pub fn password_in(&self) -> PasswordIn {
        Template::parse(&self.url).map_or(PasswordIn::Nowhere, |url| url.password_in())
    }
}

/// Adds a connection to the end of a file.
///
/// # Errors
/// `CONNECTION_EXISTS`, `CONNECTION_INVALID` for a url that names no database, and as every change of a file: `CONFIG_INVALID` for one that
/// cannot be used as it is, `CONFIG_FAILED`.
pub fn add(path: &Path, new: &NewConnection) -> Result<()> {
    edit(path, |document, Before { connections: before, base }| {
        if before.iter().any(|known| known.name == new.name) {
            return Err(exists(&new.name, path));
        }
        let url = check_url(&new.name, &new.url, base)?;
        connections(document, path)?.insert(new.name.as_str(), made(new));
        let mut after = before.to_vec();
        after.push(Parsed { name: new.name.clone(), line: 0, url, url_at: 0, is_protected: new.is_protected });
        Ok(after)
    })
}

/// Changes a connection of a file.
///
/// # Errors
/// `CONNECTION_UNKNOWN`, and as [`add`].
pub fn change(path: &Path, name: &str, change: &ConnectionChange) -> Result<()> {
    edit(path, |document, Before { connections: before, base }| {
        let mut after = before.to_vec();
        let known = after.iter_mut().find(|known| known.name.as_str() == name).ok_or_else(|| unknown(name, path))?;
        let tables = connections(document, path)?;
        let table = tables.get_mut(name).and_then(Item::as_table_like_mut).ok_or_else(|| by_hand(path))?;
        if let Some(url) = &change.url {
            known.url = check_url(&known.name, url, base)?;
            put(table, "url", Value::from(url.as_str()));
        }
        if let Some(is_protected) = change.is_protected {
            known.is_protected = is_protected;
            if is_protected || table.contains_key("protected") {
                put(table, "protected", Value::from(is_protected));
            }
        }
        if let Some(new) = change.name.as_ref().filter(|new| new.as_str() != name) {
            known.name = new.clone();
            if before.iter().any(|known| known.name == *new) {
                return Err(exists(new, path));
            }
            let item = tables.remove(name).ok_or_else(|| by_hand(path))?;
            tables.insert(new.as_str(), item);
        }
        Ok(after)
    })
}

/// Takes a connection out of a file, with the comment above it.
///
/// # Errors
/// `CONNECTION_UNKNOWN`, and as [`add`].
pub fn remove(path: &Path, name: &str) -> Result<()> {
    edit(path, |document, Before { connections: before, .. }| {
        if !before.iter().any(|known| known.name.as_str() == name) {
            return Err(unknown(name, path));
        }
        let item = connections(document, path)?.remove(name).ok_or_else(|| by_hand(path))?;
        if let Item::Table(table) = item {
            keep_comments_apart(document, &table);
        }
        Ok(before.iter().filter(|known| known.name.as_str() != name).cloned().collect())
    })
}

/// A file before it is edited.
#[derive(Clone, Copy)]
struct Before<'a> {
    connections: &'a [Parsed],
    /// Its directory.
    base: &'a Path,
}

/// Edits a file. `change` says what connections it is to have afterwards.
fn edit(path: &Path, change: impl Fn(&mut DocumentMut, Before<'_>) -> Result<Vec<Parsed>>) -> Result<()> {
    let base = Raw::read(path)?.base().to_owned();
    save::rewrite(path, |bytes| {
        let before = sound(bytes, &base, path)?;
        let text = std::str::from_utf8(bytes).map_err(|_| by_hand(path))?;
        let (mark, text) = text.strip_prefix('\u{feff}').map_or(("", text), |text| ("\u{feff}", text));
        let mut document: DocumentMut = text.parse().map_err(|_| by_hand(path))?;
        let wanted = change(&mut document, Before { connections: &before, base: &base })?;
        let edited = format!("{mark}{}", with_ends_of(text, document.to_string()));
        match sound(edited.as_bytes(), &base, path) {
            Ok(after) if is_alike(&after, &wanted) => Ok(edited),
            _ => Err(by_hand(path)),
        }
    })
}

/// The connections of a file that nothing is wrong with.
fn sound(bytes: &[u8], base: &Path, path: &Path) -> Result<Vec<Parsed>> {
    let Checked { problems, connections } = check(bytes, base);
    let mut errors = problems.iter().filter(|problem| problem.is_error());
    match errors.next() {
        Some(first) => Err(first.error(path, errors.count())),
        None => Ok(connections),
    }
}

/// Whether the same connections are there, wherever they stand.
fn is_alike(found: &[Parsed], wanted: &[Parsed]) -> bool {
    let told = |all: &[Parsed]| {
        let mut told: Vec<_> = all.iter().map(|it| (it.name.clone(), it.url.clone(), it.is_protected)).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        told
    };
    told(found) == told(wanted)
}

/// The table of connections, made if there is none.
fn connections<'d>(document: &'d mut DocumentMut, path: &Path) -> Result<&'d mut dyn TableLike> {
    let entry = document.entry("connections").or_insert_with(|| {
        let mut table = Table::new();
        // It is named by its connections only.
        table.set_implicit(true);
        Item::Table(table)
    });
    entry.as_table_like_mut().ok_or_else(|| by_hand(path))
}

fn made(new: &NewConnection) -> Item {
    let mut table = Table::new();
    table.insert("url", Item::Value(Value::from(new.url.as_str())));
    if new.is_protected {
        table.insert("protected", Item::Value(Value::from(true)));
    }
    table.decor_mut().set_prefix("\n");
    Item::Table(table)
}

/// Sets a key; what stands around its value, such as a comment behind it, stays.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(present) => {
            *value.decor_mut() = present.decor().clone();
            *present = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Of the comments above a table that is taken out, those that an empty line sets apart are not about it: they move to what
/// comes next.
fn keep_comments_apart(document: &mut DocumentMut, gone: &Table) {
    let above = gone.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().replace('\r', "");
    let Some((apart, _)) = above.rsplit_once("\n\n").filter(|(apart, _)| apart.contains('#')) else { return };
    let position = gone.position();
    let next = document
        .get_mut("connections")
        .and_then(Item::as_table_mut)
        .into_iter()
        .flat_map(|tables| tables.iter_mut().filter_map(|(_, item)| item.as_table_mut()))
        .filter(|table| table.position() > position)
        .min_by_key(|table| table.position());
    match next {
        Some(next) => {
            let own = next.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
            next.decor_mut().set_prefix(format!("{apart}\n{own}"));
        }
        None => {
            let own = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing(format!("{apart}\n{own}"));
        }
    }
}

/// The ends of lines as the file has them; they are lost where a document is written.
fn with_ends_of(former: &str, text: String) -> String {
    let lines = former.matches('\n').count();
    if lines > 0 && former.matches("\r\n").count() == lines { text.replace('\n', "\r\n") } else { text }
}

fn check_url(name: &ConnectionName, url: &str, base: &Path) -> Result<Template> {
    understood(url, base).map_err(|why| {
        Error::new(Code::ConnectionInvalid, format!("the url for {name} names no database"))
            .because(why)
            .leaving("nothing was changed")
    })
}

fn exists(name: &ConnectionName, path: &Path) -> Error {
    Error::new(Code::ConnectionExists, format!("{} has a connection {name} already", path.display()))
        .leaving("nothing was changed")
        .next(format!("syncline conn edit {name}"), "change it")
}

fn unknown(name: &str, path: &Path) -> Error {
    Error::new(Code::ConnectionUnknown, format!("{} has no connection {name:?}", path.display()))
        .leaving("nothing was changed")
        .next("syncline conn list", "see the connections there are, and the files they are in")
}

/// The error for a file that says the same in some other way than is foreseen.
fn by_hand(path: &Path) -> Error {
    Error::new(Code::ConfigFailed, format!("{} is written in a way that cannot be edited", path.display()))
        .because("the result would not have said what was asked for, and all else as before")
        .leaving("nothing was changed")
        .next("edit it by hand", "and look at it with syncline config validate")
}

#[cfg(test)]
mod tests;
