use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;

/// The members of an object by their names, of which there are no two.
struct Members<'t>(BTreeMap<String, &'t RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is repeated"));
            }
        }
        Ok(Members(members))
    }
}

/// By way of maps and strings, every level parsed anew.
fn slow(text: &str, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            out.push(b'{');
            out.extend_from_slice(&(members.len() as u64).to_le_bytes());
            for (name, member) in &members {
                out.extend_from_slice(&(name.len() as u64).to_le_bytes());
                out.extend_from_slice(name.as_bytes());
                slow(member.get(), out)?;
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            out.push(b'[');
            out.extend_from_slice(&(items.len() as u64).to_le_bytes());
            for item in items {
                slow(item.get(), out)?;
            }
        }
        Some(b'"') => {
            let string: String = serde_json::from_str(text)?;
            sized(b'"', string.as_bytes(), out);
        }
        _ => {
            let scalar: &RawValue = serde_json::from_str(text)?;
            match Written::parse(scalar.get()) {
                Some(parsed) => number(parsed, out),
                None => sized(b'w', scalar.get().as_bytes(), out),
            }
        }
    }
    Ok(())
}

fn same(text: &str) -> bool {
    let (mut old, mut new) = (b"before".to_vec(), b"before".to_vec());
    let (was, is) = (slow(text, &mut old), encode(text, &mut new));
    assert_eq!(was.is_ok(), is.is_some(), "{text:?}: {was:?}");
    assert!(was.is_err() || old == new, "{text:?}");
    is.is_some()
}

#[test]
fn documents_have_the_bytes_they_had() {
    for text in [
        "{}",
        "[]",
        " [ ] ",
        "\u{c}{}\u{c}",
        "{ \"b\" : [1 , {\"z\":1,\"a\":[]} ] , \"a\" : {} }",
        r#"{"b":{"a":1},"a":{"a":{"b":1}},"c":[{"a":1},{"a":2}]}"#,
        r#"{"ab":1,"a":2,"":3,"\u0061c":4,"\u0000":5}"#,
        r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 ende","東京"]"#,
        "[0,-0,-0.0,0e5,1E+2,1e-2,10.50,1e9223372036854775807,1e99999999999999999999]",
        "true",
        " null ",
        "[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]",
    ] {
        assert!(same(text), "{text:?}");
    }
}

#[test]
fn a_document_that_repeats_a_name_has_none() {
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"b":0,"a":1,"c":2,"a":3}"#,
        r#"{"":1,"":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[[{"x":{"y":[0,{"a":1,"b":[],"a":2}]}}]]"#,
        r#"{"x":{"a":1,"a":2},"y":1}"#,
        r#"{"a":"\ud800","a":1}"#,
        r#"{"a":{"\ud800":1},"a":1}"#,
    ] {
        assert!(!same(text), "{text:?}");
    }
}

#[test]
fn what_is_no_document_is_still_none() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1}",
        "{}x",
        "{}{}",
        "[\u{c}]",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "nul",
        "nullx",
        "NaN",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\n\"",
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\u0041""#,
        r#""\ud800\ud800\udc00""#,
        r#"{"a":1,"a":"\ud800"}"#,
        r#"{"\ud800":1,"a":1}"#,
        r#"{"a":"\ud80","a":1}"#,
    ] {
        assert!(!same(text), "{text:?}");
    }
}

/// What came before went down by a call a level, and over the end of the stack.
#[test]
fn no_nesting_is_too_deep() {
    let depth = 200_000;
    let deep = format!("{}{}", "[{\"a\":".repeat(depth), "1");
    assert_eq!(encode(&deep, &mut Vec::new()), None);
    assert_eq!(encode(&format!("{deep}{}", "}]".repeat(depth)), &mut Vec::new()), Some(()));
}

fn any_string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-c]{0,3}",
        1 => "\\PC{0,4}".prop_map(|text| text.replace(['"', '\\'], "")),
        1 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u[0d][08c][0-4]{2}",
        1 => Just("\\ud83d\\ude00".to_owned()),
    ];
    prop::collection::vec(part, 0..3).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn any_document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any_string(),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
    ];
    let space = || prop::sample::select(vec!["", "", " ", "\n\t", "\r"]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let member = (any_string(), space(), inner.clone())
            .prop_map(|(name, space, value)| format!("{name}{space}:{space}{value}"));
        prop_oneof![
            (prop::collection::vec(inner, 0..6), space())
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},")))),
            (prop::collection::vec(member, 0..6), space())
                .prop_map(|(members, space)| format!("{{{space}{}{space}}}", members.join(&format!(",{space}")))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_document_has_the_bytes_it_had(text in any_document()) {
        same(&text);
    }

    #[test]
    fn so_has_what_is_nearly_one(text in any_document(), at: prop::sample::Index, put in "[\\[\\]{}\",:\\\\0-9a-fu.eE \u{c}-]{0,2}") {
        let at = at.index(text.len() + 1);
        if text.is_char_boundary(at) {
            let (before, behind) = text.split_at(at);
            same(&format!("{before}{put}{behind}"));
            same(&format!("{before}{put}{}", behind.chars().skip(1).collect::<String>()));
        }
    }
}
