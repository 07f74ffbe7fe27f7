//! A filter as SQL of MySQL and MariaDB.
//!
//! The meaning is that of [`syncline_core::mapping::filter`]. The servers have ways of their own that would change it, and each
//! is kept out here: a collation decides what is before what, or even equal (text is compared by its bytes, and found by its
//! collation first where that can use an index); a number that a column has no room for is bent to one that it has (it is
//! above or below all of it); a `float` is compared by its 32 bits and not by the digits it stands for (the ends of what
//! compares so are sought here); a year of two digits is one of four.

mod moment;
mod number;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::{Comparison, Operand, Part};
use syncline_core::schema::{Column, TableSchema};
use syncline_core::store::Scale;
use syncline_core::value::calendar::{self, DAY_MICROS};
use syncline_core::value::key_order::{self, kind_rank};
use syncline_core::value::{Kind, Value, ValueRef, fit};

use super::codec::Codec;
use super::connect::quoted;
use super::digest::by_bytes;
use super::types;
use crate::sql::Dialect;
use crate::sql::predicates::{holds, like_pattern, misplaced, sign};

/// The condition that the rows of a task satisfy, with the table's columns behind `qualifier`; `None` for all rows.
///
/// # Errors
/// When the filter names a column that the table has not, or a value that a column cannot hold, or compares columns that
/// the server cannot compare.
pub(super) fn condition(task: &TableTask, qualifier: &str) -> Result<Option<String>> {
    let writer = Writer { table: &task.table, qualifier };
    task.mapped.filter.as_ref().map(|filter| writer.condition(filter, true)).transpose()
}

/// The highest value of a column as SQL, in whole units of the scale.
///
/// # Errors
/// When the table has no such column.
pub(super) fn highest(task: &TableTask, column: &str, scale: Scale) -> Result<String> {
    let writer = Writer { table: &task.table, qualifier: "" };
    let named = writer.named(column)?;
    Ok(match scale {
        Scale::Time => moment::highest(&named),
        Scale::Number => format!("CAST(FLOOR(MAX({})) AS SIGNED)", named.name),
    })
}

struct Writer<'a> {
    table: &'a TableSchema,
    qualifier: &'a str,
}

impl Writer<'_> {
    /// `is_kept` says whether rows are kept for which it is true. There it does not matter whether it is NULL or false for
    /// the others, while behind NOT it does.
    fn condition(&self, condition: &Condition, is_kept: bool) -> Result<String> {
        match condition {
            Condition::All(conditions) => self.joined(conditions, "AND", is_kept),
            Condition::Any(conditions) => self.joined(conditions, "OR", is_kept),
            Condition::Not(condition) => Ok(format!("NOT ({})", self.condition(condition, !is_kept)?)),
            Condition::Compare { left, comparison, right } => self.compare(left, *comparison, right, is_kept),
            Condition::In { operand, values } => self.list(operand, values),
            Condition::Like { operand, pattern, ignores_case } => self.like(operand, pattern, *ignores_case),
            Condition::IsNull(Operand::Column(name)) => Ok(format!("{} IS NULL", self.named(name)?.name)),
            Condition::IsNull(_) => Ok("FALSE".to_owned()),
            Condition::Unknown(condition) => self.unknown(condition),
        }
    }

    /// Of what compares with everything that a column holds but NULL the column itself is asked, so that an index over it can be used.
    fn unknown(&self, condition: &Condition) -> Result<String> {
        if let Condition::Compare { left: Operand::Column(name), right: Operand::Value(_), .. } = condition {
            let named = self.named(name)?;
            if named.column.kind.is_numeric() {
                return Ok(format!("{} IS NULL", named.name));
            }
        }
        Ok(format!("({}) IS NULL", self.condition(condition, false)?))
    }

    fn joined(&self, conditions: &[Condition], word: &str, is_kept: bool) -> Result<String> {
        let parts = conditions.iter().map(|condition| self.condition(condition, is_kept));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        match &parts[..] {
            [] => Err(Error::new(Code::Internal, "a filter joins no conditions")),
            [only] => Ok(only.clone()),
            _ => Ok(format!("({})", parts.join(&format!(" {word} ")))),
        }
    }

    fn compare(&self, left: &Operand, comparison: Comparison, right: &Operand, is_kept: bool) -> Result<String> {
        match (left, right) {
            (Operand::Instant(_) | Operand::Value(_), Operand::Column(_) | Operand::Seen { .. }) => {
                self.compare(right, comparison.reversed(), left, is_kept)
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Instant(millis)) => {
                let named = self.operand(left)?;
                Ok(moment::compared(&named, comparison, *millis, is_kept))
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Value(value)) => {
                compared(&self.operand(left)?, comparison, value)
            }
            (Operand::Value(a), Operand::Value(b)) => {
                let is_so = holds(comparison, key_order::compare(a.as_ref(), b.as_ref()));
                Ok(if is_so { "TRUE" } else { "FALSE" }.to_owned())
            }
            _ => columns(&self.operand(left)?, comparison, &self.operand(right)?),
        }
    }

    fn list(&self, operand: &Operand, values: &[Value]) -> Result<String> {
        let named = self.operand(operand)?;
        if !matches!(named.column.kind, Kind::Text { .. }) {
            let equal = values.iter().map(|value| compared(&named, Comparison::Equal, value));
            return Ok(format!("({})", equal.collect::<Result<Vec<_>>>()?.join(" OR ")));
        }
        let texts = values.iter().map(|value| text_of(&named, value)).collect::<Result<Vec<_>>>()?;
        let listed = |literal: fn(&[u8]) -> String| {
            let literals: Vec<_> = texts.iter().map(|text| literal(text)).collect();
            literals.join(", ")
        };
        let name = &named.name;
        Ok(format!("({name} IN ({}) AND {} IN ({}))", listed(written), by_bytes(name), listed(bytes)))
    }

    /// NULL for NULL, like every comparison; false for what is no text.
    fn like(&self, operand: &Operand, pattern: &[Part], ignores_case: bool) -> Result<String> {
        let named = self.operand(operand)?;
        if !is_text(&named.column.kind) {
            return Ok(unless_null(&[&named], false));
        }
        let mut pattern = like_pattern(pattern);
        let mut text = format!("CONVERT({} USING utf8mb4)", named.name);
        if ignores_case {
            // Letters that the pattern has not can only stand for anything, which they do in either case. By its collation
            // the server would fold more than the letters of ASCII.
            for letter in ('a'..='z').filter(|letter| pattern.to_ascii_lowercase().contains(*letter)) {
                text = format!("REPLACE({text} COLLATE utf8mb4_bin, '{}', '{letter}')", letter.to_ascii_uppercase());
            }
            pattern.make_ascii_lowercase();
        }
        // By the numbers of characters, so that `_` is one of these and not one byte.
        Ok(format!("{text} COLLATE utf8mb4_bin LIKE {} ESCAPE {}", written(pattern.as_bytes()), written(b"\\")))
    }

    /// A column as it is compared. Nothing but padding is taken away from one here.
    fn operand(&self, operand: &Operand) -> Result<Named<'_>> {
        match operand {
            Operand::Column(name) => self.named(name),
            Operand::Seen { column, kind: Kind::Text { padded: true, .. } } => {
                let Named { name, column } = self.named(column)?;
                Ok(Named { name: format!("TRIM(TRAILING ' ' FROM {name})"), column })
            }
            _ => Err(misplaced()),
        }
    }

    fn named(&self, name: &str) -> Result<Named<'_>> {
        let position = self.table.column(name).ok_or_else(|| {
            let what = format!("the filter names a column {name} that {} has not", self.table.name);
            Error::new(Code::FilterInvalid, what)
        })?;
        let column = &self.table.columns[position];
        let name = format!("{}{}", self.qualifier, quoted(&column.name)?);
        // A year is a number only where it is counted with: `70` would be 1970.
        let name = if column.declared_type.starts_with("year") { format!("({name} + 0)") } else { name };
        Ok(Named { name, column })
    }
}

/// A column and how it is written.
struct Named<'t> {
    name: String,
    column: &'t Column,
}

/// A column compared with a value.
fn compared(named: &Named<'_>, comparison: Comparison, value: &Value) -> Result<String> {
    let kind = &named.column.kind;
    if let Some(limit) = number::limit(kind)
        && let Some(number) = number::of(value)
    {
        let ready = match kind {
            Kind::Real { single } => number::against_reals(&named.name, *single, comparison, &number),
            _ => number::against_digits(&named.name, limit, comparison, &number),
        };
        return Ok(ready.unwrap_or_else(|always| unless_null(&[named], always)));
    }
    if let Kind::Text { .. } = kind {
        let text = text_of(named, value)?;
        let plain = format!("{} {} {}", by_bytes(&named.name), sign(comparison), bytes(&text));
        // What has the same bytes is the same to every collation, and may be found by an index.
        let is_equal = comparison == Comparison::Equal;
        return Ok(if is_equal { format!("({} = {} AND {plain})", named.name, written(&text)) } else { plain });
    }
    let mut scratch = String::new();
    let fitted = fitted(named, value, &mut scratch)?;
    Ok(match literal(kind, fitted)? {
        Ok(literal) => format!("{} {} {literal}", comparable(named), sign(comparison)),
        Err(beyond) => unless_null(&[named], holds(comparison, beyond)),
    })
}

fn columns(a: &Named<'_>, comparison: Comparison, b: &Named<'_>) -> Result<String> {
    let (left, right) = (&a.column.kind, &b.column.kind);
    if kind_rank(left) != kind_rank(right) {
        return Ok(unless_null(&[a, b], holds(comparison, kind_rank(left).cmp(&kind_rank(right)))));
    }
    let is_single = |kind: &Kind| matches!(kind, Kind::Real { single: true });
    if is_single(left) != is_single(right) {
        let float = if is_single(left) { a } else { b };
        let what = format!("the filter compares a column with {}, which is a float of 32 bits", float.column.name);
        return Err(Error::new(Code::FilterInvalid, what)
            .because("MySQL and MariaDB do not tell the digits that it stands for, so that 0.1 were not 0.1"));
    }
    Ok(format!("{} {} {}", comparable(a), sign(comparison), comparable(b)))
}

/// What is compared instead of a column, for values to be in the order that all engines share.
fn comparable(named: &Named<'_>) -> String {
    let name = &named.name;
    match &named.column.kind {
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Uuid => by_bytes(name),
        Kind::Other { .. } => match types::codec(named.column) {
            Codec::Bits(width) => format!("CAST(LPAD(CONV({name} + 0, 10, 2), {width}, '0') AS BINARY)"),
            // The server's own form: the number of the reference system in four bytes, then the well-known binary.
            Codec::Geometry(_) => {
                format!("CAST(CONCAT('SRID=', ST_SRID({name}), ';', SUBSTR(HEX({name}), 9)) AS BINARY)")
            }
            _ => by_bytes(name),
        },
        _ => name.clone(),
    }
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text { .. } | Kind::Enum { .. })
}

/// The same for all values but NULL.
fn unless_null(columns: &[&Named<'_>], always: bool) -> String {
    let nulls: Vec<String> = columns.iter().map(|named| format!("{} IS NULL", named.name)).collect();
    let always = if always { "TRUE" } else { "FALSE" };
    format!("CASE WHEN {} THEN NULL ELSE {always} END", nulls.join(" OR "))
}

fn fitted<'v>(named: &'v Named<'_>, value: &'v Value, scratch: &'v mut String) -> Result<ValueRef<'v>> {
    let kind = &named.column.kind;
    match fit::fit(value.as_ref(), kind, scratch) {
        Ok(ValueRef::Null) => Err(misplaced()),
        Ok(fitted) => Ok(fitted),
        Err(misfit) => {
            let what = format!("the filter compares a column that holds {kind} with what it cannot");
            Err(Error::new(Code::FilterInvalid, what).because(misfit.to_string()))
        }
    }
}

/// The text as it was typed: spaces at its end count, though those of a padded column do not.
fn text_of(named: &Named<'_>, value: &Value) -> Result<Vec<u8>> {
    let mut scratch = String::new();
    match (fitted(named, value, &mut scratch)?, value) {
        (ValueRef::Text(_), Value::Text(typed)) => Ok(typed.clone()),
        _ => Err(misplaced()),
    }
}

/// A value as a column of this kind is compared with it; where the engine has no such day, on which side of all of its own
/// the column lies.
fn literal(kind: &Kind, value: ValueRef<'_>) -> Result<std::result::Result<String, std::cmp::Ordering>> {
    let written = Dialect::Mysql.literal(value);
    let day = match value {
        ValueRef::Date(days) => Some((i64::from(days), format!("CAST({written} AS DATE)"))),
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => {
            Some((micros.div_euclid(DAY_MICROS), format!("CAST({written} AS DATETIME(6))")))
        }
        _ => None,
    };
    if let Some((day, literal)) = day {
        return Ok(match calendar::civil(day).year {
            ..=-1 => Err(std::cmp::Ordering::Greater),
            0..=9_999 => Ok(literal),
            _ => Err(std::cmp::Ordering::Less),
        });
    }
    Ok(Ok(match (kind, value) {
        (Kind::Json { normalised: true }, ValueRef::Json(_)) => by_bytes(&format!("CAST({written} AS JSON)")),
        (Kind::Uuid, ValueRef::Uuid(_)) => by_bytes(&written),
        (_, ValueRef::Text(text)) => bytes(text),
        (_, ValueRef::Json(text) | ValueRef::Other { text, .. }) => bytes(text.as_bytes()),
        (_, ValueRef::Time(_)) => format!("CAST({written} AS TIME(6))"),
        _ => written,
    }))
}

fn written(text: &[u8]) -> String {
    Dialect::Mysql.literal(ValueRef::Text(text))
}

fn bytes(text: &[u8]) -> String {
    Dialect::Mysql.literal(ValueRef::Bytes(text))
}
