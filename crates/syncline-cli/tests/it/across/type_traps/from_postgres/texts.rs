//! Text, bytes and what only PostgreSQL has.

use super::super::trap::Comes::To;
use super::super::trap::{Trap, UNFIT};

pub(super) const TEXTS: &[Trap] = &[
    Trap {
        name: "bytea",
        declared: "bytea",
        into: ["", ""],
        values: &[
            ("'\\x'", To("x''"), To("x''")),
            ("'\\x00ff5c'", To("x'00ff5c'"), To("x'00ff5c'")),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "text",
        declared: "text",
        into: ["", ""],
        values: &[
            ("''", To("''"), To("''")),
            ("'a  '", To("'a  '"), To("'a  '")),
            ("'\\N'", To("'\\N'"), To("'\\N'")),
            ("'🦀'", To("'🦀'"), To("'🦀'")),
            ("U&'\\00e9'", To("'é'"), To("'é'")),
            ("U&'e\\0301'", To("'e\u{301}'"), To("'e\u{301}'")),
            ("'1.10'", To("'1.10'"), To("'1.10'")),
        ],
    },
    Trap {
        name: "char(n)",
        declared: "char(5)",
        into: ["", ""],
        values: &[("'ab'", To("'ab'"), To("'ab'")), ("'ab   '", To("'ab'"), To("'ab'")), ("''", To("''"), To("''"))],
    },
    Trap {
        name: "varchar(n)",
        declared: "varchar(3)",
        into: ["", ""],
        values: &[("'ab '", To("'ab '"), To("'ab '")), ("'🦀🦀🦀'", To("'🦀🦀🦀'"), To("'🦀🦀🦀'"))],
    },
    Trap {
        name: "name",
        declared: "name",
        into: ["", ""],
        values: &[("'pg_class'", To("'pg_class'"), To("'pg_class'"))],
    },
    Trap {
        name: r#""char""#,
        declared: r#""char""#,
        into: ["", ""],
        values: &[("'x'", To("'x'"), To("'x'")), ("''", To("''"), To("''"))],
    },
    Trap {
        name: "uuid",
        declared: "uuid",
        into: ["", ""],
        values: &[(
            "'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'",
            To("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"),
            To("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        )],
    },
    Trap {
        name: "inet",
        declared: "inet",
        into: ["", ""],
        values: &[
            ("'10.0.0.1/8'", To("'10.0.0.1/8'"), To("'10.0.0.1/8'")),
            ("'10.0.0.1'", To("'10.0.0.1'"), To("'10.0.0.1'")),
            ("'::ffff:1.2.3.4'", To("'::ffff:1.2.3.4'"), To("'::ffff:1.2.3.4'")),
        ],
    },
    Trap {
        name: "cidr",
        declared: "cidr",
        into: ["", ""],
        values: &[("'10.0.0.0/8'", To("'10.0.0.0/8'"), To("'10.0.0.0/8'"))],
    },
    Trap {
        name: "macaddr",
        declared: "macaddr",
        into: ["", ""],
        values: &[("'08-00-2B-01-02-03'", To("'08:00:2b:01:02:03'"), To("'08:00:2b:01:02:03'"))],
    },
    Trap {
        name: "money",
        declared: "money",
        into: ["", ""],
        values: &[("'1234.5'", To("'$1,234.50'"), To("'$1,234.50'")), ("'-0.01'", To("'-$0.01'"), To("'-$0.01'"))],
    },
    Trap {
        name: "xml",
        declared: "xml",
        into: ["", ""],
        values: &[
            (r#"'<a b="1">&lt; </a>'"#, To(r#"'<a b="1">&lt; </a>'"#), To(r#"'<a b="1">&lt; </a>'"#)),
            ("'two <b/> parts'", To("'two <b/> parts'"), To("'two <b/> parts'")),
        ],
    },
    Trap {
        name: "tsvector",
        declared: "tsvector",
        into: ["", ""],
        values: &[
            ("'fat:2A cat:3 a'", To("''a' 'cat':3 'fat':2A'"), To("''a' 'cat':3 'fat':2A'")),
            ("''", To("''"), To("''")),
        ],
    },
    Trap {
        name: "tsquery",
        declared: "tsquery",
        into: ["", ""],
        values: &[("'fat & !cat'", To("''fat' & !'cat''"), To("''fat' & !'cat''"))],
    },
    Trap {
        name: "geometry",
        declared: "box",
        into: ["", ""],
        values: &[("'(0.1,2),(3,1e-300)'", To("'(3,2),(0.1,1e-300)'"), To("'(3,2),(0.1,1e-300)'"))],
    },
    Trap {
        name: "text into latin1",
        declared: "text",
        into: ["", "varchar(20) CHARACTER SET latin1"],
        values: &[
            ("'é'", To("'é'"), To("'é'")),
            ("'€'", To("'€'"), To("'€'")),
            ("'中'", To("'中'"), UNFIT),
            ("'🦀'", To("'🦀'"), UNFIT),
        ],
    },
    Trap {
        name: "text into fewer characters",
        declared: "text",
        into: ["", "varchar(3)"],
        values: &[
            ("'abc'", To("'abc'"), To("'abc'")),
            ("'abcd'", To("'abcd'"), UNFIT),
            ("'🦀🦀🦀'", To("'🦀🦀🦀'"), To("'🦀🦀🦀'")),
        ],
    },
    Trap {
        name: "bytea into a fixed width",
        declared: "bytea",
        into: ["", "binary(4)"],
        values: &[("'\\x61000000'", To("x'61000000'"), To("x'61000000'")), ("'\\x61'", To("x'61'"), UNFIT)],
    },
];
