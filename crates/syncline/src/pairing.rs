//! Which table of the target takes the rows of which table of the source, seen through the mapping.

use std::sync::Arc;

use syncline_core::change::{Mapped, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::{Mapping, MappingRequest, Mask, Resolved, TableFilter, TableView};
use syncline_core::schema::contract::{OneSided, computed_columns};
use syncline_core::schema::{AddedColumn, Column, Schema, TableSchema, Translated, contract};
use syncline_core::store::Snapshot;
use syncline_core::value::{Bend, Kind};

use crate::counterpart::{check_new, counterpart};
use crate::session::{Syncline, now_ms};

impl Syncline {
    /// The mapping that was asked for, held against the source's schema. The key of masks is made only once everything
    /// else is found to be right.
    ///
    /// # Errors
    /// As [`Resolved::new`], and `STATE_FAILED` when the key cannot be had.
    pub(crate) async fn resolve(
        &self,
        request: &MappingRequest,
        source: &Schema,
        filter: &TableFilter,
    ) -> Result<Resolved> {
        let mapping = Mapping::parse(request)?;
        let as_of_ms = request.as_of_ms.unwrap_or_else(now_ms);
        let admits = |table: &str| filter.admits(table);
        let resolved = Resolved::new(&mapping, source, &admits, as_of_ms, None)?;
        if !mapping.needs_key() {
            return Ok(resolved);
        }
        let key = self.state().await?.mask_key().await?;
        Resolved::new(&mapping, source, &admits, as_of_ms, Some(key))
    }
}

/// A table of the source and the one of the target that takes its rows.
pub(crate) struct Pair {
    pub(crate) source: TableTask,
    pub(crate) target: TableTask,
    pub(crate) is_missing: bool,
    /// What the target's table will lack of the source's although nobody asked for that, if it has to be made.
    pub(crate) left_out: Vec<String>,
    /// Columns that the target's table is yet to get.
    pub(crate) added: Vec<AddedColumn>,
    view: TableView,
}

/// What the tables of a source are held against.
#[derive(Clone, Copy)]
pub(crate) struct Counterparts<'a> {
    /// The schema of the target.
    pub(crate) schema: &'a Schema,
    /// A view of it, which knows how its engine would make a table.
    pub(crate) view: &'a dyn Snapshot,
}

/// A table as the target would have to make it, and what it would lack.
pub(crate) fn defined(
    table: &Arc<TableSchema>,
    resolved: &Resolved,
    target: &dyn Snapshot,
) -> (Arc<TableSchema>, Vec<String>) {
    let defined = resolved.define(table);
    let mut translated = target.translate(&defined.table);
    if translated.table.engine != table.engine {
        translated.table = with_text(translated.table, table, &resolved.view(table), target);
    }
    let left_out = defined.left_out.into_iter().map(|what| what.0).chain(translated.left_out).collect();
    (translated.table, left_out)
}

/// The table with columns of text where what does not fit is to become text.
fn with_text(made: Arc<TableSchema>, table: &TableSchema, view: &TableView, target: &dyn Snapshot) -> Arc<TableSchema> {
    let is_asked = |at: &usize| view.misfits[*at] == Some(Bend::Text);
    let names = (0..table.columns.len()).filter(is_asked).filter_map(|at| view.columns[at].as_ref());
    let names: Vec<_> = names.filter_map(|name| made.column(name)).collect();
    let Some(some) = names.first() else { return made };
    // How the engine calls a column of text, it says of a table that has one.
    let kind = Kind::Text { max_chars: None, padded: false };
    let declared_type = "TEXT".to_owned();
    let text = Column { kind, declared_type, default: None, ..made.columns[*some].clone() };
    let probe = TableSchema { name: made.name.clone(), columns: vec![text], ..TableSchema::default() };
    let text = target.translate(&Arc::new(probe)).table.columns[0].clone();
    let mut made = (*made).clone();
    for name in names {
        let column = &mut made.columns[name];
        column.kind = text.kind.clone();
        column.declared_type.clone_from(&text.declared_type);
        // A constant of another type would be none of text.
        column.default = None;
    }
    Arc::new(made)
}

/// Pairs a table with its counterpart. One that is missing will be created like the source's, as far as the mapping lets
/// it be.
///
/// # Errors
/// The first reason why the target's table cannot take the rows.
pub(crate) fn pair(table: &Arc<TableSchema>, target: Counterparts<'_>, resolved: &Resolved) -> Result<Pair> {
    pair_with(table, target, resolved, OneSided::Refused)
}

/// As [`pair`], with another way with columns that only one side has.
///
/// # Errors
/// As [`pair`].
pub(crate) fn pair_with(
    table: &Arc<TableSchema>,
    counterparts: Counterparts<'_>,
    resolved: &Resolved,
    one_sided: OneSided,
) -> Result<Pair> {
    match counterpart(table, counterparts.schema, resolved)? {
        Some(target) => paired(table, Arc::clone(target), resolved, one_sided),
        None => {
            let (target, left_out) = defined(table, resolved, counterparts.view);
            check_new(table, &target, resolved)?;
            Ok(Pair { is_missing: true, left_out, ..paired(table, target, resolved, one_sided)? })
        }
    }
}

/// A table with the one that takes its rows.
fn paired(
    table: &Arc<TableSchema>,
    target: Arc<TableSchema>,
    resolved: &Resolved,
    one_sided: OneSided,
) -> Result<Pair> {
    let view = resolved.view(table);
    let columns = contract::pair_mapped(table, &target, &view.columns, one_sided).map_err(|mismatches| {
        let mut errors = mismatches.into_iter().map(|mismatch| mismatch.into_error(&table.name, &target.name));
        let first = errors.next().expect("BUG: a mismatch without a reason").leaving("nothing was changed");
        let others: Vec<String> = errors.map(|error| error.what().to_owned()).collect();
        if others.is_empty() { first } else { first.because(others.join("; ")) }
    })?;
    view.check_target(table, &target, &columns)?;
    // In the order of the target's key, because that is the order in which undo will find the table's key again.
    let key_of_target = target.key.iter().flat_map(|key| &key.columns);
    let key =
        key_of_target.filter_map(|column| columns.iter().position(|pair| pair.target == *column)).collect::<Vec<_>>();
    let masks = columns.iter().enumerate().filter_map(|(at, pair)| Some((at, view.masks[pair.source].clone()?)));
    // What an engine would store as it is needs no second look.
    let bends = columns.iter().enumerate().filter_map(|(at, pair)| {
        let bend = view.misfits[pair.source]?;
        Some((at, Mask::bending(bend, target.columns[pair.target].kind.clone(), target.reach_of(pair.target))))
    });
    let masks = masks.chain(bends);
    let carried: Vec<usize> = columns.iter().map(|pair| pair.target).collect();
    let [filter, filter_of_target] = match view.filters(table, &target)? {
        Some(filters) => filters.map(|filter| Some(Arc::new(filter))),
        None => [None, None],
    };
    let of_source = Mapped { filter, masks: masks.collect(), ..Mapped::default() };
    let of_target = Mapped {
        filter: filter_of_target,
        kept: target.stored_columns().into_iter().filter(|column| !carried.contains(column)).collect(),
        ..Mapped::default()
    };
    let forms = contract::forms(table, &target, &columns);
    let source = TableTask {
        table: table.clone(),
        columns: columns.iter().map(|pair| pair.source).collect(),
        key: key.clone(),
        mapped: of_source,
        forms: forms.clone(),
    };
    let target = TableTask { table: target, columns: carried, key, mapped: of_target, forms };
    Ok(Pair { source, target, is_missing: false, left_out: Vec::new(), added: Vec::new(), view })
}

/// As [`pair`], for a table that must be there.
///
/// # Errors
/// `TABLE_NOT_FOUND` too.
pub(crate) fn pair_to_verify(
    table: &Arc<TableSchema>,
    target: Counterparts<'_>,
    resolved: &Resolved,
    one_sided: OneSided,
) -> Result<Pair> {
    let pair = pair_with(table, target, resolved, one_sided)?;
    if pair.is_missing {
        return Err(Error::new(Code::TableNotFound, format!("{} is not in the target", pair.target.table.name)));
    }
    Ok(pair.with_computed())
}

impl Pair {
    /// The same with the table that is missing as it can be made after all.
    ///
    /// # Errors
    /// As [`pair`].
    pub(crate) fn settled(self, settled: Translated, resolved: &Resolved) -> Result<Self> {
        let Self { source, is_missing, mut left_out, added, .. } = self;
        left_out.extend(settled.left_out);
        // Columns of other types are seen and written in other forms.
        let again = paired(&source.table, settled.table, resolved, OneSided::Refused)?;
        Ok(Self { is_missing, left_out, added, ..again })
    }

    /// Adds the columns that both sides compute: a proof reads what people read. Where values are masked they are
    /// computed from different ones, and prove nothing.
    pub(crate) fn with_computed(self) -> Self {
        let Self { source, target, view, .. } = self;
        let (source, target) = with_computed(source, target, &view);
        Self { source, target, view, ..self }
    }
}

/// As [`Pair::with_computed`], for two tasks of a pair.
pub(crate) fn with_computed(mut source: TableTask, mut target: TableTask, view: &TableView) -> (TableTask, TableTask) {
    if view.has_masks() {
        return (source, target);
    }
    for pair in computed_columns(&source.table, &target.table, &view.columns) {
        source.columns.push(pair.source);
        target.columns.push(pair.target);
    }
    (source, target)
}

/// Whether an error is about what was typed as a mapping: then it ends the command, whatever table showed it.
pub(crate) fn is_about_mapping(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::FilterInvalid | Code::ColumnsInvalid | Code::RenameInvalid | Code::MaskInvalid | Code::MisfitInvalid
    )
}
