//! Exchanging the characters of a text for others of their kind, so that no two texts of one shape become the same.
//!
//! A text is a row of digits in mixed bases: 10 for a decimal digit, 26 for an ASCII letter of either case, 64 for a
//! character beyond ASCII, which stays within its block of 64, and 256 for a byte. The row is cut in two halves, and by
//! turns each half is moved by a keyed hash of the other. Every step can be taken back, so the whole is a permutation.
//! Long values are gone through in chunks, each by itself, so that memory stays bounded.

use super::MaskKey;
use crate::limits;
use crate::value::ValueRef;

/// Steps taken; four already make a Feistel network pseudorandom.
const ROUNDS: u8 = 6;

/// One place in the row: the value it holds and the base it is counted in.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    pub(super) value: u32,
    pub(super) base: u32,
}

/// The text with its letters, digits and characters beyond ASCII exchanged; space and punctuation stay.
pub(super) fn shuffled(text: &str, key: &MaskKey) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while characters.peek().is_some() {
        let chunk: Vec<char> = characters.by_ref().take(limits::MASK_CHUNK).collect();
        shuffle_chunk(&chunk, key, &mut out);
    }
    out
}

/// Bytes, each exchanged for any other.
pub(super) fn shuffled_bytes(bytes: &[u8], key: &MaskKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.chunks(limits::MASK_CHUNK) {
        let mut digits: Vec<Digit> = chunk.iter().map(|byte| Digit { value: u32::from(*byte), base: 256 }).collect();
        permute(&mut digits, b"bytes", key);
        out.extend(digits.into_iter().map(|digit| digit.value as u8));
    }
    out
}

fn shuffle_chunk(chunk: &[char], key: &MaskKey, out: &mut String) {
    let mut digits: Vec<Digit> = chunk.iter().copied().filter_map(digit_of).collect();
    let shape: String = chunk.iter().copied().map(kind_of).collect();
    permute(&mut digits, shape.as_bytes(), key);
    let mut exchanged = digits.into_iter();
    for c in chunk.iter().copied() {
        out.push(match digit_of(c) {
            None => c,
            Some(_) => exchanged.next().and_then(|digit| character(c, digit.value)).unwrap_or(c),
        });
    }
}

/// Exchanges all digits of a row for others, as its shape and the key say.
pub(super) fn permute(digits: &mut [Digit], shape: &[u8], key: &MaskKey) {
    let middle = digits.len() / 2;
    for round in 0..ROUNDS {
        let (left, right) = digits.split_at_mut(middle);
        if round % 2 == 0 { shift(right, left, round, shape, key) } else { shift(left, right, round, shape, key) }
    }
}

/// Moves every place of `half` by an amount that depends on the other half.
fn shift(half: &mut [Digit], other: &[Digit], round: u8, shape: &[u8], key: &MaskKey) {
    let mut seed = vec![round];
    seed.extend(other.iter().flat_map(|digit| digit.value.to_le_bytes()));
    seed.extend_from_slice(shape);
    let mut stream = key.stream("shuffle", ValueRef::Bytes(&seed));
    let mut amount = [0; 4];
    for digit in half {
        stream.fill(&mut amount);
        let amount = u32::from_le_bytes(amount) % digit.base;
        digit.value = (digit.value + amount) % digit.base;
    }
}

fn digit_of(c: char) -> Option<Digit> {
    let code = u32::from(c);
    match c {
        '0'..='9' => Some(Digit { value: code - u32::from('0'), base: 10 }),
        'a'..='z' => Some(Digit { value: code - u32::from('a'), base: 26 }),
        'A'..='Z' => Some(Digit { value: code - u32::from('A'), base: 26 }),
        // Not the first two blocks beyond ASCII, which hold controls; surrogates fill whole blocks.
        '\u{c0}'.. => Some(Digit { value: code % 64, base: 64 }),
        _ => None,
    }
}

/// What a shape remembers of a character: everything that exchanging does not change.
fn kind_of(c: char) -> char {
    match c {
        '0'..='9' => '0',
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        '\u{c0}'.. => character(c, 0).unwrap_or(c),
        other => other,
    }
}

fn character(like: char, value: u32) -> Option<char> {
    let code = u32::from(like);
    char::from_u32(match like {
        '0'..='9' => u32::from('0') + value,
        'a'..='z' => u32::from('a') + value,
        'A'..='Z' => u32::from('A') + value,
        _ => code - code % 64 + value,
    })
}
