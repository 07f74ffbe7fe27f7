//! From words to a condition.

use super::condition::{Comparison, Condition, Operand, Part};
use super::lexer::{Flaw, Placed, Token, words};
use crate::limits;
use crate::value::Value;

type Parsed<T> = Result<T, Flaw>;

/// Words that are never the name of a column unless they are quoted.
const RESERVED: [&str; 13] =
    ["and", "or", "not", "in", "between", "like", "ilike", "is", "null", "escape", "interval", "true", "false"];

/// Reads the text of a filter.
pub(in crate::mapping) fn parse(text: &str) -> Parsed<Condition> {
    if text.len() > limits::FILTER_BYTES_MAX {
        let why = format!("a filter has at most {} bytes, and this one has {}", limits::FILTER_BYTES_MAX, text.len());
        return Err(Flaw::new(0, why));
    }
    let mut parser = Parser { words: words(text)?, next: 0, depth: 0, nodes: 0 };
    let condition = parser.condition()?;
    match parser.peek() {
        Token::End => Ok(condition),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser {
    words: Vec<Placed>,
    next: usize,
    depth: usize,
    nodes: usize,
}

impl Parser {
    fn condition(&mut self) -> Parsed<Condition> {
        let mut any = vec![self.both()?];
        while self.eat_word("or") {
            any.push(self.both()?);
        }
        Ok(one_or(any, Condition::Any))
    }

    fn both(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.unary()?];
        while self.eat_word("and") {
            all.push(self.unary()?);
        }
        Ok(one_or(all, Condition::All))
    }

    fn unary(&mut self) -> Parsed<Condition> {
        self.deeper()?;
        let condition = if self.eat_word("not") {
            Condition::Not(Box::new(self.unary()?))
        } else if self.eat_sign("(") {
            let condition = self.condition()?;
            self.expect_sign(")")?;
            condition
        } else {
            self.predicate()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn predicate(&mut self) -> Parsed<Condition> {
        self.count()?;
        let operand = self.operand()?;
        if let Some(comparison) = self.comparison() {
            let at = self.at();
            let right = self.operand()?;
            return compare(operand, comparison, right, at);
        }
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("null") {
                return Err(self.expected("NULL; other values are compared with ="));
            }
            return Ok(negated_if(negated, Condition::IsNull(operand)));
        }
        let negated = self.eat_word("not");
        let condition = if self.eat_word("in") {
            self.list(operand)?
        } else if self.eat_word("between") {
            self.between(operand)?
        } else if self.eat_word("like") {
            self.like(operand, false)?
        } else if self.eat_word("ilike") {
            self.like(operand, true)?
        } else {
            return Err(self.expected("a comparison, IN, BETWEEN, LIKE, ILIKE or IS"));
        };
        Ok(negated_if(negated, condition))
    }

    fn list(&mut self, operand: Operand) -> Parsed<Condition> {
        self.expect_sign("(")?;
        let mut values = Vec::new();
        loop {
            self.count()?;
            let at = self.at();
            match self.operand()? {
                Operand::Value(value) => values.push(value),
                _ => return Err(Flaw::new(at, "a list holds plain values only")),
            }
            if !self.eat_sign(",") {
                break;
            }
        }
        self.expect_sign(")")?;
        match operand {
            Operand::Column(_) => Ok(Condition::In { operand, values }),
            _ => Err(Flaw::new(self.at(), "IN stands behind the name of a column")),
        }
    }

    fn between(&mut self, operand: Operand) -> Parsed<Condition> {
        let at = self.at();
        let low = self.operand()?;
        if !self.eat_word("and") {
            return Err(self.expected("AND and the upper end"));
        }
        self.count()?;
        let high = self.operand()?;
        let above = compare(operand.clone(), Comparison::GreaterOrEqual, low, at)?;
        let below = compare(operand, Comparison::LessOrEqual, high, at)?;
        Ok(Condition::All(vec![above, below]))
    }

    fn like(&mut self, operand: Operand, ignores_case: bool) -> Parsed<Condition> {
        let at = self.at();
        let Operand::Column(_) = operand else {
            return Err(Flaw::new(at, "LIKE stands behind the name of a column"));
        };
        let Token::Text(pattern) = self.peek().clone() else { return Err(self.expected("a pattern in single quotes")) };
        self.next += 1;
        let escape = if self.eat_word("escape") { Some(self.escape()?) } else { None };
        Ok(Condition::Like { operand, pattern: parts(&pattern, escape, at)?, ignores_case })
    }

    fn escape(&mut self) -> Parsed<char> {
        let single = match self.peek() {
            Token::Text(text) if text.chars().count() == 1 => text.chars().next(),
            _ => None,
        };
        let escape = single.ok_or_else(|| self.expected("one character in single quotes"))?;
        self.next += 1;
        Ok(escape)
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let (start, at) = (self.next, self.at());
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        let value = match token {
            Token::Name(name) => return Ok(Operand::Column(name)),
            Token::Word(word) => return self.word(word, at),
            Token::Text(text) => Value::text(text),
            Token::Bytes(bytes) => Value::Bytes(bytes),
            Token::Number(digits) => number(&digits, false, at)?,
            Token::Sign("-") => match self.peek().clone() {
                Token::Number(digits) => {
                    self.next += 1;
                    number(&digits, true, at)?
                }
                _ => return Err(self.expected("a number behind '-'")),
            },
            _ => {
                self.next = start;
                return Err(self.expected("a column or a value"));
            }
        };
        Ok(Operand::Value(value))
    }

    /// A word where a value is expected: a column, a truth value or `now()`.
    fn word(&mut self, word: String, at: usize) -> Parsed<Operand> {
        if *self.peek() == Token::Sign("(") {
            if !word.eq_ignore_ascii_case("now") {
                return Err(Flaw::new(at, format!("now() is the only function of a filter, not {word}()")));
            }
            self.next += 1;
            self.expect_sign(")")?;
            return self.now();
        }
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "true" => Ok(Operand::Value(Value::Bool(true))),
            "false" => Ok(Operand::Value(Value::Bool(false))),
            "null" => Err(Flaw::new(at, "NULL is asked for with IS NULL or IS NOT NULL")),
            _ if RESERVED.contains(&lower.as_str()) => {
                Err(Flaw::new(at, format!("a column or a value is expected here, not {word}")))
            }
            _ => Ok(Operand::Column(word)),
        }
    }

    fn now(&mut self) -> Parsed<Operand> {
        let sign = if self.eat_sign("-") {
            -1
        } else if self.eat_sign("+") {
            1
        } else {
            return Ok(Operand::Now(0));
        };
        if !self.eat_word("interval") {
            return Err(self.expected("interval '30 days' or the like"));
        }
        let at = self.at();
        let Token::Text(text) = self.peek().clone() else { return Err(self.expected("a length of time in quotes")) };
        self.next += 1;
        Ok(Operand::Now(sign * seconds(&text).map_err(|why| Flaw::new(at, why))?))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Token::Sign(sign) = self.peek() else { return None };
        let comparison = match *sign {
            "=" | "==" => Comparison::Equal,
            "<>" | "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.next += 1;
        Some(comparison)
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH_MAX {
            let why = format!("parentheses and NOT are nested more than {} deep", limits::FILTER_DEPTH_MAX);
            return Err(Flaw::new(self.at(), why));
        }
        Ok(())
    }

    fn count(&mut self) -> Parsed<()> {
        self.nodes += 1;
        if self.nodes > limits::FILTER_NODES_MAX {
            let why = format!("a filter has at most {} conditions and listed values", limits::FILTER_NODES_MAX);
            return Err(Flaw::new(self.at(), why));
        }
        Ok(())
    }

    fn peek(&self) -> &Token {
        &self.words[self.next].token
    }

    fn at(&self) -> usize {
        self.words[self.next].at
    }

    fn eat_word(&mut self, keyword: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(is_next);
        is_next
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Sign(next) if *next == sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.eat_sign(sign) { Ok(()) } else { Err(self.expected(&format!("'{sign}'"))) }
    }

    fn expected(&self, what: &str) -> Flaw {
        let found = match self.peek() {
            Token::Word(word) | Token::Number(word) => format!("{word:?}"),
            Token::Name(_) => "a name".to_owned(),
            Token::Text(_) => "a text".to_owned(),
            Token::Bytes(_) => "bytes".to_owned(),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::End => "the end".to_owned(),
        };
        Flaw::new(self.at(), format!("{what} is expected here, not {found}"))
    }
}

fn one_or(mut conditions: Vec<Condition>, several: impl Fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            several(conditions)
        }
    }
}

fn negated_if(negated: bool, condition: Condition) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

fn compare(left: Operand, comparison: Comparison, right: Operand, at: usize) -> Parsed<Condition> {
    let is_column = |operand: &Operand| matches!(operand, Operand::Column(_));
    let is_now = |operand: &Operand| matches!(operand, Operand::Now(_));
    if (is_now(&left) && !is_column(&right)) || (is_now(&right) && !is_column(&left)) {
        return Err(Flaw::new(at, "now() is compared with a column"));
    }
    Ok(Condition::Compare { left, comparison, right })
}

fn number(digits: &str, negative: bool, at: usize) -> Parsed<Value> {
    let text = if negative { format!("-{digits}") } else { digits.to_owned() };
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Value::Int(whole));
    }
    match text.parse::<f64>() {
        Ok(real) if real.is_finite() => Ok(Value::Decimal(text)),
        _ => Err(Flaw::new(at, "the number is too large")),
    }
}

fn parts(pattern: &str, escape: Option<char>, at: usize) -> Parsed<Vec<Part>> {
    if pattern.len() > limits::FILTER_PATTERN_BYTES_MAX {
        return Err(Flaw::new(at, format!("a pattern has at most {} bytes", limits::FILTER_PATTERN_BYTES_MAX)));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        let plain = match c {
            '\0' => return Err(Flaw::new(at, "a pattern holds no NUL")),
            c if Some(c) == escape => match characters.next() {
                Some(escaped) if escaped != '\0' => escaped,
                _ => return Err(Flaw::new(at, "a pattern does not end with its escape character")),
            },
            '%' => {
                // Two in a row mean what one means, and cost more.
                if parts.last() != Some(&Part::Any) {
                    parts.push(Part::Any);
                }
                continue;
            }
            '_' => {
                parts.push(Part::One);
                continue;
            }
            c => c,
        };
        match parts.last_mut() {
            Some(Part::Text(text)) => text.push(plain),
            _ => parts.push(Part::Text(plain.to_string())),
        }
    }
    Ok(parts)
}

/// The seconds in `30 days` or `1 day 12 hours`.
fn seconds(text: &str) -> Result<i64, String> {
    let usage = "a length of time is written as '30 days', with seconds, minutes, hours, days or weeks";
    let mut total: i64 = 0;
    let mut words = text.split_ascii_whitespace().peekable();
    if words.peek().is_none() {
        return Err(usage.to_owned());
    }
    while let Some(amount) = words.next() {
        let is_amount = !amount.is_empty() && amount.bytes().all(|byte| byte.is_ascii_digit());
        let unit = words.next().filter(|_| is_amount).ok_or(usage)?;
        let unit = match unit.to_ascii_lowercase().as_str() {
            "second" | "seconds" => 1,
            "minute" | "minutes" => 60,
            "hour" | "hours" => 60 * 60,
            "day" | "days" => 24 * 60 * 60,
            "week" | "weeks" => 7 * 24 * 60 * 60,
            "month" | "months" | "year" | "years" => {
                return Err("months and years have no fixed length; write days or weeks".to_owned());
            }
            _ => return Err(usage.to_owned()),
        };
        let part = amount.parse::<i64>().ok().and_then(|amount| amount.checked_mul(unit));
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.filter(|sum| *sum <= limits::FILTER_INTERVAL_MAX).ok_or("the length of time is too long")?;
    }
    Ok(total)
}
