//! JSON, bytes, and what only MariaDB has.

use super::super::trap::Comes::{Back, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const DOCUMENTS: &[Trap] = &[
    Trap {
        name: "JSON",
        declared: "json",
        into: ["", ""],
        values: &[
            (
                r#"'{"b": 1,  "a": 2, "b": 3}'"#,
                To(r#"'{"b": 1,  "a": 2, "b": 3}'"#),
                To(r#"{"b": 1,  "a": 2, "b": 3}"#),
            ),
            (
                r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#,
                To(r#"'{"n": 1.0, "m": 123456789012345678901234567890}'"#),
                To(r#"{"n": 1.0, "m": 123456789012345678901234567890}"#),
            ),
            (r#"'"\\u0000"'"#, To(r#"'"\u0000"'"#), To(r#""\u0000""#)),
            ("'null'", To("'null'"), To("null")),
            ("'1.50'", To("'1.50'"), To("1.50")),
            ("' 1 '", To("' 1 '"), To(" 1 ")),
            ("'1e400'", To("'1e400'"), To("1e400")),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "JSON into what is normalised",
        declared: "json",
        into: ["JSONB", "jsonb"],
        values: &[
            (r#"'{"b":1,"a":2}'"#, To(r#"'{"b":1,"a":2}'"#), Back(r#"{"a": 2, "b": 1}"#, r#"'{"a": 2, "b": 1}'"#)),
            (r#"'{"a":1,"a":2}'"#, To(r#"'{"a":1,"a":2}'"#), UNFIT),
            (r#"'"\\u0000"'"#, To(r#"'"\u0000"'"#), UNFIT),
            ("'5'", To("5"), To("5")),
            ("'1.0'", UNFIT, To("1.0")),
        ],
    },
    Trap {
        name: "JSON into a column that makes numbers of it",
        declared: "json",
        into: ["JSON", "json"],
        values: &[("'5'", To("5"), To("5")), ("'1.50'", UNFIT, To("1.50")), ("'[1.0]'", To("'[1.0]'"), To("[1.0]"))],
    },
    Trap {
        name: "binary",
        declared: "binary(4)",
        into: ["", ""],
        values: &[
            ("'a'", To("x'61000000'"), To("\\x61000000")),
            ("x'00'", To("x'00000000'"), To("\\x00000000")),
            ("x'61620000'", To("x'61620000'"), To("\\x61620000")),
            ("x'ffffffff'", To("x'ffffffff'"), To("\\xffffffff")),
        ],
    },
    Trap {
        name: "varbinary",
        declared: "varbinary(4)",
        into: ["", ""],
        values: &[
            ("x''", To("x''"), To("\\x")),
            ("x'6100'", To("x'6100'"), To("\\x6100")),
            ("x'00'", To("x'00'"), To("\\x00")),
            ("x'ff20'", To("x'ff20'"), To("\\xff20")),
        ],
    },
    Trap {
        name: "blob",
        declared: "blob",
        into: ["", ""],
        values: &[
            ("x''", To("x''"), To("\\x")),
            ("x'00ff5c0a'", To("x'00ff5c0a'"), To("\\x00ff5c0a")),
            ("'a'", To("x'61'"), To("\\x61")),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "UUIDs as bytes",
        declared: "binary(16)",
        into: ["", ""],
        values: &[
            (
                "x'6ba7b8109dad11d180b400c04fd430c8'",
                To("x'6ba7b8109dad11d180b400c04fd430c8'"),
                To("\\x6ba7b8109dad11d180b400c04fd430c8"),
            ),
            (
                "x'00000000000000000000000000000000'",
                To("x'00000000000000000000000000000000'"),
                To("\\x00000000000000000000000000000000"),
            ),
        ],
    },
    Trap {
        name: "uuid",
        declared: "uuid",
        into: ["", ""],
        values: &[
            (
                "'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'",
                To("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"),
                To("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ),
            (
                "'00000000-0000-0000-0000-000000000000'",
                To("'00000000-0000-0000-0000-000000000000'"),
                To("00000000-0000-0000-0000-000000000000"),
            ),
            (
                "'ffffffff-ffff-4fff-bfff-ffffffffffff'",
                To("'ffffffff-ffff-4fff-bfff-ffffffffffff'"),
                To("ffffffff-ffff-4fff-bfff-ffffffffffff"),
            ),
        ],
    },
    Trap {
        name: "inet4",
        declared: "inet4",
        into: ["", ""],
        values: &[
            ("'10.0.0.1'", To("'10.0.0.1'"), To("10.0.0.1")),
            ("'255.255.255.255'", To("'255.255.255.255'"), To("255.255.255.255")),
        ],
    },
    Trap {
        name: "inet6",
        declared: "inet6",
        into: ["", ""],
        values: &[
            ("'::1'", To("'::1'"), To("::1")),
            ("'::ffff:10.0.0.1'", To("'::ffff:10.0.0.1'"), To("::ffff:10.0.0.1")),
            ("'2001:DB8::1'", To("'2001:db8::1'"), To("2001:db8::1")),
        ],
    },
    Trap {
        name: "inet6 into addresses",
        declared: "inet6",
        into: ["", ""],
        values: &[
            ("'::1'", To("'::1'"), To("::1")),
            ("'::ffff:10.0.0.1'", To("'::ffff:10.0.0.1'"), To("::ffff:10.0.0.1")),
            ("'2001:DB8::1'", To("'2001:db8::1'"), To("2001:db8::1")),
        ],
    },
    Trap {
        name: "point",
        declared: "point",
        into: ["", ""],
        values: &[
            (
                "ST_GeomFromText('POINT(1 -2.5)')",
                To("'SRID=0;0101000000000000000000F03F00000000000004C0'"),
                To("SRID=0;0101000000000000000000F03F00000000000004C0"),
            ),
            (
                "ST_GeomFromText('POINT(0.1 1e-300)', 4326)",
                To("'SRID=4326;01010000009A9999999999B93F59F3F8C21F6EA501'"),
                To("SRID=4326;01010000009A9999999999B93F59F3F8C21F6EA501"),
            ),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "geometry",
        declared: "geometry",
        into: ["", ""],
        values: &[
            (
                "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')",
                To(
                    "'SRID=0;0103000000010000000400000000000000000000000000000000000000000000000000F03F0000000000000000000000000000F03F000000000000F03F00000000000000000000000000000000'",
                ),
                To(
                    "SRID=0;0103000000010000000400000000000000000000000000000000000000000000000000F03F0000000000000000000000000000F03F000000000000F03F00000000000000000000000000000000",
                ),
            ),
            (
                "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')",
                To(
                    "'SRID=0;0107000000020000000101000000000000000000F03F000000000000F03F01020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F'",
                ),
                To(
                    "SRID=0;0107000000020000000101000000000000000000F03F000000000000F03F01020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F",
                ),
            ),
        ],
    },
];
