//! Dates and times written in digits: another one that exists, written in the same way.
//!
//! | date | time of day, alone or behind a date |
//! |---|---|
//! | `2024-05-06`, `2024/5/6`, `2024.05.06`, `2024-05`, `20240506` | `07:08`, `7:08:09`, `07:08:09.25`, with a zone |
//! | `06.05.2024`, `6/5/2024`, `05-06-2024` | |
//!
//! Year within the century, month, day, hour, minute, second and fraction are a row of digits in bases of their own, which are
//! exchanged as characters are. The result is walked on with while it would not be read in just the way the original was:
//! while there is no such day, or where `23/04/2024` tells day from month and `03/04/2024` would not. So different texts
//! stay different. Zones stay.

use super::MaskKey;
use super::shuffle::{Digit, permute};
use crate::value::calendar::days_in_month;

/// Longer texts are not looked at: a date with a fraction and a zone ends before.
const BYTES_MAX: usize = 48;

/// Another date or time in the form of this one; `None` for text that is neither.
pub(super) fn date_like(text: &str, key: &MaskKey) -> Option<String> {
    let read = read(text)?;
    let shape = read.form.shape(text);
    let mut digits: Vec<Digit> =
        read.form.fields.iter().zip(&read.values).map(|(field, value)| field.digit(*value)).collect();
    loop {
        permute(&mut digits, &shape, key);
        if let Some(fake) = read.form.written(&digits, text).filter(|fake| read_form(fake).as_ref() == Some(&read.form))
        {
            return Some(fake);
        }
    }
}

/// Whether the text is a date or a time.
pub(super) fn is_date(text: &str) -> bool {
    read(text).is_some()
}

fn read_form(text: &str) -> Option<Form> {
    Some(read(text)?.form)
}

/// A text as a date.
struct Read {
    form: Form,
    values: Vec<u32>,
}

/// All that stays.
#[derive(PartialEq)]
struct Form {
    century: Option<u32>,
    fields: Vec<Field>,
    day_is: DayIs,
}

/// Where one part stands in the text.
#[derive(Clone, Copy, PartialEq)]
struct Field {
    part: Part,
    at: usize,
    width: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
}

/// Which of two numbers is the day where the year comes last.
#[derive(Clone, Copy, PartialEq)]
enum DayIs {
    Known,
    First,
    Second,
    Either,
}

impl Form {
    /// Writes other values into the text; `None` where one is too wide for its place.
    fn written(&self, digits: &[Digit], text: &str) -> Option<String> {
        let mut fake = text.to_owned();
        for (field, digit) in self.fields.iter().zip(digits) {
            let Field { part, at, width } = *field;
            let value = match part {
                Part::Year => digit.value + self.century? * 100,
                Part::Month | Part::Day => digit.value + 1,
                _ => digit.value,
            };
            let written = format!("{value:0width$}");
            fake.replace_range(at..at + width, Some(written).filter(|written| written.len() == width)?.as_str());
        }
        Some(fake)
    }

    /// What the exchange depends on beside the digits.
    fn shape(&self, text: &str) -> Vec<u8> {
        let mut shape = text.as_bytes().to_vec();
        for field in &self.fields {
            shape[field.at..field.at + field.width].fill(b'0');
        }
        shape.extend_from_slice(&[0, self.day_is as u8]);
        shape.extend(self.century.into_iter().flat_map(u32::to_le_bytes));
        shape
    }
}

impl Field {
    fn digit(self, value: u32) -> Digit {
        let (value, base) = match self.part {
            Part::Year => (value % 100, 100),
            Part::Month => (value - 1, 12),
            Part::Day => (value - 1, 31),
            Part::Hour => (value, 24),
            Part::Minute | Part::Second => (value, 60),
            Part::Fraction => (value, 10_u32.pow(self.width as u32)),
        };
        Digit { value, base }
    }
}

fn read(text: &str) -> Option<Read> {
    if text.len() > BYTES_MAX || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut reader = Reader { text: text.as_bytes(), at: 0, fields: Vec::new(), values: Vec::new() };
    // A number before a colon is an hour.
    let is_time = text.bytes().find(|byte| !byte.is_ascii_digit()) == Some(b':');
    let day_is = if is_time { DayIs::Known } else { reader.date()? };
    let mut has_time = is_time;
    if is_time || reader.eat(b"Tt ").is_some() {
        reader.time()?;
        has_time = true;
    }
    let is_whole = reader.rest().is_empty() || (has_time && is_zone(reader.rest()));
    let Reader { fields, values, .. } = reader;
    let year = fields.iter().zip(&values).find(|(field, _)| field.part == Part::Year);
    let century = year.map(|(_, year)| year / 100);
    is_whole.then_some(Read { form: Form { century, fields, day_is }, values })
}

/// Reads a text from left to right.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    fields: Vec<Field>,
    values: Vec<u32>,
}

impl<'t> Reader<'t> {
    fn date(&mut self) -> Option<DayIs> {
        let (first, width) = self.peek()?;
        let day_is = match width {
            8 => self.compact()?,
            4 => self.year_first()?,
            1 | 2 => self.year_last(first)?,
            _ => return None,
        };
        let value = |part| self.fields.iter().position(|field| field.part == part).map(|at| self.values[at]);
        let (year, month, day) = (value(Part::Year)?, value(Part::Month)?, value(Part::Day).unwrap_or(1));
        let exists = (1..=12).contains(&month) && (1..=days_in_month(i64::from(year), month)).contains(&day);
        (exists && self.is_padded_alike()).then_some(day_is)
    }

    /// `20240506`. Of eight digits only those that begin as years of our time are taken for a date.
    fn compact(&mut self) -> Option<DayIs> {
        if !matches!(self.rest(), [b'1', b'9', ..] | [b'2', b'0', ..]) {
            return None;
        }
        self.take(Part::Year, 4)?;
        self.take(Part::Month, 2)?;
        self.take(Part::Day, 2)?;
        Some(DayIs::Known)
    }

    fn year_first(&mut self) -> Option<DayIs> {
        self.take(Part::Year, 4)?;
        let separator = self.eat(b"-/.")?;
        self.one_or_two(Part::Month)?;
        match self.eat(&[separator]) {
            Some(_) => self.one_or_two(Part::Day)?,
            // With a point it is a number.
            None if separator == b'.' => return None,
            None => {}
        }
        Some(DayIs::Known)
    }

    fn year_last(&mut self, first: u32) -> Option<DayIs> {
        let start = self.at;
        self.one_or_two(Part::Day)?;
        let separator = self.eat(b"-/.")?;
        let (second, _) = self.peek()?;
        let day_is = match (first, second) {
            // With points the day comes first wherever people write so.
            _ if separator == b'.' => DayIs::Known,
            (13.., _) => DayIs::First,
            (_, 13..) => DayIs::Second,
            _ => DayIs::Either,
        };
        if day_is == DayIs::Second {
            (self.at, self.fields, self.values) = (start, Vec::new(), Vec::new());
            self.one_or_two(Part::Month)?;
            self.eat(&[separator])?;
            self.one_or_two(Part::Day)?;
        } else {
            self.one_or_two(Part::Month)?;
        }
        self.eat(&[separator])?;
        self.take(Part::Year, 4)?;
        Some(day_is)
    }

    /// Days and months are written without leading zeros or, where all have two digits, with them.
    fn is_padded_alike(&self) -> bool {
        let short = |(field, _): &(&Field, &u32)| matches!(field.part, Part::Month | Part::Day);
        let mut parts = self.fields.iter().zip(&self.values).filter(short);
        parts.clone().all(|(field, _)| field.width == 2)
            || parts.all(|(field, value)| (field.width == 2) == (*value > 9))
    }

    fn time(&mut self) -> Option<()> {
        let (_, width) = self.peek()?;
        let is_compact = matches!(width, 4 | 6);
        let first = self.values.len();
        self.take(Part::Hour, if is_compact { 2 } else { width.min(2) })?;
        let colon = |reader: &mut Self| is_compact || reader.eat(b":").is_some();
        if !colon(self) {
            return None;
        }
        self.take(Part::Minute, 2)?;
        if width == 6 || (!is_compact && self.eat(b":").is_some()) {
            self.take(Part::Second, 2)?;
            if self.eat(b".,").is_some() {
                let (_, width) = self.peek().filter(|(_, width)| *width <= 9)?;
                self.take(Part::Fraction, width)?;
            }
        }
        let limits = [24, 60, 60];
        self.values[first..].iter().zip(limits).all(|(value, limit)| *value < limit).then_some(())
    }

    fn one_or_two(&mut self, part: Part) -> Option<()> {
        let (_, width) = self.peek()?;
        self.take(part, width).filter(|()| width <= 2)
    }

    /// The number that comes next, and how many digits it has.
    fn peek(&self) -> Option<(u32, usize)> {
        let width = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        Some((number(self.rest().get(..width)?)?, width))
    }

    fn take(&mut self, part: Part, width: usize) -> Option<()> {
        let value = number(self.rest().get(..width)?)?;
        self.fields.push(Field { part, at: self.at, width });
        self.values.push(value);
        self.at += width;
        Some(())
    }

    fn eat(&mut self, any: &[u8]) -> Option<u8> {
        let byte = self.rest().first().copied().filter(|byte| any.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// `Z`, `UTC`, `+02`, `+0200`, `+02:00`, with a space before it or not.
fn is_zone(text: &[u8]) -> bool {
    let zone = text.strip_prefix(b" ").unwrap_or(text);
    let is_offset = |digits: &[u8]| match digits {
        [h @ .., b':', m0, m1] if h.len() == 2 => number(h).is_some() && number(&[*m0, *m1]).is_some(),
        digits => matches!(digits.len(), 2 | 4) && number(digits).is_some(),
    };
    match zone {
        b"Z" | b"z" | b"UTC" | b"GMT" => true,
        [b'+' | b'-', digits @ ..] => is_offset(digits),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
