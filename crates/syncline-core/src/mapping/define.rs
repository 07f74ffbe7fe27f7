//! What a table looks like in the target when a mapping changes it and it has to be made there.
//!
//! A table that no rule touches is made by its own definition, word for word. One that is renamed, loses or renames
//! columns, or references a table that does, is described anew. Expressions cannot be rewritten without understanding
//! them, so a CHECK, a computed column or an index that mentions a name that is no longer there is left out, and named.

use std::sync::Arc;

use super::mentions::mentions;
use super::{Resolved, TableView};
use crate::schema::{Check, Column, Counter, ForeignKey, Generated, Index, IndexColumn, Key, TableSchema, Unique};

/// A table for the target.
#[derive(Clone, Debug)]
pub struct Defined {
    /// The table; where it is described anew, without a definition, and so are its indexes.
    pub table: Arc<TableSchema>,
    /// What of the source's table it lacks although nobody asked for that.
    pub left_out: Vec<LeftOut>,
}

/// Something that could not be put into the target's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut(pub String);

impl Resolved {
    /// The table as the target is to have it.
    pub fn define(&self, source: &Arc<TableSchema>) -> Defined {
        let view = self.view(source);
        let plain = TableView { masks: view.masks.clone(), filter: view.filter.clone(), ..TableView::plain(source) };
        let references_change =
            source.foreign_keys.iter().any(|key| self.reference(source, &view, key).as_ref() != Some(key));
        // What becomes of values changes no table.
        let plain = TableView { misfits: view.misfits.clone(), ..plain };
        if view == plain && !references_change {
            return Defined { table: Arc::clone(source), left_out: Vec::new() };
        }
        Definer { resolved: self, source, view, gone: Vec::new(), left_out: Vec::new() }.define()
    }

    /// A reference in the target's words; `None` when one of its columns is not carried.
    fn reference(&self, child: &TableSchema, view: &TableView, key: &ForeignKey) -> Option<ForeignKey> {
        let columns = key.columns.iter().map(|name| view.columns[child.column(name)?].clone());
        let columns = columns.collect::<Option<Vec<_>>>()?;
        // A table that takes part has its view by the time it is asked for.
        let Some((table, parent)) = self.changed_table(&key.parent) else {
            return Some(ForeignKey { columns, ..key.clone() });
        };
        let parent_columns = key.parent_columns.iter().map(|name| parent.columns[table.column(name)?].clone());
        let parent_columns = parent_columns.collect::<Option<Vec<_>>>()?;
        Some(ForeignKey { columns, parent: parent.target.clone(), parent_columns, ..key.clone() })
    }
}

struct Definer<'a> {
    resolved: &'a Resolved,
    source: &'a TableSchema,
    view: TableView,
    /// Names that mean something in the source's expressions and nothing, or something else, in the target's.
    gone: Vec<String>,
    left_out: Vec<LeftOut>,
}

impl Definer<'_> {
    fn define(mut self) -> Defined {
        self.find_gone();
        let source = self.source;
        let positions: Vec<usize> = (0..source.columns.len()).filter(|at| self.view.columns[*at].is_some()).collect();
        let place = |old: &usize| positions.iter().position(|position| position == old);
        let key = source.key.as_ref().and_then(|key| {
            let columns = key.columns.iter().map(place).collect::<Option<Vec<_>>>()?;
            Some(Key { columns, ..key.clone() })
        });
        let table = TableSchema {
            name: self.view.target.clone(),
            namespace: source.namespace.clone().filter(|_| self.view.target == source.name),
            engine: source.engine,
            server: source.server.clone(),
            reach: source.reach,
            spans: source.spans.iter().filter_map(|(at, span)| Some((place(at)?, *span))).collect(),
            columns: positions.iter().filter_map(|position| self.column(*position)).collect(),
            key,
            primary_key: source.primary_key.iter().map(place).collect::<Option<_>>().unwrap_or_default(),
            deferrable_key: source.deferrable_key,
            uniques: self.uniques(),
            foreign_keys: self.foreign_keys(),
            checks: self.checks(),
            indexes: self.indexes(),
            definition: String::new(),
            without_rowid: source.without_rowid,
            strict: source.strict,
            autoincrement: source.autoincrement,
            counters: source.counters.iter().filter_map(|counter| self.counter(counter)).collect(),
            has_heirs: false,
        };
        Defined { table: Arc::new(table), left_out: self.left_out }
    }

    /// Old names of what is renamed or left out; and computed columns that mention such a name, until no more do.
    fn find_gone(&mut self) {
        let source = self.source;
        if !self.view.target.eq_ignore_ascii_case(&source.name) {
            self.gone.push(source.name.clone());
        }
        for (column, name) in source.columns.iter().zip(&self.view.columns) {
            if name.as_ref() != Some(&column.name) {
                self.gone.push(column.name.clone());
            }
        }
        loop {
            let is_lost = |at: &usize| {
                let column = &source.columns[*at];
                let expression = column.expression.as_deref();
                self.view.columns[*at].is_some()
                    && column.generated != Generated::No
                    && expression.is_none_or(|expression| mentions(expression, &self.gone))
            };
            let Some(lost) = (0..source.columns.len()).find(is_lost) else { return };
            self.view.columns[lost] = None;
            let name = &source.columns[lost].name;
            self.gone.push(name.clone());
            self.leave_out(format!("computed column {name}"));
        }
    }

    fn column(&self, position: usize) -> Option<Column> {
        Some(Column { name: self.view.columns[position].clone()?, ..self.source.columns[position].clone() })
    }

    fn counter(&self, counter: &Counter) -> Option<Counter> {
        let column = self.view.columns[self.source.column(&counter.column)?].clone()?;
        Some(Counter { column, ..counter.clone() })
    }

    fn uniques(&mut self) -> Vec<Unique> {
        let mut uniques = Vec::new();
        for unique in &self.source.uniques {
            // One that is an index made apart comes or goes with it.
            if self.source.indexes.iter().any(|index| index.name == unique.name) {
                continue;
            }
            let columns = unique.columns.iter().map(|name| self.renamed(name.as_ref()?).map(Some));
            match columns.collect::<Option<Vec<_>>>() {
                Some(columns) => uniques.push(Unique { columns, ..unique.clone() }),
                None => self.leave_out(format!("UNIQUE ({})", listed(&unique.columns))),
            }
        }
        uniques
    }

    fn foreign_keys(&mut self) -> Vec<ForeignKey> {
        let mut keys = Vec::new();
        for key in &self.source.foreign_keys {
            match self.resolved.reference(self.source, &self.view, key) {
                Some(key) => keys.push(key),
                None => self.leave_out(format!("reference ({}) to {}", key.columns.join(", "), key.parent)),
            }
        }
        keys
    }

    fn checks(&mut self) -> Vec<Check> {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.source.checks.iter().cloned().partition(|check| mentions(&check.expression, &self.gone));
        gone.into_iter().for_each(|check| self.leave_out(format!("CHECK ({})", check.expression)));
        kept
    }

    fn indexes(&mut self) -> Vec<Index> {
        let mut indexes = Vec::new();
        for index in &self.source.indexes {
            let is_simple = !index.partial && index.columns.iter().all(|column| column.name.is_some());
            let renamed = index.columns.iter().map(|column| {
                let name = Some(self.renamed(column.name.as_ref()?)?);
                Some(IndexColumn { name, ..column.clone() })
            });
            match renamed.collect::<Option<Vec<_>>>() {
                Some(columns) if is_simple => {
                    indexes.push(Index { columns, definition: String::new(), ..index.clone() });
                }
                _ if !is_simple && !mentions(&index.definition, &self.gone) => indexes.push(index.clone()),
                _ => self.leave_out(format!("index {}", index.name)),
            }
        }
        indexes
    }

    fn renamed(&self, column: &str) -> Option<String> {
        self.view.columns[self.source.column(column)?].clone()
    }

    fn leave_out(&mut self, what: String) {
        self.left_out.push(LeftOut(what));
    }
}

fn listed(columns: &[Option<String>]) -> String {
    columns.iter().map(|column| column.as_deref().unwrap_or("an expression")).collect::<Vec<_>>().join(", ")
}
