//! Keys that one engine tells apart, orders or counts otherwise than another.

use super::super::tables::Ends::Short;
use super::super::tables::Way::{FileToMariadb, MariadbToFile, MariadbToMariadb, MariadbToPostgres, PostgresToMariadb};
use super::super::tables::{NONE, TableTrap, Way};

/// From MariaDB to anywhere.
const FROM: &[Way] = &[MariadbToFile, MariadbToPostgres, MariadbToMariadb];

pub(super) const KEYS: &[TableTrap] = &[
    TableTrap {
        name: "keys that look alike",
        holds: "`'a'`, `'A'`, `'a '`, `'á'` in one and in two characters as keys",
        does: "eight keys: text that Syncline declares is compared by its bytes, and spaces at its end count",
        ways: &[FileToMariadb, PostgresToMariadb],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('á', '4'), ('a\u{301}', '5'), ('', '6'), ('Z', '7'), ('ä', '8')",
        shows: &[("SELECT count(*) FROM t", &["8"]), ("SELECT v FROM t WHERE k = 'A'", &["2"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "keys that are one in the target",
        holds: "`'a'`, `'A'`, `'a '`, `'á'`, `'b'`; the target's key is of `utf8mb4_general_ci`",
        does: "rows never become one: three are held, `unique`, by every run; one keeps the key",
        ways: &[FileToMariadb, PostgresToMariadb],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('á', '4'), ('b', '5')",
        target: "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v TEXT)",
        ends: Short(3, "unique"),
        shows: &[("SELECT count(*) FROM t", &["2"])],
        ..NONE
    },
    TableTrap {
        name: "keys of another collation between servers",
        holds: "the same under `utf8mb4_nopad_bin`; the target's key is of `utf8mb4_general_ci`",
        does: "likewise",
        ways: &[MariadbToMariadb],
        source: "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('á', '4'), ('b', '5')",
        target: "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v TEXT)",
        ends: Short(3, "unique"),
        shows: &[("SELECT count(*) FROM t", &["2"])],
        ..NONE
    },
    TableTrap {
        name: "keys compared without case",
        holds: "`'b'`, `'A'`, `'Z'`, `'é '`, `'ß'` as keys under `utf8mb4_unicode_ci`",
        does: "the order of the collation is nowhere relied on",
        ways: FROM,
        source: "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_unicode_ci NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('b', '1'), ('A', '2'), ('Z', '3'), ('é ', '4'), ('ß', '5')",
        shows: &[("SELECT count(*) FROM t", &["5"]), ("SELECT v FROM t WHERE k = 'A'", &["2"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "keys of latin1",
        holds: "`'é'`, `'€'`, `'z'` as keys of a column in `latin1`",
        does: "the same characters, in UTF-8",
        ways: FROM,
        source: "CREATE TABLE t (k VARCHAR(20) CHARACTER SET latin1 NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('é', '1'), ('€', '2'), ('z', '3')",
        shows: &[("SELECT v FROM t WHERE k = '€'", &["2"]), ("SELECT count(*) FROM t", &["3"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "an unsigned integer as a key",
        holds: "18446744073709551615 in `bigint unsigned`, referenced by another table",
        does: "as text in a file, as `numeric(20,0)` in PostgreSQL, digit by digit",
        ways: FROM,
        source: "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY);
            CREATE TABLE c (id INT PRIMARY KEY, t BIGINT UNSIGNED, FOREIGN KEY (t) REFERENCES t (id));
            INSERT INTO t VALUES (18446744073709551615), (18446744073709551614), (9); INSERT INTO c VALUES (1, 18446744073709551615), (2, 9)",
        shows: &[("SELECT t FROM c ORDER BY id", &["18446744073709551615", "9"])],
        home: "SELECT c.id, t.id FROM c JOIN t ON t.id = c.t ORDER BY 1",
        ..NONE
    },
    TableTrap {
        name: "enumerations as keys",
        holds: "`enum('b', 'a', 'c')`, which the server orders by position",
        does: "the order is nowhere relied on",
        ways: FROM,
        source: "CREATE TABLE t (k ENUM('b', 'a', 'c') NOT NULL PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('a', '1'), ('b', '2'), ('c', '3')",
        shows: &[("SELECT v FROM t WHERE k = 'b'", &["2"]), ("SELECT count(*) FROM t", &["3"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "UUIDs as keys",
        holds: "`uuid`, which the server orders by its last digits",
        does: "the order is nowhere relied on",
        ways: FROM,
        source: "CREATE TABLE t (k UUID NOT NULL PRIMARY KEY, v TEXT); INSERT INTO t VALUES
            ('00000000-0000-1000-8000-ffffffffffff', '1'), ('ffffffff-ffff-1fff-8fff-000000000000', '2'), ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '3')",
        shows: &[("SELECT v FROM t WHERE k = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'", &["3"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "addresses as keys",
        holds: "`inet6`, which is ordered by its bytes and is text elsewhere",
        does: "the order is nowhere relied on",
        ways: FROM,
        source: "CREATE TABLE t (k INET6 NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('::ffff:10.0.0.1', '1'), ('::9', '2'), ('::10', '3'), ('2001:db8::', '4')",
        shows: &[("SELECT v FROM t WHERE k = '::9'", &["2"]), ("SELECT count(*) FROM t", &["4"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "bits and bytes as keys",
        holds: "`bit(12)` and `varbinary(3)`, with zeros at their ends",
        does: "",
        ways: FROM,
        source: "CREATE TABLE t (k BIT(12) NOT NULL, b VARBINARY(3) NOT NULL, v INT, PRIMARY KEY (k, b)); INSERT INTO t VALUES
            (b'1', x'61', 1), (b'1', x'6100', 2), (b'100000000000', x'', 3), (b'0', x'ff', 4)",
        shows: &[("SELECT count(*) FROM t", &["4"])],
        home: "SELECT v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "spans of time as keys",
        holds: "`-01:00:00`, `-00:30:00`, `10:00:00`, `100:00:00`, `838:59:59` in `time`",
        does: "in a file their text, which orders them otherwise",
        ways: &[MariadbToFile, MariadbToMariadb],
        source: "CREATE TABLE t (k TIME NOT NULL PRIMARY KEY, v INT); INSERT INTO t VALUES
            ('-01:00:00', 1), ('-00:30:00', 2), ('10:00:00', 3), ('100:00:00', 4), ('838:59:59', 5)",
        shows: &[("SELECT v FROM t WHERE k = '100:00:00'", &["4"]), ("SELECT count(*) FROM t", &["5"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "days that do not exist as keys",
        holds: "`0000-00-00`, `2024-02-30`, `0000-01-01`, `2024-02-29` in `date`",
        does: "in a file their text",
        ways: &[MariadbToFile, MariadbToMariadb],
        source: "CREATE TABLE t (k DATE NOT NULL PRIMARY KEY, v INT);
            INSERT INTO t VALUES ('0000-00-00', 1), ('2024-02-30', 2), ('0000-01-01', 3), ('2024-02-29', 4)",
        shows: &[("SELECT v FROM t WHERE k = '2024-02-30'", &["2"]), ("SELECT count(*) FROM t", &["4"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "NULL in a primary key",
        holds: "NULL in `TEXT PRIMARY KEY`, which SQLite lets in",
        does: "the table is left as it is and named, `KEY_NULL`; the others are carried",
        ways: &[FileToMariadb],
        source: "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (NULL, '1'), ('a', '2');
            CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1)",
        ends: Short(3, "KEY_NULL"),
        shows: &[("SELECT count(*) FROM u", &["1"])],
        ..NONE
    },
    TableTrap {
        name: "a key longer than an index can be",
        holds: "768 and 769 characters as keys",
        does: "the longer one is held, `type`",
        ways: &[PostgresToMariadb],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES (repeat('x', 768), '1'), (repeat('y', 769), '2')",
        ends: Short(3, "\"type\""),
        shows: &[("SELECT v FROM t", &["1"])],
        ..NONE
    },
];
