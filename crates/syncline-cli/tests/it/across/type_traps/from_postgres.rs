//! What a server holds, and what comes of it in a file and in a table of the same types again.

use super::trap::Comes::{Back, To};
use super::trap::Trap;

/// Types that the tables are made of.
pub(super) const TYPES: &str = "CREATE TYPE mood AS ENUM ('happy', 'it''s so-so', 'sad');
    CREATE DOMAIN postcode AS text CHECK (VALUE ~ '^[0-9]{5}$');
    CREATE DOMAIN positive AS numeric(6,2) CHECK (VALUE > 0);
    CREATE TYPE part AS (number integer, name text, at timestamp);";

/// Values of PostgreSQL, by the type of their column.
pub(super) const FROM_POSTGRES: &[Trap] = &[
    Trap {
        name: "numeric",
        declared: "numeric",
        into: "",
        values: &[
            ("1.10", To("'1.10'")),
            ("1.1", To("'1.1'")),
            ("0.000", To("'0.000'")),
            ("12345678901234567890123456789012345678.90", To("'12345678901234567890123456789012345678.90'")),
            ("1e-40", To("'0.0000000000000000000000000000000000000001'")),
            ("18446744073709551615", To("'18446744073709551615'")),
            ("'NaN'", To("'NaN'")),
            ("'Infinity'", To("'Infinity'")),
            ("'-Infinity'", To("'-Infinity'")),
            ("NULL", To("NULL")),
        ],
    },
    Trap {
        name: "numeric of few digits",
        declared: "numeric(12,2)",
        into: "",
        values: &[
            ("1.10", To("1.1")),
            ("3", To("3")),
            ("-9999999999.99", To("-9999999999.99")),
            ("0", To("0")),
            ("'NaN'", To("'NaN'")),
        ],
    },
    Trap {
        name: "numeric of many digits",
        declared: "numeric(38,10)",
        into: "",
        values: &[
            ("1.1", To("'1.1000000000'")),
            ("1234567890123456789012345678.1", To("'1234567890123456789012345678.1000000000'")),
        ],
    },
    Trap {
        name: "numeric of tens",
        declared: "numeric(3,-1)",
        into: "",
        values: &[("1250", To("'1250'")), ("5", To("'10'")), ("0", To("'0'"))],
    },
    Trap {
        name: "numeric of small parts",
        declared: "numeric(3,5)",
        into: "",
        values: &[("0.00999", To("0.00999")), ("0", To("0"))],
    },
    Trap {
        name: "bigint",
        declared: "bigint",
        into: "",
        values: &[
            ("9223372036854775807", To("9223372036854775807")),
            ("-9223372036854775808", To("-9223372036854775808")),
            ("9007199254740993", To("9007199254740993")),
        ],
    },
    Trap {
        name: "smallint",
        declared: "smallint",
        into: "",
        values: &[("32767", To("32767")), ("-32768", To("-32768"))],
    },
    Trap { name: "oid", declared: "oid", into: "", values: &[("4294967295", To("4294967295")), ("0", To("0"))] },
    Trap {
        name: "boolean",
        declared: "boolean",
        into: "",
        values: &[("true", To("1")), ("false", To("0")), ("NULL", To("NULL"))],
    },
    Trap {
        name: "bit strings",
        declared: "bit(4)",
        into: "",
        values: &[("B'0101'", To("'0101'")), ("B'0000'", To("'0000'"))],
    },
    Trap {
        name: "bit strings of any length",
        declared: "varbit",
        into: "",
        values: &[("B''", To("''")), ("B'1'", To("'1'")), ("B'01'", To("'01'"))],
    },
    Trap {
        name: "double precision",
        declared: "double precision",
        into: "",
        values: &[
            ("0.1", To("0.1")),
            ("0.1::float8 + 0.2::float8", To("0.30000000000000004")),
            ("3", To("3.0")),
            ("'-0'", Back("0.0", "0")),
            ("'NaN'", To("'NaN'")),
            ("'Infinity'", To("inf")),
            ("'-Infinity'", To("-inf")),
            ("5e-324", To("5e-324")),
            ("1.7976931348623157e308", To("1.7976931348623157e308")),
        ],
    },
    Trap {
        name: "real",
        declared: "real",
        into: "",
        values: &[
            ("0.1", To("0.1")),
            ("3.4028235e38", To("3.4028235e38")),
            ("1e-45", To("1e-45")),
            ("16777216", To("16777216.0")),
            ("'-0'", Back("0.0", "0")),
            ("'NaN'", To("'NaN'")),
            ("'-Infinity'", To("-inf")),
        ],
    },
    Trap {
        name: "timestamp",
        declared: "timestamp",
        into: "",
        values: &[
            ("'2024-03-31 02:30:00.123456'", To("'2024-03-31 02:30:00.123456'")),
            ("'2024-01-01 10:00:00.5'", To("'2024-01-01 10:00:00.5'")),
            ("'2024-01-01 24:00:00'", To("'2024-01-02 00:00:00'")),
            ("'4713-01-01 00:00:00 BC'", To("'4713-01-01 00:00:00 BC'")),
            ("'10000-01-01 00:00:00'", To("'10000-01-01 00:00:00'")),
            ("'294276-12-31 23:59:59.999999'", To("'294276-12-31 23:59:59.999999'")),
            ("'infinity'", To("'infinity'")),
            ("'-infinity'", To("'-infinity'")),
        ],
    },
    Trap {
        name: "timestamp of whole seconds",
        declared: "timestamp(0)",
        into: "",
        values: &[("'2024-01-01 10:00:00.4'", To("'2024-01-01 10:00:00'"))],
    },
    Trap {
        name: "timestamptz",
        declared: "timestamptz",
        into: "",
        values: &[
            ("'2024-10-27 02:30:00+02'", To("'2024-10-27 00:30:00+00:00'")),
            ("'2024-10-27 02:30:00+01'", To("'2024-10-27 01:30:00+00:00'")),
            ("'2024-01-01 00:00:00.000001+05:45'", To("'2023-12-31 18:15:00.000001+00:00'")),
            ("'0044-03-15 00:00:00+00 BC'", To("'0044-03-15 00:00:00+00:00 BC'")),
            ("'294276-12-31 23:59:59.999999+00'", To("'294276-12-31 23:59:59.999999+00'")),
            ("'infinity'", To("'infinity'")),
        ],
    },
    Trap {
        name: "date",
        declared: "date",
        into: "",
        values: &[
            ("'2024-02-29'", To("'2024-02-29'")),
            ("'4713-01-01 BC'", To("'4713-01-01 BC'")),
            ("'10000-01-01'", To("'10000-01-01'")),
            ("'5874897-12-31'", To("'5874897-12-31'")),
            ("'infinity'", To("'infinity'")),
            ("'-infinity'", To("'-infinity'")),
        ],
    },
    Trap {
        name: "time",
        declared: "time",
        into: "",
        values: &[
            ("'24:00:00'", To("'24:00:00'")),
            ("'23:59:59.999999'", To("'23:59:59.999999'")),
            ("'00:00'", To("'00:00:00'")),
        ],
    },
    Trap {
        name: "time with a zone",
        declared: "timetz",
        into: "",
        values: &[("'04:05:06.5+05:30'", To("'04:05:06.5+05:30'")), ("'24:00:00-08'", To("'24:00:00-08'"))],
    },
    Trap {
        name: "interval",
        declared: "interval",
        into: "",
        values: &[
            ("'1 month -1 day 02:00:00.5'", To("'1 mon -1 days +02:00:00.5'")),
            ("'30 days'", To("'30 days'")),
            ("'720 hours'", To("'720:00:00'")),
            ("'0'", To("'00:00:00'")),
        ],
    },
    Trap {
        name: "enumeration",
        declared: "mood",
        into: "",
        values: &[("'happy'", To("'happy'")), ("'it''s so-so'", To("'it's so-so'")), ("NULL", To("NULL"))],
    },
    Trap { name: "domain over text", declared: "postcode", into: "", values: &[("'01234'", To("'01234'"))] },
    Trap {
        name: "domain over numeric",
        declared: "positive",
        into: "",
        values: &[("1.5", To("1.5")), ("9999.99", To("9999.99"))],
    },
    Trap {
        name: "json",
        declared: "json",
        into: "",
        values: &[
            (r#"'{"b": 1,  "a": 2, "b": 3}'"#, To(r#"'{"b": 1,  "a": 2, "b": 3}'"#)),
            (
                r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#,
                To(r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#),
            ),
            (r#"'"\u0000"'"#, To(r#"'"\u0000"'"#)),
            ("'null'", To("'null'")),
            (r#"'"5"'"#, To(r#"'"5"'"#)),
        ],
    },
    Trap {
        name: "jsonb",
        declared: "jsonb",
        into: "",
        values: &[
            (r#"'{"b":1,"a":2}'"#, To(r#"'{"a": 2, "b": 1}'"#)),
            ("'[1, 1.0, 1.00, 1e2]'", To("'[1, 1.0, 1.00, 100]'")),
            (r#"'{"n":123456789012345678901234567890.5}'"#, To(r#"'{"n": 123456789012345678901234567890.5}'"#)),
            ("'5'", To("5")),
        ],
    },
    Trap {
        name: "arrays",
        declared: "integer[]",
        into: "",
        values: &[
            ("'{1,NULL,3}'", To("'{1,NULL,3}'")),
            ("'{}'", To("'{}'")),
            ("'[0:1]={1,2}'", To("'[0:1]={1,2}'")),
            ("'{{1,2},{3,4}}'", To("'{{1,2},{3,4}}'")),
        ],
    },
    Trap {
        name: "arrays of text",
        declared: "text[]",
        into: "",
        values: &[
            (r#"ARRAY['a,b', 'NULL', NULL, '', '"', '\', '{}']"#, To(r#"'{"a,b","NULL",NULL,"","\"","\\","{}"}'"#)),
            ("'{🦀}'", To("'{🦀}'")),
        ],
    },
    Trap {
        name: "composite types",
        declared: "part",
        into: "",
        values: &[
            ("ROW(1, 'a \"b\", c', '2024-01-01')", To(r#"'(1,"a ""b"", c","2024-01-01 00:00:00")'"#)),
            ("ROW(NULL, '', NULL)", To(r#"'(,"",)'"#)),
        ],
    },
    Trap {
        name: "ranges",
        declared: "numrange",
        into: "",
        values: &[("'[1.10,2)'", To("'[1.10,2)'")), ("'empty'", To("'empty'")), ("'(,)'", To("'(,)'"))],
    },
    Trap {
        name: "ranges of time",
        declared: "tstzrange",
        into: "",
        values: &[("'[2024-01-01 00:00+02,infinity)'", To(r#"'["2023-12-31 22:00:00+00",infinity)'"#))],
    },
    Trap {
        name: "bytea",
        declared: "bytea",
        into: "",
        values: &[("'\\x'", To("x''")), ("'\\x00ff5c'", To("x'00ff5c'")), ("NULL", To("NULL"))],
    },
    Trap {
        name: "text",
        declared: "text",
        into: "",
        values: &[
            ("''", To("''")),
            ("'a  '", To("'a  '")),
            ("'\\N'", To("'\\N'")),
            ("'🦀'", To("'🦀'")),
            ("U&'\\00e9'", To("'\u{e9}'")),
            ("U&'e\\0301'", To("'e\u{301}'")),
            ("'1.10'", To("'1.10'")),
        ],
    },
    Trap {
        name: "char(n)",
        declared: "char(5)",
        into: "",
        values: &[("'ab'", To("'ab'")), ("'ab   '", To("'ab'")), ("''", To("''"))],
    },
    Trap {
        name: "varchar(n)",
        declared: "varchar(3)",
        into: "",
        values: &[("'ab '", To("'ab '")), ("'🦀🦀🦀'", To("'🦀🦀🦀'"))],
    },
    Trap { name: "name", declared: "name", into: "", values: &[("'pg_class'", To("'pg_class'"))] },
    Trap { name: "\"char\"", declared: "\"char\"", into: "", values: &[("'x'", To("'x'")), ("''", To("''"))] },
    Trap {
        name: "uuid",
        declared: "uuid",
        into: "",
        values: &[("'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'", To("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"))],
    },
    Trap {
        name: "inet",
        declared: "inet",
        into: "",
        values: &[
            ("'10.0.0.1/8'", To("'10.0.0.1/8'")),
            ("'10.0.0.1'", To("'10.0.0.1'")),
            ("'::ffff:1.2.3.4'", To("'::ffff:1.2.3.4'")),
        ],
    },
    Trap { name: "cidr", declared: "cidr", into: "", values: &[("'10.0.0.0/8'", To("'10.0.0.0/8'"))] },
    Trap {
        name: "macaddr",
        declared: "macaddr",
        into: "",
        values: &[("'08-00-2B-01-02-03'", To("'08:00:2b:01:02:03'"))],
    },
    Trap {
        name: "money",
        declared: "money",
        into: "",
        values: &[("'1234.5'", To("'$1,234.50'")), ("'-0.01'", To("'-$0.01'"))],
    },
    Trap {
        name: "xml",
        declared: "xml",
        into: "",
        values: &[
            ("'<a b=\"1\">&lt; </a>'", To("'<a b=\"1\">&lt; </a>'")),
            ("'two <b/> parts'", To("'two <b/> parts'")),
        ],
    },
    Trap {
        name: "tsvector",
        declared: "tsvector",
        into: "",
        values: &[("'fat:2A cat:3 a'", To("''a' 'cat':3 'fat':2A'")), ("''", To("''"))],
    },
    Trap { name: "tsquery", declared: "tsquery", into: "", values: &[("'fat & !cat'", To("''fat' & !'cat''"))] },
    Trap {
        name: "geometry",
        declared: "box",
        into: "",
        values: &[("'(0.1,2),(3,1e-300)'", To("'(3,2),(0.1,1e-300)'"))],
    },
];
