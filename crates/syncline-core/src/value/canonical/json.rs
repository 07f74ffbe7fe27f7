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

/// Appends the encoding of a document. `None` where it is none; then what was appended is of no use.
pub(super) fn encode(document: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = Text::new(document.trim_ascii());
    let mut encoder = Encoder { text, out, members: Vec::with_capacity(MEMBERS) };
    let is_sound = encoder.document()?;
    (is_sound && encoder.text.is_at_end()).then_some(())
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
    /// Whether it cannot be encoded: it holds a string with half a character. Where a later member of the same name takes the
    /// place of such a one, nothing is wrong.
    is_broken: bool,
}

/// A member of an object, in the encoding: length of the name, name, value.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    name_end: usize,
    end: usize,
    is_broken: bool,
}

impl Encoder<'_, '_> {
    /// Whether all that counts could be encoded; `None` where the text is not JSON.
    fn document(&mut self) -> Option<bool> {
        let mut enclosing: Vec<Open> = Vec::new();
        let mut inner: Option<Open> = None;
        loop {
            let mut is_sound = match self.text.next()? {
                opening @ (b'{' | b'[') => {
                    let mut open = self.open(opening);
                    if !self.text.eats(open.closing()) {
                        if open.is_object {
                            self.name(&mut open)?;
                        }
                        enclosing.extend(inner.replace(open));
                        continue;
                    }
                    true
                }
                b'"' => {
                    self.out.push(b'"');
                    self.text.string(self.out)?
                }
                _ => {
                    self.scalar()?;
                    true
                }
            };
            // A value is complete, and perhaps what it is the last part of.
            loop {
                let Some(mut open) = inner.take() else { return Some(is_sound) };
                self.took(&mut open, is_sound);
                if self.text.eats(b',') {
                    if open.is_object {
                        self.name(&mut open)?;
                    }
                    inner = Some(open);
                    break;
                }
                if !self.text.eats(open.closing()) {
                    return None;
                }
                is_sound = self.close(&open);
                inner = enclosing.pop();
            }
        }
    }

    fn open(&mut self, opening: u8) -> Open {
        self.text.skip();
        self.out.push(opening);
        let count_at = self.out.len();
        self.out.extend_from_slice(&[0; COUNT]);
        Open { is_object: opening == b'{', count_at, items: 0, first: self.members.len(), is_broken: false }
    }

    /// The name of the next member and the colon behind it.
    fn name(&mut self, open: &mut Open) -> Option<()> {
        let start = self.out.len();
        if self.text.next()? != b'"' {
            return None;
        }
        open.is_broken |= !self.text.string(self.out)?;
        self.members.push(Member { start, name_end: self.out.len(), end: 0, is_broken: false });
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

    fn took(&mut self, open: &mut Open, is_sound: bool) {
        if open.is_object {
            let member = self.members.last_mut().expect("BUG: a value of an object without a name");
            (member.end, member.is_broken) = (self.out.len(), !is_sound);
        } else {
            open.items += 1;
            open.is_broken |= !is_sound;
        }
    }

    /// Whether all that counts of it could be encoded.
    fn close(&mut self, open: &Open) -> bool {
        let (count, is_broken) = if open.is_object { self.arrange(open) } else { (open.items, false) };
        self.out[open.count_at..][..COUNT].copy_from_slice(&count.to_le_bytes());
        !(open.is_broken || is_broken)
    }

    /// Puts the members in the order of their names, of which each counts but once: the last one. Returns how many are left,
    /// and whether one of them is broken.
    fn arrange(&mut self, open: &Open) -> (u64, bool) {
        let members = &mut self.members[open.first..];
        let out = &mut *self.out;
        let is_broken = |members: &[Member]| members.iter().any(|member| member.is_broken);
        if members.is_sorted_by(|a, b| a.name(out) < b.name(out)) {
            let found = (members.len() as u64, is_broken(members));
            self.members.truncate(open.first);
            return found;
        }
        // Members of one name stay in their order.
        members.sort_by(|a, b| a.name(out).cmp(b.name(out)));
        let mut kept = 0;
        for at in 0..members.len() {
            let is_last = members.get(at + 1).is_none_or(|next| next.name(out) != members[at].name(out));
            if is_last {
                members[kept] = members[at];
                kept += 1;
            }
        }
        let members = &members[..kept];
        let end = out.len();
        members.iter().for_each(|member| out.extend_from_within(member.start..member.end));
        let len = out.len() - end;
        let start = open.count_at + COUNT;
        out.copy_within(end.., start);
        out.truncate(start + len);
        let found = (kept as u64, is_broken(members));
        self.members.truncate(open.first);
        found
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
