//! A filter in the words of both sides of a pair.
//!
//! Both columns of a pair may hold one value differently: a timestamp is text in a SQLite file, a decimal of many digits too, and
//! one side's text is padded. What a filter means must not depend on that, or rows that are equal would be inside it on one side
//! and outside on the other, and a mirror would delete them. So each side compares what its cells are *seen as*
//! ([`crate::value::Forms`]) wherever its own words mean something else, and what a side cannot compare so is refused.

use super::bind;
use super::condition::{Condition, Operand};
use crate::schema::{Column, Meeting, TableSchema};
use crate::value::key_order::kind_rank;
use crate::value::{Coercion, Kind, Value};

/// Digits that a double gives back.
const DIGITS_OF_A_DOUBLE: usize = 15;

/// Numbers of so few digits are the same to a double, a decimal and a whole number.
const SHORT_END: f64 = 1e15;
const SHORT_BEGIN: f64 = 1e-300;

/// Why a filter cannot be the same on both sides.
pub(in crate::mapping) struct Unlike {
    /// The column of the source, by its name there.
    pub(in crate::mapping) column: String,
    /// What is wrong, for a person.
    pub(in crate::mapping) why: String,
}

type Written<T> = Result<T, Unlike>;

/// A column of the source and the one of the target that takes its values.
pub(in crate::mapping) struct Met<'t> {
    source: &'t Column,
    target: &'t Column,
    engines: [&'static str; 2],
    /// `None` where the values of one have no meaning in the other.
    meeting: Option<Meeting>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

/// What a column is compared with.
#[derive(Clone, Copy)]
enum Use<'c> {
    Values(&'c [Value]),
    Pattern,
    Moment,
    Column,
}

/// The filter of the source as each side has to ask it. `find` knows every column of the filter.
///
/// # Errors
/// As `find`, and what cannot be the same on both sides.
pub(in crate::mapping) fn paired<'t, E: From<Unlike>>(
    condition: &Condition,
    find: &dyn Fn(&str) -> Result<Met<'t>, E>,
) -> Result<[Condition; 2], E> {
    let written = |side| Writer { side, find }.condition(condition);
    Ok([written(Side::Source)?, written(Side::Target)?])
}

struct Writer<'f, 't, E> {
    side: Side,
    find: &'f dyn Fn(&str) -> Result<Met<'t>, E>,
}

impl<E: From<Unlike>> Writer<'_, '_, E> {
    fn condition(&self, condition: &Condition) -> Result<Condition, E> {
        let all = |conditions: &[Condition]| {
            conditions.iter().map(|condition| self.condition(condition)).collect::<Result<Vec<_>, E>>()
        };
        Ok(match condition {
            Condition::All(conditions) => Condition::All(all(conditions)?),
            Condition::Any(conditions) => Condition::Any(all(conditions)?),
            Condition::Not(condition) => Condition::Not(Box::new(self.condition(condition)?)),
            Condition::Compare { left, comparison, right } => {
                let (left, right) = self.compared(left, right)?;
                Condition::Compare { left, comparison: *comparison, right }
            }
            Condition::In { operand: Operand::Column(name), values } => {
                let met = (self.find)(name)?;
                let operand = met.operand(self.side, Use::Values(values))?;
                Condition::In { operand, values: values.iter().map(|value| met.value(self.side, value)).collect() }
            }
            Condition::Like { operand: Operand::Column(name), pattern, ignores_case } => {
                let operand = (self.find)(name)?.operand(self.side, Use::Pattern)?;
                Condition::Like { operand, pattern: pattern.clone(), ignores_case: *ignores_case }
            }
            // Nothing is NULL on one side only.
            Condition::IsNull(Operand::Column(name)) => {
                Condition::IsNull(Operand::Column((self.find)(name)?.own(self.side).name.clone()))
            }
            Condition::Unknown(condition) => Condition::Unknown(Box::new(self.condition(condition)?)),
            other => other.clone(),
        })
    }

    fn compared(&self, left: &Operand, right: &Operand) -> Result<(Operand, Operand), E> {
        Ok(match (left, right) {
            (Operand::Column(a), Operand::Column(b)) => {
                let (a, b) = ((self.find)(a)?, (self.find)(b)?);
                columns(self.side, &a, &b)?
            }
            (Operand::Column(name), other) => self.against(name, other)?,
            (other, Operand::Column(name)) => {
                let (column, other) = self.against(name, other)?;
                (other, column)
            }
            _ => (left.clone(), right.clone()),
        })
    }

    fn against(&self, name: &str, other: &Operand) -> Result<(Operand, Operand), E> {
        let met = (self.find)(name)?;
        Ok(match other {
            Operand::Value(value) => {
                let column = met.operand(self.side, Use::Values(std::slice::from_ref(value)))?;
                (column, Operand::Value(met.value(self.side, value)))
            }
            other => (met.operand(self.side, Use::Moment)?, other.clone()),
        })
    }
}

/// Two columns that are compared with each other.
fn columns(side: Side, a: &Met<'_>, b: &Met<'_>) -> Written<(Operand, Operand)> {
    let (left, right) = (a.operand(side, Use::Column)?, b.operand(side, Use::Column)?);
    if !a.differs() && !b.differs() {
        return Ok((left, right));
    }
    let is_real = |met: &Met<'_>| met.kinds().iter().any(|kind| matches!(kind, Kind::Real { .. }));
    let is_small = |met: &Met<'_>| met.kinds().iter().any(|kind| matches!(kind, Kind::Int { bits: ..=32 }));
    if is_real(a) && !is_real(b) && !is_small(b) || is_real(b) && !is_real(a) && !is_small(a) {
        return Err(a.unlike(&format!("compared with {}, digits of either could be lost on one side", b.source.name)));
    }
    // A server compares columns of different kinds by these alone, and so has a file to do.
    let has_other_rank = kind_rank(a.kind(side)) != kind_rank(b.kind(side));
    let is_seen = |operand: &Operand| matches!(operand, Operand::Seen { .. });
    if matches!(a.own(side).kind, Kind::Flexible(_)) && (has_other_rank || is_seen(&left) || is_seen(&right)) {
        return Ok((a.seen(side), b.seen(side)));
    }
    Ok((left, right))
}

impl<'t> Met<'t> {
    /// How a column of the source meets the one of the target.
    pub(in crate::mapping) fn of(
        (source, from): (&'t Column, &TableSchema),
        (target, into): (&'t Column, &TableSchema),
    ) -> Self {
        let meeting = Meeting::of((&source.kind, from.engine), (&target.kind, into.engine));
        Self { source, target, engines: [from.engine, into.engine], meeting }
    }

    fn own(&self, side: Side) -> &'t Column {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    fn kinds(&self) -> [&Kind; 2] {
        [&self.source.kind, &self.target.kind]
    }

    /// Whether the two may hold one value in different ways.
    fn differs(&self) -> bool {
        self.engines[0] != self.engines[1] || self.source.kind != self.target.kind
    }

    fn seen_as(&self) -> Option<&Kind> {
        self.meeting.as_ref()?.seen_as.as_ref()
    }

    /// What the cells of this side are seen as.
    fn kind(&self, side: Side) -> &Kind {
        self.seen_as().unwrap_or(&self.own(side).kind)
    }

    fn seen(&self, side: Side) -> Operand {
        Operand::Seen { column: self.own(side).name.clone(), kind: self.kind(side).clone() }
    }

    /// The column as this side has to write it.
    fn operand(&self, side: Side, asked: Use<'_>) -> Written<Operand> {
        let own = self.own(side);
        let plain = Operand::Column(own.name.clone());
        if self.meeting.is_none() {
            return Err(self.unlike("values of one have no meaning in the other"));
        }
        if !self.differs() || matches!(self.kinds(), [Kind::Flexible(_), Kind::Flexible(_)]) {
            return Ok(plain);
        }
        let kind = self.kind(side);
        self.check(kind, asked)?;
        match (&own.kind, kind) {
            (Kind::Flexible(coercion), kind) => {
                Ok(if is_native(kind, *coercion, asked) { plain } else { self.seen(side) })
            }
            (Kind::Text { padded: false, .. }, Kind::Text { padded: true, .. }) => Ok(self.seen(side)),
            _ => Ok(plain),
        }
    }

    /// Refuses what the two sides could not answer alike.
    fn check(&self, kind: &Kind, asked: Use<'_>) -> Written<()> {
        let is_flexible = self.kinds().iter().any(|kind| matches!(kind, Kind::Flexible(_)));
        let reals = self.kinds().iter().filter(|kind| matches!(kind, Kind::Real { .. })).count();
        let is_rich = |kind: &Kind| !matches!(kind, Kind::Text { .. } | Kind::Enum { .. });
        let has_text = self.kinds().iter().any(|kind| matches!(kind, Kind::Text { .. }));
        if matches!(kind, Kind::Json { .. }) {
            return Err(self.unlike("one document is written in different ways"));
        }
        if has_text && !is_flexible && self.kinds().iter().any(|kind| is_rich(kind)) {
            return Err(self.unlike("text is compared by its bytes, and the other by what it means"));
        }
        if self.source.kind.is_textual() && is_flexible && kind.is_numeric() {
            return Err(self.unlike("text is no number to a filter of the source, and it is one in the target"));
        }
        match asked {
            Use::Values(values) => {
                values.iter().try_for_each(|value| self.check_value(kind, value))?;
                match values.iter().all(|value| reals != 1 || is_flexible || is_short(value)) {
                    true => Ok(()),
                    false => Err(self.unlike("only one of them holds so many digits as the filter has")),
                }
            }
            Use::Pattern => bind::matchable(&self.source.name, kind).map_err(|why| self.unlike(&why)),
            Use::Moment if is_moment(kind, is_flexible) && reals == 0 => Ok(()),
            Use::Moment => Err(self.unlike("now() is compared with dates, times and whole numbers of seconds there")),
            Use::Column if is_flexible || kind_rank(&self.source.kind) == kind_rank(&self.target.kind) => Ok(()),
            Use::Column => Err(self.unlike("they compare differently with another column")),
        }
    }

    fn check_value(&self, kind: &Kind, value: &Value) -> Written<()> {
        let name = &self.source.name;
        let own = self.kinds().into_iter().filter(|kind| !matches!(kind, Kind::Flexible(_)));
        for kind in own.chain([kind]) {
            bind::answerable(name, kind, value).map_err(|why| self.unlike(&why))?;
        }
        if matches!((kind, value), (Kind::Decimal { .. } | Kind::Real { .. }, Value::Bool(_))) {
            return Err(self.unlike("a truth value is no number there"));
        }
        Ok(())
    }

    /// A value as this side has to write it.
    fn value(&self, side: Side, value: &Value) -> Value {
        match (&self.own(side).kind, self.seen_as(), value) {
            // Servers compare floating-point numbers with the nearest one.
            (Kind::Flexible(_), Some(Kind::Real { .. }), Value::Int(number)) => Value::Real(*number as f64),
            (Kind::Flexible(_), Some(Kind::Real { .. }), Value::Decimal(digits)) => {
                digits.parse().map_or_else(|_| value.clone(), Value::Real)
            }
            (Kind::Int { .. }, Some(Kind::Bool), Value::Bool(truth))
            | (Kind::Flexible(_), Some(Kind::Int { .. }), Value::Bool(truth)) => Value::Int(i64::from(*truth)),
            _ => value.clone(),
        }
    }

    fn unlike(&self, why: &str) -> Unlike {
        let [from, into] = self.engines;
        let why = format!(
            "{} is {} in the source ({from}) and {} in the target ({into}): {why}",
            self.source.name,
            or_untyped(&self.source.declared_type),
            or_untyped(&self.target.declared_type)
        );
        Unlike { column: self.source.name.clone(), why }
    }
}

/// Whether a column of SQLite with this coercion, compared as it is, gives the same answer as one of this kind.
fn is_native(kind: &Kind, coercion: Coercion, asked: Use<'_>) -> bool {
    let is_number = matches!(coercion, Coercion::Integer | Coercion::Real | Coercion::Numeric);
    match kind {
        Kind::Text { padded, .. } => !padded,
        Kind::Flexible(_) | Kind::Enum { .. } | Kind::Other { .. } | Kind::Bytes => true,
        Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } if !is_number => false,
        Kind::Decimal { .. } if !kind.is_decimal_within_a_double() => false,
        Kind::Real { .. } => matches!(asked, Use::Values(values) if values.iter().all(is_number_value)),
        Kind::Int { .. } | Kind::Decimal { .. } => match asked {
            Use::Values(values) => values.iter().all(|value| matches!(value, Value::Int(_)) || is_short(value)),
            Use::Moment => coercion != Coercion::Real,
            Use::Pattern | Use::Column => true,
        },
        _ => false,
    }
}

/// Whether a column of this kind is compared with a point in time alike on both sides.
fn is_moment(kind: &Kind, is_flexible: bool) -> bool {
    use Kind::{Date, Decimal, Enum, Instant, Int, Text, Timestamp};
    match kind {
        Date | Timestamp { .. } | Instant { .. } | Int { .. } | Text { .. } | Enum { .. } => true,
        // Fractions are Julian days, of which each engine rounds its own.
        Decimal { .. } => !is_flexible,
        _ => false,
    }
}

fn is_number_value(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Decimal(_) | Value::Real(_))
}

/// Whether a number is the same as a double, as a decimal and as a whole number.
fn is_short(value: &Value) -> bool {
    let digits = match value {
        Value::Int(number) => return (*number as f64).abs() < SHORT_END,
        Value::Decimal(digits) => digits,
        _ => return false,
    };
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let significant = mantissa.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    if significant == 0 {
        return true;
    }
    let size = digits.parse::<f64>().unwrap_or(f64::INFINITY).abs();
    significant <= DIGITS_OF_A_DOUBLE && (SHORT_BEGIN..SHORT_END).contains(&size)
}

fn or_untyped(declared: &str) -> &str {
    if declared.is_empty() { "untyped" } else { declared }
}
