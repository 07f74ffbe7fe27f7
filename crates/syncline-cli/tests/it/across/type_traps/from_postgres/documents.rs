//! JSON, and what is made of other types.

use super::super::trap::Comes::{Held, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const DOCUMENTS: &[Trap] = &[
    Trap {
        name: "enumeration",
        declared: "mood",
        into: ["", ""],
        values: &[
            ("'happy'", To("'happy'"), To("'happy'")),
            ("'it''s so-so'", To("'it's so-so'"), To("'it's so-so'")),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "domain over text",
        declared: "postcode",
        into: ["", ""],
        values: &[("'01234'", To("'01234'"), To("'01234'"))],
    },
    Trap {
        name: "domain over numeric",
        declared: "positive",
        into: ["", ""],
        values: &[("1.5", To("1.5"), To("1.50")), ("9999.99", To("9999.99"), To("9999.99"))],
    },
    Trap {
        name: "json",
        declared: "json",
        into: ["", ""],
        values: &[
            (
                r#"'{"b": 1,  "a": 2, "b": 3}'"#,
                To(r#"'{"b": 1,  "a": 2, "b": 3}'"#),
                To(r#"'{"b": 1,  "a": 2, "b": 3}'"#),
            ),
            (
                r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#,
                To(r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#),
                To(r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#),
            ),
            (r#"'"\u0000"'"#, To(r#"'"\u0000"'"#), To(r#"'"\u0000"'"#)),
            ("'null'", To("'null'"), To("'null'")),
            (r#"'"5"'"#, To(r#"'"5"'"#), To(r#"'"5"'"#)),
            ("'1.50'", To("'1.50'"), To("'1.50'")),
            ("'1e2'", To("'1e2'"), To("'1e2'")),
            ("'-0'", To("'-0'"), To("'-0'")),
            ("' 1 '", To("' 1 '"), To("' 1 '")),
            ("'1e400'", To("'1e400'"), To("'1e400'")),
            ("'12345678901234567890'", To("'12345678901234567890'"), To("'12345678901234567890'")),
            (
                "'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]'",
                To("'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]'"),
                Held("check"),
            ),
        ],
    },
    Trap {
        name: "json into a column that makes numbers of it",
        declared: "json",
        into: ["JSON", ""],
        values: &[
            ("'5'", To("5"), To("'5'")),
            ("'-0.25'", To("-0.25"), To("'-0.25'")),
            ("'9007199254740993'", To("9007199254740993"), To("'9007199254740993'")),
            ("'[1.0]'", To("'[1.0]'"), To("'[1.0]'")),
            ("'1.50'", UNFIT, To("'1.50'")),
            ("'1.0'", UNFIT, To("'1.0'")),
            ("'1e2'", UNFIT, To("'1e2'")),
            ("'-0'", UNFIT, To("'-0'")),
            ("' 1 '", UNFIT, To("' 1 '")),
            ("'1e400'", UNFIT, To("'1e400'")),
            ("'12345678901234567890'", UNFIT, To("'12345678901234567890'")),
        ],
    },
    Trap {
        name: "jsonb",
        declared: "jsonb",
        into: ["", ""],
        values: &[
            (r#"'{"b":1,"a":2}'"#, To(r#"'{"a": 2, "b": 1}'"#), To(r#"'{"a": 2, "b": 1}'"#)),
            ("'[1, 1.0, 1.00, 1e2]'", To("'[1, 1.0, 1.00, 100]'"), To("'[1, 1.0, 1.00, 100]'")),
            (
                r#"'{"n":123456789012345678901234567890.5}'"#,
                To(r#"'{"n": 123456789012345678901234567890.5}'"#),
                To(r#"'{"n": 123456789012345678901234567890.5}'"#),
            ),
            ("'5'", To("'5'"), To("'5'")),
            ("'1.0'", To("'1.0'"), To("'1.0'")),
            ("'12345678901234567890'", To("'12345678901234567890'"), To("'12345678901234567890'")),
        ],
    },
    Trap {
        name: "jsonb into a column that makes numbers of it",
        declared: "jsonb",
        into: ["JSONB", ""],
        values: &[
            ("'5'", To("5"), To("'5'")),
            ("'1.5'", To("1.5"), To("'1.5'")),
            ("'1.0'", UNFIT, To("'1.0'")),
            ("'-1.50'", UNFIT, To("'-1.50'")),
        ],
    },
    Trap {
        name: "arrays",
        declared: "integer[]",
        into: ["", ""],
        values: &[
            ("'{1,NULL,3}'", To("'{1,NULL,3}'"), To("'{1,NULL,3}'")),
            ("'{}'", To("'{}'"), To("'{}'")),
            ("'[0:1]={1,2}'", To("'[0:1]={1,2}'"), To("'[0:1]={1,2}'")),
            ("'{{1,2},{3,4}}'", To("'{{1,2},{3,4}}'"), To("'{{1,2},{3,4}}'")),
        ],
    },
    Trap {
        name: "arrays of text",
        declared: "text[]",
        into: ["", ""],
        values: &[
            (
                r#"ARRAY['a,b', 'NULL', NULL, '', '"', '\', '{}']"#,
                To(r#"'{"a,b","NULL",NULL,"","\"","\\","{}"}'"#),
                To(r#"'{"a,b","NULL",NULL,"","\"","\\","{}"}'"#),
            ),
            ("'{🦀}'", To("'{🦀}'"), To("'{🦀}'")),
        ],
    },
    Trap {
        name: "composite types",
        declared: "part",
        into: ["", ""],
        values: &[
            (
                r#"ROW(1, 'a "b", c', '2024-01-01')"#,
                To(r#"'(1,"a ""b"", c","2024-01-01 00:00:00")'"#),
                To(r#"'(1,"a ""b"", c","2024-01-01 00:00:00")'"#),
            ),
            ("ROW(NULL, '', NULL)", To(r#"'(,"",)'"#), To(r#"'(,"",)'"#)),
        ],
    },
    Trap {
        name: "ranges",
        declared: "numrange",
        into: ["", ""],
        values: &[
            ("'[1.10,2)'", To("'[1.10,2)'"), To("'[1.10,2)'")),
            ("'empty'", To("'empty'"), To("'empty'")),
            ("'(,)'", To("'(,)'"), To("'(,)'")),
        ],
    },
    Trap {
        name: "ranges of time",
        declared: "tstzrange",
        into: ["", ""],
        values: &[(
            "'[2024-01-01 00:00+02,infinity)'",
            To(r#"'["2023-12-31 22:00:00+00",infinity)'"#),
            To(r#"'["2023-12-31 22:00:00+00",infinity)'"#),
        )],
    },
    Trap {
        name: "enumeration into other labels",
        declared: "mood",
        into: ["", "enum('sad','happy')"],
        values: &[("'happy'", To("'happy'"), To("'happy'")), ("'it''s so-so'", To("'it's so-so'"), UNFIT)],
    },
];
