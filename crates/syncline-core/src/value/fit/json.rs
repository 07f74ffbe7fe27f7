//! JSON, as it is written and as an engine keeps its meaning alone.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::super::{Kind, ValueRef};
use super::{Misfit, not, notation, plain};

/// The document as a column of JSON holds it. One that keeps the meaning only (`normalised`) would keep the last member of
/// each name, and lose the others.
pub(super) fn fit<'v>(value: ValueRef<'v>, normalised: bool, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
    let text = match value {
        ValueRef::Json(text) => text,
        _ => read(value, scratch).ok_or_else(|| not(value, &Kind::Json { normalised }))?,
    };
    if normalised && repeats_a_name(text) {
        return Err(Misfit(
            "the JSON repeats the name of a member, and the column would keep the last one only".into(),
        ));
    }
    Ok(ValueRef::Json(text))
}

fn read<'v>(value: ValueRef<'v>, scratch: &'v mut String) -> Option<&'v str> {
    let text = match value {
        ValueRef::Text(text) => plain(text),
        // What a column of SQLite makes of a document that is a number and nothing else.
        ValueRef::Int(_) | ValueRef::Real(_) => {
            notation::write(value, scratch);
            Some(scratch.as_str())
        }
        _ => None,
    };
    text.filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Whether two members of one object, at any depth, have the same name. The text is known to be JSON.
///
/// A string is a name where a colon follows. So nothing but the names of the objects that are open is kept, each in the
/// innermost, and no nesting is too deep.
fn repeats_a_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut names: Vec<Cow<'_, [u8]>> = Vec::new();
    // Where the names of each open object begin.
    let mut objects: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = end_of_string(bytes, at);
                if is_name(&bytes[end.min(bytes.len())..]) {
                    names.push(meant(text, at, end));
                }
                at = end;
                continue;
            }
            b'{' => objects.push(names.len()),
            b'}' => {
                let first = objects.pop().unwrap_or_default().min(names.len());
                if has_one_twice(&mut names[first..]) {
                    return true;
                }
                names.truncate(first);
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// Behind the closing quotation mark of the string that begins here.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn is_name(behind: &[u8]) -> bool {
    behind.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// What the string from here to there means; of half a character the escape.
fn meant(text: &str, start: usize, end: usize) -> Cow<'_, [u8]> {
    let inside = text.get(start + 1..end.saturating_sub(1)).unwrap_or_default();
    if inside.contains('\\')
        && let Ok(meant) = serde_json::from_str::<String>(&text[start..end])
    {
        return Cow::Owned(meant.into_bytes());
    }
    Cow::Borrowed(inside.as_bytes())
}

fn has_one_twice(names: &mut [Cow<'_, [u8]>]) -> bool {
    // The order in which PostgreSQL gives them out of a column that keeps the meaning.
    let in_order = |a: &Cow<'_, [u8]>, b: &Cow<'_, [u8]>| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    if names.is_sorted_by(|a, b| in_order(a, b).is_lt()) {
        return false;
    }
    names.sort_unstable_by(in_order);
    !names.is_sorted_by(|a, b| in_order(a, b).is_lt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::canonical;
    use super::*;

    fn fits(text: &str, normalised: bool) -> bool {
        let of_json = fit(ValueRef::Json(text), normalised, &mut String::new()).is_ok();
        let of_text = fit(ValueRef::Text(text.as_bytes()), normalised, &mut String::new()).is_ok();
        assert_eq!(of_json, of_text, "{text}");
        of_json
    }

    #[test]
    fn a_name_that_is_repeated_has_no_place_where_the_meaning_alone_is_kept() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a" :1, "b": {}, "a"
 : 1}"#,
            r#"{"":1,"":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"\"":1,"\u0022":2}"#,
            r#"[[{"x":{"y":[0,{"a":1,"b":[],"a":2}]}}]]"#,
            r#"{"x":{"a":1,"a":2},"y":1}"#,
            r#"{"x":[{"y":1}],"y":2,"x":3}"#,
        ] {
            assert!(fits(text, false) && !fits(text, true), "{text}");
        }
    }

    #[test]
    fn what_only_looks_repeated_has() {
        for text in [
            "{}",
            "[]",
            r#""a""#,
            r#"{"a":"a","b":"a"}"#,
            r#"{"b":{"a":1},"a":{"a":{"b":1}},"c":[{"a":1},{"a":2}]}"#,
            r#"["a","a",{"a":["a","a"]}]"#,
            r#"{"a":"\",\"a\":1","b":"{\"a\":1,\"a\":2}"}"#,
            r#"{"a":1,"A":2,"a ":3,"aa":4,"\\a":5}"#,
            r#"{"a\\":"}","a":"{"}"#,
        ] {
            assert!(fits(text, true), "{text}");
        }
    }

    fn any_document() -> impl Strategy<Value = String> {
        let string = || prop::sample::select(vec!["a", "b", r"\u0061", r#"\""#, r#"{\"a\":"#, ""]);
        let leaf = prop_oneof![string().prop_map(|text| format!("\"{text}\"")), "[1-9]{1,2}"];
        leaf.prop_recursive(4, 20, 3, move |inner| {
            let member = (string(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\" : {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_fits_is_what_means_one_thing(text in any_document()) {
            let mut bytes = Vec::new();
            canonical::encode(ValueRef::Json(&text), &mut bytes);
            prop_assert_eq!(fits(&text, true), bytes[0] == canonical::DOCUMENT, "{}", text);
        }
    }

    #[test]
    fn no_nesting_is_too_deep() {
        let deep = |inside: &str| format!("{}{inside}{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000));
        let fits = |text: &str| fit(ValueRef::Json(text), true, &mut String::new()).is_ok();
        assert!(fits(&deep("1")) && !fits(&deep(r#"{"a":1,"a":2}"#)));
    }

    #[test]
    fn what_is_no_document_harms_nothing() {
        for text in ["", "\"", "{\"", "}", "}}{\"a\":", "\"\\", "{\"a\\", "{\"\u{e9}\":1,\"\\u\":2}", "\"a\":\"a\":}"] {
            let _ = repeats_a_name(text);
        }
    }
}
