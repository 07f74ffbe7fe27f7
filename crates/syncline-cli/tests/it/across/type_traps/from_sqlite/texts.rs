//! Text and bytes of SQLite.

use super::super::trap::Comes::{Back, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const TEXTS: &[Trap] = &[
    Trap {
        name: "text",
        declared: "TEXT",
        into: ["", ""],
        values: &[
            ("''", To(""), To("''")),
            ("NULL", To("NULL"), To("NULL")),
            ("'NULL'", To("NULL"), To("'NULL'")),
            ("'a  '", To("a  "), To("'a  '")),
            ("'🦀'", To("🦀"), To("'🦀'")),
            ("'é'", To("é"), To("'é'")),
            ("'e\u{301}'", To("e\u{301}"), To("'e\u{301}'")),
            ("'\u{feff}\u{200b}'", To("\u{feff}\u{200b}"), To("'\u{feff}\u{200b}'")),
            ("'\\N'", To("\\N"), To("'\\N'")),
            ("CAST(x'610062' AS TEXT)", UNFIT, To("text x'610062'")),
            ("CAST(x'00' AS TEXT)", UNFIT, To("text x'00'")),
            ("CAST(x'ff' AS TEXT)", UNFIT, UNFIT),
            ("CAST(x'eda080' AS TEXT)", UNFIT, UNFIT),
            ("x'61'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "no type at all",
        declared: "",
        into: ["", ""],
        values: &[
            ("'1'", To("1"), To("'1'")),
            ("1", UNFIT, UNFIT),
            ("1.0", UNFIT, UNFIT),
            ("x'31'", UNFIT, UNFIT),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "text with a limit",
        declared: "VARCHAR(3)",
        into: ["", ""],
        values: &[
            ("'abc'", To("abc"), To("'abc'")),
            ("'🦀🦀🦀'", To("🦀🦀🦀"), To("'🦀🦀🦀'")),
            ("'ab '", To("ab "), To("'ab '")),
            ("'abcd'", UNFIT, UNFIT),
            ("'abc '", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "padded text",
        declared: "CHAR(3)",
        into: ["", ""],
        values: &[
            ("'a'", To("a"), To("'a'")),
            ("'a  '", Back("a", "'a'"), Back("'a'", "'a'")),
            ("'abcd'", UNFIT, UNFIT),
            ("'a    '", Back("a", "'a'"), Back("'a'", "'a'")),
            ("CAST(x'6100' AS TEXT)", UNFIT, To("text x'6100'")),
            ("CAST(x'610020' AS TEXT)", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "bytes",
        declared: "BLOB",
        into: ["", ""],
        values: &[
            ("x''", To("\\x"), To("x''")),
            ("NULL", To("NULL"), To("NULL")),
            ("x'00ff5c'", To("\\x00ff5c"), To("x'00ff5c'")),
            ("'00ff'", UNFIT, UNFIT),
            ("1", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into fewer characters",
        declared: "TEXT",
        into: ["varchar(3)", "varchar(3)"],
        values: &[
            ("'abc'", To("abc"), To("'abc'")),
            ("'ab '", To("ab "), To("'ab '")),
            ("'abcd'", UNFIT, UNFIT),
            ("'🦀🦀🦀'", To("🦀🦀🦀"), To("'🦀🦀🦀'")),
        ],
    },
    Trap {
        name: "text into padded text",
        declared: "TEXT",
        into: ["char(3)", "char(3)"],
        values: &[
            ("'ab'", To("ab"), To("'ab'")),
            ("'ab '", Back("ab", "'ab'"), Back("'ab'", "'ab'")),
            ("'abcd'", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into few bytes",
        declared: "TEXT",
        into: ["varchar(255)", "tinytext"],
        values: &[
            ("'a'", To("a"), To("'a'")),
            (
                "printf('%.*c', 255, 'x')",
                To(
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                ),
                To(
                    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
                ),
            ),
            ("printf('%.*c', 256, 'x')", UNFIT, UNFIT),
        ],
    },
    Trap {
        name: "text into latin1",
        declared: "TEXT",
        into: ["", "varchar(20) CHARACTER SET latin1"],
        values: &[
            ("'é'", To("é"), To("'é'")),
            ("'€'", To("€"), To("'€'")),
            ("'中'", To("中"), UNFIT),
            ("'🦀'", To("🦀"), UNFIT),
            ("'e\u{301}'", To("e\u{301}"), UNFIT),
        ],
    },
    Trap {
        name: "text into utf8mb3",
        declared: "TEXT",
        into: ["", "varchar(20) CHARACTER SET utf8mb3"],
        values: &[("'中'", To("中"), To("'中'")), ("'🦀'", To("🦀"), UNFIT)],
    },
    Trap {
        name: "bytes into a fixed width",
        declared: "BLOB",
        into: ["", "binary(4)"],
        values: &[
            ("x'61000000'", To("\\x61000000"), To("x'61000000'")),
            ("x'61'", To("\\x61"), UNFIT),
            ("x'6162636465'", To("\\x6162636465"), UNFIT),
        ],
    },
    Trap {
        name: "bytes into a limit",
        declared: "BLOB",
        into: ["", "varbinary(2)"],
        values: &[
            ("x''", To("\\x"), To("x''")),
            ("x'6100'", To("\\x6100"), To("x'6100'")),
            ("x'610000'", To("\\x610000"), UNFIT),
        ],
    },
];
