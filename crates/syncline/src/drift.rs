//! Where the two schemas differ: what stops a run, what is added to the target, what is left out.

use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::mapping::{Resolved, additions};
use syncline_core::schema::contract::OneSided;
use syncline_core::schema::report::Compared;
use syncline_core::schema::{AddedColumn, Difference, DifferenceKind, Schema, Severity, TableSchema, Widened};
use syncline_core::store::Snapshot;

use crate::counterpart::{counterpart, flag as rename};
use crate::decide::concerns_one_table;
use crate::pairing::{Counterparts, Pair, defined, is_about_mapping, pair, pair_with};
use crate::request::{RunRequest, SchemaPolicy};

/// The tables of a run, brought together with those of the target as far as was asked for.
#[derive(Default)]
pub(crate) struct Aligned {
    pub(crate) pairs: Vec<Pair>,
    /// Tables that the target has not and is not to get.
    pub(crate) absent: Vec<String>,
    /// Tables that cannot be carried, with the reason.
    pub(crate) refused: Vec<(String, Error)>,
    /// Remarks for a person.
    pub(crate) notes: Vec<String>,
}

/// What stops a run, over all tables.
#[derive(Default)]
struct Stops {
    first: Option<Error>,
    differences: Vec<Difference>,
}

/// Pairs every table with its counterpart.
///
/// # Errors
/// Every difference that stops the run, in one error; and what is wrong with the mapping.
pub(crate) async fn align(
    request: &RunRequest,
    tables: &[&Arc<TableSchema>],
    target_schema: &Schema,
    resolved: &Resolved,
    target: &mut dyn Snapshot,
) -> Result<Aligned> {
    let mut schema = target_schema.clone();
    let (mut aligned, mut stops) = (Aligned::default(), Stops::default());
    for table in tables {
        let found = match counterpart(table, target_schema, resolved) {
            Ok(Some(found)) => found,
            Ok(None) if request.no_create => {
                aligned.absent.push(table.name.clone());
                continue;
            }
            Ok(None) => {
                let made = pair(table, Counterparts { schema: &schema, view: target }, resolved);
                aligned.push_made(table, made)?;
                continue;
            }
            Err(error) => {
                aligned.refused.push((table.name.clone(), error.at_if_unsaid(table.name.as_str()).about(&table.name)));
                continue;
            }
        };
        let name = found.name.as_str();
        let widened = match request.schema {
            SchemaPolicy::Add => widened(table, found, resolved, target).await?,
            SchemaPolicy::Stop | SchemaPolicy::Ignore => None,
        };
        if let Some(widened) = &widened {
            replace(&mut schema, &widened.table);
        }
        let one_sided = request.schema.one_sided();
        match pair_with(table, Counterparts { schema: &schema, view: target }, resolved, one_sided) {
            Ok(pair) => aligned.push(with_added(pair, widened)?, (found, (resolved, target)), request.schema),
            Err(error) if is_about_mapping(&error) => return Err(error),
            Err(error) => {
                let widened = match request.schema {
                    SchemaPolicy::Stop => self::widened(table, found, resolved, target).await?,
                    SchemaPolicy::Add | SchemaPolicy::Ignore => widened,
                };
                let mut found = compare(table, found, (resolved, target), (widened.as_ref(), one_sided));
                if request.schema == SchemaPolicy::Add {
                    found.retain(|difference| !can_be_added(difference));
                    // What a column becomes in the target shows only once it is there.
                    let then = schema.table(name).expect("BUG: a table of the target has gone");
                    let after = compare(table, then, (resolved, target), (widened.as_ref(), one_sided));
                    let is_new = |other: &Difference| found.iter().all(|difference| difference.what != other.what);
                    found.extend(after.into_iter().filter(is_new).collect::<Vec<_>>());
                }
                stops.add(error, found);
            }
        }
    }
    match stops.into_error(request.schema) {
        Some(error) => Err(error),
        None => {
            aligned.pairs = settled(aligned.pairs, schema, (resolved, target))?;
            Ok(aligned)
        }
    }
}

/// Makes tables that are missing fit in where they are to be made, together with each other.
///
/// # Errors
/// As [`pair`].
fn settled(pairs: Vec<Pair>, mut among: Schema, (resolved, target): (&Resolved, &dyn Snapshot)) -> Result<Vec<Pair>> {
    among.tables.extend(pairs.iter().filter(|pair| pair.is_missing).map(|pair| Arc::clone(&pair.target.table)));
    let settled = |pair: Pair| {
        if !pair.is_missing {
            return Ok(pair);
        }
        let settled = target.settled(&pair.target.table, &among);
        pair.settled(settled, resolved)
    };
    pairs.into_iter().map(settled).collect()
}

/// All differences between a table and the one of the target that takes its rows.
///
/// # Errors
/// When the target cannot be asked what can be added to its table.
pub(crate) async fn differences(
    table: &Arc<TableSchema>,
    found: &Arc<TableSchema>,
    resolved: &Resolved,
    target: &mut dyn Snapshot,
) -> Result<Vec<Difference>> {
    let widened = widened(table, found, resolved, target).await?;
    Ok(compare(table, found, (resolved, target), (widened.as_ref(), OneSided::Refused)))
}

/// What the target's table becomes with the columns it lacks; `None` where it lacks none.
async fn widened(
    table: &Arc<TableSchema>,
    found: &TableSchema,
    resolved: &Resolved,
    target: &mut dyn Snapshot,
) -> Result<Option<Widened>> {
    let missing = additions(&defined(table, resolved, target).0, found);
    if missing.is_empty() {
        return Ok(None);
    }
    target.widened(found, &missing).await.map(Some)
}

fn compare(
    table: &Arc<TableSchema>,
    found: &TableSchema,
    (resolved, target): (&Resolved, &dyn Snapshot),
    (widened, one_sided): (Option<&Widened>, OneSided),
) -> Vec<Difference> {
    let (view, (expected, _)) = (resolved.view(table), defined(table, resolved, target));
    let (names, target) = (&view.columns[..], found);
    Compared { source: table, names, expected: &expected, target, widened, one_sided }.differences()
}

fn replace(schema: &mut Schema, table: &Arc<TableSchema>) {
    for other in schema.tables.iter_mut().filter(|other| other.name == table.name) {
        *other = Arc::clone(table);
    }
}

/// Notes which columns of the pair are yet to be added.
///
/// # Errors
/// `FILTER_INVALID` for a filter by one of them: it would have to be known which rows of the target it covers.
fn with_added(mut pair: Pair, widened: Option<Widened>) -> Result<Pair> {
    let Some(widened) = widened else { return Ok(pair) };
    let names: Vec<&String> = widened.added.iter().map(|added| &added.step.column.name).collect();
    if let Some(filter) = &pair.target.mapped.filter {
        filter.replaced(&mut |operand| match operand.column() {
            Some(name) if names.iter().any(|added| *added == name) => {
                let what =
                    format!("the filter of {} is about {name}, which the target is yet to get", pair.source.table.name);
                Err(Error::new(Code::FilterInvalid, what)
                    .because("nobody can tell which rows of the target it covers")
                    .leaving("nothing was changed")
                    .next("run once without the filter, or add the column by hand", ""))
            }
            _ => Ok(operand.clone()),
        })?;
    }
    let position = |added: &AddedColumn| {
        let names = &mut pair.target.column_names();
        Some((names.position(|name| *name == added.step.column.name)?, added.fill.clone()))
    };
    // A column that the target computes is not among those that are carried.
    pair.target.mapped.fills = widened.added.iter().filter_map(position).collect();
    pair.added = widened.added;
    Ok(pair)
}

impl SchemaPolicy {
    /// What it makes of columns that only one side has, once those are added that are to be.
    pub(crate) fn one_sided(self) -> OneSided {
        if self == SchemaPolicy::Ignore { OneSided::LeftOut } else { OneSided::Refused }
    }
}

impl Aligned {
    /// Takes a table that is to be made, or notes why it cannot be.
    fn push_made(&mut self, table: &TableSchema, made: Result<Pair>) -> Result<()> {
        match made {
            Ok(pair) => self.pairs.push(pair),
            Err(error) if concerns_one_table(error.code()) => {
                self.refused.push((table.name.clone(), error.at_if_unsaid(table.name.as_str()).about(&table.name)));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn push(&mut self, pair: Pair, (found, by): (&TableSchema, (&Resolved, &dyn Snapshot)), policy: SchemaPolicy) {
        let table = &pair.source.table;
        if !pair.added.is_empty() {
            let names: Vec<_> = pair.added.iter().map(|added| added.step.column.name.as_str()).collect();
            self.notes.push(format!("{} gets new columns in the target: {}", found.name, names.join(", ")));
        }
        if policy == SchemaPolicy::Ignore {
            for difference in compare(table, found, by, (None, OneSided::Refused)) {
                let side = match difference.kind {
                    DifferenceKind::ColumnMissing => "source",
                    DifferenceKind::ColumnExtra => "target",
                    _ => continue,
                };
                let column = difference.column.unwrap_or_default();
                let hint = difference.rename.map(|rule| format!("; {}: {}", difference.remedy, rename(&rule)));
                let hint = hint.unwrap_or_default();
                self.notes.push(format!("{}.{column} is left out, only the {side} has it{hint}", table.name));
            }
        }
        self.pairs.push(pair);
    }
}

impl Stops {
    fn add(&mut self, error: Error, differences: Vec<Difference>) {
        self.first.get_or_insert(error);
        self.differences.extend(differences.into_iter().filter(|difference| difference.stops));
    }

    /// One error about everything: its code and first sentence are those of the first difference.
    fn into_error(self, policy: SchemaPolicy) -> Option<Error> {
        let first = self.first?;
        let mut error = Error::new(first.code(), first.what()).leaving("nothing was changed");
        let others: Vec<_> = self.differences.iter().filter(|difference| difference.what != first.what()).collect();
        if let Some(why) = Some(others_named(&others)).filter(|others| !others.is_empty()).or(reason(first.code())) {
            error = error.because(why);
        }
        let is = |kind| move |difference: &&Difference| difference.kind == kind;
        if policy == SchemaPolicy::Stop && self.differences.iter().any(can_be_added) {
            error = error.next("--schema add", "add the missing columns to the target");
        }
        for difference in self.differences.iter().filter(is(DifferenceKind::ColumnMissing)) {
            error = match &difference.rename {
                Some(rule) => error.next(rename(rule), difference.remedy.clone()),
                None if difference.severity == Severity::Major => {
                    error.next("add it by hand", difference.remedy.clone())
                }
                None => error,
            };
        }
        let one_sided = [DifferenceKind::ColumnMissing, DifferenceKind::ColumnExtra];
        if policy != SchemaPolicy::Ignore && self.differences.iter().all(|other| one_sided.contains(&other.kind)) {
            error = error.next("--schema ignore", "leave out columns that only one side has");
        }
        for step in first.next_steps().iter() {
            error = error.next(step.action.clone(), step.effect.clone());
        }
        Some(error)
    }
}

fn can_be_added(difference: &Difference) -> bool {
    difference.kind == DifferenceKind::ColumnMissing && difference.severity == Severity::Minor
}

/// Why one difference alone stops a run.
fn reason(code: Code) -> Option<String> {
    let why = match code {
        Code::SchemaColumnMissing => "its values would have nowhere to go",
        Code::SchemaColumnExtra => "nobody knows what its values should be",
        Code::SchemaColumnRequired => "no row could be added without it",
        _ => return None,
    };
    Some(why.to_owned())
}

fn others_named(others: &[&Difference]) -> String {
    let named = others.iter().take(limits::DIFFERENCES_NAMED).map(|difference| difference.what.as_str());
    let mut why = named.collect::<Vec<_>>().join("; ");
    if let Some(more) = others.len().checked_sub(limits::DIFFERENCES_NAMED).filter(|more| *more > 0) {
        why += &format!("; and {more} more, which syncline diff lists");
    }
    why
}
