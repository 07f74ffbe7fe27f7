//! JSON in one pass: each value is encoded where it stands, and the members of an object are put in order at its end.
//!
//! What is open is kept on a stack of our own, so that no nesting is too deep. Nothing is kept of what is closed, for a
//! document may be huge.

mod text;

use self::text::Text;
use super::super::digits::Written;
use super::{number, sized};

/// Room for the members of a usual document.
const MEMBERS: usize = 16;
/// What a count or a length takes.
const COUNT: usize = 8;

/// Appends the encoding of a document. `None` where it has none, then what was appended is of no use: where the text is not
/// JSON, holds a string with half a character, or repeats the name of a member, of which engines keep one or both.
pub(super) fn encode(document: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = Text::new(document.trim_ascii());
    let mut encoder = Encoder { text, out, members: Vec::with_capacity(MEMBERS) };
    encoder.document()?;
    encoder.text.is_at_end().then_some(())
}

struct Encoder<'t, 'o> {
    text: Text<'t>,
    out: &'o mut Vec<u8>,
    /// Those of all objects that are open, the innermost's last.
    members: Vec<Member>,
}

/// An object or an array that is open.
struct Open {
    is_object: bool,
    /// Where its count is.
    count_at: usize,
    /// Items of an array so far.
    items: u64,
    /// Its first member.
    first: usize,
}

/// A member of an object, in the encoding: length of the name, name, value.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    name_end: usize,
    end: usize,
}

impl Encoder<'_, '_> {
    fn document(&mut self) -> Option<()> {
        let mut enclosing: Vec<Open> = Vec::new();
        let mut inner: Option<Open> = None;
        loop {
            match self.text.next()? {
                opening @ (b'{' | b'[') => {
                    let open = self.open(opening);
                    if !self.text.eats(open.closing()) {
                        if open.is_object {
                            self.name()?;
                        }
                        enclosing.extend(inner.replace(open));
                        continue;
                    }
                }
                b'"' => {
                    self.out.push(b'"');
                    self.text.string(self.out)?;
                }
                _ => self.scalar()?,
            }
            // A value is complete, and perhaps what it is the last part of.
            loop {
                let Some(mut open) = inner.take() else { return Some(()) };
                self.took(&mut open);
                if self.text.eats(b',') {
                    if open.is_object {
                        self.name()?;
                    }
                    inner = Some(open);
                    break;
                }
                if !self.text.eats(open.closing()) {
                    return None;
                }
                self.close(&open)?;
                inner = enclosing.pop();
            }
        }
    }

    fn open(&mut self, opening: u8) -> Open {
        self.text.skip();
        self.out.push(opening);
        let count_at = self.out.len();
        self.out.extend_from_slice(&[0; COUNT]);
        Open { is_object: opening == b'{', count_at, items: 0, first: self.members.len() }
    }

    /// The name of the next member and the colon behind it.
    fn name(&mut self) -> Option<()> {
        let start = self.out.len();
        if self.text.next()? != b'"' {
            return None;
        }
        self.text.string(self.out)?;
        self.members.push(Member { start, name_end: self.out.len(), end: 0 });
        self.text.eats(b':').then_some(())
    }

    fn scalar(&mut self) -> Option<()> {
        let (scalar, is_number) = self.text.scalar()?;
        match Written::parse(scalar).filter(|_| is_number) {
            Some(parsed) => number(parsed, self.out),
            None => sized(b'w', scalar.as_bytes(), self.out),
        }
        Some(())
    }

    fn took(&mut self, open: &mut Open) {
        if open.is_object {
            self.members.last_mut().expect("BUG: a value of an object without a name").end = self.out.len();
        } else {
            open.items += 1;
        }
    }

    fn close(&mut self, open: &Open) -> Option<()> {
        let count = if open.is_object { self.arrange(open)? } else { open.items };
        self.out[open.count_at..][..COUNT].copy_from_slice(&count.to_le_bytes());
        Some(())
    }

    /// Puts the members in the order of their names and returns how many there are; `None` where two have the same.
    fn arrange(&mut self, open: &Open) -> Option<u64> {
        let members = &mut self.members[open.first..];
        let out = &mut *self.out;
        let is_in_order = |members: &[Member], out: &[u8]| members.is_sorted_by(|a, b| a.name(out) < b.name(out));
        if !is_in_order(members, out) {
            members.sort_unstable_by(|a, b| a.name(out).cmp(b.name(out)));
            if !is_in_order(members, out) {
                return None;
            }
            let end = out.len();
            members.iter().for_each(|member| out.extend_from_within(member.start..member.end));
            let len = out.len() - end;
            let start = open.count_at + COUNT;
            out.copy_within(end.., start);
            out.truncate(start + len);
        }
        let count = members.len() as u64;
        self.members.truncate(open.first);
        Some(count)
    }
}

impl Open {
    fn closing(&self) -> u8 {
        if self.is_object { b'}' } else { b']' }
    }
}

impl Member {
    fn name<'o>(&self, out: &'o [u8]) -> &'o [u8] {
        &out[self.start + COUNT..self.name_end]
    }
}

#[cfg(test)]
mod tests;
