use proptest::prelude::*;

use super::{Comparison, Condition, Operand, Part, parse};
use crate::limits;
use crate::value::Value;

fn column(name: &str) -> Operand {
    Operand::Column(name.to_owned())
}

fn value(value: Value) -> Operand {
    Operand::Value(value)
}

fn compare(left: Operand, comparison: Comparison, right: Operand) -> Condition {
    Condition::Compare { left, comparison, right }
}

fn why(text: &str) -> String {
    parse(text).expect_err(text).why
}

#[test]
fn comparisons_and_literals() {
    use Comparison as C;
    let cases = [
        ("id > 100", compare(column("id"), C::Greater, value(Value::Int(100)))),
        ("id>=-1", compare(column("id"), C::GreaterOrEqual, value(Value::Int(-1)))),
        ("id == 9223372036854775807", compare(column("id"), C::Equal, value(Value::Int(i64::MAX)))),
        ("id <> -9223372036854775808", compare(column("id"), C::NotEqual, value(Value::Int(i64::MIN)))),
        ("p != 10.50", compare(column("p"), C::NotEqual, value(Value::Decimal("10.50".into())))),
        ("p < 1e3", compare(column("p"), C::Less, value(Value::Decimal("1e3".into())))),
        ("p <= .5", compare(column("p"), C::LessOrEqual, value(Value::Decimal(".5".into())))),
        ("\"a \"\"b\" = 'it''s'", compare(column("a \"b"), C::Equal, value(Value::text("it's")))),
        ("b = X'00fF'", compare(column("b"), C::Equal, value(Value::Bytes(vec![0, 255])))),
        ("TRUE = active", compare(value(Value::Bool(true)), C::Equal, column("active"))),
        ("größe < now()", compare(column("größe"), C::Less, Operand::Now(0))),
        ("at > NOW ( ) - INTERVAL '30 days'", compare(column("at"), C::Greater, Operand::Now(-30 * 86_400))),
        ("at > now() + interval '1 week 2 hours'", compare(column("at"), C::Greater, Operand::Now(612_000))),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).expect(text), expected, "{text}");
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let is_null = |name: &str| Condition::IsNull(column(name));
    let expected = Condition::Any(vec![
        Condition::Not(Box::new(is_null("a"))),
        Condition::All(vec![is_null("b"), Condition::Any(vec![is_null("c"), is_null("d")])]),
    ]);
    assert_eq!(parse("NOT a IS NULL OR b is null AND (c IS NULL or d IS NULL)").unwrap(), expected);
    assert_eq!(parse("a IS NOT NULL").unwrap(), Condition::Not(Box::new(is_null("a"))));
}

#[test]
fn lists_ranges_and_patterns() {
    let list = Condition::In { operand: column("a"), values: vec![Value::Int(1), Value::text("x")] };
    assert_eq!(parse("a IN (1, 'x')").unwrap(), list);
    assert_eq!(parse("a NOT IN (1, 'x')").unwrap(), Condition::Not(Box::new(list)));
    let range = Condition::All(vec![
        compare(column("a"), Comparison::GreaterOrEqual, value(Value::Int(1))),
        compare(column("a"), Comparison::LessOrEqual, value(Value::Int(2))),
    ]);
    assert_eq!(parse("a BETWEEN 1 AND 2").unwrap(), range);
    let text = |text: &str| Part::Text(text.to_owned());
    let like = |pattern, ignores_case| Condition::Like { operand: column("a"), pattern, ignores_case };
    assert_eq!(parse("a LIKE 'x%%_y'").unwrap(), like(vec![text("x"), Part::Any, Part::One, text("y")], false));
    assert_eq!(parse("a ILIKE '100!%' ESCAPE '!'").unwrap(), like(vec![text("100%")], true));
}

#[test]
fn what_is_not_understood_is_named_with_what_was_expected() {
    let cases = [
        ("", "a column or a value is expected here, not the end"),
        ("id", "a comparison, IN, BETWEEN, LIKE, ILIKE or IS is expected here, not the end"),
        ("id = 1 id", "AND, OR or the end is expected here, not \"id\""),
        ("id = 1) OR (id = 2", "AND, OR or the end is expected here, not ')'"),
        ("id = 1); DROP TABLE x; --", "a filter is one condition and holds no ';'"),
        ("id = 1; DROP TABLE x", "a filter is one condition and holds no ';'"),
        ("id = 1 -- x", "a filter holds no comments"),
        ("id = NULL", "NULL is asked for with IS NULL or IS NOT NULL"),
        ("lower(id) = 1", "now() is the only function of a filter, not lower()"),
        ("id = 'x", "the quote ' is never closed"),
        ("id = ‘x’", "'‘' means nothing in a filter"),
        ("id = \0", "'\\0' means nothing in a filter"),
        ("id = x'0'", "bytes are written as pairs of hexadecimal digits, such as x'00ff'"),
        ("id = 1e999", "the number is too large"),
        ("id = 1x", "a number ends where a letter begins; a name that begins with a digit needs quotes"),
        ("now() = now()", "now() is compared with a column"),
        ("at > now() - interval '1 month'", "months and years have no fixed length; write days or weeks"),
        ("at > now() - interval '99999999 weeks'", "the length of time is too long"),
        ("id IN ()", "a column or a value is expected here, not ')'"),
        ("id IN (a)", "a list holds plain values only"),
        ("id IN (SELECT 1)", "a list holds plain values only"),
        ("a LIKE 'x!' ESCAPE '!'", "a pattern does not end with its escape character"),
        ("a IS 5", "NULL; other values are compared with = is expected here, not \"5\""),
    ];
    for (text, expected) in cases {
        assert_eq!(why(text), expected, "{text}");
    }
    assert_eq!(parse("id = 1 id").unwrap_err().at, 7);
}

#[test]
fn hostile_sizes_are_refused() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(limits::FILTER_DEPTH_MAX - 1)).is_ok());
    for text in [nested(limits::FILTER_DEPTH_MAX), nested(30_000), "(".repeat(60_000), "NOT ".repeat(15_000)] {
        assert!(why(&text).contains("nested more than"), "{}", text.len());
    }
    assert!(why(&format!("a LIKE '{}'", "_".repeat(8_193))).contains("at most 8192 bytes"));
    assert!(why(&nested(100_000)).contains("at most 65536 bytes"));
    assert!(why(&format!("a IN (1{})", ", 1".repeat(5_000))).contains("at most 4096 conditions"));
    assert!(why(&format!("a=1{}", " OR a=1".repeat(5_000))).contains("at most 4096 conditions"));
    assert!(parse(&format!("a=1{}", " OR a=1".repeat(4_000))).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn any_words_are_read_or_refused_without_a_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "\"b\"", "'x'", "x'00'", "1", "1.5", "-", "(", ")", ",", "=", "<>", "AND", "OR", "NOT", "IN", "BETWEEN",
            "LIKE", "ILIKE", "ESCAPE", "IS", "NULL", "now", "interval", "'1 day'", "TRUE", "+", ".", "é", "\u{0}", "'", "\"",
        ]), 0..30)
    ) {
        let _ = parse(&words.join(" "));
        let _ = parse(&words.concat());
    }
}
