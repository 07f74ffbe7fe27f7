//! The traps, in the order of the page.

/// One trap.
pub(super) struct Trap {
    /// What it is called.
    pub(super) name: &'static str,
    /// What the source holds, in words.
    pub(super) holds: &'static str,
    /// What Syncline does beyond carrying, stopping or reporting it, in words; may be empty.
    pub(super) does: &'static str,
    /// The source. `{long}` stands for a name of 500 bytes.
    source: &'static str,
    /// What is to come of it.
    pub(super) outcome: Outcome,
}

/// What comes of a trap.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// Every cell arrives as it is: in a new file, and in a copy of the source to which these edits were made. Each edit
    /// is a difference that is easily taken for none.
    Carried { edits: &'static str },
    /// The run does not begin (exit code 6).
    Stopped { target: &'static str, code: &'static str },
    /// What cannot be carried is left as it is and said (exit code 3).
    Reported { target: &'static str, code: &'static str },
    /// Rows that the target does not take are held for this reason, and the others are carried.
    Held { target: &'static str, reason: &'static str },
}

use Outcome::{Carried, Held, Reported, Stopped};

impl Trap {
    /// The statements that make the source.
    pub(super) fn source(&self) -> String {
        self.source.replace("{long}", &"n".repeat(500))
    }
}

/// Every row of the reference's table that SQLite has, and what else SQLite lets into a column.
pub(super) const TRAPS: &[Trap] = &[
    Trap {
        name: "decimals as text",
        holds: "`'1.10'`, `'1.1'`, 40 digits in TEXT columns",
        does: "digit by digit, zeros at the end too",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d TEXT);
            INSERT INTO t VALUES (1, '1.10'), (2, '12345678901234567890123456789012345678.90'), (3, '-0.00'), (4, 'NaN'), (5, '1e2')",
        outcome: Carried {
            edits: "UPDATE t SET d = '1.1' WHERE id = 1; UPDATE t SET d = '12345678901234567890123456789012345678.9' WHERE id = 2;
                UPDATE t SET d = '0.00' WHERE id = 3; UPDATE t SET d = '100' WHERE id = 5",
        },
    },
    Trap {
        name: "decimals in NUMERIC columns",
        holds: "what SQLite made of them: `1.10` became 1.1, what is above 2^63 a double",
        does: "an integer above 2^53 and the double next to it are different values",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d NUMERIC, e DECIMAL(10, 2));
            INSERT INTO t VALUES (1, '1.10', 1.10), (2, 9007199254740993, '9007199254740993'), (3, '18446744073709551616', 12.5),
                (4, '1e400', '-1e400'), (5, 'twelve', '0x10'), (6, 0.1, 3.0)",
        outcome: Carried {
            edits: "UPDATE t SET d = 9007199254740992 WHERE id = 2; UPDATE t SET d = 18446744073709551616.0 * (1 + 3e-16) WHERE id = 3;
                UPDATE t SET d = 0.1 + 3e-17 WHERE id = 6",
        },
    },
    Trap {
        name: "decimals as text into a NUMERIC column",
        holds: "`'1.10'` in TEXT; the target's column is NUMERIC and would store 1.1",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d TEXT); INSERT INTO t VALUES (1, '1.10')",
        outcome: Stopped { target: "CREATE TABLE t (id INTEGER PRIMARY KEY, d NUMERIC)", code: "SCHEMA_TYPE_DIFFERS" },
    },
    Trap {
        name: "big integers",
        holds: "2^53 + 1, 2^63 − 1, −2^63; 18446744073709551615 as a text key that others reference",
        does: "",
        source: "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY NOT NULL, n BIGINT);
            CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL); CREATE TABLE c (id INTEGER PRIMARY KEY, u TEXT REFERENCES u (id));
            INSERT INTO t VALUES (9223372036854775807, -9223372036854775808), (9223372036854775806, 9007199254740993), (-9223372036854775808, 0);
            INSERT INTO u VALUES ('18446744073709551615'), ('9223372036854775808');
            INSERT INTO c VALUES (1, '18446744073709551615'), (2, '9223372036854775808')",
        outcome: Carried {
            edits: "UPDATE t SET n = -9223372036854775807 WHERE n < 0; UPDATE t SET n = 9007199254740992 WHERE n > 0; UPDATE t SET n = NULL WHERE n = 0;
                UPDATE c SET u = '18446744073709551615' WHERE id = 2",
        },
    },
    Trap {
        name: "an unsigned integer as a double",
        holds: "18446744073709551615 in INTEGER, which SQLite has made 1.8446744073709552e19",
        does: "the double that is there",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 18446744073709551615), (2, 9223372036854775808)",
        outcome: Carried { edits: "UPDATE t SET n = 9223372036854775807" },
    },
    Trap {
        name: "booleans",
        holds: "0, 1, 2, −1, `'t'`, `'true'`, NULL in BOOLEAN",
        does: "2 does not become true, nor 1",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, b BOOLEAN);
            INSERT INTO t VALUES (1, 0), (2, 1), (3, 2), (4, -1), (5, 't'), (6, 'true'), (7, NULL), (8, TRUE), (9, '')",
        outcome: Carried { edits: "UPDATE t SET b = 1 WHERE id IN (3, 4, 5, 6); UPDATE t SET b = 0 WHERE id IN (7, 9)" },
    },
    Trap {
        name: "bit strings",
        holds: "`X'01'`, 1, `'101'`, `'b1'` in BIT(8)",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, b BIT(8)); INSERT INTO t VALUES (1, X'01'), (2, 1), (3, '101'), (4, 'b1'), (5, X'0001')",
        outcome: Carried { edits: "UPDATE t SET b = 1 WHERE id = 1; UPDATE t SET b = X'01' WHERE id IN (2, 5)" },
    },
    Trap {
        name: "doubles",
        holds: "0.1, 0.1 + 0.2, the largest, the smallest, subnormal ones, −0.0, ±∞",
        does: "bit for bit",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, u);
            INSERT INTO t SELECT value, NULL, NULL FROM json_each('[1,2,3,4,5,6,7,8,9,10,11]');
            UPDATE t SET u = CASE id WHEN 1 THEN 0.1 WHEN 2 THEN 0.1 + 0.2 WHEN 3 THEN 1.7976931348623157e308 WHEN 4 THEN 5e-324
                WHEN 5 THEN 2.2250738585072009e-308 WHEN 6 THEN -0.0 WHEN 7 THEN 9e999 WHEN 8 THEN -9e999 WHEN 9 THEN 3.0
                WHEN 10 THEN 9007199254740992.0 ELSE 123456789.12345679 END;
            UPDATE t SET r = u",
        outcome: Carried {
            edits: "UPDATE t SET u = 0.3 WHERE id = 2; UPDATE t SET u = 0.0 WHERE id = 6; UPDATE t SET u = 1.7976931348623157e308 WHERE id = 7;
                UPDATE t SET u = 1e-323, r = 1e-323 WHERE id = 4; UPDATE t SET u = 3 WHERE id = 9; UPDATE t SET u = 9007199254740992 WHERE id = 10",
        },
    },
    Trap {
        name: "not a number",
        holds: "NULL: SQLite stores NaN so",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL); INSERT INTO t VALUES (1, 9e999 - 9e999), (2, 0.0)",
        outcome: Carried { edits: "UPDATE t SET r = 0.0 WHERE id = 1" },
    },
    Trap {
        name: "instants",
        holds: "text with and without zone and fraction, Julian days, seconds, milliseconds",
        does: "as stored; no zone is added, nothing is rounded",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, d DATETIME);
            INSERT INTO t VALUES (1, '2024-03-31 02:30:00', '2024-03-31T02:30:00Z'), (2, '2024-10-27 02:30:00+02:00', '2024-10-27 02:30:00+01:00'),
                (3, '2024-01-01 00:00:00.123456', '2024-01-01 00:00:00.123456789'), (4, 2460310.5, 1704067200), (5, 1704067200123, '2024-01-01 24:00:00')",
        outcome: Carried {
            edits: "UPDATE t SET d = '2024-03-31 02:30:00' WHERE id = 1; UPDATE t SET at = '2024-10-27 00:30:00Z' WHERE id = 2;
                UPDATE t SET d = '2024-01-01 00:00:00.123457' WHERE id = 3; UPDATE t SET d = 1704067200.0 + 1e-6 WHERE id = 4; UPDATE t SET d = '2024-01-02 00:00:00' WHERE id = 5",
        },
    },
    Trap {
        name: "odd dates",
        holds: "`0000-00-00`, `2024-00-10`, `2024-02-30`, a year BC, `infinity`, the year 10000",
        does: "as text, since SQLite has no dates",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE);
            INSERT INTO t VALUES (1, '0000-00-00'), (2, '2024-00-10'), (3, '2024-02-30'), (4, '-4712-01-01'), (5, 'infinity'), (6, '10000-01-01'), (7, '')",
        outcome: Carried { edits: "UPDATE t SET d = NULL WHERE id IN (1, 7); UPDATE t SET d = '2024-03-01' WHERE id = 3" },
    },
    Trap {
        name: "times",
        holds: "`-01:00:00`, `25:00:00`, `838:59:59`, an interval",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d TIME);
            INSERT INTO t VALUES (1, '-01:00:00'), (2, '25:00:00'), (3, '838:59:59'), (4, 'P1M2D'), (5, '00:00:00'), (6, '24:00:00')",
        outcome: Carried { edits: "UPDATE t SET d = '23:00:00' WHERE id = 1; UPDATE t SET d = '01:00:00' WHERE id = 2; UPDATE t SET d = '00:00:00' WHERE id = 6" },
    },
    Trap {
        name: "enumerations",
        holds: "labels under a CHECK, an empty one, NULL",
        does: "the CHECK comes along when the table is made",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, e TEXT CHECK (e IN ('', 'new', 'old'))); INSERT INTO t VALUES (1, ''), (2, 'new'), (3, NULL)",
        outcome: Carried { edits: "UPDATE t SET e = NULL WHERE id = 1; UPDATE t SET e = '' WHERE id = 3" },
    },
    Trap {
        name: "a label that the target does not know",
        holds: "`'paused'`, which the target's CHECK refuses",
        does: "with SQLite's own words",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, e TEXT); INSERT INTO t VALUES (1, 'new'), (2, 'paused')",
        outcome: Held {
            target: "CREATE TABLE t (id INTEGER PRIMARY KEY, e TEXT CHECK (e IN ('new', 'old'))); INSERT INTO t VALUES (9, 'old')",
            reason: "check",
        },
    },
    Trap {
        name: "JSON",
        holds: "order of keys, keys twice, `1.0`, `1e2`, numbers of 40 digits, spaces, `\\u0000`, JSONB",
        does: "as written, byte for byte",
        source: r#"CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON, b BLOB);
            INSERT INTO t VALUES (1, '{"b":1,"a":2}', jsonb('{"b":1}')), (2, '{"a":1,"a":2}', NULL), (3, '[1.0,1e2]', NULL),
                (4, '[1234567890123456789012345678901234567890]', NULL), (5, '{ "a" : 1 }', NULL), (6, '"\u0000\ud83e"', NULL), (7, 'not json', NULL), (8, '1', NULL)"#,
        outcome: Carried {
            edits: r#"UPDATE t SET j = '{"a":2,"b":1}' WHERE id = 1; UPDATE t SET j = '{"a":2}' WHERE id = 2; UPDATE t SET j = '[1,100]' WHERE id = 3;
                UPDATE t SET j = '{"a":1}' WHERE id = 5; UPDATE t SET b = '{"b":1}' WHERE id = 1"#,
        },
    },
    Trap {
        name: "bytes",
        holds: "all 256 of them, none at all beside NULL, 16 MB, the bytes of a text",
        does: "no bytes is not NULL, and bytes are not text",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB);
            INSERT INTO t SELECT 1, unhex(group_concat(printf('%02x', value), '')) FROM (WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 255) SELECT value FROM n);
            INSERT INTO t VALUES (2, X''), (3, NULL), (4, randomblob(16777216)), (5, X'616263'), (6, zeroblob(3)), (7, X'00112233445566778899aabbccddeeff')",
        outcome: Carried {
            edits: "UPDATE t SET b = NULL WHERE id = 2; UPDATE t SET b = X'' WHERE id = 3; UPDATE t SET b = 'abc' WHERE id = 5;
                UPDATE t SET b = substr(b, 1, 16777215) || X'00' WHERE id = 4; UPDATE t SET b = zeroblob(4) WHERE id = 6",
        },
    },
    Trap {
        name: "text with NUL",
        holds: "`a`, NUL, `b`; NUL alone; bytes behind a NUL that most programs do not show",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE k (k TEXT PRIMARY KEY NOT NULL, v);
            INSERT INTO t VALUES (1, 'a' || char(0) || 'b'), (2, char(0)), (3, '');
            INSERT INTO k VALUES ('a', 1), ('a' || char(0), 2), ('a' || char(0) || 'b', 3)",
        outcome: Carried {
            edits: "UPDATE t SET x = 'a' || char(0) || 'c' WHERE id = 1; UPDATE t SET x = '' WHERE id = 2; UPDATE t SET x = char(0) WHERE id = 3; UPDATE k SET v = v + 1",
        },
    },
    Trap {
        name: "text that is no UTF-8",
        holds: "a lone surrogate, a cut character, Latin-1",
        does: "byte for byte, nothing is replaced",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);
            INSERT INTO t VALUES (1, CAST(X'eda080' AS TEXT)), (2, CAST(X'f09fa6' AS TEXT)), (3, CAST(X'fc62' AS TEXT)), (4, CAST(X'c080' AS TEXT))",
        outcome: Carried { edits: "UPDATE t SET x = char(0xfffd) WHERE id < 3; UPDATE t SET x = 'üb' WHERE id = 3; UPDATE t SET x = char(0) WHERE id = 4" },
    },
    Trap {
        name: "text that looks alike",
        holds: "composed and decomposed letters, spaces at the end, line ends, emoji, ligatures, invisible marks",
        does: "compared by its bytes",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE k (k TEXT PRIMARY KEY NOT NULL, v);
            INSERT INTO t VALUES (1, char(0xe9)), (2, 'a '), (3, 'a' || char(13, 10)), (4, char(0x1f980)), (5, char(0xfb01)), (6, 'a' || char(0x200b)), (7, 'A'), (8, '1');
            INSERT INTO k VALUES (char(0xe9), 1), ('e' || char(0x301), 2), ('a', 3), ('a ', 4), ('A', 5), ('', 6), (' ', 7)",
        outcome: Carried {
            edits: "UPDATE t SET x = 'e' || char(0x301) WHERE id = 1; UPDATE t SET x = 'a' WHERE id IN (2, 6); UPDATE t SET x = 'a' || char(10) WHERE id = 3;
                UPDATE t SET x = 'fi' WHERE id = 5; UPDATE t SET x = 'a' WHERE id = 7; UPDATE k SET v = -v",
        },
    },
    Trap {
        name: "text stored as UTF-16",
        holds: "a database with `PRAGMA encoding = 'UTF-16le'`",
        does: "keys are sorted by their UTF-8 bytes on both sides",
        source: "PRAGMA encoding = 'UTF-16le'; CREATE TABLE k (k TEXT PRIMARY KEY NOT NULL, v);
            INSERT INTO k VALUES (char(0xffff), 1), (char(0x1f980), 2), ('z', 3), ('é', 4)",
        outcome: Carried { edits: "UPDATE k SET v = v + 1 WHERE v > 1" },
    },
    Trap {
        name: "keys under NOCASE and RTRIM",
        holds: "`'B'`, `'a'` under a collation that orders them otherwise",
        does: "keys are compared by bytes; a key that changes its case is another key",
        source: "CREATE TABLE n (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v); CREATE TABLE r (k TEXT COLLATE RTRIM PRIMARY KEY NOT NULL, v) WITHOUT ROWID;
            INSERT INTO n VALUES ('B', 1), ('a', 2), ('C', 3), ('_', 4), ('ä', 5), ('Ä', 6); INSERT INTO r VALUES ('a ', 1), ('b', 2)",
        outcome: Carried { edits: "UPDATE n SET k = 'A' WHERE k = 'a'; UPDATE r SET k = 'a' WHERE k = 'a '; UPDATE n SET v = 7 WHERE v = 5" },
    },
    Trap {
        name: "keys that collide in the target only: NOCASE",
        holds: "the keys `'a'` and `'A'`; the target's key is NOCASE",
        does: "two rows never become one",
        source: "CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES ('a', 1), ('A', 2)",
        outcome: Held {
            target: "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES ('x', 1)",
            reason: "unique",
        },
    },
    Trap {
        name: "keys that collide in the target only: RTRIM",
        holds: "the keys `'a'` and `'a '`; the target's key is RTRIM",
        does: "",
        source: "CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES ('a', 1), ('a ', 2)",
        outcome: Held {
            target: "CREATE TABLE t (k TEXT COLLATE RTRIM PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES ('x', 1)",
            reason: "unique",
        },
    },
    Trap {
        name: "any value in any column",
        holds: "`'abc'` in INTEGER, 1 in TEXT as `'1'`, a blob in REAL",
        does: "1, 1.0, `'1'` and `X'31'` are four values",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, x TEXT, b BLOB, u);
            INSERT INTO t VALUES (1, 'abc', 'abc', 'abc', 'abc', 'abc'), (2, 1, 1, 1, 1, 1), (3, 1.5, 1.5, 1.5, 1.5, 1.5),
                (4, X'31', X'31', X'31', X'31', X'31'), (5, '1', '1', '1', '1', '1'), (6, 1.0, 1.0, 1.0, 1.0, 1.0), (7, NULL, NULL, NULL, NULL, NULL)",
        outcome: Carried {
            edits: "UPDATE t SET u = '1' WHERE id IN (2, 4); UPDATE t SET u = 1 WHERE id = 6; UPDATE t SET b = 1.0 WHERE id = 2;
                UPDATE t SET i = X'616263' WHERE id = 1; UPDATE t SET x = '' WHERE id = 7",
        },
    },
    Trap {
        name: "keys of any kind",
        holds: "1, `'1'`, `X'31'`, 1.5, `''` as keys of one table",
        does: "numbers are one key by value, 1 and 1.0",
        source: "CREATE TABLE t (k PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES (1, 'integer'), ('1', 'text'), (X'31', 'bytes'), (1.5, 'double'), ('', 'empty'), (9007199254740993, 'big')",
        outcome: Carried { edits: "UPDATE t SET v = v || '?'; UPDATE t SET k = 1.0 WHERE k = 1; UPDATE t SET k = 9007199254740992 WHERE v = 'big?'" },
    },
    Trap {
        name: "STRICT tables",
        holds: "ANY, INT, TEXT, BLOB, REAL in a STRICT table",
        does: "a missing one is made STRICT",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a ANY, i INT, x TEXT, b BLOB, r REAL) STRICT;
            INSERT INTO t VALUES (1, '1', 1, '1', X'31', 1.0), (2, 1, NULL, '', X'', -0.5), (3, 1.0, 9, NULL, NULL, NULL)",
        outcome: Carried { edits: "UPDATE t SET a = '1' WHERE id = 2; UPDATE t SET a = 1 WHERE id = 3; UPDATE t SET x = NULL WHERE id = 2" },
    },
    Trap {
        name: "INTEGER PRIMARY KEY, the row number itself",
        holds: "negative keys, 0, 2^63 − 1; `INT PRIMARY KEY`, which is none",
        does: "",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (id INT PRIMARY KEY NOT NULL, v); CREATE TABLE w (v, id INTEGER, PRIMARY KEY (id DESC));
            INSERT INTO t VALUES (-1, 1), (0, 2), (9223372036854775807, 3); INSERT INTO u VALUES (-1, 1), ('x', 2), (2.5, 3); INSERT INTO w VALUES (1, 7), (2, -7)",
        outcome: Carried { edits: "UPDATE t SET id = 5 WHERE id = 0; UPDATE u SET v = 9; UPDATE w SET v = -v" },
    },
    Trap {
        name: "WITHOUT ROWID",
        holds: "a composite key in another order than the columns",
        does: "",
        source: "CREATE TABLE t (a TEXT, b INTEGER, v, PRIMARY KEY (b DESC, a)) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1, 1), ('X', 1, 2), ('x', -1, 3)",
        outcome: Carried { edits: "UPDATE t SET v = v + 1; UPDATE t SET a = 'y' WHERE b = -1" },
    },
    Trap {
        name: "no key at all",
        holds: "equal rows, NULL in all columns, 1 beside 1.0, `'1'` and `X'31'`",
        does: "equal rows are counted; which of them is meant makes no difference",
        source: "CREATE TABLE t (a, b TEXT COLLATE NOCASE); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1.0, 'x'), ('1', 'x'), (X'31', 'x'), (1, 'X'), (NULL, NULL), (NULL, NULL)",
        outcome: Carried { edits: "DELETE FROM t WHERE rowid IN (1, 7); INSERT INTO t VALUES (1.0, 'x'), (2, NULL)" },
    },
    Trap {
        name: "NULL in a primary key",
        holds: "NULL in `TEXT PRIMARY KEY`, which SQLite lets in, twice",
        does: "the table is left as it is, the others are carried",
        source: "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3)",
        outcome: Reported { target: "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 0)", code: "KEY_NULL" },
    },
    Trap {
        name: "AUTOINCREMENT",
        holds: "keys with gaps",
        does: "the counter follows the rows, and undo puts it back unless others have moved it since",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t VALUES (5, 'x'), (9, 'y')",
        outcome: Carried { edits: "UPDATE t SET v = 'z' WHERE id = 5; DELETE FROM t WHERE id = 9; UPDATE sqlite_sequence SET seq = 5" },
    },
    Trap {
        name: "AUTOINCREMENT, ahead",
        holds: "a counter that is further on than the rows, because the last ones are gone",
        does: "a table that is new or empty in the target gets the source's counter unless its own is further on; elsewhere the counter follows the rows",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t VALUES (5, 'x'), (9, 'y'); DELETE FROM t WHERE id = 9",
        outcome: Carried { edits: "UPDATE t SET v = 'z' WHERE id = 5" },
    },
    Trap {
        name: "generated columns",
        holds: "stored and virtual ones, a unique one, one under an index",
        does: "never written; the target computes them, and they are compared with the rest when proven",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, s INT AS (a * 2) STORED UNIQUE, v TEXT AS (a || '!') VIRTUAL, z); CREATE INDEX t_v ON t (v);
            INSERT INTO t (id, a, z) VALUES (1, 10, 'x'), (2, 20, NULL), (3, NULL, 'y')",
        outcome: Carried { edits: "UPDATE t SET a = a + 1; UPDATE t SET z = '' WHERE id = 2" },
    },
    Trap {
        name: "defaults",
        holds: "NULL where the default is something, and `CURRENT_TIMESTAMP`",
        does: "the value that is there is written, never the default",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x', b INTEGER DEFAULT (1 + 1), at TEXT DEFAULT CURRENT_TIMESTAMP, n TEXT NOT NULL DEFAULT '');
            INSERT INTO t VALUES (1, NULL, NULL, NULL, ''), (2, 'x', 2, '2000-01-01 00:00:00', 'n'); INSERT INTO t (id) VALUES (3)",
        outcome: Carried { edits: "UPDATE t SET a = 'x', b = 2 WHERE id = 1; UPDATE t SET at = CURRENT_TIMESTAMP WHERE id = 2" },
    },
    Trap {
        name: "an `updated_at` that triggers set",
        holds: "its own times; the target's trigger would write others",
        does: "triggers do not fire for what Syncline writes (those of MySQL do, and are named)",
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v, updated_at TEXT); INSERT INTO t VALUES (1, 'x', '2000-01-01'), (2, 'y', '2000-01-02')",
        outcome: Carried {
            edits: "UPDATE t SET v = 'old', updated_at = '1999-01-01';
                CREATE TRIGGER touch AFTER UPDATE ON t BEGIN UPDATE t SET updated_at = CURRENT_TIMESTAMP WHERE id = new.id; END",
        },
    },
    Trap {
        name: "names",
        holds: "reserved words, quotes, `$`, emoji, line ends, names that look like SQL, 500 bytes",
        does: "quoted as names, whatever they are",
        source: "CREATE TABLE \"select\" (\"group\" INTEGER PRIMARY KEY, \"order\" TEXT, \"$a\", \"it's\", \"a\"\"b\", \"🦀\", \"x\ny\", \"1\", \"rowid\");
            CREATE TABLE \"Robert'); DROP TABLE x;--\" (\"{long}\" TEXT PRIMARY KEY NOT NULL, v); CREATE TABLE \"{long}\" (\"_rowid_\" TEXT PRIMARY KEY NOT NULL);
            INSERT INTO \"select\" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), (2, NULL, 1, 2, 3, 4, 5, 6, 7);
            INSERT INTO \"Robert'); DROP TABLE x;--\" VALUES ('k', 1); INSERT INTO \"{long}\" VALUES ('r')",
        outcome: Carried { edits: "UPDATE \"select\" SET \"it's\" = \"🦀\", \"rowid\" = NULL; UPDATE \"Robert'); DROP TABLE x;--\" SET v = 2" },
    },
];
