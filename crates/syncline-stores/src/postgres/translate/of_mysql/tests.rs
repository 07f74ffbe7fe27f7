use std::sync::Arc;

use syncline_core::schema::{Counter, Generated, Index, IndexColumn, Key, Unique};

use super::*;
use crate::postgres::names::Names;
use crate::postgres::translate::translate;

fn column(name: &str, declared_type: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared_type.to_owned(),
        kind,
        nullable: true,
        default: None,
        collation: String::new(),
        generated: Generated::No,
        expression: None,
    }
}

fn table(columns: Vec<Column>) -> TableSchema {
    TableSchema { name: "Orders".to_owned(), engine: "mysql", columns, ..TableSchema::default() }
}

#[test]
fn every_kind_has_its_like() {
    let other = |name: &str| Kind::Other { type_name: name.to_owned() };
    let labels = |labels: &[&str]| Kind::Enum { labels: labels.iter().map(|label| (*label).to_owned()).collect() };
    let long = "x".repeat(64);
    let cases = [
        (Kind::Int { bits: 16 }, "tinyint(1)", "smallint"),
        (Kind::Decimal { limit: Some((20, 0)) }, "bigint(20) unsigned", "numeric(20,0)"),
        (Kind::Text { max_chars: Some(0), padded: false }, "varchar(0)", "text"),
        (Kind::Text { max_chars: Some(3), padded: true }, "char(3)", "character(3)"),
        (Kind::Timestamp { digits: 0 }, "datetime", "timestamp(0) without time zone"),
        (Kind::Json { normalised: true }, "json", "jsonb"),
        (labels(&["a"]), "enum('a')", "public.\"Orders_c_enum\""),
        (labels(&[&long]), "enum('x')", "text"),
        (other("bit(3)"), "bit(3)", "bit(3)"),
        (other("set('a','b.c')"), "set('a','b.c')", "text"),
    ];
    for (kind, declared, expected) in cases {
        let made = translate(&Arc::new(table(vec![column("c", declared, kind)])), &Names::new("public"));
        assert_eq!(made.table.columns[0].declared_type, expected, "{declared}");
        let told = if expected == "text" && declared != "varchar(0)" {
            vec![format!("the type {declared} of c, text here")]
        } else {
            Vec::new()
        };
        assert_eq!(made.left_out, told, "{declared}");
    }
}

#[test]
fn defaults_are_read_as_mysql_prints_them() {
    let text = Kind::Text { max_chars: None, padded: false };
    let bits = Kind::Other { type_name: "bit(4)".to_owned() };
    let cases = [
        (text.clone(), "'it\\'s'", Some("'it''s'::text")),
        (text.clone(), "_utf8mb4'a'", Some("'a'::text")),
        (Kind::Int { bits: 32 }, "5", Some("5")),
        (Kind::Timestamp { digits: 6 }, "current_timestamp(6)", Some("LOCALTIMESTAMP")),
        (Kind::Instant { digits: 0 }, "CURRENT_TIMESTAMP", Some("CURRENT_TIMESTAMP")),
        (Kind::Date, "curdate()", Some("CURRENT_DATE")),
        (Kind::Date, "'0000-00-00'", None),
        (bits, "b'101'", Some("'0101'::\"bit\"")),
        (text, "uuid()", None),
    ];
    for (kind, default, expected) in cases {
        let given = Column { default: Some(default.to_owned()), ..column("c", "x", kind) };
        let made = translate(&Arc::new(table(vec![given])), &Names::new("public"));
        assert_eq!(made.table.columns[0].default.as_deref(), expected, "{default}");
        assert_eq!(made.left_out.len(), usize::from(expected.is_none()), "{default} {:?}", made.left_out);
    }
}

#[test]
fn what_columns_do_by_themselves_is_kept_or_told() {
    let text = Kind::Text { max_chars: Some(20), padded: false };
    let ci =
        |name: &str| Column { collation: "utf8mb4_general_ci".to_owned(), ..column(name, "varchar(20)", text.clone()) };
    let mut of_mysql = table(vec![
        Column { nullable: false, ..column("id", "int(11)", Kind::Int { bits: 32 }) },
        ci("a"),
        ci("b"),
        column("seen", "timestamp", Kind::Instant { digits: 0 }),
    ]);
    let counter = |column: &str| Counter {
        column: column.to_owned(),
        is_always: false,
        increment: 1,
        lowest: 1,
        highest: i64::MAX,
        start: 1,
        cycles: false,
    };
    of_mysql.counters = vec![counter("id")];
    of_mysql.key = Some(Key { columns: vec![0], is_rowid: false, collations: vec![String::new()] });
    of_mysql.primary_key = vec![0];
    of_mysql.definition =
        "CREATE TABLE `Orders` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `seen` timestamp NOT NULL \
        DEFAULT current_timestamp() ON UPDATE current_timestamp()\n) ENGINE=InnoDB"
            .to_owned();
    let part =
        |name: Option<&str>| IndexColumn { name: name.map(str::to_owned), collation: String::new(), descending: false };
    let index = |name: &str, unique, column| Index {
        name: name.to_owned(),
        unique,
        columns: vec![part(column)],
        partial: false,
        definition: String::new(),
    };
    of_mysql.indexes = vec![index("a", true, Some("a")), index("pre", false, None)];
    let columns = vec![Some("a".to_owned())];
    of_mysql.uniques = vec![Unique { name: "a".to_owned(), columns, partial: false, deferrable: false }];
    let made = translate(&Arc::new(of_mysql.clone()), &Names::new("public"));
    assert_eq!(
        made.left_out,
        ["the collation utf8mb4_general_ci of a, b", "ON UPDATE CURRENT_TIMESTAMP of seen", "index Orders_pre"]
    );
    assert_eq!(made.table.columns[0].default.as_deref(), Some("nextval('public.\"Orders_id_seq\"'::regclass)"));
    let names = (&*made.table.indexes[0].name, &*made.table.uniques[0].name);
    assert_eq!(names, ("Orders_a", "Orders_a"));

    of_mysql.columns[0].kind = Kind::Decimal { limit: Some((20, 0)) };
    let made = translate(&Arc::new(of_mysql), &Names::new("public"));
    assert!(made.left_out.contains(&"the numbers that id is given".to_owned()) && made.table.counters.is_empty());
}
