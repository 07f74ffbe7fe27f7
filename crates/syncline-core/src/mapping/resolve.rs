//! A mapping held against the source's schema: every name exists, and nothing contradicts anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::called::{Called, Names};
use super::columns::{ColumnList, Rename};
use super::filter::{self, Met, Operand, Unlike};
use super::lookup::{find_column, find_table};
use super::mask::MaskRule;
use super::misfit::{self, MisfitRule};
use super::rules::{FilterRule, UNTOUCHED, invalid};
use super::{Condition, Mapping, Mask, MaskKey, feasible, references};
use crate::error::{Code, Error, Result, shell_word};
use crate::schema::contract::ColumnPair;
use crate::schema::report::as_typed;
use crate::schema::{Generated, Schema, TableSchema};
use crate::value::Bend;

/// How every table of a source is seen.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// By the table's name; tables that are seen as they are have no entry.
    views: BTreeMap<String, (Arc<TableSchema>, TableView)>,
    names: Names,
    brief: String,
}

/// How one table of the source is seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableView {
    /// What the table is called in the target.
    pub target: String,
    /// What each column of the source is called in the target; `None` for one that is left out.
    pub columns: Vec<Option<String>>,
    /// The mask of each column of the source.
    pub masks: Vec<Option<Mask>>,
    /// What becomes of values of each column of the source that do not fit the target's.
    pub misfits: Vec<Option<Bend>>,
    /// Which rows take part, by the source's names; `now()` has become an instant.
    pub filter: Option<Condition>,
}

impl Resolved {
    /// Checks a mapping and makes it ready. `admits` tells which tables of the source take part, and `as_of_ms` is what
    /// `now()` means, in milliseconds since 1970. Masks that need no key take any.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND` and `COLUMN_NOT_FOUND` with the nearest name there is, `FILTER_INVALID`, `COLUMNS_INVALID`,
    /// `RENAME_INVALID`, `MASK_INVALID` and `MISFIT_INVALID`.
    pub fn new(
        mapping: &Mapping,
        schema: &Schema,
        admits: &dyn Fn(&str) -> bool,
        as_of_ms: i64,
        key: Option<MaskKey>,
    ) -> Result<Self> {
        let mut resolver = Resolver { schema, resolved: Self { brief: mapping.brief(), ..Self::default() } };
        schema.tables.iter().for_each(|table| resolver.resolved.names.add_source(&table.name));
        for list in &mapping.columns {
            resolver.list(list)?;
        }
        let (tables, columns): (Vec<_>, Vec<_>) = mapping.renames.iter().partition(|rename| rename.column.is_none());
        resolver.rename_tables(&tables, admits)?;
        resolver.rename_columns(&columns)?;
        let key = Arc::new(key.unwrap_or_else(|| MaskKey::new([0; 32])));
        for rule in &mapping.masks {
            resolver.mask(rule, &key)?;
        }
        for rule in &mapping.misfits {
            resolver.misfit(rule)?;
        }
        references::check(schema, &resolver.resolved, admits)?;
        for rule in &mapping.filters {
            resolver.filter(rule, as_of_ms)?;
        }
        resolver.name_all(admits);
        Ok(resolver.resolved)
    }

    /// How this table is seen.
    pub fn view(&self, table: &TableSchema) -> TableView {
        self.changed(&table.name).cloned().unwrap_or_else(|| TableView::plain(table))
    }

    /// What a table is called in the target.
    pub fn target_name<'a>(&'a self, table: &'a str) -> &'a str {
        self.changed(table).map_or(table, |view| &view.target)
    }

    /// The tables of the source other than this one that have its name in the target, but for the case of letters. Tables
    /// that do not take part are among them: what is there may be theirs all the same.
    pub fn called_alike<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Called> {
        self.names.alike(self.target_name(table)).iter().filter(move |other| other.source != table)
    }

    /// Whether a table of the source has this name in the target or in the source, in any case of its letters.
    pub fn is_called(&self, name: &str) -> bool {
        self.names.is_known(name)
    }

    /// The mapping in a few words; empty where there is none.
    pub fn brief(&self) -> &str {
        &self.brief
    }

    /// The view of a table that is not simply seen as it is.
    pub(super) fn changed(&self, table: &str) -> Option<&TableView> {
        self.changed_table(table).map(|(_, view)| view)
    }

    /// As [`Resolved::changed`], with the table itself.
    pub(super) fn changed_table(&self, table: &str) -> Option<&(Arc<TableSchema>, TableView)> {
        self.views.get(self.names.spelled(table))
    }
}

impl TableView {
    /// A table seen as it is.
    pub fn plain(table: &TableSchema) -> Self {
        Self {
            target: table.name.clone(),
            columns: table.columns.iter().map(|column| Some(column.name.clone())).collect(),
            masks: vec![None; table.columns.len()],
            misfits: vec![None; table.columns.len()],
            filter: None,
        }
    }

    /// Whether any value is hidden.
    pub fn has_masks(&self) -> bool {
        self.masks.iter().any(Option::is_some)
    }

    /// The filter as the source and as the target have to ask it, so that it means the same to both.
    ///
    /// # Errors
    /// `FILTER_INVALID` when the target has not all of its columns, so that it could not be bounded, and when a column holds its
    /// values so differently on both sides that they could not be compared alike.
    pub fn filters(&self, source: &TableSchema, target: &TableSchema) -> Result<Option<[Condition; 2]>> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let find = |name: &str| {
            let carried = source.column(name).and_then(|at| Some((at, self.columns[at].as_ref()?)));
            let found = carried.and_then(|(at, name)| Some((at, target.column(name)?)));
            let (at, other) = found.ok_or_else(|| {
                let what = format!("the filter of {} needs its column {name} in the target too", source.name);
                Unpaired::Error(
                    Error::new(Code::FilterInvalid, what)
                        .because("otherwise nobody could tell which rows of the target it covers")
                        .leaving(UNTOUCHED),
                )
            })?;
            Ok(Met::of((&source.columns[at], source), (&target.columns[other], target)))
        };
        let pair = filter::paired(filter, &find).map_err(|unpaired| match unpaired {
            Unpaired::Error(error) => error,
            Unpaired::Unlike(Unlike { column, why }) => {
                let what =
                    format!("the filter of {} cannot mean the same on both sides by its column {column}", source.name);
                Error::new(Code::FilterInvalid, what)
                    .because(why)
                    .leaving(UNTOUCHED)
                    .next("filter by another column; IS NULL is possible with any", "")
            }
        })?;
        Ok(Some(pair))
    }

    /// Checks the masks against the columns of the target that take what they make.
    ///
    /// # Errors
    /// `MASK_INVALID` and `MISFIT_INVALID`.
    pub fn check_target(&self, source: &TableSchema, target: &TableSchema, pairs: &[ColumnPair]) -> Result<()> {
        for pair in pairs {
            let name = &source.columns[pair.source].name;
            let unusable = |why: String| Err(invalid(Code::MaskInvalid, "the mask of", &dotted(source, name), why));
            match &self.masks[pair.source] {
                Some(mask) => {
                    let checked = mask.kind().map_or(Ok(()), |kind| feasible::check(target, pair.target, kind));
                    if let Err(why) = checked {
                        return unusable(format!("in the target, {why}"));
                    }
                }
                None if self.misfits[pair.source].is_some() => {
                    let bend = self.misfits[pair.source].expect("BUG: a choice that was there is gone");
                    if let Err(why) = misfit::check(target, pair.target, bend) {
                        let what = dotted(source, name);
                        let why = format!("in the target, {why}");
                        return Err(invalid(Code::MisfitInvalid, "--misfit", &what, why));
                    }
                }
                None if self.has_masks() && source.columns[pair.source].generated != Generated::No => {
                    let what = format!(
                        "{} is computed from other columns and would be carried unmasked",
                        dotted(source, name)
                    );
                    return Err(Error::new(Code::MaskInvalid, what)
                        .because("other columns of the table are masked, and their values may stand in it")
                        .leaving(UNTOUCHED)
                        .next(format!("--columns '{}: !{name}'", source.name), "leave it out, or mask it too"));
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Why a filter cannot be asked on both sides.
enum Unpaired {
    Error(Error),
    Unlike(Unlike),
}

impl From<Unlike> for Unpaired {
    fn from(unlike: Unlike) -> Self {
        Unpaired::Unlike(unlike)
    }
}

struct Resolver<'a> {
    schema: &'a Schema,
    resolved: Resolved,
}

impl<'a> Resolver<'a> {
    fn list(&mut self, list: &ColumnList) -> Result<()> {
        let table = self.table(&list.table, "--columns")?;
        let mut named = BTreeSet::new();
        for name in &list.names {
            named.insert(find_column(table, name, "--columns")?);
        }
        let is_carried = |position: &usize| named.contains(position) != list.is_exclusion;
        let key_columns = table.key.iter().flat_map(|key| &key.columns);
        if let Some(left_out) = key_columns.into_iter().find(|position| !is_carried(position)) {
            let what = format!("--columns leaves out {}", dotted(table, &table.columns[*left_out].name));
            return Err(Error::new(Code::ColumnsInvalid, what)
                .because("it belongs to the key, without which rows cannot be told apart")
                .leaving(UNTOUCHED));
        }
        if !table.stored_columns().iter().any(is_carried) {
            let what = format!("--columns leaves nothing of {} to carry", table.name);
            return Err(Error::new(Code::ColumnsInvalid, what).leaving(UNTOUCHED));
        }
        let view = self.view(table);
        for (position, name) in view.columns.iter_mut().enumerate() {
            if !is_carried(&position) {
                *name = None;
            }
        }
        Ok(())
    }

    fn rename_tables(&mut self, renames: &[&Rename], admits: &dyn Fn(&str) -> bool) -> Result<()> {
        let mut old = Vec::new();
        for rename in renames {
            old.push(self.table(&rename.table, "--rename")?);
        }
        let names: Vec<&str> = old.iter().map(|table| table.name.as_str()).collect();
        let others = self.schema.tables.iter().map(|table| table.name.as_str()).filter(|name| admits(name));
        let others: Vec<&str> = others.collect();
        for (rename, table) in renames.iter().zip(&old) {
            check_rename(rename, &table.name, &names, &others, renames)?;
            let is_reserved = |prefix: &str| rename.to.to_ascii_lowercase().starts_with(prefix);
            if is_reserved("sqlite_") || is_reserved("_syncline_") {
                return Err(wrong_rename(rename, format!("names like {} are reserved", rename.to)));
            }
        }
        for (rename, table) in renames.iter().zip(old) {
            self.view(table).target.clone_from(&rename.to);
        }
        Ok(())
    }

    fn rename_columns(&mut self, renames: &[&Rename]) -> Result<()> {
        let mut by_table: BTreeMap<&str, Vec<(&Rename, usize)>> = BTreeMap::new();
        for rename in renames {
            let old = rename.column.as_deref().unwrap_or_default();
            let table = self.table_of(&rename.table, old, "--rename", &as_typed(&rename.to))?;
            let position = find_column(table, old, "--rename")?;
            by_table.entry(&table.name).or_default().push((rename, position));
        }
        for (table, renames) in by_table {
            let table = self.table(table, "--rename")?;
            let view = self.view(table);
            let old: Vec<&str> = renames.iter().map(|(_, position)| table.columns[*position].name.as_str()).collect();
            let all: Vec<&Rename> = renames.iter().map(|(rename, _)| *rename).collect();
            let carried = table.columns.iter().zip(&view.columns).filter(|(_, name)| name.is_some());
            let carried: Vec<&str> = carried.map(|(column, _)| column.name.as_str()).collect();
            for ((rename, position), name) in renames.iter().zip(&old) {
                check_rename(rename, name, &old, &carried, &all)?;
                if view.columns[*position].is_none() {
                    return Err(wrong_rename(rename, "the column is left out by --columns".to_owned()));
                }
            }
            for (rename, position) in renames {
                view.columns[position] = Some(rename.to.clone());
            }
        }
        Ok(())
    }

    fn mask(&mut self, rule: &MaskRule, key: &Arc<MaskKey>) -> Result<()> {
        let table = self.table(&rule.table, "--mask")?;
        let position = find_column(table, &rule.column, "--mask")?;
        let text = format!("{}={}", dotted(table, &table.columns[position].name), rule.kind.name());
        let wrong = |why: String| Err(invalid(Code::MaskInvalid, "--mask", &text, why));
        let view = self.view(table);
        if view.columns[position].is_none() {
            return wrong("the column is left out by --columns".to_owned());
        }
        if let Err(why) = feasible::check(table, position, &rule.kind) {
            return wrong(why);
        }
        view.masks[position] = Some(Mask::new(rule.kind.clone(), Arc::clone(key)));
        Ok(())
    }

    fn misfit(&mut self, rule: &MisfitRule) -> Result<()> {
        let table = self.table(&rule.table, "--misfit")?;
        let position = find_column(table, &rule.column, "--misfit")?;
        let text = dotted(table, &table.columns[position].name);
        let wrong = |why: &str| Err(invalid(Code::MisfitInvalid, "--misfit", &text, why));
        let view = self.view(table);
        if view.columns[position].is_none() {
            return wrong("the column is left out by --columns");
        }
        if view.masks[position].is_some() {
            return wrong("the column is masked, and a mask makes values that fit");
        }
        if table.key.iter().any(|key| key.columns.contains(&position)) {
            return wrong("the column belongs to the key, by which the rows of both sides are matched");
        }
        view.misfits[position] = rule.bend;
        Ok(())
    }

    fn filter(&mut self, rule: &FilterRule, as_of_ms: i64) -> Result<()> {
        let table = self.table(&rule.table, "--where")?;
        let view = self.view(table);
        let bound = rule.condition.replaced(&mut |operand| match operand {
            Operand::Column(name) => {
                let position = find_column(table, name, "--where")?;
                let found = &table.columns[position];
                let unbounded = |why: String| {
                    Err(invalid(Code::FilterInvalid, "--where", &rule.text, why)
                        .next("filter by a column that is carried as it is", ""))
                };
                if view.columns[position].is_none() {
                    return unbounded(format!("{} is left out, so the target could not be bounded by it", found.name));
                }
                if view.masks[position].is_some() {
                    return unbounded(format!("{} is masked, so the target could not be bounded by it", found.name));
                }
                if view.misfits[position].is_some() {
                    return unbounded(format!(
                        "values of {} may be changed by --misfit, and then be outside",
                        found.name
                    ));
                }
                if view.has_masks() && found.generated != Generated::No {
                    return unbounded(format!("{} is computed, and columns it may depend on are masked", found.name));
                }
                Ok(Operand::Column(found.name.clone()))
            }
            Operand::Now(seconds) => Ok(Operand::Instant(as_of_ms.saturating_add(seconds.saturating_mul(1_000)))),
            other => Ok(other.clone()),
        })?;
        filter::bind(&bound, table).map_err(|why| invalid(Code::FilterInvalid, "--where", &rule.text, why))?;
        view.filter = Some(bound);
        Ok(())
    }

    /// Takes note of what all tables are called, once that is settled.
    fn name_all(&mut self, admits: &dyn Fn(&str) -> bool) {
        for table in &self.schema.tables {
            let target = self.resolved.target_name(&table.name).to_owned();
            let called = Called { source: table.name.clone(), target, takes_part: admits(&table.name) };
            self.resolved.names.add_target(called);
        }
    }

    fn table(&self, name: &str, flag: &str) -> Result<&'a Arc<TableSchema>> {
        find_table(self.schema, name, flag)
    }

    /// The table of a rule for one of its columns. What stands before and behind the point may be a schema and a table.
    fn table_of(&self, name: &str, column: &str, flag: &str, ruled: &str) -> Result<&'a Arc<TableSchema>> {
        self.table(name, flag).map_err(|error| match self.schema.table(&format!("{name}.{column}")) {
            Some(meant) => {
                let rule = format!("{}={ruled}", as_typed(&meant.name));
                error
                    .because(format!("without quotes {name} is a table and {column} a column of it"))
                    .next(format!("{flag} {}", shell_word(&rule)), format!("means the table {}", meant.name))
            }
            None => error,
        })
    }

    fn view(&mut self, table: &Arc<TableSchema>) -> &mut TableView {
        let entry = self.resolved.views.entry(table.name.clone());
        &mut entry.or_insert_with(|| (Arc::clone(table), TableView::plain(table))).1
    }
}

/// One rename among `all` of its kind: `old` are the names that go, `carried` all names there are before.
fn check_rename(rename: &Rename, name: &str, old: &[&str], carried: &[&str], all: &[&Rename]) -> Result<()> {
    let is = |other: &&str| other.eq_ignore_ascii_case(&rename.to);
    if is(&name) {
        return Err(wrong_rename(
            rename,
            "the new name is the old one; the case of letters makes no other name".to_owned(),
        ));
    }
    if old.iter().any(is) {
        return Err(wrong_rename(
            rename,
            format!("{} is renamed itself: renames form no chains or circles", rename.to),
        ));
    }
    if all.iter().filter(|other| is(&other.to.as_str())).count() > 1 {
        return Err(wrong_rename(rename, format!("two are to be called {}", rename.to)));
    }
    if carried.iter().any(is) {
        return Err(wrong_rename(rename, format!("{} is carried under that name already", rename.to)));
    }
    Ok(())
}

fn wrong_rename(rename: &Rename, why: String) -> Error {
    let column = rename.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
    invalid(Code::RenameInvalid, "--rename", &format!("{}{column}={}", rename.table, rename.to), why)
}

fn dotted(table: &TableSchema, column: &str) -> String {
    format!("{}.{column}", table.name)
}
