use syncline_core::schema::Schema;
use syncline_core::value::Coercion;

use super::*;

fn flexible(name: &str, declared_type: &str, coercion: Coercion) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared_type.to_owned(),
        kind: Kind::Flexible(coercion),
        nullable: true,
        default: None,
        collation: "BINARY".to_owned(),
        generated: Generated::No,
        expression: None,
    }
}

fn table(columns: Vec<Column>) -> TableSchema {
    TableSchema { name: "t".to_owned(), engine: "sqlite", columns, ..TableSchema::default() }
}

fn translation(table: TableSchema) -> Translated {
    translate(&Arc::new(table), &Names::new("public"))
}

#[test]
fn declared_types_are_those_that_hold_as_much() {
    use Coercion::{Integer, None, Numeric, Real, Text};
    let cases = [
        ("INTEGER", Integer, "bigint"),
        ("int", Integer, "bigint"),
        ("UNSIGNED BIG INT", Integer, "bigint"),
        ("TINYINT(1)", Integer, "bigint"),
        ("SMALLINT", Integer, "smallint"),
        ("boolean", Numeric, "boolean"),
        ("DECIMAL(10, 2)", Numeric, "numeric(10,2)"),
        ("NUMERIC(5)", Numeric, "numeric(5,0)"),
        ("NUMERIC", Numeric, "numeric"),
        ("DECIMAL TEXT", Text, "numeric"),
        ("DECIMAL TEXT(40,20)", Text, "numeric(40,20)"),
        ("DECIMAL(2,5)", Numeric, "numeric"),
        ("REAL", Real, "double precision"),
        ("DOUBLE  PRECISION", Real, "double precision"),
        ("FLOAT4", Real, "real"),
        ("VARCHAR(30)", Text, "character varying(30)"),
        ("VARCHAR", Text, "text"),
        ("NCHAR(3)", Text, "character varying(3)"),
        ("CHAR(3)", Text, "character(3)"),
        ("CHAR", Text, "text"),
        ("TEXT", Text, "text"),
        ("", None, "text"),
        ("BLOB", None, "bytea"),
        ("LONGBLOB", None, "bytea"),
        ("DATE", Numeric, "date"),
        ("TIME(3)", Numeric, "time(3) without time zone"),
        ("DATETIME", Numeric, "timestamp without time zone"),
        ("TIMESTAMPTZ(0)", Numeric, "timestamp(0) with time zone"),
        ("UUID", Numeric, "uuid"),
        ("JSON", Numeric, "json"),
        ("JSON TEXT", Text, "json"),
        ("JSONB", Numeric, "jsonb"),
        ("JSONB TEXT", Text, "jsonb"),
        ("MONEY", Numeric, "numeric"),
        ("LONGTEXT", Text, "text"),
        ("weird(", Numeric, "numeric"),
    ];
    for (declared, coercion, expected) in cases {
        let made = translation(table(vec![flexible("c", declared, coercion)]));
        assert_eq!(made.table.columns[0].declared_type, expected, "{declared}");
        assert!(made.left_out.is_empty(), "{:?}", made.left_out);
    }
}

#[test]
fn defaults_are_of_the_type_of_their_column() {
    use Coercion::{Integer, None, Numeric, Text};
    let cases = [
        ("BOOLEAN", Numeric, "1", Some("true")),
        ("BOOLEAN", Numeric, "FALSE", Some("false")),
        ("INTEGER", Integer, "(7)", Some("7")),
        ("INTEGER", Integer, "TRUE", Some("1")),
        ("INTEGER", Integer, "-9223372036854775808", Some("'-9223372036854775808'::bigint")),
        ("INTEGER", Integer, "'abc'", Option::None),
        ("SMALLINT", Integer, "70000", Option::None),
        ("TEXT", Text, "'it''s'", Some("'it''s'::text")),
        ("TEXT", Text, "\"word\"", Some("'word'::text")),
        ("TEXT", Text, "5", Some("'5'::text")),
        ("VARCHAR(3)", Text, "'abc'", Some("'abc'::character varying")),
        ("VARCHAR(3)", Text, "'abcd'", Option::None),
        ("BLOB", None, "X'00ff'", Some("E'\\\\x00ff'::bytea")),
        ("DECIMAL(10,2)", Numeric, "1.5", Some("'1.5'::numeric")),
        ("DATE", Numeric, "'2024-02-29'", Some("'2024-02-29'::date")),
        ("DATE", Numeric, "'2023-02-29'", Option::None),
        ("DATETIME", Numeric, "CURRENT_TIMESTAMP", Some("(now() AT TIME ZONE 'UTC'::text)")),
        ("INTEGER", Integer, "CURRENT_TIMESTAMP", Option::None),
        ("TEXT", Text, "(lower('A'))", Option::None),
        ("JSON", Numeric, "'{}'", Some("'{}'::json")),
    ];
    for (declared, coercion, default, expected) in cases {
        let column = Column { default: Some(default.to_owned()), ..flexible("c", declared, coercion) };
        let made = translation(table(vec![column]));
        assert_eq!(made.table.columns[0].default.as_deref(), expected, "{declared} {default}");
        let told = if expected.is_none() { vec!["the default of c".to_owned()] } else { Vec::new() };
        assert_eq!(made.left_out, told, "{declared} {default}");
    }
    let null = Column { default: Some("NULL".to_owned()), ..flexible("c", "TEXT", Text) };
    let made = translation(table(vec![null]));
    assert_eq!((&made.table.columns[0].default, &made.left_out[..]), (&Option::None, &[][..]));
}

#[test]
fn what_has_no_words_is_told() {
    let mut odd = table(vec![
        Column { nullable: false, ..flexible("id", "INTEGER", Coercion::Integer) },
        Column { collation: "NOCASE".to_owned(), ..flexible("name", "TEXT", Coercion::Text) },
        Column {
            generated: Generated::Virtual,
            expression: Some("id * 2".to_owned()),
            ..flexible("twice", "INTEGER", Coercion::Integer)
        },
    ]);
    odd.key = Some(Key { columns: vec![0], is_rowid: true, collations: vec!["BINARY".to_owned()] });
    odd.primary_key = vec![0];
    odd.checks =
        ["id > 0", "name > 'a'", "length(name) < 5"].map(|text| Check { expression: text.to_owned() }).to_vec();
    odd.uniques = vec![
        Unique {
            name: "sqlite_autoindex_t_1".to_owned(),
            columns: vec![Some("name".to_owned())],
            partial: false,
            deferrable: false,
        },
        Unique { name: "by_lower".to_owned(), columns: vec![Option::None], partial: false, deferrable: false },
    ];
    let lower = IndexColumn { name: Option::None, collation: "BINARY".to_owned(), descending: false };
    odd.indexes = vec![Index {
        name: "by_lower".to_owned(),
        unique: true,
        columns: vec![lower],
        partial: false,
        definition: "CREATE UNIQUE INDEX by_lower ON t (lower(name))".to_owned(),
    }];
    let made = translation(odd);
    assert_eq!(
        made.left_out,
        [
            "the collation NOCASE of name",
            "the computation of twice",
            "CHECK (name > 'a')",
            "CHECK (length(name) < 5)",
            "index by_lower",
        ]
    );
    let table = &made.table;
    assert_eq!(table.checks, [Check { expression: "\"id\" > 0".to_owned() }]);
    assert_eq!(table.columns[0].default.as_deref(), Some("nextval('public.t_id_seq'::regclass)"));
    assert!(table.autoincrement && !table.columns[0].nullable && table.key.as_ref().unwrap().columns == [0]);
    assert_eq!((table.uniques.len(), table.uniques[0].name.as_str(), table.indexes.len()), (1, "", 0));
}

#[test]
fn a_table_of_postgresql_is_as_it_is() {
    let own = Arc::new(TableSchema { engine: ENGINE, ..table(Vec::new()) });
    let made = translate(&own, &Names::new("public"));
    assert!(Arc::ptr_eq(&made.table, &own) && Schema::default().tables.is_empty());
}
