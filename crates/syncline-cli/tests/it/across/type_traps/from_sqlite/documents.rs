//! JSON and UUIDs of SQLite, and what is text there and of another type elsewhere.

use super::super::trap::Comes::{Back, Held, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const DOCUMENTS: &[Trap] = &[
    Trap {
        name: "JSON",
        declared: "JSON",
        into: ["", ""],
        values: &[
            (r#"'{"b": 1,  "a": 2}'"#, To(r#"{"b": 1,  "a": 2}"#), To(r#"'{"b": 1,  "a": 2}'"#)),
            (r#"'{"a": 1, "a": 2}'"#, To(r#"{"a": 1, "a": 2}"#), To(r#"'{"a": 1, "a": 2}'"#)),
            (
                r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#,
                To(r#"{"n": 1.0, "m": 123456789012345678901234567890}"#),
                To(r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#),
            ),
            (r#"'"\u0000"'"#, To(r#""\u0000""#), To(r#"'"\u0000"'"#)),
            ("'null'", To("null"), To("'null'")),
            ("1", Back("1", "'1'"), Back("'1'", "'1'")),
            ("1.5", Back("1.5", "'1.5'"), Back("'1.5'", "'1.5'")),
            ("'{'", UNFIT, UNFIT),
            ("''", UNFIT, UNFIT),
            ("'NaN'", UNFIT, UNFIT),
            (
                "'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]'",
                To("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
                Held("check"),
            ),
        ],
    },
    Trap {
        name: "JSON as text",
        declared: "JSON TEXT",
        into: ["", ""],
        values: &[
            ("1", To("1"), To("'1'")),
            ("'1.50'", To("1.50"), To("'1.50'")),
            ("' 1 '", To(" 1 "), To("' 1 '")),
            ("'1e400'", To("1e400"), To("'1e400'")),
            ("'NaN'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "JSON that is normalised",
        declared: "JSONB",
        into: ["", ""],
        values: &[
            (r#"'{"b":1,"a":2}'"#, Back(r#"{"a": 2, "b": 1}"#, r#"'{"a": 2, "b": 1}'"#), To(r#"'{"b":1,"a":2}'"#)),
            (r#"'{"a":1,"a":2}'"#, UNFIT, To(r#"'{"a":1,"a":2}'"#)),
            (r#"'{"x":[{"a":1,"\u0061":1}]}'"#, UNFIT, To(r#"'{"x":[{"a":1,"\u0061":1}]}'"#)),
            (
                r#"'{"n":1.0,"m":1e2}'"#,
                Back(r#"{"m": 100, "n": 1.0}"#, r#"'{"m": 100, "n": 1.0}'"#),
                To(r#"'{"n":1.0,"m":1e2}'"#),
            ),
            (
                "'[12345678901234567890123456789.0]'",
                To("[12345678901234567890123456789.0]"),
                To("'[12345678901234567890123456789.0]'"),
            ),
            (r#"'"\u00e9"'"#, Back(r#""é""#, r#"'"é"'"#), To(r#"'"\u00e9"'"#)),
            (r#"'"\u0000"'"#, UNFIT, To(r#"'"\u0000"'"#)),
            (r#"'"\ud800"'"#, UNFIT, Held("check")),
            ("'{'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "UUIDs",
        declared: "UUID",
        into: ["", ""],
        values: &[
            (
                "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
                To("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
                To("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ),
            (
                "'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'",
                Back("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"),
                Back("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"),
            ),
            ("'{6ba7b810-9dad-11d1-80b4-00c04fd430c8}'", UNFIT, UNFIT),
            ("x'6ba7b8109dad11d180b400c04fd430c8'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into an enumeration",
        declared: "TEXT",
        into: ["mood", "enum('happy','it''s so-so','sad')"],
        values: &[
            ("'happy'", To("happy"), To("'happy'")),
            ("'it''s so-so'", To("it's so-so"), To("'it's so-so'")),
            ("'Happy'", UNFIT, UNFIT),
            ("''", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into a domain",
        declared: "TEXT",
        into: ["postcode", "varchar(9) CHECK (v REGEXP '^[0-9]{5}$')"],
        values: &[("'12345'", To("12345"), To("'12345'")), ("'1234'", Held("check"), Held("check"))],
    },
    Trap {
        name: "text into an array",
        declared: "TEXT",
        into: ["integer[]", ""],
        values: &[
            ("'{1,NULL,3}'", To("{1,NULL,3}"), To("'{1,NULL,3}'")),
            ("'[0:1]={1,2}'", To("[0:1]={1,2}"), To("'[0:1]={1,2}'")),
            ("'{1, 2}'", UNFIT, To("'{1, 2}'")),
            ("'{1'", UNFIT, To("'{1'")),
        ],
    },
    Trap {
        name: "text into bits",
        declared: "TEXT",
        into: ["bit(4)", "bit(4)"],
        values: &[
            ("'0101'", To("0101"), To("b'0101'")),
            ("'01'", UNFIT, UNFIT),
            ("'01011'", UNFIT, UNFIT),
            ("'2'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into one letter",
        declared: "TEXT",
        into: [r#""char""#, "char(1)"],
        values: &[("'x'", To("x"), To("'x'")), ("'xy'", UNFIT, UNFIT)],
    },
    Trap {
        name: "text into addresses",
        declared: "TEXT",
        into: ["inet", "inet6"],
        values: &[("'10.0.0.1'", To("10.0.0.1"), UNFIT), ("'10.0.0.1/32'", UNFIT, UNFIT), ("'nowhere'", UNFIT, UNFIT)],
    },
    Trap {
        name: "text into an interval",
        declared: "TEXT",
        into: ["interval", ""],
        values: &[
            ("'1 mon 2 days'", To("1 mon 2 days"), To("'1 mon 2 days'")),
            ("'1 month 2 days'", UNFIT, To("'1 month 2 days'")),
            ("'soon'", UNFIT, To("'soon'")),
        ],
    },
    Trap {
        name: "text into a set",
        declared: "TEXT",
        into: ["", "set('a','b')"],
        values: &[
            ("''", To(""), To("''")),
            ("'a'", To("a"), To("'a'")),
            ("'a,b'", To("a,b"), To("'a,b'")),
            ("'b,a'", To("b,a"), UNFIT),
            ("'a,a'", To("a,a"), UNFIT),
            ("'c'", To("c"), UNFIT),
        ],
    },
    Trap {
        name: "text into geometry",
        declared: "TEXT",
        into: ["", "point"],
        values: &[
            (
                "'SRID=0;0101000000000000000000F03F00000000000004C0'",
                To("SRID=0;0101000000000000000000F03F00000000000004C0"),
                To("x'000000000101000000000000000000f03f00000000000004c0'"),
            ),
            ("'POINT(1 -2.5)'", To("POINT(1 -2.5)"), UNFIT),
        ],
    },
];
