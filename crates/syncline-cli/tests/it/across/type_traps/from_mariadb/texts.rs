//! Text and enumerations of MariaDB.

use super::super::trap::Comes::{Blurs, Stays, To};
use super::super::trap::{Trap, UNFIT};

pub(super) const TEXTS: &[Trap] = &[
    Trap {
        name: "enum",
        declared: "enum('happy','it''s so-so','sad')",
        into: ["", ""],
        values: &[
            ("'happy'", To("'happy'"), To("happy")),
            ("'it''s so-so'", To("'it's so-so'"), To("it's so-so")),
            ("3", To("'sad'"), To("sad")),
            ("NULL", To("NULL"), To("NULL")),
            ("'wrong'", Stays("''", "type"), UNFIT),
        ],
    },
    Trap {
        name: "enum with an empty label",
        declared: "enum('','a')",
        into: ["", ""],
        values: &[("''", To("''"), To("")), ("'a'", To("'a'"), To("a")), ("'wrong'", Blurs("''", "type"), UNFIT)],
    },
    Trap {
        name: "enum of numbers",
        declared: "enum('2','1','0')",
        into: ["", ""],
        values: &[("'2'", To("'2'"), To("2")), ("2", To("'1'"), To("1")), ("'0'", To("'0'"), To("0"))],
    },
    Trap {
        name: "set",
        declared: "set('a','b','it''s')",
        into: ["", ""],
        values: &[
            ("''", To("''"), To("")),
            ("'b,a'", To("'a,b'"), To("a,b")),
            ("'it''s'", To("'it's'"), To("it's")),
            ("7", To("'a,b,it's'"), To("a,b,it's")),
            ("NULL", To("NULL"), To("NULL")),
        ],
    },
    Trap {
        name: "char",
        declared: "char(5)",
        into: ["", ""],
        values: &[
            ("'ab'", To("'ab'"), To("ab")),
            ("'ab   '", To("'ab'"), To("ab")),
            ("'  ab'", To("'  ab'"), To("  ab")),
            ("''", To("''"), To("")),
        ],
    },
    Trap {
        name: "varchar",
        declared: "varchar(3)",
        into: ["", ""],
        values: &[
            ("'ab '", To("'ab '"), To("ab ")),
            ("'🦀🦀🦀'", To("'🦀🦀🦀'"), To("🦀🦀🦀")),
            ("'   '", To("'   '"), To("   ")),
            ("''", To("''"), To("")),
        ],
    },
    Trap {
        name: "text",
        declared: "text",
        into: ["", ""],
        values: &[
            ("''", To("''"), To("")),
            ("'a  '", To("'a  '"), To("a  ")),
            ("'\\\\N'", To("'\\N'"), To("\\N")),
            ("'🦀'", To("'🦀'"), To("🦀")),
            ("'é'", To("'é'"), To("é")),
            ("'é'", To("'é'"), To("é")),
            ("'NULL'", To("'NULL'"), To("NULL")),
            ("NULL", To("NULL"), To("NULL")),
            ("'1.10'", To("'1.10'"), To("1.10")),
            ("'a\\tb\\nc\\r\\n'", To("'a\tb\nc\r\n'"), To("a\tb\nc\r\n")),
            ("'\\\\'", To("'\\'"), To("\\")),
        ],
    },
    Trap {
        name: "text with NUL",
        declared: "text",
        into: ["", ""],
        values: &[("'a\\0b'", To("'a\0b'"), UNFIT), ("'\\0'", To("'\0'"), UNFIT)],
    },
    Trap {
        name: "tinytext",
        declared: "tinytext",
        into: ["", ""],
        values: &[("repeat('x', 3)", To("'xxx'"), To("xxx")), ("'a '", To("'a '"), To("a "))],
    },
    Trap {
        name: "latin1",
        declared: "varchar(20) CHARACTER SET latin1",
        into: ["", ""],
        values: &[
            ("'é'", To("'é'"), To("é")),
            ("'€'", To("'€'"), To("€")),
            ("'a '", To("'a '"), To("a ")),
            ("0x81", To("''"), To("")),
        ],
    },
    Trap {
        name: "ucs2",
        declared: "varchar(20) CHARACTER SET ucs2",
        into: ["", ""],
        values: &[("'é'", To("'é'"), To("é")), ("'中'", To("'中'"), To("中"))],
    },
    Trap {
        name: "utf8mb3",
        declared: "varchar(20) CHARACTER SET utf8mb3",
        into: ["", ""],
        values: &[("'é'", To("'é'"), To("é")), ("'中'", To("'中'"), To("中"))],
    },
    Trap {
        name: "sjis",
        declared: "varchar(20) CHARACTER SET sjis",
        into: ["", ""],
        values: &[("'ソ'", To("'ソ'"), To("ソ")), ("'表'", To("'表'"), To("表")), ("'a'", To("'a'"), To("a"))],
    },
    Trap {
        name: "ascii",
        declared: "char(4) CHARACTER SET ascii",
        into: ["", ""],
        values: &[("'ab'", To("'ab'"), To("ab")), ("'ab '", To("'ab'"), To("ab"))],
    },
    Trap {
        name: "text compared without case",
        declared: "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        into: ["", ""],
        values: &[
            ("'a'", To("'a'"), To("a")),
            ("'A'", To("'A'"), To("A")),
            ("'á'", To("'á'"), To("á")),
            ("'a '", To("'a '"), To("a ")),
            ("'ß'", To("'ß'"), To("ß")),
        ],
    },
    Trap {
        name: "by what it is not",
        declared: "varchar(10) DEFAULT 'x'",
        into: ["", ""],
        values: &[("NULL", To("NULL"), To("NULL")), ("''", To("''"), To(""))],
    },
];
