//! Capture by a column that grows with every write, such as `updated_at`: for a source in which no log may be kept.
//!
//! What is read is every row whose cell is as high as the highest of the last run, less an *overlap*, and every row whose cell
//! says nothing (NULL, text that is no time). So a transaction that commits late is seen as long as it takes less than the
//! overlap, and rows that were seen already are found to be equal. A column cannot tell of rows that were deleted, of rows that
//! were written without raising it, and of rows that a filter lets through no more: whoever uses it is told so.

use std::collections::BTreeSet;

use crate::change::{Mapped, TableTask};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::mapping::Condition;
use crate::mapping::filter::{Comparison, Operand};
use crate::mapping::lookup::{find_column, find_table};
use crate::mapping::names::Reader;
use crate::mapping::rules::{UNTOUCHED, invalid};
use crate::schema::Schema;
use crate::store::{LogPosition, Scale, Snapshot};
use crate::value::{Coercion, Kind, Value};

/// `'orders: updated_at, overlap 30m'`, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorRule {
    table: String,
    column: String,
    overlap: Option<Overlap>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    Millis(i64),
    Numbers(i64),
}

/// The column by which the changes of one table are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorColumn {
    name: String,
    scale: Scale,
    /// Milliseconds, or numbers.
    overlap: i64,
}

impl CursorRule {
    /// Reads what was typed, one text a rule.
    ///
    /// # Errors
    /// `CURSOR_INVALID` for a rule that is not understood, and for two about one table.
    pub fn parse(texts: &[String]) -> Result<Vec<Self>> {
        let wrong = |text: &String, why: String| invalid(Code::CursorInvalid, FLAG, text, why);
        let (mut rules, mut tables) = (Vec::new(), BTreeSet::new());
        for text in texts.iter().take(limits::MAPPING_RULES_MAX + 1) {
            let rule = parse(text).map_err(|why| wrong(text, why))?;
            if !tables.insert(rule.table.to_ascii_lowercase()) {
                return Err(wrong(text, format!("there is another rule for {}", rule.table)));
            }
            rules.push(rule);
        }
        match rules.len() > limits::MAPPING_RULES_MAX {
            true => {
                let what = format!("{FLAG} was given more than {} times", limits::MAPPING_RULES_MAX);
                Err(Error::new(Code::UsageInvalid, what).leaving(UNTOUCHED))
            }
            false => Ok(rules),
        }
    }

    /// Finds the table and the column in the source.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `COLUMN_NOT_FOUND`, and `CURSOR_INVALID` for a column that holds neither times nor numbers.
    pub fn resolve(&self, schema: &Schema) -> Result<(String, CursorColumn)> {
        let table = find_table(schema, &self.table, FLAG)?;
        let column = &table.columns[find_column(table, &self.column, FLAG)?];
        let wrong = |why: String| invalid(Code::CursorInvalid, FLAG, &self.text, why);
        let of = &column.kind;
        let is_flexible = matches!(of, Kind::Flexible(coercion) if *coercion != Coercion::Text);
        let has_numbers = of.is_numeric() || is_flexible;
        let (scale, overlap) = match (scale(of, &column.declared_type), self.overlap) {
            (None, _) => return Err(wrong(format!("{} holds {of}, neither times nor numbers", column.name))),
            (Some(Scale::Time), None) => (Scale::Time, limits::CURSOR_OVERLAP_MILLIS),
            (Some(Scale::Number), None) => (Scale::Number, limits::CURSOR_OVERLAP_NUMBERS),
            // Whole numbers may be times too: seconds or milliseconds since 1970.
            (Some(_), Some(Overlap::Millis(millis))) => (Scale::Time, millis),
            (Some(_), Some(Overlap::Numbers(numbers))) if has_numbers => (Scale::Number, numbers),
            (Some(_), Some(Overlap::Numbers(_))) => {
                return Err(wrong(format!("{} holds {of}: say for how long, such as overlap 30m", column.name)));
            }
        };
        Ok((table.name.clone(), CursorColumn { name: column.name.clone(), scale, overlap }))
    }
}

impl CursorColumn {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the column ends in a view; `None` where no row says anything. A time that is yet to come is passed over: behind it
    /// nothing would ever be seen again.
    ///
    /// # Errors
    /// Those of the view.
    pub async fn end(&self, view: &mut dyn Snapshot, source: &TableTask, now_ms: i64) -> Result<Option<LogPosition>> {
        let [low, high] = match self.scale {
            Scale::Time => [Operand::Instant(0), Operand::Instant(now_ms)],
            Scale::Number => [i64::MIN, i64::MAX].map(|end| Operand::Value(Value::Int(end))),
        };
        let within = Condition::All(vec![
            self.compared(Comparison::GreaterOrEqual, low),
            self.compared(Comparison::LessOrEqual, high),
        ]);
        let whole =
            TableTask { mapped: Mapped { filter: Some(within.into()), ..source.mapped.clone() }, ..source.clone() };
        Ok(view.highest(&whole, &self.name, self.scale).await?.map(|highest| self.position(highest)))
    }

    /// Whether where the column ends lies before a position, which it does not as long as nobody takes anything back.
    pub fn has_fallen(&self, end: &LogPosition, since: &LogPosition) -> bool {
        self.value(end) < self.value(since)
    }

    /// The rows that are to be read after a position; `None` where that is not one of this column.
    pub fn rows_since(&self, position: &LogPosition) -> Option<Condition> {
        let from = self.value(position)?.saturating_sub(self.overlap);
        let from = match self.scale {
            // Times are rounded to the millisecond where they are compared.
            Scale::Time => Operand::Instant(from.saturating_sub(1)),
            Scale::Number => Operand::Value(Value::Int(from)),
        };
        let reached = self.compared(Comparison::GreaterOrEqual, from);
        Some(Condition::Any(vec![reached.clone(), Condition::Unknown(Box::new(reached))]))
    }

    /// The task of the rows among `source` that are to be read after a position; `None` as in [`CursorColumn::rows_since`].
    pub fn task_since(&self, source: &TableTask, position: &LogPosition) -> Option<TableTask> {
        let since = self.rows_since(position)?;
        let filter = match &source.mapped.filter {
            None => since,
            Some(filter) => Condition::All(vec![(**filter).clone(), since]),
        };
        let mapped = Mapped { filter: Some(filter.into()), ..source.mapped.clone() };
        Some(TableTask { mapped, ..source.clone() })
    }

    fn compared(&self, comparison: Comparison, right: Operand) -> Condition {
        Condition::Compare { left: Operand::Column(self.name.clone()), comparison, right }
    }

    fn position(&self, value: i64) -> LogPosition {
        LogPosition(format!("{} {value} {}", self.word(), self.name))
    }

    fn value(&self, position: &LogPosition) -> Option<i64> {
        let mut words = position.0.splitn(3, ' ');
        let (word, value, name) = (words.next()?, words.next()?, words.next()?);
        if (word, name) == (self.word(), &self.name) { value.parse().ok() } else { None }
    }

    fn word(&self) -> &'static str {
        match self.scale {
            Scale::Time => "time",
            Scale::Number => "number",
        }
    }
}

const FLAG: &str = "--cursor";

fn parse(text: &str) -> std::result::Result<CursorRule, String> {
    let mut reader = Reader::new(text);
    let table = reader.name(&[':'])?;
    reader.must_eat(':')?;
    let column = reader.name(&[','])?;
    let overlap = match reader.eat(',') {
        false => None,
        true => Some(overlap(reader.rest())?),
    };
    if overlap.is_none() && !reader.is_done() {
        return Err(format!("',' or the end is expected at character {}", reader.place()));
    }
    Ok(CursorRule { table, column, overlap, text: text.to_owned() })
}

/// Reads `overlap 30m` or `overlap 1000`.
fn overlap(text: &str) -> std::result::Result<Overlap, String> {
    let wrong = || "write overlap 30s, 10m, 2h or 1d for times, and overlap 1000 for numbers".to_owned();
    let text = text.trim();
    let amount = text.strip_prefix("overlap").filter(|rest| rest.starts_with(' ')).ok_or_else(wrong)?.trim();
    let end = amount.find(|c: char| !c.is_ascii_digit()).unwrap_or(amount.len());
    let number: i64 = amount[..end].parse().map_err(|_| wrong())?;
    let unit = match amount[end..].trim() {
        "" => return Ok(Overlap::Numbers(number)),
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).map(Overlap::Millis).ok_or_else(wrong)
}

/// What the cells of a column are, as far as its declaration tells.
fn scale(kind: &Kind, declared: &str) -> Option<Scale> {
    let declared = declared.to_ascii_uppercase();
    let is_time = ["DATE", "TIME"].iter().any(|word| declared.contains(word));
    match kind {
        Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. } | Kind::Text { .. } => Some(Scale::Time),
        Kind::Flexible(_) if is_time => Some(Scale::Time),
        Kind::Flexible(Coercion::Text | Coercion::None) => Some(Scale::Time),
        Kind::Flexible(_) | Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } => Some(Scale::Number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<(String, String, Option<Overlap>), String> {
        parse(text).map(|rule| (rule.table, rule.column, rule.overlap))
    }

    #[test]
    fn a_rule_names_a_table_a_column_and_an_overlap() {
        let named = |overlap| Ok(("orders".to_owned(), "updated_at".to_owned(), overlap));
        assert_eq!(read("orders: updated_at"), named(None));
        assert_eq!(read(r#" "orders" :"updated_at" , overlap 90s"#), named(Some(Overlap::Millis(90_000))));
        assert_eq!(read("orders: updated_at, overlap 2h"), named(Some(Overlap::Millis(7_200_000))));
        assert_eq!(read("orders: updated_at, overlap 0"), named(Some(Overlap::Numbers(0))));
        for wrong in ["orders", "orders:", "orders: a,", "orders: a, 3m", "orders: a, overlap", "orders: a, overlap -1"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("orders: a, overlap 9999999999999999d").is_err() && read("orders: a, overlap 3 weeks").is_err());
    }

    #[test]
    fn a_table_has_one_rule() {
        let texts = ["t: a", "T: b"].map(str::to_owned);
        assert_eq!(CursorRule::parse(&texts).unwrap_err().code(), Code::CursorInvalid);
    }

    #[test]
    fn a_position_is_that_of_one_column() {
        let column = |name: &str, scale| CursorColumn { name: name.to_owned(), scale, overlap: 10 };
        let at = column("changed at", Scale::Number).position(90);
        assert_eq!(at, LogPosition("number 90 changed at".to_owned()));
        assert_eq!(column("changed at", Scale::Number).value(&at), Some(90));
        for other in [column("changed", Scale::Number), column("changed at", Scale::Time)] {
            assert_eq!(other.rows_since(&at), None);
        }
        assert!(column("a", Scale::Time).rows_since(&LogPosition::none()).is_none());
    }

    #[test]
    fn rows_are_read_again_that_lie_in_the_overlap_or_say_nothing() {
        let column = CursorColumn { name: "n".to_owned(), scale: Scale::Number, overlap: 10 };
        let Some(Condition::Any(either)) = column.rows_since(&column.position(90)) else { panic!("two conditions") };
        let reached = Condition::Compare {
            left: Operand::Column("n".to_owned()),
            comparison: Comparison::GreaterOrEqual,
            right: Operand::Value(Value::Int(80)),
        };
        assert_eq!(either, [reached.clone(), Condition::Unknown(Box::new(reached))]);
        assert!(column.has_fallen(&column.position(89), &column.position(90)));
        assert!(!column.has_fallen(&column.position(90), &column.position(90)));
    }
}
