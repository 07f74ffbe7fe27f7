//! Numbers, bits and truth values of PostgreSQL.

use super::super::trap::Comes::{Back, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const NUMBERS: &[Trap] = &[
    Trap {
        name: "numeric",
        declared: "numeric",
        into: ["", ""],
        values: &[
            ("1.10", To("'1.10'"), Back("1.100000000000000000000000000000", "1.100000000000000000000000000000")),
            ("1.1", To("'1.1'"), Back("1.100000000000000000000000000000", "1.100000000000000000000000000000")),
            ("0.000", To("'0.000'"), Back("0.000000000000000000000000000000", "0.000000000000000000000000000000")),
            ("12345678901234567890123456789012345678.90", To("'12345678901234567890123456789012345678.90'"), UNFIT),
            ("1e-40", To("'0.0000000000000000000000000000000000000001'"), UNFIT),
            (
                "18446744073709551615",
                To("'18446744073709551615'"),
                Back(
                    "18446744073709551615.000000000000000000000000000000",
                    "18446744073709551615.000000000000000000000000000000",
                ),
            ),
            ("'NaN'", To("'NaN'"), UNFIT),
            ("'Infinity'", To("'Infinity'"), UNFIT),
            ("'-Infinity'", To("'-Infinity'"), UNFIT),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "numeric of few digits",
        declared: "numeric(12,2)",
        into: ["", ""],
        values: &[
            ("1.10", To("1.1"), To("1.10")),
            ("3", To("3"), To("3.00")),
            ("-9999999999.99", To("-9999999999.99"), To("-9999999999.99")),
            ("0", To("0"), To("0.00")),
            ("'NaN'", To("'NaN'"), UNFIT),
            ("'-0.00'", To("0"), To("0.00")),
        ],
    },
    Trap {
        name: "numeric of many digits",
        declared: "numeric(38,10)",
        into: ["", ""],
        values: &[
            ("1.1", To("'1.1000000000'"), To("1.1000000000")),
            (
                "1234567890123456789012345678.1",
                To("'1234567890123456789012345678.1000000000'"),
                To("1234567890123456789012345678.1000000000"),
            ),
        ],
    },
    Trap {
        name: "numeric of tens",
        declared: "numeric(3,-1)",
        into: ["", ""],
        values: &[
            ("1250", To("'1250'"), To("1250.000000000000000000000000000000")),
            ("5", To("'10'"), To("10.000000000000000000000000000000")),
            ("0", To("'0'"), To("0.000000000000000000000000000000")),
        ],
    },
    Trap {
        name: "numeric of small parts",
        declared: "numeric(3,5)",
        into: ["", ""],
        values: &[
            ("0.00999", To("0.00999"), To("0.009990000000000000000000000000")),
            ("0", To("0"), To("0.000000000000000000000000000000")),
        ],
    },
    Trap {
        name: "bigint",
        declared: "bigint",
        into: ["", ""],
        values: &[
            ("9223372036854775807", To("9223372036854775807"), To("9223372036854775807")),
            ("-9223372036854775808", To("-9223372036854775808"), To("-9223372036854775808")),
            ("9007199254740993", To("9007199254740993"), To("9007199254740993")),
        ],
    },
    Trap {
        name: "smallint",
        declared: "smallint",
        into: ["", ""],
        values: &[("32767", To("32767"), To("32767")), ("-32768", To("-32768"), To("-32768"))],
    },
    Trap {
        name: "oid",
        declared: "oid",
        into: ["", ""],
        values: &[("4294967295", To("4294967295"), To("4294967295")), ("0", To("0"), To("0"))],
    },
    Trap {
        name: "boolean",
        declared: "boolean",
        into: ["", ""],
        values: &[("true", To("1"), To("1")), ("false", To("0"), To("0")), ("NULL", To("NULL"), To("NULL"))],
    },
    Trap {
        name: "bit strings",
        declared: "bit(4)",
        into: ["", ""],
        values: &[("B'0101'", To("'0101'"), To("b'0101'")), ("B'0000'", To("'0000'"), To("b'0000'"))],
    },
    Trap {
        name: "bit strings of any length",
        declared: "varbit",
        into: ["", ""],
        values: &[("B''", To("''"), To("''")), ("B'1'", To("'1'"), To("'1'")), ("B'01'", To("'01'"), To("'01'"))],
    },
    Trap {
        name: "double precision",
        declared: "double precision",
        into: ["", ""],
        values: &[
            ("0.1", To("0.1"), To("0.1")),
            ("0.1::float8 + 0.2::float8", To("0.30000000000000004"), To("0.30000000000000004")),
            ("3", To("3.0"), To("3")),
            ("'-0'", Back("0.0", "0"), Back("0", "0")),
            ("'NaN'", To("'NaN'"), UNFIT),
            ("'Infinity'", To("inf"), UNFIT),
            ("'-Infinity'", To("-inf"), UNFIT),
            ("5e-324", To("5e-324"), To("5e-324")),
            ("1.7976931348623157e308", To("1.7976931348623157e308"), To("1.7976931348623157e308")),
        ],
    },
    Trap {
        name: "real",
        declared: "real",
        into: ["", ""],
        values: &[
            ("0.1", To("0.1"), To("0.10000000149011612")),
            ("3.4028235e38", To("3.4028235e38"), To("3.4028234663852886e38")),
            ("1e-45", To("1e-45"), To("1.401298464324817e-45")),
            ("16777216", To("16777216.0"), To("16777216")),
            ("'-0'", Back("0.0", "0"), Back("0", "0")),
            ("'NaN'", To("'NaN'"), UNFIT),
            ("'-Infinity'", To("-inf"), UNFIT),
        ],
    },
    Trap {
        name: "numeric into integers without a sign",
        declared: "numeric(20,0)",
        into: ["", "bigint unsigned"],
        values: &[
            ("18446744073709551615", To("'18446744073709551615'"), To("18446744073709551615")),
            ("0", To("'0'"), To("0")),
            ("-1", To("'-1'"), UNFIT),
            ("18446744073709551616", To("'18446744073709551616'"), UNFIT),
        ],
    },
    Trap {
        name: "integer into 8 bits",
        declared: "integer",
        into: ["", "tinyint unsigned"],
        values: &[("255", To("255"), To("255")), ("256", To("256"), UNFIT), ("-1", To("-1"), UNFIT)],
    },
    Trap {
        name: "numeric into fewer digits",
        declared: "numeric(12,4)",
        into: ["", "decimal(5,2)"],
        values: &[("1.25", To("1.25"), To("1.25")), ("1000", To("1000"), UNFIT), ("0.125", To("0.125"), UNFIT)],
    },
];
